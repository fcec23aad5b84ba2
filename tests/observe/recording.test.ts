// SPDX-License-Identifier: Apache-2.0
// Recordings of a machine that only counts, as files: whole, cut anywhere, damaged anywhere.

import { decodeOpenSections, encodeOpenHeader, encodeSection, PlinthError, type Section, utf8 } from '@plinth/core';
import { Machine, type MachineOptions } from '@plinth/machine';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { openRecording, RECORDING_KIND, Replay } from '@plinth/observe';
import { BareDriver } from '../../packages/observe/src/testing/bare-driver.js';
import { codec, RecordedMachine } from './recorded-machine.js';

/** Adds 1 to r0, stores it, and so on for ever. */
const COUNTING = [0xe2800001, 0xe58f0008, 0xeafffffc, 0, 0, 0];
const RAM = 0x4000_0000;

function counting(options: MachineOptions = {}): Machine {
  const machine = new Machine({ ramSize: 0x10_0000, ...options });
  const bytes = new Uint8Array(Uint32Array.from(COUNTING).buffer);
  machine.load({ segments: [{ address: RAM, bytes }], entry: RAM, thumb: false, registers: { r0: 0, r1: 0, r2: 0 } });
  return machine;
}

async function record(): Promise<Uint8Array> {
  const recorded = new RecordedMachine(counting, { interval: 1000 });
  for (let round = 0; round < 20; round++) {
    recorded.driver.runSlice(300, false);
    recorded.driver.send('console', utf8(`key ${round}`));
  }
  return recorded.end();
}

const open = (bytes: Uint8Array) => openRecording(bytes, 'F', codec);

/** Plays it to its end, which is where it says. */
async function plays(bytes: Uint8Array): Promise<void> {
  const recording = await open(bytes);
  const replay = new Replay(new BareDriver(counting()), recording);
  expect(replay.run(Infinity)).toEqual({ kind: 'end' });
  expect(replay.place.count).toBe(recording.segments.at(-1)!.end.count);
}

describe('a recording', () => {
  let file: Uint8Array;
  let sections: readonly Section[];
  beforeAll(async () => {
    file = await record();
    ({ sections } = await decodeOpenSections(RECORDING_KIND, file, 'F', codec, { noun: '', advice: '' }));
  });

  it('is played to the same end, checkpoint by checkpoint', async () => {
    const recording = await open(file);
    expect(recording).toMatchObject({ cut: undefined, end: { count: 6000, exit: { kind: 'limit' } } });
    expect(recording.segments.map(({ end }) => [end.kind, end.count])).toEqual(
      [0, 1200, 2400, 3600, 4800, 6000, 6000].map((count) => ['checkpoint', count]),
    );
    await plays(file);
  });

  it('that is cut short is good up to there, wherever that is', async () => {
    const lengths = new Set<number>();
    for (let length = 0; length < file.length; length++) {
      const cut = file.subarray(0, length);
      const recording = await open(cut).catch((error: unknown) => {
        expect(error, `${length} bytes`).toBeInstanceOf(PlinthError);
        expect((error as Error).message).toMatch(/^F: .*record it again$|^F: this is no recording$/);
        return undefined;
      });
      if (recording === undefined) continue;
      expect(recording.end).toBeUndefined();
      if (!lengths.has(recording.segments.length)) await plays(cut);
      lengths.add(recording.segments.length);
    }
    expect(lengths.size).toBe(7);
  });

  it('that is damaged is refused in one line, or is one that was cut', async () => {
    for (let bit = 0; bit < file.length * 8; bit += 3) {
      const broken = Uint8Array.from(file);
      broken[bit >> 3]! ^= 1 << (bit & 7);
      await open(broken).then(
        ({ cut }) => expect(cut, `bit ${bit}`).toBeTypeOf('number'),
        (error: unknown) => {
          expect(error, `bit ${bit}`).toBeInstanceOf(PlinthError);
          expect((error as Error).message).toMatch(/^F: .*$/);
        },
      );
    }
  });

  it('with checksums that fit is refused in one line, or replay tells what differs', async () => {
    let refused = 0;
    let differed = 0;
    const change = fc.tuple(fc.nat(), fc.nat(), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const changed = sections.map((section) => ({ ...section, payload: Uint8Array.from(section.payload) }));
        for (const [n, at, value] of changes) {
          const { payload } = changed[n % changed.length]!;
          payload[at % payload.length] = value;
        }
        const pieces = [encodeOpenHeader(RECORDING_KIND)];
        for (const section of changed) pieces.push(...(await encodeSection(section, codec)));
        try {
          const recording = await open(Buffer.concat(pieces));
          const { kind } = new Replay(new BareDriver(counting()), recording).run(1_000_000);
          if (kind === 'different') differed++;
        } catch (error) {
          refused++;
          expect(error).toBeInstanceOf(PlinthError);
          expect((error as PlinthError).kind).toBe('input');
          expect((error as Error).message).not.toContain('\n');
        }
      }),
      { numRuns: 500 },
    );
    expect(refused).toBeGreaterThan(50);
    expect(differed).toBeGreaterThan(50);
  });

  it('of another guest differs at the first checkpoint', async () => {
    const machine = counting();
    machine.memory.writeBytes(RAM + 0x1000, Uint8Array.of(1));
    expect(new Replay(new BareDriver(machine), await open(file)).run(Infinity)).toEqual({
      kind: 'different',
      difference: { count: 0, time: 0, after: { count: 0, time: 0 }, what: ['memory'] },
    });
  });
});
