// SPDX-License-Identifier: Apache-2.0
// What is told of a CPU as the evidence of a finding: where it is and by what way it came there. Reading changes nothing, so
// the same run has the same evidence in every engine.

import { MODE } from '@plinth/arm';
import { hex32 } from '@plinth/core';
import type { Vcpu } from '@plinth/machine';
import { type SamplerSource, StackSampler } from '../export/stack-sampler.js';
import type { ExceptionName } from '../probes/events.js';

/** The last exception that a CPU has taken. */
export interface TakenException {
  readonly kind: ExceptionName;
  /** The instruction that raised it, or before which an interrupt came. */
  readonly from: number;
  /** Instructions since power-on, with the one that raised it. */
  readonly count: number;
}

/** The evidence of a finding; addresses are text in hexadecimal. */
export interface CrashEvidence extends Readonly<Record<string, unknown>> {
  readonly cpu: number;
  readonly pc: string;
  /** `function+0x12`, where one is known. */
  readonly symbol?: string;
  readonly mode: string;
  readonly cpsr: string;
  readonly lastException?: { readonly kind: ExceptionName; readonly from: string; readonly instruction: number };
  /** Of a Linux guest. */
  readonly process?: { readonly pid: number; readonly name: string };
  /** From the innermost function out. */
  readonly backtrace: readonly string[];
  /** The last blocks, the latest last, if they are kept. */
  readonly lastBlocks?: readonly string[];
}

/** Where a CPU is said to be. */
export interface CrashPlace {
  readonly pc: number;
  readonly cpsr: number;
  /** r0 to r14. */
  readonly registers: readonly number[];
}

const MODE_NAMES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(MODE).map(([name, number]) => [number, name]),
);
const LAST_BLOCKS = 16;

/** Where a CPU stands between two instructions. */
export function standingPlace({ state }: Vcpu): CrashPlace {
  return {
    pc: state.reg(15) >>> 0,
    cpsr: state.cpsr >>> 0,
    registers: Array.from({ length: 15 }, (_, n) => state.reg(n) >>> 0),
  };
}

/** Where it stands in the middle of an instruction. */
export function runningPlace(cpu: Vcpu): CrashPlace {
  return { ...standingPlace(cpu), pc: cpu.instructionAddress >>> 0 };
}

/** Where it was when it took the exception at whose vector it stands. */
export function interruptedPlace({ state }: Vcpu, from: number): CrashPlace {
  const cpsr = state.spsrOf(state.mode) >>> 0;
  const mode = cpsr & 0x1f;
  const registers = Array.from({ length: 15 }, (_, n) => (n < 8 ? state.reg(n) : state.banked(mode, n)) >>> 0);
  return { pc: from, cpsr, registers };
}

export class CrashScene {
  readonly #source: SamplerSource;
  #sampler: StackSampler | undefined;

  /** Nothing of `source` but the machine is asked for before there is something to be told. */
  constructor(source: SamplerSource) {
    this.#source = source;
  }

  /** `0xc0101234 <function+0x12>`, or the address alone. */
  name(address: number): string {
    const symbol = this.#source.symbols.describe(address);
    return symbol === undefined ? hex32(address) : `${hex32(address)} <${symbol}>`;
  }

  evidence(cpu: Vcpu, { pc, cpsr, registers }: CrashPlace, last: TakenException | undefined): CrashEvidence {
    const { machine, symbols } = this.#source;
    this.#sampler ??= new StackSampler(this.#source);
    const symbol = symbols.describe(pc);
    const task = this.#source.guest()?.currentIdentity(cpu.index);
    const blocks = machine.blocks.last(LAST_BLOCKS);
    return {
      cpu: cpu.index,
      pc: hex32(pc),
      ...(symbol === undefined ? {} : { symbol }),
      mode: MODE_NAMES[cpsr & 0x1f] ?? hex32(cpsr & 0x1f),
      cpsr: hex32(cpsr),
      ...(last === undefined
        ? {}
        : { lastException: { kind: last.kind, from: this.name(last.from), instruction: last.count } }),
      ...(task === undefined ? {} : { process: { pid: task.pid, name: task.comm } }),
      backtrace: this.#sampler.frames(cpu, pc, registers).map((address) => this.name(address)),
      ...(blocks.length === 0 ? {} : { lastBlocks: blocks.map(({ address }) => this.name(address)) }),
    };
  }
}
