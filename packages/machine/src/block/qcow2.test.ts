// SPDX-License-Identifier: Apache-2.0
// Images that are written here, by the format's description, and every byte of their headers and tables damaged. Images
// of qemu-img are under tests/.

import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { PlinthError } from '@plinth/core';
import { describe, expect, it } from 'vitest';
import { MemoryBlockDevice, SECTOR_SIZE } from './block-device.js';
import { Qcow2Disk } from './qcow2.js';
import { MemoryFile } from './random-access-file.js';

const CLUSTER = 4096;
const SIZE = 16 * CLUSTER;

function pattern(seed: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 3 + seed + (i >> 7)) & 0xff);
}

/** Clusters: header, L1, L2, then data. Guest cluster 0 is stored, 1 compressed, 2 zero (v3), 3 comes from behind. */
function image(version: 2 | 3, change: (view: DataView) => void = () => {}): MemoryFile {
  const bytes = new Uint8Array(5 * CLUSTER);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x5146_49fb);
  view.setUint32(4, version);
  view.setUint32(20, 12);
  view.setBigUint64(24, BigInt(SIZE));
  view.setUint32(36, 1);
  view.setBigUint64(40, BigInt(CLUSTER));
  if (version === 3) view.setUint32(100, 104);
  const name = version === 3 ? 112 : 80;
  view.setBigUint64(8, BigInt(name));
  view.setUint32(16, 4);
  bytes.set(
    [...'base'].map((c) => c.charCodeAt(0)),
    name,
  );
  view.setBigUint64(CLUSTER, BigInt(2 * CLUSTER));
  view.setBigUint64(2 * CLUSTER, BigInt(3 * CLUSTER) | (1n << 63n));
  bytes.set(pattern(1, CLUSTER), 3 * CLUSTER);
  const packed = deflateRawSync(pattern(2, CLUSTER));
  const at = 4 * CLUSTER + 100;
  const sectors = Math.floor((at + packed.length - 1) / 512) - Math.floor(at / 512);
  bytes.set(packed, at);
  view.setBigUint64(2 * CLUSTER + 8, (1n << 62n) | (BigInt(sectors) << 58n) | BigInt(at));
  if (version === 3) view.setBigUint64(2 * CLUSTER + 16, 1n);
  change(view);
  return new MemoryFile('a.qcow2', bytes);
}

/** Shorter than the image. */
const BASE = pattern(50, 10 * CLUSTER);

function open(file: MemoryFile): Qcow2Disk {
  return new Qcow2Disk(file, {
    inflateRaw: (bytes, size) => inflateRawSync(bytes, { maxOutputLength: size }),
    openBacking: (name) => {
      if (name !== 'base') throw new PlinthError('input', 'test', `a.qcow2: there is no "${name}"`);
      return new MemoryBlockDevice(BASE, { readOnly: true });
    },
  });
}

function contents(disk: Qcow2Disk): Buffer {
  const bytes = Buffer.alloc(disk.sectors * SECTOR_SIZE);
  disk.read(0, bytes);
  return bytes;
}

describe.each([2, 3] as const)('qcow2, version %i', (version) => {
  it('reads every kind of cluster', () => {
    const expected = Buffer.alloc(SIZE);
    expected.set(BASE);
    expected.set(pattern(1, CLUSTER));
    expected.set(pattern(2, CLUSTER), CLUSTER);
    if (version === 3) expected.fill(0, 2 * CLUSTER, 3 * CLUSTER);
    const disk = open(image(version));
    expect(contents(disk).equals(expected)).toBe(true);
    const piece = new Uint8Array(2 * 512);
    disk.read(7, piece);
    expect(Buffer.from(piece).equals(expected.subarray(7 * 512, 9 * 512))).toBe(true);
  });

  it('gives a disk or one line, wherever it is damaged', () => {
    let refused = 0;
    for (const [from, to] of [
      [0, 128],
      [CLUSTER, CLUSTER + 8],
      [2 * CLUSTER, 2 * CLUSTER + 32],
    ] as const) {
      for (let at = from; at < to; at++) {
        for (const bit of [0, 3, 7]) {
          try {
            contents(open(image(version, (view) => view.setUint8(at, view.getUint8(at) ^ (1 << bit)))));
          } catch (error) {
            expect(error).toMatchObject({ name: 'PlinthError', kind: 'input' });
            expect((error as Error).message).toMatch(/^a\.qcow2: [^\n]+$/);
            refused++;
          }
        }
      }
    }
    expect(refused).toBeGreaterThan(100);
  });

  it('is refused when it is cut short', () => {
    for (const size of [4 * CLUSTER, 3 * CLUSTER, 2 * CLUSTER + 5, CLUSTER, 10]) {
      const file = image(version);
      file.truncate(size);
      expect(() => open(file)).toThrow(/^a\.qcow2: (this qcow2 image is|not a qcow2)/);
    }
  });
});

it.each([
  ['encrypted', (view: DataView) => view.setUint32(32, 1)],
  ['data of this qcow2 image are in another file', (view: DataView) => view.setUint32(76, 4)],
  ['extended L2', (view: DataView) => view.setUint32(76, 16)],
  ['zstd', (view: DataView) => (view.setUint32(76, 8), view.setUint8(104, 1))],
  ['features that are not known', (view: DataView) => view.setUint32(76, 32)],
  ['version 4', (view: DataView) => view.setUint32(4, 4)],
])('qcow2 that cannot be read says why: %s', (text, change) => {
  expect(() => open(image(3, change))).toThrow(text);
});
