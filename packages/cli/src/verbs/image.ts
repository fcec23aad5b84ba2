// SPDX-License-Identifier: Apache-2.0
// `plinth image list|pull|path|rm`: the guest images in the cache.

import { PlinthError } from '@plinth/core';
import { LineProgress } from '../host/progress.js';
import { cachedImageNames, findDamage, imageDirectory, readManifest, removeImage } from '../image/cache.js';
import { checkImageName, ensureImage, IMAGE_NAMES, pullImage } from '../image/debian-mini.js';
import type { Manifest } from '../image/manifest.js';
import { EXIT } from '../report-error.js';

export interface ImageOptions {
  readonly json?: boolean;
  readonly force?: boolean;
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
    const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
    const state = findDamage(manifest) === undefined ? 'present' : 'damaged';
    return { name, state, path, bytes, packages: manifest.packages };
  } catch (error) {
    if (error instanceof PlinthError && error.kind === 'input') return { name, state: 'damaged', path };
    throw error;
  }
}

function formatImage({ name, state, bytes, packages }: ListedImage): string {
  const size = bytes === undefined ? '' : `${(bytes / 1e6).toFixed(1)} MB`;
  const from = (packages ?? []).map((one) => `${one.name} ${one.version}`).join(', ');
  return [name.padEnd(14), state.padEnd(10), size.padStart(9), from].join('  ').trimEnd();
}

export async function pullVerb(name: string, options: ImageOptions): Promise<number> {
  const progress = new LineProgress(process.stderr);
  const manifest = await pullImage(name, progress, options.force);
  progress.done();
  if (options.json === true) process.stdout.write(`${JSON.stringify(manifest)}\n`);
  else process.stdout.write(`${formatImage(describeImage(name))}\n`);
  return EXIT.clean;
}

/** Prints the directory of an image that is there, for scripts: vmlinuz, Image, initramfs.cpio.gz and device trees lie in it. */
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

export function removeVerb(name: string, options: ImageOptions): number {
  if (!cachedImageNames().includes(name)) checkImageName(name);
  const removed = removeImage(name);
  if (options.json === true) process.stdout.write(`${JSON.stringify({ name, removed })}\n`);
  else process.stdout.write(removed ? `${name} removed\n` : `${name} was not there\n`);
  return EXIT.clean;
}
