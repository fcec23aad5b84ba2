// SPDX-License-Identifier: Apache-2.0
import { StateReader, StateWriter } from '@plinth/core';
import { expect, it } from 'vitest';
import { Placeholder } from './placeholder.js';
import { primeCellId } from './registers.js';

function place(size: number) {
  const unknown: string[] = [];
  const device = new Placeholder({
    name: 'place',
    size,
    registers: { CONTROL: { offset: 0, width: 8 }, ...(size > 4096 ? {} : { ID: primeCellId([0x50, 0x10]) }) },
    onUnknown: (offset, write, value) => unknown.push(`${write ? 'write' : 'read'} ${offset} ${value}`),
  });
  return { device, unknown };
}

it('has its few registers, and tells of all others', () => {
  const { device, unknown } = place(0x1000);
  device.write(0, 4, 0x1ff);
  expect([device.read(0, 4), device.read(0xfe0, 4), device.read(0xfe4, 1)]).toEqual([0xff, 0x50, 0x10]);
  const writer = new StateWriter();
  device.save(writer);
  device.reset();
  expect(device.read(0, 4)).toBe(0);
  device.restore(new StateReader(writer.take(), 'place'));
  expect(device.read(0, 4)).toBe(0xff);
  device.write(8, 4, -1);
  expect(device.read(8, 4)).toBe(0);
  expect(unknown).toEqual(['write 8 4294967295', 'read 8 0']);
});

it('may be as large as a memory', () => {
  const { device, unknown } = place(0x400_0000);
  device.write(0x100_0000, 2, 7);
  expect([device.read(0x100_0000, 2), device.peek(0x100_0000, 4), device.peek(8, 4)]).toEqual([0, 0, 0]);
  expect(unknown).toEqual(['write 16777216 7', 'read 16777216 0']);
});
