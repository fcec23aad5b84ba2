// SPDX-License-Identifier: Apache-2.0
// What the shell needs of a machine, and no more: the run loop, the consoles and their tests know nothing else of it.

import type { Finding, Section, Sections } from '@plinth/core';
import type { BlockDevice } from '../block/block-device.js';
import type { Machine } from '../machine.js';

/** Why `runSlice` came back. */
export type DriverStop =
  /** The budget is spent; or, if it is `requested`, someone has stopped the machine (`Machine.stop`). */
  | { readonly kind: 'slice'; readonly requested?: true }
  | { readonly kind: 'shutdown' }
  | { readonly kind: 'reset' }
  /** Every CPU waits for an interrupt, and nothing is scheduled that could raise one; input may. */
  | { readonly kind: 'idle' }
  /** Every CPU waits, and the next event is at this virtual time (nanoseconds); only if asked for. */
  | { readonly kind: 'waiting'; readonly until: number }
  /** The program ended by semihosting. */
  | { readonly kind: 'exit'; readonly status: number }
  /** A hook stopped before the instruction at this virtual address. */
  | { readonly kind: 'hook'; readonly address: number }
  /**
   * The machine cannot or may not go on; why is in the findings. With `standstill` it stands for a debugger, because of what
   * this CPU did, and goes on when that lets it.
   */
  | { readonly kind: 'finding'; readonly standstill?: { readonly cpu: number; readonly message: string } };

export interface MachineDriver extends Disposable {
  /** Instructions executed since power-on. */
  readonly instructions: number;
  /** Nanoseconds since power-on. */
  readonly virtualTime: number;
  /** Hands bytes to a port (`console`, a network card) and returns how many it took; the rest is to be offered again. */
  send(port: string, bytes: Uint8Array): number;
  /** Gives a guest that was booted for any run what is this run's: the random source's seed, the clock's time. */
  personalize(own: { readonly seed: string; readonly timeOfDay: number }): void;
  /** Console output since the last call. */
  takeOutput(): Uint8Array;
  /** A slice ends after the guest has printed one of these bytes, so that it can be looked at there. */
  endSlicesAt(bytes: readonly number[]): void;
  /** Findings since the last call. */
  takeFindings(): readonly Finding[];
  /** Runs at most so many instructions. With `comeBack` an idle machine reports `waiting` instead of skipping ahead. */
  runSlice(maximumInstructions: number, comeBack: boolean): DriverStop;
  /** Lets virtual time pass without instructions, up to the next event at most. */
  passTime(nanoseconds: number): void;
  /** Power-on state, with what was loaded put back. */
  reset(): void;
  /** `Machine.stateHash`. */
  stateHash(): string;
  /** The pieces of a snapshot file, compressed or as they are. The state is copied at once; the machine may run on meanwhile. */
  saveSnapshot(packed: boolean): Promise<readonly Uint8Array[]>;
}

/** For who looks deeper than the run loop does: recorders and debuggers. */
export interface OpenDriver extends MachineDriver {
  /** The machine; in lockstep the interpreter's. */
  readonly machine: Machine;
  /** What findings call the machine, and a program by semihosting itself. */
  readonly name: string;
  /** In the order of the RunSpec's drives. */
  readonly disks: readonly BlockDevice[];
  /** `Machine.saveState` with what the driver keeps besides. */
  saveState(): readonly Section[];
  restoreState(sections: Sections): void;
}
