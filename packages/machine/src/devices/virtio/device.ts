// SPDX-License-Identifier: Apache-2.0
// What a virtio transport asks of a device behind it, and what it offers to one (Virtual I/O Device 1.2, chapter 2).
// A device sees queues, features and its configuration space; it knows nothing of registers or of the bus.

import type { EventQueue, StateReader, StateWriter, VirtualClock } from '@plinth/core';
import type { InputPort } from '../../inputs.js';
import type { AccessSize } from '../device.js';
import type { Virtqueue } from './virtqueue.js';

/** Feature bits of the transport and the rings (chapter 6), by number. */
export const VIRTIO_FEATURE = {
  anyLayout: 27,
  indirectDescriptors: 28,
  eventIndex: 29,
  version1: 32,
} as const;

/** What a transport offers to the device behind it. */
export interface VirtioPort {
  readonly clock: VirtualClock;
  readonly events: EventQueue;
  /** By the numbers that the device's chapter gives them. */
  readonly queues: readonly Virtqueue[];
  /** Has the driver accepted this feature bit? */
  hasFeature(bit: number): boolean;
  /** The configuration space has changed, and the driver should look. */
  configurationChanged(): void;
  /** The driver did what no driver may do: nothing more is done until it resets the device. */
  fail(reason: string): void;
  /** Something was wrong with the driver, which has to reset the device. */
  isBroken(): boolean;
  /** What the host answers to the guest, as an input of the machine (`Inputs.answer`). */
  answer(port: string, ask: () => Uint8Array): Uint8Array;
  /** Tells the host's user of trouble on the host's side, once for each different message. */
  hostTrouble(message: string): void;
}

export interface VirtioDevice {
  /** Unique in its machine, for example `disk0`. */
  readonly name: string;
  /** Device ID (chapter 5). */
  readonly type: number;
  /** Feature bits of this kind of device that are offered, by number. Those of rings and transport are not its affair. */
  readonly features: readonly number[];
  /** Largest size of each queue, a power of two up to 1024. */
  readonly queueSizes: readonly number[];
  /** Ports through which data from outside enter, by names that are unique in the machine. */
  readonly inputs?: readonly (readonly [name: string, port: InputPort])[];
  /** Called once, by the transport, before anything else. */
  connect(port: VirtioPort): void;
  /** Reads the configuration space; offsets from 0. Must have no side effect. */
  readConfiguration(offset: number, size: AccessSize): number;
  writeConfiguration(offset: number, size: AccessSize, value: number): void;
  /** The driver has put buffers into a queue, or says so. */
  notify(queue: number): void;
  /** Back to the state at power-on; what is stored in a medium stays. Requests that are under way are dropped. */
  reset(): void;
  /** As a `Device` has them. */
  readonly stateVersion?: number;
  /** Chains that were taken are saved by who holds them (`Virtqueue.saveChain`). */
  save(writer: StateWriter): void;
  restore(reader: StateReader): void;
}

/** Little-endian bytes as a configuration space, read by any size; beyond the end it reads as zero. */
export function readBytes(space: Uint8Array, offset: number, size: AccessSize): number {
  let value = 0;
  for (let i = 0; i < size; i++) value |= (space[offset + i] ?? 0) << (8 * i);
  return value >>> 0;
}
