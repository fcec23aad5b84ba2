// SPDX-License-Identifier: Apache-2.0
// A key of a layered registry. It stays good while the registry changes: it looks again when it has to, and a key that is deleted
// says so at its next use.

import { PlinthError } from '@plinth/core';
import { type KeyIsolation, isUniform, type RuleNode } from './isolation-rules.js';
import type { LayerMark, RegistryKey, RegistryValue, WritableKey } from './key.js';
import type { LayeredRegistry } from './layered-registry.js';
import { hasSubkeys, MemoryKey, nameTaken, noSuchKey } from './memory-key.js';
import { checkKeyName, checkValueName, foldName, shorten } from './names.js';

interface Entry {
  /** 0 is the upper layer, 1 the first below it. */
  readonly layer: number;
  readonly key: RegistryKey;
}

/** The keys of one path in the layers, from the top down to the first that hides the rest. */
interface Stack {
  readonly entries: Entry[];
  /** Nothing hides the layers below. */
  open: boolean;
}

export class LayeredKey implements WritableKey {
  readonly #registry: LayeredRegistry;
  readonly #parent: LayeredKey | undefined;
  readonly #askedName: string;
  readonly #rules: RuleNode | undefined;
  readonly #mode: KeyIsolation;
  #stack: Stack;
  #visible: readonly Entry[];
  #generation: number;

  private constructor(
    registry: LayeredRegistry,
    parent: LayeredKey | undefined,
    name: string,
    rules: RuleNode | undefined,
    mode: KeyIsolation,
    stack: Stack,
  ) {
    this.#registry = registry;
    this.#parent = parent;
    this.#askedName = name;
    this.#rules = rules;
    this.#mode = mode;
    this.#stack = stack;
    this.#visible = this.#see(stack);
    this.#generation = registry.generation;
  }

  static root(registry: LayeredRegistry): LayeredKey {
    const stack: Stack = { entries: [], open: true };
    [registry.upper, ...registry.layers].forEach((key, layer) => push(stack, { layer, key }));
    return new LayeredKey(registry, undefined, '', registry.rules, registry.rules.mode ?? 'write-copy', stack);
  }

  #see(stack: Stack): readonly Entry[] {
    if (this.#mode === 'hidden') return [];
    return this.#mode === 'full' ? stack.entries.filter((entry) => !this.#isBase(entry)) : stack.entries;
  }

