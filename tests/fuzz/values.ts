// SPDX-License-Identifier: Apache-2.0
// Register contents worth trying: edges of integer arithmetic, edges of floating point, addresses around the window.

import { CODE_END, MODE, WINDOW, WINDOW_BORDER, WINDOW_END } from './layout.js';
import type { Random } from './random.js';

const WORDS = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 33, 63, 64, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff,
  0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 0xffff8000, 0x00ff00ff, 0xff00ff00, 0x7fff8000, 0x80007fff,
  0x7f7f7f7f, 0x80808080, 0x55555555, 0xaaaaaaaa, 0x0000ffff, 0xc0000000, 0x3fffffff,
];

/** Single-precision edges: zeros, subnormals, smallest normal, one and its neighbours, integers' limits, largest, infinity, NaNs. */
const SINGLES = [
  0, 1, 2, 0x007fffff, 0x00800000, 0x00800001, 0x00ffffff, 0x33800000, 0x34000000, 0x3effffff, 0x3f000000, 0x3f000001,
  0x3f7fffff, 0x3f800000, 0x3f800001, 0x3fc00000, 0x40000000, 0x40200000, 0x4b000000, 0x4b7fffff, 0x4effffff,
  0x4f000000, 0x4f7fffff, 0x4f800000, 0x5f000000, 0x477fe000, 0x47800000, 0x38800000, 0x387fffff, 0x33000000,
  0x7effffff, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fa00000, 0x7fc00000, 0x7fc12345, 0x7fffffff,
];

/** Double-precision edges, as their high and low words. */
const DOUBLES: readonly (readonly [number, number])[] = [
  [0, 0],
  [0, 1],
  [0x000fffff, 0xffffffff],
  [0x00100000, 0],
  [0x00100000, 1],
  [0x36a00000, 0],
  [0x380fffff, 0xe0000000],
  [0x38100000, 0],
  [0x3ca00000, 0],
  [0x3cb00000, 0],
  [0x3fe00000, 0],
  [0x3fefffff, 0xffffffff],
  [0x3ff00000, 0],
  [0x3ff00000, 1],
  [0x3ff80000, 0],
  [0x40000000, 0],
  [0x41dfffff, 0xffc00000],
  [0x41e00000, 0],
  [0x41efffff, 0xffe00000],
  [0x41f00000, 0],
  [0x43e00000, 0],
  [0x47efffff, 0xe0000000],
  [0x47efffff, 0xf0000000],
  [0x47f00000, 0],
  [0x7fefffff, 0xffffffff],
  [0x7ff00000, 0],
  [0x7ff00000, 1],
  [0x7ff40000, 0x1234],
  [0x7ff80000, 0],
  [0x7ff80000, 0xabcd],
  [0x7fffffff, 0xffffffff],
];

/** A core register's contents. */
export function interestingWord(random: Random): number {
  const kind = random.below(10);
  if (kind < 4) return random.pick(WORDS);
  if (kind < 5) return (1 << random.below(32)) >>> 0;
  if (kind < 6) return random.below(256);
  if (kind < 7) return -random.below(256) >>> 0;
  return random.word();
}

/** An address in or near the window: mostly aligned, often near the page border or the end. */
export function windowAddress(random: Random): number {
  const around = random.pick([
    WINDOW_BORDER,
    WINDOW_BORDER,
    WINDOW_BORDER,
    WINDOW_END,
    WINDOW,
    WINDOW + 0x400,
    WINDOW_END - 0x400,
  ]);
  const distance =
    random.below(around === WINDOW_BORDER ? 257 : 129) - (around === WINDOW ? 0 : around === WINDOW_END ? 124 : 128);
  const alignment = random.pick([1, 2, 4, 4, 4, 8, 8, 16]);
  return Math.floor((around + distance) / alignment) * alignment;
}

/** Where a branch to a register may lead: near the code, into the window, anywhere; bit 0 chooses the instruction set. */
export function branchTarget(random: Random): number {
  const kind = random.below(4);
  const thumb = random.below(2);
  if (kind === 0) return (CODE_END - 4 * random.below(64) - 128) | thumb;
  if (kind === 1) return (WINDOW + random.below(0x1000)) | thumb;
  return interestingWord(random);
}

/** Two words of a D register, low first. */
export function interestingDoubleword(random: Random): [number, number] {
  const sign = (): number => (random.chance(0.4) ? 0x80000000 : 0);
  switch (random.below(8)) {
    case 0:
    case 1: {
      const [high, low] = random.pick(DOUBLES);
      return [low, (high | sign()) >>> 0];
    }
    case 2:
    case 3:
      return [(random.pick(SINGLES) | sign()) >>> 0, (random.pick(SINGLES) | sign()) >>> 0];
    case 4: // Ordinary numbers, so that sums and products neither overflow nor vanish.
      return [moderateSingle(random), moderateSingle(random)];
    case 5:
      return [random.word(), (((0x3ff + random.below(64) - 32) << 20) | (random.word() >>> 12) | sign()) >>> 0];
    case 6:
      return [interestingWord(random), interestingWord(random)];
    default:
      return [random.word(), random.word()];
  }
}

function moderateSingle(random: Random): number {
  return (((127 + random.below(32) - 16) << 23) | (random.word() >>> 9) | (random.below(2) << 31)) >>> 0;
}

/** A saved CPSR that an exception return may load: a valid mode, J clear, no IT state outside T32. */
export function savedStatus(random: Random): number {
  const mode = random.pick([MODE.usr, MODE.usr, MODE.sys, MODE.svc, MODE.irq, MODE.fiq, MODE.abt, MODE.und]);
  const thumb = random.below(2);
  const flags = (random.below(32) << 27) | (random.below(16) << 16);
  const masks = 0x140 | (random.chance(0.05) ? 0x200 : 0);
  return (flags | masks | (thumb << 5) | mode) >>> 0;
}
