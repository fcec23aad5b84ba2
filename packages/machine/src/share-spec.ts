// SPDX-License-Identifier: Apache-2.0
// A shared folder of a run as a value: part of a RunSpec. The name stands for what the shell opens.

import { PlinthError, utf8 } from '@plinth/core';
import { MAX_MOUNT_TAG } from './devices/virtio/p9/device.js';

export interface ShareSpec {
  /** Directory of the host. */
  readonly path: string;
  /** What the guest mounts: up to 31 bytes. */
  readonly tag: string;
  readonly readonly: boolean;
}

const KEYS = new Set(['path', 'tag', 'readonly']);

/** Checks values of outside origin; a share without a tag gets `share` and its number, from 0. Complaints are one line. */
export function parseShareSpecs(value: unknown): ShareSpec[] {
  if (!Array.isArray(value)) throw wrong('a list is needed');
  const shares = value.map((share, n) => parseShare(share, `share${n}`));
  shares.forEach(({ tag }, n) => {
    if (shares.findIndex((other) => other.tag === tag) < n) throw wrong(`two folders have the tag "${tag}"`);
  });
  return shares;
}

function parseShare(value: unknown, name: string): ShareSpec {
  if (typeof value !== 'object' || value === null) throw wrong('an object with options is needed');
  const { path, tag = name, readonly = false } = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(value)) if (!KEYS.has(key)) throw wrong(`there is no option "${key}"`);
  if (typeof path !== 'string' || path === '') throw wrong('a directory is needed');
  // The tag stands in mount commands and on kernel command lines.
  if (typeof tag !== 'string' || !/^[^\s\p{Cc},]+$/u.test(tag) || utf8(tag).length > MAX_MOUNT_TAG) {
    throw wrong(`tag: up to ${MAX_MOUNT_TAG} bytes without blanks and commas are needed`);
  }
  if (typeof readonly !== 'boolean') throw wrong('readonly: true or false is needed');
  return { path, tag, readonly };
}

function wrong(detail: string): PlinthError {
  return new PlinthError('input', 'share', `share: ${detail}`.replace(/\p{Cc}/gu, '?'));
}
