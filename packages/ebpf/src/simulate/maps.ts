// SPDX-License-Identifier: Apache-2.0
// Maps of a simulated kernel. Values lie in the simulated memory, where programs get their addresses; keys are compared as
// bytes. One processor runs, so a map per processor is one map.

import { PlinthError } from '@plinth/core';
import type { MapDefinition } from '../program.js';
import type { SimulatedMemory } from './memory.js';

/** Flags of an update (include/uapi/linux/bpf.h). */
const UPDATE = { any: 0, onlyNew: 1, onlyPresent: 2 } as const;

const E2BIG = -7;
const ENOENT = -2;
const EEXIST = -17;
const EINVAL = -22;

export interface SimulatedMap {
  readonly definition: MapDefinition;
  /** Address of the value, 0 if there is none. */
  lookup(key: Uint8Array): number;
  /** 0 or a negative error number, as the kernel's. */
  update(key: Uint8Array, value: Uint8Array, flags?: number): number;
  delete(key: Uint8Array): number;
  /** Copies of all keys. */
  keys(): Uint8Array[];
}

export function createMap(definition: MapDefinition, memory: SimulatedMemory): SimulatedMap {
  switch (definition.type) {
    case 'array':
    case 'percpuArray':
      return new ArrayMap(definition, memory);
    case 'hash':
    case 'percpuHash':
    case 'lruHash':
      return new HashMap(definition, memory);
    case 'lpmTrie':
      return new PrefixMap(definition, memory);
    case 'ringBuffer':
      return new RingBuffer(definition);
  }
}

/** Number of the bytes as a text that a Map can have as its key. */
function keyText(key: Uint8Array): string {
  let text = '';
  for (const byte of key) text += String.fromCharCode(byte);
  return text;
}

class ArrayMap implements SimulatedMap {
  readonly definition: MapDefinition;
  readonly #memory: SimulatedMemory;
  readonly #start: number;
  /** Values begin at multiples of 8, as the kernel's do. */
  readonly #stride: number;

  constructor(definition: MapDefinition, memory: SimulatedMemory) {
    this.definition = definition;
    this.#memory = memory;
    this.#stride = (definition.valueSize + 7) & ~7;
    this.#start = memory.allocate(this.#stride * definition.maxEntries);
  }

  lookup(key: Uint8Array): number {
    const index = new DataView(key.buffer, key.byteOffset, 4).getUint32(0, true);
    return index < this.definition.maxEntries ? this.#start + index * this.#stride : 0;
  }

  update(key: Uint8Array, value: Uint8Array, flags: number = UPDATE.any): number {
    const address = this.lookup(key);
    if (address === 0) return E2BIG;
    if (flags === UPDATE.onlyNew) return EEXIST;
    this.#memory.bytes(address, this.definition.valueSize).set(value);
    return 0;
  }

  delete(): number {
    return EINVAL;
  }

  keys(): Uint8Array[] {
    return Array.from(
      { length: this.definition.maxEntries },
      (_, index) => new Uint8Array(Uint32Array.of(index).buffer),
    );
  }
}

class HashMap implements SimulatedMap {
  readonly definition: MapDefinition;
  readonly #memory: SimulatedMemory;
  /** In the order of their use, if the oldest has to make room; else in the order in which they were made. */
  readonly #values = new Map<string, number>();
  readonly #free: number[] = [];

  constructor(definition: MapDefinition, memory: SimulatedMemory) {
    this.definition = definition;
    this.#memory = memory;
  }

  lookup(key: Uint8Array): number {
    const text = keyText(key);
    const address = this.#values.get(text);
    if (address === undefined) return 0;
    if (this.definition.type === 'lruHash') {
      this.#values.delete(text);
      this.#values.set(text, address);
    }
    return address;
  }

  update(key: Uint8Array, value: Uint8Array, flags: number = UPDATE.any): number {
    let address = this.lookup(key);
    if (address !== 0 && flags === UPDATE.onlyNew) return EEXIST;
    if (address === 0) {
      if (flags === UPDATE.onlyPresent) return ENOENT;
      if (this.#values.size >= this.definition.maxEntries) {
        if (this.definition.type !== 'lruHash') return E2BIG;
        this.#remove(this.#values.keys().next().value!);
      }
      address = this.#free.pop() ?? this.#memory.allocate(this.definition.valueSize);
      this.#values.set(keyText(key), address);
    }
    this.#memory.bytes(address, this.definition.valueSize).set(value);
    return 0;
  }

