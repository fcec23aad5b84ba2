// SPDX-License-Identifier: Apache-2.0
// Going back in a run that goes on: the past is what it was, the present is found again as it was left, and from there the
// run goes on as if nobody had looked.

import type { Input, Machine } from '@plinth/machine';
import { DEBUGGER_PORT, LiveDriver, MachineTarget, type StopPoint, type TargetStop } from '@plinth/observe';
import { describe, expect, it } from 'vitest';
import { BareDriver } from '../../packages/observe/src/testing/bare-driver.js';
import { Random } from '../fuzz/random.js';
import { type Scene, SCENES } from './scenes.js';

const ENGINES = ['interpreter', 'translator', 'translator-forced'] as const;
type Engine = (typeof ENGINES)[number];
const HANDLER = 0x4000_4100;
const COUNTER = 0x4000_8000;

function begin(scene: Scene, engine: Engine): LiveDriver {
  const machine = scene.make(engine, { onInput: (input: Input) => live.recorder.input(input) });
  const live: LiveDriver = LiveDriver.begin(new BareDriver(machine), { now: () => 0, interval: 700 });
  return live;
}

function stateOf(machine: Machine): unknown {
  return [machine.count, machine.clock.now(), machine.stateHash(), machine.cpu.state.reg(15)];
}

/** Lives as scenes do; `between` is called between two slices. Gives the states after each. */
function liveOn(driver: LiveDriver, scene: Scene, random: Random, between: (round: number) => void): unknown[] {
  const states: unknown[] = [];
  for (let round = 0; round < 60; round++) {
    between(round);
    if (scene.name === 'network frames') {
      driver.send(
        'net0',
        Uint8Array.from({ length: 14 + random.below(1500) }, () => random.below(256)),
      );
    } else if (random.below(4) === 0) driver.send('console', Uint8Array.of(33 + random.below(90)));
    const stop = driver.runSlice(1 + random.below(400), true);
    if (stop.kind === 'waiting') driver.passTime(1 + random.below(40_000));
    states.push(stateOf(driver.history.machine));
  }
  return states;
}

/** From the past to the present, as a run loop goes. */
function comeBack(driver: LiveDriver, random: Random): void {
  while (driver.past) {
    expect(driver.send('console', Uint8Array.of(65))).toBe(0);
    driver.passTime(1000);
    driver.runSlice(1 + random.below(500), true);
  }
  expect(driver.ended).toEqual({ kind: 'end' });
}

describe.each(SCENES.map((scene) => [scene.name, scene] as const))('a live run of %s', (_name, scene) => {
  it.each(ENGINES)('is what it would be if nobody went back (%s)', (engine) => {
    // Places where the run is looked at are checkpoints: they are in both.
    const looks = (round: number): boolean => round % 7 === 3;
    const plain = begin(scene, engine);
    const places = new Map<number, unknown>();
    const expected = liveOn(plain, scene, new Random(5), (round) => {
      if (looks(round) && !plain.recorder.atCheckpoint) plain.recorder.checkpoint();
    });
    for (const state of expected) places.set((state as number[])[0]!, state);
    const driver = begin(scene, engine);
    const { history } = driver;
    const random = new Random(9);
    let travels = 0;
    const states = liveOn(driver, scene, new Random(5), (round) => {
      if (!looks(round)) return;
      const here = stateOf(history.machine);
      for (let n = 0; n < 3; n++) {
        const [count] = [...places.keys()].filter((place) => place < history.count).slice(-1 - random.below(20));
        if (count === undefined) continue;
        history.seek(count);
        travels++;
        if (n === 1) comeBack(driver, random);
      }
      if (driver.past) comeBack(driver, random);
      expect(stateOf(history.machine)).toEqual(here);
    });
    expect(travels).toBeGreaterThan(10);
    expect(states).toEqual(expected);
  });
});

