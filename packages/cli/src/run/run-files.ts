// SPDX-License-Identifier: Apache-2.0
// Reads what a RunSpec names. An image stands for a kernel, an initrd and a command line, the kernel unpacked ahead of
// time and its self-tests left out unless the stock kernel is wanted.

import { createHash } from 'node:crypto';
import { PlinthError } from '@plinth/core';
import { boardNamed, takesRequests, withGuestFiles } from '@plinth/machine';
import type { NamedBytes, PowerOn, RunFiles, RunSpec } from '@plinth/machine';
import type { Progress } from '../host/progress.js';
import type { ReadFile } from '../host/shared-files.js';
import { diskPath, readImageFile } from '../image/cache.js';
import { ensureImage } from '../image/catalog.js';
import { DISK_RECIPE, renewDiskInitramfs } from '../image/disk-initramfs.js';
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
export const DISK_IMAGE_MEMORY: number = 512 * 1024 * 1024;
/** Of a run that is for one command: nobody reads the boot messages, and a panic ends the run instead of hanging it. */
const EXEC_OPTIONS = 'quiet panic=-1';

/** 2025-01-01: what the clock of an image shows until its guest is ready. Not the image's age, which a rebuild changes. */
const POWER_ON_TIME = 1_735_689_600;

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export async function readRunFiles(
  spec: RunSpec,
  size: TerminalSize | undefined,
  progress: Progress,
  read: ReadFile,
): Promise<FilesOfRun> {
  const named = (name: string | undefined, option: string): NamedBytes | undefined =>
    name === undefined ? undefined : { name, bytes: readWhole(name, option, read) };
  const dtb = named(spec.dtb, 'dtb');
  if (spec.image !== undefined) {
    const manifest = await ensureImage(spec.image, progress);
    const kernelFile = spec.stock ? 'vmlinuz' : 'Image';
    const disk = diskPath(manifest);
    const wait = asksForRequest(spec, manifest);
    const brought = {
      ...(spec.exec === undefined ? {} : { exec: spec.exec }),
      ...(size === undefined ? {} : { size }),
    };
    const initrd = withGuestFiles(imageInitramfs(manifest, read), wait ? { wait } : brought);
    const given = dtb ?? imageDeviceTree(spec, manifest, read);
    return {
      kernel: { name: `${spec.image}/${kernelFile}`, bytes: readImageFile(manifest, kernelFile, read) },
      initrd: { name: `${spec.image}/initramfs`, bytes: initrd },
      append: imageArguments(spec, manifest),
      ...(wait ? { powerOn: powerOnOf(manifest) } : {}),
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

export function imageInitramfs(manifest: Manifest, read: ReadFile): Uint8Array {
  const initramfs = readImageFile(manifest, 'initramfs.cpio.gz', read);
  return manifest.disk === undefined || manifest.recipe === DISK_RECIPE ? initramfs : renewDiskInitramfs(initramfs);
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

/** Whether the guest waits for a request: images without a disk, whose init is ours. */
export function asksForRequest(spec: RunSpec, manifest: Manifest): boolean {
  return manifest.disk === undefined && takesRequests(spec);
}

/** The kernel's command line in an image. */
export function imageArguments(spec: RunSpec, manifest: Manifest): string {
  const foreignTree = spec.dtb === undefined && treeOf(spec) !== undefined;
  const parts = [
    CONSOLE_OPTION,
    spec.stock ? '' : FAST_OPTIONS,
    spec.stock || !foreignTree ? '' : `${FAST_OPTIONS_FOREIGN_TREE}${spec.cpus ?? 1}`,
    manifest.disk === undefined ? '' : DISK_OPTIONS,
    manifest.append,
    spec.exec === undefined ? '' : EXEC_OPTIONS,
    spec.append,
  ];
  return parts.filter((part) => part !== undefined && part !== '').join(' ');
}

/** The same for all boots of an image, so that all are alike up to where the guest waits for its request. */
export function powerOnOf(manifest: Manifest): PowerOn {
  const seed = createHash('sha256').update(`plinth power-on ${manifest.files.Image?.sha256}`).digest('hex');
  return { seed, wallClock: POWER_ON_TIME };
}

/** The image's device tree for a board that has none of its own. */
function imageDeviceTree(spec: RunSpec, manifest: Manifest, read: ReadFile): NamedBytes | undefined {
  const file = treeOf(spec);
  return file === undefined ? undefined : { name: `${spec.image}/${file}`, bytes: readImageFile(manifest, file, read) };
}

function treeOf({ machine }: RunSpec): (typeof DEVICE_TREES)[number] | undefined {
  const { kernelDeviceTree } = boardNamed(machine);
  return DEVICE_TREES.find((tree) => tree === kernelDeviceTree);
}

/** A file with something in it. */
function readWhole(name: string, option: string, read: ReadFile): Uint8Array {
  const bytes = readInput(name, option, read);
  if (bytes.length === 0) throw new PlinthError('input', 'file-empty', `${option}: ${name}: this file is empty`);
  return bytes;
}
