// SPDX-License-Identifier: Apache-2.0
// A machine that goes on and one that is restored must be the same from then on, in any engine; and whatever a snapshot
// holds, it is restored or refused in one line.

import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { type Section, type SectionCodec, decodeSections, encodeSections, PlinthError, utf8 } from '@plinth/core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { EngineKind } from '../cpu/engine.js';
import { Machine, type MachineOptions } from '../machine.js';
import { parseRunSpec } from '../run-spec.js';
import { CpuTest, RAM, RAM_SIZE, TABLES } from '../testing/contract.js';
import { PageTables } from '../testing/page-tables.js';
import { faultProgram, timerProgram } from '../testing/timer-program.js';
import { saveSnapshot, Snapshot } from './snapshot.js';

const codec: SectionCodec = {
  deflate: async (bytes) => deflateRawSync(bytes, { level: 1 }),
  inflate: async (bytes, length) => inflateRawSync(bytes, { maxOutputLength: Math.max(1, length) }),
};

const ENGINES: readonly EngineKind[] = ['interpreter', 'translator', 'translator-forced'];

const scenes: readonly [string, (test: CpuTest) => CpuTest][] = [
  ['timer interrupts', (test) => timerProgram(test)],
  ['waits', (test) => timerProgram(test, true)],
  [
    'faults',
    (test) => faultProgram(test).mmu(new PageTables(TABLES).section(RAM, RAM).section(0x0800_0000, 0x0800_0000)),
  ],
];

function make(engine: EngineKind, options: MachineOptions = {}): Machine {
  return new Machine({ ramSize: RAM_SIZE, engine, ...options });
}

function begin(engine: EngineKind, scene: (test: CpuTest) => CpuTest): Machine {
  return scene(new CpuTest(make(engine))).start().machine;
}

async function fileOf(machine: Machine): Promise<Uint8Array> {
  return Buffer.concat(await saveSnapshot(machine, codec));
}

async function restored(file: Uint8Array, into: Machine): Promise<Machine> {
  (await Snapshot.open(file, 'F', codec)).restore(into);
  return into;
}

