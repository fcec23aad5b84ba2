// SPDX-License-Identifier: Apache-2.0
// A small driver for tests of virtio devices: it speaks to the register window as a kernel does, keeps one or more
// queues in a piece of RAM, and lets virtual time pass.

import { EventQueue } from '@plinth/core';
import { LatchedLine } from '../devices/device.js';
import type { DeviceMemory } from '../devices/virtio/chain.js';
import type { VirtioDevice, VirtioPort } from '../devices/virtio/device.js';
import { VirtioMmio, type VirtioVersion } from '../devices/virtio/transport-mmio.js';

export const RAM_BASE = 0x4000_0000;
const RAM_SIZE = 1024 * 1024;
const QUEUE_ROOM = 0x1_0000;
const DATA = RAM_BASE + 0x4_0000;

export class TestMemory implements DeviceMemory {
  readonly ram: Uint8Array = new Uint8Array(RAM_SIZE);
  readonly view: DataView = new DataView(this.ram.buffer);

  bytes(address: number, length: number): Uint8Array | undefined {
    const at = address - RAM_BASE;
    return at >= 0 && at + length <= RAM_SIZE ? this.ram.subarray(at, at + length) : undefined;
  }

  writeBytes(address: number, bytes: Uint8Array): boolean {
    const into = this.bytes(address, bytes.length);
    into?.set(bytes);
    return into !== undefined;
  }

  u16(address: number): number {
    return this.view.getUint16(address - RAM_BASE, true);
  }

  u32(address: number): number {
    return this.view.getUint32(address - RAM_BASE, true);
  }

  set16(address: number, value: number): void {
    this.view.setUint16(address - RAM_BASE, value, true);
  }

  set32(address: number, value: number): void {
    this.view.setUint32(address - RAM_BASE, value, true);
  }
}

export interface Rings {
  readonly size: number;
  readonly descriptors: number;
  readonly available: number;
  readonly used: number;
}

export const REGISTER = {
  magic: 0x00, version: 0x04, deviceId: 0x08, vendor: 0x0c, deviceFeatures: 0x10, deviceFeaturesSel: 0x14,
  driverFeatures: 0x20, driverFeaturesSel: 0x24, guestPageSize: 0x28, queueSel: 0x30, queueNumMax: 0x34, queueNum: 0x38,
  queueAlign: 0x3c, queuePfn: 0x40, queueReady: 0x44, queueNotify: 0x50, interruptStatus: 0x60, interruptAck: 0x64,
  status: 0x70, queueDescLow: 0x80, queueDriverLow: 0x90, queueDeviceLow: 0xa0, configGeneration: 0xfc, config: 0x100,
} as const; // prettier-ignore

export interface DriverOptions {
  readonly version?: VirtioVersion;
  /** Feature bits that this driver wants, if they are offered; all of them when left out. */
  readonly wants?: readonly number[];
  readonly queueSize?: number;
  readonly answer?: VirtioPort['answer'];
}

/** A buffer of a request: bytes for the device, or how many it may write. */
export type RequestPart = Uint8Array | number;

export class VirtioTestDriver {
  readonly memory: TestMemory = new TestMemory();
  readonly line: LatchedLine = new LatchedLine();
  readonly events: EventQueue = new EventQueue();
  readonly broken: string[] = [];
  readonly trouble: string[] = [];
  readonly device: VirtioMmio;
  readonly rings: Rings[] = [];
  readonly #options: DriverOptions;
  now = 0;
  #nextData = DATA;
  #freeDescriptor: number[] = [];

  constructor(device: VirtioDevice, options: DriverOptions = {}) {
    this.#options = options;
    this.device = new VirtioMmio({
      device,
      version: options.version ?? 'modern',
      memory: this.memory,
      clock: { now: () => this.now },
      events: this.events,
      interrupt: this.line,
      onBroken: (reason) => this.broken.push(reason),
      onHostTrouble: (message) => this.trouble.push(message),
      ...(options.answer === undefined ? {} : { answer: options.answer }),
    });
  }

  read(offset: number): number {
    return this.device.read(offset, 4) >>> 0;
  }

  write(offset: number, value: number): void {
    this.device.write(offset, 4, value);
  }

  get offered(): bigint {
    this.write(REGISTER.deviceFeaturesSel, 1);
    const high = BigInt(this.read(REGISTER.deviceFeatures));
    this.write(REGISTER.deviceFeaturesSel, 0);
    return (high << 32n) | BigInt(this.read(REGISTER.deviceFeatures));
  }

