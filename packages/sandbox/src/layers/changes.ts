// SPDX-License-Identifier: Apache-2.0
// What layers change of a directory, found by walking the layers alone: what they do not have is as it was.

import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { SystemCalls } from '@plinth/linux';
import { type EntryType, type LayerEntry, readEntry, typeOf } from './layer-entry.js';

export interface Change {
  /** As the merged view has it, from the root of the part on: begins with a slash. */
  readonly path: string;
  readonly kind: 'added' | 'changed' | 'deleted';
  /** What it is now, or was. */
  readonly type: EntryType;
  /** Of a changed one: what of it. */
  readonly what?: readonly ('type' | 'content' | 'target' | 'mode' | 'owner')[];
  /** Of a file that is there, its bytes. */
  readonly size?: number;
  /** Where it lies in a layer, if it is there. */
  readonly source?: string;
}

export interface Layers {
  /** Directories, the newest first. */
  readonly layers: readonly string[];
  /** What lies below them, or nothing. */
  readonly base: string | undefined;
}

const COMPARED_AT_ONCE = 1 << 16;

/** In the order of their paths; what is in an added directory follows it, of a deleted one only itself is named. */
export function* changesOf(calls: SystemCalls, { layers, base }: Layers, path = ''): Generator<Change> {
  const names = new Set(layers.flatMap((layer) => (isDirectory(layer) ? readdirSync(layer) : [])));
  for (const name of [...names].sort()) {
    yield* entryChanges(calls, { layers, base }, `${path}/${name}`, name);
  }
}

function* entryChanges(calls: SystemCalls, { layers, base }: Layers, path: string, name: string): Generator<Change> {
  const before = base === undefined ? undefined : lstatSync(join(base, name), { throwIfNoEntry: false });
  const below: string[] = [];
  let top: LayerEntry | undefined;
  let opaque = false;
  for (const layer of layers) {
    const place = join(layer, name);
    const entry = readEntry(calls, place);
    if (entry === undefined) continue;
    top ??= entry;
    if (entry.kind === 'deleted' || entry.type !== 'directory') {
      // It hides what lies below a directory of a newer layer, too.
      if (below.length > 0) opaque = true;
      else if (entry.kind === 'there') below.push(place);
      break;
    }
    below.push(place);
    if (entry.opaque) {
      opaque = true;
      break;
    }
  }
  if (top === undefined) return;
  if (top.kind === 'deleted') {
    if (before !== undefined) yield { path, kind: 'deleted', type: typeOf(before) };
    return;
  }
  const source = below[0]!;
  const size = top.type === 'file' ? { size: top.stats.size } : {};
  if (before === undefined) yield { path, kind: 'added', type: top.type, source, ...size };
  else {
    const what = differences(source, top.stats, base!, name, before);
    if (what.length > 0) yield { path, kind: 'changed', type: top.type, what, source, ...size };
  }
  if (top.type !== 'directory') return;
  const folder = before?.isDirectory() === true ? join(base!, name) : undefined;
  if (!opaque) yield* changesOf(calls, { layers: below, base: folder }, path);
  else yield* opaqueChanges(calls, below, folder, path);
}

/** Of a directory that hides the one below: what that has and this has not is deleted. */
function* opaqueChanges(
  calls: SystemCalls,
  layers: readonly string[],
  base: string | undefined,
  path: string,
): Generator<Change> {
  const here = new Set(layers.flatMap((layer) => readdirSync(layer)));
  const gone = base === undefined ? [] : readdirSync(base).filter((name) => !here.has(name));
  for (const name of [...here, ...gone].sort()) {
    if (here.has(name)) yield* entryChanges(calls, { layers, base }, `${path}/${name}`, name);
    else yield { path: `${path}/${name}`, kind: 'deleted', type: typeOf(lstatSync(join(base!, name))) };
  }
}

function differences(
  source: string,
  now: Stats,
  base: string,
  name: string,
  before: Stats,
): NonNullable<Change['what']> {
  const what: NonNullable<Change['what']>[number][] = [];
  if (typeOf(now) !== typeOf(before)) return ['type'];
  const place = join(base, name);
  if (now.isFile() && (now.size !== before.size || !sameBytes(source, place))) what.push('content');
  if (now.isSymbolicLink() && readlinkSync(source) !== readlinkSync(place)) what.push('target');
  if (!now.isSymbolicLink() && now.mode !== before.mode) what.push('mode');
  if (now.uid !== before.uid || now.gid !== before.gid) what.push('owner');
  return what;
}

/** False if either may not be read: it may be another one then. */
function sameBytes(one: string, other: string): boolean {
  let first: number | undefined;
  let second: number | undefined;
  try {
    first = openSync(one, 'r');
    second = openSync(other, 'r');
    const [a, b] = [Buffer.alloc(COMPARED_AT_ONCE), Buffer.alloc(COMPARED_AT_ONCE)];
    for (;;) {
      const length = readSync(first, a);
      if (length !== readSync(second, b) || a.compare(b, 0, length, 0, length) !== 0) return false;
      if (length === 0) return true;
    }
  } catch {
    return false;
  } finally {
    if (first !== undefined) closeSync(first);
    if (second !== undefined) closeSync(second);
  }
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
