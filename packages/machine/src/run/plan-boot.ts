// SPDX-License-Identifier: Apache-2.0
// From files to a load plan: an ELF program at its addresses, or a Linux kernel, told apart by content, with initrd,
// command line and device tree (Documentation/arch/arm/booting.rst) as the board wants it.

import { PlinthError } from '@plinth/core';
import { boardDeviceTree } from '../boards/device-tree.js';
import { virtioSlots } from '../boards/virtio-slots.js';
import { isElf, planElf, readElf } from '../loaders/elf.js';
import { type LinuxKernel, planLinux } from '../loaders/linux.js';
import type { BootHardware, LoadPlan } from '../loaders/plan.js';
import { isZImage, readZImage } from '../loaders/zimage.js';
import type { BootFiles, NamedBytes } from './run-files.js';

const MIN_KERNEL = 4096;
const NO_SEED = new Uint8Array(32);

/**
 * What `Machine.load` takes to start a kernel or a bare-metal program on this hardware: `machine.hardware` of a machine
 * that is there, or the same of one that is yet to be made. The plan's segments are views of the files wherever they can
 * be, so several machines may start from one copy.
 *
 * @param rngSeed for the kernel's random generator (`/chosen/rng-seed`); the same seed, the same boot
 * @throws PlinthError `input` for files that cannot be started, with one line that says why
 */
export function planBoot(hardware: BootHardware, files: BootFiles, rngSeed: Uint8Array = NO_SEED): LoadPlan {
  const { board, ramSize, cpus } = hardware;
  const ram = { base: board.ramBase, size: ramSize };
  const { kernel, initrd, dtb, append = '' } = files;
  const program = files.program ?? (kernel !== undefined && isElf(kernel.bytes) ? kernel : undefined);
  if (program !== undefined) {
    const unused = initrd !== undefined ? 'initrd' : dtb !== undefined ? 'dtb' : append !== '' ? 'append' : undefined;
    if (unused !== undefined) {
      const why = `${program.name} is an ELF file, which is started without one: give a zImage or an Image`;
      throw new PlinthError('input', 'elf-options', `${unused}: ${why}`);
    }
    return planElf(readElf(program.bytes, program.name), program.name, ram);
  }
  if (kernel === undefined) {
    throw new PlinthError('input', 'no-kernel', 'nothing to boot: give a kernel or a program');
  }
  const slots = virtioSlots(board, hardware.virtioDevices);
  return planLinux({
    kernel: linuxKernel(kernel),
    ...(initrd === undefined ? {} : { initrd: initrd.bytes }),
    ram,
    deviceTree: (place) => {
      const chosen = { bootArguments: append, rngSeed, ...(place === undefined ? {} : { initrd: place }) };
      return boardDeviceTree(board, dtb, { ramSize, cpus, virtioSlots: slots, ...chosen });
    },
  });
}

function linuxKernel({ name, bytes }: NamedBytes): LinuxKernel {
  // An unpacked Image has no header to know it by, but it does begin with instructions.
  if (bytes.length < MIN_KERNEL) {
    throw new PlinthError('input', 'kernel-empty', `${name}: ${bytes.length} bytes are no kernel: it is cut short`);
  }
  return isZImage(bytes) ? { kind: 'zimage', image: readZImage(bytes, name) } : { kind: 'image', bytes };
}