  /** Resets, negotiates and sets up every queue: section 3.1.1. */
  start(): this {
    const legacy = this.#options.version === 'legacy';
    this.write(REGISTER.status, 0);
    this.write(REGISTER.status, 1 | 2);
    const wants = this.#options.wants?.reduce((bits, bit) => bits | (1n << BigInt(bit)), 0n) ?? ~0n;
    const accepted = this.offered & (legacy ? wants : wants | (1n << 32n));
    this.write(REGISTER.driverFeaturesSel, 0);
    this.write(REGISTER.driverFeatures, Number(accepted & 0xffff_ffffn));
    this.write(REGISTER.driverFeaturesSel, 1);
    this.write(REGISTER.driverFeatures, Number(accepted >> 32n));
    if (!legacy) this.write(REGISTER.status, 1 | 2 | 8);
    else this.write(REGISTER.guestPageSize, 4096);
    for (let n = 0; ; n++) {
      this.write(REGISTER.queueSel, n);
      const most = this.read(REGISTER.queueNumMax);
      if (most === 0) break;
      const size = Math.min(most, this.#options.queueSize ?? most);
      const at = RAM_BASE + 0x1000 + n * QUEUE_ROOM;
      this.memory.ram.fill(0, at - RAM_BASE, at - RAM_BASE + QUEUE_ROOM);
      const available = at + 16 * size;
      const used = Math.ceil((available + 6 + 2 * size) / 4096) * 4096;
      this.rings[n] = { size, descriptors: at, available, used };
      this.#freeDescriptor[n] = 0;
      this.write(REGISTER.queueNum, size);
      if (legacy) {
        this.write(REGISTER.queueAlign, 4096);
        this.write(REGISTER.queuePfn, at / 4096);
      } else {
        this.write(REGISTER.queueDescLow, at);
        this.write(REGISTER.queueDriverLow, available);
        this.write(REGISTER.queueDeviceLow, used);
        this.write(REGISTER.queueReady, 1);
      }
    }
    this.write(REGISTER.status, 1 | 2 | (legacy ? 0 : 8) | 4);
    return this;
  }

  /** Room in RAM for what a test puts there. */
  place(bytes: Uint8Array): number {
    const address = this.#nextData;
    this.memory.writeBytes(address, bytes);
    this.#nextData += Math.max(16, Math.ceil(bytes.length / 16) * 16);
    return address;
  }

  descriptor(table: number, index: number, address: number, length: number, flags: number, next: number = 0): void {
    const at = table + 16 * index;
    this.memory.set32(at, address);
    this.memory.set32(at + 4, Math.floor(address / 2 ** 32));
    this.memory.set32(at + 8, length);
    this.memory.set16(at + 12, flags);
    this.memory.set16(at + 14, next);
  }

  /** Puts a head into the available ring, without a notification. */
  offer(head: number, queue: number = 0): void {
    const { available, size } = this.rings[queue]!;
    const index = this.memory.u16(available + 2);
    this.memory.set16(available + 4 + 2 * (index % size), head);
    this.memory.set16(available + 2, index + 1);
  }

  notify(queue: number = 0): void {
    this.write(REGISTER.queueNotify, queue);
  }

  /** Makes a request available; the addresses of its parts come back. `indirect` puts its descriptors into a table. */
  request(parts: readonly RequestPart[], options: { queue?: number; indirect?: boolean } = {}): number[] {
    const { queue = 0, indirect = false } = options;
    const { size, descriptors } = this.rings[queue]!;
    const addresses = parts.map((part) => this.place(typeof part === 'number' ? new Uint8Array(part) : part));
    const table = indirect ? this.place(new Uint8Array(16 * parts.length)) : descriptors;
    const head = this.#freeDescriptor[queue]!;
    const first = indirect ? 0 : head;
    parts.forEach((part, n) => {
      const last = n === parts.length - 1;
      const flags = (typeof part === 'number' ? 2 : 0) | (last ? 0 : 1);
      const next = indirect ? n + 1 : (first + n + 1) % size;
      const length = typeof part === 'number' ? part : part.length;
      this.descriptor(table, indirect ? n : (first + n) % size, addresses[n]!, length, flags, next);
    });
    if (indirect) this.descriptor(descriptors, head, table, 16 * parts.length, 4);
    this.#freeDescriptor[queue] = (head + (indirect ? 1 : parts.length)) % size;
    this.offer(head, queue);
    return addresses;
  }

  usedIndex(queue: number = 0): number {
    return this.memory.u16(this.rings[queue]!.used + 2);
  }

  /** Entry `n` of the used ring. */
  used(n: number, queue: number = 0): { id: number; length: number } {
    const { used, size } = this.rings[queue]!;
    const at = used + 4 + 8 * (n % size);
    return { id: this.memory.u32(at), length: this.memory.u32(at + 4) };
  }

  /** Lets virtual time pass until nothing is scheduled. */
  settle(): void {
    for (let time = this.events.next(); time !== Infinity; time = this.events.next()) this.passTo(time);
  }

  passTo(time: number): void {
    this.now = Math.max(this.now, time);
    this.events.runUntil(this.now);
  }

  acknowledge(): void {
    this.write(REGISTER.interruptAck, this.read(REGISTER.interruptStatus));
  }

  get status(): number {
    return this.read(REGISTER.status);
  }
}
