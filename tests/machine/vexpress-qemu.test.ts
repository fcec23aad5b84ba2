// SPDX-License-Identifier: Apache-2.0
// The system registers of our board vexpress-a15 and of QEMU's under the same random accesses, and what the devices of
// both say when they are asked who they are. Skips itself without qemu-system-arm.

import { EventQueue } from '@plinth/core';
import { buildBoard, vexpressA15Board } from '@plinth/machine';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { missingQemu } from '../boot/guest.js';
import { type Access, qtest } from './qtest.js';

const SYSREG = 0x1c01_0000;
const CFGDATA = SYSREG + 0xa0;
const CFGCTRL = SYSREG + 0xa4;
const CFGSTAT = SYSREG + 0xa8;

function ours(script: readonly Access[]): number[] {
  const board = buildBoard(vexpressA15Board, {
    cpus: 1,
    clock: { now: () => 0 },
    events: new EventQueue(),
    wallClockBase: 0,
    console: { onByte: () => {}, onRoom: () => {}, connect: () => {} },
    memory: { bytes: () => undefined, writeBytes: () => false },
    irq: [],
    fiq: [],
    currentCpu: () => 0,
    requestPower: () => {},
  });
  return script.flatMap(({ address, size, value }) => {
    const place = board.devices.find(({ base, device }) => address >= base && address < base + device.size);
    if (place === undefined) return value === undefined ? [0] : [];
    if (value === undefined) return [place.device.read(address - place.base, size) >>> 0];
    place.device.write(address - place.base, size, value);
    return [];
  });
}

const write = (address: number, value: number): Access => ({ address, size: 4, value });
const read = (address: number): Access => ({ address, size: 4 });

/** Functions that QEMU answers or refuses as we do: not temperature, which it has not, nor reset and power. */
const FUNCTIONS = [0, 1, 2, 3, 6, 7, 10, 11, 12, 13, 63];
const command = fc
  .record({
    start: fc.constantFrom(0, 2 ** 31),
    write: fc.constantFrom(0, 2 ** 30),
    controller: fc.constantFrom(0, 0, 0, 1),
    number: fc.constantFrom(...FUNCTIONS),
    site: fc.nat(3),
    position: fc.constantFrom(0, 0, 0, 1),
    device: fc.nat(10),
  })
  .map(({ start, write: writes, controller, number, site, position, device }) => {
    return start + writes + controller * 2 ** 26 + number * 2 ** 20 + site * 2 ** 16 + position * 2 ** 12 + device;
  });
const step: fc.Arbitrary<readonly Access[]> = fc.oneof(
  fc.tuple(command, fc.nat(0xffff_ffff)).map(([value, data]) => {
    return [write(CFGDATA, data), write(CFGSTAT, 0), write(CFGCTRL, value)].concat(
      [CFGDATA, CFGCTRL, CFGSTAT].map(read),
    );
  }),
  fc
    .tuple(fc.constantFrom(0x30, 0x34, 0x38, 0x3c), fc.nat(0xffff_ffff))
    .map(([offset, value]) => [write(SYSREG + offset, value), read(SYSREG + 0x30), read(SYSREG + 0x38)]),
  // Eight LEDs; QEMU keeps bits that no LED shows.
  fc.nat(0xff).map((value) => [write(SYSREG + 0x08, value), read(SYSREG + 0x08)]),
);

describe('devices of vexpress-a15 against QEMU’s', unless(missingQemu()), () => {
  it('system registers answer the same', async () => {
    const scripts = fc
      .sample(fc.array(step, { minLength: 200, maxLength: 200 }), { numRuns: 5, seed: 3 })
      .map((steps) => [0x00, 0x04, 0x48, 0x60, 0x84, 0x88].map((at) => read(SYSREG + at)).concat(steps.flat()));
    const theirs = await qtest(scripts, 'vexpress-a15');
    expect(theirs.flat().length).toBeGreaterThan(2000);
    scripts.forEach((script, run) => expect(ours(script), `run ${run}`).toEqual(theirs[run]));
  });

  it('devices identify themselves the same', async () => {
    const pages = [0x01, 0x04, 0x05, 0x06, 0x07, 0x09, 0x0a, 0x0b, 0x0c, 0x0f, 0x11, 0x12, 0x17, 0x1f];
    const script = [
      ...pages.flatMap((page) => Array.from({ length: 8 }, (_, i) => read(0x1c00_0fe0 + page * 0x1_0000 + i * 4))),
      ...[0x2b0a_0fe0, 0x7ffb_0fe0, 0x7ffd_0fe0, 0x1a00_0050, 0x1b00_0000].map(read),
      // Keyboard and mouse: ready to send, nothing received. Timers: control after a reset.
      ...[0x1c06_0004, 0x1c06_0010, 0x1c07_0004, 0x1c07_0010, 0x1c11_0008, 0x1c12_0028].map(read),
      // Not GICD_TYPER: it tells of Security Extensions in QEMU.
      ...[0x2c00_1008, 0x2c00_1fe0, 0x2c00_1fe4, 0x2c00_1fe8, 0x2c00_20fc].map(read),
    ];
    expect(ours(script)).toEqual((await qtest([script], 'vexpress-a15'))[0]);
  });
});
