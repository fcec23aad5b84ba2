// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatchedLine } from './device.js';
import { Pl011 } from './pl011.js';

const DR = 0x00;
const FR = 0x18;
const LCR_H = 0x2c;
const CR = 0x30;
const IFLS = 0x34;
const IMSC = 0x38;
const RIS = 0x3c;
const MIS = 0x40;
const ICR = 0x44;

function uart() {
  const sent: number[] = [];
  const interrupt = new LatchedLine();
  const state = { rooms: 0 };
  const device = new Pl011({ interrupt, onByte: (byte) => sent.push(byte), onRoom: () => state.rooms++ });
  return { device, sent, interrupt, state };
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const many = (count: number): Uint8Array => Uint8Array.from({ length: count }, (_, at) => at);

describe('PL011', () => {
  it('starts as the manual says and identifies itself', () => {
    const { device } = uart();
    expect([device.read(CR, 4), device.read(IFLS, 4), device.read(FR, 4)]).toEqual([0x300, 0x12, 0x97]);
    expect(many(8).reduce<number[]>((ids, at) => [...ids, device.read(0xfe0 + at * 4, 4)], [])).toEqual([
      0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1,
    ]);
  });

  it('sends each byte at once and raises TX', () => {
    const { device, sent, interrupt } = uart();
    device.write(IMSC, 4, 1 << 5);
    device.write(DR, 1, 0x41);
    device.write(DR, 4, 0xf42);
    expect(sent).toEqual([0x41, 0x42]);
    expect(interrupt.level).toBe(true);
    device.write(ICR, 4, 1 << 5);
    expect(interrupt.level).toBe(false);
    expect(device.read(RIS, 4)).toBe(0);
  });

  it('receives into the FIFO in order, tells RX at the level and RT below it', () => {
    const { device, interrupt } = uart();
    device.write(LCR_H, 4, 0x70);
    device.write(IFLS, 4, 2 << 3);
    device.write(IMSC, 4, (1 << 4) | (1 << 6));
    expect(device.receive(bytes(1, 2, 3))).toBe(3);
    expect(interrupt.level).toBe(true);
    expect(device.read(MIS, 4)).toBe(1 << 6);
    device.receive(many(5));
    expect(device.read(MIS, 4)).toBe((1 << 4) | (1 << 6));
    expect([device.peek(DR, 4), device.read(DR, 4), device.read(DR, 4), device.read(DR, 4)]).toEqual([1, 1, 2, 3]);
    expect(device.read(MIS, 4)).toBe(1 << 6);
    for (let at = 0; at < 5; at++) expect(device.read(DR, 4)).toBe(at);
    expect([device.read(MIS, 4), device.read(FR, 4) & 0x10, interrupt.level]).toEqual([0, 0x10, false]);
    expect(device.read(DR, 4)).toBe(0);
  });

  it('holds one byte without FIFOs and sixteen with them, and says when there is room', () => {
    const { device, state } = uart();
    expect(device.receive(many(3))).toBe(1);
    expect(device.read(FR, 4) & 0x50).toBe(0x40);
    device.read(DR, 4);
    expect(state.rooms).toBe(1);
    device.write(LCR_H, 4, 0x10);
    expect(device.receive(many(20))).toBe(16);
    expect(device.receive(many(1))).toBe(0);
    expect(device.read(FR, 4) & 0x50).toBe(0x40);
    device.read(DR, 4);
    device.read(DR, 4);
    expect(state.rooms).toBe(2);
    expect(device.receive(many(2))).toBe(2);
    device.read(DR, 4);
    expect(state.rooms).toBe(2);
  });

  it('takes nothing while the receiver is off', () => {
    const { device, state } = uart();
    device.write(CR, 4, 0x101);
    expect(device.receive(many(1))).toBe(0);
    expect(state.rooms).toBe(0);
    device.write(CR, 4, 0x301);
    expect(state.rooms).toBe(1);
    expect(device.receive(many(1))).toBe(1);
  });

  it('empties the FIFO when FEN changes, and only then', () => {
    const { device } = uart();
    device.write(LCR_H, 4, 0x10);
    device.receive(many(4));
    device.write(LCR_H, 4, 0x70);
    expect(device.read(FR, 4) & 0x10).toBe(0);
    device.write(LCR_H, 4, 0x60);
    expect([device.read(FR, 4) & 0x10, device.read(RIS, 4)]).toEqual([0x10, 0]);
  });

  it('loops back', () => {
    const { device, sent } = uart();
    device.write(CR, 4, 0x381);
    device.write(DR, 4, 0x55);
    expect([device.read(RIS, 4), device.read(DR, 4), sent.length]).toEqual([0x70, 0x55, 0]);
  });

  it('returns to the reset state', () => {
    const { device, interrupt } = uart();
    device.write(IMSC, 4, 0x7ff);
    device.write(LCR_H, 4, 0x10);
    device.receive(many(9));
    expect(interrupt.level).toBe(true);
    device.reset();
    expect([interrupt.level, device.read(RIS, 4), device.read(LCR_H, 4), device.read(FR, 4)]).toEqual([
      false,
      0,
      0,
      0x97,
    ]);
  });

  it('loses and repeats no byte, whatever the pace of source and guest', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.array(fc.nat(20), { maxLength: 40 }), (fifo, steps) => {
        const { device } = uart();
        if (fifo) device.write(LCR_H, 4, 0x10);
        let next = 0;
        const got: number[] = [];
        steps.forEach((count, step) => {
          if (step % 2 === 0) {
            next += device.receive(Uint8Array.from({ length: count }, (_, at) => (next + at) & 0xff));
          } else {
            for (let n = 0; n < count && (device.read(FR, 4) & 0x10) === 0; n++) got.push(device.read(DR, 1));
          }
        });
        while ((device.read(FR, 4) & 0x10) === 0) got.push(device.read(DR, 1));
        expect(got).toEqual(Array.from({ length: next }, (_, at) => at & 0xff));
      }),
    );
  });
});
