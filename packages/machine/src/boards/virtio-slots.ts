// SPDX-License-Identifier: Apache-2.0
// Places virtio devices in a board's virtio-mmio windows. As on QEMU's board `virt`, every window answers, and one
// without a device says so. The devices take the last windows, in their order by rising address: that is the order in
// which a kernel finds them, so the first disk is its first (QEMU hands out its windows from the last one down).

import { PlinthError, type StateReader, type StateWriter } from '@plinth/core';
import type { AccessSize, Device } from '../devices/device.js';
import type { VirtioDevice } from '../devices/virtio/device.js';
import {
  VIRTIO_MAGIC,
  VIRTIO_VENDOR,
  VIRTIO_WINDOW,
  VirtioMmio,
  type VirtioVersion,
} from '../devices/virtio/transport-mmio.js';
import type { BoardDescription, BoardDevice } from './board.js';

/** The slots that so many devices take, in their order: for the device tree. */
export function virtioSlots({ name, virtio }: BoardDescription, count: number): number[] {
  const slots = virtio?.slots ?? 0;
  if (count > slots) {
    const room = slots === 0 ? 'has no room for virtio devices' : `has room for ${slots} virtio devices, not ${count}`;
    throw new PlinthError('input', 'virtio-slots', `machine: the board ${name} ${room}`);
  }
  return Array.from({ length: count }, (_, n) => slots - count + n);
}

/** The devices in their slots, and what answers in the others. */
export function placeVirtio(
  board: BoardDescription,
  devices: readonly VirtioDevice[],
  version: VirtioVersion = 'modern',
): BoardDevice[] {
  const slots = virtioSlots(board, devices.length);
  const { virtio } = board;
  if (virtio === undefined) return [];
  const free = virtio.slots - devices.length;
  const placed = devices.map((device, n): BoardDevice => {
    const slot = slots[n]!;
    return {
      name: device.name,
      base: virtio.base + slot * virtio.stride,
      create: (context) =>
        new VirtioMmio({
          device,
          version,
          memory: context.memory,
          clock: context.clock,
          events: context.events,
          interrupt: context.interrupt(virtio.spi + slot),
          onUnknown: (offset, write, value) => context.onUnknownRegister?.(device.name, offset, write, value),
          onBroken: (reason) => context.onNotice?.('device-refused', `${device.name}: the driver made ${reason}`),
          ...(context.answer === undefined ? {} : { answer: context.answer }),
          onHostTrouble: (message) => context.onNotice?.('host-trouble', message),
        }),
    };
  });
  if (free === 0) return placed;
  const empty: BoardDevice = {
    name: 'virtio-free',
    base: virtio.base,
    create: () => new FreeSlots(free * virtio.stride, version),
  };
  return [empty, ...placed];
}

/** Windows without a device, side by side (4.2.2.1: device ID 0, the driver must ignore it). */
class FreeSlots implements Device {
  readonly name: string = 'virtio-free';
  readonly size: number;
  readonly #words: readonly number[];

  constructor(size: number, version: VirtioVersion) {
    this.size = size;
    this.#words = [VIRTIO_MAGIC, version === 'legacy' ? 1 : 2, 0, VIRTIO_VENDOR];
  }

  read(offset: number, size: AccessSize): number {
    return this.peek(offset, size);
  }

  peek(offset: number, size: AccessSize): number {
    const word = this.#words[(offset % VIRTIO_WINDOW) >>> 2] ?? 0;
    return size === 4 ? word : (word >>> ((offset & 3) * 8)) & (size === 1 ? 0xff : 0xffff);
  }

  write(): void {}
  reset(): void {}
  save(_writer: StateWriter): void {}
  restore(_reader: StateReader): void {}
}
