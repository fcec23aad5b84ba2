// SPDX-License-Identifier: Apache-2.0
// Watches by virtual address: every access of a CPU that touches one is told once, by every engine, and no other.
import { CPU, SYSTEM } from '@plinth/arm';
import { expect, it } from 'vitest';
import { CODE, cpu, CpuTest, DATA, describeEngines, RAM, TABLES } from '../testing/contract.js';
import {
  a32,
  add,
  b,
  EQ,
  here,
  it as itBlock,
  ldr,
  ldrb,
  ldrex,
  ldrh,
  NE,
  t16,
  tMov,
  str,
  strb,
  strex,
  strh,
  subs,
} from '../testing/mnemonics.js';
import { PageTables } from '../testing/page-tables.js';
import { checkRandomAccesses } from '../testing/random-accesses.js';
import type { HookVerdict } from '../cpu/hooks.js';
import type { VirtualAccess } from './virtual-watches.js';

/** Enough for the translator to translate a loop. */
const ROUNDS = 43_000;
/** Two pages that lie apart in RAM, and one of them again. */
const VIRTUAL = 0x2000_0000;
const ALIAS = 0x3000_0000;
const tables = (): PageTables =>
  new PageTables(TABLES)
    .section(RAM, RAM)
    .page(VIRTUAL, DATA + 0x1000)
    .page(VIRTUAL + 0x1000, DATA)
    .page(ALIAS, DATA + 0x1000);

type Told = [offset: number, size: number, kind: 'r' | 'w', value: number, before: number];

function watch(test: CpuTest, start: number, length: number): { told: Told[]; end: () => void } {
  const told: Told[] = [];
  const note = ({ address, size, write, value, before }: VirtualAccess): void => {
    told.push([address - VIRTUAL, size, write ? 'w' : 'r', value, before]);
  };
  return { told, end: test.machine.virtualWatches.add({ start, length, onRead: note, onWrite: note }) };
}

