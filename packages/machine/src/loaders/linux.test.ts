// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { type LinuxKernel, planLinux, textOffsetOf, unpackedKernel } from './linux.js';
import { planRaw } from './raw.js';
import type { ZImage } from './zimage.js';

const MIB = 1024 * 1024;
const base = 0x4000_0000;
const tree = new Uint8Array(1500);

function zimage(size: number, unpackedSize: number | undefined): ZImage {
  const table = { unpackedSize, bssSize: 0x6_0000, textOffset: 0x20_8000 };
  return { bytes: new Uint8Array(size), kernel: undefined, ...table };
}

function plan(kernel: LinuxKernel, ramMib: number, initrd?: Uint8Array) {
  const asked: ({ start: number; end: number } | undefined)[] = [];
  const result = planLinux({
    kernel,
    ...(initrd === undefined ? {} : { initrd }),
    ram: { base, size: ramMib * MIB },
    deviceTree: (at) => {
      asked.push(at);
      return tree;
    },
  });
  return { ...result, initrd: asked.at(-1), places: result.segments.map(({ address }) => address - base) };
}

describe('the ARM Linux boot protocol', () => {
  it('puts an Image at its text offset and tells it nothing but the device tree', () => {
    const image: LinuxKernel = { kind: 'image', bytes: new Uint8Array(20 * MIB), textOffset: 0x20_8000 };
    const { entry, registers, places, thumb, initrd } = plan(image, 256, new Uint8Array(5000));
    expect(places).toEqual([0x20_8000, 128 * MIB, 128 * MIB + 8192]);
    expect([entry, thumb]).toEqual([base + 0x20_8000, false]);
    expect(registers).toEqual({ r0: 0, r1: 0xffff_ffff, r2: base + 128 * MIB + 8192 });
    expect(initrd).toEqual({ start: base + 128 * MIB, end: base + 128 * MIB + 5000 });
  });

  it('puts a zImage where QEMU does, and keeps clear of what it unpacks', () => {
    const { entry, places } = plan({ kind: 'zimage', image: zimage(5 * MIB, 20 * MIB) }, 40, new Uint8Array(MIB));
    expect(entry).toBe(base + 0x1_0000);
    expect(places[0]).toBe(0x1_0000);
    expect(places[1]).toBeGreaterThanOrEqual(0x20_8000 + 25 * MIB + 0x1_0000);
    expect(places[2]! + tree.length).toBeLessThanOrEqual(40 * MIB);
  });

  it('goes lower than half-way when the initrd is large', () => {
    const { places } = plan({ kind: 'image', bytes: new Uint8Array(10 * MIB) }, 64, new Uint8Array(40 * MIB));
    expect(places[1]! + 40 * MIB).toBeLessThanOrEqual(64 * MIB - 4096);
    expect(places[1]).toBeGreaterThanOrEqual(11 * MIB);
  });

  it('says how much RAM is needed', () => {
    const image: LinuxKernel = { kind: 'zimage', image: zimage(5 * MIB, 20 * MIB) };
    const message = 'kernel, initrd and device tree need 38 MiB of RAM, the machine has 32 MiB: give it more';
    expect(() => plan(image, 32, new Uint8Array(10 * MIB))).toThrow(message);
    expect(plan(image, 38, new Uint8Array(10 * MIB)).places).toHaveLength(3);
  });

  it('has no initrd when there is none', () => {
    const { places, initrd } = plan({ kind: 'image', bytes: new Uint8Array(MIB) }, 64);
    expect([places, initrd]).toEqual([[0x8000, 32 * MIB], undefined]);
  });

  it('finds the text offset in the entry code of an Image', () => {
    const image = new Uint8Array(8192);
    expect(textOffsetOf(image)).toBe(0x8000);
    new DataView(image.buffer).setUint32(0x40, 0xe248_8004, true);
    expect(textOffsetOf(image)).toBe(0x8000);
    new DataView(image.buffer).setUint32(0x50, 0xe248_8982, true);
    expect(textOffsetOf(image)).toBe(0x20_8000);
  });

  it('hands on what the zImage told about the Image', () => {
    const image = new Uint8Array(4);
    const told = { kind: 'image', bytes: image, textOffset: 0x20_8000, bssSize: 0x6_0000 };
    expect(unpackedKernel(zimage(1, 4), image)).toEqual(told);
  });
});

describe('a flat binary', () => {
  it('starts at its first byte', () => {
    const ram = { base, size: MIB };
    const bytes = new Uint8Array(16);
    const registers = { r0: 0, r1: 0, r2: 0 };
    expect(planRaw(bytes, { what: 'a.bin', ram })).toEqual({
      segments: [{ address: base, bytes }],
      entry: base,
      thumb: false,
      registers,
    });
    const plan2 = planRaw(bytes, { what: 'a.bin', ram, address: base + 64, entry: base + 69 });
    expect([plan2.entry, plan2.thumb]).toEqual([base + 68, true]);
    expect(() => planRaw(bytes, { what: 'a.bin', ram, address: 0 })).toThrow('a.bin: bytes for 0x00000000');
  });
});
