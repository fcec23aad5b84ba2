// SPDX-License-Identifier: Apache-2.0
// Programs for machines with several CPUs: code with labels, a page of it for each CPU, and the firmware calls that turn
// the others on. Only for tests; no part of the package.

import type { Instruction } from './assemble.js';
import { CODE, CpuTest, type EngineUnderTest } from './contract.js';
import { a32, AL, b, mov, mov32, wfi } from './mnemonics.js';

const CODE_PER_CPU = 0x1000;
const CPU_ON = 0x8400_0003;

/** An instruction, a label for the next one, or a branch to a label. */
export type Part = Instruction | string | { readonly to: string; readonly cond: number };

export const to = (label: string, cond: number = AL): Part => ({ to: label, cond });

/** Instructions with labels as instructions alone. */
export function labelled(parts: readonly Part[]): Instruction[] {
  const labels = new Map<string, number>();
  let length = 0;
  for (const part of parts) {
    if (typeof part === 'string') labels.set(part, length);
    else length += 4;
  }
  const instructions: Instruction[] = [];
  for (const part of parts) {
    if (typeof part === 'string') continue;
    if (!('to' in part)) instructions.push(part);
    else {
      const target = labels.get(part.to);
      if (target === undefined) throw new RangeError(`there is no label ${part.to}`);
      instructions.push(b(target - 4 * instructions.length, part.cond));
    }
  }
  return instructions;
}

export const codeOf = (cpu: number): number => CODE + cpu * CODE_PER_CPU;

export const hvc = (): Instruction => a32('HVC');

/** PSCI CPU_ON by CPU 0: r0 of the other becomes its number. Overwrites r0 to r3. */
export const turnOn = (cpu: number, entry: number = codeOf(cpu)): Instruction[] => [
  ...mov32(0, CPU_ON),
  mov(1, cpu),
  ...mov32(2, entry),
  mov(3, cpu),
  hvc(),
];

/** Waits for ever. */
export const sleep: readonly Part[] = ['asleep', wfi(), to('asleep')];

/** A fresh machine with as many CPUs as programs; CPU 0 turns the others on before it begins its own. */
export function severalCpus(engine: EngineUnderTest, programs: readonly (readonly Part[])[]): CpuTest {
  const test = new CpuTest(engine.machine({ cpus: programs.length }));
  programs.forEach((program, cpu) => {
    const start = cpu === 0 ? programs.slice(1).flatMap((_, i) => turnOn(i + 1)) : [];
    test.code(labelled([...start, ...program]), codeOf(cpu));
  });
  return test;
}
