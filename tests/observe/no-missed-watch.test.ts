// SPDX-License-Identifier: Apache-2.0
// No watched access is missed and none is told that is not one: random accesses of every width, alignment and form, by the CPU
// and by devices, over random watches, virtual and physical, that come and go. For every byte of every watch the hits must equal
// a model's, which knows what each instruction touches because it has made it so.

import type { Machine } from '@plinth/machine';
import { Probes } from '@plinth/observe';
import { expect, it } from 'vitest';
import { CODE, cpu, describeEngines, type EngineUnderTest } from '../../packages/machine/src/testing/contract.js';
import type { Instruction } from '../../packages/machine/src/testing/assemble.js';
import { a32, mov32, NE, subs, t16, t32 } from '../../packages/machine/src/testing/mnemonics.js';
import { PageTables } from '../../packages/machine/src/testing/page-tables.js';
import { type AccessForm, FORMS, type Random, type Touched } from './access-forms.js';

const LONG = process.env['PLINTH_LONG'] === '1';
interface Shape {
  /** Accesses at least. */
  readonly accesses: number;
  /** Forms in a program, times that it is run with the same watches, and changes of the watches. */
  readonly forms: number;
  readonly rounds: number;
  readonly changes: number;
}

/** A translator needs a loop to become hot, one that is forced to has a region made for each instruction. */
const SHAPES: Readonly<Record<EngineUnderTest['kind'], Shape>> = {
  interpreter: { accesses: LONG ? 4_000_000 : 300_000, forms: 60, rounds: 8, changes: 4 },
  translator: { accesses: LONG ? 4_000_000 : 1_000_000, forms: 3, rounds: 15_000, changes: 8 },
  'translator-forced': { accesses: LONG ? 2_000_000 : 150_000, forms: 10, rounds: 500, changes: 4 },
};

const TABLES = 0x4001_0000;
/** Three virtual pages on three RAM pages in another order, and another virtual page on the first of them. */
const VIRTUAL = 0x5000_0000;
const ALIAS = 0x5010_0000;
const RAM_PAGES = [0x4008_0000, 0x4008_5000, 0x4008_2000];
const SIZE = 3 * 4096;

function physicalOf(address: number): number {
  if (address >= ALIAS) return RAM_PAGES[0]! + (address - ALIAS);
  const offset = address - VIRTUAL;
  return RAM_PAGES[offset >>> 12]! + (offset & 0xfff);
}

/** Mulberry32. */
function randomFrom(seed: number): Random {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % bound;
  };
}

/** Hits by byte, one list for reads and one for writes. */
class Watched {
  readonly space: 'virtual' | 'physical';
  readonly start: number;
  readonly length: number;
  readonly access: 'read' | 'write' | 'both';
  readonly told: { readonly read: Uint32Array; readonly write: Uint32Array };
  readonly expected: { readonly read: Uint32Array; readonly write: Uint32Array };

  constructor(random: Random) {
    this.space = random(2) === 1 ? 'virtual' : 'physical';
    this.access = (['read', 'write', 'both'] as const)[random(3)]!;
    this.length = [1, 2, 4, 8, 64, 1 + random(300)][random(6)]!;
    const virtual = VIRTUAL + random(SIZE - this.length);
    // A physical range lies on one of the RAM pages.
    const inPage = Math.min(virtual & 0xfff, 4096 - this.length);
    this.start = this.space === 'virtual' ? virtual : RAM_PAGES[random(3)]! + inPage;
    const lists = (): { read: Uint32Array; write: Uint32Array } => ({
      read: new Uint32Array(this.length),
      write: new Uint32Array(this.length),
    });
    this.told = lists();
    this.expected = lists();
  }

  #count(lists: Watched['told'], { address, size, write }: Touched, times = 1): void {
    if (this.access !== 'both' && (this.access === 'write') !== write) return;
    const list = write ? lists.write : lists.read;
    for (let at = Math.max(address, this.start); at < Math.min(address + size, this.start + this.length); at++) {
      list[at - this.start]! += times;
    }
  }

  hit(touched: Touched): void {
    this.#count(this.told, touched);
  }

  /** The model: byte for byte, since a range of virtual bytes is not one of physical ones. */
  touched({ address, size, write }: Touched, times: number): void {
    for (let at = address; at < address + size; at++) {
      const place = this.space === 'virtual' ? at : physicalOf(at);
      if (place < this.start || place >= this.start + this.length) continue;
      this.#count(this.expected, { address: place, size: 1, write }, times);
    }
  }

  written(physical: number, size: number): void {
    if (this.space === 'physical') this.#count(this.expected, { address: physical, size, write: true });
  }

  describe(): string {
    return `${this.space} ${this.access} 0x${this.start.toString(16)}+${this.length}`;
  }
}

