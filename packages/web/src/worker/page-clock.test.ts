// SPDX-License-Identifier: Apache-2.0
// A pause holds a run before its next slice, or leaves it asleep, and time goes on where it stood.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { PageClock } from './page-clock.js';

it('holds a run that executes until it goes on', async () => {
  const clock = new PageClock();
  let slices = 0;
  let ended = false;
  const run = (async () => {
    while (!ended) {
      await clock.yield();
      slices++;
    }
  })();
  await sleep(5);
  await clock.pause();
  const at = { slices, time: clock.now() };
  await sleep(30);
  expect({ slices, time: clock.now() }).toEqual(at);
  await clock.pause(); // a second one changes nothing
  ended = true;
  clock.resume();
  await run;
  expect(slices).toBe(at.slices + 1);
});

it('keeps what is left of a sleep', async () => {
  const clock = new PageClock();
  let woken: number | undefined;
  const due = clock.now() + 40;
  clock.after(40, () => (woken = clock.now()));
  const cancel = clock.after(1, () => expect.unreachable('it was cancelled'));
  cancel();
  await clock.pause();
  await sleep(80);
  expect(woken).toBeUndefined();
  clock.resume();
  while (woken === undefined) await sleep(5);
  // Timers may be a millisecond early.
  expect(woken).toBeGreaterThan(due - 2);
});
