// SPDX-License-Identifier: Apache-2.0
// Drives a machine: slices of instructions, and between them console, limits and, if wanted, the host's clock. The order
// of what the guest sees depends on instruction counts only; the host's time decides when input enters and how long an
// idle machine waits.

import { type Finding, utf8 } from '@plinth/core';
import type { RunExit, RunLimits } from '../run-spec.js';
import type { Console } from './console.js';
import type { HostTime } from './host-time.js';
import type { DriverStop, MachineDriver } from './machine-driver.js';
import { StreamSearch } from './stream-search.js';

/** What brings data besides the console: a network. */
export interface LiveSource {
  /** `wake` is to be called when something has come. */
  start(wake: () => void): void;
  /** Hands over what has come, as far as the machine has room; true if it took anything. */
  offer(): boolean;
  /** Has the guest spoken to someone who keeps time by himself? */
  readonly connected: boolean;
  /** Has something come that was not handed over? */
  readonly waiting: boolean;
  /** Did data pass just now, in either direction? Slices are short then. */
  readonly busy: boolean;
}

/** What a debugger wants of the run before the next slice. */
export type RunOrder =
  | { readonly kind: 'run' }
  /** Nothing, until it wakes the loop: the guest's time stands still. */
  | { readonly kind: 'stay' }
  /** It has reset the machine: that is as when the guest has done so. */
  | { readonly kind: 'restarted' }
  | { readonly kind: 'end'; readonly exit: RunExit };

/** Someone who stops the machine, looks at it and lets it go on. */
export interface RunDebugger {
  /** `wake` is to be called when `next` would say something else. */
  start(wake: () => void): void;
  /** Asked before each slice. */
  next(): RunOrder;
  /** Runs the machine in place of its `runSlice`. What ends a slice for the debugger alone comes back as `slice`. */
  runSlice(maximumInstructions: number, comeBack: boolean): DriverStop;
  /** Nothing is to run, and no time to pass. */
  readonly standing: boolean;
  /** Someone is there, so that a machine which only waits is not at its end. */
  readonly attached: boolean;
  /** It has put the machine back in time: what runs until the present is reached again takes no time. */
  readonly past?: boolean;
}

export interface RunLoopOptions {
  readonly machine: MachineDriver;
  readonly console: Console;
  readonly network?: LiveSource;
  readonly debug?: RunDebugger;
  readonly limits: RunLimits;
  readonly realtime: boolean;
  /** A guest that resets itself starts again; otherwise the run ends there. */
  readonly restart: boolean;
  readonly time: HostTime;
  onFinding(finding: Finding): void;
  /** Saves the machine as it stands; called when the user asks, and once at the place `at`. */
  readonly snapshot?: {
    /** Instructions since power-on, or console output; with output, slices are of one size. */
    readonly at?: number | string;
    save(): Promise<void>;
  };
  /**
   * For a guest that says when it is ready and then waits for a request: what the user types meanwhile is kept until then, and
   * slices are of one size, so that it is at the same instruction each time.
   */
  readonly ready?: {
    /** What the guest says; it is kept from the console. */
    readonly mark: Uint8Array;
    /** The machine was resumed where the guest had just said it; or at some other place. */
    readonly state: 'booting' | 'ready' | 'unknown';
    /** Gives the request; called at each time that the guest is ready. */
    request(): Promise<Uint8Array>;
  };
  /**
   * Sees all output that the console gets; true ends the run as if the guest had shut down. Slices are of one size then,
   * so that it does not depend on the host's speed at which instruction that is.
   */
  onOutput?(bytes: Uint8Array): boolean;
}

export interface RunLoopResult {
  readonly exit: RunExit;
  /** Bytes. */
  readonly output: number;
  /** Milliseconds. */
  readonly hostTime: number;
}

