// SPDX-License-Identifier: Apache-2.0
// What the machine asks of a device: a window of registers on the bus, a reset, and interrupt lines going out.
// A device knows nothing of its base address, of the CPU or of other devices.

import type { StateReader, StateWriter } from '@plinth/core';

/** Bytes moved by one bus access. */
export type AccessSize = 1 | 2 | 4;

/**
 * Values are 32-bit numbers; a device may take and give them signed or unsigned, so callers normalise with `>>> 0`
 * where it matters. `offset` is a multiple of `size` and below the device's `size`.
 */
export interface Device {
  /** Unique in its machine, for example `uart0`. */
  readonly name: string;
  /** Length of the window in bytes. */
  readonly size: number;
  read(offset: number, size: AccessSize): number;
  write(offset: number, size: AccessSize, value: number): void;
  /** What `read` would give, without its side effects: for debuggers and scanners. */
  peek(offset: number, size: AccessSize): number;
  /** Back to the state at power-on; outgoing interrupt lines fall. */
  reset(): void;
  /** Of a device that shows the time of day: sets it, in seconds since 1970. */
  setTimeOfDay?(seconds: number): void;
  /** A driver has set it up, so that it may write memory by itself; of other devices left out. */
  readonly driven?: boolean;
  /** Of what `save` writes, raised with every change of it; 1 if left out. */
  readonly stateVersion?: number;
  /** Everything that later behaviour depends on, with pending alarms; changes nothing. Between two instructions. */
  save(writer: StateWriter): void;
  /**
   * Takes over what `save` of the same device with the same options has written. Sets its own fields and makes its alarms
   * anew, but drives no line and calls nobody: the other ends are restored by themselves. Values that no device could
   * have are an error of the reader's (`check`).
   */
  restore(reader: StateReader): void;
}

/** One wire to an interrupt controller or to a CPU. Setting the level it already has changes nothing. */
export interface InterruptLine {
  set(level: boolean): void;
}

/** A line that is not connected. */
export const UNCONNECTED: InterruptLine = { set: () => {} };

/** A line that only remembers its level: an end point for tests and for polling run loops. */
export class LatchedLine implements InterruptLine {
  level: boolean = false;

  set(level: boolean): void {
    this.level = level;
  }
}
