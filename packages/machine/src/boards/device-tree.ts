// SPDX-License-Identifier: Apache-2.0
// The device tree that a board's kernel gets: the board's own, or one that the user or the kernel's package gives,
// completed with what only the loader knows.

import { PlinthError } from '@plinth/core';
import { completeDeviceTree } from '../fdt/complete.js';
import type { DeviceTreeOptions } from '../fdt/virt.js';
import type { BoardDescription } from './board.js';

/** `given` is a tree as a file; `name` names it in errors. */
export function boardDeviceTree(
  board: BoardDescription,
  given: { readonly name: string; readonly bytes: Uint8Array } | undefined,
  options: DeviceTreeOptions,
): Uint8Array {
  if (given === undefined) {
    if (board.deviceTree !== undefined) return board.deviceTree(options);
    const file = board.kernelDeviceTree ?? 'device tree';
    throw new PlinthError(
      'input',
      'no-device-tree',
      `dtb: the board ${board.name} has no device tree of its own: give the kernel's ${file}`,
    );
  }
  const { ramSize, bootArguments, initrd, rngSeed, virtioSlots = [] } = options;
  const { virtio } = board;
  return completeDeviceTree(given.bytes, given.name, {
    ram: { base: board.ramBase, size: ramSize },
    ...(bootArguments === undefined ? {} : { bootArguments }),
    ...(initrd === undefined ? {} : { initrd }),
    ...(rngSeed === undefined ? {} : { rngSeed }),
    virtio:
      virtio === undefined
        ? []
        : virtioSlots.map((slot) => ({
            base: virtio.base + slot * virtio.stride,
            size: virtio.stride,
            spi: virtio.spi + slot,
          })),
  });
}
