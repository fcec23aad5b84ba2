// SPDX-License-Identifier: Apache-2.0
// A recorded run as a debugger's target: stops forwards and backwards, the ends of the history, and what may not be done.

import {
  GdbStub,
  addHistoryCommands,
  History,
  MachineTarget,
  ReplayDriver,
  type StopPoint,
  type TargetStop,
} from '@plinth/observe';
import { beforeEach, describe, expect, it } from 'vitest';
import { BareDriver } from '../../packages/observe/src/testing/bare-driver.js';
import { Random } from '../fuzz/random.js';
import { RecordedMachine } from './recorded-machine.js';
import { SCENES } from './scenes.js';

const ENGINES = ['interpreter', 'translator', 'translator-forced'] as const;
const HANDLER = 0x4000_4100;
const COUNTER = 0x4000_8000;
const SCENE = SCENES[0]!;
const ALL = new Map([[1, { kind: 'continue' } as const]]);
const STEP = new Map([[1, { kind: 'step' } as const]]);

describe.each(ENGINES)('a recorded run under a debugger (%s)', (engine) => {
  let history: History;
  let target: MachineTarget;
  let stops: TargetStop[];

  beforeEach(async () => {
    const recorded = new RecordedMachine((options) => SCENE.make('translator', options), { interval: 700 });
    await SCENE.live(recorded, new Random(3));
    const driver = new BareDriver(SCENE.make(engine));
    history = new History(driver, await recorded.recording());
    const replay = new ReplayDriver(driver, history);
    target = new MachineTarget({ driver: replay, machine: driver.machine, past: replay, paused: true });
    stops = [];
    target.attach((stop) => stops.push(stop));
  });

  /** Where a resumed target stops, and why. */
  function resumed(how: typeof ALL | typeof STEP = ALL): unknown {
    target.resume(how);
    while (target.next().kind === 'run') target.runSlice(1000, false);
    return whereStopped();
  }

  function whereStopped(): unknown {
    const { pc, reason } = { pc: history.machine.cpu.state.reg(15) >>> 0, reason: stops.at(-1)?.reason };
    return { count: history.count, pc, reason };
  }

  function back(how: 'step' | 'continue'): unknown {
    target.reverse![how](1);
    return whereStopped();
  }

  const breakpoint: StopPoint = { kind: 'software', address: HANDLER, length: 4 };
  const watchpoint: StopPoint = { kind: 'write', address: COUNTER, length: 4 };

  it('meets a breakpoint backwards where it was met forwards', () => {
    const end = target.stopAt(breakpoint);
    const forwards = [resumed(), (resumed(STEP), resumed()), (resumed(STEP), resumed())];
    expect(forwards).toMatchObject([{ pc: HANDLER, reason: { kind: 'software' } }, { pc: HANDLER }, { pc: HANDLER }]);
    expect(back('continue')).toEqual(forwards[1]);
    expect(back('continue')).toEqual(forwards[0]);
    expect(back('continue')).toMatchObject({ count: 0, reason: { kind: 'history', end: 'begin' } });
    expect(back('step')).toMatchObject({ count: 0, reason: { kind: 'history', end: 'begin' } });
    expect(resumed()).toEqual(forwards[0]);
    end();
    expect(resumed()).toMatchObject({ reason: { kind: 'history', end: 'end' } });
    expect(resumed()).toMatchObject({ reason: { kind: 'history', end: 'end' } });
  });

  it('stops right behind a watched write backwards, and before it forwards', () => {
    target.stopAt(watchpoint);
    const reason = { kind: 'write', address: COUNTER };
    const value = (): number => history.machine.memory.peek(COUNTER, 4)!;
    const first = resumed();
    expect([first, value()]).toMatchObject([{ reason }, 0]);
    // The same write is passed when the target goes on.
    const second = resumed();
    expect([second, value()]).toMatchObject([{ reason }, 1]);
    const { count } = second as { count: number };
    expect(resumed()).toMatchObject({ reason });
    expect([back('continue'), value()]).toMatchObject([{ count: count + 1, reason }, 2]);
    expect([back('step'), value()]).toMatchObject([{ count }, 1]);
    expect(resumed()).toEqual(second);
  });

  it('can only be looked at', () => {
    const state = history.machine.stateHash();
    expect(target.writeMemory(1, COUNTER, Uint8Array.of(1))).toBe(false);
    expect(target.writeRegister(1, 0, Uint8Array.of(1, 2, 3, 4))).toBe(false);
    target.reset();
    expect(history.machine.stateHash()).toBe(state);
  });

  it('steps through interrupts as they came', () => {
    const counts = Array.from({ length: 400 }, () => (resumed(STEP) as { count: number }).count);
    expect(counts).toEqual(counts.map((_, n) => n + 1));
    expect(back('step')).toMatchObject({ count: 399 });
    target.detach();
    expect(history.run(Infinity)).toEqual({ kind: 'end' });
  });

  it('tells who wrote an address last', async () => {
    const stub = new GdbStub(target);
    addHistoryCommands(stub.monitor, target, history, () => 'handler');
    const say = (line: string): Promise<string> => stub.monitor.run(line, 1);
    expect(await say(`last-write ${COUNTER}`)).toBe('0x40008000: not written since instruction 0\n');
    resumed();
    expect(await say(`last-write 0x40008000`)).toMatch(
      /^0x40008000: 0x0000\w+ -> 0x0000\w+\nwritten by the instruction at 0x40004110 <handler>\nafter \d+ instructions, \d+ before here\n$/,
    );
    expect(await say('last-write 0x40008002 2')).toMatch(/^0x40008002: 0000 -> 0000\n/);
    expect(await say('last-write 0x10')).toBe('0x00000010: there is no RAM\n');
    expect(await say('last-write')).toBe('last-write: "" is no number up to 4294967295\n');
    expect(await say('info history')).toMatch(
      /^instruction \d+; the recording begins at 0; kept: \d+ places, [\d.]+ MiB\n$/,
    );
  });
});
