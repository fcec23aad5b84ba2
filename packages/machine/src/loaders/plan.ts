// SPDX-License-Identifier: Apache-2.0
// What a loader decides and the machine carries out: bytes at guest-physical addresses, and where the first CPU starts.
// Planning is pure, so that a plan can be printed and tested.

import { hex32, PlinthError } from '@plinth/core';
import type { BoardDescription } from '../boards/board.js';

export interface LoadSegment {
  readonly address: number;
  readonly bytes: Uint8Array;
}

export interface LoadPlan {
  readonly segments: readonly LoadSegment[];
  readonly entry: number;
  /** Start in T32 rather than A32 state. */
  readonly thumb: boolean;
  readonly registers: { readonly r0: number; readonly r1: number; readonly r2: number };
}

/** A window of guest-physical memory, in bytes. */
export interface RamRange {
  readonly base: number;
  readonly size: number;
}

/** What has to be known of a machine to plan its boot. */
export interface BootHardware {
  readonly board: BoardDescription;
  /** Bytes. */
  readonly ramSize: number;
  readonly cpus: number;
  /** How many; the device tree tells the kernel where they are. */
  readonly virtioDevices: number;
}

const MIB = 1024 * 1024;

/** Bytes as whole MiB, rounded up, for messages. */
export function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / MIB)} MiB`;
}

/** Throws unless all segments lie in RAM and none touches another. `what` names the file. */
export function checkPlacement(
  what: string,
  segments: readonly { address: number; size: number }[],
  ram: RamRange,
): void {
  const sorted = segments.toSorted((a, b) => a.address - b.address);
  sorted.forEach(({ address, size }, at) => {
    const end = address + size;
    if (address < ram.base || end > ram.base + ram.size) {
      throw new PlinthError(
        'input',
        'segment-outside-ram',
        `${what}: bytes for ${hex32(address)} to ${hex32(end - 1)}, but RAM is ${mebibytes(ram.size)} at ${hex32(ram.base)}: link it for this board or give the machine more RAM`,
      );
    }
    const next = sorted[at + 1];
    if (next !== undefined && end > next.address) {
      throw new PlinthError(
        'input',
        'segment-overlap',
        `${what}: segments at ${hex32(address)} and ${hex32(next.address)} overlap: the file is damaged or wrongly linked`,
      );
    }
  });
}
