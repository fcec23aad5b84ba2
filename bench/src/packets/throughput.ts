// SPDX-License-Identifier: Apache-2.0
// Benchmark `packets`, bytes over one TCP connection (iperf3), in turn with nothing attached, with our program and sets of any size,
// with iptables' string match, and with an inspector in user space behind a netfilter queue.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlinthError } from '@plinth/core';
import type { Pattern } from '@plinth/match';
import { buildProgram } from '../c-program.js';
import { RIGHT } from '../namespace.js';
import { median, type Row } from '../report.js';
import { writeRules } from './inspector.js';
import { patternSet, type SetKind, SIZES } from './pattern-sets.js';
import { queueAutomaton } from './queue-automaton.js';
import { rateRow, type Setting, takeTurns, type Way } from './setting.js';

const SECONDS = 2;
const SEED = 5;
/** What the peers look for. */
const STRING_PATTERNS = 100;
const QUEUE_PATTERNS = 1000;
const SOURCE = join(import.meta.dirname, '..', '..', 'packets', 'queue-inspector.c');

interface Sample {
  /** Gbit in a second. */
  readonly rate: number;
  /** Gbit in a second of CPU time: of both ends, of what inspects, and of the kernel's threads for what they put off. */
  readonly perCpu: number;
}

const NOTHING: Way = { name: 'nothing attached', begin: async () => {}, end: async () => {} };

export async function throughput(setting: Setting): Promise<Row[]> {
  const { server, phrases } = setting;
  const listener = server.start('iperf3', '-s', '--forceflush');
  await once(listener.stdout!, 'data');
  const ours = (['owasp', 'long'] as const).flatMap((kind) => SIZES.map((size) => inspectorWay(setting, kind, size)));
  const strings = stringWay(setting, patternSet(phrases, 'owasp', STRING_PATTERNS, SEED));
  const queue = queueWay(setting, patternSet(phrases, 'owasp', QUEUE_PATTERNS, SEED));
  const peers = [strings, queue].flatMap((peer) => ('reason' in peer ? [] : [peer]));
  try {
    const samples = await takeTurns([NOTHING, ...ours, ...peers], setting, () => measure(setting, queue));
    return rows(
      samples,
      'reason' in strings ? strings.reason : undefined,
      'reason' in queue ? queue.reason : undefined,
    );
  } finally {
    listener.kill('SIGKILL');
  }
}

const PER_CPU = 'Gbit per CPU-second';

function wayName(kind: SetKind, size: number): string {
  const set = kind === 'owasp' ? 'OWASP' : '8 bytes and more';
  return `TCP, ${size.toLocaleString('en')} patterns (${set})`;
}

function rows(
  samples: ReadonlyMap<string, readonly Sample[]>,
  noStrings: string | undefined,
  noQueue: string | undefined,
): Row[] {
  const rates = (name: string): number[] => (samples.get(name) ?? []).map(({ rate }) => rate);
  const perCpu = (name: string): number[] => (samples.get(name) ?? []).map((sample) => sample.perCpu);
  const unit = 'Gbit/s';
  const nothing = { peer: rates(NOTHING.name), peerName: NOTHING.name };
  const all = (['owasp', 'long'] as const).flatMap((kind) => {
    const names = SIZES.map((size) => wayName(kind, size));
    const medians = names.map((name) => median(rates(name)));
    const [slowest, fastest] = [Math.min(...medians), Math.max(...medians)];
    return [
      ...names.map((name) => rateRow({ name, unit, ours: rates(name), ...nothing })),
      ...names.map((name) =>
        rateRow({
          name: `${name}, by CPU time`,
          unit: PER_CPU,
          ours: perCpu(name),
          peer: perCpu(NOTHING.name),
          peerName: NOTHING.name,
        }),
      ),
      rateRow({
        name: `TCP, slowest of these beside the fastest`,
        unit,
        ours: [slowest],
        peer: [fastest],
        peerName: 'the fastest',
      }),
    ];
  });
  return [
    ...all,
    rateRow({
      name: `TCP, ${STRING_PATTERNS} patterns`,
      unit,
      ours: rates(wayName('owasp', STRING_PATTERNS)),
      peer: rates(STRINGS),
      peerName: STRINGS,
      reason: noStrings,
      inGeomean: true,
    }),
    rateRow({
      name: `TCP, ${QUEUE_PATTERNS.toLocaleString('en')} patterns`,
      unit,
      ours: rates(wayName('owasp', QUEUE_PATTERNS)),
      peer: rates(QUEUE),
      peerName: QUEUE,
      reason: noQueue,
    }),
    rateRow({
      name: `TCP, ${QUEUE_PATTERNS.toLocaleString('en')} patterns, by CPU time`,
      unit: PER_CPU,
      ours: perCpu(wayName('owasp', QUEUE_PATTERNS)),
      peer: perCpu(QUEUE),
      peerName: QUEUE,
      reason: noQueue,
      inGeomean: true,
    }),
  ];
}

