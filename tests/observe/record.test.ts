// SPDX-License-Identifier: Apache-2.0
// What is recorded on one engine is replayed on every other, with equal states at every checkpoint and at the end.

import { Replay } from '@plinth/observe';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../fuzz/random.js';
import { BareDriver } from '../../packages/observe/src/testing/bare-driver.js';
import { RecordedMachine } from './recorded-machine.js';
import { randomScene, type Scene, SCENES } from './scenes.js';

/** The others leave their serial line alone, which has room for one character. */
const LEAST_INPUTS: Readonly<Record<string, number>> = { 'network frames': 30, 'console input': 5 };

const ENGINES = ['interpreter', 'translator', 'translator-forced'] as const;

async function recordedOn(engine: (typeof ENGINES)[number], scene: Scene, seed: number): Promise<RecordedMachine> {
  const recorded = new RecordedMachine((options) => scene.make(engine, options), { interval: 700 });
  await scene.live(recorded, new Random(seed));
  return recorded;
}

async function replaysEverywhere(scene: Scene, from: (typeof ENGINES)[number], seed: number): Promise<number> {
  const recorded = await recordedOn(from, scene, seed);
  const recording = await recorded.recording();
  for (const to of ENGINES) {
    const random = new Random(seed + 1);
    const replay = new Replay(new BareDriver(scene.make(to)), recording);
    for (;;) {
      const stop = replay.run(replay.place.count + 1 + random.below(2000));
      if (stop.kind === 'until') continue;
      expect([to, stop]).toEqual([to, { kind: 'end' }]);
      break;
    }
    expect(replay.compared.checkpoints).toBe(recording.segments.length);
    expect(replay.compared.withRam).toBeGreaterThan(0);
    expect(replay.machine.stateHash()).toBe(recorded.machine.stateHash());
    expect(replay.place).toEqual({ count: recorded.machine.count, time: recorded.machine.clock.now() });
  }
  return [...recording.segments].reduce((sum, segment) => sum + [...segment.inputs()].length, 0);
}

describe.each(SCENES.map((scene) => [scene.name, scene] as const))('a recording of %s', (name, scene) => {
  it.each(ENGINES)('by the %s is the same run on all engines', async (engine) => {
    const inputs = await replaysEverywhere(scene, engine, 1 + ENGINES.indexOf(engine));
    expect(inputs).toBeGreaterThan(LEAST_INPUTS[name] ?? 0);
  });
});

it('random guests with random input are replayed on all engines', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.constantFrom(...ENGINES), async (seed, engine) => {
      await replaysEverywhere(randomScene(new Random(seed)), engine, seed);
    }),
    { numRuns: 25 },
  );
});

it('a replay with another input says where it went apart', async () => {
  const scene = SCENES.find(({ name }) => name === 'console input')!;
  const recording = await (await recordedOn('interpreter', scene, 5)).recording();
  const machine = scene.make('interpreter');
  const replay = new Replay(new BareDriver(machine), {
    ...recording,
    segments: recording.segments.map((segment) => ({
      ...segment,
      *inputs() {
        for (const input of segment.inputs()) yield { ...input, bytes: input.bytes.map((byte) => byte + 1) };
      },
    })),
  });
  const stop = replay.run(Infinity);
  expect(stop).toMatchObject({ kind: 'different' });
  const { difference } = stop as Extract<typeof stop, { kind: 'different' }>;
  expect(difference.count).toBeGreaterThan(difference.after.count);
  expect(difference.what.join()).toMatch(/registers|memory/);
});
