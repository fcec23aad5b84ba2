// SPDX-License-Identifier: Apache-2.0
// The guest images that can be brought, by name, beside those that were imported under names of the user's choice.

import { PlinthError } from '@plinth/core';
import type { Progress } from '../host/progress.js';
import { cachedImageNames, checkWritable, findDamage, readManifest, refuseIfUsed } from './cache.js';
import { pullDebianMini, renewDebianMini } from './debian-mini.js';
import { pullDebian } from './debian.js';
import type { Manifest } from './manifest.js';

export interface PullOptions {
  /** Bring it even if it is here. */
  readonly force?: boolean;
  /** Bytes of the disk. */
  readonly diskSize?: number;
}

const MINI = 'debian-mini';
const FULL = 'debian';
export const IMAGE_NAMES: readonly string[] = [FULL, MINI];
/** What holds of a name of the user's choice also keeps paths out of the cache's directory names. */
const VALID_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Refuses a name that is neither one of ours nor that of an image in the cache. */
export function checkImageName(name: string): void {
  if (IMAGE_NAMES.includes(name) || cachedImageNames().includes(name)) return;
  throw new PlinthError('input', 'image-name', `no guest image "${name}": there is ${knownNames().join(', ')}`);
}

/** Refuses a name that an imported image cannot have. */
export function checkNewName(name: string): void {
  if (IMAGE_NAMES.includes(name)) {
    throw new PlinthError('input', 'image-name', `"${name}" is an image of its own: give the import another name`);
  }
  if (!VALID_NAME.test(name)) {
    const allowed = 'small letters, digits, dots, dashes and underscores, at most 64';
    throw new PlinthError('input', 'image-name', `"${name}" is no name for an image: use ${allowed}`);
  }
}

function knownNames(): string[] {
  return [...new Set([...IMAGE_NAMES, ...cachedImageNames()])].toSorted();
}

/** The cached image, up to date with this version of Plinth; brought first if it is not there. */
export async function ensureImage(name: string, progress: Progress): Promise<Manifest> {
  checkImageName(name);
  const manifest = readKnown(name);
  if (manifest === undefined) return pullImage(name, progress);
  return name === MINI ? renewDebianMini(manifest) : manifest;
}

/** Brings the image unless an undamaged one is there. */
export async function pullImage(name: string, progress: Progress, options: PullOptions = {}): Promise<Manifest> {
  if (!IMAGE_NAMES.includes(name)) {
    checkImageName(name);
    throw new PlinthError('input', 'image-name', `image ${name} was imported and cannot be brought: import it again`);
  }
  if (options.diskSize !== undefined && name === MINI) {
    throw new PlinthError('input', 'image-size', `size: ${MINI} has no disk`);
  }
  const present = options.force === true ? undefined : readUsable(name);
  if (present !== undefined && (options.diskSize ?? present.disk?.bytes) === present.disk?.bytes) {
    return name === MINI ? renewDebianMini(present) : present;
  }
  refuseIfUsed(name);
  checkWritable();
  return name === MINI ? pullDebianMini(progress) : pullDebian(progress, options.diskSize);
}

function readUsable(name: string): Manifest | undefined {
  const manifest = readKnown(name);
  return manifest !== undefined && findDamage(manifest) === undefined ? manifest : undefined;
}

/** Without a manifest that this version understands, an image that can be brought is as good as absent. */
function readKnown(name: string): Manifest | undefined {
  try {
    return readManifest(name);
  } catch (error) {
    if (error instanceof PlinthError && error.kind === 'input' && IMAGE_NAMES.includes(name)) return undefined;
    throw error;
  }
}
