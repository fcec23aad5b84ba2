// SPDX-License-Identifier: Apache-2.0
// Entries of blocks, as generated code counts them inline and as they are told one by one, against a model: the list of all
// instructions that hooks were told of, cut where an instruction ends a block or the next is not the one behind it.

import { expect, it } from 'vitest';
import { CODE, cpu, type CpuTest, describeEngines, type EngineUnderTest, RAM, VECTORS } from '../testing/contract.js';
import { type Entry, modelOf, PROGRAMS, totals } from '../testing/executed-blocks.js';
import { add, b, NE, subs } from '../testing/mnemonics.js';
import { timerProgram } from '../testing/timer-program.js';

function counted({ machine }: CpuTest): Record<string, number> {
  const list = machine.blocks.counts().sort((x, y) => x.address - y.address);
  return Object.fromEntries(list.map(({ address, count }) => [address.toString(16), count]));
}

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
    const program = PROGRAMS[3]!;
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
