// SPDX-License-Identifier: Apache-2.0
// Reads an OCI image layout (image-layout.md, manifest.md, config.md of the OCI image specification): the layers of its
// image for 32-bit ARM Linux. Every document and layer is compared with its digest; only SHA-256 is known.

import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { reasonOf } from '../host/reason.js';
import { sha256 } from './manifest.js';

export interface OciLayer {
  readonly file: string;
  /** SHA-256 in hexadecimal, of the layer as it lies there. */
  readonly digest: string;
  readonly size: number;
}

const INDEX_TYPES = /\.(image\.index|manifest\.list)\.v\d\+json$/;
const LARGEST_DOCUMENT = 4 << 20;
/** Indexes may name indexes. */
const DEEPEST = 4;
/** Variants that our processor runs, best first. */
const VARIANTS = ['v7', undefined, 'v6', 'v5'];

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os?: unknown; readonly architecture?: unknown; readonly variant?: unknown };
}

/** From the lowest layer to the topmost. */
export function readOciLayout(directory: string): OciLayer[] {
  const index = parse(readDocument(join(directory, 'index.json')), `${directory}/index.json`);
  const manifest = findManifest(directory, index, 'index.json', 0);
  if (manifest === undefined) {
    throw wrong(directory, 'no image for linux/arm among its manifests');
  }
  const { layers, config } = manifest;
  const configuration = readBlob(directory, descriptor(config, directory));
  if (configuration['os'] !== 'linux' || configuration['architecture'] !== 'arm') {
    const platform = `${String(configuration['os'])}/${String(configuration['architecture'])}`;
    throw wrong(directory, `its image is for ${platform}, not for linux/arm`);
  }
  if (!Array.isArray(layers) || layers.length === 0) throw wrong(directory, 'its image has no layers');
  return (layers as unknown[]).map((layer) => {
    const { digest, size } = descriptor(layer, directory);
    return { file: blobPath(directory, digest), digest: digest.slice('sha256:'.length), size };
  });
}

/** Compares a layer with its digest. */
export async function checkLayer({ file, digest, size }: OciLayer): Promise<void> {
  const hash = createHash('sha256');
  let length = 0;
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
      hash.update(chunk as Buffer);
      length += (chunk as Buffer).length;
    }
  } catch (cause) {
    throw wrong(file, `cannot be read: ${reasonOf(cause)}`);
  }
  if (length !== size || hash.digest('hex') !== digest) throw wrong(file, 'not what its digest says');
}

function findManifest(
  directory: string,
  document: Readonly<Record<string, unknown>>,
  what: string,
  depth: number,
): Record<string, unknown> | undefined {
  const { manifests } = document;
  if (!Array.isArray(manifests)) throw wrong(directory, `${what} lists no manifests`);
  const all = (manifests as unknown[]).map((entry) => descriptor(entry, directory));
  // One without a platform is judged by its configuration.
  const fitting = all.filter(({ platform }) => {
    const { os, architecture, variant } = platform ?? { os: 'linux', architecture: 'arm' };
    return os === 'linux' && architecture === 'arm' && VARIANTS.includes(variant as string | undefined);
  });
  const rank = (entry: Descriptor): number => VARIANTS.indexOf(entry.platform?.variant as string | undefined);
  for (const entry of fitting.toSorted((one, other) => rank(one) - rank(other))) {
    const inner = readBlob(directory, entry);
    if (!INDEX_TYPES.test(entry.mediaType)) return inner;
    if (depth >= DEEPEST) throw wrong(directory, 'its indexes lie too deep in each other');
    const found = findManifest(directory, inner, entry.digest, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function descriptor(value: unknown, directory: string): Descriptor {
  const { mediaType, digest, size } = (value ?? {}) as Record<string, unknown>;
  const valid =
    typeof mediaType === 'string' &&
    typeof digest === 'string' &&
    /^sha256:[0-9a-f]{64}$/.test(digest) &&
    typeof size === 'number';
  if (!valid) throw wrong(directory, 'a descriptor without media type, SHA-256 digest and size');
  return value as Descriptor;
}

function blobPath(directory: string, digest: string): string {
  return join(directory, 'blobs', 'sha256', digest.slice('sha256:'.length));
}

function readBlob(directory: string, { digest, size }: Descriptor): Record<string, unknown> {
  const path = blobPath(directory, digest);
  const bytes = readDocument(path);
  if (bytes.length !== size || `sha256:${sha256(bytes)}` !== digest) throw wrong(path, 'not what its digest says');
  return parse(bytes, path);
}

function readDocument(path: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw wrong(path, `cannot be read: ${reasonOf(cause)}`);
  }
  if (bytes.length > LARGEST_DOCUMENT) throw wrong(path, 'too long for a document of an image');
  return bytes;
}

function parse(bytes: Uint8Array, path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    value = undefined; // refused below
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw wrong(path, 'not a JSON object');
}

function wrong(path: string, detail: string): PlinthError {
  return new PlinthError('input', 'oci', `${path}: no usable OCI image: ${detail}`);
}
