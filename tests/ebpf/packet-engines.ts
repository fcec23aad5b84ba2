// SPDX-License-Identifier: Apache-2.0
// One program in all its engines, and the plain evaluation that they are held to: each packet goes through all of them.

import assert from 'node:assert/strict';
import { compile, Environment, interpret } from '@plinth/ebpf';
import {
  CLEARED,
  type FlowFacts,
  type KernelRule,
  kernelRule,
  type PacketEvent,
  type PacketOptions,
  type PacketProgram,
  packetProgram,
  parseRules,
  PlainInspector,
  readEvent,
  ruleTables,
  VERDICT,
  XDP_VERDICT,
} from '@plinth/guards';
import { KernelProgram, nativeCalls, RingBufferReader, testRun } from '@plinth/linux';
import { leastOfTestRun } from './test-run-frames.js';

const KEY = new Uint8Array(4);
/** What a test run of the kernel takes as one frame. */
const MOST_IN_KERNEL = 3500;
/** What is interpreted in a reasonable time. */
const MOST_INTERPRETED = 1000;

export interface Outcome {
  readonly verdict: 'next' | 'drop';
  /** Numbers of the rules that are told. */
  readonly told: readonly number[];
  readonly reason: number;
  /** A flagged packet is told with all its bytes. */
  readonly bytes: 'none' | 'all' | 'others';
  readonly held: boolean;
  /** What is told of its connection; undefined if nothing is told at all. */
  readonly flow: FlowFacts | undefined;
}

interface Engine {
  readonly name: string;
  run(frame: Uint8Array, time: bigint): { verdict: number; records: Uint8Array[] } | undefined;
  clear(clearance: Uint8Array): void;
}

/** The rules of a text that the kernel decides, some of them as if they had to be confirmed. */
export function kernelRules(text: string, confirm: () => boolean = () => false): KernelRule[] {
  const { rules, errors } = parseRules(text, 'test.rules', {});
  assert.deepEqual(errors, []);
  return rules.map((rule) => kernelRule(rule, { confirm: confirm() })).filter((rule) => typeof rule !== 'string');
}

export interface EnginesOptions extends PacketOptions {
  /** The kernel of this machine, too. */
  readonly kernel: boolean;
  readonly interpreted?: boolean;
}

export class PacketEngines implements Disposable {
  readonly #rules: readonly KernelRule[];
  readonly #engines: readonly Engine[];
  readonly #inKernel: KernelEngine | undefined;
  /** What the program answers of a packet that is dropped. */
  readonly #drop: number;
  /** The kernel's time passes by itself, so it is compared with an evaluation of its own. */
  readonly #plain: { timed: PlainInspector; kernel: PlainInspector };
  readonly #last = new Map<Engine, PacketEvent | undefined>();

  constructor(rules: readonly KernelRule[], { kernel, interpreted = false, ...options }: EnginesOptions) {
    this.#rules = rules;
    const program = packetProgram(ruleTables(rules), options);
    this.#drop = options.place === 'xdp' ? XDP_VERDICT.drop : VERDICT.drop;
    this.#inKernel = kernel ? new KernelEngine(program) : undefined;
    this.#engines = [
      simulated(program, 'compiled'),
      ...(interpreted ? [simulated(program, 'interpreted')] : []),
      ...(this.#inKernel === undefined ? [] : [this.#inKernel]),
    ];
    this.#plain = { timed: new PlainInspector(rules, options), kernel: new PlainInspector(rules, options) };
  }

