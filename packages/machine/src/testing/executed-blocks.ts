// SPDX-License-Identifier: Apache-2.0
// What a program executes, as a list of all instructions that hooks were told of, and the blocks that it comes to: cut where an
// instruction ends a block or the next is not the one behind it.

import { decodedEndsBlock, Decoder, ROWS } from '@plinth/arm';
import type { Machine } from '../machine.js';
import { CODE, CpuTest, EngineUnderTest, VECTORS } from './contract.js';
import { a32, add, b, bl, bx, EQ, it as itBlock, ldr, mcr, NE, t16, t32 } from './mnemonics.js';
import { faultProgram, timerProgram } from './timer-program.js';

const interpreter = new EngineUnderTest('interpreter');
const DECODERS = {
  a32: new Decoder(ROWS, 'A32'),
  t32: new Decoder(ROWS, 'T32'),
  t16: new Decoder(ROWS, 'T16'),
};

export interface Executed {
  readonly address: number;
  readonly size: number;
  readonly ends: boolean;
  /** Instructions before it, since the program began. */
  readonly count: number;
}

export interface Entry {
  readonly address: number;
  /** Undefined where an exception came between: the model does not know at which instruction. */
  readonly from: number | undefined;
  readonly count: number;
}

function instructionAt({ memory, count }: Machine, address: number, thumb: boolean): Executed {
  const read = (at: number, size: 2 | 4): number => memory.peek(at, size)!;
  const first = read(address, thumb ? 2 : 4);
  const size = thumb && first >>> 11 < 0b11101 ? 2 : 4;
  const second = thumb && size === 4 ? read(address + 2, 2) : 0;
  const decoded = !thumb
    ? DECODERS.a32.decode(first)
    : size === 2
      ? DECODERS.t16.decode(first)
      : DECODERS.t32.decode(((first << 16) | second) >>> 0);
  return { address, size, ends: decoded !== undefined && decodedEndsBlock(decoded, thumb, size), count: count - 1 };
}

/** Where an instruction of a program below may be. */
const PLACES = [
  [CODE, 0x420],
  [CODE + 0x800, 0x20],
  [CODE + 0xff0, 0x20],
  [VECTORS, 0x140],
].flatMap(([start, length]) => Array.from({ length: length! / 2 }, (_, n) => start! + 2 * n));

/** All instructions of a run, in order. */
export function executed(test: CpuTest, instructions: number): Executed[] {
  const { machine } = test.start();
  const list: Executed[] = [];
  const ends = PLACES.map((place) =>
    machine.hooks.add(place, ({ state }, address) => {
      list.push(instructionAt(machine, address, state.thumb));
      return 'go-on';
    }),
  );
  test.steps(instructions);
  for (const end of ends) end();
  return list;
}

const isVector = (address: number): boolean => address >= VECTORS && address < VECTORS + 32;

/** What the instructions come to as blocks; the first of them is in the middle of one. */
function entriesOf(instructions: readonly Executed[]): Entry[] {
  const entries: Entry[] = [];
  let last = instructions[0];
  for (const next of instructions.slice(1)) {
    const straight = last !== undefined && !last.ends && next.address === last.address + last.size;
    if (!straight)
      entries.push({
        address: next.address,
        from: last!.ends && !isVector(next.address) ? last!.address : undefined,
        count: next.count,
      });
    last = next;
  }
  return entries;
}

const models = new Map<string, Entry[]>();

/** Of a program, as the interpreter runs it: made once. */
export function modelOf({ name, make, instructions }: Program): Entry[] {
  const model = models.get(name) ?? entriesOf(executed(make(new CpuTest(interpreter.machine())), instructions));
  models.set(name, model);
  return model;
}

export function totals(addresses: readonly number[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const address of [...addresses].sort((x, y) => x - y)) {
    const key = address.toString(16);
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

const SKIPPED_BRANCHES = [
  add(0, 0, 1),
  a32('AND (immediate)', { S: 1, Rd: 2, Rn: 0, imm12: 3 }),
  b(8, EQ),
  add(3, 3, 1),
  a32('LDMIA', { cond: EQ, Rn: 4, pc: 1, list: 1 }),
  add(3, 3, 1),
  b(-24),
];
/** The branch of the loop leads into the middle of a piece that it is also fallen into; it lies on two pages. */
const THUMB_LOOP = [
  t16('ADD (immediate) T2', { Rdn: 0, imm8: 1 }),
  t16('LSL (immediate)', { imm5: 30, Rm: 0, Rd: 2 }),
  itBlock(NE, 'te'),
  t16('ADD (immediate) T2', { Rdn: 4, imm8: 3 }),
  t32('MOV (immediate)', { Rd: 5, imm8: 9 }),
  t16('ADD (immediate) T2', { Rdn: 5, imm8: 7 }),
  t16('B T2', { imm11: -8 & 0x7ff }),
];

/** Two functions that become hot, so that regions call each other; the second call is taken every other time. */
const CALLS = [
  add(0, 0, 1),
  bl(20),
  a32('AND (immediate)', { S: 1, Rd: 2, Rn: 0, imm12: 1 }),
  a32('BL (immediate)', { cond: NE, imm24: 1 }),
  add(5, 5, 1),
  b(-20),
  add(3, 3, 1),
  bx(14),
];

/** Tables of addresses are emptied each time round, so that a load misses which is the first of a region and of a block. */
const CALL_OF_THE_NEXT = [add(0, 0, 1), mcr('TLBIALL', 0), bl(4), ldr(3, 4), add(5, 5, 1), b(-20)];

export interface Program {
  readonly name: string;
  readonly make: (test: CpuTest) => CpuTest;
  readonly instructions: number;
}

export const PROGRAMS: readonly Program[] = [
  {
    name: 'branches and loads of the PC that are not always taken',
    make: (test) =>
      test
        .code(SKIPPED_BRANCHES)
        .regs({ r4: CODE + 0x100 })
        .words(CODE + 0x100, 0, CODE),
    instructions: 200_000,
  },
  {
    name: 'T32 over a page border',
    make: (test) =>
      test
        .code(THUMB_LOOP, CODE + 0xffa)
        .at(CODE + 0xffa)
        .thumb(),
    instructions: 200_000,
  },
  { name: 'calls of hot functions', make: (test) => test.code(CALLS), instructions: 700_000 },
  { name: 'timer interrupts, calls and IT blocks', make: timerProgram, instructions: 250_000 },
  { name: 'faults and calls from User mode', make: faultProgram, instructions: 60_000 },
  {
    name: 'a call of the next instruction, which is a load that misses',
    make: (test) => test.code(CALL_OF_THE_NEXT).regs({ r4: CODE + 0x2000 }),
    instructions: 200_000,
  },
];
