// SPDX-License-Identifier: Apache-2.0
// The loop around a scripted machine, in a scripted time: limits, pacing, input that wakes, back-pressure, ways to end.

import { describe, expect, it } from 'vitest';
import type { Console, ConsoleEvents } from './console.js';
import type { HostTime } from './host-time.js';
import type { DriverStop, MachineDriver } from './machine-driver.js';
import { type LiveSource, type RunDebugger, runLoop, type RunLoopOptions, type RunOrder } from './run-loop.js';

/** Host time that only passes in `sleep`, and things that happen at set times. */
class ScriptedTime implements HostTime {
  milliseconds: number = 0;
  slept: number[] = [];
  readonly events: { at: number; action: () => void }[] = [];
  #woken: boolean = false;

  now(): number {
    return this.milliseconds;
  }
  wake(): void {
    this.#woken = true;
  }
  async sleep(milliseconds: number): Promise<void> {
    const end = this.milliseconds + milliseconds;
    while (!this.#woken) {
      const event = this.events.find(({ at }) => at <= end);
      if (event === undefined) break;
      this.events.splice(this.events.indexOf(event), 1);
      this.milliseconds = Math.max(this.milliseconds, event.at);
      event.action();
    }
    if (!this.#woken) this.milliseconds = end;
    this.#woken = false;
    this.slept.push(milliseconds);
  }
  async yield(): Promise<void> {
    // nothing happens but what is scripted
  }
}

/** 1 ns an instruction; each slice does the next step, and the last step for ever. */
class ScriptedMachine implements MachineDriver {
  instructions: number = 0;
  idle: number = 0;
  resets: number = 0;
  received: string = '';
  room: number = Infinity;
  readonly steps: ((budget: number) => { stop: DriverStop; executed?: number; output?: string })[];
  #output: string = '';

