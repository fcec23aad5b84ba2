// SPDX-License-Identifier: Apache-2.0
// The generic timer of one CPU (B8): the counter is virtual time, and the physical and the virtual timer raise their
// interrupt when it reaches their compare value. Without the virtualization extensions both see the same count.

import type { Alarm, EventQueue, StateReader, StateWriter, VirtualClock } from '@plinth/core';
import type { InterruptLine } from '../devices/device.js';

/** CNTx_CTL bits. */
const ENABLE = 1;
const MASK = 2;
const STATUS = 4;

const MASK64 = (1n << 64n) - 1n;

class Comparator {
  readonly #timer: ArchTimer;
  readonly #line: InterruptLine;
  control = 0;
  compare = 0n;
  #alarm: Alarm | undefined;

  constructor(timer: ArchTimer, line: InterruptLine) {
    this.#timer = timer;
    this.#line = line;
  }

  reset(): void {
    this.control = 0;
    this.compare = 0n;
    this.update();
  }

  save(writer: StateWriter): void {
    writer.u8(this.control);
    writer.u64(this.compare);
    writer.alarm(this.#alarm);
  }

  /** Without driving the line, as devices do. */
  restore(reader: StateReader, events: EventQueue): void {
    this.control = reader.u8() & (ENABLE | MASK);
    this.compare = reader.u64();
    this.#alarm?.cancel();
    this.#alarm = reader.alarm(events, () => this.update());
  }

  get #met(): boolean {
    return this.#timer.count() >= this.compare;
  }

  /** Sets the line and, if the condition is yet to come, the alarm. */
  update(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    const enabled = (this.control & ENABLE) !== 0;
    const met = enabled && this.#met;
    this.#line.set(met && (this.control & MASK) === 0);
    if (enabled && !met) this.#alarm = this.#timer.at(this.compare, () => this.update());
  }

  get controlValue(): number {
    const met = (this.control & ENABLE) !== 0 && this.#met;
    return this.control | (met ? STATUS : 0);
  }

  setControl(value: number): void {
    this.control = value & (ENABLE | MASK);
    this.update();
  }

  setCompare(value: bigint): void {
    this.compare = value & MASK64;
    this.update();
  }

  /** TVAL: the compare value relative to now, 32 bits signed. */
  get timerValue(): number {
    return Number(BigInt.asIntN(32, this.compare - this.#timer.count()));
  }

  setTimerValue(value: number): void {
    this.setCompare(this.#timer.count() + BigInt(value | 0));
  }
}

export class ArchTimer {
  readonly #clock: VirtualClock;
  readonly #events: EventQueue;
  readonly #frequency: number;
  readonly #physical: Comparator;
  readonly #virtual: Comparator;

  constructor(options: {
    clock: VirtualClock;
    events: EventQueue;
    /** Hertz. */
    frequency: number;
    physical: InterruptLine;
    virtual: InterruptLine;
  }) {
    this.#clock = options.clock;
    this.#events = options.events;
    this.#frequency = options.frequency;
    this.#physical = new Comparator(this, options.physical);
    this.#virtual = new Comparator(this, options.virtual);
  }

  reset(): void {
    this.#physical.reset();
    this.#virtual.reset();
  }

  save(writer: StateWriter): void {
    writer.u32(this.#frequency);
    this.#physical.save(writer);
    this.#virtual.save(writer);
  }

  restore(reader: StateReader): void {
    const frequency = reader.u32();
    reader.check(frequency === this.#frequency, `the timer counts at ${frequency} Hz, here at ${this.#frequency} Hz`);
    this.#physical.restore(reader, this.#events);
    this.#virtual.restore(reader, this.#events);
  }

  /** The counter now. Times stay below 2^53 ns, frequencies below 2^30 Hz: split to stay exact. */
  count(): bigint {
    const now = this.#clock.now();
    const seconds = Math.floor(now / 1e9);
    const rest = now - seconds * 1e9;
    return BigInt(seconds) * BigInt(this.#frequency) + BigInt(Math.floor((rest * this.#frequency) / 1e9));
  }

  /**
   * Calls back at the first nanosecond at which the counter is `value` or more; never, if that is more than a hundred
   * days away, where times would not be exact.
   */
  at(value: bigint, action: () => void): Alarm | undefined {
    const time = this.#timeOf(value);
    return time === undefined ? undefined : this.#events.schedule(time, action);
  }

  /** The first nanosecond at which the counter is `value` or more, if it is near enough to be exact. */
  #timeOf(value: bigint): number | undefined {
    const frequency = BigInt(this.#frequency);
    const nanoseconds = (value * 1_000_000_000n + frequency - 1n) / frequency;
    return nanoseconds > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(nanoseconds);
  }

  /**
   * Virtual nanoseconds at which the event stream gives its next event, by CNTKCTL: EVNTEN 2, EVNTDIR 3, EVNTI 7:4 (B8.1.1).
   * Infinity if it is off, or that is out of reach.
   */
  nextStreamEvent(control: number): number {
    if ((control & 4) === 0) return Infinity;
    const half = 1n << BigInt((control >>> 4) & 15);
    const period = half * 2n;
    // The bit of the counter rises in the middle of its period, and falls at its end.
    const phase = (control & 8) === 0 ? half : 0n;
    const now = this.count();
    return this.#timeOf(now + ((((phase - now - 1n) % period) + period) % period) + 1n) ?? Infinity;
  }

  /** 32-bit registers of CP15 c14 by (CRm, opc2). */
  read(crm: number, opc2: number): number | undefined {
    if (crm === 0 && opc2 === 0) return this.#frequency;
    const comparator = crm === 2 ? this.#physical : crm === 3 ? this.#virtual : undefined;
    if (comparator === undefined) return undefined;
    return opc2 === 0 ? comparator.timerValue : opc2 === 1 ? comparator.controlValue : undefined;
  }

  write(crm: number, opc2: number, value: number): boolean {
    // CNTFRQ is only a note for software; it says what the board says.
    if (crm === 0 && opc2 === 0) return true;
    const comparator = crm === 2 ? this.#physical : crm === 3 ? this.#virtual : undefined;
    if (comparator === undefined || opc2 > 1) return false;
    if (opc2 === 0) comparator.setTimerValue(value);
    else comparator.setControl(value);
    return true;
  }

  /** 64-bit registers by opc1: CNTPCT, CNTVCT, CNTP_CVAL, CNTV_CVAL. */
  read64(opc1: number): bigint | undefined {
    if (opc1 === 0 || opc1 === 1) return this.count();
    if (opc1 === 2) return this.#physical.compare;
    return opc1 === 3 ? this.#virtual.compare : undefined;
  }

  write64(opc1: number, value: bigint): boolean {
    if (opc1 !== 2 && opc1 !== 3) return false;
    (opc1 === 2 ? this.#physical : this.#virtual).setCompare(value);
    return true;
  }
}