  /** What a plain evaluation says, and so do all engines. More rules than a record has room for are not compared. */
  inspect(frame: Uint8Array, where = '', time = 0n): Outcome {
    const timed = this.#expected(this.#plain.timed, frame, time);
    const now = process.hrtime.bigint();
    const inKernel = this.#inKernel === undefined ? timed : this.#expected(this.#plain.kernel, frame, now);
    for (const engine of this.#engines) {
      const ran = engine.run(frame, time);
      if (ran === undefined) continue;
      const { outcome, places } = engine === this.#inKernel ? inKernel : timed;
      if (outcome.told.length > 32) continue;
      assert(ran.records.length <= 1, `${where}, ${engine.name}: ${ran.records.length} records`);
      const event = ran.records.length === 0 ? undefined : readEvent(ran.records[0]!);
      this.#last.set(engine, event);
      assert.deepEqual(
        { ...outcomeOf(this.#nameOf(ran.verdict), event, frame), where, engine: engine.name },
        { ...outcome, where, engine: engine.name },
      );
      for (const { rule, offset } of event?.matches ?? []) {
        const known = places.get(rule)!;
        const fits = offset === undefined ? known.length === 0 : known.includes(offset);
        assert(fits, `${where}, ${engine.name}: rule ${rule} at ${offset}, not at ${known.join()}`);
      }
    }
    return timed.outcome;
  }

  /** What each of them says, and nobody compares. */
  run(frame: Uint8Array): Outcome[] {
    return this.#engines.flatMap((engine) => {
      const ran = engine.run(frame, 0n);
      if (ran === undefined) return [];
      const event = ran.records.length === 0 ? undefined : readEvent(ran.records[0]!);
      return [outcomeOf(this.#nameOf(ran.verdict), event, frame)];
    });
  }

  #nameOf(verdict: number): Outcome['verdict'] {
    return verdict === this.#drop ? 'drop' : 'next';
  }

  #expected(
    plain: PlainInspector,
    frame: Uint8Array,
    time: bigint,
  ): { outcome: Outcome; places: ReadonlyMap<number, readonly number[]> } {
    const { verdict, matches, reason, flow, held = false } = plain.inspect(frame, time);
    const told = matches.map(({ rule }) => rule);
    const flagged = told.some((rule) => this.#rules[rule]!.confirm);
    return {
      outcome: {
        verdict,
        told,
        reason,
        bytes: flagged ? 'all' : 'none',
        held,
        flow: told.length > 0 || reason !== 0 ? flow : undefined,
      },
      places: new Map(matches.map(({ rule, offsets }) => [rule, offsets])),
    };
  }

  /** Of the packet that was inspected last, which was held. */
  clear(frame: Uint8Array): void {
    this.#plain.timed.clear(frame);
    this.#plain.kernel.clear(frame);
    for (const [engine, event] of this.#last) engine.clear(event!.clearance!);
  }

  [Symbol.dispose](): void {
    this.#inKernel?.[Symbol.dispose]();
  }
}

function outcomeOf(verdict: Outcome['verdict'], event: PacketEvent | undefined, frame: Uint8Array): Outcome {
  if (event === undefined) {
    return { verdict, told: [], reason: 0, bytes: 'none', held: false, flow: undefined };
  }
  assert.equal(event.verdict, verdict);
  assert.equal(event.length, frame.length);
  return {
    verdict,
    told: event.matches.map(({ rule }) => rule).sort((a, b) => a - b),
    reason: event.reason,
    bytes: event.frame === undefined ? 'none' : Buffer.compare(event.frame, frame) === 0 ? 'all' : 'others',
    held: event.clearance !== undefined,
    flow: event.flow,
  };
}

function simulated(program: PacketProgram, name: 'compiled' | 'interpreted'): Engine {
  const environment = new Environment(program.program);
  environment.map(program.tablesMap).update(KEY, program.tables.bytes);
  const run = name === 'compiled' ? compile(environment) : () => interpret(environment);
  return {
    name,
    run: (frame, time) => {
      if (name === 'interpreted' && frame.length > MOST_INTERPRETED) return undefined;
      environment.present({ frame, time });
      return { verdict: run(), records: environment.take(program.events) };
    },
    clear: (clearance) => void environment.map(CLEARED).update(clearance, new Uint8Array(8)),
  };
}

class KernelEngine implements Engine, Disposable {
  readonly name = 'in the kernel';
  readonly #calls = nativeCalls();
  readonly #program: KernelProgram;
  readonly #reader: RingBufferReader;

  constructor(program: PacketProgram) {
    this.#program = KernelProgram.load(this.#calls, program.program, new Map(), (maps) => {
      maps.get(program.tablesMap.name)!.set(KEY, program.tables.bytes);
    });
    this.#reader = new RingBufferReader(this.#calls, this.#program.map(program.events));
  }

  run(frame: Uint8Array): { verdict: number; records: Uint8Array[] } | undefined {
    if (frame.length < leastOfTestRun(frame) || frame.length > MOST_IN_KERNEL) return undefined;
    const verdict = testRun(this.#calls, this.#program, frame).result;
    const records: Uint8Array[] = [];
    this.#reader.drain((record) => records.push(record.slice()));
    return { verdict, records };
  }

  clear(clearance: Uint8Array): void {
    this.#program.map(CLEARED).set(clearance, new Uint8Array(8));
  }

  [Symbol.dispose](): void {
    this.#reader[Symbol.dispose]();
    this.#program[Symbol.dispose]();
  }
}
