// SPDX-License-Identifier: Apache-2.0
// A process of its own in which machines with and without probes take turns, so that what disturbs one disturbs the other.
// Arguments: engine, pairs at least, minutes at most, and `elf FILE` for a compute program, `boot` for a kernel, or `events`. Its
// report on file descriptor 3 is JSON.

import { readFileSync, writeSync } from 'node:fs';
import { tuneCompiler } from '@plinth/cli';
import { Machine, planElf, readElf } from '@plinth/machine';
import { LAST_BLOCKS, type Probe, Probes } from '@plinth/observe';
import { DATA_AT, EVENTS_AT, eventsProgram, FUNCTION_AT, LOOP_AT, LOOP_END, PER_ROUND } from './events-program.js';
import { bootFiles, bootPlan, RAM_MEBIBYTES as LINUX_MEBIBYTES } from './linux.js';
import { createSemihostedMachine } from './machine.js';
import { isDecided, medianInterval, ratios } from './median-interval.js';
import type { EngineName } from './options.js';

/** CPU seconds by turns: without probes, with probes that nothing touches, with all blocks counted, with the last ones kept. */
export interface PairsReport {
  readonly plain: number[];
  readonly idle: number[];
  readonly blocks: number[];
  readonly last: number[];
}

/** What an event of a kind takes, nanoseconds of CPU time beyond the same work without the probe. */
export type EventsReport = Readonly<Record<string, number>>;

const RAM_MEBIBYTES = 64;
const WARM_UP = 200_000_000;
/** CPU time of a slice. */
const SLICE_SECONDS = 0.25;
/** Pairs with the same machines. */
const PAIRS_OF_MACHINES = 8;
const BOOT = 200_000_000;

/** Seconds, all threads of this process. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function timed(work: () => void): number {
  const before = cpuTime();
  work();
  return cpuTime() - before;
}

/** One of each kind that can stand where nothing comes: the last page of RAM, which neither program nor kernel touches so early. */
function armIdle(machine: Machine): void {
  const probes = new Probes(machine);
  const { ramBase, ramSize } = machine.memory;
  const last = ramBase + ramSize - 4096;
  probes.memory({ start: last, length: 4096, access: 'both', space: 'physical' }, () => {});
  probes.memory({ start: 0xffe0_0000, length: 256, access: 'both' }, () => {});
  probes.instruction({ first: 0xffe0_0000, last: 0xffe0_0fff }, () => {});
  probes.function(0xffe0_1000, { entry: () => {}, return: () => {} });
  probes.supervisorCall(() => {});
  probes.exception(() => {}, ['undefined']);
}

type Make = () => Machine;

/**
 * Pairs until both ratios are decided, `least` of them at least and for no longer than `minutes`. An interval's width does not
 * depend on where it lies, so to go on until it is narrow favours no result.
 */
class Pairs {
  readonly report: PairsReport = { plain: [], idle: [], blocks: [], last: [] };
  readonly #least: number;
  readonly #end: number;

  constructor(least: number, minutes: number) {
    this.#least = least;
    this.#end = performance.now() + minutes * 60_000;
  }