async function measure({ client }: Setting, queue: QueueWay | { reason: string }): Promise<Sample> {
  const others = (): number =>
    kernelThreads().reduce((sum, pid) => sum + timeOf(pid), 0) + ('reason' in queue ? 0 : queue.cpuTime());
  const before = others();
  const report = JSON.parse(client.run('iperf3', '-c', RIGHT, '-t', String(SECONDS), '-J')) as {
    end: {
      sum_received: { bits_per_second: number; seconds: number };
      cpu_utilization_percent: { host_total: number; remote_total: number };
    };
  };
  const { sum_received: received, cpu_utilization_percent: used } = report.end;
  const cpu = ((used.host_total + used.remote_total) / 100) * received.seconds + others() - before;
  return { rate: received.bits_per_second / 1e9, perCpu: (received.bits_per_second * received.seconds) / 1e9 / cpu };
}

/** Those that do what interrupts have put off. */
function kernelThreads(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => nameOf(pid).startsWith('ksoftirqd/'));
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1');
  } catch {
    return ''; // It has ended.
  }
}

/** Seconds on a processor, by the scheduler's clock. */
function timeOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ')[0]) / 1e9;
  } catch {
    return 0;
  }
}

function inspectorWay({ inspector, folder, phrases }: Setting, kind: SetKind, size: number): Way {
  const file = join(folder, `${kind}-${size}.rules`);
  writeRules(file, patternSet(phrases, kind, size, SEED), 'alert');
  return {
    name: wayName(kind, size),
    begin: async () => void (await inspector.attach(file)),
    end: () => inspector.detach(),
  };
}

const STRINGS = `iptables -m string --algo bm, ${STRING_PATTERNS} rules`;

/** Each pattern is a rule of its own, as it has to be. */
function stringWay({ server, folder }: Setting, patterns: readonly Pattern[]): Way | { reason: string } {
  const file = join(folder, 'string.rules');
  const rules = patterns.map(
    ({ bytes }) =>
      `-A INPUT -p tcp -m string --algo bm --icase --hex-string "|${Buffer.from(bytes).toString('hex')}|" -j DROP\n`,
  );
  writeFileSync(file, `*filter\n${rules.join('')}COMMIT\n`);
  const way = {
    name: STRINGS,
    begin: async () => void server.run('iptables-restore', file),
    end: async () => void server.run('iptables', '-F', 'INPUT'),
  };
  return tried(way, server);
}

const QUEUE = 'user space behind a netfilter queue';

interface QueueWay extends Way {
  /** Seconds so far. */
  cpuTime(): number;
}

function queueWay({ server, folder }: Setting, patterns: readonly Pattern[]): QueueWay | { reason: string } {
  const program = join(folder, 'queue-inspector');
  try {
    const packages = 'gcc libc6-dev libnetfilter-queue-dev';
    buildProgram({ compiler: 'gcc', source: SOURCE, libraries: ['-lnetfilter_queue'], packages }, program);
  } catch (error) {
    return { reason: reasonOf(error) };
  }
  const automaton = join(folder, 'automaton');
  writeFileSync(automaton, queueAutomaton(patterns));
  let inspector: ChildProcess | undefined;
  return tried(
    {
      name: QUEUE,
      begin: async () => {
        inspector = server.start(program, '0', automaton);
        await once(inspector.stdout!, 'data');
        server.run('iptables', '-A', 'INPUT', '-p', 'tcp', '-j', 'NFQUEUE', '--queue-num', '0');
      },
      end: async () => {
        server.run('iptables', '-F', 'INPUT');
        inspector?.kill('SIGKILL');
        inspector = undefined;
        await sleep(100);
      },
      cpuTime: () => (inspector === undefined ? 0 : timeOf(inspector.pid!)),
    },
    server,
  );
}

function tried<T extends Way>(way: T, server: Setting['server']): T | { reason: string } {
  try {
    server.run('iptables', '-F', 'INPUT');
    return way;
  } catch (error) {
    return { reason: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof PlinthError && error.kind === 'host') return error.message;
  throw error;
}
