// SPDX-License-Identifier: Apache-2.0
import { EventQueue, StateReader, StateWriter } from '@plinth/core';
import { describe, expect, it } from 'vitest';
import { LatchedLine } from './device.js';
import { Sp804 } from './sp804.js';

const LOAD = 0x00;
const VALUE = 0x04;
const CONTROL = 0x08;
const INTCLR = 0x0c;
const RIS = 0x10;
const MIS = 0x14;
const BGLOAD = 0x18;
const SECOND_TIMER = 0x20;

const ONE_SHOT = 0x01;
const SIZE_32 = 0x02;
const BY_16 = 0x04;
const INTERRUPT = 0x20;
const PERIODIC = 0x40;
const ENABLE = 0x80;

/** At 1 MHz: a tick is a microsecond. */
function timer() {
  const events = new EventQueue();
  const line = new LatchedLine();
  const unknown: number[] = [];
  let now = 0;
  const device = new Sp804({
    clock: { now: () => now },
    events,
    frequency: 1_000_000,
    interrupt: line,
    onUnknown: (offset) => unknown.push(offset),
  });
  return {
    device,
    events,
    line,
    unknown,
    read: (offset: number) => device.read(offset, 4),
    write: (offset: number, value: number) => device.write(offset, 4, value),
    /** Microseconds, event by event. */
    pass: (microseconds: number): void => {
      const end = now + microseconds * 1000;
      while (events.next() <= end) {
        now = Math.max(now, events.next());
        events.runUntil(now);
      }
      now = end;
    },
  };
}

