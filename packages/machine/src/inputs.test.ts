// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { type Input, Inputs } from './inputs.js';
import type { Machine } from './machine.js';
import { CpuTest, DATA, describeEngines, EngineUnderTest, ENGINES } from './testing/contract.js';
import { here } from './testing/mnemonics.js';
import { notingProgram } from './testing/noting-program.js';

/** An `Inputs` at a place that the test moves, with a port that takes up to `room` bytes at a time. */
function bench(room = 100) {
  const place = { count: 0, time: 0 };
  const noted: Input[] = [];
  const received: number[] = [];
  const calls: string[] = [];
  const inputs = new Inputs({
    place: () => ({ ...place }),
    settle: () => calls.push('settle'),
    answered: () => calls.push('answered'),
    onInput: (input) => noted.push(input),
  });
  inputs.connect('net', {
    receive: (bytes) => {
      received.push(...bytes.subarray(0, room));
      return Math.min(room, bytes.length);
    },
  });
  return { place, noted, received, calls, inputs };
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe('inputs', () => {
  it('are noted with count, time and what was taken of them, as they were then', () => {
    const { place, noted, received, calls, inputs } = bench(2);
    Object.assign(place, { count: 7, time: 28 });
    const data = bytes(1, 2, 3);
    expect(inputs.send('net', data)).toBe(2);
    data.fill(0);
    expect(received).toEqual([1, 2]);
    expect(calls).toEqual(['settle']);
    expect(noted).toEqual([{ kind: 'sent', port: 'net', count: 7, time: 28, bytes: bytes(1, 2) }]);
    expect(inputs.ports).toEqual(['net']);
  });

  it('are none when nothing takes them', () => {
    const { noted, inputs } = bench(0);
    expect(inputs.send('net', bytes(1))).toBe(0);
    expect(inputs.send('tape', bytes(1))).toBe(0);
    expect(noted).toEqual([]);
  });

  it('come again where they came, and keep everything else out meanwhile', () => {
    const { place, noted, received, inputs } = bench();
    const input = (count: number, time: number, value: number): Input => ({
      kind: 'sent',
      port: 'net',
      count,
      time,
      bytes: bytes(value),
    });
    inputs.play([input(5, 20, 1), input(5, 30, 2), input(9, 60, 3)]);
    inputs.deliver();
    expect(received).toEqual([]);
    expect(inputs.send('net', bytes(9))).toBe(0);
    Object.assign(place, { count: 5, time: 20 });
    inputs.deliver();
    expect(received).toEqual([1]);
    expect(inputs.next).toMatchObject({ count: 5, time: 30 });
    place.time = 30;
    inputs.deliver();
    Object.assign(place, { count: 9, time: 60 });
    expect(inputs.playing).toBe(true);
    inputs.deliver();
    expect(received).toEqual([1, 2, 3]);
    expect(inputs.playing).toBe(false);
    expect(inputs.send('net', bytes(9))).toBe(1);
    expect(noted).toHaveLength(1);
  });

  it('answers a question once from the host, and then from the recording', () => {
    const { place, noted, calls, inputs } = bench();
    place.count = 3;
    expect(inputs.answer('clock', () => bytes(8))).toEqual(bytes(8));
    inputs.play(noted);
    expect(inputs.next).toBeUndefined();
    inputs.deliver();
    expect(inputs.answer('clock', () => bytes(1))).toEqual(bytes(8));
    expect(calls).toEqual(['answered']);
    expect(noted).toHaveLength(1);
  });

  it('says what differs when a recording does not fit', () => {
    const { place, inputs } = bench(1);
    inputs.play([{ kind: 'sent', port: 'net', count: 4, time: 16, bytes: bytes(1, 2) }]);
    place.count = 3;
    expect(() => inputs.answer('clock', () => bytes(1))).toThrow(
      'recorded input for net, due at instruction 4: the guest asks clock at instruction 3; the recording is of another',
    );
    Object.assign(place, { count: 4, time: 16 });
    expect(() => inputs.deliver()).toThrow('its port took 1 of 2 bytes');
    place.count = 5;
    expect(() => inputs.deliver()).toThrow('the run is at instruction 5 already');
  });
});

/** Instructions after which the recorded run ends. */
const END = 3000;

/** Runs as a terminal does: real time passes in waits, and keys come whenever they like. */
function live(machine: Machine): void {
  const keys = [...'plinth'].map((key, i) => ({ at: 150_000 * i * i + 7_777 * i, key }));
  for (;;) {
    while (keys[0] !== undefined && keys[0].at <= machine.clock.now()) {
      expect(machine.inputs.send('console', bytes(keys.shift()!.key.charCodeAt(0)))).toBe(1);
    }
    const stop = machine.run({ until: Math.min(END, machine.count + 10), waitForEvents: true });
    if (stop.kind === 'waiting') machine.passTime(Math.min(33_333, stop.until - machine.clock.now()));
    else if (machine.count >= END) return;
  }
}

describeEngines('a recorded run', (engine) => {
  it('repeats itself on every engine, in whatever slices', () => {
    const inputs: Input[] = [];
    const recorded = notingProgram(new CpuTest(engine.machine({ onInput: (input) => inputs.push(input) }))).machine;
    live(recorded);
    expect(inputs.map((input) => String.fromCharCode(...input.bytes)).join('')).toBe('plinth');
    expect(recorded.memory.peek(DATA + 5 * 12, 4)).toBe('h'.charCodeAt(0));
    const left = [0, 1, 2, 3, 4, 5].map((i) => recorded.memory.peek(DATA + 12 * i + 4, 4));
    expect(new Set(left).size).toBeGreaterThan(2);
    for (const kind of ENGINES) {
      for (const slice of [1, 97, END]) {
        const played = notingProgram(new CpuTest(new EngineUnderTest(kind).machine())).machine;
        played.inputs.play(inputs);
        while (played.count < END) played.run({ until: Math.min(END, played.count + slice) });
        expect(played.inputs.playing).toBe(false);
        expect([played.stateHash(), played.count]).toEqual([recorded.stateHash(), recorded.count]);
        expect(played.clock.now()).toBe(recorded.clock.now());
      }
    }
  });

  it('is refused by a run that it does not belong to', () => {
    const machine = new CpuTest(engine.machine()).code([here()]).start().machine;
    const many = new Uint8Array(200);
    machine.inputs.play([{ kind: 'sent', port: 'console', count: 50, time: 200, bytes: many }]);
    expect(() => machine.run({ until: 100 })).toThrow('recorded input for console, due at instruction 50');
  });
});