/** Host milliseconds that a slice should take: short enough for keys, long enough to cost nothing. */
const SLICE_TIME = 10;
/** The same while a network is busy: an answer waits for the end of the slice. */
const BUSY_SLICE_TIME = 1;
const FIRST_SLICE = 200_000;
const FIXED_SLICE = 1_000_000;
const MAX_SLICE = 1_000_000_000;
/** Real time may lag by this before a running machine waits. */
const PACE_SLACK = 5;
/**
 * An idle machine that is behind makes up for it, but with a network by this factor at most: the guest would see an
 * answer that takes a millisecond come after seconds, and give up.
 */
const CATCH_UP = 1.25;
const FOREVER = 0x7fff_ffff;

export async function runLoop(options: RunLoopOptions): Promise<RunLoopResult> {
  const { machine, console, network, debug, limits, realtime, time } = options;
  const input: Uint8Array[] = [];
  let left = false;
  let full = false;
  let output = 0;
  let saveAsked = false;
  const { snapshot } = options;
  const text = typeof snapshot?.at === 'string' ? new StreamSearch(utf8(snapshot.at)) : undefined;
  let saveAt = typeof snapshot?.at === 'number' ? snapshot.at : Infinity;
  const { ready } = options;
  let search = ready === undefined ? undefined : new StreamSearch(ready.mark);
  let isReady = ready?.state === 'ready';
  let held = ready?.state === 'booting';
  const places = [ready?.mark.at(-1), typeof snapshot?.at === 'string' ? utf8(snapshot.at).at(-1) : undefined];
  machine.endSlicesAt(places.filter((byte) => byte !== undefined));
  // Where the host's time decides when packets come, nothing is gained by slices of one size.
  const steerable = network !== undefined || (options.onOutput === undefined && text === undefined);
  const steered = (): boolean => steerable && !held;
  let slice = steered() ? FIRST_SLICE : FIXED_SLICE;
  /** Later by what a debugger has stopped the machine for. */
  let start = time.now();
  /** A machine that is ahead of time runs no sooner because packets come. */
  let pacing = false;
  const virtualStart = machine.virtualTime;
  /** Milliseconds by which virtual time is ahead of the host's. */
  const lead = (virtualTime: number): number => (virtualTime - virtualStart) / 1e6 - (time.now() - start);
  console.start({
    input: (bytes) => {
      input.push(Uint8Array.from(bytes));
      time.wake();
    },
    drain: () => {
      full = false;
      time.wake();
    },
    leave: () => {
      left = true;
      time.wake();
    },
    save: () => {
      saveAsked = true;
      time.wake();
    },
  });

  network?.start(() => {
    if (!pacing) time.wake();
  });
  debug?.start(() => time.wake());
  const moreInput = (): boolean => input.length > 0 || network?.waiting === true;
  const end = (exit: RunExit): RunLoopResult => ({ exit, output, hostTime: time.now() - start });
  const begun = (): void => {
    search = ready === undefined ? undefined : new StreamSearch(ready.mark);
    held = ready !== undefined;
  };
  const secondsLeft = (): number => (limits.seconds ?? Infinity) * 1000 - (time.now() - start);
  const sleep = (milliseconds: number): Promise<void> =>
    time.sleep(Math.min(FOREVER, Math.max(0, Math.min(milliseconds, secondsLeft()))));

  for (;;) {
    await time.yield();
    if (left) return end({ kind: 'user' });
    if (secondsLeft() <= 0) return end({ kind: 'limit', limit: 'seconds' });
    if (saveAsked || machine.instructions >= saveAt) {
      saveAsked = false;
      if (machine.instructions >= saveAt) saveAt = Infinity;
      await snapshot?.save();
    }
    if (full) {
      await sleep(FOREVER);
      continue;
    }
    if (isReady) {
      isReady = false;
      held = false;
      // What comes from here on is the same whether the guest has booted or was resumed.
      output = 0;
      input.unshift(await ready!.request());
    }
    const order = debug?.next();
    if (order?.kind === 'end') return end(order.exit);
    if (order?.kind === 'restarted') begun();
    if (order?.kind === 'stay') {
      const from = time.now();
      await sleep(FOREVER);
      start += time.now() - from;
    }
    if (order !== undefined && order.kind !== 'run') continue;
    const typed = !held && offerInput(machine, input);
    const entered = network?.offer() === true || typed;
    const bound = Math.min(limits.instructions ?? Infinity, saveAt);
    const wanted = network?.busy === true ? Math.ceil((slice * BUSY_SLICE_TIME) / SLICE_TIME) : slice;
    const budget = Math.min(wanted, bound - machine.instructions);
    if (budget <= 0) return end({ kind: 'limit', limit: 'instructions' });
    const before = time.now();
    const executed = machine.instructions;
    const past = debug?.past === true;
    const stop = (debug ?? machine).runSlice(budget, realtime);
    if (past) start += time.now() - before;
    else if (steered() && machine.instructions - executed === budget)
      slice = nextSlice(slice, budget, time.now() - before);
    for (const finding of machine.takeFindings()) options.onFinding(finding);

    const produced = machine.takeOutput();
    const allowed = produced.subarray(0, (limits.output ?? Infinity) - output);
    output += allowed.length;
    if (allowed.length > 0) {
      if (search?.push(allowed) === true) isReady = true;
      if (!console.write(isReady ? withoutMark(allowed, ready!.mark) : allowed)) full = true;
      if (text?.push(allowed) === true) saveAsked = true;
      if (options.onOutput?.(allowed) === true) return end({ kind: 'shutdown' });
    }
    if (allowed.length < produced.length) return end({ kind: 'limit', limit: 'output' });

    switch (stop.kind) {
      case 'slice':
        if (realtime && lead(machine.virtualTime) > PACE_SLACK) {
          pacing = true;
          await sleep(lead(machine.virtualTime));
          pacing = false;
        }
        break;
      case 'waiting': {
        const from = machine.virtualTime;
        const asleep = time.now();
        const least = network?.connected === true ? (stop.until - from) / 1e6 / CATCH_UP : 0;
        const wait = Math.max(least, lead(stop.until));
        // What has not all entered may find room now.
        if (!(entered && moreInput()) && wait > 0) await sleep(wait);
        // Input that came meanwhile enters now, not at the event's time; a debugger stops now.
        const passed = !moreInput() && debug?.standing !== true ? stop.until - from : Math.max(0, -lead(from) * 1e6);
        const most = least === 0 ? Infinity : (time.now() - asleep) * 1e6 * CATCH_UP;
        machine.passTime(Math.min(passed, most, stop.until - from));
        break;
      }
      case 'idle':
        if (!console.live && network === undefined && debug?.attached !== true) return end(stop);
        if (!entered) await sleep(FOREVER);
        break;
      case 'reset':
        if (!options.restart) return end(stop);
        machine.reset();
        begun();
        break;
      case 'hook': // nobody is there to stop for
        break;
      default:
        return end(stop);
    }
  }
}