describeEngines('a virtual watch', (engine) => {
  it('is told of every kind of access, with values before and after', () => {
    const test = cpu(engine)
      .code([
        str(0, 1),
        strh(0, 1),
        strb(0, 1, 7),
        ldrh(2, 1),
        ldrb(2, 1, 7),
        a32('STMIA', { Rn: 1, list: 0b1_0001 }),
        a32('LDMIA', { Rn: 1, list: 0b110_0000 }),
        a32('STRD (immediate)', { P: 1, U: 1, Rn: 1, Rt: 4, L: 8 }),
        ldrex(6, 1),
        strex(7, 4, 1),
        a32('SWP', { Rn: 1, Rt: 8, Rt2: 5 }),
        here(),
      ])
      .words(DATA + 0x1000, 5)
      .mmu(tables())
      .regs({ r0: 0x1234_5678, r1: VIRTUAL, r4: 44, r5: 55 });
    const { told, end } = watch(test, VIRTUAL, 64);
    test.steps(11);
    end();
    expect(told).toEqual([
      [0, 4, 'w', 0x1234_5678, 5],
      [0, 2, 'w', 0x5678, 0x5678],
      [7, 1, 'w', 0x78, 0],
      [0, 2, 'r', 0x5678, 0x5678],
      [7, 1, 'r', 0x78, 0x78],
      [0, 4, 'w', 0x1234_5678, 0x1234_5678],
      [4, 4, 'w', 44, 0x7800_0000],
      [0, 4, 'r', 0x1234_5678, 0x1234_5678],
      [4, 4, 'r', 44, 44],
      [8, 4, 'w', 44, 0],
      [12, 4, 'w', 0x1234_5678, 0],
      [0, 4, 'r', 0x1234_5678, 0x1234_5678],
      [0, 4, 'w', 44, 0x1234_5678],
      [0, 4, 'r', 44, 44],
      [0, 4, 'w', 0x1234_5678, 44],
    ]);
  });

  it('is told of vector transfers word by word, and of unaligned and big-endian accesses', () => {
    const test = cpu(engine)
      .words(CODE, 0xec81_0b04, 0xec91_0b04, 0xf401_0a0f, 0xf421_0a0f) // vstm, vldm, vst1.8, vld1.8: d0, d1
      .code([str(0, 1, 3), a32('SETEND', { E: 1 }), str(0, 1, 8), here()], CODE + 16)
      .mmu(tables())
      .regs({ r0: 0x1122_3344, r1: VIRTUAL })
      .start();
    test.state.set(SYSTEM.CPACR, 0x00f0_0000);
    test.machine.cpu.setFpexc(0x4000_0000);
    const { told, end } = watch(test, VIRTUAL + 4, 4);
    const big = watch(test, VIRTUAL + 8, 1);
    test.steps(7);
    end();
    big.end();
    expect(told.map(([offset, size, kind]) => [offset, size, kind])).toEqual([
      [4, 4, 'w'],
      [4, 4, 'r'],
      [4, 4, 'w'],
      [4, 4, 'r'],
      [3, 4, 'w'],
    ]);
    expect(big.told.at(-1)).toEqual([8, 4, 'w', 0x4433_2211, 0]);
    test.machine.cpu.setCpsr(test.state.cpsr & ~0x200);
  });

  it('sees what goes over a page border once, by its virtual address', () => {
    const test = cpu(engine)
      .code([str(0, 1, 0xffd), ldr(2, 1, 0xffd), here()])
      .mmu(tables())
      .regs({ r0: 0xa1b2_c3d4, r1: VIRTUAL });
    const both = [watch(test, VIRTUAL + 0xffd, 1), watch(test, VIRTUAL + 0x1000, 1), watch(test, VIRTUAL + 0x1001, 9)];
    test.steps(2).expectRegs({ r2: 0xa1b2_c3d4 });
    for (const { end } of both) end();
    const told = [
      [0xffd, 4, 'w', 0xa1b2_c3d4, 0],
      [0xffd, 4, 'r', 0xa1b2_c3d4, 0xa1b2_c3d4],
    ];
    expect(both.map((one) => one.told)).toEqual([told, told, []]);
  });

  it('is not told of other addresses of the same memory, of devices and of stores that fault', () => {
    const test = cpu(engine)
      .code([str(0, 1), str(0, 2), a32('STREX', { Rn: 1, Rd: 3, Rt: 0 }), here()])
      .mmu(tables())
      .regs({ r1: ALIAS, r2: DATA + 0x1000 });
    const { told, end } = watch(test, VIRTUAL, 64);
    test.steps(4);
    test.machine.memory.write(DATA + 0x1000, 4, 99, 'device');
    end();
    expect(told).toEqual([]);
  });

  it('is told of the registers of a device, which is asked what is there only where it is watched', () => {
    const test = cpu(engine)
      .code([str(0, 1, 0x24), str(2, 1, 0x24), ldr(3, 1, 0x24), str(2, 1, 0x28), here()])
      .regs({ r0: 5, r1: 0x0900_0000, r2: 7 })
      .start();
    const uart = test.machine.board.devices.find(({ base }) => base === 0x0900_0000)!.device;
    const peek = uart.peek.bind(uart);
    const peeked: number[] = [];
    uart.peek = (...where) => (peeked.push(where[0]), peek(...where));
    const { told, end } = watch(test, 0x0900_0024, 4);
    test.steps(4).expectRegs({ r3: 7 });
    end();
    uart.peek = peek;
    expect(told.map(([, ...rest]) => rest)).toEqual([
      [4, 'w', 5, 0],
      [4, 'w', 7, 5],
      [4, 'r', 7, 7],
    ]);
    expect(new Set(peeked)).toEqual(new Set([0x24]));
  });

  it('comes and goes while the guest loops, beside a physical watch of the page', () => {
    const test = cpu(engine)
      .code([str(0, 1), ldr(2, 1, 4), str(0, 1, 128), add(0, 0, 1), b(-16)])
      .mmu(tables())
      .regs({ r1: VIRTUAL })
      .steps(5 * ROUNDS);
    const first = watch(test, VIRTUAL, 4);
    let writes = 0;
    const end = test.machine.memory.watch({ start: DATA + 0x1000, length: 8, onWrite: () => writes++ });
    const second = watch(test, VIRTUAL + 128, 4);
    test.steps(50);
    end();
    test.steps(50);
    first.end();
    test.steps(50);
    second.end();
    test.steps(50);
    expect([first.told.length, writes, second.told.length]).toEqual([20, 10, 30]);
    expect(first.told.map(([, , , value, before]) => value - before)).toEqual(Array(20).fill(1));
  });

  it('costs the rest of its page no call of the machine', () => {
    const test = new CpuTest(engine.machine())
      .code([str(0, 1, 64), ldr(2, 1, 128), subs(0, 0, 1), b(-12, NE), here()])
      .regs({ r0: 4 * ROUNDS, r1: DATA });
    const { told } = watch(test, DATA, 4);
    test.steps(4 * ROUNDS);
    let slow = 0;
    const { data } = test.machine.cpu;
    const [load, store] = [data.load.bind(data), data.store.bind(data)];
    data.load = (...access) => (slow++, load(...access));
    data.store = (...access) => (slow++, store(...access));
    test.steps(4 * ROUNDS);
    expect([slow, told.length]).toEqual([0, 0]);
    const looks = test.state.get(CPU.secondLooks);
    test.steps(4 * 1000);
    // In a region the second look is part of the code.
    expect((test.state.get(CPU.secondLooks) - looks + 1024) % 1024).toBe(
      engine.kind === 'interpreter' ? 2000 % 1024 : 0,
    );
  });

  it('shows the guest nothing: an address that it has mapped elsewhere without TLB maintenance stays where it was', () => {
    const map = tables();
    for (const watched of [false, true]) {
      const test = cpu(engine)
        .code([str(0, 1), str(0, 1, 128), add(0, 0, 1), b(-12)])
        .words(DATA, 0)
        .words(DATA + 0x1000, 0)
        .mmu(map)
        .regs({ r0: 1, r1: VIRTUAL })
        .start();
      const { told, end } = watch(test, VIRTUAL, 4);
      if (!watched) end();
      test.steps(40);
      test.machine.memory.write(map.secondLevel(VIRTUAL), 4, PageTables.pageDescriptor(DATA), 'device');
      test
        .steps(400)
        .expectWords(DATA + 0x1000, 110)
        .expectWords(DATA + 0x1080, 110)
        .expectWords(DATA, 0);
      expect(told).toHaveLength(watched ? 110 : 0);
      end();
    }
  });

  it('is found among a thousand, and tells what it told alone', () => {
    const test = cpu(engine)
      .code([str(0, 1), add(0, 0, 1), ldr(2, 1, 6), b(-12)])
      .mmu(tables())
      .regs({ r1: VIRTUAL })
      .start();
    const all = Array.from({ length: 1000 }, (_, n) => watch(test, VIRTUAL + n, 1 + (n % 3)));
    test.steps(4 * 10);
    const hits = all.map(({ told }) => told.length);
    // Bytes 0 to 3 are written, 6 to 9 read.
    const touches = (n: number): number => Number(n <= 3) + Number(n <= 9 && n + (n % 3) >= 6);
    expect(hits).toEqual(all.map((_, n) => 10 * touches(n)));
    for (const { end } of all) end();
    test.steps(40);
    expect(all.map(({ told }) => told.length)).toEqual(hits);
  });

  it('has the code behind a hit translated when it is hot', () => {
    const test = new CpuTest(engine.machine())
      .code([str(0, 1), add(0, 0, 1), add(0, 0, 1), b(-12)])
      .regs({ r1: DATA })
      .start();
    const { told } = watch(test, DATA, 4);
    test.steps(4 * 2 * ROUNDS);
    expect(told).toHaveLength(2 * ROUNDS);
    // The loop begins with the store, which its region cannot do, and goes on in another.
    if (engine.kind === 'translator') expect(test.machine.engine.translator!.regions).toBe(2);
  });

  it('that ends while another is told is told no more', () => {
    const test = cpu(engine)
      .code([str(0, 1), b(-4)])
      .regs({ r1: DATA });
    const second: { told: Told[]; end: () => void }[] = [];
    const end = test.machine.virtualWatches.add({ start: DATA, length: 1, onWrite: () => second[0]!.end() });
    second.push(watch(test, DATA, 4));
    test.steps(4);
    end();
    expect(second[0]!.told).toEqual([]);
  });

  it('stops right after the instruction', () => {
    const test = cpu(engine)
      .code([str(0, 1), add(0, 0, 1), b(-8)])
      .regs({ r1: DATA });
    const { machine } = test;
    const end = machine.virtualWatches.add({ start: DATA, length: 4, onWrite: () => machine.stop() });
    test.steps(100).expectPc(CODE + 4);
    expect(test.stop).toEqual({ kind: 'requested' });
    end();
  });

  it('stops before an access, with nothing done, and is asked again', () => {
    for (const access of [str(0, 1), ldr(0, 1), str(0, 1, 0xffd), ldr(0, 1, 0xffd)]) {
      const test = cpu(engine)
        .code([add(3, 3, 1), access, add(4, 4, 1), b(-12)])
        .words(DATA, 7)
        .words(DATA + 0x1000, 7)
        .mmu(tables())
        .regs({ r0: 1, r1: VIRTUAL })
        .start();
      const asked: number[] = [];
      const ask = ({ before, size }: VirtualAccess) => (
        asked.push(before, size),
        asked.length === 2 ? 'stop' : 'go-on'
      );
      const end = test.machine.virtualWatches.add({
        start: VIRTUAL,
        length: 0x1001,
        beforeRead: ask,
        beforeWrite: ask,
      });
      const count = test.machine.count;
      test
        .steps(9)
        .expectPc(CODE + 4)
        .expectRegs({ r0: 1, r3: 1, r4: 0 });
      expect(test.stop).toEqual({ kind: 'hook', address: CODE + 4 });
      expect(test.machine.count - count).toBe(1);
      test
        .steps(2)
        .expectPc(CODE + 12)
        .expectRegs({ r4: 1 });
      end();
      expect(asked).toHaveLength(4);
      expect(asked.slice(0, 2)).toEqual(asked.slice(2));
    }
  });

  it('stops in a register list and an IT block so that the instruction can be done again', () => {
    const test = cpu(engine)
      .code([a32('STMDB', { Rn: 1, W: 1, list: 0b1101 }), a32('LDMIA', { Rn: 1, W: 1, list: 0b111_0000 }), here()])
      .regs({ r0: 10, r1: DATA + 64, r2: 12, r3: 13 });
    let stops = 0;
    const stop = (): HookVerdict => (stops++ % 2 === 0 ? 'stop' : 'go-on');
    const end = test.machine.virtualWatches.add({ start: DATA + 56, length: 4, beforeRead: stop, beforeWrite: stop });
    test
      .steps(9)
      .expectPc(CODE)
      .expectRegs({ r1: DATA + 64 });
    test
      .steps(9)
      .expectPc(CODE + 4)
      .expectRegs({ r1: DATA + 52, r5: 0, r6: 0 })
      .expectWords(DATA + 52, 10, 12, 13);
    test
      .steps(9)
      .expectPc(CODE + 8)
      .expectRegs({ r1: DATA + 64, r4: 10, r5: 12, r6: 13 });
    end();
    const thumb = cpu(engine)
      .thumb()
      .code([itBlock(EQ, 't'), t16('STR (immediate) T1', { Rn: 1, Rt: 0 }), tMov(2, 3)])
      .flags('Z')
      .regs({ r1: DATA });
    const again = thumb.machine.virtualWatches.add({ start: DATA, length: 4, beforeWrite: stop });
    thumb
      .steps(9)
      .expectPc(CODE + 2)
      .expectIt(0b0000_0100);
    thumb
      .steps(2)
      .expectPc(CODE + 6)
      .expectIt(0)
      .expectRegs({ r2: 3 });
    again();
  });

  it('agrees with a model on accesses at random places, of every size and alignment', () => {
    const test = new CpuTest(engine.machine()).mmu(tables());
    checkRandomAccesses(test, 4711, VIRTUAL, (range, note) => {
      test.machine.virtualWatches.add({ ...range, onWrite: note, onRead: note });
    });
  });
});