  #remove(text: string): boolean {
    const address = this.#values.get(text);
    if (address === undefined) return false;
    this.#values.delete(text);
    this.#free.push(address);
    return true;
  }

  delete(key: Uint8Array): number {
    return this.#remove(keyText(key)) ? 0 : ENOENT;
  }

  keys(): Uint8Array[] {
    return [...this.#values.keys()].map((text) => Uint8Array.from(text, (char) => char.charCodeAt(0)));
  }
}

/** Longest prefix first. A key is the number of its bits, 32 bits little-endian, and bytes in network order. */
class PrefixMap implements SimulatedMap {
  readonly definition: MapDefinition;
  readonly #memory: SimulatedMemory;
  readonly #values = new Map<string, number>();

  constructor(definition: MapDefinition, memory: SimulatedMemory) {
    this.definition = definition;
    this.#memory = memory;
  }

  #bits(key: Uint8Array): number {
    return new DataView(key.buffer, key.byteOffset, 4).getUint32(0, true);
  }

  /** The key with all bits behind its prefix zero. */
  #prefix(key: Uint8Array, bits: number): string {
    const kept = key.slice();
    new DataView(kept.buffer).setUint32(0, bits, true);
    for (let n = 4; n < kept.length; n++) {
      const of = Math.min(8, Math.max(0, bits - (n - 4) * 8));
      kept[n]! &= 0xff00 >> of;
    }
    return keyText(kept);
  }

  lookup(key: Uint8Array): number {
    for (let bits = Math.min(this.#bits(key), (key.length - 4) * 8); bits >= 0; bits--) {
      const address = this.#values.get(this.#prefix(key, bits));
      if (address !== undefined) return address;
    }
    return 0;
  }

  update(key: Uint8Array, value: Uint8Array): number {
    const bits = this.#bits(key);
    if (bits > (key.length - 4) * 8) return EINVAL;
    const text = this.#prefix(key, bits);
    if (!this.#values.has(text)) {
      if (this.#values.size >= this.definition.maxEntries) return -28; // ENOSPC
      this.#values.set(text, this.#memory.allocate(this.definition.valueSize));
    }
    this.#memory.bytes(this.#values.get(text)!, this.definition.valueSize).set(value);
    return 0;
  }

  delete(key: Uint8Array): number {
    return this.#values.delete(this.#prefix(key, this.#bits(key))) ? 0 : ENOENT;
  }

  keys(): Uint8Array[] {
    return [...this.#values.keys()].map((text) => Uint8Array.from(text, (char) => char.charCodeAt(0)));
  }
}

/** What programs have put in, until somebody takes it. */
export class RingBuffer implements SimulatedMap {
  readonly definition: MapDefinition;
  #records: Uint8Array[] = [];
  #bytes = 0;
  /** Of what was reserved, by its address. */
  readonly #lengths = new Map<number, number>();
  /** Addresses that can be given again, by their lengths. */
  readonly #free = new Map<number, number[]>();

  constructor(definition: MapDefinition) {
    this.definition = definition;
  }

  /** A copy of the record is kept; -ENOSPC if there is no room, of which each record takes 8 bytes more. */
  output(record: Uint8Array): number {
    if (!this.#hasRoom(record.length)) return -28;
    this.#records.push(record.slice());
    return 0;
  }

  #hasRoom(length: number): boolean {
    const size = ((length + 7) & ~7) + 8;
    if (this.#bytes + size > this.definition.maxEntries) return false;
    this.#bytes += size;
    return true;
  }

  /** Address of as many bytes for a record, 0 if there is no room. */
  reserve(length: number, memory: SimulatedMemory): number {
    if (!this.#hasRoom(length)) return 0;
    const address = this.#free.get(length)?.pop() ?? memory.allocate(length);
    this.#lengths.set(address, length);
    return address;
  }

  /** What lies in reserved bytes is a record now. */
  submit(address: number, memory: SimulatedMemory): void {
    const length = this.#lengths.get(address)!;
    this.#records.push(memory.bytes(address, length).slice());
    const free = this.#free.get(length);
    if (free === undefined) this.#free.set(length, [address]);
    else free.push(address);
  }

  take(): Uint8Array[] {
    const records = this.#records;
    this.#records = [];
    this.#bytes = 0;
    return records;
  }

  lookup(): number {
    throw new PlinthError('input', 'ebpf-map', `${this.definition.name}: a ring buffer has no keys`);
  }

  update(): number {
    return EINVAL;
  }

  delete(): number {
    return EINVAL;
  }

  keys(): Uint8Array[] {
    return [];
  }
}
