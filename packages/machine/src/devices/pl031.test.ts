// SPDX-License-Identifier: Apache-2.0
import { EventQueue } from '@plinth/core';
import { describe, expect, it } from 'vitest';
import { LatchedLine } from './device.js';
import { Pl031 } from './pl031.js';

const DR = 0x00;
const MR = 0x04;
const LR = 0x08;
const CR = 0x0c;
const IMSC = 0x10;
const RIS = 0x14;
const MIS = 0x18;
const ICR = 0x1c;

function rtc(baseSeconds = 1_700_000_000) {
  let now = 0;
  const events = new EventQueue();
  const interrupt = new LatchedLine();
  const device = new Pl031({ clock: { now: () => now }, events, baseSeconds, interrupt });
  const advance = (nanoseconds: number): void => {
    now += nanoseconds;
    events.runUntil(now);
  };
  return { device, interrupt, advance, events };
}

describe('PL031', () => {
  it('counts virtual seconds from its base', () => {
    const { device, advance } = rtc();
    expect([device.read(DR, 4), device.read(CR, 4)]).toEqual([1_700_000_000, 1]);
    expect([0xfe0, 0xfe4, 0xfe8].map((at) => device.read(at, 4))).toEqual([0x31, 0x10, 0x14]);
    advance(2_999_999_999);
    expect(device.read(DR, 4)).toBe(1_700_000_002);
    advance(1);
    expect(device.read(DR, 4)).toBe(1_700_000_003);
  });

  it('takes a new time, which a reset keeps', () => {
    const { device, advance } = rtc();
    advance(5e9);
    device.write(LR, 4, 0xffff_ffff);
    expect([device.read(DR, 4), device.read(LR, 4)]).toEqual([0xffff_ffff, 0xffff_ffff]);
    advance(1e9);
    expect(device.read(DR, 4)).toBe(0);
    device.reset();
    expect([device.read(DR, 4), device.read(LR, 4)]).toEqual([0, 0]);
  });

  it('interrupts at the match, not a nanosecond earlier', () => {
    const { device, interrupt, advance } = rtc();
    advance(5e8);
    device.write(IMSC, 4, 1);
    device.write(MR, 4, 1_700_000_010);
    advance(9_499_999_999);
    expect([interrupt.level, device.read(RIS, 4)]).toEqual([false, 0]);
    advance(1);
    expect([interrupt.level, device.read(RIS, 4), device.read(MIS, 4)]).toEqual([true, 1, 1]);
    device.write(ICR, 4, 1);
    expect([interrupt.level, device.read(RIS, 4)]).toEqual([false, 0]);
  });

  it('matches at once when the time is now, and moves the alarm with the clock', () => {
    const { device, interrupt, advance, events } = rtc();
    device.write(MR, 4, 1_700_000_000);
    expect([device.read(RIS, 4), interrupt.level]).toEqual([1, false]);
    device.write(ICR, 4, 1);
    device.write(MR, 4, 1_700_000_100);
    device.write(LR, 4, 1_700_000_099);
    expect(events.next()).toBe(1e9);
    advance(1e9);
    expect(device.read(RIS, 4)).toBe(1);
    device.write(MR, 4, 5);
    device.reset();
    expect(events.next()).toBe(Infinity);
  });
});
