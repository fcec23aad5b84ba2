// SPDX-License-Identifier: Apache-2.0
// The seam that scanning before execution stands on: a page that is not allowed stops before its first instruction.
import { expect, it } from 'vitest';
import { CODE, CpuTest, DATA, describeEngines, type EngineUnderTest, RAM, TABLES } from '../testing/contract.js';
import {
  add,
  b,
  bx,
  cmp,
  here,
  it as ifThen,
  mov,
  mov32,
  NE,
  nop,
  str,
  t32,
  tAdd,
  tNop,
} from '../testing/mnemonics.js';
import { PageTables } from '../testing/page-tables.js';

const PAGE_2 = CODE + 0x1000;
/** Enough for the translator to translate a loop: 0x27 rotated right by 24. */
const ROUNDS = 0x2700;
const compareWithRounds = (rn: number) => cmp(rn, 0xc27);

/** A machine that asks `allowed` and notes which pages it was asked about. */
function guarded(engine: EngineUnderTest, allowed: (address: number) => boolean) {
  const asked: number[] = [];
  const machine = engine.machine({
    fetchGuard: ({ address, bytes }) => {
      expect(bytes).toHaveLength(4096);
      asked.push(address);
      return allowed(address);
    },
  });
  return { test: new CpuTest(machine), asked, machine };
}

describeEngines('a page that the fetch guard refuses', (engine) => {
  it('stops before its first instruction', () => {
    const { test, asked } = guarded(engine, (address) => address !== PAGE_2);
    test
      .code([nop(), bx(1)])
      .code([mov(0, 1)], PAGE_2 + 8)
      .regs({ r1: PAGE_2 + 8 });
    const { count } = test.machine;
    test
      .steps(100)
      .expectPc(PAGE_2 + 8)
      .expectRegs({ r0: 0 });
    expect(test.stop).toEqual({ kind: 'fetch-denied', address: PAGE_2 + 8 });
    expect(test.machine.count - count).toBe(2);
    expect(asked).toEqual([CODE, PAGE_2]);
  });

  it('stops a run over the border of a page, at its first instruction', () => {
    const { test } = guarded(engine, (address) => address !== PAGE_2);
    test
      .code([add(0, 0, 1), add(0, 0, 1), add(0, 0, 1)], PAGE_2 - 8)
      .at(PAGE_2 - 8)
      .steps(100)
      .expectPc(PAGE_2)
      .expectRegs({ r0: 2 });
    expect(test.stop).toEqual({ kind: 'fetch-denied', address: PAGE_2 });
  });

  it('stops a hot loop that was allowed to run until it goes over the border', () => {
    const { test } = guarded(engine, (address) => address !== PAGE_2);
    test
      .code([add(0, 0, 1), compareWithRounds(0), b(-8, NE)], PAGE_2 - 12)
      .at(PAGE_2 - 12)
      .steps(4 * ROUNDS)
      .expectPc(PAGE_2)
      .expectRegs({ r0: ROUNDS });
    expect(test.stop).toEqual({ kind: 'fetch-denied', address: PAGE_2 });
  });

  it('goes on when it is allowed, without asking about it twice', () => {
    let open = false;
    const { test, asked } = guarded(engine, (address) => open || address !== PAGE_2);
    test
      .code([b(0x1000)])
      .code([mov(0, 1), here()], PAGE_2)
      .steps(10)
      .expectPc(PAGE_2);
    test.steps(10).expectRegs({ r0: 0 });
    expect(test.stop?.kind).toBe('fetch-denied');
    open = true;
    test.steps(10).expectRegs({ r0: 1 });
    expect(test.stop).toEqual({ kind: 'until' });
    expect(asked).toEqual([CODE, PAGE_2, PAGE_2, PAGE_2]);
  });

  it('is asked about again after the page has been written, by CPU or by device', () => {
    const { test, asked, machine } = guarded(engine, () => true);
    test
      .code([b(0x1000)])
      .code([mov(0, 1), str(2, 3), mov(0, 2), here()], PAGE_2)
      .regs({ r3: PAGE_2 + 0x800 })
      .steps(10)
      .expectRegs({ r0: 2 });
    expect(asked).toEqual([CODE, PAGE_2, PAGE_2]);
    machine.memory.writeBytes(PAGE_2 + 0x900, Uint8Array.of(1));
    test.steps(5);
    expect(asked).toEqual([CODE, PAGE_2, PAGE_2, PAGE_2]);
    machine.memory.writeBytes(DATA, Uint8Array.of(1));
    test.steps(5);
    expect(asked).toHaveLength(4);
  });

  it('stops right after the store that made it suspicious', () => {
    let writes = 0;
    const { test } = guarded(engine, (address) => address !== CODE || writes++ === 0);
    test
      .code([mov(0, 1), str(0, 1), mov(0, 2), here()])
      .regs({ r1: CODE + 0x100 })
      .steps(10);
    expect(test.stop).toEqual({ kind: 'fetch-denied', address: CODE + 8 });
    test.expectRegs({ r0: 1 }).expectWords(CODE + 0x100, 1);
  });

  it('is asked about by physical page, whatever it is mapped at', () => {
    const { test, asked } = guarded(engine, () => true);
    const tables = new PageTables(TABLES).section(RAM, RAM).page(0x2000_0000, PAGE_2).page(0x3000_0000, PAGE_2);
    test
      .code([bx(1), here()])
      .code([bx(2), here()], PAGE_2)
      .regs({ r1: 0x2000_0000, r2: 0x3000_0004 })
      .mmu(tables)
      .steps(10)
      .expectPc(0x3000_0004);
    expect(asked).toEqual([CODE, PAGE_2]);
  });

  it('stops a T32 instruction whose second half lies on it, before the instruction', () => {
    let open = false;
    const { test, machine } = guarded(engine, (address) => open || address !== PAGE_2);
    test
      .thumb()
      .code([tNop(), t32('ADD (immediate, plain)', { Rd: 0, Rn: 0, imm8: 5 }), tNop()], PAGE_2 - 4)
      .at(PAGE_2 - 4);
    const { count } = machine;
    test
      .steps(10)
      .expectPc(PAGE_2 - 2)
      .expectRegs({ r0: 0 });
    expect(test.stop).toEqual({ kind: 'fetch-denied', address: PAGE_2 - 2 });
    expect(machine.count - count).toBe(1);
    open = true;
    test
      .steps(2)
      .expectPc(PAGE_2 + 4)
      .expectRegs({ r0: 5 });
  });

  it('keeps the IT state of a block that goes over the border', () => {
    let open = false;
    const { test } = guarded(engine, (address) => open || address !== PAGE_2);
    test
      .thumb()
      .flags('Z')
      .code([ifThen(0, 'te'), tAdd(0, 1), tAdd(1, 1), tAdd(2, 1), tNop()], PAGE_2 - 4)
      .at(PAGE_2 - 4)
      .steps(10)
      .expectPc(PAGE_2)
      .expectIt(0b0000_1100);
    open = true;
    test.steps(2).expectRegs({ r0: 1, r1: 1, r2: 0 }).expectIt(0);
  });
});