/** The bytes less what they have of the mark, which may have begun before them; it ends in them for the first time. */
export function withoutMark(bytes: Uint8Array, mark: Uint8Array): Uint8Array {
  const end = bytes.lastIndexOf(mark.at(-1)!) + 1;
  let length = Math.min(end, mark.length);
  while (length > 0 && !mark.subarray(mark.length - length).every((byte, i) => bytes[end - length + i] === byte))
    length--;
  const rest = new Uint8Array(bytes.length - length);
  rest.set(bytes.subarray(0, end - length));
  rest.set(bytes.subarray(end), end - length);
  return rest;
}

/** True if the machine took anything. */
function offerInput(machine: MachineDriver, input: Uint8Array[]): boolean {
  let entered = false;
  for (let first = input[0]; first !== undefined; first = input[0]) {
    const taken = machine.send('console', first);
    entered ||= taken > 0;
    if (taken < first.length) {
      input[0] = first.subarray(taken);
      break;
    }
    input.shift();
  }
  return entered;
}

/** Steers towards SLICE_TIME, at most by a factor of 2 at a time. */
function nextSlice(slice: number, executed: number, milliseconds: number): number {
  const wanted = (executed * SLICE_TIME) / Math.max(milliseconds, 0.1);
  return Math.round(Math.min(MAX_SLICE, Math.max(1000, slice / 2, Math.min(wanted, slice * 2))));
}
