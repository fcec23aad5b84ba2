// SPDX-License-Identifier: Apache-2.0
// Instructions and edges that are counted inline, against the list of all instructions and of all edges that are told.

import { expect, it } from 'vitest';
import { CODE, cpu, CpuTest, describeEngines, EngineUnderTest, RAM, TABLES } from '../testing/contract.js';
import { executed, PROGRAMS, type Program } from '../testing/executed-blocks.js';
import { add, b, NE, subs } from '../testing/mnemonics.js';
import { PageTables } from '../testing/page-tables.js';
import type { Count } from './count.js';

const interpreter = new EngineUnderTest('interpreter');

/** How often each was executed, by address. */
const instructionsOf = remembered(({ make, instructions }) => {
  const counts = new Map<number, number>();
  for (const { address } of executed(make(new CpuTest(interpreter.machine())), instructions)) {
    counts.set(address, (counts.get(address) ?? 0) + 1);
  }
  return counts;
});

/** How often each was passed, as `from->to`. */
const edgesOf = remembered(({ make, instructions }) => {
  const counts = new Map<string, number>();
  const test = make(new CpuTest(interpreter.machine())).start();
  test.machine.blocks.trace(0, 0xffff_ffff, (_, address, from) => {
    const name = `${from}->${address}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  });
  test.steps(instructions);
  return counts;
});

function remembered<Value>(make: (program: Program) => Value): (program: Program) => Value {
  const known = new Map<string, Value>();
  return (program) => {
    const value = known.get(program.name) ?? make(program);
    known.set(program.name, value);
    return value;
  };
}

/** In pieces, as anything may stop a machine anywhere. */
function runInPieces(test: CpuTest, instructions: number): void {
  for (let done = 0; done < instructions; done += 1237) test.steps(Math.min(1237, instructions - done));
}

describeEngines('counts', (engine) => {
  for (const program of PROGRAMS) {
    it(`of instructions are those of the list of all: ${program.name}`, () => {
      const expected = instructionsOf(program);
      const test = program.make(cpu(engine)).start();
      const { hooks } = test.machine;
      const counts = new Map([...expected.keys()].map((address) => [address, hooks.count(address, address)]));
      const all = hooks.count(0, 0xffff_ffff);
      runInPieces(test, program.instructions);
      for (const count of [all, ...counts.values()]) count.end();
      expect(all.value).toBe([...expected.values()].reduce((sum, value) => sum + value, 0));
      const list = [...counts].map(([address, { value }]) => [address, value] as const);
      expect(new Map(list)).toEqual(expected);
    });

    it(`of edges are those that are told: ${program.name}`, () => {
      const expected = edgesOf(program);
      const test = program.make(cpu(engine)).start();
      const { blocks } = test.machine;
      const everywhere = { first: 0, last: 0xffff_ffff };
      const all = blocks.countEdge(everywhere, everywhere);
      const counts = new Map<string, Count>();
      for (const name of expected.keys()) {
        const [from, to] = name.split('->').map((address) => ({ first: Number(address), last: Number(address) }));
        counts.set(name, blocks.countEdge(from!, to!));
      }
      runInPieces(test, program.instructions);
      for (const count of [all, ...counts.values()]) count.end();
      expect(blocks.active).toBe(false);
      expect(all.value).toBe([...expected.values()].reduce((sum, value) => sum + value, 0));
      expect(new Map([...counts].map(([name, { value }]) => [name, value]))).toEqual(expected);
    });
  }

  it('come and go in a hot loop, beside a hook that is told, and count at their virtual address only', () => {
    const tables = new PageTables(TABLES).section(RAM, RAM).page(0x2000_0000, CODE & ~0xfff);
    const test = cpu(engine)
      .code([add(0, 0, 1), add(0, 0, 1), b(-8)])
      .mmu(tables)
      .start()
      .steps(150_000);
    const { hooks } = test.machine;
    const first = hooks.count(CODE + 4, CODE + 4);
    const alias = 0x2000_0000 + (CODE & 0xfff);
    const other = hooks.count(alias, alias + 8);
    test.steps(150_000);
    let told = 0;
    const unhook = hooks.addVirtual(CODE + 4, () => (told++, 'go-on'));
    test.steps(30_000);
    unhook();
    const second = hooks.count(CODE, CODE + 8);
    test.steps(150_000);
    first.end();
    test.state.setReg(15, alias);
    test.steps(3000);
    for (const count of [second, other]) count.end();
    test.steps(30);
    expect([first.value, told, second.value, other.value]).toEqual([110_000, 10_000, 150_000, 3000]);
  });

  it('take nobody out of translated code', () => {
    const test = new CpuTest(engine.machine())
      .code([add(0, 0, 1), subs(1, 1, 1), b(-8, NE), b(0)])
      .regs({ r1: 200_000 })
      .start();
    const { hooks, blocks } = test.machine;
    const loop = hooks.count(CODE + 4, CODE + 4);
    const back = blocks.countEdge({ first: CODE + 8, last: CODE + 8 }, { first: CODE, last: CODE });
    test.steps(3 * 100_000);
    let told = 0;
    const [call, entered] = [hooks.call.bind(hooks), blocks.entered.bind(blocks)];
    hooks.call = (...args) => (told++, call(...args));
    blocks.entered = (...args) => (told++, entered(...args));
    test.steps(3 * 50_000);
    expect([loop.value, back.value]).toEqual([150_000, 149_999]);
    // A slice begins and ends with a few instructions that are interpreted.
    if (engine.kind !== 'interpreter') expect(told).toBeLessThan(100);
  });
});
