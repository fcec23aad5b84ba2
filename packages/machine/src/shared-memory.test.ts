// SPDX-License-Identifier: Apache-2.0
// A machine over shared memory is the same machine: only the flag in the modules' memory import differs.
import { expect, it } from 'vitest';
import { InterpreterImage, interpreterBytes } from './cpu/interpreter-image.js';
import { Machine } from './machine.js';
import { CpuTest, DATA, describeEngines, type EngineUnderTest, RAM, RAM_SIZE, TABLES } from './testing/contract.js';
import { a32, add, b, here, ldr, NE, str, subs } from './testing/mnemonics.js';
import { PageTables } from './testing/page-tables.js';
import { faultProgram, timerProgram } from './testing/timer-program.js';

const loopProgram = (test: CpuTest): CpuTest =>
  test
    .code([
      str(0, 1),
      ldr(2, 1),
      a32('STMIA', { Rn: 3, list: 0b111 }),
      add(4, 4, 3),
      str(0, 1, 66),
      subs(0, 0, 1),
      b(-24, NE),
      here(),
    ])
    .regs({ r0: 20_000, r1: DATA, r3: DATA + 0x100 });

const mapped = (): PageTables => new PageTables(TABLES).section(RAM, RAM).section(0x0800_0000, 0x0800_0000);

const guests: readonly [string, (test: CpuTest) => CpuTest][] = [
  ['a hot loop of loads and stores', loopProgram],
  ['timer interrupts and waits for them', (test) => timerProgram(test, true)],
  ['aborts, undefined instructions and calls', (test) => faultProgram(test).mmu(mapped())],
];

/** Hashes of a guest's state on the way. */
function states(engine: EngineUnderTest, guest: (test: CpuTest) => CpuTest, sharedMemory: boolean): string[] {
  const test = guest(new CpuTest(engine.machine({ sharedMemory })));
  const { machine } = test;
  const watched: string[] = [];
  machine.memory.watch({ start: DATA + 8, length: 4, onWrite: ({ value }) => watched.push(`wrote ${value}`) });
  return [1, 100, 9_999, 60_001, 90_000].map((steps) => {
    test.steps(steps);
    return `${test.stop?.kind} ${machine.count} ${machine.stateHash()} ${watched.length} ${machine.memory.ram.buffer.constructor.name}`;
  });
}

describeEngines('a machine over shared memory', (engine) => {
  it.each(guests)('runs to the same states: %s', (_, guest) => {
    const plain = states(engine, guest, false);
    expect(plain[0]).toContain(' ArrayBuffer');
    const shared = states(engine, guest, true);
    expect(shared).toEqual(plain.map((state) => state.replace(' ArrayBuffer', ' SharedArrayBuffer')));
    expect(new Set(shared).size).toBe(5);
  });
});

it('is refused with an interpreter for the other kind of memory', () => {
  for (const sharedMemory of [false, true]) {
    const interpreter = new InterpreterImage(undefined, !sharedMemory);
    expect(() => new Machine({ ramSize: RAM_SIZE, interpreter, sharedMemory })).toThrow(
      sharedMemory ? 'for memory that is not shared' : 'for memory that is shared',
    );
  }
});

it('has an interpreter that differs in one byte', () => {
  const [plain, shared] = [interpreterBytes(), interpreterBytes(true)];
  expect(shared).toHaveLength(plain.length);
  const different = [...plain.keys()].filter((i) => plain[i] !== shared[i]);
  expect(different.map((i) => [plain[i], shared[i]])).toEqual([[1, 3]]);
});
