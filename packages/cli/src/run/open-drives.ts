// SPDX-License-Identifier: Apache-2.0
// From the drives of a RunSpec to disks: opens files, tells formats, puts overlays above.

import { existsSync, mkdtempSync, readdirSync, realpathSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { inflateRawSync, constants as zlib } from 'node:zlib';
import { PlinthError } from '@plinth/core';
import { imageFormat, OverlayDisk, Qcow2Disk, RawDisk } from '@plinth/machine';
import type { BlockDevice, DriveFormat, DriveSpec, RandomAccessFile } from '@plinth/machine';
import { DiskFile } from '../host/disk-file.js';

/** Images that are based on images. */
const MAX_BACKING = 16;

/**
 * Opens every drive, or none.
 *
 * @param newLayer an empty file for what is to be forgotten after the run
 */
export function openDrives(drives: readonly DriveSpec[], newLayer?: () => RandomAccessFile): BlockDevice[] {
  refuseSharing(drives);
  return openAll(drives, (drive) => openDrive(drive, newLayer));
}

/**
 * The disks of a recorded run as they were when it began, where nothing is written to the host: what the guest writes
 * goes to a layer above.
 *
 * @param freshOverlays numbers of the drives whose overlay was made by the recorded run
 * @param newLayer an empty file for such a layer
 */
export function openRecordedDrives(
  drives: readonly DriveSpec[],
  freshOverlays: readonly number[],
  newLayer: () => RandomAccessFile = temporaryFile,
): BlockDevice[] {
  return openAll(drives, (drive, n) => {
    const { overlay: _overlay, ...plain } = drive;
    const below = freshOverlays.includes(n) ? plain : drive;
    if (drive.readonly || drive.snapshot) return openDrive(below, newLayer);
    const disk = openDrive({ ...below, snapshot: true }, newLayer, true);
    // The guest has found a disk that is written itself without it.
    return drive.overlay === undefined ? withoutDiscard(disk) : disk;
  });
}

function openAll(drives: readonly DriveSpec[], open: (drive: DriveSpec, n: number) => BlockDevice): BlockDevice[] {
  const opened: BlockDevice[] = [];
  try {
    for (const [n, drive] of drives.entries()) opened.push(open(drive, n));
    return opened;
  } catch (error) {
    for (const disk of opened) disk.close();
    throw error;
  }
}

/** `added`: its layer was not there when the machine was saved. */
function openDrive(
  drive: DriveSpec,
  newLayer: () => RandomAccessFile = temporaryFile,
  added: boolean = false,
): BlockDevice {
  const file = new DiskFile(drive.file, writesFile(drive) ? 'write' : 'read', 'drive');
  return orClose(file, () => openFormat(drive, file, newLayer, added));
}

/** What is opened over a file or a disk; if that fails, the one below is closed. */
function orClose<Opened>(below: { close(): void }, open: () => Opened): Opened {
  try {
    return open();
  } catch (error) {
    below.close();
    throw error;
  }
}

function openFormat(drive: DriveSpec, file: DiskFile, newLayer: () => RandomAccessFile, added: boolean): BlockDevice {
  const format = drive.format ?? imageFormat(file);
  if (format === 'qcow2' && writesFile(drive)) {
    const how = 'add overlay=FILE to keep what the guest writes, snapshot to forget it, or readonly';
    throw wrong(drive.file, `a qcow2 image is only read: ${how}`);
  }
  const identity = file.identity();
  let disk = openImage(file, format, !writesFile(drive), []);
  if (drive.overlay !== undefined) disk = openOverlay(drive.overlay, disk, identity, drive.readonly || drive.snapshot);
  if (drive.snapshot) {
    const fresh = newLayer();
    disk = orClose(fresh, () => OverlayDisk.create(fresh, disk, identity, { temporary: true, added }));
  }
  return drive.readonly && !disk.readOnly ? readOnly(disk) : disk;
}

function writesFile(drive: DriveSpec): boolean {
  return !drive.readonly && !drive.snapshot && drive.overlay === undefined;
}

function openImage(file: DiskFile, format: DriveFormat, onlyRead: boolean, above: readonly string[]): BlockDevice {
  if (format === 'raw') return new RawDisk(file, { readOnly: onlyRead });
  return new Qcow2Disk(file, {
    inflateRaw: (bytes, size) => inflateRawSync(bytes, { maxOutputLength: size, finishFlush: zlib.Z_SYNC_FLUSH }),
    openBacking: (name, backingFormat) => {
      const chain = [...above, file.name];
      if (chain.length > MAX_BACKING) throw wrong(chain[0]!, `more than ${MAX_BACKING} images one behind the other`);
      const path = resolve(dirname(file.name), name);
      const backing = new DiskFile(path, 'read', `drive: ${file.name}: its backing file`);
      // Old images do not say what is behind them.
      const known =
        backingFormat === 'raw' || backingFormat === 'qcow2'
          ? backingFormat
          : orClose(backing, () => imageFormat(backing));
      return orClose(backing, () => openImage(backing, known, true, chain));
    },
  });
}

function openOverlay(name: string, base: BlockDevice, identity: Uint8Array, onlyRead: boolean): BlockDevice {
  if (!existsSync(name)) {
    if (onlyRead) throw wrong(name, 'there is no such overlay, and none can be made that is not written');
    const fresh = new DiskFile(name, 'create', 'drive: overlay');
    // Half an overlay would only be refused the next time.
    const remove = { close: (): void => (fresh.close(), rmSync(name, { force: true })) };
    return orClose(remove, () => OverlayDisk.create(fresh, base, identity));
  }
  const file = new DiskFile(name, onlyRead ? 'read' : 'write', 'drive: overlay');
  return orClose(file, () => OverlayDisk.open(file, base, identity, { readOnly: onlyRead }));
}

function temporaryFile(): DiskFile {
  const directory = mkdtempSync(join(tmpdir(), `plinth-drive-${process.pid}-`));
  try {
    return new DiskFile(join(directory, 'overlay'), 'temporary', 'drive: snapshot');
  } finally {
    if (readdirSync(directory).length === 0) rmdirSync(directory);
  }
}

/** The disk without its writes. */
function readOnly(disk: BlockDevice): BlockDevice {
  return {
    ...withoutDiscard(disk),
    readOnly: true,
    write: () => {
      throw new PlinthError('internal', 'read-only', 'a read-only disk is not written');
    },
    flush: () => {},
  };
}

/** The disk as one that knows of reading and writing only. */
function withoutDiscard(disk: BlockDevice): BlockDevice {
  return {
    sectors: disk.sectors,
    readOnly: disk.readOnly,
    read: (sector, into) => disk.read(sector, into),
    write: (sector, from) => disk.write(sector, from),
    flush: () => disk.flush(),
    save: (writer) => disk.save(writer),
    restore: (reader) => disk.restore(reader),
    close: () => disk.close(),
  };
}

/** Two writers of one file, or a writer and a reader, would damage each other’s view of it. */
function refuseSharing(drives: readonly DriveSpec[]): void {
  const users = new Map<string, boolean>();
  const use = (name: string, writes: boolean): void => {
    const real = existsSync(name) ? realpathSync(name) : resolve(name);
    const other = users.get(real);
    if (other !== undefined && (other || writes)) {
      throw wrong(name, 'two drives of one file need snapshot or readonly on both');
    }
    users.set(real, writes);
  };
  for (const drive of drives) {
    use(drive.file, writesFile(drive));
    if (drive.overlay !== undefined) use(drive.overlay, !drive.readonly && !drive.snapshot);
  }
}

function wrong(name: string, detail: string): PlinthError {
  return new PlinthError('input', 'drive', `drive: ${name}: ${detail}`);
}
