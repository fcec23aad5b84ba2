// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { medianInterval } from './median-interval.js';

it('finds the ranks between which the median lies with 95 %', () => {
  const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1).reverse();
  // Ranks from tables of the sign test: 20 values 6 and 15, 24 values 7 and 18.
  expect(medianInterval(upTo(20))).toEqual([6, 15]);
  expect(medianInterval(upTo(24))).toEqual([7, 18]);
  expect(medianInterval([3])).toEqual([3, 3]);
});
