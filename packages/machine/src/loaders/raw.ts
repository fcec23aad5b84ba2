// SPDX-License-Identifier: Apache-2.0
// A flat binary: bytes at an address, started at its first one in A32 state unless told otherwise.

import { checkPlacement, type LoadPlan, type RamRange } from './plan.js';

export interface RawOptions {
  /** Names the file in messages. */
  readonly what: string;
  readonly ram: RamRange;
  /** Guest-physical address of the first byte; the start of RAM when left out. */
  readonly address?: number;
  /** The address itself when left out; bit 0 asks for T32. */
  readonly entry?: number;
}

export function planRaw(bytes: Uint8Array, options: RawOptions): LoadPlan {
  const address = options.address ?? options.ram.base;
  const entry = options.entry ?? address;
  checkPlacement(options.what, [{ address, size: bytes.length }], options.ram);
  return {
    segments: [{ address, bytes }],
    entry: (entry & ~1) >>> 0,
    thumb: (entry & 1) !== 0,
    registers: { r0: 0, r1: 0, r2: 0 },
  };
}
