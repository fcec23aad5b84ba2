// SPDX-License-Identifier: Apache-2.0
// The ARM Linux boot protocol (Linux Documentation/arch/arm/booting.rst): kernel, initial RAM disk and device tree in
// RAM, MMU off, r0 = 0, r1 = ~0 (no machine number), r2 = device tree.
// An unpacked Image must lie at its text offset from the start of RAM, since it takes the start of RAM from where it
// runs; a zImage may lie anywhere in the first 128 MiB and moves out of its own way.

import { PlinthError } from '@plinth/core';
import { type LoadPlan, mebibytes, type RamRange } from './plan.js';
import type { ZImage } from './zimage.js';

const MIB = 1024 * 1024;
const PAGE = 4096;
/** Where QEMU puts a zImage; room below for the page tables that the unpacker makes. */
const ZIMAGE_OFFSET = 0x1_0000;
/** What kernels used for ever until they had to keep clear of some firmware: the default of arch/arm/Makefile. */
const USUAL_TEXT_OFFSET = 0x8000;
/** Heap and stack of the unpacking program, and slack for its moving itself. */
const UNPACKER_ROOM = 0x2_0000;
/** A kernel of unknown unpacked size is taken for this many times its packed one. */
const GUESSED_RATIO = 6;
/** Beyond this from the start of RAM, an initrd may leave the memory that the kernel maps at first. */
const INITRD_OFFSET = 128 * MIB;

/** A kernel to start: the unpacked Image, with what its zImage told about it, or the zImage itself. */
export type LinuxKernel =
  | { readonly kind: 'image'; readonly bytes: Uint8Array; readonly textOffset?: number; readonly bssSize?: number }
  | { readonly kind: 'zimage'; readonly image: ZImage };

export interface LinuxOptions {
  readonly kernel: LinuxKernel;
  readonly initrd?: Uint8Array;
  readonly ram: RamRange;
  /** Makes the device tree, once it is known where the initrd lies. */
  readonly deviceTree: (initrd: { readonly start: number; readonly end: number } | undefined) => Uint8Array;
}

/** The kernel inside a zImage, unpacked by the host, as what `planLinux` takes. */
export function unpackedKernel(image: ZImage, bytes: Uint8Array): LinuxKernel {
  return {
    kind: 'image',
    bytes,
    ...(image.textOffset === undefined ? {} : { textOffset: image.textOffset }),
    ...(image.bssSize === undefined ? {} : { bssSize: image.bssSize }),
  };
}

/**
 * The text offset of an Image. It is no header field, but since 5.11 the entry code computes the start of RAM with
 * `sub r8, r8, #TEXT_OFFSET` (arch/arm/kernel/head.S), and 0x00208000 is not rare: every kernel that also supports
 * some Qualcomm SoCs has it.
 */
export function textOffsetOf(image: Uint8Array): number {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const end = Math.min(image.length & ~3, PAGE);
  for (let at = 0; at < end; at += 4) {
    const instruction = view.getUint32(at, true);
    if (instruction >>> 12 !== 0xe2488) continue;
    const rotation = ((instruction >>> 8) & 15) * 2;
    const immediate = instruction & 0xff;
    const offset = ((immediate >>> rotation) | (immediate << (32 - rotation))) >>> 0;
    if (offset >= USUAL_TEXT_OFFSET && offset % 0x4000 === 0 && offset < INITRD_OFFSET) return offset;
  }
  return USUAL_TEXT_OFFSET;
}

export function planLinux(options: LinuxOptions): LoadPlan {
  const { kernel, initrd, ram } = options;
  const image = kernel.kind === 'image' ? kernel.bytes : kernel.image.bytes;
  const offset = kernel.kind === 'image' ? (kernel.textOffset ?? textOffsetOf(image)) : ZIMAGE_OFFSET;
  const above = pageUp(kernelEnd(kernel, offset));
  const initrdSize = pageUp(initrd?.length ?? 0);
  // The tree's size does not depend on the addresses in it, so a first one tells how much room it needs.
  const draft = options.deviceTree(initrd === undefined ? undefined : { start: 0, end: 0 });
  const needed = above + initrdSize + pageUp(draft.length);
  if (needed > ram.size) {
    throw new PlinthError(
      'input',
      'ram-too-small',
      `kernel, initrd and device tree need ${mebibytes(needed)} of RAM, the machine has ${mebibytes(ram.size)}: give it more`,
    );
  }
  // Half-way up as QEMU does, which leaves the kernel room; lower when that is too high.
  const wished = Math.max(above, Math.min(pageDown(ram.size / 2), INITRD_OFFSET));
  const initrdAt = ram.base + Math.min(wished, pageDown(ram.size - (needed - above)));
  const treeAt = initrdAt + initrdSize;
  const tree = options.deviceTree(
    initrd === undefined ? undefined : { start: initrdAt, end: initrdAt + initrd.length },
  );
  return {
    segments: [
      { address: ram.base + offset, bytes: image },
      ...(initrd === undefined ? [] : [{ address: initrdAt, bytes: initrd }]),
      { address: treeAt, bytes: tree },
    ],
    entry: ram.base + offset,
    thumb: false,
    registers: { r0: 0, r1: 0xffff_ffff, r2: treeAt },
  };
}

/** The first offset from the start of RAM that the kernel leaves alone while it starts. */
function kernelEnd(kernel: LinuxKernel, offset: number): number {
  if (kernel.kind === 'image') return offset + kernel.bytes.length + (kernel.bssSize ?? MIB);
  const { bytes, unpackedSize, bssSize, textOffset } = kernel.image;
  const unpacked = (textOffset ?? 0x20_8000) + (unpackedSize ?? bytes.length * GUESSED_RATIO);
  // The unpacker copies itself behind what it will write; the kernel's own zeroed data comes later.
  return unpacked + Math.max(bssSize ?? MIB, bytes.length + UNPACKER_ROOM);
}

function pageUp(size: number): number {
  return Math.ceil(size / PAGE) * PAGE;
}

function pageDown(size: number): number {
  return Math.floor(size / PAGE) * PAGE;
}
