// SPDX-License-Identifier: Apache-2.0
// Loads functions of libc by koffi.

import { createRequire } from 'node:module';
import { PlinthError } from '@plinth/core';
import type * as KoffiModule from 'koffi';

export type Koffi = typeof KoffiModule;
export type Native = ReturnType<ReturnType<Koffi['load']>['func']>;

export interface Libc<Name extends string> {
  readonly koffi: Koffi;
  readonly table: Readonly<Record<Name, Native>>;
}

/** @throws PlinthError `no-libc` (host) */
export function loadLibc<Name extends string>(prototypes: Readonly<Record<Name, string>>): Libc<Name> {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    const libc = koffi.load('libc.so.6');
    const table = Object.fromEntries(
      Object.entries<string>(prototypes).map(([name, prototype]) => [name, libc.func(prototype)]),
    ) as Record<Name, Native>;
    return { koffi, table };
  } catch (cause) {
    const why = `koffi cannot call it on this host: ${(cause as Error).message}`;
    throw new PlinthError('host', 'no-libc', `the C library: ${why}`, { cause });
  }
}
