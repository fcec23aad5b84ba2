// SPDX-License-Identifier: Apache-2.0
// A program and the maps it uses, as plain values: nothing here depends on a kernel. What a kernel knows, or a simulated
// one, is filled in by whoever loads it: the places in `references` get a map's descriptor or the address of its value.

import type { Instruction } from './instruction.js';

/** Kinds of maps, by their numbers in enum bpf_map_type (include/uapi/linux/bpf.h). */
export const MAP_TYPE = {
  hash: 1,
  array: 2,
  percpuHash: 5,
  percpuArray: 6,
  lruHash: 9,
  lpmTrie: 11,
  ringBuffer: 27,
} as const;
export type MapType = keyof typeof MAP_TYPE;

export const MAP_FLAG = {
  /** Memory is taken when an entry is made. */
  noPreallocation: 1,
  /** Only programs read it, only user space writes it: lets the verifier know its content when it is frozen. */
  readOnlyProgram: 0x80,
  /** User space may map it into its memory. */
  mappable: 0x400,
} as const;

export interface MapDefinition {
  /** At most 15 characters of [A-Za-z0-9_.]. */
  readonly name: string;
  readonly type: MapType;
  /** Bytes. */
  readonly keySize: number;
  /** Bytes; of a ring buffer 0. */
  readonly valueSize: number;
  /** Of a ring buffer, its bytes: a power of two of pages. */
  readonly maxEntries: number;
  readonly flags?: number;
}

/** A load of a 64-bit immediate that stands for a map. */
export interface MapReference {
  /** Index of its first instruction. */
  readonly instruction: number;
  /** Name of the map. */
  readonly map: string;
  /** Undefined: the map itself, for helpers. Otherwise an address: as many bytes into the value at key 0 of an array. */
  readonly valueOffset?: number;
}

/** By their numbers in enum bpf_prog_type. */
export const PROGRAM_TYPE = { schedCls: 3, xdp: 6, rawTracepoint: 17 } as const;
export type ProgramType = keyof typeof PROGRAM_TYPE;

export interface Program {
  readonly name: string;
  readonly type: ProgramType;
  /** As the kernel knows it, if it is not ours: some helpers are for programs under the GPL only. */
  readonly license?: 'GPL v2';
  readonly instructions: readonly Instruction[];
  readonly references: readonly MapReference[];
  readonly maps: readonly MapDefinition[];
}
