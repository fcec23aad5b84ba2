// SPDX-License-Identifier: Apache-2.0
// A map in the kernel, by its file descriptor.

import { PlinthError } from '@plinth/core';
import { MAP_TYPE, type MapDefinition, type MapType } from '@plinth/ebpf';
import { ERROR, type Result, type SystemCalls } from '../system-calls.js';
import { Attribute } from './attribute.js';
import { objectInfo } from './object-info.js';
import { openPinned, pin } from './pins.js';
import { refusal } from './refusal.js';

export class KernelMap implements Disposable {
  readonly definition: MapDefinition;
  readonly fd: number;
  readonly #calls: SystemCalls;

  private constructor(calls: SystemCalls, definition: MapDefinition, fd: number) {
    this.#calls = calls;
    this.definition = definition;
    this.fd = fd;
  }

  /** Raises a `host` error where the kernel does not make it. */
  static create(calls: SystemCalls, definition: MapDefinition): KernelMap {
    const fd = new Attribute(calls)
      .u32(0, MAP_TYPE[definition.type])
      .u32(4, definition.keySize)
      .u32(8, definition.valueSize)
      .u32(12, definition.maxEntries)
      .u32(16, definition.flags ?? 0)
      .name(28, definition.name)
      .call('mapCreate');
    if (fd < 0) throw refusal(`map ${definition.name}`, -fd);
    return new KernelMap(calls, definition, fd);
  }

  /** The map behind a descriptor of this process, which it takes over. */
  static of(calls: SystemCalls, definition: MapDefinition, fd: number): KernelMap {
    return new KernelMap(calls, definition, fd);
  }

  /** The one that is pinned there, with what the kernel says of it; undefined if there is none. */
  static pinned(calls: SystemCalls, name: string, path: string): KernelMap | undefined {
    const fd = openPinned(calls, path);
    if (fd === undefined) return undefined;
    // struct bpf_map_info: type, id, sizes of key and value, entries.
    const view = objectInfo(calls, fd, `map ${name}`);
    const number = view.getUint32(0, true);
    const type = (Object.keys(MAP_TYPE) as MapType[]).find((one) => MAP_TYPE[one] === number);
    const [keySize, valueSize, maxEntries] = [8, 12, 16].map((at) => view.getUint32(at, true));
    if (type === undefined) {
      calls.close(fd);
      return undefined;
    }
    const definition = { name, type, keySize: keySize!, valueSize: valueSize!, maxEntries: maxEntries! };
    return new KernelMap(calls, definition, fd);
  }

  /** Whether a program that wants this map may as well have ours. */
  serves({ type, keySize, valueSize, maxEntries }: MapDefinition): boolean {
    const own = this.definition;
    const sizes = own.keySize === keySize && own.valueSize === valueSize && own.maxEntries === maxEntries;
    return own.type === type && sizes;
  }

  pin(path: string): void {
    pin(this.#calls, this.fd, path);
  }

  #attribute(key: Uint8Array): Attribute {
    return new Attribute(this.#calls).u32(0, this.fd).pointer(8, key);
  }

  /** 0 or a negative error number. */
  update(key: Uint8Array, value: Uint8Array, flags = 0): Result {
    return this.#attribute(key).pointer(16, value).u64(24, BigInt(flags)).call('mapUpdate');
  }

  /** As `update`, but what fails is an error. */
  set(key: Uint8Array, value: Uint8Array): void {
    const result = this.update(key, value);
    if (result < 0) throw refusal(`an entry of map ${this.definition.name}`, -result);
  }

  /** The value; of a map per processor `processors` values, each at a multiple of 8 bytes. Undefined if there is none. */
  lookup(key: Uint8Array, processors = 1): Uint8Array | undefined {
    const { valueSize, type } = this.definition;
    const percpu = type === 'percpuArray' || type === 'percpuHash';
    const value = new Uint8Array(percpu ? ((valueSize + 7) & ~7) * processors : valueSize);
    const result = this.#attribute(key).pointer(16, value).call('mapLookup');
    if (result === -ERROR.ENOENT) return undefined;
    if (result < 0) throw refusal(`map ${this.definition.name}`, -result);
    return value;
  }

  /** 0 or a negative error number. */
  delete(key: Uint8Array): Result {
    return this.#attribute(key).call('mapDelete');
  }

  /** Of an array it has all its indices. While others change the map, some may be told twice. */
  *keys(): Generator<Uint8Array> {
    let key = new Uint8Array(0);
    for (;;) {
      const next = new Uint8Array(this.definition.keySize);
      const result = this.#attribute(key).pointer(16, next).call('mapNextKey');
      if (result === -ERROR.ENOENT) return;
      if (result < 0) throw refusal(`map ${this.definition.name}`, -result);
      yield next;
      key = next;
    }
  }

  /** User space cannot write it any more: the verifier may take what programs only read as constant. */
  freeze(): void {
    const result = new Attribute(this.#calls).u32(0, this.fd).call('mapFreeze');
    if (result < 0) throw refusal(`freezing map ${this.definition.name}`, -result);
  }

  [Symbol.dispose](): void {
    this.#calls.close(this.fd);
  }
}

/** How many processors the kernel may have, as a map per processor counts them: /sys/devices/system/cpu/possible. */
export function possibleProcessors(list: string): number {
  const last = list.trim().split(/[,-]/).at(-1) ?? '';
  if (!/^\d+$/.test(last)) {
    throw new PlinthError(
      'host',
      'processors',
      `/sys/devices/system/cpu/possible says "${list.trim()}", which is no list`,
    );
  }
  return Number(last) + 1;
}