describe.each(ENGINES)('a live run under a debugger (%s)', (engine) => {
  function debugged() {
    const driver = begin(SCENES[0]!, engine);
    const { machine } = driver.history;
    const target = new MachineTarget({
      driver,
      machine,
      past: driver,
      paused: true,
      lookOnly: true,
      change: (bytes) => driver.send(DEBUGGER_PORT, bytes) > 0,
    });
    const stops: TargetStop[] = [];
    target.attach((stop) => stops.push(stop));
    const where = (): unknown => ({
      count: machine.count,
      pc: machine.cpu.state.reg(15) >>> 0,
      reason: stops.at(-1)?.reason,
      message: stops.at(-1)?.message,
    });
    const resume = (how: 'step' | 'continue' = 'continue'): unknown => {
      target.resume(new Map([[1, { kind: how }]]));
      while (target.next().kind === 'run') target.runSlice(1000, false);
      return where();
    };
    const back = (how: 'step' | 'continue'): unknown => {
      target.reverse![how](1);
      return where();
    };
    return { driver, target, resume, back };
  }
  const breakpoint: StopPoint = { kind: 'software', address: HANDLER, length: 4 };
  const watchpoint: StopPoint = { kind: 'write', address: COUNTER, length: 4 };

  it('goes back to the write that a watchpoint finds, and on past the present', () => {
    const { driver, target, resume, back } = debugged();
    const { machine } = driver.history;
    const value = (): number => machine.memory.peek(COUNTER, 4)!;
    target.stopAt(breakpoint);
    for (let n = 0; n < 6; n++) resume();
    const present = { count: machine.count, value: value() };
    expect(present.value).toBeGreaterThan(2);
    const end = target.stopAt(watchpoint);
    // The breakpoint lies before the write of the same interrupt.
    expect(back('continue')).toMatchObject({ reason: { kind: 'write', address: COUNTER } });
    expect([driver.past, value()]).toEqual([true, present.value]);
    expect(back('step')).toMatchObject({ pc: HANDLER + 0x10 });
    expect(value()).toBe(present.value - 1);
    expect(back('continue')).toMatchObject({ pc: HANDLER, reason: { kind: 'software' } });
    end();
    for (let n = 0; target.past && n < 20; n++) resume();
    expect(machine.count).toBe(present.count);
    // As GDB does where it stands at a breakpoint.
    const again = (resume('step'), resume()) as { count: number };
    expect(again).toMatchObject({ pc: HANDLER, reason: { kind: 'software' } });
    expect(again.count).toBeGreaterThan(present.count);
  });

  it('says where the present is, and lives on from there', () => {
    const { driver, target, resume, back } = debugged();
    const end = target.stopAt(breakpoint);
    const present = (resume(), resume()) as { count: number };
    end();
    back('step');
    back('step');
    expect(driver.past).toBe(true);
    expect(resume()).toMatchObject({
      count: present.count,
      reason: { kind: 'history', end: 'end' },
      message: expect.stringContaining('present') as string,
    });
    expect(resume('step')).toMatchObject({ count: present.count + 1, reason: undefined });
    expect(driver.past).toBe(false);
  });

  it('takes changes in the present, repeats them, and refuses them in the past', () => {
    const { driver, target, resume, back } = debugged();
    const { machine } = driver.history;
    const end = target.stopAt(breakpoint);
    const value = (): number => machine.memory.peek(COUNTER, 4)!;
    const place = (resume(), resume()) as { count: number };
    const before = value();
    expect(target.writeMemory(1, COUNTER, Uint8Array.of(0, 1, 0, 0))).toBe(true);
    expect(target.writeRegister(1, 4, Uint8Array.of(1, 2, 3, 4))).toBe(true);
    expect(target.writeRegister(1, 99, Uint8Array.of(1, 2, 3, 4))).toBe(false);
    expect(value()).toBe(256);
    end();
    for (let n = 0; n < 12; n++) resume('step');
    expect(value()).toBe(257);
    const present = driver.history.machine.stateHash();
    while (machine.count > place.count) back('step');
    expect(value()).toBe(256);
    expect(target.writeMemory(1, COUNTER, Uint8Array.of(9))).toBe(false);
    back('step');
    expect([value(), machine.cpu.state.reg(4)]).not.toContain(0x0403_0201);
    expect(value()).toBe(before);
    resume();
    expect(driver.past).toBe(false);
    expect(machine.stateHash()).toBe(present);
  });
});
