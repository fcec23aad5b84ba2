// SPDX-License-Identifier: Apache-2.0
// Numbers of users and groups where a mount belongs to a user namespace that has one of each: the kernel speaks of them by their numbers
// inside (user_namespaces(7)), layers have those of the host.

import type { FuseCaller, StatusChanges } from './fuse-file-system.js';

export interface NumberPair {
  readonly inside: number;
  readonly outside: number;
}

export interface NumberMap {
  readonly user: NumberPair;
  readonly group: NumberPair;
}

/** No namespace has it: the kernel shows the owner as nobody, and nothing is theirs. */
const NONE = 0xffff_ffff;

export function numbersInside<T extends FuseCaller>(status: T, map: NumberMap | undefined): T {
  if (map === undefined) return status;
  const number = (of: number, { inside, outside }: NumberPair): number => (of === outside ? inside : NONE);
  return { ...status, user: number(status.user, map.user), group: number(status.group, map.group) };
}

export function numbersOutside(caller: FuseCaller, map: NumberMap | undefined): FuseCaller {
  return map === undefined ? caller : { user: map.user.outside, group: map.group.outside };
}

export function changesOutside(changes: StatusChanges, map: NumberMap | undefined): StatusChanges {
  if (map === undefined) return changes;
  return {
    ...changes,
    ...(changes.user === undefined ? {} : { user: map.user.outside }),
    ...(changes.group === undefined ? {} : { group: map.group.outside }),
  };
}
