// SPDX-License-Identifier: Apache-2.0
// How the boot benchmark starts Debian's kernel: packed as Debian ships it, or unpacked. The plan of the unpacked one
// is also written as an ELF file, since QEMU's own loader does not know where an Image of these kernels must lie.

import { readFileSync } from 'node:fs';
import { type LoadPlan, planLinux, readZImage, unpackedKernel, virtBoard } from '@plinth/machine';
import { imageFile } from './cache.js';

export const BOOT_WAYS = ['stock', 'fast'] as const;
export type BootWay = (typeof BOOT_WAYS)[number];

/** What the shell prints when it is ready; the last thing that is measured. */
export const PROMPT = 'plinth:~# ';
export const RAM_MEBIBYTES = 256;

export interface BootFiles {
  readonly zImage: string;
  readonly image: string;
  readonly initrd: string;
}

export function bootFiles(): BootFiles {
  return {
    zImage: imageFile('debian-mini', 'vmlinuz'),
    image: imageFile('debian-mini', 'Image'),
    initrd: imageFile('debian-mini', 'initramfs.cpio.gz'),
  };
}

export function bootArguments(way: BootWay): string {
  return way === 'stock' ? 'console=ttyAMA0' : 'console=ttyAMA0 cryptomgr.notests';
}

export function bootPlan(way: BootWay, files: BootFiles): LoadPlan {
  const ramSize = RAM_MEBIBYTES * 1024 * 1024;
  const zImage = readZImage(readFileSync(files.zImage), files.zImage);
  return planLinux({
    kernel: way === 'stock' ? { kind: 'zimage', image: zImage } : unpackedKernel(zImage, readFileSync(files.image)),
    initrd: readFileSync(files.initrd),
    ram: { base: virtBoard.ramBase, size: ramSize },
    deviceTree: (initrd) =>
      virtBoard.deviceTree({
        ramSize,
        cpus: 1,
        bootArguments: bootArguments(way),
        // Fixed, so that every run executes the same instructions.
        rngSeed: new Uint8Array(32).fill(7),
        ...(initrd === undefined ? {} : { initrd }),
      }),
  });
}

const HEADER_SIZE = 52;
const PROGRAM_HEADER_SIZE = 32;

/** An ELF file that loads a plan's bytes, sets its registers and goes to its entry (System V ABI, chapters 4 and 5). */
export function elfOfPlan(plan: LoadPlan, stubAddress: number): Uint8Array {
  const { r0, r1, r2 } = plan.registers;
  const stub = new Uint8Array(8 * 4);
  const code = new DataView(stub.buffer);
  // ldr r0, [pc, #8]; ldr r1, [pc, #8]; ldr r2, [pc, #8]; ldr pc, [pc, #8]; and the four words
  [0xe59f_0008, 0xe59f_1008, 0xe59f_2008, 0xe59f_f008, r0, r1, r2, plan.entry].forEach((word, at) =>
    code.setUint32(at * 4, word, true),
  );
  const segments = [{ address: stubAddress, bytes: stub }, ...plan.segments];
  const first = HEADER_SIZE + segments.length * PROGRAM_HEADER_SIZE;
  const file = new Uint8Array(segments.reduce((size, { bytes }) => size + bytes.length, first));
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  const halves = (at: number, values: readonly number[]): void =>
    values.forEach((value, index) => view.setUint16(at + index * 2, value, true));
  const words = (at: number, values: readonly number[]): void =>
    values.forEach((value, index) => view.setUint32(at + index * 4, value, true));
  halves(16, [2, 40]); // ET_EXEC, EM_ARM
  words(20, [1, stubAddress, HEADER_SIZE, 0, 0x0500_0000]);
  halves(40, [HEADER_SIZE, PROGRAM_HEADER_SIZE, segments.length, 40, 0, 0]);
  let offset = first;
  segments.forEach(({ address, bytes }, index) => {
    const header = [1, offset, address, address, bytes.length, bytes.length, 7, 4];
    words(HEADER_SIZE + index * PROGRAM_HEADER_SIZE, header);
    file.set(bytes, offset);
    offset += bytes.length;
  });
  return file;
}