describe('SP804', () => {
  it('stands after a reset, with the identification of one', () => {
    const { read, pass, device, events } = timer();
    expect([read(LOAD), read(VALUE), read(CONTROL), read(RIS)]).toEqual([0, 0xffff, INTERRUPT, 0]);
    pass(1000);
    expect(read(VALUE)).toBe(0xffff);
    expect(events.next()).toBe(Infinity);
    expect([0xfe0, 0xfe4, 0xfe8, 0xff0].map((offset) => device.peek(offset, 1))).toEqual([0x04, 0x18, 0x14, 0x0d]);
  });

  it('counts down from what is loaded, freely and around', () => {
    const { read, write, pass, events } = timer();
    write(CONTROL, SIZE_32 | ENABLE);
    write(LOAD, 5);
    expect(read(VALUE)).toBe(5);
    pass(3);
    expect([read(VALUE), read(RIS)]).toEqual([2, 0]);
    pass(2);
    expect([read(VALUE), read(RIS), read(MIS)]).toEqual([0, 1, 0]);
    pass(1);
    expect(read(VALUE)).toBe(0xffff_ffff);
    // An interrupt that nobody can see is no event: a machine that waits need not stop for it.
    expect(events.next()).toBe(Infinity);
  });

  it('has 16 bits unless told otherwise', () => {
    const { read, write, pass } = timer();
    write(CONTROL, ENABLE);
    write(LOAD, 0x1_0003);
    pass(4);
    expect(read(VALUE)).toBe(0xffff);
  });

  it('reloads and interrupts at the end of each period', () => {
    const { read, write, pass, line } = timer();
    write(LOAD, 10);
    write(CONTROL, SIZE_32 | PERIODIC | INTERRUPT | ENABLE);
    pass(9);
    expect([read(VALUE), line.level]).toEqual([1, false]);
    pass(1);
    expect([read(VALUE), line.level, read(MIS)]).toEqual([10, true, 1]);
    write(INTCLR, 0);
    expect([line.level, read(RIS)]).toEqual([false, 0]);
    pass(25);
    expect([read(VALUE), line.level]).toEqual([5, true]);
    write(CONTROL, SIZE_32 | PERIODIC | ENABLE);
    expect([line.level, read(RIS), read(MIS)]).toEqual([false, 1, 0]);
  });

  it('stops at zero after one shot, until it is loaded or may count on', () => {
    const { read, write, pass, line } = timer();
    write(CONTROL, SIZE_32 | ONE_SHOT | INTERRUPT | ENABLE);
    write(LOAD, 3);
    pass(50);
    expect([read(VALUE), line.level]).toEqual([0, true]);
    write(INTCLR, 1);
    pass(50);
    expect([read(VALUE), line.level]).toEqual([0, false]);
    write(LOAD, 2);
    pass(2);
    expect(line.level).toBe(true);
    write(INTCLR, 1);
    write(CONTROL, SIZE_32 | INTERRUPT | ENABLE);
    pass(1);
    expect([read(VALUE), line.level]).toEqual([0xffff_ffff, false]);
  });

  it('takes the background load over at the next zero', () => {
    const { read, write, pass } = timer();
    write(CONTROL, SIZE_32 | PERIODIC | ENABLE);
    write(LOAD, 10);
    pass(4);
    write(BGLOAD, 100);
    expect([read(VALUE), read(LOAD), read(BGLOAD)]).toEqual([6, 100, 100]);
    pass(6);
    expect(read(VALUE)).toBe(100);
  });

  it('divides its clock, and keeps its content while it is off', () => {
    const { read, write, pass } = timer();
    write(CONTROL, SIZE_32 | BY_16 | ENABLE);
    write(LOAD, 100);
    pass(160);
    expect(read(VALUE)).toBe(90);
    write(CONTROL, SIZE_32 | BY_16);
    pass(1600);
    expect(read(VALUE)).toBe(90);
    write(CONTROL, SIZE_32 | BY_16 | ENABLE);
    pass(16);
    expect(read(VALUE)).toBe(89);
  });

  it('stays exact for years', () => {
    const { read, write, pass } = timer();
    write(CONTROL, SIZE_32 | ENABLE);
    write(LOAD, 0);
    const days = 100 * 86_400_000_000;
    pass(days);
    expect(read(VALUE)).toBe(2 ** 32 - (days % 2 ** 32));
  });

  it('raises one line for both, and forgets all at a reset', () => {
    const { device, read, write, pass, line, unknown } = timer();
    write(SECOND_TIMER + LOAD, 1);
    write(SECOND_TIMER + CONTROL, SIZE_32 | PERIODIC | INTERRUPT | ENABLE);
    pass(1);
    expect([line.level, read(RIS), read(SECOND_TIMER + RIS)]).toEqual([true, 0, 1]);
    device.reset();
    expect([line.level, read(SECOND_TIMER + RIS), read(SECOND_TIMER + LOAD)]).toEqual([false, 0, 0]);
    pass(100);
    expect(line.level).toBe(false);
    read(SECOND_TIMER + 0x1c);
    read(0x40);
    expect(unknown).toEqual([0x3c, 0x40]);
  });

  it('goes on elsewhere from where it was saved', () => {
    const from = timer();
    from.write(LOAD, 10);
    from.write(CONTROL, SIZE_32 | PERIODIC | INTERRUPT | ENABLE);
    from.write(BGLOAD, 20);
    from.pass(4);
    const writer = new StateWriter();
    from.device.save(writer);
    const to = timer();
    to.pass(4);
    to.device.restore(new StateReader(writer.take(), 'timer'));
    for (const { pass } of [from, to]) pass(11);
    for (const { read, line } of [from, to]) {
      expect([read(VALUE), read(LOAD), line.level, read(SECOND_TIMER + VALUE)]).toEqual([15, 20, true, 0xffff]);
    }
  });

  it('takes no state that a timer cannot have', () => {
    const writer = new StateWriter();
    timer().device.save(writer);
    const bytes = writer.take();
    // Banks without changes, four bytes each, then the first counter's control; 2^1023 in the next field.
    bytes.set([0, 0, 0, 0, 0, 0, 0xe0, 0x7f], 9);
    expect(() => timer().device.restore(new StateReader(bytes, 'timer'))).toThrow('timer is not valid at byte 17');
  });
});
