// SPDX-License-Identifier: Apache-2.0
// PL031 real-time clock (DDI 0224C, chapter 3): a 32-bit counter of seconds with a load register and a match interrupt.
// It counts virtual time from a base that is given, so that a run can be repeated. It cannot be stopped: on the real
// one, RTCCR starts the counter and only a reset stops it; here it runs from power-on, as QEMU's does.

import type { Alarm, EventQueue, StateReader, StateWriter, VirtualClock } from '@plinth/core';
import { type AccessSize, type Device, type InterruptLine, UNCONNECTED } from './device.js';
import { defineRegisters, primeCellId, type RegisterHooks } from './registers.js';

const SECOND = 1_000_000_000;
const IDENTIFICATION = [0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

export interface Pl031Options extends RegisterHooks {
  readonly name?: string;
  readonly clock: VirtualClock;
  readonly events: EventQueue;
  /** Seconds since 1970 at virtual time zero. */
  readonly baseSeconds: number;
  readonly interrupt?: InterruptLine;
}

export class Pl031 implements Device {
  readonly name: string;
  readonly size: number = 0x1000;
  readonly #clock: VirtualClock;
  readonly #events: EventQueue;
  readonly #baseSeconds: number;
  readonly #interrupt: InterruptLine;
  /** Added to base and elapsed seconds: what RTCLR has set. */
  #offset = 0;
  #raw = 0;
  #alarm: Alarm | undefined;
  readonly #bank;

  constructor(options: Pl031Options) {
    this.name = options.name ?? 'pl031';
    this.#clock = options.clock;
    this.#events = options.events;
    this.#baseSeconds = options.baseSeconds;
    this.#interrupt = options.interrupt ?? UNCONNECTED;
    this.#bank = defineRegisters(
      {
        DR: { offset: 0x00, access: 'ro', value: () => this.#seconds() },
        MR: { offset: 0x04, onWrite: () => this.#setAlarm() },
        LR: {
          offset: 0x08,
          onWrite: (value) => {
            this.#setSeconds(value >>> 0);
            this.#setAlarm();
          },
        },
        CR: { offset: 0x0c, access: 'ro', width: 1, reset: 1 },
        IMSC: { offset: 0x10, width: 1, onWrite: () => this.#update() },
        RIS: { offset: 0x14, access: 'ro', value: () => this.#raw },
        MIS: { offset: 0x18, access: 'ro', value: (): number => this.#raw & this.#bank.registers.IMSC.value },
        ICR: {
          offset: 0x1c,
          width: 1,
          access: 'wo',
          strobe: true,
          onWrite: (value) => {
            this.#raw &= ~value;
            this.#update();
          },
        },
        ID: primeCellId(IDENTIFICATION),
      },
      this.size,
      options,
    );
  }

  read(offset: number, size: AccessSize): number {
    return this.#bank.read(offset, size);
  }

  write(offset: number, size: AccessSize, value: number): void {
    this.#bank.write(offset, size, value);
  }

  peek(offset: number, size: AccessSize): number {
    return this.#bank.peek(offset, size);
  }

  /** The counter goes on: its supply is the battery's, and the time of day outlives a reset. */
  reset(): void {
    this.#bank.reset();
    this.#raw = 0;
    this.#alarm?.cancel();
    this.#update();
  }

  /** The base belongs to the options; what is saved is the time of day at virtual time zero, whatever it came from. */
  save(writer: StateWriter): void {
    this.#bank.save(writer);
    writer.f64(this.#baseSeconds + this.#offset);
    writer.u8(this.#raw);
    writer.alarm(this.#alarm);
  }

  restore(reader: StateReader): void {
    this.#bank.restore(reader);
    const origin = reader.f64();
    reader.check(Number.isSafeInteger(origin), `${origin} is no time of day`);
    this.#offset = origin - this.#baseSeconds;
    this.#raw = reader.u8() & 1;
    this.#alarm?.cancel();
    this.#alarm = reader.alarm(this.#events, () => this.#match());
  }

  /** As if the battery's clock had run on while the machine was saved. A match in the time that is skipped does not happen. */
  setTimeOfDay(seconds: number): void {
    this.#setSeconds(seconds);
    if (this.#alarm?.pending === true) this.#setAlarm();
  }

  #setSeconds(seconds: number): void {
    this.#offset += seconds - this.#seconds();
  }

  #seconds(): number {
    return (this.#baseSeconds + this.#offset + Math.floor(this.#clock.now() / SECOND)) >>> 0;
  }

  #update(): void {
    this.#interrupt.set((this.#raw & this.#bank.registers.IMSC.value) !== 0);
  }

  /** The match is an event at the moment the counter turns to RTCMR, which may be up to 136 years away. */
  #setAlarm(): void {
    this.#alarm?.cancel();
    const wait = ((this.#bank.registers.MR.value >>> 0) - this.#seconds()) >>> 0;
    if (wait === 0) {
      this.#match();
      return;
    }
    const second = Math.floor(this.#clock.now() / SECOND);
    this.#alarm = this.#events.schedule((second + wait) * SECOND, () => this.#match());
  }

  #match(): void {
    this.#raw = 1;
    this.#update();
  }
}
