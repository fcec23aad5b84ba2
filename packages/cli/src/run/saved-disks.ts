// SPDX-License-Identifier: Apache-2.0
// The disks of a snapshot: named so that another process in another folder finds them, and looked for before anything is
// opened, so that one that is gone is told as what it is. That they are what they were is checked when they are restored.

import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { PlinthError } from '@plinth/core';
import type { DriveSpec, RunSpec } from '@plinth/machine';
import { imageDirectory } from '../image/cache.js';
import { DISK_FILE_NAME } from '../image/manifest.js';

/** The run with names of disks and folders that hold from anywhere, if it may be saved or recorded. */
export function withAbsoluteNames(spec: RunSpec): RunSpec {
  if (spec.saveSnapshot === undefined && spec.record === undefined) return spec;
  const drives = spec.drives.map((drive) => ({
    ...drive,
    file: resolve(drive.file),
    ...(drive.overlay === undefined ? {} : { overlay: resolve(drive.overlay) }),
  }));
  const shares = spec.shares.map((share) => ({ ...share, path: resolve(share.path) }));
  return { ...spec, drives, shares };
}

/**
 * The run with its disks where they are now: that of an image may be in another cache than it was.
 *
 * @param name of the snapshot, for messages
 * @throws PlinthError `snapshot-disk` for a disk that is gone
 */
export function findDisks(spec: RunSpec, name: string, image: string | undefined): RunSpec {
  return { ...spec, drives: spec.drives.map((drive) => findDisk(drive, name, image)) };
}

function findDisk(drive: DriveSpec, name: string, image: string | undefined): DriveSpec {
  const { overlay } = drive;
  if (overlay !== undefined && !existsSync(overlay)) {
    throw gone(name, overlay, 'the overlay that the guest has written to');
  }
  if (existsSync(drive.file)) return drive;
  // Only an image's own disk lies in a folder of its name, under this one.
  const ofImage =
    image !== undefined && basename(drive.file) === DISK_FILE_NAME && basename(dirname(drive.file)) === image;
  if (!ofImage) throw gone(name, drive.file, 'a disk of the guest');
  const here = join(imageDirectory(image), DISK_FILE_NAME);
  if (existsSync(here)) return { ...drive, file: here };
  throw gone(name, here, `the disk of the image ${image} that it was taken with`);
}

function gone(name: string, file: string, what: string): PlinthError {
  const message = `${name}: ${file} is not there: it is ${what}, and the snapshot cannot go on without it`;
  return new PlinthError('input', 'snapshot-disk', message);
}
