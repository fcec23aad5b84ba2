// SPDX-License-Identifier: Apache-2.0
// Reads what a RunSpec names. An image stands for a kernel, an initrd and a command line, the kernel unpacked ahead of
// time and its self-tests left out unless the stock kernel is wanted.

import { PlinthError } from '@plinth/core';
import { boardNamed, withGuestFiles } from '@plinth/machine';
import type { NamedBytes, RunFiles, RunSpec } from '@plinth/machine';
import type { Progress } from '../host/progress.js';
import { diskPath, readImageFile } from '../image/cache.js';
import { ensureImage } from '../image/catalog.js';
import { DEVICE_TREES } from '../image/manifest.js';
import type { Manifest } from '../image/manifest.js';
import { readInput } from './run-options.js';

/** What a run needs, with the disk of its image, which is never written itself. */
export interface FilesOfRun extends RunFiles {
  readonly disk?: string;
}

const CONSOLE_OPTION = 'console=ttyAMA0';
/** Kernel options of the fast path; what they leave out is listed for `npm start` to say. */
const FAST_OPTIONS = 'cryptomgr.notests';
/** With a board's device tree from the kernel, which names CPUs that we do not have: it would wait a second for each. */
const FAST_OPTIONS_FOREIGN_TREE = 'nr_cpus=';
/** The disk of an image is the first of the machine. */
const DISK_OPTIONS = 'root=/dev/vda';
/** Of a machine with such an image, if nothing else is said: a system's own services take more than a shell. */
const DISK_IMAGE_MEMORY = 512 * 1024 * 1024;
/** Of a run that is for one command: nobody reads the boot messages, and a panic ends the run instead of hanging it. */
const EXEC_OPTIONS = 'quiet panic=-1';

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export async function readRunFiles(
  spec: RunSpec,
  size: TerminalSize | undefined,
  progress: Progress,
): Promise<FilesOfRun> {
  const named = (name: string | undefined, option: string): NamedBytes | undefined =>
    name === undefined ? undefined : { name, bytes: readWhole(name, option) };
  const dtb = named(spec.dtb, 'dtb');
  if (spec.image !== undefined) {
    const manifest = await ensureImage(spec.image, progress);
    const kernelFile = spec.stock ? 'vmlinuz' : 'Image';
    const initrd = withGuestFiles(readImageFile(manifest, 'initramfs.cpio.gz'), {
      ...(spec.exec === undefined ? {} : { exec: spec.exec }),
      ...(size === undefined ? {} : { size }),
    });
    const given = dtb ?? imageDeviceTree(spec, manifest);
    const disk = diskPath(manifest);
    const append = [
      CONSOLE_OPTION,
      spec.stock ? '' : FAST_OPTIONS,
      spec.stock || given === undefined || given === dtb ? '' : `${FAST_OPTIONS_FOREIGN_TREE}${spec.cpus ?? 1}`,
      disk === undefined ? '' : DISK_OPTIONS,
      manifest.append,
      spec.exec === undefined ? '' : EXEC_OPTIONS,
      spec.append,
    ];
    return {
      kernel: { name: `${spec.image}/${kernelFile}`, bytes: readImageFile(manifest, kernelFile) },
      initrd: { name: `${spec.image}/initramfs`, bytes: initrd },
      append: append.filter((part) => part !== undefined && part !== '').join(' '),
      ...(given === undefined ? {} : { dtb: given }),
      ...(disk === undefined ? {} : { disk }),
    };
  }
  const kernel = named(spec.kernel, 'kernel');
  const initrd = named(spec.initrd, 'initrd');
  const program = named(spec.program, 'program');
  return {
    append: spec.append ?? '',
    ...(kernel === undefined ? {} : { kernel }),
    ...(initrd === undefined ? {} : { initrd }),
    ...(program === undefined ? {} : { program }),
    ...(dtb === undefined ? {} : { dtb }),
  };
}

/** The run with the disk of its image as the first drive. What the guest writes to it goes to an overlay, or is forgotten. */
export function withImageDisk(spec: RunSpec, { disk }: FilesOfRun): RunSpec {
  if (disk === undefined) {
    if (spec.overlay === undefined) return spec;
    throw new PlinthError('input', 'run-spec', `overlay: the image ${spec.image} has no disk`);
  }
  const kept = spec.overlay === undefined ? {} : { overlay: spec.overlay };
  const drive = { file: disk, format: 'raw', readonly: false, snapshot: spec.overlay === undefined, ...kept } as const;
  return { ...spec, memory: spec.memory ?? DISK_IMAGE_MEMORY, drives: [drive, ...spec.drives] };
}

/** The image's device tree for a board that has none of its own. */
function imageDeviceTree({ machine, image }: RunSpec, manifest: Manifest): NamedBytes | undefined {
  const { kernelDeviceTree } = boardNamed(machine);
  const file = DEVICE_TREES.find((tree) => tree === kernelDeviceTree);
  return file === undefined ? undefined : { name: `${image}/${file}`, bytes: readImageFile(manifest, file) };
}

/** A file with something in it. */
function readWhole(name: string, option: string): Uint8Array {
  const bytes = readInput(name, option);
  if (bytes.length === 0) throw new PlinthError('input', 'file-empty', `${option}: ${name}: this file is empty`);
  return bytes;
}
