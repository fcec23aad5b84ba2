// SPDX-License-Identifier: Apache-2.0
// Two machines with the same guest and the same inputs, one on the interpreter and one on the translator, compared as
// they go. Runs are deterministic, so any difference is a bug of ours; the first one stops the run.

import { CPU } from '@plinth/arm';
import { hex32 } from '@plinth/core';
import type { Machine, StopReason } from './machine.js';

/** Instructions between two comparisons of the registers, and between two of all memory. */
const SLICE = 2_000;
const MEMORY_INTERVAL = 20_000_000;

export interface Divergence {
  readonly kind: 'diverged';
  /** Instruction counts between which the machines became different. */
  readonly after: number;
  readonly by: number;
  /** PC at `after`, where both still agreed. */
  readonly address: number;
  /** What differs, one line each: interpreter's value first. */
  readonly differences: readonly string[];
}

/** Words of the CPU block that are architectural state, by name. */
const STATE: readonly (readonly [string, number])[] = [
  ...Array.from({ length: 16 }, (_, n) => [`r${n}`, CPU.registers + 4 * n] as const),
  ['spsr', CPU.spsr],
  ['fpscr flags', CPU.fpscrFlags],
  ['fpscr', CPU.fpscr],
  ['fpexc', CPU.fpexc],
  ['exclusive address', CPU.exclusiveAddress],
  ...Array.from({ length: 64 }, (_, n) => [`s${n}`, CPU.vectors + 4 * n] as const),
];

export class Lockstep {
  readonly interpreter: Machine;
  readonly translator: Machine;
  #lastMemory = -MEMORY_INTERVAL;

  constructor(interpreter: Machine, translator: Machine) {
    this.interpreter = interpreter;
    this.translator = translator;
  }

  /** As `Machine.run`, on both; comes back with the first difference if there is one. */
  run(options: { until: number; waitForEvents?: boolean }): StopReason | Divergence {
    const { interpreter, translator } = this;
    for (;;) {
      const after = interpreter.count;
      const address = interpreter.currentCpu.state.reg(15) >>> 0;
      const slice = { ...options, until: Math.min(options.until, after + SLICE) };
      const a = interpreter.run(slice);
      const b = translator.run(slice);
      const ended = a.kind !== 'until' || interpreter.count >= options.until;
      // Callers come back every few milliseconds, and comparing all memory takes many: only what ends a run adds to it.
      const final = !['until', 'waiting', 'idle', 'requested'].includes(a.kind);
      const differences = a.kind === b.kind ? this.#compare(final) : [`stop: ${a.kind}, ${b.kind}`];
      if (differences.length > 0) return { kind: 'diverged', after, by: interpreter.count, address, differences };
      if (ended) return a;
    }
  }

  /** Input reaches both at the same count; the translator's machine takes as much of it as the interpreter's, or is wrong. */
  send(port: string, bytes: Uint8Array): number {
    this.translator.inputs.send(port, bytes);
    return this.interpreter.inputs.send(port, bytes);
  }

  passTime(nanoseconds: number): void {
    this.interpreter.passTime(nanoseconds);
    this.translator.passTime(nanoseconds);
  }

  reset(): void {
    this.#lastMemory = -MEMORY_INTERVAL;
    this.interpreter.reset();
    this.translator.reset();
  }

  #compare(withMemory: boolean): string[] {
    const { interpreter, translator } = this;
    const differences: string[] = [];
    const note = (name: string, a: number, b: number): void => {
      if (a !== b) differences.push(`${name}: ${hex32(a)}, ${hex32(b)}`);
    };
    if (interpreter.count !== translator.count) {
      differences.push(`instructions: ${interpreter.count}, ${translator.count}`);
    }
    for (const { index, state } of interpreter.cpus) {
      const other = translator.cpus[index]!.state;
      const prefix = interpreter.cpus.length > 1 ? `CPU ${index} ` : '';
      note(`${prefix}cpsr`, state.cpsr, other.cpsr);
      for (const [name, offset] of STATE) note(prefix + name, state.get(offset), other.get(offset));
    }
    const [schedule, otherSchedule] = [interpreter.schedule, translator.schedule];
    schedule.forEach((word, i) => note(`schedule ${i}`, word, otherSchedule[i]!));
    if (withMemory || interpreter.count - this.#lastMemory >= MEMORY_INTERVAL) {
      this.#lastMemory = interpreter.count;
      const at = firstDifference(interpreter.memory.ram, translator.memory.ram);
      if (at >= 0) differences.push(`memory from ${hex32(interpreter.memory.ramBase + at)} on`);
    }
    return differences;
  }
}

/** Offset of the first word that differs, or -1. Lengths are equal multiples of four. */
function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const x = new Int32Array(a.buffer, a.byteOffset, a.length / 4);
  const y = new Int32Array(b.buffer, b.byteOffset, b.length / 4);
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return 4 * i;
  return -1;
}
