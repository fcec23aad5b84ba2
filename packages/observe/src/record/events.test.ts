// SPDX-License-Identifier: Apache-2.0
import { PlinthError, StateReader } from '@plinth/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ChunkWriter, readChunk, type RunEvent } from './events.js';

const NANOSECONDS = 4;
const hash = fc.stringMatching(/^[0-9a-f]{16}$/);

/** What comes after an event: by kind, so many instructions and so much of a wait later. */
const step = fc.record({
  executed: fc.oneof(fc.constant(0), fc.nat(1000), fc.nat(2 ** 31)),
  waited: fc.oneof(fc.constant(0), fc.nat(), fc.double({ min: 0, max: 1e6, noNaN: true })),
  kind: fc.constantFrom('sent', 'answer', 'checkpoint', 'reset'),
  port: fc.constantFrom('console', 'net0', 'é'),
  bytes: fc.uint8Array({ maxLength: 300 }),
  address: fc.nat(0xffff_ffff),
  cpus: hash,
  ram: fc.option(hash, { nil: undefined }),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function eventsOf(steps: readonly Step[]): RunEvent[] {
  let count = 7;
  let time = 100;
  return steps.map(({ executed, waited, kind, port, bytes, address, cpus, ram }): RunEvent => {
    count += executed;
    time += executed * NANOSECONDS + waited;
    const place = { count, time };
    if (kind === 'checkpoint') return { kind, ...place, address, cpus, ...(ram === undefined ? {} : { ram }) };
    return kind === 'reset' ? { kind, ...place } : { kind: kind as 'sent', port, ...place, bytes };
  });
}

function chunkOf(events: readonly RunEvent[]): Uint8Array {
  const writer = new ChunkWriter(NANOSECONDS, { count: 7, time: 100 });
  for (const event of events) writer.add(event);
  return writer.take();
}

const read = (chunk: Uint8Array): RunEvent[] => [...readChunk(new StateReader(chunk, 'F'), NANOSECONDS)];

it('events come back from a chunk as they were', () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const events = eventsOf(steps);
      expect(read(chunkOf(events))).toEqual(events);
    }),
  );
});

it('an event whose time follows from its count takes three bytes and its data', () => {
  const before = eventsOf(
    [{ kind: 'sent', port: 'net0', executed: 1, waited: 0 } as Step].map((s) => ({ ...s, bytes: new Uint8Array(1) })),
  );
  const more: RunEvent = {
    kind: 'sent',
    port: 'net0',
    count: 108,
    time: before[0]!.time + 400,
    bytes: new Uint8Array(9),
  };
  expect(chunkOf([...before, more]).length - chunkOf(before).length).toBe(4 + 9);
});

it('bytes that are no chunk are refused in one line, or are events in their order', () => {
  let refused = 0;
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 5 }),
      fc.array(fc.tuple(fc.nat(), fc.nat(255))),
      fc.nat(),
      (steps, changes, cut) => {
        const chunk = Uint8Array.from(chunkOf(eventsOf(steps)));
        for (const [at, value] of changes) chunk[at % chunk.length] = value;
        let place = { count: 0, time: 0 };
        try {
          for (const event of readChunk(
            new StateReader(chunk.subarray(0, cut % (chunk.length + 1)), 'F'),
            NANOSECONDS,
          )) {
            expect(event.count).toBeGreaterThanOrEqual(place.count);
            expect(event.time).toBeGreaterThanOrEqual(place.time);
            place = event;
          }
        } catch (error) {
          refused++;
          expect(error).toBeInstanceOf(PlinthError);
          expect((error as Error).message).toMatch(/^F is not valid at byte \d+: .*$/);
        }
      },
    ),
    { numRuns: 2000 },
  );
  expect(refused).toBeGreaterThan(200);
});