  #isBase({ layer }: Entry): boolean {
    return layer > 0 && layer === this.#registry.layers.length;
  }

  /** Looks again if keys were made or deleted since. */
  #look(): void {
    if (this.#generation === this.#registry.generation) return;
    if (this.#parent === undefined) {
      this.#stack = { entries: [], open: true };
      [this.#registry.upper, ...this.#registry.layers].forEach((key, layer) => push(this.#stack, { layer, key }));
    } else {
      this.#parent.#look();
      this.#stack = stackBelow(this.#parent.#stack, this.#askedName);
    }
    this.#visible = this.#see(this.#stack);
    this.#generation = this.#registry.generation;
  }

  /** The keys that are seen here. */
  #entries(): readonly Entry[] {
    this.#look();
    if (this.#visible.length === 0 && this.#parent !== undefined) throw noSuchKey(this.#askedName);
    return this.#visible;
  }

  #top(): RegistryKey | undefined {
    return this.#entries()[0]?.key;
  }

  get name(): string {
    return this.#top()?.name ?? '';
  }

  /** The latest of the layers. */
  get lastWritten(): bigint {
    return this.#entries().reduce((latest, { key }) => (key.lastWritten > latest ? key.lastWritten : latest), 0n);
  }

  get className(): string | undefined {
    return this.#top()?.className;
  }

  get security(): Uint8Array | undefined {
    return this.#entries().find(({ key }) => key.security !== undefined)?.key.security;
  }

  get flags(): number {
    return this.#top()?.flags ?? 0;
  }

  get controlFlags(): number {
    return this.#top()?.controlFlags ?? 0;
  }

  get mark(): LayerMark {
    return 'merged';
  }

  keys(): readonly LayeredKey[] {
    this.#entries();
    const stacks = new Map<string, Stack>();
    for (const { layer, key } of this.#stack.entries) {
      for (const subkey of key.keys()) {
        const folded = foldName(subkey.name);
        let stack = stacks.get(folded);
        if (stack === undefined) {
          stack = { entries: [], open: true };
          stacks.set(folded, stack);
        }
        push(stack, { layer, key: subkey });
      }
    }
    const keys: LayeredKey[] = [];
    for (const [folded, stack] of stacks) {
      stack.open &&= this.#stack.open;
      const key = this.#child(stack.entries[0]?.key.name ?? '', folded, stack);
      if (key !== undefined) keys.push(key);
    }
    return keys;
  }

  key(name: string): LayeredKey | undefined {
    this.#entries();
    return this.#child(name, foldName(name), stackBelow(this.#stack, name));
  }

  #modeBelow(folded: string): { readonly rules: RuleNode | undefined; readonly mode: KeyIsolation } {
    const rules = this.#rules?.below.get(folded);
    return { rules, mode: rules?.mode ?? this.#mode };
  }

  #child(name: string, folded: string, stack: Stack): LayeredKey | undefined {
    if (stack.entries.length === 0) return undefined;
    const { rules, mode } = this.#modeBelow(folded);
    const key = new LayeredKey(this.#registry, this, name, rules, mode, stack);
    return key.#visible.length === 0 ? undefined : key;
  }

  values(): readonly RegistryValue[] {
    const entries = this.#entries();
    const values = new Map<string, RegistryValue>();
    for (const { key } of entries) {
      for (const value of key.values()) {
        const folded = foldName(value.name);
        if (!values.has(folded)) values.set(folded, value);
      }
    }
    return [...values.values()].filter((value) => value.deleted !== true);
  }

  value(name: string): RegistryValue | undefined {
    for (const { key } of this.#entries()) {
      const value = key.value(name);
      if (value !== undefined) return value.deleted === true ? undefined : value;
    }
    return undefined;
  }

  /** What is new here is written to the base. */
  #writesThrough(): boolean {
    return this.#mode === 'merged' && this.#stack.open && this.#registry.writableBase !== undefined;
  }

  /** Nothing of it is in a layer above the base. */
  #isOnlyBase(): boolean {
    return this.#stack.entries.every((entry) => this.#isBase(entry));
  }

  /** Copies to the upper layer what the policy says. Where writing goes through to the base nothing is copied. */
  openForWrite(): void {
    this.#entries();
    if (!this.#writesThrough()) this.#openUpper();
  }

  /** The key of the upper layer, with what the policy copies. */
  #openUpper(): MemoryKey {
    const upper = this.#upper();
    const { copied, copy, counts } = this.#registry;
    if (copied.has(upper)) return upper;
    const before = counts.keys + counts.values;
    if (copy === 'one-level') this.#copyValues(upper);
    else {
      this.#copyTree(upper);
      if (this.#parent !== undefined) upper.mark = 'opaque';
      this.#registry.generation++;
    }
    if (counts.keys + counts.values > before) counts.opens++;
    copied.add(upper);
    return upper;
  }

  /** The key of the upper layer, made with its path if it is not there. */
  #upper(): MemoryKey {
    this.#entries();
    // Only a root that is hidden can be asked at all.
    if (this.#mode === 'hidden') throw isHidden(this.#askedName);
    const top = this.#stack.entries[0];
    if (top?.layer === 0) return top.key as MemoryKey;
    const parent = this.#parent!.#upper();
    // Taken before the new key is there, which would be the topmost and tell nothing.
    const described = new MemoryKey(this.name);
    described.describeAs(this);
    const upper = parent.createKey(described.name);
    upper.describeAs(described);
    this.#registry.counts.keys++;
    this.#registry.generation++;
    return upper;
  }

  #copyValues(upper: MemoryKey): void {
    const { counts } = this.#registry;
    for (const value of this.values()) {
      if (upper.value(value.name) !== undefined) continue;
      upper.setValue(value);
      counts.values++;
      counts.bytes += value.data.length;
    }
  }

  #copyTree(upper: MemoryKey): void {
    this.#copyValues(upper);
    const { counts, copied } = this.#registry;
    for (const subkey of this.keys()) {
      let below = upper.key(subkey.name);
      if (below === undefined) {
        below = upper.createKey(subkey.name);
        below.describeAs(subkey);
        counts.keys++;
      }
      subkey.#copyTree(below);
      copied.add(below);
    }
  }

  /** The key of this path in the base, made if it is not there. */
  #base(): WritableKey {
    const base = this.#registry.writableBase!;
    if (this.#parent === undefined) return base;
    return this.#parent.#base().createKey(this.name);
  }

  createKey(name: string): LayeredKey {
    const known = this.key(name);
    if (known !== undefined) return known;
    checkKeyName(name);
    const folded = foldName(name);
    const { mode } = this.#modeBelow(folded);
    if (mode === 'hidden') throw isHidden(name);
    const stack = stackBelow(this.#stack, name);
    if (mode === 'merged' && stack.open && this.#registry.writableBase !== undefined) {
      this.#base().createKey(name);
    } else {
      const parent = this.#writesThrough() ? this.#upper() : this.#openUpper();
      this.#make(parent, new MemoryKey(name));
    }
    this.#registry.generation++;
    return this.key(name)!;
  }

  /** Puts a key into the upper layer that is seen with what it holds only. */
  #make(parent: MemoryKey, key: MemoryKey): void {
    key.mark = this.#isBelow(key.name) ? 'opaque' : 'merged';
    parent.put(key);
    this.#registry.generation++;
  }

  /** A lower layer that is not hidden has a subkey of this name. */
  #isBelow(name: string): boolean {
    this.#look();
    return this.#stack.entries.some(({ layer, key }) => layer > 0 && key.key(name) !== undefined);
  }

  deleteKey(name: string, options: { readonly recursive?: boolean } = {}): boolean {
    const key = this.key(name);
    if (key === undefined) return false;
    if (options.recursive !== true && key.keys().length > 0) throw hasSubkeys(key.name);
    this.#remove(key);
    return true;
  }

  #remove(key: LayeredKey): void {
    const { name } = key;
    if (key.#writesThrough() && key.#isOnlyBase() && isUniform(key.#rules, 'merged')) {
      this.#base().deleteKey(name, { recursive: true });
    } else {
      const parent = this.#upper();
      parent.deleteKey(name, { recursive: true });
      if (this.#isBelow(name)) parent.createKey(name).mark = 'deleted';
    }
    this.#registry.generation++;
  }

  renameKey(name: string, to: string): void {
    checkKeyName(to);
    const key = this.key(name);
    if (key === undefined) throw noSuchKey(name);
    const folded = foldName(to);
    const same = folded === foldName(name);
    if (!same && this.key(to) !== undefined) throw nameTaken(to);
    const { mode, rules } = this.#modeBelow(folded);
    if (mode === 'hidden') throw isHidden(to);
    const plain = mode === 'merged' && isUniform(rules, 'merged') && isUniform(key.#rules, 'merged');
    const stack = stackBelow(this.#stack, to);
    if (plain && key.#writesThrough() && key.#isOnlyBase() && (same || stack.open)) {
      this.#base().renameKey(key.name, to);
    } else if (same) {
      // The topmost spelling is the one that is seen.
      const upper = key.#openUpper();
      this.#upper().renameKey(upper.name, to);
    } else {
      const copy = MemoryKey.from(key, { name: to });
      this.#countCopy(copy);
      this.#remove(key);
      this.#make(this.#upper(), copy);
    }
    this.#registry.generation++;
  }

  #countCopy(key: MemoryKey): void {
    const { counts } = this.#registry;
    counts.keys++;
    for (const { data } of key.values()) {
      counts.values++;
      counts.bytes += data.length;
    }
    for (const subkey of key.keys()) this.#countCopy(subkey);
  }

  setValue(value: RegistryValue): void {
    checkValueName(value.name);
    const entries = this.#entries();
    if (!this.#writesThrough()) this.#openUpper().setValue(value);
    else if (entries.some((entry) => !this.#isBase(entry) && entry.key.value(value.name) !== undefined)) {
      // The layers above the base hold it, or say that it is deleted.
      this.#upper().setValue(value);
    } else {
      this.#base().setValue(value);
      this.#registry.generation++;
    }
  }

  deleteValue(name: string): boolean {
    const value = this.value(name);
    if (value === undefined) return false;
    const above = this.#visible.some((entry) => !this.#isBase(entry) && entry.key.value(name) !== undefined);
    if (this.#writesThrough() && !above) return this.#base().deleteValue(name);
    const upper = this.#writesThrough() ? this.#upper() : this.#openUpper();
    this.#look();
    upper.deleteValue(name);
    const below = this.#stack.entries.some(({ layer, key }) => layer > 0 && key.value(name) !== undefined);
    if (below) upper.setValue({ name: value.name, type: 0, data: new Uint8Array(0), deleted: true });
    return true;
  }

  setClassName(className: string | undefined): void {
    this.#entries();
    if (this.#writesThrough() && this.#isOnlyBase()) this.#base().setClassName(className);
    else (this.#writesThrough() ? this.#upper() : this.#openUpper()).setClassName(className);
  }
}

/** Adds what the next lower layer has, unless something hides it. */
function push(stack: Stack, entry: Entry): void {
  if (!stack.open) return;
  const { mark } = entry.key;
  if (mark !== 'deleted') stack.entries.push(entry);
  if (mark !== 'merged') stack.open = false;
}

function stackBelow(stack: Stack, name: string): Stack {
  const below: Stack = { entries: [], open: true };
  for (const { layer, key } of stack.entries) {
    const subkey = key.key(name);
    if (subkey !== undefined) push(below, { layer, key: subkey });
  }
  // What hides the layers below a key hides them for its subkeys too.
  below.open &&= stack.open;
  return below;
}

function isHidden(name: string): PlinthError {
  const text = `registry: the key ${shorten(name)} is hidden here: nothing may be made there; change the rule for its path`;
  return new PlinthError('input', 'registry-hidden', text);
}
