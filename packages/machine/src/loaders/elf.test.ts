// SPDX-License-Identifier: Apache-2.0
import { PlinthError } from '@plinth/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planElf, readElf } from './elf.js';

interface Part {
  readonly virtual: number;
  readonly physical: number;
  readonly bytes: number[];
  readonly memory: number;
}

/** A small executable with the given segments and one symbol table. */
function elf(parts: readonly Part[], entry: number, machine = 40): Uint8Array {
  const file = new Uint8Array(1024);
  const view = new DataView(file.buffer);
  const words = (at: number, ...values: number[]): void =>
    values.forEach((value, index) => view.setUint32(at + index * 4, value, true));
  const halves = (at: number, ...values: number[]): void =>
    values.forEach((value, index) => view.setUint16(at + index * 2, value, true));
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  halves(16, 2, machine);
  words(20, 1, entry, 52, 400, 0x0500_0000);
  halves(40, 52, 32, parts.length, 40, 3, 0);
  parts.forEach((part, index) => {
    const offset = 600 + index * 32;
    words(52 + index * 32, 1, offset, part.virtual, part.physical, part.bytes.length, part.memory, 5, 4);
    file.set(part.bytes, offset);
  });
  words(400 + 40, 1, 2, 0, 0, 800, 64, 2, 1, 4, 16);
  words(400 + 80, 1, 3, 0, 0, 900, 20, 0, 0, 1, 0);
  file.set(new TextEncoder().encode('\0main\0table\0$a\0'), 900);
  words(816, 1, 0x8001, 8);
  view.setUint8(816 + 12, 0x12);
  halves(816 + 14, 1);
  words(832, 6, 0x9000, 64);
  view.setUint8(832 + 12, 0x11);
  halves(832 + 14, 1);
  words(848, 12, 0x8000, 0);
  halves(848 + 14, 1);
  return file;
}

const ram = { base: 0x4000_0000, size: 0x10_0000 };
const text: Part = { virtual: 0x8000, physical: 0x4000_8000, bytes: [1, 2, 3, 4], memory: 4 };
const data: Part = { virtual: 0x9000, physical: 0x4000_9000, bytes: [9], memory: 16 };

describe('an ARM ELF file', () => {
  it('is placed at its physical addresses, zeros included, and started where the entry went', () => {
    const file = readElf(elf([text, data], 0x8003), 'a.elf');
    const plan = planElf(file, 'a.elf', ram);
    expect(plan.segments.map(({ address, bytes }) => [address, bytes.length, bytes[0]])).toEqual([
      [0x4000_8000, 4, 1],
      [0x4000_9000, 16, 9],
    ]);
    expect([plan.entry, plan.thumb]).toEqual([0x4000_8002, true]);
  });

  it('tells its symbols', () => {
    expect(readElf(elf([text], 0x8000), 'a.elf').symbols).toEqual([
      { name: 'main', address: 0x8000, size: 8, kind: 'function', thumb: true },
      { name: 'table', address: 0x9000, size: 64, kind: 'object', thumb: false },
    ]);
  });

  it.each<[string, (file: Uint8Array) => void, string]>([
    ['elf-magic', (file) => (file[0] = 0), 'a.elf: not an ELF file'],
    ['elf-class', (file) => (file[4] = 2), 'a.elf: a 64-bit ELF file'],
    ['elf-endian', (file) => (file[5] = 2), 'a.elf: a big-endian ELF file'],
    ['elf-machine', (file) => (file[18] = 62), 'machine 62, not ARM'],
    ['elf-type', (file) => (file[16] = 1), 'type 1, not an executable'],
    ['elf-malformed', (file) => (file[52 + 20] = 0), 'segment 0 is larger in the file'],
    ['truncated', (file) => (file[52 + 18] = 0xff), 'is cut short or damaged'],
  ])('is refused as %s', (code, damage, message) => {
    const file = elf([{ ...text, memory: 4 }], 0x8000);
    damage(file);
    if (code === 'truncated') file[52 + 22] = 0xff;
    expect(() => readElf(file, 'a.elf')).toThrow(expect.objectContaining({ code, kind: 'input' }));
    expect(() => readElf(file, 'a.elf')).toThrow(message);
  });

  it.each<[string, Part[]]>([
    ['segment-outside-ram', [{ ...text, physical: 0x8000 }]],
    ['segment-outside-ram', [{ ...text, memory: 0x10_0000 }]],
    ['segment-overlap', [{ ...text, memory: 0x1001 }, data]],
    ['elf-empty', []],
  ])('is not placed: %s', (code, parts) => {
    const file = readElf(elf(parts, 0x8000), 'a.elf');
    expect(() => planElf(file, 'a.elf', ram)).toThrow(expect.objectContaining({ code }));
  });

  it('is a file or an input error when damaged', () => {
    const file = elf([text, data], 0x8000);
    const damage = fc.array(fc.tuple(fc.nat(500), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(damage, fc.nat(file.length), (changes, length) => {
        const copy = file.slice();
        for (const [at, value] of changes) copy[at] = value;
        for (const input of [copy, copy.subarray(0, length)]) {
          try {
            expect(planElf(readElf(input, 'x'), 'x', ram).segments.length).toBeGreaterThan(0);
          } catch (error) {
            expect(error).toBeInstanceOf(PlinthError);
            expect((error as PlinthError).kind).toBe('input');
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});
