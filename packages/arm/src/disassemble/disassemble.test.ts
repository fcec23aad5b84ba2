// SPDX-License-Identifier: Apache-2.0
// The disassembler's own promises; tests/disassemble compares its text with objdump's for every row.

import { describe, expect, it } from 'vitest';
import { ROWS } from '../isa/table.js';
import { disassemble, thumbSize } from './disassemble.js';

const a32 = (word: number, address = 0): string => disassemble(word, { isa: 'A32', address }).text;
const t32 = (word: number, address = 0, inIt?: number): string =>
  disassemble(word, inIt === undefined ? { isa: 'T32', address } : { isa: 'T32', address, inIt }).text;

describe('disassemble', () => {
  it.each([
    [0xe0912003, 'adds r2, r1, r3'],
    [0x13a0cb01, 'movne r12, #1024'],
    [0xe1a01102, 'lsl r1, r2, #2'],
    [0xe92d4010, 'push {r4, lr}'],
    [0xe5b10004, 'ldr r0, [r1, #4]!'],
    [0xee300a81, 'vadd.f32 s0, s1, s2'],
    [0xf2200844, 'vadd.i32 q0, q0, q2'],
  ])('writes A32 instructions in UAL: %i', (word, text) => {
    expect(a32(word)).toBe(text);
  });

  it('gives absolute branch targets, from the aligned PC where T32 calls A32', () => {
    expect(a32(0xeafffffe, 0x8000)).toBe('b 0x8000');
    expect(a32(0xfa000000, 0x8000)).toBe('blx 0x8008');
    expect(t32(0xe7fe, 0x8002)).toBe('b.n 0x8002');
    expect(t32(0xf000f800, 0x8002)).toBe('bl 0x8006');
    expect(t32(0xf000e800, 0x8002)).toBe('blx 0x8004');
    expect(a32(0xeafffff0, 0)).toBe('b 0xffffffc8');
  });

  it('puts the condition of an IT block into the mnemonic, in the place of the flags', () => {
    expect(t32(0x1840)).toBe('adds r0, r0, r1');
    expect(t32(0x1840, 0, 0)).toBe('addeq r0, r0, r1');
    expect(t32(0xeb000001, 0, 13)).toBe('addle.w r0, r0, r1');
  });

  it('reads undefined words as data', () => {
    expect(disassemble(0xf7ffffff, { isa: 'A32', address: 0 })).toEqual({
      text: '.word 0xf7ffffff',
      size: 4,
      row: undefined,
      unpredictable: false,
    });
    expect(t32(0xffffffff)).toBe('.short 0xffff, 0xffff');
    expect(t32(0xf000)).toBe('.short 0xf000');
  });

  it('says that an encoding is UNPREDICTABLE, and reads it all the same', () => {
    const mulToPc = disassemble(0xe00f0291, { isa: 'A32', address: 0 });
    expect(mulToPc).toMatchObject({ text: 'mul pc, r1, r2', unpredictable: true });
  });

  it('tells the size of a T32 instruction by its first halfword', () => {
    expect([0x4770, 0xe7fe, 0xe800, 0xf000, 0xffff].map(thumbSize)).toEqual([2, 2, 4, 4, 4]);
    expect(disassemble(0x4770, { isa: 'T32', address: 0 })).toMatchObject({ text: 'bx lr', size: 2 });
  });

  it('has a text for every row', () => {
    expect(ROWS.filter(({ syntax }) => syntax === '').map(({ name }) => name)).toEqual([]);
  });
});