  get wanted(): boolean {
    const { plain, idle, blocks } = this.report;
    if (plain.length < this.#least) return true;
    if (performance.now() >= this.#end) return false;
    return [idle, blocks].some((probed) => !isDecided(medianInterval(ratios(plain, probed))));
  }

  /** One of each, timed by the caller; whoever is first has other caches, so they change about. */
  take(plain: () => number, idle: () => number, blocks: () => number, last: () => number): void {
    const turns = [
      () => this.report.plain.push(plain()),
      () => this.report.idle.push(idle()),
      () => this.report.blocks.push(blocks()),
      () => this.report.last.push(last()),
    ];
    if (this.report.plain.length % 2 === 1) turns.reverse();
    for (const turn of turns) turn();
  }
}

/**
 * Machines that go on and on, a slice each by turns. After some pairs come new machines: where a machine's memory and code lie
 * on the host is chance, too.
 */
function endless(make: Make, pairs: Pairs): PairsReport {
  const run = (machine: Machine, count: number): number =>
    timed(() => void machine.run({ until: machine.count + count }));
  let slice = 0;
  while (pairs.wanted) {
    const [plain, idle, blocks, last] = [make(), make(), make(), make()];
    armIdle(idle);
    new Probes(blocks).countBlocks();
    last.blocks.keepLast(LAST_BLOCKS);
    for (const machine of [plain, idle, blocks, last]) run(machine, WARM_UP);
    if (slice === 0) slice = Math.round((SLICE_SECONDS / run(plain, WARM_UP)) * WARM_UP);
    for (let n = 0; n < PAIRS_OF_MACHINES && pairs.wanted; n++) {
      pairs.take(
        () => run(plain, slice),
        () => run(idle, slice),
        () => run(blocks, slice),
        () => run(last, slice),
      );
    }
  }
  return pairs.report;
}

/** Machines that do the same from power-on, each anew. */
function fromPowerOn(make: Make, pairs: Pairs): PairsReport {
  const run = (arm: (machine: Machine) => void): number => {
    const machine = make();
    arm(machine);
    return timed(() => void machine.run({ until: BOOT }));
  };
  run(() => {});
  while (pairs.wanted) {
    pairs.take(
      () => run(() => {}),
      () => run(armIdle),
      () => run((machine) => void new Probes(machine).countBlocks()),
      () => run((machine) => void machine.blocks.keepLast(LAST_BLOCKS)),
    );
  }
  return pairs.report;
}

const ROUNDS = 400_000;

function eventsMachine(engine: EngineName): Machine {
  const machine = new Machine({ engine, ramSize: 4 * 1024 * 1024 });
  machine.memory.writeBytes(EVENTS_AT, eventsProgram());
  machine.cpu.state.setReg(15, EVENTS_AT);
  return machine;
}

const KINDS: Readonly<Record<string, (probes: Probes, hit: () => void) => Pick<Probe, 'remove'>>> = {
  'a watched store, virtual, told': (probes, hit) => probes.memory({ start: DATA_AT, length: 4 }, hit),
  'a watched store, physical, told': (probes, hit) =>
    probes.memory({ start: DATA_AT, length: 4, space: 'physical' }, hit),
  'a watched store, one of 1,000 watches on its page': (probes, hit) => {
    const all = Array.from({ length: 1000 }, (_, n) => probes.memory({ start: DATA_AT + 4 * n, length: 4 }, hit));
    return { remove: () => all.forEach((probe) => probe.remove()) };
  },
  'a store to a watched page, not told': (probes, hit) => probes.memory({ start: DATA_AT + 2048, length: 4 }, hit),
  'an instruction, counted': (probes) => probes.countInstruction(LOOP_AT),
  'an edge, counted': (probes) => probes.countEdge(LOOP_END, LOOP_AT),
  'an instruction, told': (probes, hit) => probes.instruction(LOOP_AT, hit),
  'entry of a function, told': (probes, hit) => probes.function(FUNCTION_AT, { entry: hit }),
  'entry and return of a function, told': (probes, hit) => probes.function(FUNCTION_AT, { entry: hit, return: hit }),
  'a block, told': (probes, hit) => probes.block(LOOP_AT, hit),
};

function events(engine: EngineName): EventsReport {
  const machine = eventsMachine(engine);
  const probes = new Probes(machine);
  const run = (): number => timed(() => void machine.run({ until: machine.count + ROUNDS * PER_ROUND }));
  const report: Record<string, number> = {};
  let hits = 0;
  for (const [name, add] of Object.entries(KINDS)) {
    const costs: number[] = [];
    for (let repetition = 0; repetition < 5; repetition++) {
      run();
      const without = run();
      const probe = add(probes, () => void hits++);
      run();
      costs.push(run() - without);
      probe.remove();
    }
    report[name] = (costs.toSorted((a, b) => a - b)[2]! / ROUNDS) * 1e9;
  }
  if (hits === 0) throw new Error('no probe was passed');
  return report;
}

function compute(engine: EngineName, path: string): Make {
  const elf = readElf(readFileSync(path), path);
  return () => {
    const machine = createSemihostedMachine({
      engine,
      ramSize: RAM_MEBIBYTES * 1024 * 1024,
      commandLine: 'program 2000000000',
      write: () => {},
    });
    const { ramBase, ramSize } = machine.memory;
    machine.load(planElf(elf, path, { base: ramBase, size: ramSize }));
    return machine;
  };
}

function linux(engine: EngineName): Make {
  const plan = bootPlan('fast', bootFiles());
  return () => {
    const machine = new Machine({ engine, ramSize: LINUX_MEBIBYTES * 1024 * 1024 });
    machine.load(plan);
    return machine;
  };
}

tuneCompiler();
const [engine, least, minutes, what, elf] = process.argv.slice(2) as [
  EngineName,
  string,
  string,
  string,
  string | undefined,
];
const pairs = new Pairs(Number(least), Number(minutes));
const report =
  what === 'events'
    ? events(engine)
    : what === 'boot'
      ? fromPowerOn(linux(engine), pairs)
      : endless(compute(engine, elf!), pairs);
writeSync(3, JSON.stringify(report));
