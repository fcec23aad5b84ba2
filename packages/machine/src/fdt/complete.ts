// SPDX-License-Identifier: Apache-2.0
// Completes a device tree that the user brings with what only the loader knows, as QEMU does with `-dtb`: memory, command
// line, initial RAM disk, random seed (Devicetree Specification v0.4, 3.4 and 3.6; Linux chosen.yaml).

import type { RamRange } from '../loaders/plan.js';
import { readFdt } from './reader.js';
import { cells64, fdtCells, fdtNode, type FdtNode, type FdtValue } from './tree.js';
import { writeFdt } from './writer.js';

export interface TreeCompletion {
  readonly ram: RamRange;
  /** The tree's own if left out or empty. */
  readonly bootArguments?: string;
  readonly initrd?: { readonly start: number; readonly end: number };
  readonly rngSeed?: Uint8Array;
  /** Windows of virtio devices; those that the tree knows of already stay as they are there. */
  readonly virtio?: readonly { readonly base: number; readonly size: number; readonly spi: number }[];
}

/** First and last cell of an interrupt specifier (arm,gic.yaml): shared, edge-triggered. */
const SPI = 0;
const EDGE_RISING = 1;

/** `what` names the blob in the error that is thrown for what is no device tree. */
export function completeDeviceTree(blob: Uint8Array, what: string, options: TreeCompletion): Uint8Array {
  const root = readFdt(blob, what);
  const { ram, bootArguments, initrd, rngSeed, virtio = [] } = options;
  const chosen: Record<string, FdtValue> = {
    bootargs: bootArguments === '' ? undefined : bootArguments,
    'linux,initrd-start': initrd?.start,
    'linux,initrd-end': initrd?.end,
    'rng-seed': rngSeed,
  };
  const cells = (value: number, count: number): number[] => (count === 1 ? [value] : cells64(value));
  const addressCells = fdtCells(root, '#address-cells')?.[0] ?? 2;
  const sizeCells = fdtCells(root, '#size-cells')?.[0] ?? 1;
  const reg = (base: number, size: number): number[] => [...cells(base, addressCells), ...cells(size, sizeCells)];
  const memory = fdtNode(`memory@${ram.base.toString(16)}`, { device_type: 'memory', reg: reg(ram.base, ram.size) });
  // The root's interrupt parent, which a GIC is on all our boards, is theirs too.
  const devices = virtio.map(({ base, size, spi }) =>
    fdtNode(`virtio_mmio@${base.toString(16)}`, {
      compatible: 'virtio,mmio',
      reg: reg(base, size),
      interrupts: [SPI, spi, EDGE_RISING],
      'dma-coherent': true,
    }),
  );
  const missing = devices.filter(({ name }) => !root.children.some((child) => child.name === name));
  const rest = root.children.filter(({ name }) => name !== 'chosen' && !/^memory(@|$)/.test(name));
  const before = root.children.find(({ name }) => name === 'chosen');
  return writeFdt({ ...root, children: [...rest, ...missing, memory, withProperties(before, chosen)] });
}

function withProperties(node: FdtNode | undefined, values: Readonly<Record<string, FdtValue>>): FdtNode {
  const fresh = fdtNode('chosen', values);
  return {
    name: 'chosen',
    properties: new Map([...(node?.properties ?? []), ...fresh.properties]),
    children: node?.children ?? [],
  };
}
