// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { Tap } from './tap.js';

it('tells those who listen, in order, and those who have left no more', () => {
  const tap = new Tap<[number]>();
  const told: string[] = [];
  const endFirst = tap.add((n) => told.push(`first ${n}`));
  const endSecond = tap.add((n) => {
    told.push(`second ${n}`);
    endFirst();
  });
  tap.tell(1);
  tap.tell(2);
  endSecond();
  endSecond();
  expect(tap.active).toBe(false);
  tap.tell(3);
  expect(told).toEqual(['first 1', 'second 1', 'second 2']);
});

it('tells a function that listens twice twice', () => {
  const tap = new Tap<[]>();
  let calls = 0;
  const listener = (): void => void calls++;
  const end = tap.add(listener);
  tap.add(listener);
  tap.tell();
  end();
  tap.tell();
  expect(calls).toBe(3);
});
