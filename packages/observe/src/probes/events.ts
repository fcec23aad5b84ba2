// SPDX-License-Identifier: Apache-2.0
// What probes are told. In every one `cpu.pc` is exact and all registers are as they are at that point, in every engine.

import { EXCEPTION } from '@plinth/arm';
import type { PacketDirection, TranslationChange } from '@plinth/machine';
import type { ProbeCpu } from './probe-cpu.js';

/**
 * What a probe answers: nothing lets the guest go on; `skip` keeps the instruction, the store or the call from happening;
 * `stop` stops the machine before it.
 */
export type ProbeVerdict = 'skip' | 'stop' | void;

/** An address, or all from `first` to `last`; virtual. */
export type CodeRange = number | { readonly first: number; readonly last: number };

export interface InstructionEvent {
  readonly cpu: ProbeCpu;
  readonly address: number;
}

export interface BlockEvent {
  readonly cpu: ProbeCpu;
  readonly address: number;
  /** The instruction that ended the block before, or where an exception came from. */
  readonly from: number;
}

export interface MemoryEvent {
  readonly cpu: ProbeCpu;
  /** Virtual or physical, as the probe was asked for. */
  readonly address: number;
  /** Bytes: 1, 2, 4 or 8, and any number for a device's write. */
  readonly size: number;
  readonly write: boolean;
  /** What is or will be written, or has been read: the first four bytes, little-endian. */
  readonly value: number;
  /** What was there before a write; only of virtual probes. */
  readonly before: number | undefined;
  /** A device has written it, not the CPU; only of physical probes. */
  readonly byDevice: boolean;
}

export type ExceptionName =
  | 'undefined'
  | 'supervisor-call'
  | 'prefetch-abort'
  | 'data-abort'
  | 'irq'
  | 'fiq'
  | 'secure-monitor-call'
  | 'hypervisor-call';

/** By EXCEPTION. */
export const EXCEPTION_NAMES: Readonly<Record<number, ExceptionName>> = {
  [EXCEPTION.undefined]: 'undefined',
  [EXCEPTION.supervisorCall]: 'supervisor-call',
  [EXCEPTION.prefetchAbort]: 'prefetch-abort',
  [EXCEPTION.dataAbort]: 'data-abort',
  [EXCEPTION.interrupt]: 'irq',
  [EXCEPTION.fastInterrupt]: 'fiq',
  [EXCEPTION.secureMonitorCall]: 'secure-monitor-call',
  [EXCEPTION.hypervisorCall]: 'hypervisor-call',
};

export interface ExceptionEvent {
  /** At the vector: LR and SPSR are those of the exception. */
  readonly cpu: ProbeCpu;
  readonly exception: ExceptionName;
  /** The instruction that raised it; for an interrupt the one that would have come next. */
  readonly from: number;
}

export interface ExceptionReturnEvent {
  /** In the mode that was returned to. */
  readonly cpu: ProbeCpu;
  readonly to: number;
}

export interface SupervisorCallEvent {
  /** Before the call, in the caller's mode. */
  readonly cpu: ProbeCpu;
  readonly immediate: number;
  /** r7: the number of the system call in the Linux EABI. */
  readonly number: number;
  /** r0 to r6. */
  readonly arguments: readonly number[];
}

export interface DeviceEvent {
  readonly cpu: ProbeCpu;
  readonly device: string;
  /** Physical. */
  readonly address: number;
  readonly size: number;
  readonly write: boolean;
  readonly value: number;
}

export interface TranslationEvent {
  readonly cpu: ProbeCpu;
  readonly change: TranslationChange;
}

export interface ConsoleEvent {
  readonly cpu: ProbeCpu;
  readonly byte: number;
}

export interface PacketEvent {
  readonly cpu: ProbeCpu;
  /** Name of the card. */
  readonly card: string;
  readonly direction: PacketDirection;
  /** An Ethernet frame; it is only lent. */
  readonly frame: Uint8Array;
}

export interface FunctionEvent {
  readonly cpu: ProbeCpu;
  readonly address: number;
  /** Where it will return to. */
  readonly caller: number;
}

export interface ReturnEvent {
  readonly cpu: ProbeCpu;
  /** Of the function. */
  readonly address: number;
  readonly caller: number;
  /** r0. */
  readonly result: number;
}
