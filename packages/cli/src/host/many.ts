// SPDX-License-Identifier: Apache-2.0
// Numbers of things, as people write them.

/** `1 file`, `2 files`. */
export function many(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
