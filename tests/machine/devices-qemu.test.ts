// SPDX-License-Identifier: Apache-2.0
// Drives the interrupt controller and the UART of our board `virt` and of QEMU's with the same random register
// accesses and compares everything that is read. Skips itself without qemu-system-arm.

import { EventQueue } from '@plinth/core';
import { buildBoard, virtBoard } from '@plinth/machine';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { missingQemu } from '../boot/guest.js';
import { type Access, qtest } from './qtest.js';

const GICD = 0x0800_0000;
const GICC = 0x0801_0000;
const UART = 0x0900_0000;

/** An end of interrupt whose INTID is what was acknowledged last and not yet ended; left out when nothing was. */
const END = -1;

/** What our board reads, and the script with every END resolved. */
function ours(script: readonly Access[]): { reads: number[]; script: Access[] } {
  const board = buildBoard(virtBoard, {
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
  const reads: number[] = [];
  const resolved: Access[] = [];
  const acknowledged: number[] = [];
  for (const step of script) {
    const { address, size } = step;
    const place = board.devices.find(({ base, device }) => address >= base && address < base + device.size)!;
    const offset = address - place.base;
    if (step.value === undefined) {
      const value = place.device.read(offset, size);
      reads.push(value);
      if (address === GICC + 0x0c && value < 1020) acknowledged.push(value);
      resolved.push(step);
      continue;
    }
    const value = step.value === END ? acknowledged.pop() : step.value;
    if (value === undefined) continue;
    place.device.write(offset, size, value);
    resolved.push({ address, size, value });
  }
  return { reads, script: resolved };
}

/** `ignored` are bits of a register that differ by intent. */
async function compare(
  access: fc.Arbitrary<readonly Access[]>,
  prologue: readonly Access[],
  seed: number,
  ignored: ReadonlyMap<number, number> = new Map(),
): Promise<void> {
  const scripts = fc
    .sample(fc.array(access, { minLength: 200, maxLength: 200 }), { numRuns: 5, seed })
    .map((steps) => ours([...prologue, ...steps.flat()]));
  const theirs = await qtest(scripts.map(({ script }) => script));
  scripts.forEach(({ script, reads: mine }, run) => {
    const reads = script.map((step, at) => ({ ...step, at })).filter(({ value }) => value === undefined);
    const first = reads.findIndex(
      (_step, at) => ((mine[at]! ^ theirs[run]![at]!) & ~(ignored.get(reads[at]!.address) ?? 0)) !== 0,
    );
    if (first < 0) return;
    const { at, address } = reads[first]!;
    const history = script
      .slice(Math.max(0, at - 400), at)
      .map(
        (step) =>
          `${step.value === undefined ? 'r' : 'w'}${step.size} ${step.address.toString(16)} ${step.value?.toString(16) ?? ''}`,
      );
    expect.fail(
      `seed ${seed}, run ${run}: ${address.toString(16)} reads ${mine[first]!.toString(16)}, QEMU ${theirs[run]![first]!.toString(16)} after\n${history.join('\n')}`,
    );
  });
}

const write = (address: number, value: number, size: 1 | 4 = 4): Access => ({ address, size, value });
const read = (address: number, size: 1 | 4 = 4): Access => ({ address, size });
/** Interrupts 32 to 47 and the software ones: few, so that they meet. */
const intid = fc.integer({ min: 16, max: 47 });
const bitOf = (base: number, id: number): Access => write(base + (id >>> 5) * 4, 2 ** (id & 31));

const gicStep: fc.Arbitrary<readonly Access[]> = fc.oneof(
  intid.map((id) => [bitOf(GICD + 0x200, id)]),
  intid.map((id) => [bitOf(GICD + 0x280, id)]),
  intid.map((id) => [bitOf(GICD + 0x100, id)]),
  intid.map((id) => [bitOf(GICD + 0x180, id)]),
  fc
    .tuple(intid, fc.nat(255))
    .map(([id, priority]) => [write(GICD + 0x400 + id, priority, 1), read(GICD + 0x400 + (id & ~3))]),
  fc.nat(15).map((id) => [write(GICD + 0xf00, (2 << 24) | id)]),
  fc
    .tuple(fc.integer({ min: 2, max: 2 }), fc.integer())
    .map(([word, value]) => [write(GICD + 0xc00 + word * 4, value)]),
  fc.constantFrom(0xff, 0xf0, 0x80, 0x40).map((mask) => [write(GICC + 0x04, mask)]),
  fc.nat(7).map((point) => [write(GICC + 0x08, point)]),
  // GICC_HPPIR stays out: QEMU hides in it what the priority mask hides, the architecture does not (IHI 0048B 4.4.7).
  fc.constant([read(GICC + 0x0c), read(GICC + 0x14)]),
  fc.constant([write(GICC + 0x10, END), read(GICC + 0x14)]),
  fc.constant([write(GICC + 0x10, END), read(GICC + 0x14)]),
  fc.constant([0x100, 0x104, 0x200, 0x204, 0x300, 0x304, 0xf20, 0xc08].map((at) => read(GICD + at))),
  fc.constant([0xd0, 0xd4, 0xd8, 0xdc, 0x14].map((at) => read(GICC + at))),
);

/** UART registers, and what of them both models have: QEMU has neither loopback nor break, and cuts no unused bits. */
const UART_WRITES = new Map([
  [0x00, 0xff],
  [0x24, 0xffff],
  [0x28, 0x3f],
  [0x2c, 0xfe],
  [0x30, 0xff07],
  [0x34, 0x3f],
  [0x38, 0x7ff],
  [0x44, 0x7ff],
]);
const uartStep: fc.Arbitrary<readonly Access[]> = fc
  .tuple(fc.constantFrom(...UART_WRITES.keys()), fc.nat(0xffff))
  .map(([offset, value]) => [
    write(UART + offset, value & UART_WRITES.get(offset)!),
    ...[0x18, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x38, 0x3c, 0x40].map((at) => read(UART + at)),
  ]);

describe('devices of virt against QEMU’s', unless(missingQemu()), () => {
  it('GICv2 answers the same', async () => {
    const prologue = [
      write(GICD, 1),
      write(GICC, 1),
      write(GICC + 0x04, 0xff),
      ...[0x04, 0x08, 0x80, 0x100, 0x180, 0x300, 0x380, 0xc00, 0xfe0, 0xfe4, 0xfe8, 0xff0].map((at) => read(GICD + at)),
      ...[0x00, 0x04, 0x08, 0x1c, 0xfc].map((at) => read(GICC + at)),
    ];
    await compare(gicStep, prologue, 1);
  });

  it('PL011 answers the same', async () => {
    const prologue = [0xfe0, 0xfe4, 0xfe8, 0xfec, 0xff0, 0xff4, 0xff8, 0xffc].map((at) => read(UART + at));
    // Our modem lines say that a terminal is there; QEMU's are low.
    await compare(uartStep, prologue, 2, new Map([[UART + 0x18, 7]]));
  });
});
