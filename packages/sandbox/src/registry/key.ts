// SPDX-License-Identifier: Apache-2.0
// What a registry is to all of this folder: keys with names, values and subkeys, whichever file or layer they come from.

export const REG_NONE = 0;
export const REG_SZ = 1;
export const REG_EXPAND_SZ = 2;
export const REG_BINARY = 3;
export const REG_DWORD = 4;
export const REG_DWORD_BIG_ENDIAN = 5;
export const REG_LINK = 6;
export const REG_MULTI_SZ = 7;
export const REG_RESOURCE_LIST = 8;
export const REG_FULL_RESOURCE_DESCRIPTOR = 9;
export const REG_RESOURCE_REQUIREMENTS_LIST = 10;
export const REG_QWORD = 11;

/** `KEY_SYM_LINK`: the key stands for another, which its value `SymbolicLinkValue` names. It is kept and never followed. */
export const KEY_SYMBOLIC_LINK = 0x10;

export interface RegistryValue {
  /** Empty for the default value of a key. */
  readonly name: string;
  /** One of the `REG_` numbers, or any other 32-bit number, which is kept. */
  readonly type: number;
  /** As it is stored: texts are UTF-16LE with what zeros they have, numbers little-endian. Not to be written to. */
  readonly data: Uint8Array;
  /** A mark in a layer: the value of this name in the layers below is deleted. */
  readonly deleted?: true;
}

/**
 * What a key does to the key of its path in the layers below: it is merged with it, hides it and all below it (`opaque`), or says
 * that it is deleted. Keys that are no part of a layer are all `merged`.
 */
export type LayerMark = 'merged' | 'opaque' | 'deleted';

/** A key as it is read. Names compare as Windows compares them (`foldName`), and keep their spelling. */
export interface RegistryKey {
  readonly name: string;
  /** FILETIME: units of 100 ns since 1601, UTC. */
  readonly lastWritten: bigint;
  readonly className: string | undefined;
  /** A self-relative security descriptor; none if the source keeps none. */
  readonly security: Uint8Array | undefined;
  /** The flags of an `nk` cell that tell something about the key, `KEY_SYMBOLIC_LINK` and those of virtualization. */
  readonly flags: number;
  /** The upper half of the word at 52 of an `nk` cell: flags of WOW64 and of virtualization. */
  readonly controlFlags: number;
  readonly mark: LayerMark;
  /** Subkeys, in the order of the source. */
  keys(): readonly RegistryKey[];
  key(name: string): RegistryKey | undefined;
  values(): readonly RegistryValue[];
  value(name: string): RegistryValue | undefined;
}

/** A key that can be changed. Each method throws a `PlinthError` of kind `input` when it refuses. */
export interface WritableKey extends RegistryKey {
  keys(): readonly WritableKey[];
  key(name: string): WritableKey | undefined;
  /** The subkey of this name, made if it is not there. */
  createKey(name: string): WritableKey;
  /** False if there is no such subkey. With `recursive` its subkeys go too; without, a key that has some is refused. */
  deleteKey(name: string, options?: { readonly recursive?: boolean }): boolean;
  /** A name that is taken by another key is refused; another spelling of the same name is not. */
  renameKey(name: string, to: string): void;
  setValue(value: RegistryValue): void;
  /** False if there is no such value. */
  deleteValue(name: string): boolean;
  setClassName(className: string | undefined): void;
}

/** Parts of a path with backslashes; empty for the key itself. */
export function splitPath(path: string): string[] {
  return path.split('\\').filter((part) => part !== '');
}

/** The key below `root` that a path names. */
export function findKey<Key extends RegistryKey>(root: Key, path: string | readonly string[]): Key | undefined {
  let key: Key | undefined = root;
  for (const name of typeof path === 'string' ? splitPath(path) : path) {
    key = key?.key(name) as Key | undefined;
    if (key === undefined) return undefined;
  }
  return key;
}

export function createPath(root: WritableKey, path: string | readonly string[]): WritableKey {
  let key = root;
  for (const name of typeof path === 'string' ? splitPath(path) : path) key = key.createKey(name);
  return key;
}

export function sameData(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
