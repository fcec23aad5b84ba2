// SPDX-License-Identifier: Apache-2.0
// The boards that there are, by name.

import { PlinthError } from '@plinth/core';
import type { BoardDescription } from './board.js';
import { vexpressA15Board } from './vexpress-a15.js';
import { virtBoard } from './virt.js';

export const BOARDS: readonly BoardDescription[] = [virtBoard, vexpressA15Board];

/** Throws for a name that no board has. */
export function boardNamed(name: string): BoardDescription {
  const board = BOARDS.find((one) => one.name === name);
  if (board !== undefined) return board;
  const known = BOARDS.map((one) => one.name).join(', ');
  throw new PlinthError('input', 'unknown-board', `machine: there is no board "${name}"; there is ${known}`);
}

/** What `--machine help` prints: a line for each board. */
export function boardList(): string {
  const width = Math.max(...BOARDS.map(({ name }) => name.length));
  return BOARDS.map(({ name, title }) => `${name.padEnd(width)}  ${title}\n`).join('');
}
