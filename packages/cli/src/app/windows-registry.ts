// SPDX-License-Identifier: Apache-2.0
// What a program of Windows has written to its registry. Its texts lie in the prefix, in the file's layers and, once it has run, in its
// state; beside them the launcher keeps those that its first run began with (`keep_registry` in templates/launcher/inside.sh).

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Bundle,
  type BundleState,
  mergedTexts,
  PREFIX_PARTS,
  type PrefixChanges,
  prefixChanges,
  prefixLayer,
  type PrefixTexts,
  type Section,
} from '@plinth/sandbox';
import { readPlainFile } from '../host/read-plain-file.js';
import { makeTemporaryDirectory } from '../host/temporary.js';
import type { HostTools } from '../image/host-tools.js';
import { unpackFromImage } from './squash.js';

/** A fresh registry of Wine has 1.7 MB. */
const MOST_BYTES = 1 << 28;

/** Names in the prefix of what is no file of the program: its registry, and Wine's note of its own version. */
export const PREFIX_OWN: readonly string[] = [...PREFIX_PARTS.map(({ file }) => file), '.update-timestamp'];

/** In the order of parts and paths. Nothing for a program that has not run yet. */
export function registryChanges({ manifest }: Bundle, state: BundleState): PrefixChanges[] {
  const { prefix } = manifest;
  if (prefix === undefined) return [];
  return prefixChanges(readTexts(keptDirectory(state)), readTexts(join(state.upper, 'root', prefix)), state.directory);
}

/** The same as hives of a layer, below `work`: what of it goes into the layer's image. */
export function writeHives(bundle: Bundle, state: BundleState, work: string): string[] {
  const hives = registryLayer(bundle, state);
  if (hives.size === 0) return [];
  const directory = join(work, 'registry');
  mkdirSync(directory);
  for (const [name, bytes] of hives) writeFileSync(join(directory, name), bytes);
  return [directory];
}

/** What that has written. */
export function readHives(directory: string): ReturnType<typeof prefixLayer> {
  const there = PREFIX_PARTS.filter(({ hive }) => existsSync(join(directory, hive)));
  return new Map(there.map(({ hive }) => [hive, readFileSync(join(directory, hive))]));
}

function registryLayer(bundle: Bundle, state: BundleState): ReturnType<typeof prefixLayer> {
  return prefixLayer(readTexts(keptDirectory(state)), registryChanges(bundle, state), state.directory);
}

/**
 * After an update of a file its state has the registry of the version before: what was changed in it is put over that of this version.
 * Whatever ends us, the next time does the rest: changes that are put over themselves are the same.
 */
export async function mergeRegistry(tools: HostTools, file: string, bundle: Bundle, state: BundleState): Promise<void> {
  const { prefix } = bundle.manifest;
  const kept = keptDirectory(state);
  if (prefix === undefined || !existsSync(kept)) return;
  const [before, base] = [readTexts(kept), await imageTexts(tools, file, bundle.layers, prefix)];
  if (PREFIX_PARTS.every(({ file: name }) => sameBytes(before[name], base[name]))) return;
  const layer = registryLayer(bundle, state);
  const upper = state.directoryAt(`root${prefix}`);
  const merged = { ...base, ...mergedTexts(base, [layer], file) };
  for (const [name, text] of Object.entries(merged)) writeWhole(join(upper, name), text);
  for (const [name, text] of Object.entries(base)) writeWhole(join(state.directoryAt('registry'), name), text);
}

function keptDirectory(state: BundleState): string {
  return join(state.upper, 'registry');
}

/** The newest of each, as a program finds them at its first run; `layers` begin with the oldest. */
export async function imageTexts(
  tools: HostTools,
  file: string,
  layers: readonly Section[],
  prefix: string,
): Promise<PrefixTexts> {
  const work = makeTemporaryDirectory('registry');
  try {
    let texts: PrefixTexts = {};
    for (const [n, layer] of layers.toReversed().entries()) {
      const missing = PREFIX_PARTS.filter(({ file: name }) => texts[name] === undefined);
      if (missing.length === 0) break;
      const to = join(work, String(n));
      const names = missing.map(({ file: name }) => `root${prefix}/${name}`);
      await unpackFromImage(tools, file, layer, names, to);
      texts = { ...readTexts(join(to, 'root', prefix)), ...texts };
    }
    return texts;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function readTexts(directory: string): PrefixTexts {
  return Object.fromEntries(
    PREFIX_PARTS.flatMap(({ file }) => {
      const bytes = readPlainFile(join(directory, file), MOST_BYTES);
      return bytes === undefined ? [] : [[file, bytes]];
    }),
  );
}

function sameBytes(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return one === undefined || other === undefined ? one === other : Buffer.compare(one, other) === 0;
}

function writeWhole(path: string, bytes: Uint8Array): void {
  rmSync(`${path}.new`, { force: true });
  writeFileSync(`${path}.new`, bytes, { flag: 'wx' });
  renameSync(`${path}.new`, path);
}
