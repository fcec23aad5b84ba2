// SPDX-License-Identifier: Apache-2.0
// One fuzz case and its result: the shape that the QEMU oracle and the engines under test share.

import { FPEXC_EN, MEMORY_BYTES, MODE } from './layout.js';

export type Isa = 'A32' | 'T32';

export interface TestState {
  /** r0-r14 as the case's mode sees them. */
  readonly registers: Uint32Array;
  /** The whole CPSR. I is always clear, A and F are always set: see `effectiveCpsr`. */
  cpsr: number;
  /** SPSR of the case's mode; without meaning in User and System mode. */
  spsr: number;
  /** d0-d31, each as its low and its high word. */
  readonly d: Uint32Array;
  fpscr: number;
  /** FPEXC_EN, or 0 for a case that runs with the floating-point unit off. */
  fpexc: number;
  /** Bits of SCTLR to invert, e.g. SCTLR_A for alignment checking. */
  sctlrToggle: number;
  /** MEMORY_BYTES bytes: those around the window's border, then those at its end. */
  readonly memory: Uint8Array;
}

export interface TestCase {
  readonly isa: Isa;
  /** The instructions in memory order, at most MAX_CODE_BYTES; they lie at CODE_END - code.length. */
  readonly code: Uint8Array;
  readonly state: TestState;
  /** The table row that the case was drawn from, for reports and per-row masks. */
  readonly row?: string;
}

/**
 * How a case ended. `completed`: the next fetch would be at `pc`, where no code is (the page after the slot, or
 * wherever a branch led). `endless`: it looped until the runner's timer fired, or waited. `lost`: the oracle itself
 * came to grief over it (hung or ended early).
 */
export type Outcome =
  | 'completed'
  | 'undefined'
  | 'supervisor-call'
  | 'prefetch-abort'
  | 'data-abort'
  | 'endless'
  | 'lost'
  | 'unexpected-exception';

export interface TestResult {
  readonly outcome: Outcome;
  /** completed: address of the next instruction; exceptions: address of the instruction that took it. */
  readonly pc: number;
  /** CPSR at the end; after an exception as it was saved in the SPSR. */
  readonly cpsr: number;
  /** r0-r14 of the mode in `cpsr`. */
  readonly registers: Uint32Array;
  /** See BANK in layout.ts. LR and SPSR of the mode that the ending exception was taken to are 0. */
  readonly banked: Uint32Array;
  readonly d: Uint32Array;
  readonly fpscr: number;
  readonly fpexc: number;
  /** Fault status and address: of a data abort, or status of a prefetch abort that is not a completion; else 0. */
  readonly faultStatus: number;
  readonly faultAddress: number;
  /** Words of the window that differ from its start, by byte offset. */
  readonly changes: ReadonlyMap<number, number>;
}

/** A state to start from: System mode, all registers 0, floating-point unit on. */
export function blankState(isa: Isa): TestState {
  return {
    registers: new Uint32Array(15),
    cpsr: effectiveCpsr(MODE.sys | (isa === 'T32' ? 0x20 : 0)),
    spsr: MODE.usr,
    d: new Uint32Array(64),
    fpscr: 0,
    fpexc: FPEXC_EN,
    sctlrToggle: 0,
    memory: new Uint8Array(MEMORY_BYTES),
  };
}

/** The CPSR a case really starts with: A and F set, I clear (so that the runner's timer can end it), J clear. */
export function effectiveCpsr(cpsr: number): number {
  return ((cpsr & ~0x01000080) | 0x140) >>> 0;
}
