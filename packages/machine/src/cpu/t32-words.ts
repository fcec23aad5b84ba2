// SPDX-License-Identifier: Apache-2.0
// T32 instructions as they lie in memory: one halfword, or two of which the first comes first.

/** Whether a halfword begins a 32-bit T32 instruction (A6.1). */
export function isWide(halfword: number): boolean {
  return (halfword & 0xe000) === 0xe000 && (halfword & 0x1800) !== 0;
}

/** A 32-bit instruction as the manual draws it, from the word that a load gives. */
export function swapHalves(word: number): number {
  return ((word << 16) | (word >>> 16)) >>> 0;
}
