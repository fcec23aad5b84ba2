// SPDX-License-Identifier: Apache-2.0
// The virtio-mmio register window (Virtual I/O Device 1.2, section 4.2), version 2 ("modern", 4.2.2) and version 1
// ("legacy", 4.2.4). It negotiates features, keeps status and interrupts, and places the rings; what a request means is
// the device's affair. Not modelled: shared memory regions, reset of single queues.

import type { EventQueue, StateReader, StateWriter, VirtualClock } from '@plinth/core';
import { type AccessSize, type Device, type InterruptLine, UNCONNECTED } from '../device.js';
import { defineRegisters, type RegisterBank, type RegisterDeclaration, type RegisterHooks } from '../registers.js';
import type { DeviceMemory } from './chain.js';
import { VIRTIO_FEATURE, type VirtioDevice, type VirtioPort } from './device.js';
import { Virtqueue } from './virtqueue.js';

export type VirtioVersion = 'modern' | 'legacy';

export interface VirtioMmioOptions extends RegisterHooks {
  readonly device: VirtioDevice;
  /** `modern` unless told otherwise. */
  readonly version?: VirtioVersion;
  readonly memory: DeviceMemory;
  readonly clock: VirtualClock;
  readonly events: EventQueue;
  readonly interrupt?: InterruptLine;
  /** The driver broke the rules; the device does nothing more until it is reset. */
  readonly onBroken?: (reason: string) => void;
  readonly onHostTrouble?: (message: string) => void;
  /** `Inputs.answer` of the machine; without one, answers are recorded nowhere. */
  readonly answer?: VirtioPort['answer'];
}

export const VIRTIO_WINDOW = 0x200;
export const VIRTIO_MAGIC = 0x7472_6976;
/** Ours: "PLNT". */
export const VIRTIO_VENDOR = 0x544e_4c50;
const REGISTERS_END = 0x100;
const NO_REGION = 0xffff_ffff;

const STATUS = { driverOk: 4, featuresOk: 8, needsReset: 0x40 } as const;
const INTERRUPT = { used: 1, configuration: 2 } as const;

const RINGS = ['descriptors', 'available', 'used'] as const;

/** What the driver has written about a queue. */
interface QueueSetup {
  size: number;
  descriptors: [low: number, high: number];
  available: [low: number, high: number];
  used: [low: number, high: number];
  /** Legacy: where the used ring is aligned to, and the page that the rings begin at. */
  align: number;
  page: number;
}

export class VirtioMmio implements Device {
  readonly name: string;
  readonly size: number = VIRTIO_WINDOW;
  readonly stateVersion: number;
  readonly #options: VirtioMmioOptions;
  readonly #device: VirtioDevice;
  readonly #legacy: boolean;
  readonly #interrupt: InterruptLine;
  readonly #bank: RegisterBank<Readonly<Record<string, RegisterDeclaration>>>;
  readonly #queues: readonly Virtqueue[];
  readonly #setups: readonly QueueSetup[];
  readonly #offered: bigint;
  #accepted = 0n;
  #deviceSelect = 0;
  #driverSelect = 0;
  #queueSelect = 0;
  #pageSize = 0;
  #status = 0;
  #interruptStatus = 0;
  #generation = 0;

