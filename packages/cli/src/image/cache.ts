// SPDX-License-Identifier: Apache-2.0
// Where guest images lie: $XDG_CACHE_HOME/plinth/images/NAME (XDG Base Directory Specification). An image appears and is
// replaced as a whole by renaming its directory, and every file is checked against the manifest when it is used; of a
// disk only size and time are.

import { createHash } from 'node:crypto';
import {
  chmodSync,
  createReadStream,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { cacheWriteFailure, reasonOf } from '../host/reason.js';
import { cacheDirectory } from '../host/cache-directory.js';
import { DiskFile } from '../host/disk-file.js';
import { makeDirectory } from '../host/make-directory.js';
import { type ReadFile, readPrivately } from '../host/shared-files.js';
import { findLeftovers, makeTemporaryDirectory } from '../host/temporary.js';
import { DISK_FILE_NAME, fileNames, parseManifest, sha256 } from './manifest.js';
import type { DiskEntry, FileEntry, ImageFileName, Manifest } from './manifest.js';

export function imagesDirectory(): string {
  return join(cacheDirectory(), 'images');
}

/** Packages as downloaded. Whatever is lost here is brought again. */
export function packagesDirectory(): string {
  return join(cacheDirectory(), 'packages');
}

/** Programs that the host lacks, unpacked from its distribution's packages. Whatever is lost here is brought again. */
export function toolsDirectory(): string {
  return join(cacheDirectory(), 'tools');
}

/** Refuses a cache that cannot be written, before anything is brought for it; leaves nothing there. */
export function checkWritable(): void {
  const isNew = !existsSync(imagesDirectory());
  try {
    makeDirectory(imagesDirectory());
    rmSync(makeTemporaryDirectory('image', imagesDirectory()), { recursive: true });
  } catch (cause) {
    throw cacheWriteFailure(imagesDirectory(), cause);
  }
  if (!isNew) return;
  try {
    rmdirSync(imagesDirectory());
    rmdirSync(cacheDirectory());
  } catch {
    // Another process has begun to use it.
  }
}

/** A directory for building an image, gone when we are. What killed builds left is removed. */
export function makeWorkDirectory(): string {
  const parent = imagesDirectory();
  try {
    makeDirectory(parent);
    for (const path of findLeftovers(parent)) rmSync(path, { recursive: true, force: true });
    const work = makeTemporaryDirectory('build', parent);
    mkdirSync(join(work, 'root'));
    return work;
  } catch (cause) {
    throw cacheWriteFailure(parent, cause);
  }
}

export function imageDirectory(name: string): string {
  return join(imagesDirectory(), name);
}

export function cachedImageNames(): string[] {
  try {
    return readdirSync(imagesDirectory())
      .filter((name) => !name.startsWith('.'))
      .toSorted();
  } catch {
    return []; // nothing was ever pulled
  }
}

/** `undefined` if the image is not there; throws if its manifest cannot be understood. */
export function readManifest(name: string): Manifest | undefined {
  const path = join(imageDirectory(name), 'manifest.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new PlinthError('host', 'cache-read', `${path}: cannot be read: ${reasonOf(cause)}`, { cause });
  }
  return parseManifest(text, path);
}

/** Reads one file of an image and checks it. */
export function readImageFile(manifest: Manifest, file: ImageFileName, read: ReadFile = readPrivately): Uint8Array {
  const path = join(imageDirectory(manifest.name), file);
  let bytes: Uint8Array | undefined;
  try {
    bytes = read(path);
  } catch {
    bytes = undefined; // judged below, together with a wrong content
  }
  if (bytes === undefined || sha256(bytes) !== manifest.files[file]?.sha256) {
    throw damagedFile(manifest, path, bytes === undefined ? 'missing' : 'not what was downloaded (wrong SHA-256)');
  }
  return bytes;
}

/** The path of an image's disk, after a quick check: that it is there and was not touched since it was made. */
export function diskPath(manifest: Manifest): string | undefined {
  const { disk, name } = manifest;
  if (disk === undefined) return undefined;
  const path = join(imageDirectory(name), DISK_FILE_NAME);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw damagedFile(manifest, path, 'missing');
  if (found.size !== disk.bytes || Math.floor(found.mtimeMs) !== disk.modified) {
    throw damagedFile(manifest, path, 'written to since it was made');
  }
  return path;
}

function damagedFile({ name, source }: Manifest, path: string, state: string): PlinthError {
  const mend = source === undefined ? `run "plinth image pull ${name}" to mend it` : 'import the image again';
  return new PlinthError('input', 'image-damaged', `${path}: ${state}: ${mend}`);
}

/** The error of the first damaged file, or `undefined`. */
export function findDamage(manifest: Manifest): PlinthError | undefined {
  try {
    for (const file of fileNames(manifest.format)) readImageFile(manifest, file);
    diskPath(manifest);
  } catch (error) {
    if (error instanceof PlinthError) return error;
    throw error;
  }
  return undefined;
}

/**
 * Writes an image beside the cached one and puts it in its place. A disk is moved from `disk`, which must lie in the
 * images' directory (see `makeTemporaryDirectory`), and makes the image one of format 2.
 */
export async function storeImage(
  description: Omit<Manifest, 'format' | 'files' | 'disk' | 'created'>,
  files: Readonly<Partial<Record<ImageFileName, Uint8Array>>>,
  disk?: string,
): Promise<Manifest> {
  const target = imageDirectory(description.name);
  try {
    makeDirectory(imagesDirectory());
    const fresh = makeTemporaryDirectory('image', imagesDirectory());
    const entries: Partial<Record<ImageFileName, FileEntry>> = {};
    const format = disk === undefined ? 1 : 2;
    for (const name of fileNames(format)) {
      const bytes = files[name];
      if (bytes === undefined) throw new PlinthError('internal', 'image-file', `an image without ${name}`);
      writeFileSync(join(fresh, name), bytes);
      entries[name] = { bytes: bytes.length, sha256: sha256(bytes) };
    }
    const manifest: Manifest = {
      format,
      ...description,
      created: new Date().toISOString(),
      files: entries,
      ...(disk === undefined ? {} : { disk: await moveDisk(disk, join(fresh, DISK_FILE_NAME)) }),
    };
    writeFileSync(join(fresh, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    const old = makeTemporaryDirectory('old', imagesDirectory());
    renameIfThere(target, join(old, 'image'));
    renameSync(fresh, target);
    rmSync(old, { recursive: true, force: true });
    return manifest;
  } catch (cause) {
    if (cause instanceof PlinthError) throw cause;
    throw cacheWriteFailure(target, cause);
  }
}

/** Read-only from then on: a guest's writes go to an overlay. */
async function moveDisk(from: string, to: string): Promise<DiskEntry> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(from, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  chmodSync(from, 0o444);
  renameSync(from, to);
  const { size, mtimeMs } = statSync(to);
  return { bytes: size, sha256: hash.digest('hex'), modified: Math.floor(mtimeMs) };
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** What a guest has put into an overlay is worth nothing without the disk under it. */
export function refuseIfUsed(name: string): void {
  try {
    new DiskFile(join(imageDirectory(name), DISK_FILE_NAME), 'lock', 'image').close();
  } catch (error) {
    if (!(error instanceof PlinthError) || error.code !== 'disk-in-use') return; // without a disk, nobody uses it
    throw new PlinthError('input', 'image-in-use', `image ${name} is in use: end the runs that have its disk first`);
  }
}

/** True if there was something to remove. */
export function removeImage(name: string): boolean {
  if (!cachedImageNames().includes(name)) return false;
  const directory = imageDirectory(name);
  refuseIfUsed(name);
  try {
    const old = makeTemporaryDirectory('old', imagesDirectory());
    renameIfThere(directory, join(old, 'image'));
    rmSync(old, { recursive: true, force: true });
  } catch (cause) {
    throw new PlinthError('host', 'cache-write', `${directory}: cannot be removed: ${reasonOf(cause)}`, { cause });
  }
  return true;
}

/** Of all files below a directory, in whole blocks. */
export function allocatedBytes(directory: string): number {
  const BLOCK = 512; // the unit of st_blocks, whatever the file system has
  let sum = 0;
  try {
    for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) sum += lstatSync(join(entry.parentPath, entry.name)).blocks * BLOCK;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return sum;
}
