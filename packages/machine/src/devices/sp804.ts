// SPDX-License-Identifier: Apache-2.0
// SP804 dual timer (DDI 0271, chapter 3): two down-counters of 16 or 32 bits, free-running, periodic or one-shot, each
// with a prescaler, and one combined interrupt. A counter is not stepped: what it shows is computed from virtual time,
// and only an interrupt that is yet to come is an event. Not modelled: the integration test registers, clock enables.

import type { Alarm, EventQueue, StateReader, StateWriter, VirtualClock } from '@plinth/core';
import { type AccessSize, type Device, type InterruptLine, UNCONNECTED } from './device.js';
import { defineRegisters, primeCellId, type RegisterHooks } from './registers.js';

const SECOND = 1_000_000_000;
const IDENTIFICATION = [0x04, 0x18, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1];
/** Bytes of one counter's registers. */
const COUNTER_SIZE = 0x20;

/** TimerXControl (3.3.3). */
const ONE_SHOT = 1 << 0;
const SIZE_32 = 1 << 1;
const INTERRUPT_ENABLE = 1 << 5;
const PERIODIC = 1 << 6;
const ENABLE = 1 << 7;
/** By TimerXControl.TimerPre: what the clock is divided by. 3 is undefined, and as 2 in QEMU. */
const PRESCALE = [1, 16, 256, 256];

export interface Sp804Options extends RegisterHooks {
  readonly name?: string;
  readonly clock: VirtualClock;
  readonly events: EventQueue;
  /** Of TIMCLK, in hertz; below 2^23, so that all times are exact. */
  readonly frequency: number;
  /** TIMINTC: that of either counter. */
  readonly interrupt?: InterruptLine;
}

class Counter {
  readonly #clock: VirtualClock;
  readonly #events: EventQueue;
  readonly #frequency: number;
  readonly #changed: () => void;
  /** TimerXControl as it has been until now. */
  #control = 0;
  /** Ticks from `#since` to the moment of zero, which raises the interrupt; 2^32 when the counter is at zero now. */
  #toZero = 0;
  /** In prescaled ticks since virtual time zero; without meaning while the counter stands. */
  #since = 0;
  /** Stands at zero until it is loaded. */
  #halted = false;
  #raw = 0;
  #alarm: Alarm | undefined;
  readonly bank;

