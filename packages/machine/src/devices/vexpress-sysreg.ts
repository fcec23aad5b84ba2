// SPDX-License-Identifier: Apache-2.0
// The system registers of a Versatile Express motherboard (DUI 0447, chapter 4): identification, LEDs, flags for a
// second CPU's start, counters of 100 Hz and 24 MHz, and the interface through which the board's controllers are asked
// for clocks, voltages, temperatures and power. What these answer is a table that the board gives.

import type { StateReader, StateWriter, VirtualClock } from '@plinth/core';
import type { AccessSize, Device } from './device.js';
import { defineRegisters, type RegisterHooks } from './registers.js';

/** SYS_CFGCTRL: start, write, and bits without a meaning. */
const START = 1 << 31;
const WRITE = 1 << 30;
const UNUSED = 3 << 18;
/** SYS_CFGSTAT. */
const COMPLETE = 1;
const ERROR = 2;
const NANOSECONDS_PER_HUNDREDTH = 10_000_000;
const MEGAHERTZ_24 = 24_000_000;
const SECOND = 1_000_000_000;

/** SYS_CFGCTRL.Function. */
export const CONFIG_FUNCTION = {
  oscillator: 1,
  voltage: 2,
  current: 3,
  temperature: 4,
  reset: 5,
  muxFpga: 7,
  shutdown: 8,
  reboot: 9,
  dviMode: 11,
  power: 12,
  energy: 13,
} as const;

/** SYS_CFGCTRL.Site. */
export const CONFIG_SITE = { motherboard: 0, daughterboard1: 1, daughterboard2: 2 } as const;

/** Something that the configuration interface can be asked for or told. */
export interface ConfigItem {
  readonly function: number;
  readonly site: number;
  /** 0 when left out. */
  readonly device?: number;
  /** `rw` keeps what is written until a reset; `wo` takes and forgets it. */
  readonly access: 'ro' | 'rw' | 'wo' | 'shutdown' | 'reset';
  /** Hertz, microvolts, microdegrees: what the function counts in. */
  readonly value?: number;
}

export interface VexpressSysregOptions extends RegisterHooks {
  readonly name?: string;
  readonly clock: VirtualClock;
  /** SYS_ID: revision, board number, variant of the motherboard. */
  readonly id: number;
  /** SYS_PROCID0 and 1: the daughterboards. */
  readonly processorIds: readonly [number, number];
  readonly items: readonly ConfigItem[];
  /** SYS_FLAGS has become this: where the boot monitor has further CPUs go to, once it is not zero. */
  readonly onFlags?: (value: number) => void;
  readonly onPower: (request: 'shutdown' | 'reset') => void;
}

export class VexpressSysreg implements Device {
  readonly name: string;
  readonly size: number = 0x1000;
  readonly #clock: VirtualClock;
  readonly #items: readonly ConfigItem[];
  /** What `rw` items hold. */
  readonly #values: Map<ConfigItem, number> = new Map();
  readonly #onPower: (request: 'shutdown' | 'reset') => void;
  readonly #bank;

