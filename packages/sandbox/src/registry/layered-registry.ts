// SPDX-License-Identifier: Apache-2.0
// One registry out of layers: read-only ones, the lowest of which is the base, and an upper one that is written. What is deleted
// is marked in the upper layer; a key that is deleted and made again is opaque, so that nothing of the old one shows.

import { PlinthError } from '@plinth/core';
import { type KeyIsolation, type KeyIsolationRule, type RuleNode, ruleTree } from './isolation-rules.js';
import { createPath, findKey, type RegistryKey, splitPath, type WritableKey } from './key.js';
import { LayeredKey } from './layered-key.js';
import { MemoryKey, noSuchKey } from './memory-key.js';

/**
 * What is copied to the upper layer when a key is opened to be written:
 * - `one-level`: the key with its values (Shin 2010: Copy-One-level On Write-Open), and the bare keys of its path
 * - `full-subtree`: the key with all that is below it, after which the layers below are not asked for it again
 */
export type CopyPolicy = 'one-level' | 'full-subtree';

export interface CopyCounts {
  /** Keys opened to be written that had to be copied. */
  opens: number;
  keys: number;
  values: number;
  /** Of the data of values. */
  bytes: number;
}

export interface LayeredRegistryOptions {
  /** The first hides those after it; the last is the base. Each is a tree as a whole, whose root's name means nothing. */
  readonly layers: readonly RegistryKey[];
  /** An upper layer that was saved; a new one without it. It is changed. */
  readonly upper?: MemoryKey;
  /** Allows rules with `merged`: the last of `layers`, which then is changed where they hold. */
  readonly writableBase?: WritableKey;
  readonly rules?: readonly KeyIsolationRule[];
  /** Where no rule holds (default `write-copy`). */
  readonly mode?: KeyIsolation;
  readonly copy?: CopyPolicy;
  /** Gives the FILETIME that changes leave in a new upper layer. */
  readonly now?: () => bigint;
}

export class LayeredRegistry {
  readonly root: LayeredKey;
  readonly upper: MemoryKey;
  readonly layers: readonly RegistryKey[];
  readonly writableBase: WritableKey | undefined;
  readonly copy: CopyPolicy;
  readonly rules: RuleNode;
  /** What has been copied so far. */
  readonly counts: CopyCounts = { opens: 0, keys: 0, values: 0, bytes: 0 };
  /** Goes up with each change of which keys there are, so that keys know when to look again. */
  generation = 0;
  /** Keys of the upper layer that hold all that their policy copies. */
  readonly copied: WeakSet<MemoryKey> = new WeakSet<MemoryKey>();

  /** Throws a `PlinthError` of kind `input` for a `merged` rule without a base that may be written, and an upper layer that is none. */
  constructor(options: LayeredRegistryOptions) {
    const { layers, writableBase } = options;
    this.layers = layers;
    this.writableBase = writableBase;
    this.upper = options.upper ?? newUpper(options);
    this.copy = options.copy ?? 'one-level';
    this.rules = ruleTree(options.rules ?? []);
    this.rules.mode ??= options.mode ?? 'write-copy';
    const merged = this.rules.mode === 'merged' || options.rules?.some(({ mode }) => mode === 'merged') === true;
    if (merged && writableBase === undefined) {
      const text =
        'registry: the isolation "merged" writes to the base layer, and none is declared writable: declare it, or use write-copy';
      throw new PlinthError('input', 'registry-no-base', text);
    }
    if (writableBase !== undefined && layers.at(-1) !== writableBase) {
      throw new PlinthError(
        'input',
        'registry-no-base',
        'registry: the base that is declared writable is not the lowest layer',
      );
    }
    if (this.upper.mark === 'deleted') {
      const text =
        'registry: the root of the upper layer is marked as deleted, so it holds nothing: begin a new upper layer';
      throw new PlinthError('input', 'registry-upper', text);
    }
    this.root = LayeredKey.root(this);
  }

  /** Nothing if the key is not there. With `write` it is copied to the upper layer as the policy says. */
  open(path: string, options: { readonly write?: boolean } = {}): LayeredKey | undefined {
    const key = findKey(this.root, path);
    if (options.write === true) key?.openForWrite();
    return key;
  }

  create(path: string): LayeredKey {
    return createPath(this.root, path) as LayeredKey;
  }

  /** False if there is no such key. */
  delete(path: string, options: { readonly recursive?: boolean } = {}): boolean {
    const names = splitPath(path);
    const name = names.pop();
    if (name === undefined) throw new PlinthError('input', 'registry-path', 'registry: the root cannot be deleted');
    return findKey(this.root, names)?.deleteKey(name, options) ?? false;
  }

  /** `to` is the new last name. */
  rename(path: string, to: string): void {
    const names = splitPath(path);
    const name = names.pop();
    const parent = name === undefined ? undefined : findKey(this.root, names);
    if (parent === undefined) throw noSuchKey(path);
    parent.renameKey(name!, to);
  }
}

function newUpper({ layers, now }: LayeredRegistryOptions): MemoryKey {
  const upper = new MemoryKey('', now === undefined ? {} : { now });
  // The root is in all layers, so the upper one has to tell the same about it.
  if (layers[0] !== undefined) upper.describeAs(layers[0]);
  return upper;
}
