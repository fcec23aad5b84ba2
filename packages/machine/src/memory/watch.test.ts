// SPDX-License-Identifier: Apache-2.0
// The seam that memory traps stand on: a store by CPU or device to a watched page is seen exactly once, by every engine.
import { expect, it } from 'vitest';
import { CODE, cpu, CpuTest, DATA, describeEngines, RAM, TABLES } from '../testing/contract.js';
import { a32, add, b, here, ldr, ldrb, mov32, NE, nop, str, strb, strh, subs } from '../testing/mnemonics.js';
import { PageTables } from '../testing/page-tables.js';
import { PAGE, type MemoryAccess } from './physical-memory.js';

const NEXT = DATA + 0x1000;
/** Enough for the translator to translate a loop. */
const ROUNDS = 10_000;

interface Seen {
  readonly writes: MemoryAccess[];
  readonly reads: MemoryAccess[];
  end(): void;
}

function watch(test: CpuTest, start: number, length: number, reads = false): Seen {
  const seen: Seen = { writes: [], reads: [], end: () => {} };
  seen.end = test.machine.memory.watch({
    start,
    length,
    onWrite: (access) => seen.writes.push(access),
    ...(reads && { onRead: (access) => seen.reads.push(access) }),
  });
  return seen;
}

const write = (address: number, size: number, value: number, by: 'cpu' | 'device' = 'cpu'): MemoryAccess => ({
  address,
  size,
  write: true,
  value,
  by,
});

describeEngines('watched stores', (engine) => {
  it('of every kind are seen once, with their value', () => {
    const test = cpu(engine)
      .words(DATA, 5)
      .code([
        str(0, 1),
        strh(0, 1),
        strb(0, 1, 7),
        a32('STMIA', { Rn: 1, list: 0b1_0001 }),
        a32('STRD (immediate)', { P: 1, U: 1, Rn: 1, Rt: 4, L: 8 }),
        a32('LDREX', { Rn: 1, Rt: 6 }),
        a32('STREX', { Rn: 1, Rt: 4, Rd: 7 }),
        a32('SWP', { Rn: 1, Rt: 8, Rt2: 5 }),
        here(),
      ])
      .regs({ r0: 0x1234_5678, r1: DATA, r4: 44, r5: 55 });
    const seen = watch(test, DATA, 64);
    test.steps(9);
    seen.end();
    expect(seen.writes.map(({ address, size, value }) => [address - DATA, size, value])).toEqual([
      [0, 4, 0x1234_5678],
      [0, 2, 0x5678],
      [7, 1, 0x78],
      [0, 4, 0x1234_5678],
      [4, 4, 44],
      [8, 4, 44],
      [12, 4, 55],
      [0, 4, 44],
      [0, 4, 55],
    ]);
    test.expectRegs({ r7: 0 });
  });

  it('are seen each time in a hot loop, and nothing outside of the range', () => {
    const test = cpu(engine)
      .code([str(0, 1), str(0, 2), str(0, 1, 4), subs(0, 0, 1), b(-16, NE), here()])
      .regs({ r0: ROUNDS, r1: DATA, r2: NEXT });
    const seen = watch(test, DATA + 4, 4);
    test.steps(5 * ROUNDS + 1);
    seen.end();
    expect(seen.writes.map(({ value }) => value)).toEqual(Array.from({ length: ROUNDS }, (_, i) => ROUNDS - i));
    expect(seen.writes.every(({ address }) => address === DATA + 4)).toBe(true);
  });

  it('begin to be seen in the midst of a hot loop, and end', () => {
    const test = cpu(engine)
      .code([str(0, 1), add(0, 0, 1), b(-8)])
      .regs({ r1: DATA })
      .steps(3 * ROUNDS);
    const seen = watch(test, DATA, 4, true);
    test.steps(30);
    expect(seen.writes.map(({ value }) => value)).toEqual(Array.from({ length: 10 }, (_, i) => ROUNDS + i));
    seen.end();
    test.steps(300).expectWords(DATA, ROUNDS + 109);
    expect(seen.writes).toHaveLength(10);
    expect(test.machine.memory.marks[(DATA - RAM) >>> 12]! & (PAGE.watchedRead | PAGE.watchedWrite)).toBe(0);
  });

  it('over a page border are one write where memory is contiguous', () => {
    const test = cpu(engine)
      .code([str(0, 1), strh(0, 2), here()])
      .regs({ r0: 0xa1b2_c3d4, r1: NEXT - 2, r2: NEXT - 1 });
    const seen = watch(test, NEXT - 16, 32);
    test.steps(2);
    seen.end();
    expect(seen.writes).toEqual([write(NEXT - 2, 4, 0xa1b2_c3d4), write(NEXT - 1, 2, 0xc3d4)]);
  });

  it('over a border of pages that lie apart are one write to each', () => {
    const tables = new PageTables(TABLES).section(RAM, RAM).page(0x2000_0000, NEXT).page(0x2000_1000, DATA);
    const test = cpu(engine)
      .code([str(0, 1)])
      .regs({ r0: 0xa1b2_c3d4, r1: 0x2000_0ffd })
      .mmu(tables);
    const seen = watch(test, DATA, 0x2000);
    test.steps(1);
    seen.end();
    expect(seen.writes).toEqual([write(NEXT + 0xffd, 3, 0xb2_c3d4), write(DATA, 1, 0xa1)]);
  });

  it('that fault are not seen', () => {
    const tables = new PageTables(TABLES).section(RAM, RAM).page(0x2000_0000, DATA, { ap: 5 });
    const test = cpu(engine)
      .code([str(0, 1), a32('STREX', { Rn: 2, Rd: 3, Rt: 0 })])
      .regs({ r1: 0x2000_0000, r2: DATA })
      .mmu(tables);
    const seen = watch(test, DATA, 64);
    test.steps(1).expectException('data', CODE + 8);
    seen.end();
    expect(seen.writes).toEqual([]);
  });

  it('by a device are seen once, however long', () => {
    const test = cpu(engine).code([here()]);
    const seen = watch(test, NEXT - 8, 16);
    test.machine.memory.writeBytes(
      DATA,
      Uint8Array.from({ length: 0x2000 }, (_, i) => i + 1),
    );
    test.machine.memory.write(NEXT, 4, 99, 'device');
    test.machine.memory.writeBytes(NEXT + 8, Uint8Array.of(1));
    seen.end();
    expect(seen.writes).toEqual([write(DATA, 0x2000, 0x0403_0201, 'device'), write(NEXT, 4, 99, 'device')]);
  });

  it('through any virtual address are seen at their physical one', () => {
    const tables = new PageTables(TABLES).section(RAM, RAM).page(0x2000_0000, DATA).page(0x3000_0000, DATA);
    const test = cpu(engine)
      .code([str(0, 1), str(0, 2), str(0, 3), str(0, 1), str(0, 2), str(0, 3)])
      .regs({ r1: DATA, r2: 0x2000_0000, r3: 0x3000_0000 })
      .mmu(tables)
      .steps(3);
    const seen = watch(test, DATA, 4);
    test.steps(3);
    seen.end();
    expect(seen.writes.map(({ address }) => address)).toEqual([DATA, DATA, DATA]);
  });

  it('keep other watches of the page when one ends', () => {
    const test = cpu(engine)
      .code([str(0, 1), str(0, 1), here()])
      .regs({ r1: DATA });
    const first = watch(test, DATA, 4);
    const second = watch(test, DATA, 8);
    test.steps(1);
    first.end();
    test.steps(1);
    second.end();
    expect([first.writes.length, second.writes.length]).toEqual([1, 2]);
  });

  it('may stop the machine right after the instruction', () => {
    const test = cpu(engine)
      .code([str(0, 1), add(0, 0, 1), b(-8)])
      .regs({ r1: DATA });
    const { machine } = test;
    const end = machine.memory.watch({ start: DATA, length: 4, onWrite: () => machine.stop() });
    test.steps(100).expectPc(CODE + 4);
    expect(test.stop).toEqual({ kind: 'requested' });
    test
      .steps(100)
      .expectPc(CODE + 4)
      .expectRegs({ r0: 1 });
    end();
  });
});