  constructor(...steps: ScriptedMachine['steps']) {
    this.steps = steps;
  }
  get virtualTime(): number {
    return this.instructions + this.idle;
  }
  send(_port: string, bytes: Uint8Array): number {
    const taken = bytes.subarray(0, this.room);
    this.received += Buffer.from(taken).toString();
    return taken.length;
  }
  personalize(): void {
    // there is no clock
  }
  endSlicesAt(): void {
    // slices are as scripted
  }
  takeOutput(): Uint8Array {
    const bytes = Buffer.from(this.#output);
    this.#output = '';
    return bytes;
  }
  takeFindings(): readonly [] {
    return [];
  }
  runSlice(budget: number): DriverStop {
    const step = this.steps.length > 1 ? this.steps.shift() : this.steps[0];
    const { stop, executed = 0, output = '' } = step!(budget);
    this.instructions += executed;
    this.#output += output;
    return stop;
  }
  passTime(nanoseconds: number): void {
    this.idle += nanoseconds;
  }
  reset(): void {
    this.resets++;
  }
  stateHash(): string {
    return '';
  }
  async saveSnapshot(): Promise<readonly Uint8Array[]> {
    return [];
  }
  [Symbol.dispose](): void {
    // nothing is held
  }
}

class ScriptedConsole implements Console {
  live: boolean = false;
  written: string = '';
  accepts: boolean = true;
  events!: ConsoleEvents;
  start(events: ConsoleEvents): void {
    this.events = events;
  }
  write(bytes: Uint8Array): boolean {
    this.written += Buffer.from(bytes).toString();
    return this.accepts;
  }
  async close(): Promise<void> {
    // nothing is held
  }
}

const RUN = (budget: number): { stop: DriverStop; executed: number } => ({ stop: { kind: 'slice' }, executed: budget });
const OFF = (): { stop: DriverStop } => ({ stop: { kind: 'shutdown' } });

function setUp(machine: ScriptedMachine, options: Partial<RunLoopOptions> = {}) {
  const time = new ScriptedTime();
  const console = new ScriptedConsole();
  const all = {
    machine,
    console,
    time,
    limits: {},
    realtime: false,
    restart: true,
    onFinding: () => undefined,
    ...options,
  };
  return { machine, console, time, run: () => runLoop(all) };
}

describe('runLoop', () => {
  it('ends when the guest shuts down and has handed on all output', async () => {
    const { run, console } = setUp(
      new ScriptedMachine(
        (budget) => ({ ...RUN(budget), output: 'one ' }),
        () => ({ ...OFF(), output: 'two' }),
      ),
    );
    expect(await run()).toEqual({ exit: { kind: 'shutdown' }, output: 7, hostTime: 0 });
    expect(console.written).toBe('one two');
  });

  it('stops exactly at the limit of instructions', async () => {
    const { run, machine } = setUp(new ScriptedMachine(RUN), { limits: { instructions: 1_234_567 } });
    expect((await run()).exit).toEqual({ kind: 'limit', limit: 'instructions' });
    expect(machine.instructions).toBe(1_234_567);
  });

  it('stops at the limit of output in the middle of a slice', async () => {
    const { run, console } = setUp(new ScriptedMachine((budget) => ({ ...RUN(budget), output: 'abcd' })), {
      limits: { output: 6 },
    });
    expect(await run()).toMatchObject({ exit: { kind: 'limit', limit: 'output' }, output: 6 });
    expect(console.written).toBe('abcdab');
  });

  it('stops at the limit of seconds, also while the guest waits', async () => {
    const forever: DriverStop = { kind: 'waiting', until: 1e15 };
    const { run, time } = setUp(new ScriptedMachine(() => ({ stop: forever })), {
      limits: { seconds: 3 },
      realtime: true,
    });
    expect((await run()).exit).toEqual({ kind: 'limit', limit: 'seconds' });
    expect(time.milliseconds).toBe(3000);
  });

  it('keeps virtual time to real time when the guest waits for an event', async () => {
    const { run, time, machine } = setUp(new ScriptedMachine(() => ({ stop: { kind: 'waiting', until: 40e6 } }), OFF), {
      realtime: true,
    });
    await run();
    expect(time.milliseconds).toBe(40);
    expect(machine.virtualTime).toBe(40e6);
  });

  it('lets a machine that runs ahead of real time wait', async () => {
    const { run, time } = setUp(new ScriptedMachine(() => ({ stop: { kind: 'slice' }, executed: 30e6 }), OFF), {
      realtime: true,
    });
    await run();
    expect(time.slept).toEqual([30]);
  });

  it('lets input in when it comes, not when the next event is due', async () => {
    const { run, machine, time, console } = setUp(
      new ScriptedMachine(() => ({ stop: { kind: 'waiting', until: 1000e6 } }), OFF),
      { realtime: true },
    );
    time.events.push({ at: 250, action: () => console.events.input(Buffer.from('x')) });
    await run();
    expect(time.milliseconds).toBe(250);
    expect(machine.virtualTime).toBe(250e6);
    expect(machine.received).toBe('x');
  });

  it('waits for input where someone may type, and gives up where nobody can', async () => {
    const idle = (): { stop: DriverStop } => ({ stop: { kind: 'idle' } });
    const live = setUp(new ScriptedMachine(idle, OFF));
    live.console.live = true;
    live.time.events.push({ at: 9000, action: () => live.console.events.input(Buffer.from('y')) });
    expect((await live.run()).exit).toEqual({ kind: 'shutdown' });
    expect(live.machine.received).toBe('y');
    expect((await setUp(new ScriptedMachine(idle)).run()).exit).toEqual({ kind: 'idle' });
  });

  it('offers again what the serial port had no room for', async () => {
    const { run, machine, console } = setUp(
      new ScriptedMachine(
        (budget) => {
          console.events.input(Buffer.from('abcdef'));
          return RUN(budget);
        },
        RUN,
        RUN,
        RUN,
        OFF,
      ),
    );
    machine.room = 2;
    await run();
    expect(machine.received).toBe('abcdef');
  });

  it('lets the machine wait for a slow reader', async () => {
    const { run, console, time } = setUp(new ScriptedMachine((budget) => ({ ...RUN(budget), output: 'much' }), OFF));
    console.accepts = false;
    time.events.push({ at: 700, action: () => console.events.drain() });
    await run();
    expect(time.milliseconds).toBe(700);
  });

  it('starts again after a reset, unless it may not', async () => {
    const reset = (): { stop: DriverStop } => ({ stop: { kind: 'reset' } });
    const { run, machine } = setUp(new ScriptedMachine(reset, OFF));
    expect((await run()).exit).toEqual({ kind: 'shutdown' });
    expect(machine.resets).toBe(1);
    expect((await setUp(new ScriptedMachine(reset, OFF), { restart: false }).run()).exit).toEqual({ kind: 'reset' });
  });

  it('ends when the user leaves, even from a machine that never stops', async () => {
    const { run, console } = setUp(
      new ScriptedMachine(RUN, (budget) => {
        console.events.leave();
        return RUN(budget);
      }),
    );
    expect((await run()).exit).toEqual({ kind: 'user' });
  });

  it('ends at a count that does not depend on the host’s speed when output is awaited', async () => {
    const counts = [1, 30].map(async (milliseconds) => {
      const machine = new ScriptedMachine(
        ...Array.from({ length: 9 }, () => (budget: number) => {
          time.milliseconds += milliseconds;
          return RUN(budget);
        }),
        (budget: number) => ({ ...RUN(budget), output: 'done' }),
      );
      const { run, time } = setUp(machine, { onOutput: (bytes) => Buffer.from(bytes).toString() === 'done' });
      await run();
      return machine.instructions;
    });
    expect(await counts[0]).toBe(await counts[1]);
  });

  it('passes on how a program ended', async () => {
    const { run } = setUp(new ScriptedMachine(() => ({ stop: { kind: 'exit', status: 7 } })));
    expect((await run()).exit).toEqual({ kind: 'exit', status: 7 });
  });

  it('saves at a count, at a text and when asked, and runs on', async () => {
    const counted = setUp(new ScriptedMachine(RUN), {
      limits: { instructions: 3_000_000 },
      snapshot: { at: 1_234_567, save: async () => void places.push(counted.machine.instructions) },
    });
    const places: number[] = [];
    expect((await counted.run()).exit).toEqual({ kind: 'limit', limit: 'instructions' });
    expect(places).toEqual([1_234_567]);

    const said: string[] = [];
    const step = (output: string) => (budget: number) => ({
      stop: { kind: 'slice' } as const,
      executed: budget,
      output,
    });
    const { console, run } = setUp(new ScriptedMachine(step('boot log'), step('in: '), step('more'), OFF), {
      snapshot: { at: 'login:', save: async () => void said.push(console.written) },
    });
    expect((await run()).exit).toEqual({ kind: 'shutdown' });
    expect(said).toEqual(['boot login: ']);

    const asked = setUp(new ScriptedMachine(RUN, () => (asked.console.events.save(), OFF())), {
      snapshot: { save: async () => void said.push('never: the guest is off') },
    });
    await asked.run();
    expect(said).toHaveLength(1);
  });

  it('keeps what is typed until the guest is ready, and sends the request first', async () => {
    const type = (text: string) => () => console.events.input(Buffer.from(text));
    const step =
      (output: string, then: () => void = () => undefined) =>
      (executed: number) => {
        then();
        return { stop: { kind: 'slice' } as const, executed, output };
      };
    const machine: ScriptedMachine = new ScriptedMachine(
      step('boot', type('early ')),
      step('more <rea'),
      step('dy> last', () => expect(machine.received).toBe('')),
      step('prompt'),
      () => ({ stop: { kind: 'reset' } }),
      step('again', type('held ')),
      step('<ready>', () => expect(machine.received).toBe('request 1 early ')),
      RUN,
      OFF,
    );
    let requests = 0;
    const request = async (): Promise<Uint8Array> => Buffer.from(`request ${++requests} `);
    const { console, run } = setUp(machine, { ready: { mark: Buffer.from('<ready>'), state: 'booting', request } });
    const { output } = await run();
    expect(machine.received).toBe('request 1 early request 2 held ');
    expect(console.written).toBe('bootmore <rea lastpromptagain');
    expect(output).toBe(0);
    const resumed = setUp(new ScriptedMachine(RUN, OFF), { ready: { mark: Buffer.of(7), state: 'ready', request } });
    await resumed.run();
    expect(resumed.machine.received).toBe('request 3 ');
  });
});

class ScriptedNetwork implements LiveSource {
  wake: () => void = () => undefined;
  frames: number = 0;
  connected: boolean = true;
  busy: boolean = false;
  room: boolean = true;

