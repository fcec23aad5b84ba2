// SPDX-License-Identifier: Apache-2.0
// Numbers of the 64-bit little-endian ELF files that hold programs (System V ABI, chapter 4; R_BPF_64_64 from
// Documentation/bpf/llvm_reloc.rst), and the names of sections as libbpf reads them.

import type { ProgramType } from '../program.js';

export const EM_BPF = 247;
export const ELF_HEADER_SIZE = 64;
export const SECTION_HEADER_SIZE = 64;
export const SYMBOL_SIZE = 24;
export const RELOCATION_SIZE = 16;

export const SECTION_TYPE = { program: 1, symbols: 2, strings: 3, noBits: 8, relocations: 9 } as const;
export const SECTION_FLAG = { write: 1, allocate: 2, execute: 4 } as const;
/** Binding in bits 7:4, type in bits 3:0. */
export const SYMBOL = { globalObject: 0x11, globalFunction: 0x12 } as const;
/** An address in the 64-bit immediate of a load. */
export const R_BPF_64_64 = 1;

/** Sections of programs, by the first part of their names. */
export const PROGRAM_SECTIONS: readonly (readonly [string, ProgramType])[] = [
  ['tcx/', 'schedCls'],
  ['tc', 'schedCls'],
  ['classifier', 'schedCls'],
  ['xdp', 'xdp'],
];
/** Data that programs only read, or also write: each is the one value of an array. */
export const DATA_SECTIONS = { readOnly: '.rodata.', writable: '.data.' } as const;
