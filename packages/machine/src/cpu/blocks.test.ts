// SPDX-License-Identifier: Apache-2.0
// Entries of blocks, as generated code counts them inline and as they are told one by one, against a model: the list of all
// instructions that hooks were told of, cut where an instruction ends a block or the next is not the one behind it.

import { decodedEndsBlock, Decoder, ROWS } from '@plinth/arm';
import { expect, it } from 'vitest';
import type { Machine } from '../machine.js';
import { CODE, cpu, CpuTest, describeEngines, EngineUnderTest, RAM, VECTORS } from '../testing/contract.js';
import { a32, add, b, EQ, it as itBlock, NE, subs, t16, t32 } from '../testing/mnemonics.js';
import { faultProgram, timerProgram } from '../testing/timer-program.js';

const interpreter = new EngineUnderTest('interpreter');
const DECODERS = {
  a32: new Decoder(ROWS, 'A32'),
  t32: new Decoder(ROWS, 'T32'),
  t16: new Decoder(ROWS, 'T16'),
};

interface Executed {
  readonly address: number;
  readonly size: number;
  readonly ends: boolean;
  /** Instructions before it, since the program began. */
  readonly count: number;
}

interface Entry {
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
function executed(test: CpuTest, instructions: number): Executed[] {
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
function modelOf({ name, make, instructions }: Program): Entry[] {
  const model = models.get(name) ?? entriesOf(executed(make(new CpuTest(interpreter.machine())), instructions));
  models.set(name, model);
  return model;
}

function totals(addresses: readonly number[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const address of [...addresses].sort((x, y) => x - y)) {
    const key = address.toString(16);
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

function counted({ machine }: CpuTest): Record<string, number> {
  const list = machine.blocks.counts().sort((x, y) => x.address - y.address);
  return Object.fromEntries(list.map(({ address, count }) => [address.toString(16), count]));
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

interface Program {
  readonly name: string;
  readonly make: (test: CpuTest) => CpuTest;
  readonly instructions: number;
}

const PROGRAMS: readonly Program[] = [
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
  { name: 'timer interrupts, calls and IT blocks', make: timerProgram, instructions: 250_000 },
  { name: 'faults and calls from User mode', make: faultProgram, instructions: 60_000 },
];

function started(engine: EngineUnderTest, make: (test: CpuTest) => CpuTest): CpuTest {
  return make(cpu(engine)).start();
}

describeEngines('blocks', (engine) => {
  for (const program of PROGRAMS) {
    const { name, make, instructions } = program;
    it(`are counted and told as the model has them: ${name}`, () => {
      const model = modelOf(program);
      expect(model.length).toBeGreaterThan(1000);

      const counting = started(engine, make);
      const end = counting.machine.blocks.count();
      // In pieces, as anything may stop a machine anywhere.
      for (let done = 0; done < instructions; done += 1237) counting.steps(Math.min(1237, instructions - done));
      const counts = counted(counting);
      const hash = counting.machine.stateHash();
      end();
      expect(counts).toEqual(totals(model.map(({ address }) => address)));

      const tracing = started(engine, make);
      const begun = tracing.machine.count;
      const told: Entry[] = [];
      const stop = tracing.machine.blocks.trace(0, 0xffff_ffff, (_, address, from) => {
        const known = model[told.length]?.from !== undefined;
        told.push({ address, from: known ? from : undefined, count: tracing.machine.count - begun });
      });
      tracing.steps(instructions);
      stop();
      expect(told.slice(0, 2000)).toEqual(model.slice(0, 2000));
      expect(told).toHaveLength(model.length);
      expect(tracing.machine.stateHash()).toBe(hash);

      const plain = started(engine, make).steps(instructions);
      expect(plain.machine.stateHash()).toBe(hash);
    });
  }

  for (const program of PROGRAMS) {
    const { name, make, instructions } = program;
    it(`are kept, the last of them, as the model has them: ${name}`, () => {
      const model = modelOf(program).map(({ address, count }) => ({ address, count }));
      const test = started(engine, make);
      const { blocks } = test.machine;
      const begun = test.machine.count;
      const end = blocks.keepLast(700);
      const kept = (most?: number): object[] =>
        blocks.last(most).map(({ address, count }) => ({ address, count: count - begun }));
      // In pieces, and looked at in the middle.
      for (let done = 0; done < instructions; done += 1237) {
        test.steps(Math.min(1237, instructions - done));
        if (done === 12_370) {
          expect(kept(3)).toEqual(model.filter(({ count }) => count < done + 1237).slice(-3));
        }
      }
      expect(kept()).toEqual(model.slice(-700));
      expect(kept(5)).toEqual(model.slice(-5));
      const hash = test.machine.stateHash();
      end();
      expect(blocks.active).toBe(false);
      expect(started(engine, make).steps(instructions).machine.stateHash()).toBe(hash);
    });
  }

  it('are kept and counted and told at once', () => {
    const program = PROGRAMS[2]!;
    const model = modelOf(program);
    const test = started(engine, program.make);
    const { blocks } = test.machine;
    const ends = [blocks.keepLast(64)];
    test.steps(1000);
    ends.push(blocks.count());
    test.steps(1000);
    let told = 0;
    ends.push(blocks.trace(VECTORS, VECTORS + 0xfff, () => void told++));
    test.steps(98_000);
    ends[0]!();
    test.steps(100_000);
    const counts = Object.values(counted(test)).reduce((sum, count) => sum + count, 0);
    const entered = model.filter(({ count }) => count > 1000 && count < 200_000).length;
    expect([told > 100, counts]).toEqual([true, entered]);
    expect(blocks.last()).toEqual([]);
    for (const end of ends) end();
    expect(blocks.active).toBe(false);
  });

  it('are told on one page and counted on the others', () => {
    const test = started(engine, timerProgram);
    const stop = test.machine.blocks.trace(VECTORS, VECTORS + 0xfff, (_, address, from) => {
      expect([address >= VECTORS, from >= RAM]).toEqual([true, true]);
      told++;
    });
    let told = 0;
    const end = test.machine.blocks.count();
    test.steps(200_000);
    const vectors = test.machine.blocks.counts().filter(({ address }) => address >= VECTORS);
    expect(told).toBeGreaterThan(100);
    expect(vectors.reduce((sum, { count }) => sum + count, 0)).toBe(told);
    end();
    stop();
    expect(test.machine.blocks.active).toBe(false);
  });

  it('stop a machine before the block, which is told once', () => {
    const test = cpu(engine)
      .code([add(0, 0, 1), subs(1, 1, 1), b(-8, NE), b(0)])
      .regs({ r1: 5 })
      .start();
    let told = 0;
    const stop = test.machine.blocks.trace(CODE, CODE, () => {
      told++;
      test.machine.stop();
    });
    test.steps(100).expectPc(CODE).expectRegs({ r0: 1 });
    expect([test.stop?.kind, told]).toEqual(['requested', 1]);
    test.steps(2).expectRegs({ r0: 2 });
    expect(told).toBe(1);
    stop();
  });

  it('are counted from a moment inside of a run', () => {
    const test = cpu(engine).code([add(0, 0, 1), b(-4)]);
    test.start();
    let end: (() => void) | undefined;
    const unhook = test.machine.hooks.add(CODE, () => {
      if (end === undefined) end = test.machine.blocks.count();
      return 'go-on';
    });
    test.steps(100_000);
    expect(counted(test)).toEqual({ [CODE.toString(16)]: 49_999 });
    unhook();
    end!();
  });
});
