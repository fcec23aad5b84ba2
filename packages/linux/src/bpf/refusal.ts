// SPDX-License-Identifier: Apache-2.0
// What the kernel's "no" means to a user.

import { getSystemErrorMap } from 'node:util';
import { PlinthError } from '@plinth/core';
import { ERROR } from '../system-calls.js';

const NAMES = getSystemErrorMap();

/** An error number as its name, for example EPERM. */
export function errorName(number: number): string {
  return NAMES.get(-number)?.[0] ?? `error ${number}`;
}

/** A `host` error for something that bpf(2) did not do. */
export function refusal(what: string, number: number): PlinthError {
  const how: Readonly<Record<number, string>> = {
    [ERROR.EPERM]: 'this needs root, or CAP_BPF and CAP_NET_ADMIN',
    [ERROR.EINVAL]: 'this kernel does not know it',
    [ERROR.E2BIG]: 'this kernel does not know it, or the map is full',
  };
  const hint = how[number];
  return new PlinthError(
    'host',
    'bpf-refused',
    `${what}: the kernel says ${errorName(number)}${hint === undefined ? '' : `: ${hint}`}`,
  );
}
