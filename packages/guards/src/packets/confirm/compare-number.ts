// SPDX-License-Identifier: Apache-2.0
import type { NumberTest } from '../rule.js';

/** Of a range neither end belongs to it. */
export function compareNumber({ op, value, upper }: NumberTest, number: number): boolean {
  switch (op) {
    case '=':
      return number === value;
    case '!':
      return number !== value;
    case '<':
      return number < value;
    case '<=':
      return number <= value;
    case '>':
      return number > value;
    case '>=':
      return number >= value;
    case '<>':
      return number > value && number < upper!;
  }
}