describeEngines('watched loads', (engine) => {
  it('are seen once, with their value, and stores beside them as well', () => {
    const test = cpu(engine)
      .words(DATA, 0x8877_6655)
      .code([ldr(2, 1), ldrb(2, 1, 3), ldr(2, 3), str(2, 1, 4), ldr(2, 1, 64), here()])
      .regs({ r1: DATA, r3: NEXT - 2 })
      .words(NEXT - 4, 0x4321_0000, 0x8765);
    const seen = watch(test, DATA, 8, true);
    const border = watch(test, NEXT - 4, 8, true);
    test.steps(5);
    seen.end();
    border.end();
    expect(seen.reads.map(({ address, size, value }) => [address - DATA, size, value])).toEqual([
      [0, 4, 0x8877_6655],
      [3, 1, 0x88],
    ]);
    expect(seen.writes).toHaveLength(1);
    expect(border.reads.map(({ address, size, value }) => [address - NEXT, size, value])).toEqual([
      [-2, 4, 0x8765_4321],
    ]);
  });

  it('do not count instruction fetches', () => {
    const test = cpu(engine).code([nop(), nop(), here()]);
    const seen = watch(test, CODE, 64, true);
    test.steps(10);
    seen.end();
    expect(seen.reads).toEqual([]);
  });
});

describeEngines('watches and code on one page', (engine) => {
  it('see the store and run the new instruction', () => {
    const test = cpu(engine)
      .code([...mov32(2, 0xe3a0_3007), str(2, 1), nop(), nop()])
      .regs({ r1: CODE + 16 });
    const seen = watch(test, CODE, 0x40);
    test.steps(5).expectRegs({ r3: 7 });
    seen.end();
    expect(seen.writes.map(({ address, value }) => [address, value])).toEqual([[CODE + 16, 0xe3a0_3007]]);
  });
});

describeEngines('pages without a watch', (engine) => {
  it('keep their entries in the shadow tables', () => {
    const machine = engine.machine();
    const test = new CpuTest(machine)
      .code([str(0, 1), str(0, 2), b(-8)])
      .regs({ r1: DATA, r2: NEXT })
      .steps(3 * ROUNDS);
    let slow = 0;
    const { memory } = machine;
    const original = memory.write.bind(memory);
    memory.write = (...access) => {
      slow++;
      return original(...access);
    };
    const end = memory.watch({ start: DATA, length: 4, onWrite: () => {} });
    test.steps(300);
    // Every store to the watched page came by, and one at most to the other.
    expect(slow).toBeGreaterThanOrEqual(100);
    expect(slow).toBeLessThanOrEqual(101);
    end();
    slow = 0;
    test.steps(300);
    expect(slow).toBeLessThanOrEqual(1);
  });
});
