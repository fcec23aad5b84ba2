// SPDX-License-Identifier: Apache-2.0
// A key in memory that can be changed: what texts are read into, what hives and the upper layer are written from.

import { PlinthError } from '@plinth/core';
import type { LayerMark, RegistryKey, RegistryValue, WritableKey } from './key.js';
import { checkKeyName, checkValueName, foldName, shorten } from './names.js';

export class MemoryKey implements WritableKey {
  #name: string;
  lastWritten: bigint;
  className: string | undefined;
  security: Uint8Array | undefined;
  flags = 0;
  controlFlags = 0;
  mark: LayerMark = 'merged';
  readonly #keys = new Map<string, MemoryKey>();
  readonly #values = new Map<string, RegistryValue>();
  #now: (() => bigint) | undefined;

  /** `now` gives the FILETIME that changes leave; without it they leave the time as it is. */
  constructor(name: string, options: { readonly lastWritten?: bigint; readonly now?: () => bigint } = {}) {
    this.#name = name;
    this.#now = options.now;
    this.lastWritten = options.lastWritten ?? options.now?.() ?? 0n;
  }

  /** A copy of a key with everything below it, marks of layers too. */
  static from(key: RegistryKey, options: { readonly now?: () => bigint; readonly name?: string } = {}): MemoryKey {
    const { name, ...rest } = options;
    const copy = new MemoryKey(name ?? key.name, rest);
    copy.describeAs(key);
    copy.mark = key.mark;
    for (const value of key.values()) {
      const folded = foldName(value.name);
      // A damaged source may have a name twice: a search finds the first.
      if (!copy.#values.has(folded)) copy.#values.set(folded, value);
    }
    for (const subkey of key.keys()) {
      const folded = foldName(subkey.name);
      if (!copy.#keys.has(folded)) copy.#keys.set(folded, MemoryKey.from(subkey, rest));
    }
    return copy;
  }

  get name(): string {
    return this.#name;
  }

  /** Takes over what describes a key beside its name, values and subkeys. */
  describeAs(key: RegistryKey): void {
    this.lastWritten = key.lastWritten;
    this.className = key.className;
    this.security = key.security;
    this.flags = key.flags;
    this.controlFlags = key.controlFlags;
  }

  #touch(): void {
    if (this.#now !== undefined) this.lastWritten = this.#now();
  }

  /** Takes a key, with all below it, as its own subkey instead of one of the same name; nothing else may hold it. */
  put(key: MemoryKey): void {
    const folded = foldName(key.name);
    this.#keys.delete(folded);
    this.#keys.set(folded, key);
    key.#now = this.#now;
    key.#touch();
    this.#touch();
  }

  keys(): readonly MemoryKey[] {
    return [...this.#keys.values()];
  }

  key(name: string): MemoryKey | undefined {
    return this.#keys.get(foldName(name));
  }

  values(): readonly RegistryValue[] {
    return [...this.#values.values()];
  }

  value(name: string): RegistryValue | undefined {
    return this.#values.get(foldName(name));
  }

  createKey(name: string): MemoryKey {
    const folded = foldName(name);
    const known = this.#keys.get(folded);
    if (known !== undefined) return known;
    checkKeyName(name);
    const made = new MemoryKey(name, this.#now === undefined ? {} : { now: this.#now });
    this.#keys.set(folded, made);
    this.#touch();
    return made;
  }

  deleteKey(name: string, options: { readonly recursive?: boolean } = {}): boolean {
    const folded = foldName(name);
    const key = this.#keys.get(folded);
    if (key === undefined) return false;
    if (options.recursive !== true && key.#keys.size > 0) throw hasSubkeys(key.name);
    this.#keys.delete(folded);
    this.#touch();
    return true;
  }

  renameKey(name: string, to: string): void {
    checkKeyName(to);
    const key = this.#keys.get(foldName(name));
    if (key === undefined) throw noSuchKey(name);
    const other = this.#keys.get(foldName(to));
    if (other !== undefined && other !== key) throw nameTaken(to);
    this.#keys.delete(foldName(name));
    key.#name = to;
    this.#keys.set(foldName(to), key);
    this.#touch();
  }

  setValue(value: RegistryValue): void {
    checkValueName(value.name);
    const folded = foldName(value.name);
    // The spelling that came first stays, as in Windows.
    const name = this.#values.get(folded)?.name ?? value.name;
    this.#values.set(folded, name === value.name ? value : { ...value, name });
    this.#touch();
  }

  deleteValue(name: string): boolean {
    if (!this.#values.delete(foldName(name))) return false;
    this.#touch();
    return true;
  }

  setClassName(className: string | undefined): void {
    this.className = className;
    this.#touch();
  }
}

export function hasSubkeys(name: string): PlinthError {
  const text = `registry: the key ${shorten(name)} has subkeys: delete them first, or delete it with all below it`;
  return new PlinthError('input', 'registry-subkeys', text);
}

export function noSuchKey(name: string): PlinthError {
  return new PlinthError('input', 'registry-no-key', `registry: there is no key ${shorten(name)}`);
}

export function nameTaken(name: string): PlinthError {
  return new PlinthError('input', 'registry-name-taken', `registry: there is a key ${shorten(name)} already`);
}
