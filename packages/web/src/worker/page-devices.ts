// SPDX-License-Identifier: Apache-2.0
// The devices that a page can give a machine: disks whose files the user has chosen, a network card without a network.
// The files are only read. What the guest writes goes into an overlay in memory, which is in a snapshot of the machine.

import { PlinthError } from '@plinth/core';
import {
  type AttachedDevices,
  attachRng,
  type BlockDevice,
  type BoardDescription,
  type DriveSpec,
  driveSerial,
  imageFormat,
  IDENTITY_SIZE,
  linkPort,
  macBytes,
  type MachineDriver,
  MemoryFile,
  OverlayDisk,
  Qcow2Disk,
  RawDisk,
  type RunSpec,
  VirtioBlock,
  type VirtioDevice,
  VirtioNet,
} from '@plinth/machine';
import type { PageFile } from './page-file.js';

/** Bytes that the guest may write to a disk. */
const MAX_WRITTEN = 512 * 1024 * 1024;
/** Where an overlay's header has the identity of its base (overlay.ts). */
const IDENTITY_AT = 24;
const CARD = 'net0';

/** The file of a drive, and that of its overlay. */
export interface DriveFiles {
  readonly disk: PageFile;
  readonly overlay?: PageFile;
}

/** How a page goes on with drives: nothing that the guest writes reaches a file. */
export function pageDrives(drives: readonly DriveSpec[]): readonly DriveSpec[] {
  return drives.map((drive) => ({ ...drive, snapshot: drive.snapshot || !drive.readonly }));
}

/** `files` belong to the drives, in their order; `saved` are the drives that a snapshot has, if one is resumed. */
export function attachPageDevices(
  spec: RunSpec,
  board: BoardDescription,
  files: readonly DriveFiles[],
  saved: readonly DriveSpec[] | undefined,
): AttachedDevices {
  if (spec.shares.length > 0) {
    const why = 'a page cannot reach folders: go on with it in "plinth run"';
    throw new PlinthError('host', 'page-shares', `the machine shares folders (${spec.shares.length}): ${why}`);
  }
  const disks = spec.drives.map((drive, n) => {
    const added = saved !== undefined && !saved[n]!.snapshot;
    return openDisk(drive, files[n]!, added);
  });
  const virtio: VirtioDevice[] = disks.map((disk, n) => {
    return new VirtioBlock({ name: `disk${n}`, disk, serial: driveSerial(spec.drives[n]!) });
  });
  const { net } = spec;
  if (net.kind !== 'none') {
    virtio.push(new VirtioNet({ name: CARD, mac: macBytes(net.mac), mtu: net.mtu, onFrame: () => undefined }));
  }
  virtio.push(...attachRng(spec, board));
  return {
    virtio,
    [Symbol.dispose]: () => {
      for (const disk of disks) disk.close();
    },
  };
}

/** A page has no network: the guest sees that its cable is pulled. */
export function unplug(spec: RunSpec, driver: MachineDriver): void {
  if (spec.net.kind !== 'none') driver.send(linkPort(CARD), Uint8Array.of(0));
}

function openDisk(drive: DriveSpec, files: DriveFiles, added: boolean): BlockDevice {
  const disk = openOverlay(openImage(drive, files.disk), files.overlay);
  if (!drive.snapshot) return disk;
  const memory = new MemoryFile(`what the guest wrote to ${files.disk.name}`, new Uint8Array(), MAX_WRITTEN);
  return OverlayDisk.create(memory, disk, new Uint8Array(IDENTITY_SIZE), {
    temporary: true,
    readOnly: drive.readonly,
    added,
  });
}

function openImage(drive: DriveSpec, file: PageFile): BlockDevice {
  if ((drive.format ?? imageFormat(file)) === 'raw') return new RawDisk(file, { readOnly: true });
  const refuse = (what: string): PlinthError => {
    const how = 'which the page cannot read: make it a raw one with "qemu-img convert -O raw"';
    return new PlinthError('input', 'page-qcow2', `${file.name}: a qcow2 image ${what}, ${how}`);
  };
  return new Qcow2Disk(file, {
    inflateRaw: () => {
      throw refuse('with compressed clusters');
    },
    openBacking: () => {
      throw refuse('with a backing file');
    },
  });
}

function openOverlay(base: BlockDevice, file: PageFile | undefined): BlockDevice {
  if (file === undefined) return base;
  // That it belongs to this base is what the snapshot itself proves, of both files.
  const identity = new Uint8Array(IDENTITY_SIZE);
  file.read(IDENTITY_AT, identity);
  return OverlayDisk.open(file, base, identity, { readOnly: true });
}
