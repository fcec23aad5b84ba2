// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { defineRegisters } from './registers.js';

function sample() {
  const log: string[] = [];
  const bank = defineRegisters(
    {
      CTRL: {
        offset: 0x00,
        width: 16,
        reset: 0x0300,
        fields: {
          ENABLE: { bits: 0, onWrite: (value) => log.push(`enable=${value}`) },
          MODE: { bits: [3, 1] },
          BUSY: { bits: 4, access: 'ro', value: () => 1 },
          LOOP: { bits: 5, access: 'tagged' },
          KEY: { bits: [9, 8], access: 'reserved' },
        },
      },
      DATA: { offset: 0x04, value: () => 0x1234_5678, onRead: () => log.push('pop') },
      CLEAR: { offset: 0x08, access: 'wo', strobe: true, onWrite: (value) => log.push(`clear=${value.toString(16)}`) },
      ROW: { offset: 0x10, count: 2, onWrite: (value, old, index) => log.push(`row${index}:${old}->${value}`) },
      ID: { offset: 0x1c, access: 'ro', reset: 0x11 },
    },
    0x40,
    {
      onUnknown: (offset, write, value) => log.push(`unknown ${offset} ${write} ${value}`),
      onTagged: (register, field, value) => log.push(`tagged ${register}.${field}=${value}`),
    },
  );
  return { bank, log, registers: bank.registers };
}

describe('a register bank', () => {
  it('starts at the reset value and returns to it', () => {
    const { bank } = sample();
    expect(bank.read(0, 4)).toBe(0x0310);
    bank.write(0, 4, 0xf);
    expect(bank.read(0, 4)).toBe(0x031f);
    bank.reset();
    expect(bank.read(0, 4)).toBe(0x0310);
  });

  it('keeps reserved and read-only fields, cuts at the width, tells about fields written', () => {
    const { bank, log, registers } = sample();
    bank.write(0, 4, 0xffff_fcff);
    expect(bank.read(0, 4)).toBe(0xffff);
    expect(registers.CTRL.fields.MODE.value).toBe(7);
    expect(registers.CTRL.fields.KEY.value).toBe(3);
    expect(log).toEqual(['tagged CTRL.LOOP=1', 'enable=1']);
  });

  it('tells about a tagged field only when it changes', () => {
    const { bank, log } = sample();
    bank.write(0, 4, 0x20);
    bank.write(0, 4, 0x20);
    expect(log.filter((line) => line.startsWith('tagged'))).toHaveLength(1);
  });

  it('reads with the side effect, peeks without', () => {
    const { bank, log } = sample();
    expect(bank.peek(4, 4)).toBe(0x1234_5678);
    expect(log).toEqual([]);
    expect(bank.read(4, 4)).toBe(0x1234_5678);
    expect(log).toEqual(['pop']);
  });

  it('gives the lanes of narrow accesses', () => {
    const { bank, registers, log } = sample();
    expect([bank.read(4, 1), bank.read(5, 1), bank.read(6, 2)]).toEqual([0x78, 0x56, 0x1234]);
    bank.write(0x10, 4, 0x1122_3344);
    bank.write(0x11, 1, 0xaa);
    bank.write(0x12, 2, 0xbbcc);
    expect(registers.ROW[0]!.value >>> 0).toBe(0xbbcc_aa44);
    log.length = 0;
    bank.write(0x0a, 1, 0x80);
    expect(log).toEqual(['clear=800000']);
  });

  it('ignores writes to read-only registers and reads write-only ones as zero', () => {
    const { bank } = sample();
    bank.write(0x1c, 4, 0xff);
    bank.write(0x08, 4, 0xff);
    expect([bank.read(0x1c, 4), bank.read(0x08, 4)]).toEqual([0x11, 0]);
  });

  it('tells the index of a row', () => {
    const { bank, log } = sample();
    bank.write(0x14, 4, 5);
    expect(log).toEqual(['row1:0->5']);
  });

  it('answers an unknown offset with zero and says so, except to a peek', () => {
    const { bank, log } = sample();
    expect(bank.peek(0x20, 4)).toBe(0);
    expect(bank.read(0x20, 4)).toBe(0);
    bank.write(0x24, 4, -1);
    expect(bank.read(0x4000, 4)).toBe(0);
    expect(log).toEqual(['unknown 32 false 0', 'unknown 36 true 4294967295', 'unknown 16384 false 0']);
  });

  it('refuses declarations on top of each other or outside the window', () => {
    expect(() => defineRegisters({ A: { offset: 0 }, B: { offset: 0 } }, 8)).toThrow('register B is misplaced');
    expect(() => defineRegisters({ A: { offset: 4, count: 2 } }, 8)).toThrow('register A is misplaced');
  });

  it('sets a field in place', () => {
    const { registers } = sample();
    registers.CTRL.fields.MODE.value = 5;
    expect(registers.CTRL.value).toBe(0x030a);
  });
});
