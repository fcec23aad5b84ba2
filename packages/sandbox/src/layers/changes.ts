// SPDX-License-Identifier: Apache-2.0
// What is different between two stacks of layers. Only what is not common to both is walked: a layer over a large directory costs what the
// layer has, not what the directory has.

import { constants } from 'node:fs';
import { PlinthError } from '@plinth/core';
import { done, type FileCalls, FileError, type FileName } from '@plinth/linux';
import { readAttribute, attributeNames } from './copy-file.js';
import { type EntryType, typeOf } from './entry-type.js';
import { filePath, type Layer, OPEN_PATH, openLayers } from './layer.js';
import { findMerged, joined, type Merged, type MergedDirectory, namesIn, rootOf } from './merge.js';
import { shownPath } from './shown-path.js';
import { readLink } from './upper-writer.js';

export interface Change {
  /** As the merged view has it, from the root of the part on: begins with a slash. Bytes that are no UTF-8 stand as `\xNN`. */
  readonly path: string;
  readonly kind: 'added' | 'changed' | 'deleted';
  /** What it is now, or was. */
  readonly type: EntryType;
  /** Of a changed one: what of it. */
  readonly what?: readonly ('type' | 'content' | 'target' | 'mode' | 'owner' | 'attributes' | 'times')[];
  /** Of a file that is there, its bytes. */
  readonly size?: number;
  /** Of a file that is there: what it gives whoever executes it. */
  readonly gives?: readonly ('set-user-ID' | 'set-group-ID')[];
  /** A directory that may not be listed by us, so that nothing is said of what is in it. */
  readonly unread?: true;
  /** Where it lies in a layer, if it is there and its path can be said. */
  readonly source?: string;
  /** Where it lay, if it was there and its path can be said. */
  readonly old?: string;
}

export interface Layers {
  /** Directories, the newest first. */
  readonly layers: readonly string[];
  /** What lies below them, or nothing. */
  readonly base: string | undefined;
}

export interface DifferenceOptions {
  /** Times of change count, too. */
  readonly times?: boolean;
}

const COMPARED_AT_ONCE = 1 << 16;
/** S_ISUID, S_ISGID. */
const [SET_USER, SET_GROUP] = [0o4000, 0o2000];

/**
 * What layers change of a directory, in the order of paths; what is in an added directory follows it, of a deleted one only itself is named.
 * @throws PlinthError `layer` (input) for one that is not there, or cannot be read rightly
 */
export function changesOf(calls: FileCalls, { layers, base }: Layers): Generator<Change> {
  const below = base === undefined ? [] : [base];
  return differences(calls, below, [...layers, ...below]);
}

/** The same between any two stacks, each the uppermost layer first. */
export function* differences(
  calls: FileCalls,
  before: readonly string[],
  after: readonly string[],
  options: DifferenceOptions = {},
): Generator<Change> {
  using one = new Stack(calls, before);
  using other = new Stack(calls, after);
  try {
    yield* new Walk(calls, one, other, options).directory(rootOf(one.layers), rootOf(other.layers) ?? EMPTY);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new PlinthError('input', 'layer', `layers ${after.join(', ')}: they cannot be read: ${error.message}`);
  }
}

/** Of no layers at all. */
const EMPTY: MergedDirectory = { path: '', layers: [], fileWhiteouts: new Set() };

class Stack implements Disposable {
  readonly directories: readonly string[];
  readonly layers: readonly Layer[];

  constructor(calls: FileCalls, directories: readonly string[]) {
    this.directories = directories;
    this.layers = openLayers(calls, directories);
  }

  directoryOf({ layers }: MergedDirectory): string {
    return this.directories[layers[0]!]!;
  }

  /** Of the uppermost layer that has it; nothing if it cannot be said in UTF-8. */
  place(entry: MergedDirectory): string | undefined {
    const path = shownPath(entry.path);
    return path.includes('\\x') ? undefined : `${this.directoryOf(entry)}/${path}`;
  }

  open(entry: MergedDirectory, flags: number): number {
    return this.layers[entry.layers[0]!]!.open(entry.path, flags);
  }

  [Symbol.dispose](): void {
    for (const layer of this.layers) layer[Symbol.dispose]();
  }
}

class Walk {
  readonly #calls: FileCalls;
  readonly #before: Stack;
  readonly #after: Stack;
  readonly #options: DifferenceOptions;

  constructor(calls: FileCalls, before: Stack, after: Stack, options: DifferenceOptions) {
    this.#calls = calls;
    this.#before = before;
    this.#after = after;
    this.#options = options;
  }

