// SPDX-License-Identifier: Apache-2.0
// Going back in time: every place is, to the last bit, what it was on the way there.

import { countBefore, History, lastWrite } from '@plinth/observe';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../fuzz/random.js';
import { BareDriver } from '../../packages/observe/src/testing/bare-driver.js';
import { RecordedMachine } from './recorded-machine.js';
import { randomScene, type Scene, SCENES } from './scenes.js';

const ENGINES = ['interpreter', 'translator', 'translator-forced'] as const;
type Engine = (typeof ENGINES)[number];

async function historyOf(scene: Scene, engine: Engine, seed: number, limit?: number): Promise<History> {
  const recorded = new RecordedMachine((options) => scene.make('translator', options), { interval: 700 });
  await scene.live(recorded, new Random(seed));
  const recording = await recorded.recording();
  return new History(new BareDriver(scene.make(engine)), recording, limit === undefined ? {} : { limit });
}

/** What a machine is where it stands. */
function stateOf({ machine }: History): unknown {
  return [machine.count, machine.clock.now(), machine.stateHash(), machine.cpu.state.reg(15)];
}

/** At these counts and at the end, on one way forwards. */
function forwardStates(history: History, counts: readonly number[]): ReadonlyMap<number, unknown> {
  const states = new Map<number, unknown>();
  for (const count of [...counts].toSorted((a, b) => a - b)) {
    expect(history.run(count)).toEqual({ kind: 'until' });
    states.set(count, stateOf(history));
  }
  expect(history.run(Infinity)).toEqual({ kind: 'end' });
  return states.set(Infinity, stateOf(history));
}

/** Instructions of a whole recording. */
async function lengthOf(scene: Scene, seed: number): Promise<number> {
  const history = await historyOf(scene, 'translator', seed);
  history.run(Infinity);
  return history.count;
}

describe.each(SCENES.map((scene) => [scene.name, scene] as const))('the history of %s', (_name, scene) => {
  it.each(ENGINES)('is the run itself, wherever one goes (%s)', async (engine) => {
    const random = new Random(7);
    const end = await lengthOf(scene, 3);
    const places = Array.from({ length: 40 }, () => 1 + random.below(end - 1));
    const states = forwardStates(
      await historyOf(scene, engine, 3),
      places.flatMap((count) => [count, count - 1]),
    );
    const history = await historyOf(scene, engine, 3);
    history.run(Infinity);
    expect(history.size.places).toBeGreaterThan(3);
    for (const count of places) {
      history.seek(count);
      expect(stateOf(history)).toEqual(states.get(count));
      expect(history.reverseStep()).toBe(true);
      expect(stateOf(history)).toEqual(states.get(count - 1));
    }
    expect(history.seek(Infinity)).toEqual({ kind: 'end' });
    expect(stateOf(history)).toEqual(states.get(Infinity));
    history.seek(0);
    expect(history.reverseStep()).toBe(false);
  });
});

it('with little memory is as exact, and keeps less', async () => {
  const scene = SCENES[0]!;
  const wide = await historyOf(scene, 'interpreter', 3);
  wide.run(Infinity);
  const places = Array.from({ length: 50 }, (_, n) => Math.floor((wide.count * n) / 50));
  const states = forwardStates(await historyOf(scene, 'interpreter', 3), places);
  const limit = wide.size.bytes / 2;
  const history = await historyOf(scene, 'translator', 3, limit);
  history.run(Infinity);
  expect(history.size.bytes).toBeLessThanOrEqual(limit);
  expect(history.size.places).toBeLessThan(wide.size.places);
  for (const count of places.toReversed()) {
    history.seek(count);
    expect(stateOf(history)).toEqual(states.get(count));
  }
});

