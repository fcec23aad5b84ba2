// SPDX-License-Identifier: Apache-2.0
// The past of a recorded guest, compared at random places with what it was on one way forwards.

import { readFileSync } from 'node:fs';
import { createReplayDriver, nodeHost, zlibCodec } from '@plinth/cli';
import { MemoryFile } from '@plinth/machine';
import { History, openRecording, type Recording } from '@plinth/observe';
import { expect } from 'vitest';
import { Random } from '../fuzz/random.js';

export const readRecording = (file: string): Promise<Recording> => openRecording(readFileSync(file), file, zlibCodec);

async function historyOf(recording: Recording): Promise<History> {
  const files: MemoryFile[] = [];
  const newLayer = (): MemoryFile => {
    files.push(new MemoryFile('layer'));
    return files.at(-1)!;
  };
  const progress = { step: () => undefined, update: () => undefined, warn: () => undefined, done: () => undefined };
  const setting = { engine: 'translator', files: {}, drives: [], host: nodeHost, progress, newLayer } as const;
  return new History(await createReplayDriver(recording, setting), recording, { files });
}

/**
 * Steps back at so many random places of a recording, and then goes to its end.
 *
 * @param whole of so many states one is compared with all of RAM, the others by their registers
 */
export async function expectExactPast(recording: Recording, steps: number, whole: number): Promise<History> {
  const { count: end, stateHash } = recording.end!;
  const random = new Random(1);
  const places = Array.from({ length: steps }, () => 1 + random.below(end));
  const stateOf = ({ machine }: History, n: number): unknown => [
    machine.count,
    machine.clock.now(),
    machine.cpuHash(),
    ...(n % whole === 0 ? [machine.stateHash()] : []),
  ];
  const forward = await historyOf(recording);
  const states = new Map<number, unknown>();
  const order = places.map((count, n) => [count, n] as const).toSorted(([a], [b]) => a - b);
  for (const [count, n] of order) {
    forward.seek(count - 1);
    states.set(n, stateOf(forward, n));
  }
  const history = await historyOf(recording);
  history.seek(Infinity);
  for (const [n, count] of places.entries()) {
    history.seek(count);
    expect(history.reverseStep()).toBe(true);
    expect(stateOf(history, n)).toEqual(states.get(n));
  }
  expect(history.seek(Infinity)).toEqual({ kind: 'end' });
  expect(history.machine.stateHash()).toBe(stateHash);
  return history;
}