  *directory(before: MergedDirectory | undefined, after: MergedDirectory): Generator<Change> {
    for (const name of [...this.#names(before, after)].sort()) {
      const was = before === undefined ? undefined : findMerged(this.#before.layers, before, name);
      const is = findMerged(this.#after.layers, after, name);
      const path = `/${shownPath(joined(after.path, name))}`;
      if (is === undefined) {
        if (was !== undefined) yield this.#gone(path, was);
        continue;
      }
      yield* this.#there(path, was, is);
      if (typeOf(is.status) !== 'directory' || !this.#isListed(this.#after, is)) continue;
      const within = was !== undefined && typeOf(was.status) === 'directory' ? was : undefined;
      if (within !== undefined && !this.#isListed(this.#before, within)) continue;
      yield* this.directory(within, is);
    }
  }

  /** Those that may differ: what common layers show on both sides does not. */
  #names(before: MergedDirectory | undefined, after: MergedDirectory): Set<FileName> {
    const all = (stack: Stack, { layers }: MergedDirectory): string[] => layers.map((n) => stack.directories[n]!);
    const [old, fresh] = [before === undefined ? [] : all(this.#before, before), all(this.#after, after)];
    const common = old.filter((directory) => fresh.includes(directory));
    const inOrder = fresh.filter((directory) => old.includes(directory));
    const shared = new Set(common.every((directory, n) => directory === inOrder[n]) ? common : []);
    const names = new Set<FileName>();
    const walk = (stack: Stack, { path, layers }: MergedDirectory): void => {
      for (const index of layers) {
        if (shared.has(stack.directories[index]!)) continue;
        for (const { name } of namesIn(this.#calls, stack.layers[index]!, path)) names.add(name);
      }
    };
    if (before !== undefined) walk(this.#before, before);
    walk(this.#after, after);
    return names;
  }

  /** Whether it may be listed, which its own mode may forbid us. */
  #isListed(stack: Stack, { path, layers }: MergedDirectory): boolean {
    return layers.every((layer) => {
      // To list it, and to look at what is in it.
      for (const [place, flags] of [
        [path, constants.O_RDONLY | constants.O_DIRECTORY],
        [joined(path, '.'), OPEN_PATH],
      ] as const) {
        const fd = stack.layers[layer]!.open(place, flags);
        if (fd < 0) return false;
        this.#calls.close(fd);
      }
      return true;
    });
  }

  #gone(path: string, was: Merged): Change {
    const old = this.#before.place(was);
    return { path, kind: 'deleted', type: typeOf(was.status), ...(old === undefined ? {} : { old }) };
  }

  *#there(path: string, was: Merged | undefined, is: Merged): Generator<Change> {
    const source = this.#after.place(is);
    const type = typeOf(is.status);
    const facts = {
      type,
      ...(source === undefined ? {} : { source }),
      ...(type === 'file' ? { size: is.status.size, ...givenBy(is.status.mode) } : {}),
      ...(type === 'directory' && !this.#isListed(this.#after, is) ? { unread: true as const } : {}),
    };
    if (was === undefined) {
      yield { path, kind: 'added', ...facts };
      return;
    }
    const old = this.#before.place(was);
    const what = this.#what(was, is);
    if (what.length > 0) yield { path, kind: 'changed', what, ...facts, ...(old === undefined ? {} : { old }) };
  }

  #what(was: Merged, is: Merged): NonNullable<Change['what']> {
    const [old, now] = [was.status, is.status];
    if (old.fileSystem === now.fileSystem && old.inode === now.inode) return [];
    const type = typeOf(now);
    if (type !== typeOf(old)) return ['type'];
    const what: NonNullable<Change['what']>[number][] = [];
    if (type === 'file' && (now.size !== old.size || !this.#sameBytes(was, is))) what.push('content');
    if (type === 'link' && this.#target(this.#before, was) !== this.#target(this.#after, is)) what.push('target');
    if (type === 'device' && now.device !== old.device) what.push('content');
    if (type !== 'link' && now.mode !== old.mode) what.push('mode');
    if (now.user !== old.user || now.group !== old.group) what.push('owner');
    if (type !== 'link' && this.#attributes(this.#before, was) !== this.#attributes(this.#after, is))
      what.push('attributes');
    const [one, other] = [old.modified, now.modified];
    const moved = one.seconds !== other.seconds || one.nanoseconds !== other.nanoseconds;
    if (this.#options.times === true && moved) what.push('times');
    return what;
  }

  /** Of users. Those of the kernel's own come and go with owners and modes. */
  #attributes(stack: Stack, entry: Merged): string {
    return this.#with(stack, entry, (path) => {
      const names = attributeNames(this.#calls, path).filter(
        (name) => name.startsWith('user.') && !name.startsWith('user.overlay.'),
      );
      return names
        .sort()
        .map((name) => `${name}=${Buffer.from(readAttribute(this.#calls, path, name) ?? []).toString('latin1')}`)
        .join('\0');
    });
  }

  #with<T>(stack: Stack, entry: Merged, use: (path: FileName) => T): T {
    const fd = done(stack.open(entry, OPEN_PATH));
    try {
      return use(filePath(fd));
    } finally {
      this.#calls.close(fd);
    }
  }

  #target(stack: Stack, entry: Merged): FileName {
    const fd = done(stack.open(entry, OPEN_PATH));
    try {
      return readLink(this.#calls, fd);
    } finally {
      this.#calls.close(fd);
    }
  }

  /** False if either may not be read: it may be another one then. */
  #sameBytes(was: Merged, is: Merged): boolean {
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    const [first, second] = [this.#before.open(was, flags), this.#after.open(is, flags)];
    try {
      return first >= 0 && second >= 0 && sameBytes(this.#calls, first, second);
    } finally {
      for (const fd of [first, second]) if (fd >= 0) this.#calls.close(fd);
    }
  }
}

function givenBy(mode: number): Pick<Change, 'gives'> {
  const gives = [
    ...((mode & SET_USER) === 0 ? [] : ['set-user-ID' as const]),
    ...((mode & SET_GROUP) === 0 ? [] : ['set-group-ID' as const]),
  ];
  return gives.length === 0 ? {} : { gives };
}

/** Of two open files. */
function sameBytes(calls: FileCalls, first: number, second: number): boolean {
  const [one, other] = [Buffer.alloc(COMPARED_AT_ONCE), Buffer.alloc(COMPARED_AT_ONCE)];
  for (let at = 0; ;) {
    const length = calls.readAt(first, one, at);
    if (length < 0 || length !== calls.readAt(second, other, at)) return false;
    if (one.compare(other, 0, length, 0, length) !== 0) return false;
    if (length === 0) return true;
    at += length;
  }
}