it('is exact also where one goes back from a place at which the run differs', async () => {
  const scene = SCENES[0]!;
  const recorded = new RecordedMachine((options) => scene.make('translator', options), { interval: 700 });
  await scene.live(recorded, new Random(3));
  const recording = await recorded.recording();
  // A checkpoint is noted wrongly; the last place lies between it and the one before.
  const wrong = recording.segments.findIndex(({ end }) => end.kind === 'checkpoint' && end.count > 4000);
  const places = [100, 1000, 2000, 3000, recording.segments[wrong]!.from.count + 10];
  const states = forwardStates(new History(new BareDriver(scene.make('translator')), recording), places);
  const segments = recording.segments.map((segment, n) =>
    n === wrong && segment.end.kind === 'checkpoint'
      ? { ...segment, end: { ...segment.end, cpus: '0'.repeat(16) } }
      : segment,
  );
  const history = new History(new BareDriver(scene.make('translator')), { ...recording, segments });
  expect(history.run(Infinity)).toMatchObject({ kind: 'different', difference: { what: ['registers'] } });
  for (const count of places.toReversed()) {
    history.seek(count);
    expect(stateOf(history)).toEqual(states.get(count));
  }
});

/** Of one word, by a naive look at it before and after each instruction. */
function writesOf(history: History, address: number): { count: number; pc: number; before: number; after: number }[] {
  const writes = [];
  const { machine } = history;
  for (let count = 0; ; count++) {
    const pc = machine.cpu.state.reg(15) >>> 0;
    const before = machine.memory.peek(address, 4)!;
    const stop = history.run(count + 1);
    const after = machine.memory.peek(address, 4)!;
    if (after !== before) writes.push({ count, pc, before, after });
    if (stop.kind === 'end') return writes;
  }
}

const word = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);

it.each(ENGINES)('who wrote last is found, one write after the other (%s)', async (engine) => {
  const scene = SCENES.find(({ name }) => name === 'waits')!;
  const counter = 0x4000_8000;
  const writes = writesOf(await historyOf(scene, engine, 3), counter);
  expect(writes.length).toBeGreaterThan(3);
  const history = await historyOf(scene, engine, 3);
  history.run(Infinity);
  const here = stateOf(history);
  for (const { count, pc, before, after } of writes.toReversed()) {
    const present = stateOf(history);
    const last = lastWrite(history, counter, 4)!;
    expect(stateOf(history)).toEqual(present);
    expect({ count: last.count, pc: last.instruction, before: word(last.before), after: word(last.after) }).toEqual({
      count,
      pc,
      before,
      after,
    });
    history.seek(count);
  }
  expect(lastWrite(history, counter, 4)).toBeUndefined();
  history.seek(Infinity);
  expect(stateOf(history)).toEqual(here);
});

it.each(ENGINES)('a breakpoint is met backwards where it was met forwards (%s)', async (engine) => {
  const scene = SCENES[0]!;
  const address = 0x4000_4100; // the interrupt handler
  const history = await historyOf(scene, engine, 3);
  const forwards: number[] = [];
  const remove = history.machine.hooks.add(address, () => {
    forwards.push(countBefore(history));
    return 'go-on';
  });
  history.run(Infinity);
  remove();
  expect(forwards.length).toBeGreaterThan(5);
  const backwards: number[] = [];
  const watcher = (found: (count: number) => boolean) =>
    history.machine.hooks.add(address, () => {
      found(countBefore(history));
      return 'go-on';
    });
  while (history.reverseContinue(watcher)) {
    expect(history.machine.cpu.state.reg(15) >>> 0).toBe(address);
    backwards.push(history.count);
  }
  expect(history.count).toBe(0);
  expect(backwards.toReversed()).toEqual(forwards);
});

it('random guests are in the past what they were', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.constantFrom(...ENGINES), async (seed, engine) => {
      const scene = randomScene(new Random(seed));
      const random = new Random(seed);
      const end = await lengthOf(scene, seed);
      const places = Array.from({ length: 10 }, () => random.below(end));
      const states = forwardStates(await historyOf(scene, engine, seed), places);
      const history = await historyOf(scene, engine, seed, 200_000);
      history.run(Infinity);
      for (const count of places) {
        history.seek(count);
        expect(stateOf(history)).toEqual(states.get(count));
      }
    }),
    { numRuns: 10 },
  );
});