  get driven(): boolean {
    return (this.#status & STATUS.driverOk) !== 0;
  }

  constructor(options: VirtioMmioOptions) {
    const { device, memory } = options;
    this.name = device.name;
    this.stateVersion = device.stateVersion ?? 1;
    this.#options = options;
    this.#device = device;
    this.#legacy = options.version === 'legacy';
    this.#interrupt = options.interrupt ?? UNCONNECTED;
    const { anyLayout, indirectDescriptors, eventIndex, version1 } = VIRTIO_FEATURE;
    const own = [indirectDescriptors, eventIndex, this.#legacy ? anyLayout : version1];
    this.#offered = [...device.features, ...own].reduce((bits, bit) => bits | (1n << BigInt(bit)), 0n);
    this.#queues = device.queueSizes.map(
      (maximumSize) =>
        new Virtqueue({
          maximumSize,
          memory,
          onInterrupt: () => this.#raise(INTERRUPT.used),
          onBroken: (reason) => this.#break(reason),
        }),
    );
    this.#setups = this.#queues.map(emptySetup);
    this.#bank = defineRegisters(
      { ...this.#commonRegisters(), ...(this.#legacy ? this.#legacyRegisters() : this.#modernRegisters()) },
      REGISTERS_END,
      options,
    );
    device.connect({
      clock: options.clock,
      events: options.events,
      queues: this.#queues,
      hasFeature: (bit) => (this.#accepted & (1n << BigInt(bit))) !== 0n,
      configurationChanged: () => {
        this.#generation = (this.#generation + 1) >>> 0;
        if ((this.#status & STATUS.driverOk) !== 0) this.#raise(INTERRUPT.configuration);
      },
      fail: (reason) => this.#break(reason),
      isBroken: () => (this.#status & STATUS.needsReset) !== 0,
      answer: (port, ask) => (options.answer === undefined ? ask() : options.answer(port, ask)),
      hostTrouble: (message) => options.onHostTrouble?.(message),
    });
  }

  read(offset: number, size: AccessSize): number {
    if (offset >= REGISTERS_END) return this.#device.readConfiguration(offset - REGISTERS_END, size);
    return this.#bank.read(offset, size);
  }

  write(offset: number, size: AccessSize, value: number): void {
    if (offset >= REGISTERS_END) this.#device.writeConfiguration(offset - REGISTERS_END, size, value >>> 0);
    else this.#bank.write(offset, size, value);
  }

  peek(offset: number, size: AccessSize): number {
    if (offset >= REGISTERS_END) return this.#device.readConfiguration(offset - REGISTERS_END, size);
    return this.#bank.peek(offset, size);
  }

  reset(): void {
    this.#bank.reset();
    this.#deviceSelect = this.#driverSelect = this.#queueSelect = this.#pageSize = 0;
    this.#resetDevice();
  }

  #resetDevice(): void {
    this.#device.reset();
    for (const queue of this.#queues) queue.disable();
    for (const setup of this.#setups) Object.assign(setup, emptySetup());
    this.#accepted = 0n;
    this.#status = 0;
    this.#interruptStatus = 0;
    this.#updateLine();
  }

  save(writer: StateWriter): void {
    writer.u32(this.#device.type);
    writer.bool(this.#legacy);
    writer.u64(this.#accepted);
    const registers = [this.#deviceSelect, this.#driverSelect, this.#queueSelect, this.#pageSize, this.#generation];
    for (const value of registers) writer.u32(value);
    writer.u8(this.#status);
    writer.u8(this.#interruptStatus);
    writer.list(this.#setups, (setup) => {
      writer.u32(setup.size);
      for (const ring of RINGS) for (const half of setup[ring]) writer.u32(half);
      writer.u32(setup.align);
      writer.u32(setup.page);
    });
    for (const queue of this.#queues) queue.save(writer);
    this.#device.save(writer);
  }

  restore(reader: StateReader): void {
    this.#bank.reset();
    const same = reader.u32() === this.#device.type && reader.bool() === this.#legacy;
    reader.check(same, `another kind of device than ${this.name} is here`);
    this.#accepted = reader.u64();
    this.#deviceSelect = reader.u32();
    this.#driverSelect = reader.u32();
    this.#queueSelect = reader.u32();
    this.#pageSize = reader.u32();
    this.#generation = reader.u32();
    this.#status = reader.u8();
    this.#interruptStatus = reader.u8();
    const setups = reader.list(() => {
      const setup = emptySetup();
      setup.size = reader.u32();
      for (const ring of RINGS) setup[ring] = [reader.u32(), reader.u32()];
      setup.align = reader.u32();
      setup.page = reader.u32();
      return setup;
    });
    reader.check(setups.length === this.#setups.length, `${setups.length} queues, not ${this.#setups.length}`);
    this.#setups.forEach((setup, n) => Object.assign(setup, setups[n]));
    for (const queue of this.#queues) queue.restore(reader);
    this.#device.restore(reader);
  }

  get #setup(): QueueSetup | undefined {
    return this.#setups[this.#queueSelect];
  }

  #commonRegisters(): Record<string, RegisterDeclaration> {
    const ro = 'ro' as const;
    const wo = 'wo' as const;
    return {
      MagicValue: { offset: 0x000, access: ro, value: () => VIRTIO_MAGIC },
      Version: { offset: 0x004, access: ro, value: () => (this.#legacy ? 1 : 2) },
      DeviceID: { offset: 0x008, access: ro, value: () => this.#device.type },
      VendorID: { offset: 0x00c, access: ro, value: () => VIRTIO_VENDOR },
      DeviceFeatures: { offset: 0x010, access: ro, value: () => half(this.#offered, this.#deviceSelect) },
      DeviceFeaturesSel: { offset: 0x014, access: wo, onWrite: (value) => (this.#deviceSelect = value >>> 0) },
      DriverFeatures: { offset: 0x020, access: wo, onWrite: (value) => this.#acceptFeatures(value) },
      DriverFeaturesSel: { offset: 0x024, access: wo, onWrite: (value) => (this.#driverSelect = value >>> 0) },
      QueueSel: { offset: 0x030, access: wo, onWrite: (value) => (this.#queueSelect = value >>> 0) },
      QueueNumMax: { offset: 0x034, access: ro, value: () => this.#queues[this.#queueSelect]?.maximumSize ?? 0 },
      QueueNum: {
        offset: 0x038,
        access: wo,
        onWrite: (value) => this.#change((setup) => (setup.size = value >>> 0)),
      },
      QueueNotify: { offset: 0x050, access: wo, onWrite: (value) => this.#notify(value >>> 0) },
      InterruptStatus: { offset: 0x060, access: ro, value: () => this.#interruptStatus },
      InterruptACK: {
        offset: 0x064,
        access: wo,
        onWrite: (value) => {
          this.#interruptStatus &= ~value;
          this.#updateLine();
        },
      },
      Status: { offset: 0x070, value: () => this.#status, onWrite: (value) => this.#writeStatus(value & 0xff) },
    };
  }

  #modernRegisters(): Record<string, RegisterDeclaration> {
    const address = (offset: number, ring: (typeof RINGS)[number], word: 0 | 1): RegisterDeclaration => ({
      offset,
      access: 'wo',
      onWrite: (value) => this.#change((setup) => (setup[ring][word] = value >>> 0)),
    });
    return {
      QueueReady: {
        offset: 0x044,
        value: () => (this.#queues[this.#queueSelect]?.enabled === true ? 1 : 0),
        onWrite: (value) => this.#setReady((value & 1) !== 0),
      },
      QueueDescLow: address(0x080, 'descriptors', 0),
      QueueDescHigh: address(0x084, 'descriptors', 1),
      QueueDriverLow: address(0x090, 'available', 0),
      QueueDriverHigh: address(0x094, 'available', 1),
      QueueDeviceLow: address(0x0a0, 'used', 0),
      QueueDeviceHigh: address(0x0a4, 'used', 1),
      SHMSel: { offset: 0x0ac, access: 'wo' },
      SHM: { offset: 0x0b0, count: 4, access: 'ro', value: () => NO_REGION },
      QueueReset: { offset: 0x0c0, access: 'ro', value: () => 0 },
      ConfigGeneration: { offset: 0x0fc, access: 'ro', value: () => this.#generation },
    };
  }

  #legacyRegisters(): Record<string, RegisterDeclaration> {
    return {
      GuestPageSize: { offset: 0x028, access: 'wo', onWrite: (value) => (this.#pageSize = value >>> 0) },
      QueueAlign: {
        offset: 0x03c,
        access: 'wo',
        onWrite: (value) => this.#change((setup) => (setup.align = value >>> 0)),
      },
      QueuePFN: {
        offset: 0x040,
        value: () => this.#setup?.page ?? 0,
        onWrite: (value) => this.#setPage(value >>> 0),
      },
    };
  }

  /** A queue's place and size are fixed while it is enabled. */
  #change(change: (setup: QueueSetup) => void): void {
    const setup = this.#setup;
    if (setup !== undefined && this.#queues[this.#queueSelect]?.enabled === false) change(setup);
  }

  #acceptFeatures(value: number): void {
    if (this.#driverSelect > 1 || (this.#status & STATUS.featuresOk) !== 0) return;
    const shift = 32n * BigInt(this.#driverSelect);
    const bits = BigInt(value >>> 0) << shift;
    this.#accepted = (this.#accepted & ~(0xffff_ffffn << shift)) | bits;
    // A legacy driver has no step at which it could be told no.
    if (this.#legacy) this.#accepted &= this.#offered;
  }

  #writeStatus(value: number): void {
    if (value === 0) {
      this.#resetDevice();
      return;
    }
    // A device's own bit stays, and no bit goes back but by a reset (2.1.1).
    let status = value | (this.#status & STATUS.needsReset);
    if ((status & ~this.#status & STATUS.featuresOk) !== 0 && !this.#featuresFit()) status &= ~STATUS.featuresOk;
    this.#status = status;
  }

  #featuresFit(): boolean {
    const version1 = 1n << BigInt(VIRTIO_FEATURE.version1);
    return (this.#accepted & ~this.#offered) === 0n && (this.#legacy || (this.#accepted & version1) !== 0n);
  }

  #setReady(ready: boolean): void {
    const setup = this.#setup;
    if (setup === undefined) return;
    if (!ready) this.#queues[this.#queueSelect]!.disable();
    else {
      this.#enable(setup, {
        descriptors: whole(setup.descriptors),
        available: whole(setup.available),
        used: whole(setup.used),
      });
    }
  }

  /** Legacy: the three parts lie one behind the other (2.7.2). */
  #setPage(page: number): void {
    const setup = this.#setup;
    if (setup === undefined) return;
    setup.page = page;
    if (page === 0) {
      this.#queues[this.#queueSelect]!.disable();
      return;
    }
    const descriptors = page * this.#pageSize;
    const available = descriptors + 16 * setup.size;
    const align = Math.max(setup.align, 4);
    const used = Math.ceil((available + 6 + 2 * setup.size) / align) * align;
    this.#enable(setup, { descriptors, available, used });
  }

  #enable(setup: QueueSetup, rings: { descriptors: number; available: number; used: number }): void {
    const queue = this.#queues[this.#queueSelect]!;
    const has = (bit: number): boolean => (this.#accepted & (1n << BigInt(bit))) !== 0n;
    const features = {
      indirect: has(VIRTIO_FEATURE.indirectDescriptors),
      eventIndex: has(VIRTIO_FEATURE.eventIndex),
    };
    if (queue.enabled || queue.enable({ size: setup.size, ...rings }, features)) return;
    this.#break(`queue ${this.#queueSelect} has a wrong size, or rings outside of RAM`);
  }

  #notify(index: number): void {
    const queue = this.#queues[index];
    if (queue === undefined || !queue.enabled || (this.#status & STATUS.needsReset) !== 0) return;
    // Old drivers use their queues before they say that they are ready.
    if (this.#legacy || (this.#status & STATUS.driverOk) !== 0) this.#device.notify(index);
  }

  /** 2.1.2: says so to the driver, and stops. */
  #break(reason: string): void {
    if ((this.#status & STATUS.needsReset) !== 0) return;
    this.#status |= STATUS.needsReset;
    for (const queue of this.#queues) queue.disable();
    this.#device.reset();
    if ((this.#status & STATUS.driverOk) !== 0) this.#raise(INTERRUPT.configuration);
    this.#options.onBroken?.(reason);
  }

  #raise(bit: number): void {
    this.#interruptStatus |= bit;
    this.#updateLine();
  }

  #updateLine(): void {
    this.#interrupt.set(this.#interruptStatus !== 0);
  }
}

function emptySetup(): QueueSetup {
  return { size: 0, descriptors: [0, 0], available: [0, 0], used: [0, 0], align: 0, page: 0 };
}

/** 32 of the feature bits. */
function half(bits: bigint, select: number): number {
  return select > 1 ? 0 : Number((bits >> (32n * BigInt(select))) & 0xffff_ffffn);
}

function whole([low, high]: readonly [number, number]): number {
  return low + high * 2 ** 32;
}
