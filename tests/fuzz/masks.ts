// SPDX-License-Identifier: Apache-2.0
// What ARM DDI 0406C leaves UNKNOWN in every engine, by row name: the state after a transfer that was cut short by a
// data abort (A2.5, B1.9.8). Masks for single rows belong to the table that has them.

import type { Mask, MaskOf } from './cpu-under-test.js';
import type { TestCase, TestResult } from './test-case.js';

/** Masks for the aborted transfers; a comparison of engines may add its own with `firstOf`. */
export function unknownAfterAbort(testCase: TestCase, expected: TestResult): Mask | undefined {
  if (expected.outcome !== 'data-abort') return undefined;
  const row = testCase.row ?? '';
  const why = 'a transfer cut short by a data abort';
  if (/^(LDM|POP)/.test(row)) return { why, registers: listed(testCase) };
  if (/^(LDRD|LDREXD)/.test(row)) return { why, registers: transferPair(testCase) };
  if (/^(VLD|VPOP)/.test(row)) return { why, d: true };
  if (/^(STM|PUSH|STRD|STREXD|VST|VPUSH|SRS)/.test(row)) return { why, memory: true };
  if (/^(STR)/.test(row)) return { why, memory: isSplit(expected) };
  return undefined;
}

/** The first mask that applies. */
export function firstOf(...masks: readonly MaskOf[]): MaskOf {
  return (testCase, expected) => {
    for (const mask of masks) {
      const found = mask(testCase, expected);
      if (found) return found;
    }
    return undefined;
  };
}

/** Registers of the list in the low bits of the aborted instruction; the base is restored, so it is compared. */
function listed({ isa, code }: TestCase): number[] {
  const at = firstInstruction(code, isa);
  const wide = isa === 'A32' || (code[at + 1]! & 0xf8) >= 0xe8;
  const listAt = isa === 'T32' && wide ? at + 2 : at;
  const list = wide ? code[listAt]! | (code[listAt + 1]! << 8) : code[at]!;
  const base = isa === 'A32' ? code[at + 2]! & 15 : wide ? code[at]! & 15 : code[at + 1]! & 7;
  return Array.from({ length: 15 }, (_, n) => n).filter((n) => (list >> n) & 1 && n !== base);
}

function transferPair({ isa, code }: TestCase): number[] {
  const at = firstInstruction(code, isa);
  const high = code[isa === 'A32' ? at + 1 : at + 3]!;
  const first = high >> 4;
  return isa === 'A32' ? [first, first + 1] : [first, high & 15];
}

/** Skips an IT instruction before the one that the case is about. */
function firstInstruction(code: Uint8Array, isa: TestCase['isa']): number {
  return isa === 'T32' && code[1] === 0xbf && (code[0]! & 15) !== 0 ? 2 : 0;
}

/** A store that faults at a page border may have written the bytes before it. */
function isSplit(expected: TestResult): boolean {
  return (expected.faultAddress & 0xfff) === 0;
}
