// SPDX-License-Identifier: Apache-2.0
// `plinth image list|pull|import|path|du|rm`: the guest images in the cache.

import { existsSync, rmSync } from 'node:fs';
import { PlinthError } from '@plinth/core';
import { LineProgress } from '../host/progress.js';
import {
  allocatedBytes,
  cachedImageNames,
  findDamage,
  imageDirectory,
  packagesDirectory,
  readManifest,
  removeImage,
  toolsDirectory,
} from '../image/cache.js';
import { checkImageName, checkNewName, ensureImage, IMAGE_NAMES, pullImage } from '../image/catalog.js';
import { importImage } from '../image/import.js';
import type { Manifest } from '../image/manifest.js';
import { EXIT } from '../report-error.js';
import { parseSize } from '../run/run-options.js';

export interface ImageOptions {
  readonly json?: boolean;
  readonly force?: boolean;
  readonly size?: string;
}

export interface ListedImage {
  readonly name: string;
  readonly state: 'present' | 'not pulled' | 'damaged';
  readonly path: string;
  readonly bytes?: number;
  readonly packages?: Manifest['packages'];
}

/** Every image there can be, and what else lies in the cache. */
export function describeImages(): ListedImage[] {
  return [...new Set([...IMAGE_NAMES, ...cachedImageNames()])].toSorted().map(describeImage);
}

export function listImages(options: ImageOptions): number {
  const images = describeImages();
  if (options.json === true) process.stdout.write(`${JSON.stringify(images)}\n`);
  else for (const image of images) process.stdout.write(`${formatImage(image)}\n`);
  return EXIT.clean;
}

function describeImage(name: string): ListedImage {
  const path = imageDirectory(name);
  try {
    const manifest = readManifest(name);
    if (manifest === undefined) return { name, state: 'not pulled', path };
    const bytes = [...Object.values(manifest.files), ...(manifest.disk ? [manifest.disk] : [])].reduce(
      (sum, file) => sum + file.bytes,
      0,
    );
    const state = findDamage(manifest) === undefined ? 'present' : 'damaged';
    return { name, state, path, bytes, packages: manifest.packages };
  } catch (error) {
    if (error instanceof PlinthError && error.kind === 'input') return { name, state: 'damaged', path };
    throw error;
  }
}

function formatImage({ name, state, bytes, packages }: ListedImage): string {
  const size = bytes === undefined ? '' : `${(bytes / 1e6).toFixed(1)} MB`;
  // The kernel comes first; a list of all packages of a system would help nobody here.
  const all = packages ?? [];
  const named = all.slice(0, 2).map((one) => `${one.name} ${one.version}`);
  const from = [...named, ...(all.length > 2 ? [`${all.length - 2} more packages`] : [])].join(', ');
  return [name.padEnd(14), state.padEnd(10), size.padStart(9), from].join('  ').trimEnd();
}

export async function pullVerb(name: string, options: ImageOptions): Promise<number> {
  const progress = new LineProgress(process.stderr);
  const manifest = await pullImage(name, progress, {
    force: options.force === true,
    ...(options.size === undefined ? {} : { diskSize: parseSize(options.size, 'size') }),
  });
  progress.done();
  if (options.json === true) process.stdout.write(`${JSON.stringify(manifest)}\n`);
  else process.stdout.write(`${formatImage(describeImage(name))}\n`);
  return EXIT.clean;
}

export async function importVerb(name: string, path: string, options: ImageOptions): Promise<number> {
  checkNewName(name);
  const progress = new LineProgress(process.stderr);
  if (readManifest(name) !== undefined && options.force !== true) {
    throw new PlinthError('input', 'image-present', `there is an image ${name}: --force replaces it`);
  }
  const size = options.size === undefined ? undefined : parseSize(options.size, 'size');
  const manifest = await importImage(name, path, progress, size);
  if (options.json === true) process.stdout.write(`${JSON.stringify(manifest)}\n`);
  else process.stdout.write(`${formatImage(describeImage(name))}\n`);
  return EXIT.clean;
}

/** Prints the directory of an image that is there, for scripts: vmlinuz, Image, initramfs.cpio.gz, device trees
 * and disk.img lie in it. */
export async function pathVerb(name: string, options: ImageOptions): Promise<number> {
  checkImageName(name);
  if (readManifest(name) === undefined) {
    throw new PlinthError('input', 'image-absent', `image ${name} is not here: run "plinth image pull ${name}"`);
  }
  await ensureImage(name, new LineProgress(process.stderr));
  const path = imageDirectory(name);
  process.stdout.write(options.json === true ? `${JSON.stringify({ name, path })}\n` : `${path}\n`);
  return EXIT.clean;
}

/** Blocks that files really take, so the holes of a disk count nothing. */
export function usageVerb(options: ImageOptions): number {
  const parts = [
    ...cachedImageNames().map((name) => ({ name, path: imageDirectory(name) })),
    ...Object.entries(SHARED).map(([name, directory]) => ({ name, path: directory() })),
  ].map((part) => ({ ...part, bytes: allocatedBytes(part.path) }));
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  if (options.json === true) process.stdout.write(`${JSON.stringify({ parts, total })}\n`);
  else {
    for (const { name, bytes } of [...parts, { name: 'total', bytes: total }]) {
      process.stdout.write(`${name.padEnd(14)}  ${`${(bytes / 1e6).toFixed(1)} MB`.padStart(10)}\n`);
    }
  }
  return EXIT.clean;
}

/** What images are made with; no image can have such a name. */
const SHARED: Readonly<Record<string, () => string>> = { '(packages)': packagesDirectory, '(tools)': toolsDirectory };

export function removeVerb(name: string, options: ImageOptions): number {
  const shared = SHARED[name];
  if (shared === undefined && !cachedImageNames().includes(name)) checkImageName(name);
  const removed = shared === undefined ? removeImage(name) : removeDirectory(shared());
  if (options.json === true) process.stdout.write(`${JSON.stringify({ name, removed })}\n`);
  else process.stdout.write(removed ? `${name} removed\n` : `${name} was not there\n`);
  return EXIT.clean;
}

function removeDirectory(path: string): boolean {
  if (!existsSync(path)) return false;
  rmSync(path, { recursive: true, force: true });
  return true;
}
