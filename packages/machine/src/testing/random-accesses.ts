// SPDX-License-Identifier: Apache-2.0
// A block of loads and stores at random places, random ranges to watch, and which access touches which range by a model
// that only compares addresses. Only for tests; no part of the package.

import { expect } from 'vitest';
import type { Instruction } from './assemble.js';
import { b, here, ldr, ldrb, NE, str, strb, subs } from './mnemonics.js';
import type { CpuTest } from './contract.js';

/** Rounds of the block: enough for the translator to translate it. */
const ROUNDS = 43_000;
const ACCESSES = 58;
/** Instructions of a round. */
const LENGTH = ACCESSES + 2;

interface Range {
  readonly start: number;
  readonly length: number;
}

type Note = (access: { readonly address: number; readonly size: number; readonly write: boolean }) => void;

/**
 * Watches 24 ranges by `watch` and lets `test` access memory from `base` on, 6 KiB of it, some of it over a page border;
 * checks that each watch is told of what touches it and nothing else, before and after translation.
 */
export function checkRandomAccesses(
  test: CpuTest,
  seed: number,
  base: number,
  watch: (range: Range, note: Note) => void,
): void {
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >>> 8) % below;
  };
  const ranges = Array.from({ length: 24 }, () => ({ start: base + random(0x1780), length: 1 + random(90) }));
  const expected: [number, number, boolean, number][] = [];
  const block = Array.from({ length: ACCESSES }, (): Instruction => {
    const [upper, offset, kind] = [random(2), random(0x1000), random(4)];
    const address = base + upper * 0x800 + offset;
    const [size, isWrite] = [kind < 2 ? 4 : 1, kind % 2 === 0];
    ranges.forEach(({ start, length }, i) => {
      if (address + size > start && address < start + length) expected.push([address, size, isWrite, i]);
    });
    return [str, ldr, strb, ldrb][kind]!(2, 4 + upper, offset);
  });
  test
    .code([...block, subs(0, 0, 1), b(-4 * (LENGTH - 1), NE), here()])
    .regs({ r0: ROUNDS, r4: base, r5: base + 0x800 });
  let seen: [number, number, boolean, number][] = [];
  ranges.forEach((range, i) => watch(range, ({ address, size, write }) => void seen.push([address, size, write, i])));
  test.steps(LENGTH);
  // oxlint-disable-next-line vitest/no-standalone-expect -- called from inside tests
  expect(seen).toEqual(expected);
  test.steps(LENGTH * 4000);
  seen = [];
  test.steps(LENGTH);
  // oxlint-disable-next-line vitest/no-standalone-expect
  expect(seen).toEqual(expected);
}
