// SPDX-License-Identifier: Apache-2.0
// The terminal that a command in a workspace is given, as it is its own: the workspace's devpts has no name for it.

import { readlinkSync, statSync } from 'node:fs';
import { isatty } from 'node:tty';

/** Its path, for `RunPlace`, if a standard descriptor is a terminal that has one here. */
export function givenTerminal(): { readonly terminal?: string } {
  const descriptor = [0, 1, 2].find((fd) => isatty(fd));
  if (descriptor === undefined) return {};
  try {
    const link = `/proc/self/fd/${descriptor}`;
    const terminal = readlinkSync(link);
    const [named, given] = [statSync(terminal), statSync(link)];
    // In a container that was started from outside the path is the outer one's, and may be another terminal's here.
    const isIt = named.rdev === given.rdev && named.ino === given.ino && named.dev === given.dev;
    return isIt ? { terminal } : {};
  } catch {
    return {};
  }
}