  constructor(options: VexpressSysregOptions) {
    this.name = options.name ?? 'sysreg';
    this.#clock = options.clock;
    this.#items = options.items;
    this.#onPower = options.onPower;
    this.#bank = defineRegisters(
      {
        ID: { offset: 0x000, access: 'ro', reset: options.id },
        // User switches, all off.
        SW: { offset: 0x004, width: 8, access: 'ro' },
        LED: { offset: 0x008, width: 8 },
        HZ100: { offset: 0x024, access: 'ro', value: () => this.#hundredths() },
        // Writing sets bits; the next register clears them. The second pair outlives a reset.
        FLAGS: {
          offset: 0x030,
          strobe: true,
          onWrite: (value, old) => this.#set('FLAGS', old | value, options.onFlags),
        },
        FLAGSCLR: { offset: 0x034, access: 'wo', strobe: true, onWrite: (value) => this.#clear('FLAGS', value) },
        NVFLAGS: { offset: 0x038, strobe: true, onWrite: (value, old) => this.#set('NVFLAGS', old | value) },
        NVFLAGSCLR: { offset: 0x03c, access: 'wo', strobe: true, onWrite: (value) => this.#clear('NVFLAGS', value) },
        // No card in the slot, none protected.
        MCI: { offset: 0x048, width: 2, access: 'ro' },
        FLASH: { offset: 0x04c, width: 1, fields: { WPN: { bits: 0, access: 'tagged' } } },
        CFGSW: { offset: 0x058, width: 8, access: 'ro' },
        HZ24M: { offset: 0x05c, access: 'ro', value: () => this.#ticks24() },
        MISC: { offset: 0x060, access: 'ro' },
        DMA: { offset: 0x064, width: 16, fields: { CHANNELS: { bits: [15, 0], access: 'tagged' } } },
        PROCID: { offset: 0x084, count: 2, access: 'ro', value: (index) => options.processorIds[index]! },
        CFGDATA: { offset: 0x0a0 },
        CFGCTRL: { offset: 0x0a4, onWrite: (value) => this.#command(value) },
        CFGSTAT: { offset: 0x0a8, width: 2 },
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

  /** The counters go on: they count since power-on, and only the clocks' own supply stops them. */
  reset(): void {
    const kept = this.#bank.registers.NVFLAGS.value;
    this.#bank.reset();
    this.#bank.registers.NVFLAGS.value = kept;
    this.#values.clear();
  }

  save(writer: StateWriter): void {
    this.#bank.save(writer);
    writer.list(
      this.#items.flatMap((item, at) => (this.#values.has(item) ? [at] : [])),
      (at) => {
        writer.u16(at);
        writer.i32(this.#values.get(this.#items[at]!)!);
      },
    );
  }

  restore(reader: StateReader): void {
    this.#bank.restore(reader);
    this.#values.clear();
    reader.list(() => {
      const at = reader.u16();
      const item = this.#items[at];
      reader.check(item?.access === 'rw', `item ${at} of the configuration is not one that can be set`);
      this.#values.set(item, reader.i32());
    });
  }

  #set(register: 'FLAGS' | 'NVFLAGS', value: number, told?: (value: number) => void): void {
    this.#bank.registers[register].value = value;
    told?.(value >>> 0);
  }

  #clear(register: 'FLAGS' | 'NVFLAGS', bits: number): void {
    this.#bank.registers[register].value &= ~bits;
  }

  #hundredths(): number {
    return Math.floor(this.#clock.now() / NANOSECONDS_PER_HUNDREDTH) >>> 0;
  }

  #ticks24(): number {
    const now = this.#clock.now();
    const seconds = Math.floor(now / SECOND);
    return (seconds * MEGAHERTZ_24 + Math.floor(((now - seconds * SECOND) * 24) / 1000)) >>> 0;
  }

  /** Commands are done at once; a driver that polls for the end finds it. */
  #command(value: number): void {
    const { CFGCTRL, CFGSTAT } = this.#bank.registers;
    CFGCTRL.value = value & ~(UNUSED | START);
    if ((value & START) === 0) return;
    CFGSTAT.value = this.#obey(value) ? COMPLETE : COMPLETE | ERROR;
  }

  #obey(command: number): boolean {
    // Board stack position and controller belong to the device's number: of both there is only the first.
    const device = command & 0x3c00_ffff;
    const item = this.#items.find(
      (one) =>
        one.function === ((command >>> 20) & 0x3f) &&
        one.site === ((command >>> 16) & 3) &&
        (one.device ?? 0) === device,
    );
    if (item === undefined) return false;
    const { CFGDATA } = this.#bank.registers;
    if ((command & WRITE) === 0) {
      if (item.access !== 'ro' && item.access !== 'rw') return false;
      CFGDATA.value = this.#values.get(item) ?? item.value ?? 0;
      return true;
    }
    if (item.access === 'ro') return false;
    if (item.access === 'rw') this.#values.set(item, CFGDATA.value);
    else if (item.access !== 'wo') this.#onPower(item.access);
    return true;
  }
}