/** A loop of `forms`, run `rounds` times, and then a branch to itself; and the instructions that it takes. */
function program(forms: readonly AccessForm[], rounds: number, thumb: boolean): { code: Instruction[]; takes: number } {
  const body = forms.flatMap(({ instructions }) => [...instructions]);
  const bytes = body.reduce((sum, { bytes: own }) => sum + own.length, 0);
  if (!thumb) {
    const loop = [...body, subs(9, 9, 1), a32('B', { cond: NE, imm24: ((-bytes - 12) >> 2) & 0xffffff })];
    const start = mov32(9, rounds);
    return { code: [...start, ...loop, a32('B', { imm24: 0xfffffe })], takes: start.length + rounds * loop.length };
  }
  const back = -(bytes + 4) - 4;
  const loop = [
    ...body,
    t32('SUB (immediate)', { S: 1, Rn: 9, Rd: 9, imm8: 1 }),
    t32('B T3', { cond: NE, S: 1, imm6: (back >> 12) & 0x3f, J1: 1, J2: 1, imm11: (back >> 1) & 0x7ff }),
  ];
  const start = t32('MOVW', {
    Rd: 9,
    imm4: rounds >> 12,
    i: (rounds >> 11) & 1,
    imm3: (rounds >> 8) & 7,
    imm8: rounds & 255,
  });
  return { code: [start, ...loop, t16('B T2', { imm11: 0x7fe })], takes: 1 + rounds * loop.length };
}

function randomForm(random: Random, thumb: boolean): AccessForm {
  const list = FORMS[thumb ? 't32' : 'a32'];
  const area = random(8) === 0 ? { start: ALIAS, size: 4096 } : { start: VIRTUAL, size: SIZE };
  // Near borders of pages and of the 64 bytes by which RAM is watched, more often than not.
  const room = area.size - 80;
  let at = random(room);
  if (random(3) === 0) at = Math.min(room, Math.max(0, (at & ~0xfff) + 4096 - random(12)));
  else if (random(2) === 0) at = Math.min(room, (at & ~63) + 64 - random(10));
  return list[random(list.length)]!(area.start + at, random);
}

function campaign(engine: EngineUnderTest, seed: number): number {
  const { forms: formCount, rounds, changes } = SHAPES[engine.kind];
  const random = randomFrom(seed);
  const tables = new PageTables(TABLES).section(0x4000_0000, 0x4000_0000);
  for (const [n, page] of RAM_PAGES.entries()) tables.page(VIRTUAL + n * 4096, page);
  tables.page(ALIAS, RAM_PAGES[0]!);
  const thumb = random(2) === 1;
  const forms = Array.from({ length: formCount }, () => randomForm(random, thumb));
  const { code, takes } = program(forms, rounds, thumb);
  const touches = forms.flatMap((form) => [...form.touches]);
  const test = cpu(engine)
    .code(code)
    .mmu(tables)
    .system({ CPACR: 0xf << 20 });
  if (thumb) test.thumb();
  test.start();
  test.machine.cpu.setFpexc(0x4000_0000);
  const probes = new Probes(test.machine as unknown as Machine);
  let accesses = 0;
  for (let change = 0; change < changes; change++) {
    const watches = Array.from({ length: 1 + random(6) }, () => new Watched(random));
    const standing = watches.map((watch) => {
      const { start, length, space, access } = watch;
      return probes.memory({ start, length, space, access }, (event) => watch.hit(event));
    });
    const { state } = test.machine.cpu;
    state.setReg(15, CODE);
    test.steps(takes);
    for (const watch of watches) for (const touched of touches) watch.touched(touched, rounds);
    for (let n = 0; n < 20; n++) {
      const size = 1 + random(100);
      const physical = RAM_PAGES[random(3)]! + random(4096 - size);
      test.machine.memory.writeBytes(physical, new Uint8Array(size));
      for (const watch of watches) watch.written(physical, size);
    }
    expect(state.reg(9), 'the loop has ended').toBe(0);
    for (const watch of watches) {
      expect(watch.told, `${watch.describe()}, seed ${seed}`).toEqual(watch.expected);
    }
    for (const probe of standing) probe.remove();
    accesses += rounds * touches.length + 20;
  }
  return accesses;
}

describeEngines('watches', (engine) => {
  it('tell random accesses as a model does', () => {
    const wanted = SHAPES[engine.kind].accesses;
    let accesses = 0;
    for (let seed = 1; accesses < wanted; seed++) accesses += campaign(engine, seed);
    expect(accesses).toBeGreaterThanOrEqual(wanted);
  });
});