  start(wake: () => void): void {
    this.wake = wake;
  }
  offer(): boolean {
    if (!this.room || this.frames === 0) return false;
    this.frames--;
    return true;
  }
  get waiting(): boolean {
    return this.frames > 0;
  }
}

describe('a network', () => {
  const MS = 1e6;

  it('keeps an idle machine alive and wakes it', async () => {
    const machine = new ScriptedMachine(() => ({ stop: { kind: 'idle' } }), OFF);
    const network = new ScriptedNetwork();
    const { time, run } = setUp(machine, { realtime: true, network });
    time.events.push({ at: 70, action: () => { network.frames++; network.wake(); } }); // prettier-ignore
    expect((await run()).exit).toEqual({ kind: 'shutdown' });
    expect(time.milliseconds).toBe(70);
    expect(network.frames).toBe(0);
  });

  it('wakes a machine that waits at the time at which a frame comes', async () => {
    const machine = new ScriptedMachine(() => ({ stop: { kind: 'waiting', until: 100 * MS } }), OFF);
    const network = new ScriptedNetwork();
    const { time, run } = setUp(machine, { realtime: true, network });
    time.events.push({ at: 30, action: () => { network.frames++; network.wake(); } }); // prettier-ignore
    await run();
    expect(machine.virtualTime).toBe(30 * MS);
  });

  it('lets no timer of an idle machine run out much sooner than for its peer', async () => {
    const machine = new ScriptedMachine(
      () => ({ stop: { kind: 'waiting', until: 100 * MS } }),
      () => ({ stop: { kind: 'waiting', until: 1100 * MS } }),
      OFF,
    );
    const network = new ScriptedNetwork();
    const { time, run } = setUp(machine, { realtime: true, network });
    // The host was busy with something else for ten seconds.
    network.start = (wake) => { network.wake = wake; time.milliseconds += 10_000; }; // prettier-ignore
    await run();
    expect(time.slept).toEqual([80, 800]);
    expect(machine.virtualTime).toBe(1100 * MS);
  });

  it('does not make a machine run ahead of time', async () => {
    const machine = new ScriptedMachine(() => ({ stop: { kind: 'slice' }, executed: 100 * MS }), OFF);
    const network = new ScriptedNetwork();
    const { time, run } = setUp(machine, { realtime: true, network });
    time.events.push({ at: 30, action: () => { network.frames++; network.wake(); } }); // prettier-ignore
    await run();
    expect(time.milliseconds).toBe(100);
  });

  it('makes slices short while it is busy', async () => {
    const budgets: number[] = [];
    const machine = new ScriptedMachine((budget) => {
      budgets.push(budget);
      return OFF();
    });
    const network = new ScriptedNetwork();
    const { run } = setUp(machine, { network });
    network.busy = true;
    await run();
    expect(budgets).toEqual([20_000]);
  });

  it('is not offered again at once what there was no room for', async () => {
    const machine = new ScriptedMachine(
      () => ({ stop: { kind: 'waiting', until: 50 * MS } }),
      () => ({ stop: { kind: 'waiting', until: 50 * MS } }),
      OFF,
    );
    const network = new ScriptedNetwork();
    network.frames = 1;
    network.room = false;
    const { time, run } = setUp(machine, { realtime: true, network });
    await run();
    expect(time.slept[0]).toBe(50);
  });
});

/** A debugger that gives its orders at set calls of `next`, and runs a machine as it is. */
class ScriptedDebugger implements RunDebugger {
  readonly orders: RunOrder[];
  attached: boolean = true;
  standing: boolean = false;
  wake: () => void = () => undefined;
  readonly #machine: ScriptedMachine;

