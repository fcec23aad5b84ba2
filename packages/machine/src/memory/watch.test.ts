// SPDX-License-Identifier: Apache-2.0
// The seam that memory traps stand on: a store by CPU or device to a watched page is seen exactly once, by every engine.
import { CPU, SYSTEM } from '@plinth/arm';
import { expect, it } from 'vitest';
import { CODE, cpu, CpuTest, DATA, describeEngines, RAM, TABLES } from '../testing/contract.js';
import { a32, add, b, bx, here, ldr, ldrb, ldrh, mov32, NE, nop, str, strb, strh, subs } from '../testing/mnemonics.js';
import { PageTables } from '../testing/page-tables.js';
import { checkRandomAccesses } from '../testing/random-accesses.js';
import { PAGE, type MemoryAccess } from './physical-memory.js';

const NEXT = DATA + 0x1000;
/** Enough for the translator to translate a loop. */
const ROUNDS = 43_000;

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

  it('and loads that are exclusive are one each: what a store compares with is no read', () => {
    const test = cpu(engine)
      .code([a32('LDREX', { Rn: 1, Rt: 6 }), a32('STREX', { Rn: 1, Rt: 4, Rd: 7 }), here()])
      .words(DATA, 5)
      .regs({ r1: DATA, r4: 44 });
    const seen = watch(test, DATA, 4, true);
    test.steps(2).expectRegs({ r6: 5, r7: 0 }).expectWords(DATA, 44);
    seen.end();
    expect([...seen.reads, ...seen.writes].map(({ write: stored, value }) => [stored, value])).toEqual([
      [false, 5],
      [true, 44],
    ]);
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

/** Counts what generated code leaves to the machine. */
function countSlow(test: CpuTest): { accesses: number } {
  const { data } = test.machine.cpu;
  const slow = { accesses: 0 };
  const [load, store] = [data.load.bind(data), data.store.bind(data)];
  data.load = (...access) => {
    slow.accesses++;
    return load(...access);
  };
  data.store = (...access) => {
    slow.accesses++;
    store(...access);
  };
  return slow;
}

describeEngines('granules of a watched page that nobody watches', (engine) => {
  const fresh = (): CpuTest => new CpuTest(engine.machine());

  it('are read and written by generated code, aligned or not', () => {
    const test = fresh()
      .words(DATA + 0x60, 0x8384_8586)
      .code([
        str(0, 1, 64),
        ldr(2, 1, 64),
        strb(0, 1, 200),
        strh(0, 3),
        str(0, 1, 0x17e),
        ldrh(4, 3),
        ldr(5, 1, 0x17e),
        a32('LDRSB (immediate)', { P: 1, U: 1, Rn: 6, Rt: 7 }),
        a32('LDRSH (immediate)', { P: 1, U: 1, Rn: 6, Rt: 8 }),
        subs(0, 0, 1),
        b(-40, NE),
        here(),
      ])
      .regs({ r0: 2 * ROUNDS, r1: DATA, r3: DATA + 0x81, r6: DATA + 0x60 });
    const seen = watch(test, DATA, 4, true);
    test.steps(11 * ROUNDS);
    const slow = countSlow(test);
    test.steps(11 * ROUNDS - 11).expectRegs({ r0: 1, r2: 2, r4: 2, r5: 2, r7: -122, r8: -31354 });
    test.steps(20).expectRegs({ r0: 0, r2: 1, r4: 1, r5: 1 });
    test
      .expectWords(DATA + 64, 1)
      .expectBytes(DATA + 0x17e, 1, 0, 0, 0)
      .expectBytes(DATA + 200, 1);
    expect(slow.accesses).toBe(0);
    expect([...seen.reads, ...seen.writes]).toEqual([]);
  });

  it('keep a hot loop in its region', () => {
    const test = fresh()
      .code([str(0, 1, 64), ldr(2, 1, 128), subs(0, 0, 1), b(-12, NE), here()])
      .regs({ r0: 4 * ROUNDS, r1: DATA });
    watch(test, DATA, 4, true);
    const looks = (): number => test.state.get(CPU.secondLooks);
    test.steps(4 * 2 * ROUNDS);
    const before = looks();
    test.steps(4 * 1000);
    // The interpreter does two accesses a round.
    expect((looks() - before + 1024) % 1024).toBe(engine.kind === 'interpreter' ? 2000 % 1024 : 0);
  });

  it('leave the watched ones of a hot loop seen, once each and at their instruction', () => {
    const test = fresh()
      .code([str(0, 1, 64), str(0, 1), ldr(2, 1, 60), ldr(2, 1, 4), subs(0, 0, 1), b(-20, NE), here()])
      .regs({ r0: 2 * ROUNDS, r1: DATA });
    const addresses: number[] = [];
    const note = (): number => addresses.push(test.machine.cpu.instructionAddress - CODE);
    test.machine.memory.watch({ start: DATA + 2, length: 4, onWrite: note, onRead: note });
    test.steps(6 * ROUNDS);
    expect(addresses).toEqual(Array.from({ length: 2 * ROUNDS }, (_, i) => (i % 2 === 0 ? 4 : 12)));
    const slow = countSlow(test);
    addresses.length = 0;
    test.steps(6 * ROUNDS);
    expect(addresses).toHaveLength(2 * ROUNDS);
    // Three of the four go to the watched granule.
    expect(slow.accesses).toBe(3 * ROUNDS);
  });

  it('become watched and unwatched while the guest loops', () => {
    const test = fresh()
      .code([str(0, 1, 64), add(0, 0, 1), b(-8)])
      .regs({ r1: DATA });
    const first = watch(test, DATA, 4);
    test.steps(3 * ROUNDS);
    const slow = countSlow(test);
    const second = watch(test, DATA + 66, 1);
    test.steps(30);
    expect(second.writes.map(({ value }) => value)).toEqual(Array.from({ length: 10 }, (_, i) => ROUNDS + i));
    second.end();
    test.steps(300);
    // One to find out what the page allows now.
    expect(slow.accesses).toBe(11);
    first.end();
    test.steps(300);
    expect(slow.accesses).toBe(12);
    expect([first.writes.length, second.writes.length]).toEqual([0, 10]);
    const looks = test.state.get(CPU.secondLooks);
    test.steps(3 * ROUNDS).expectWords(DATA + 64, 2 * ROUNDS + 209);
    expect(slow.accesses).toBe(12);
    expect(test.state.get(CPU.secondLooks)).toBe(looks);
  });

  it('are none where two watches share a granule and one ends', () => {
    const test = fresh()
      .code([str(0, 1), str(0, 1, 8), str(0, 1, 64), b(-12)])
      .regs({ r1: DATA });
    const first = watch(test, DATA, 4);
    const second = watch(test, DATA + 8, 4);
    test.steps(40);
    first.end();
    const slow = countSlow(test);
    test.steps(40);
    expect([first.writes.length, second.writes.length]).toEqual([10, 20]);
    expect(slow.accesses).toBe(20);
    second.end();
    test.steps(40);
    expect([first.writes.length, second.writes.length]).toEqual([10, 20]);
    expect(slow.accesses).toBe(21);
  });

  it('are told from watched ones word by word in multiple, vector and exclusive transfers', () => {
    const test = fresh()
      .code([
        a32('STMIA', { Rn: 1, list: 0b11_1100 }),
        a32('LDMIA', { Rn: 1, list: 0b111_1000_0000 }),
        a32('STRD (immediate)', { P: 1, U: 1, Rn: 6, Rt: 2 }),
        a32('LDREX', { Rn: 1, Rt: 10 }),
        a32('STREX', { Rn: 1, Rt: 2, Rd: 11 }),
      ])
      .words(CODE + 20, 0xec81_0b08, 0xec91_0b08, 0xf401_0a0f, 0xf421_0a0f) // vstm, vldm: d0-d3; vst1.8, vld1.8: d0, d1
      .code([here()], CODE + 36)
      .regs({ r1: DATA + 0x100 - 8, r2: 2, r3: 3, r4: 4, r5: 5, r6: DATA + 0x100 });
    const { cpu: vcpu } = test.machine;
    vcpu.state.set(SYSTEM.CPACR, 0x00f0_0000);
    vcpu.state.set(CPU.fpexc, 0x4000_0000);
    vcpu.system.updateFloatingPointAccess();
    const seen = watch(test, DATA + 0x104, 4, true);
    test.steps(9);
    expect(test.pc).toBe(CODE + 36);
    const places = (list: readonly MemoryAccess[]): number[][] => list.map((a) => [a.address - DATA, a.size]);
    expect(places(seen.writes)).toEqual(Array(4).fill([0x104, 4]));
    expect(places(seen.reads)).toEqual(Array(3).fill([0x104, 4]));
    const slow = countSlow(test);
    seen.end();
    const far = watch(test, DATA, 4, true);
    test.state.setReg(15, CODE);
    test.steps(9);
    slow.accesses = 0;
    test.state.setReg(15, CODE);
    test.steps(9);
    expect(slow.accesses).toBe(0);
    expect([...far.writes, ...far.reads]).toEqual([]);
  });

  it('stop being written past the code that comes to lie there', () => {
    const test = fresh()
      .code([str(0, 1, 64), b(-12)])
      .regs({ r0: 0xe3a0_3001, r1: DATA, r2: 0xe3a0_3002, r4: DATA + 64, r5: CODE + 24 })
      .code([bx(4), nop(), nop(), nop(), str(2, 1, 64), bx(4)], CODE + 8)
      .words(DATA + 68, 0xe12f_ff15); // bx r5
    const seen = watch(test, DATA, 4);
    test.steps(20);
    test.state.setReg(15, CODE + 8);
    test.steps(3).expectRegs({ r3: 1 });
    test.steps(4).expectRegs({ r3: 2 });
    expect(seen.writes).toEqual([]);
  });

  it('are told from watched ones in accesses at random places, of every alignment', () => {
    const test = fresh();
    checkRandomAccesses(test, 12345, DATA, (range, note) => {
      test.machine.memory.watch({ ...range, onWrite: note, onRead: note });
    });
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