/** xorshift32. */
function random(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

describe.each(scenes)('a snapshot of %s', (_name, scene) => {
  it.each(ENGINES.flatMap((from) => ENGINES.map((to) => [from, to] as const)))(
    'taken on %s goes on on %s',
    async (from, to) => {
      const next = random(ENGINES.indexOf(from) * 3 + ENGINES.indexOf(to) + 1);
      const saved = begin(from, scene);
      const untouched = begin(from, scene);
      for (let round = 0; round < 4; round++) {
        saved.run({ until: saved.count + 1 + next(3000) });
        const other = await restored(await fileOf(saved), make(to));
        expect(other.count).toBe(saved.count);
        expect(other.stateHash()).toBe(saved.stateHash());
        const until = saved.count + 1000 + next(2000);
        for (const machine of [saved, other, untouched]) machine.run({ until });
        expect(other.clock.now()).toBe(saved.clock.now());
        expect(other.stateHash()).toBe(saved.stateHash());
        expect(untouched.stateHash()).toBe(saved.stateHash());
      }
    },
  );
});

it('is right five million instructions later', async () => {
  const saved = begin('translator', (test) => timerProgram(test));
  saved.run({ until: 100_003 });
  const file = await fileOf(saved);
  const machines = [saved, ...(await Promise.all(ENGINES.map((engine) => restored(file, make(engine)))))];
  for (const machine of machines) machine.run({ until: 5_100_003 });
  expect(new Set(machines.map((machine) => machine.stateHash())).size).toBe(1);
  expect(new Set(machines.map((machine) => machine.clock.now())).size).toBe(1);
});

it('a machine that is used already takes over a snapshot, and its devices with it', async () => {
  const saved = begin('translator', (test) => timerProgram(test));
  saved.run({ until: 5000 });
  saved.inputs.send('console', utf8('typed'));
  const file = await fileOf(saved);
  const used = begin('translator', (test) => faultProgram(test));
  used.run({ until: 7000 });
  await restored(file, used);
  expect(used.stateHash()).toBe(saved.stateHash());
  expect(Buffer.concat(await saveSnapshot(used, codec))).toEqual(Buffer.from(file));
  expect([used, saved].map((machine) => machine.memory.read(0x0900_0000, 4))).toEqual([0x74, 0x74]);
});

it('a reset puts back what was loaded before the snapshot', async () => {
  const bytes = Uint8Array.from({ length: 9000 }, (_, i) => i * 7);
  const plan = {
    segments: [{ address: RAM + 0x8010, bytes }],
    entry: RAM + 0x8000,
    thumb: false,
    registers: { r0: 1, r1: 2, r2: 3 },
  };
  const saved = make('interpreter');
  saved.load(plan);
  saved.memory.writeBytes(RAM + 0x8100, Uint8Array.of(1, 2, 3));
  const other = await restored(await fileOf(saved), make('interpreter'));
  expect(other.stateHash()).toBe(saved.stateHash());
  other.reset();
  expect([...other.memory.bytes(RAM + 0x8010, 9000)!]).toEqual([...bytes]);
  expect(other.cpu.state.reg(2)).toBe(3);
});

it('the run goes with it', async () => {
  const run = parseRunSpec({ program: 'a.elf' });
  const file = Buffer.concat(await saveSnapshot(make('interpreter'), codec, run));
  expect((await Snapshot.open(file, 'F', codec)).run).toEqual(run);
  expect((await Snapshot.open(await fileOf(make('interpreter')), 'F', codec)).run).toBeUndefined();
});

it('says what another machine lacks', async () => {
  const file = await fileOf(make('interpreter'));
  const into = (options: MachineOptions): Promise<Machine> => restored(file, make('interpreter', options));
  await expect(into({ ramSize: 2 * RAM_SIZE })).rejects.toThrow(
    `it was taken of a machine with bytes of RAM ${RAM_SIZE}, this one has ${2 * RAM_SIZE}`,
  );
  await expect(into({ nanosecondsPerInstruction: 5 })).rejects.toThrow('with nanoseconds per instruction 4');
});

describe('a snapshot that is not right', () => {
  let file: Uint8Array;
  let sections: readonly Section[];
  let target: Machine;
  beforeAll(async () => {
    const saved = begin('interpreter', (test) => timerProgram(test, true));
    saved.run({ until: 5000 });
    file = await fileOf(saved);
    sections = await decodeSections('SNAP', file, 'F', codec);
    target = make('interpreter');
  });

  const encoded = async (changed: readonly Section[]): Promise<Uint8Array> =>
    Buffer.concat(await encodeSections('SNAP', changed, codec));

  it('names a section that is unknown, missing or of another version', async () => {
    const changed = (change: (section: Section) => Section[]): Promise<Machine> =>
      encoded(sections.flatMap(change)).then((bytes) => restored(bytes, target));
    await expect(changed((s) => (s.tag === 'timer.0' ? [] : [s]))).rejects.toThrow('F: section timer.0 is missing');
    await expect(changed((s) => (s.tag === 'ram.0' ? [{ ...s, version: 9 }] : [s]))).rejects.toThrow(
      'F: section ram.0 has version 9, this plinth reads version 1',
    );
    await expect(changed((s) => (s.tag === 'device.rtc' ? [s, { ...s, tag: 'device.nic' }] : [s]))).rejects.toThrow(
      'F: section device.nic is unknown here',
    );
  });

  it('is refused in one line, whatever bits are flipped or bytes are cut off', async () => {
    const next = random(77);
    for (let round = 0; round < 1000; round++) {
      const broken = Uint8Array.from(file.subarray(0, next(4) === 0 ? next(file.length) : file.length));
      for (let flips = 1 + next(3); flips > 0 && broken.length > 0; flips--) {
        broken[next(broken.length)]! ^= 1 << next(8);
      }
      if (Buffer.compare(broken, file) === 0) continue;
      const error: unknown = await restored(broken, target).catch((reason: unknown) => reason);
      expect(error, `round ${round}`).toBeInstanceOf(PlinthError);
      expect((error as PlinthError).kind).toBe('input');
      expect((error as Error).message).toMatch(/^F: .*$/);
    }
  });

  it('with checksums that fit is refused in one line, or gives a machine that runs', async () => {
    const next = random(4711);
    const small = sections.filter(({ tag }) => tag !== 'ram.0');
    let refused = 0;
    for (let round = 0; round < 1000; round++) {
      const victim = small[next(small.length)]!;
      const cut = next(8) === 0 ? next(victim.payload.length + 1) : victim.payload.length;
      const payload = Uint8Array.from(victim.payload.subarray(0, cut));
      for (let changes = 1 + next(4); changes > 0 && payload.length > 0; changes--) {
        payload[next(payload.length)] = next(3) === 0 ? 0xff : next(256);
      }
      const bytes = await encoded(sections.map((section) => (section === victim ? { ...victim, payload } : section)));
      try {
        await restored(bytes, target);
      } catch (error) {
        refused++;
        expect(error, `round ${round}, ${victim.tag}`).toBeInstanceOf(PlinthError);
        expect((error as PlinthError).kind).toBe('input');
        continue;
      }
      const { count } = target;
      target.run({ until: count + 500 });
      expect(target.count).toBeLessThanOrEqual(count + 500);
    }
    expect(refused).toBeGreaterThan(100);
    expect(refused).toBeLessThan(1000);
  });
});
