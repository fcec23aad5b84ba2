// SPDX-License-Identifier: Apache-2.0
// Changes of a fuzz case's floating-point state: operands where the host's arithmetic is told from the architecture's,
// and short vectors.

import { Random } from './random.js';
import type { TestCase } from './test-case.js';

const IXC = 0x10;
/** Rounding mode and flush-to-zero. */
const MODES_OF_ARITHMETIC = 0x01c0_0000;
const SHORT_VECTORS = [0x1_0000, 0x4_0000, 0x10_0000, 0x37_0000] as const;

/** Doubles and pairs of singles near the places where the host's arithmetic is told from the architecture's. */
export function hostArithmetic(seed: number): (testCase: TestCase) => void {
  const random = new Random(seed);
  const view = new DataView(new ArrayBuffer(8));
  const fraction = (): number => random.word() / 2 ** 32;
  const number = (smallest: number): number => {
    const sign = random.chance(0.5) ? 1 : -1;
    const significand = random.chance(0.3) ? 1 + random.below(16) / 2 ** 23 : 1 + fraction();
    switch (random.below(6)) {
      case 0:
        return sign * random.below(20);
      case 1:
        return sign * Math.floor(fraction() * 2 ** (20 + random.below(14)));
      case 2:
        return sign * significand * 2 ** (smallest / 2 + random.below(6) - 3);
      case 3:
        return sign * significand * 2 ** (smallest + random.below(3));
      case 4:
        return sign * significand * 2 ** (random.below(26) - 1);
      default:
        return sign * significand * 2 ** Math.floor(smallest * (2 * fraction() - 1));
    }
  };
  return ({ state }) => {
    if (random.chance(0.95)) state.fpscr = ((state.fpscr & ~MODES_OF_ARITHMETIC) | IXC) >>> 0;
    const double = random.chance(0.5);
    for (let n = 0; n < 64; n += 2) {
      if (double) view.setFloat64(0, number(-1022), true);
      else for (const at of [0, 4]) view.setFloat32(at, number(-126), true);
      state.d[n] = view.getUint32(0, true);
      state.d[n + 1] = view.getUint32(4, true);
    }
  };
}

/** FPSCR.LEN and STRIDE, half of the time. */
export function shortVectors(seed: number): (testCase: TestCase) => void {
  const random = new Random(seed);
  return ({ state }) => {
    if (random.chance(0.5)) state.fpscr = (state.fpscr | random.pick(SHORT_VECTORS)) >>> 0;
  };
}