  constructor(machine: ScriptedMachine, ...orders: RunOrder[]) {
    this.#machine = machine;
    this.orders = orders;
  }
  start(wake: () => void): void {
    this.wake = wake;
  }
  next(): RunOrder {
    const order = this.orders.length > 1 ? this.orders.shift()! : this.orders[0]!;
    this.standing = order.kind === 'stay';
    return order;
  }
  runSlice(budget: number): DriverStop {
    return this.#machine.runSlice(budget);
  }
}

describe('a run with a debugger', () => {
  const go: RunOrder = { kind: 'run' };
  const stay: RunOrder = { kind: 'stay' };

  it('stands still until it is woken, and the time of that counts for nothing', async () => {
    const machine = new ScriptedMachine(RUN, OFF);
    const debug = new ScriptedDebugger(machine, stay, stay, go);
    const { run, time } = setUp(machine, { debug, limits: { seconds: 3 } });
    time.events.push({ at: 2000, action: () => debug.wake() }, { at: 4000, action: () => debug.wake() });
    expect(await run()).toMatchObject({ exit: { kind: 'shutdown' }, hostTime: 0 });
    expect(time.milliseconds).toBe(4000);
    expect(machine.instructions).toBeGreaterThan(0);
  });

  it('ends as the debugger says', async () => {
    const machine = new ScriptedMachine(RUN);
    const debug = new ScriptedDebugger(machine, go, { kind: 'end', exit: { kind: 'user' } });
    expect((await setUp(machine, { debug }).run()).exit).toEqual({ kind: 'user' });
  });

  it('lets no time pass when it stops a machine that waits', async () => {
    const machine = new ScriptedMachine(() => ({ stop: { kind: 'waiting', until: 40e6 } }), OFF);
    const debug = new ScriptedDebugger(machine, go, stay, go);
    const { run, time } = setUp(machine, { debug, realtime: true });
    const stop = (): void => {
      debug.standing = true;
      debug.wake();
    };
    time.events.push({ at: 10, action: stop }, { at: 500, action: () => debug.wake() });
    await run();
    // What had passed by then has passed.
    expect(machine.idle).toBe(10e6);
  });

  it('does not end where only waiting is left, as long as someone is there', async () => {
    const machine = new ScriptedMachine(() => ({ stop: { kind: 'idle' } }));
    const debug = new ScriptedDebugger(machine, go);
    const { run, time } = setUp(machine, { debug });
    time.events.push({
      at: 100,
      action: () => {
        debug.attached = false;
        debug.wake();
      },
    });
    expect((await run()).exit).toEqual({ kind: 'idle' });
    expect(time.milliseconds).toBe(100);
  });

  it('looks for the mark of a guest that was reset from outside', async () => {
    const machine = new ScriptedMachine(
      (budget) => ({ ...RUN(budget), output: '[ready]' }),
      RUN,
      (budget) => ({ ...RUN(budget), output: '[ready]' }),
      OFF,
    );
    let requests = 0;
    const request = async (): Promise<Uint8Array> => Buffer.from(`${++requests};`);
    const debug = new ScriptedDebugger(machine, go, go, { kind: 'restarted' }, go);
    const { run } = setUp(machine, {
      debug,
      ready: { mark: Buffer.from('[ready]'), state: 'booting', request },
    });
    await run();
    expect(machine.received).toBe('1;2;');
    expect(machine.resets).toBe(0);
  });
});
