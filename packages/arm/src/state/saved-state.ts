// SPDX-License-Identifier: Apache-2.0
// The architectural state of one CPU as saved bytes: each item with its name, so that a state in which one is missing or
// unknown is refused. What engines keep for themselves (fetch cache, table bases, budget) is made anew by its owner.

import type { StateReader, StateWriter } from '@plinth/core';
import { SYSTEM } from '../system/registers.js';
import { type CpuState, isMode } from './cpu-state.js';
import { CPU } from './layout.js';

/** Runs of words in the CPU block: name, offset, number. CPSR is apart, since flags have more than one form. */
const ITEMS: readonly (readonly [name: string, offset: number, words: number])[] = [
  ['registers', CPU.registers, 16],
  ['spsr', CPU.spsr, 1],
  ['banks', CPU.banks, 24],
  ['fiq registers', CPU.fiqRegisters, 5],
  ['user registers', CPU.userRegisters, 5],
  ['interrupt lines', CPU.interruptLines, 1],
  ['exclusive monitor', CPU.exclusiveAddress, 4],
  ['fpscr', CPU.fpscrFlags, 2],
  ['fpexc', CPU.fpexc, 1],
  ['thread registers', CPU.tpidrurw, 3],
  ['teehbr', CPU.teehbr, 1],
  ['vectors', CPU.vectors, 64],
  ...Object.entries(SYSTEM).map(([name, offset]) => [name, offset, 1] as const),
];

export function saveCpuState(state: CpuState, writer: StateWriter): void {
  writer.i32(state.cpsr);
  writer.list(ITEMS, ([name, offset, words]) => {
    writer.string(name);
    writer.u8(words);
    for (let i = 0; i < words; i++) writer.i32(state.get(offset + 4 * i));
  });
}

/** The caller then makes what depends on it anew. */
export function restoreCpuState(state: CpuState, reader: StateReader): void {
  const cpsr = reader.i32();
  reader.check(isMode(cpsr & 0x1f), 'the CPU is in a mode that does not exist');
  const missing = new Map(ITEMS.map((item) => [item[0], item]));
  reader.list(() => {
    const name = reader.string();
    const item = missing.get(name);
    reader.check(item !== undefined, 'a register that this CPU does not have, or twice');
    missing.delete(name);
    const [, offset, words] = item;
    reader.check(reader.u8() === words, `${name} has another size here`);
    for (let i = 0; i < words; i++) state.set(offset + 4 * i, reader.i32());
  });
  const [first] = missing.keys();
  reader.check(first === undefined, `${first} is missing`);
  // The registers are those of this mode already: no banks may be changed.
  state.set(CPU.control, cpsr & 0x1f);
  state.cpsr = cpsr;
}