  constructor(options: Sp804Options, changed: () => void) {
    this.#clock = options.clock;
    this.#events = options.events;
    this.#frequency = options.frequency;
    this.#changed = changed;
    this.bank = defineRegisters(
      {
        LOAD: { offset: 0x00, onWrite: (value) => this.#load(value >>> 0) },
        VALUE: { offset: 0x04, access: 'ro', value: () => this.#remaining() & this.#maximum() },
        CONTROL: {
          offset: 0x08,
          width: 8,
          reset: INTERRUPT_ENABLE,
          fields: { RESERVED: { bits: 4, access: 'reserved' } },
          onWrite: (value) => this.#setControl(value),
        },
        INTCLR: { offset: 0x0c, access: 'wo', strobe: true, onWrite: () => this.#clear() },
        RIS: { offset: 0x10, access: 'ro', value: () => this.#status() },
        MIS: { offset: 0x14, access: 'ro', value: () => this.#masked() },
        BGLOAD: {
          offset: 0x18,
          value: (): number => this.bank.registers.LOAD.value,
          onWrite: (value): void => {
            // Taken over at the next zero: what has passed until now went by the old one.
            this.#settle();
            this.bank.registers.LOAD.value = value;
          },
        },
      },
      COUNTER_SIZE,
      options,
    );
    this.reset();
  }

  /** The interrupt output. */
  get asserted(): boolean {
    return (this.#raw & this.#enabled()) !== 0;
  }

  reset(): void {
    this.bank.reset();
    this.#control = INTERRUPT_ENABLE;
    this.#toZero = 0xffff_ffff;
    this.#halted = false;
    this.#raw = 0;
    this.#arm();
  }

  save(writer: StateWriter): void {
    this.bank.save(writer);
    writer.u8(this.#control);
    writer.f64(this.#toZero);
    writer.f64(this.#since);
    writer.bool(this.#halted);
    writer.u8(this.#raw);
    writer.alarm(this.#alarm);
  }

  restore(reader: StateReader): void {
    this.bank.restore(reader);
    this.#control = reader.u8();
    this.#toZero = reader.count();
    reader.check(this.#toZero <= 2 ** 32, `${this.#toZero} is more than a counter holds`);
    this.#since = reader.count();
    this.#halted = reader.bool();
    this.#raw = reader.u8() & 1;
    this.#alarm?.cancel();
    this.#alarm = reader.alarm(this.#events, () => this.#expire());
  }

  get #running(): boolean {
    return (this.#control & ENABLE) !== 0 && !this.#halted;
  }

  #enabled(): number {
    return (this.#control & INTERRUPT_ENABLE) === 0 ? 0 : 1;
  }

  #maximum(): number {
    return (this.#control & SIZE_32) === 0 ? 0xffff : 0xffff_ffff;
  }

  #prescale(): number {
    return PRESCALE[(this.#control >>> 2) & 3]!;
  }

  /** Prescaled ticks since virtual time zero. */
  #ticks(): number {
    const now = this.#clock.now();
    const seconds = Math.floor(now / SECOND);
    const ticks = seconds * this.#frequency + Math.floor(((now - seconds * SECOND) * this.#frequency) / SECOND);
    return Math.floor(ticks / this.#prescale());
  }

  #passed(): number {
    return this.#running ? this.#ticks() - this.#since : 0;
  }

  /** Ticks from one zero to the next; 0 when the counter then stands. */
  #period(): number {
    if ((this.#control & ONE_SHOT) !== 0) return 0;
    if ((this.#control & PERIODIC) === 0) return this.#maximum() + 1;
    return (this.bank.registers.LOAD.value & this.#maximum()) >>> 0;
  }

  /** Ticks to the next zero: the counter's content, but for the period itself at the moment of zero. */
  #remaining(): number {
    const passed = this.#passed();
    if (passed < this.#toZero) return this.#toZero - passed;
    const period = this.#running ? this.#period() : 0;
    return period === 0 ? 0 : period - ((passed - this.#toZero) % period);
  }

  #status(): number {
    return this.#running && this.#passed() >= this.#toZero ? 1 : this.#raw;
  }

  #masked(): number {
    return this.#status() & this.#enabled();
  }

  /** Brings the counter's state to now. */
  #settle(): void {
    if (!this.#running) return;
    this.#raw = this.#status();
    const halts = this.#passed() >= this.#toZero && this.#period() === 0;
    this.#toZero = this.#remaining();
    this.#since = this.#ticks();
    this.#halted = halts;
  }

  #load(value: number): void {
    this.#settle();
    this.#halted = false;
    this.#start((value & this.#maximum()) >>> 0);
  }

  #setControl(value: number): void {
    this.#settle();
    this.#control = value;
    // A counter that stopped at zero after one shot goes on when it may count on.
    const period = this.#period();
    if (this.#halted && period !== 0) {
      this.#halted = false;
      this.#toZero = period;
    }
    this.#start(Math.min(this.#toZero, this.#maximum() + 1));
  }

  #start(toZero: number): void {
    this.#toZero = toZero;
    this.#since = this.#ticks();
    this.#settle();
    this.#arm();
  }

  #clear(): void {
    this.#settle();
    this.#raw = 0;
    this.#arm();
  }

  /** Sets the output, and the alarm if it is yet to rise. */
  #arm(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#changed();
    if (this.#raw !== 0 || this.#enabled() === 0 || !this.#running) return;
    const ticks = (this.#since + this.#toZero) * this.#prescale();
    const seconds = Math.floor(ticks / this.#frequency);
    const rest = Math.ceil(((ticks - seconds * this.#frequency) * SECOND) / this.#frequency);
    this.#alarm = this.#events.schedule(seconds * SECOND + rest, () => this.#expire());
  }

  #expire(): void {
    this.#settle();
    this.#arm();
  }
}

export class Sp804 implements Device {
  readonly name: string;
  readonly size: number = 0x1000;
  readonly #counters: readonly Counter[];
  readonly #bank;

  constructor(options: Sp804Options) {
    this.name = options.name ?? 'sp804';
    const line = options.interrupt ?? UNCONNECTED;
    const update = (): void => line.set(counters.some(({ asserted }) => asserted));
    const counters: Counter[] = [];
    const { onUnknown } = options;
    for (const base of [0, COUNTER_SIZE]) {
      const hooks =
        onUnknown === undefined
          ? {}
          : { onUnknown: (offset: number, write: boolean, value: number) => onUnknown(base + offset, write, value) };
      counters.push(new Counter({ ...options, ...hooks }, update));
    }
    this.#counters = counters;
    this.#bank = defineRegisters({ ID: primeCellId(IDENTIFICATION) }, this.size, options);
  }

  read(offset: number, size: AccessSize): number {
    const counter = this.#counters[Math.floor(offset / COUNTER_SIZE)];
    return counter === undefined ? this.#bank.read(offset, size) : counter.bank.read(offset % COUNTER_SIZE, size);
  }

  write(offset: number, size: AccessSize, value: number): void {
    const counter = this.#counters[Math.floor(offset / COUNTER_SIZE)];
    if (counter === undefined) this.#bank.write(offset, size, value);
    else counter.bank.write(offset % COUNTER_SIZE, size, value);
  }

  peek(offset: number, size: AccessSize): number {
    const counter = this.#counters[Math.floor(offset / COUNTER_SIZE)];
    return counter === undefined ? this.#bank.peek(offset, size) : counter.bank.peek(offset % COUNTER_SIZE, size);
  }

  reset(): void {
    this.#bank.reset();
    for (const counter of this.#counters) counter.reset();
  }

  save(writer: StateWriter): void {
    this.#bank.save(writer);
    for (const counter of this.#counters) counter.save(writer);
  }

  restore(reader: StateReader): void {
    this.#bank.restore(reader);
    for (const counter of this.#counters) counter.restore(reader);
  }
}