describeEngines('code that changes', (engine) => {
  /** mov r3, #7 */
  const NEW = 0xe3a0_3007;
  const run = () => new CpuTest(engine.shared);

  it('on its own page runs as it was written, at once', () => {
    run()
      .code([...mov32(2, NEW), str(2, 1), mov(3, 1), here()])
      .regs({ r1: CODE + 12 })
      .steps(4)
      .expectRegs({ r3: 7 });
  });

  it('in a hot loop that it rewrites', () => {
    const test = run()
      .code([...mov32(2, NEW), mov(3, 1), add(4, 4, 1), compareWithRounds(4), b(-12, NE), str(2, 1), b(-20)])
      .regs({ r1: CODE + 8 });
    test.steps(2 + ROUNDS * 4 + 1).expectRegs({ r3: 1, r4: ROUNDS });
    test.steps(2).expectRegs({ r3: 7 });
  });

  it('on another page, and by a device', () => {
    const test = run()
      .code([b(0x1000)])
      .code([mov(3, 1), bx(5)], PAGE_2)
      .code([str(2, 1), bx(1)], DATA)
      .regs({ r1: PAGE_2, r2: NEW, r5: DATA })
      .steps(3)
      .expectRegs({ r3: 1 })
      .steps(3)
      .expectRegs({ r3: 7 });
    test.steps(1).words(PAGE_2, 0xe3a0_3009).steps(3).expectRegs({ r3: 7 });
    const device = run()
      .code([mov(3, 1), b(-4)])
      .steps(100);
    device.words(CODE, 0xe3a0_3009).steps(2).expectRegs({ r3: 9 });
  });

  it('is seen in both instruction sets and inside IT blocks', () => {
    const test = run()
      .thumb()
      .flags('Z')
      .code([ifThen(0), tAdd(0, 1), tNop()])
      .steps(3)
      .expectRegs({ r0: 1 });
    test.code([tAdd(0, 5)], CODE + 2).state.setReg(15, CODE);
    test.steps(3).expectRegs({ r0: 6 });
    const plain = run()
      .thumb()
      .code([tAdd(0, 1), tNop()])
      .steps(2);
    plain.code([tAdd(0, 5)], CODE).state.setReg(15, CODE);
    plain.steps(1).expectRegs({ r0: 6 });
  });

  it('over a page border runs with either half rewritten', () => {
    const wide = (imm8: number) => t32('ADD (immediate, plain)', { Rd: 0, Rn: 0, imm8 });
    const test = run()
      .thumb()
      .code([wide(5)], PAGE_2 - 2)
      .at(PAGE_2 - 2)
      .steps(1)
      .expectRegs({ r0: 5 });
    test.code([wide(7)], PAGE_2 - 2).state.setReg(15, PAGE_2 - 2);
    test
      .steps(1)
      .expectRegs({ r0: 12 })
      .expectPc(PAGE_2 + 2);
  });
});

describeEngines('fetches over a page border', (engine) => {
  it('abort at the second page, with the address there and the return to the instruction', () => {
    const tables = new PageTables(TABLES).section(RAM, RAM).page(0x2000_0000, PAGE_2);
    const test = new CpuTest(engine.shared)
      .thumb()
      .code([t32('ADD (immediate, plain)', { Rd: 0, Rn: 0, imm8: 5 })], PAGE_2 + 0xffe)
      .at(0x2000_0ffe)
      .mmu(tables);
    test.start();
    const { count } = test.machine;
    test
      .steps(1)
      .expectException('prefetch', 0x2000_1002)
      .expectSystem({ IFSR: 0x007, IFAR: 0x2000_1000 })
      .expectRegs({ r0: 0 });
    expect(test.machine.count - count).toBe(1);
  });
});
