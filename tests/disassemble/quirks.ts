// SPDX-License-Identifier: Apache-2.0
// Where GNU objdump's text and ours differ with reason: each entry says what objdump does, and tells the cases by row
// and by what changes in the text. Whatever no entry explains is a failure.

import type { Row } from '@plinth/arm';

export interface Comparison {
  readonly row: Row;
  readonly ours: string;
  readonly theirs: string;
}

export interface Quirk {
  readonly name: string;
  readonly explains: (c: Comparison) => boolean;
}

const of = (names: RegExp, test: (c: Comparison) => boolean) => (c: Comparison) => names.test(c.row.name) && test(c);

export const QUIRKS: readonly Quirk[] = [
  {
    name: 'SSAT and USAT with asr #32, encoded as 0, are shown with asr #0',
    explains: of(/^[SU]SAT$/, ({ ours, theirs }) => ours.replace('asr #32', 'asr #0') === theirs),
  },
  {
    name: 'one form of UXTAB16 is shown with ROR in capitals',
    explains: of(/^UXTAB16$/, ({ ours, theirs }) => ours === theirs.toLowerCase()),
  },
  {
    name: 'LDREX shows sp, lr and pc as numbers',
    explains: of(/^LDREX$/, ({ ours, theirs }) => ours === theirs.replace('r13,', 'sp,').replace('r14,', 'lr,')),
  },
  {
    name: 'unallocated memory hints, which do nothing, are shown as the nearest load or preload, or as undefined',
    explains: of(
      /^memory hint/,
      ({ ours, theirs }) => ours.startsWith('nop') && /^(ldrsh|pldw|pli|pld|$)/.test(theirs),
    ),
  },
  {
    name: 'hints and barrier options that ARMv8 names are numbers in ARMv7',
    explains: of(
      /^(NOP \(unallocated hint\)|DSB|DMB)/,
      ({ ours, theirs }) =>
        (/^d[sm]b\w* #\d+$/.test(ours) && /^(d[sm]b\w* (nsh|osh|ish)?ld|p?ssbb\w*|dfb\w*)$/.test(theirs)) ||
        (ours.startsWith('nop') && /^(sevl|esb|psb|tsb|csdb|aut|pac|pacbti|bti|clrbhb)/.test(theirs)),
    ),
  },
  {
    name: 'UDF under a condition is shown as undefined',
    explains: of(/^UDF$/, ({ ours, theirs }) => theirs === '' && ours.startsWith('udf')),
  },
  {
    name: 'LDC and STC of coprocessor 15 are shown as the loads and stores of system registers in ARMv8.1-M',
    explains: of(/^(LDC|STC)$/, ({ ours, theirs }) => /^(ldc|stc)/.test(ours) && /^v(ldr|str)/.test(theirs)),
  },
  {
    name: 'T32 loads and stores lose an offset of zero, or its sign',
    explains: ({ row, ours, theirs }) => {
      if (row.isa !== 'T32') return false;
      const plain = ours.replace(/, #-?0\]/, ']');
      return plain === theirs || plain.replace(/\]!$/, ']') === theirs || ours.replace('#-0', '#0') === theirs;
    },
  },
  {
    name: 'LDC and STC lose an offset of zero, and the mark of its writing back',
    explains: of(
      /^(LDC|STC)/,
      ({ ours, theirs }) => ours.replace(/\], #0$/, ']').replace(/(, #0)?\]!$/, ']') === theirs,
    ),
  },
  {
    name: 'LDM and STM of one register on the stack go by the name of the stack, full descending',
    explains: of(/^(LDMIA|STMDB)$/, ({ ours, theirs }) => {
      return ours.replace(/^ldm(\w*) sp!/, 'ldmfd$1 sp!').replace(/^stmdb(\w*) sp!/, 'stmfd$1 sp!') === theirs;
    }),
  },
  {
    name: 'MOV r8, r8 is shown as the NOP that it once was',
    explains: of(/^MOV/, ({ ours, theirs }) => ours.endsWith('r8, r8') && theirs.startsWith('nop')),
  },
  {
    name: 'T32 loads relative to the PC are shown as the unprivileged loads whose bits they share',
    explains: of(
      /\(literal\)/,
      ({ ours, theirs }) => ours.includes('[pc, ') && /^ldrs?[bh]?t/.test(theirs) && ours.split(' ').length === 4,
    ),
  },
  {
    name: 'MRC2 to the flags is shown with pc',
    explains: of(/^MRC2$/, ({ ours, theirs }) => ours.replace('APSR_nzcv', 'pc') === theirs),
  },
];
