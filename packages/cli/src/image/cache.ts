// SPDX-License-Identifier: Apache-2.0
// Where guest images lie: $XDG_CACHE_HOME/plinth/images/NAME (XDG Base Directory Specification). An image appears and is
// replaced as a whole by renaming its directory, and every file is checked against the manifest when it is used.

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { cacheDirectory } from '../host/cache-directory.js';
import { makeTemporaryDirectory } from '../host/temporary.js';
import { FILE_NAMES, parseManifest, sha256 } from './manifest.js';
import type { ImageFileName, Manifest } from './manifest.js';

export function imagesDirectory(): string {
  return join(cacheDirectory(), 'images');
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
    throw new PlinthError('host', 'cache-read', `${path}: cannot be read: ${(cause as Error).message}`, { cause });
  }
  return parseManifest(text, path);
}

/** Reads one file of an image and checks it. */
export function readImageFile(manifest: Manifest, file: ImageFileName): Uint8Array {
  const path = join(imageDirectory(manifest.name), file);
  let bytes: Uint8Array | undefined;
  try {
    bytes = readFileSync(path);
  } catch {
    bytes = undefined; // judged below, together with a wrong content
  }
  if (bytes === undefined || sha256(bytes) !== manifest.files[file].sha256) {
    const state = bytes === undefined ? 'missing' : 'not what was downloaded (wrong SHA-256)';
    throw new PlinthError(
      'input',
      'image-damaged',
      `${path}: ${state}: run "plinth image pull ${manifest.name}" to mend it`,
    );
  }
  return bytes;
}

/** The error of the first damaged file, or `undefined`. */
export function findDamage(manifest: Manifest): PlinthError | undefined {
  for (const file of FILE_NAMES) {
    try {
      readImageFile(manifest, file);
    } catch (error) {
      if (error instanceof PlinthError) return error;
      throw error;
    }
  }
  return undefined;
}

/** Writes an image beside the cached one and puts it in its place. */
export function storeImage(
  description: Omit<Manifest, 'format' | 'files' | 'created'>,
  files: Readonly<Record<ImageFileName, Uint8Array>>,
): Manifest {
  const entries = FILE_NAMES.map((name) => [name, { bytes: files[name].length, sha256: sha256(files[name]) }] as const);
  const manifest: Manifest = {
    format: 1,
    ...description,
    created: new Date().toISOString(),
    files: Object.fromEntries(entries) as Manifest['files'],
  };
  const target = imageDirectory(description.name);
  try {
    mkdirSync(imagesDirectory(), { recursive: true });
    const fresh = makeTemporaryDirectory('image', imagesDirectory());
    for (const name of FILE_NAMES) writeFileSync(join(fresh, name), files[name]);
    writeFileSync(join(fresh, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    const old = makeTemporaryDirectory('old', imagesDirectory());
    renameIfThere(target, join(old, 'image'));
    renameSync(fresh, target);
    rmSync(old, { recursive: true, force: true });
  } catch (cause) {
    throw new PlinthError('host', 'cache-write', `${target}: cannot be written: ${(cause as Error).message}`, {
      cause,
    });
  }
  return manifest;
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** True if there was something to remove. */
export function removeImage(name: string): boolean {
  if (!cachedImageNames().includes(name)) return false;
  rmSync(imageDirectory(name), { recursive: true, force: true });
  return true;
}
