// SPDX-License-Identifier: Apache-2.0
// Runs a program and measures what it took, from outside and in the same way for ours and for the peer: wall time and
// the CPU time of all its threads, user and system.

import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PlinthError } from '@plinth/core';

const PLINTH = fileURLToPath(new URL('../../packages/cli/bin/plinth.js', import.meta.url));

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** `plinth run` of this tree. */
export function plinthRun(...args: string[]): Command {
  return { program: process.execPath, args: [PLINTH, 'run', ...args] };
}

/** The same in a directory. */
export function inFolder(folder: string, words: readonly string[]): Command {
  return { program: 'sh', args: ['-c', 'cd "$0" && exec "$@"', folder, ...words] };
}

export interface Times {
  /** Seconds. */
  readonly cpu: number;
  /** Seconds. */
  readonly wall: number;
}

export interface FinishedRun extends Times {
  readonly status: number;
  /** Standard output. */
  readonly output: string;
  readonly errors: string;
  /** What the program wrote on file descriptor 3. */
  readonly report: string;
}

/** One run may take no longer: an engine that hangs is a row with that reason. */
const TIMEOUT_SECONDS = 180;
/** For a whole guest with its boot. */
export const GUEST_TIMEOUT_SECONDS = 600;
const TIMED_OUT = -1;
const TIMEOUT_MESSAGE = `it took more than ${TIMEOUT_SECONDS} s`;

/** Runs a program to its end. bash's `time` gives the CPU time to the millisecond. */
export async function runToEnd({ program, args }: Command, timeoutSeconds?: number): Promise<FinishedRun> {
  const started = performance.now();
  // Detached, so that a timeout can end bash and the program together.
  const child = spawn('bash', ['-c', `TIMEFORMAT='@%3U %3S'; time "$@"`, 'bash', program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
    detached: true,
  });
  const [output, errors, report] = [child.stdio[1], child.stdio[2], child.stdio[3]].map((stream) =>
    collect(stream as Readable),
  );
  const status = await ended(child, program, timeoutSeconds);
  const wall = (performance.now() - started) / 1000;
  if (status === TIMED_OUT) return { status, output: output!(), errors: TIMEOUT_MESSAGE, report: '', wall, cpu: wall };
  const times = /@([\d.]+) ([\d.]+)\n$/.exec(errors!());
  if (times === null) throw new PlinthError('host', 'bench-time', `${program}: bash did not tell the CPU time`);
  const cpu = Number(times[1]) + Number(times[2]);
  return { status, output: output!(), errors: errors!().slice(0, times.index), report: report!(), wall, cpu };
}

export interface MarkerRun extends Times {
  /** Resident memory when the marker was seen, in bytes. */
  readonly residentMemory: number;
  /** What the program wrote on file descriptor 3 after the marker; empty unless asked for. */
  readonly report: string;
}

/**
 * Runs a program until `marker` is in its output and measures up to there. With `wantReport` it is then sent a line and
 * may report and end by itself; otherwise it is killed.
 */
export async function runToMarker(
  { program, args }: Command,
  marker: string,
  options: { readonly wantReport: boolean },
): Promise<MarkerRun> {
  const started = performance.now();
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe', 'pipe'], detached: true });
  const errors = collect(child.stderr as Readable);
  const report = collect(child.stdio[3] as Readable);
  let output = '';
  let measured: Omit<MarkerRun, 'report'> | undefined;
  child.stdout!.setEncoding('latin1');
  child.stdout!.on('data', (text: string) => {
    output += text;
    if (measured !== undefined || !output.includes(marker)) return;
    measured = { wall: (performance.now() - started) / 1000, ...processUse(child.pid!) };
    if (options.wantReport) child.stdin!.end('go on\n');
    else killGroup(child);
  });
  await ended(child, program);
  if (measured === undefined || (options.wantReport && report() === '')) {
    const last = `${output}\n${errors()}`.trimEnd().split('\n').slice(-3).join(' | ');
    const what = measured === undefined ? 'the prompt' : 'a report';
    throw new PlinthError('host', 'bench-marker', `${program}: ended without ${what}; its last lines: ${last}`);
  }
  return { ...measured, report: report() };
}

/** What a program is to print, on standard output or standard error, and what is then typed. */
export interface Step {
  readonly text: string;
  readonly type?: string;
}

/**
 * Runs a program through a dialogue and gives the times of each step; each text is searched for behind the one before. The
 * program is killed after the last one.
 */
export async function runDialogue(
  { program, args }: Command,
  steps: readonly Step[],
): Promise<readonly DialogueMark[]> {
  const started = performance.now();
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  child.stdin.on('error', () => undefined); // it has ended, which is told below
  const marks: DialogueMark[] = [];
  let unseen = '';
  const take = (text: string): void => {
    unseen += text;
    for (let step = steps[marks.length]; step !== undefined; step = steps[marks.length]) {
      const at = unseen.indexOf(step.text);
      if (at < 0) return;
      marks.push({
        wall: (performance.now() - started) / 1000,
        ...processUse(child.pid!),
        before: unseen.slice(0, at),
      });
      unseen = unseen.slice(at + step.text.length);
      if (step.type !== undefined) child.stdin.write(step.type);
    }
    killGroup(child);
  };
  child.stdout.setEncoding('latin1').on('data', take);
  child.stderr.setEncoding('latin1').on('data', take);
  await ended(child, program, GUEST_TIMEOUT_SECONDS);
  if (marks.length === steps.length) return marks;
  const last = unseen.trimEnd().split('\n').slice(-3).join(' | ');
  const missing = steps[marks.length]!.text;
  throw new PlinthError('host', 'bench-dialogue', `${program}: ended without "${missing}"; its last lines: ${last}`);
}

export interface DialogueMark extends Times {
  /** Bytes. */
  readonly residentMemory: number;
  /** What came before the text, from the last one on. */
  readonly before: string;
}

/** A line that a program printed, and the time when it came. */
export interface LineMark extends Times {
  readonly text: string;
}

/** Runs a program to its end and notes the lines of its output that begin with `prefix`; CPU time is to 10 ms. */
export async function runWithMarks(
  { program, args }: Command,
  prefix: string,
): Promise<{ readonly marks: readonly LineMark[]; readonly errors: string }> {
  const started = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const errors = collect(child.stderr as Readable);
  const marks: LineMark[] = [];
  let line = '';
  child.stdout!.setEncoding('latin1');
  child.stdout!.on('data', (text: string) => {
    const wall = (performance.now() - started) / 1000;
    const lines = `${line}${text}`.split('\n');
    line = lines.pop()!;
    for (const whole of lines.map((one) => one.trim()).filter((one) => one.startsWith(prefix))) {
      // The last line may be read when the program has ended.
      const cpu = processTime(child.pid!) ?? marks.at(-1)?.cpu ?? 0;
      marks.push({ text: whole, wall, cpu });
    }
  });
  const status = await ended(child, program, GUEST_TIMEOUT_SECONDS);
  return { marks, errors: status === TIMED_OUT ? `it took more than ${GUEST_TIMEOUT_SECONDS} s` : errors() };
}

/** With that of its children, such as passt, as long as they are there. */
function processTime(pid: number): number | undefined {
  try {
    return [pid, ...childrenOf(pid)].reduce((sum, each) => sum + processUse(each).cpu, 0);
  } catch {
    return undefined;
  }
}

function childrenOf(pid: number): number[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  const lists = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1'));
  return lists.join(' ').split(' ').filter(Boolean).map(Number);
}

/** CPU seconds of a program in `measured` seconds, which begin `settle` seconds after `marker` is in its output. */
export async function runIdle(
  { program, args }: Command,
  marker: string,
  times: { readonly settle: number; readonly measured: number },
): Promise<number> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'], detached: true });
  let output = '';
  let used: number | undefined;
  const measure = async (): Promise<void> => {
    await sleep(times.settle * 1000);
    try {
      const before = timeOnCore(child.pid!);
      await sleep(times.measured * 1000);
      used = timeOnCore(child.pid!) - before;
    } catch {
      return; // it has ended, which is told below
    }
    killGroup(child);
  };
  let measuring: Promise<void> | undefined;
  child.stdout!.setEncoding('latin1');
  child.stdout!.on('data', (text: string) => {
    output += text;
    if (output.includes(marker)) measuring ??= measure();
  });
  await ended(child, program, GUEST_TIMEOUT_SECONDS);
  await measuring;
  if (used === undefined) throw new PlinthError('host', 'bench-idle', `${program}: ended before it was measured`);
  return used;
}

/**
 * CPU seconds of the threads that are there, by the scheduler's clock (nanoseconds, the first field of schedstat). Times in
 * ticks are of no use for who sleeps: a program that a timer wakes at a tick is charged for all of it.
 */
function timeOnCore(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const times = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1'));
  return times.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / 1e9;
}

/** CPU time and resident memory of a process that is still there (proc(5): stat, fields 14, 15 and 24). */
function processUse(pid: number): { cpu: number; residentMemory: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // Times are in ticks, which Linux fixes at 100 a second for all of /proc.
  const cpu = (Number(fields[11]) + Number(fields[12])) / 100;
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return { cpu, residentMemory: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN) * 1024 };
}

function collect(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (part: string) => {
    if (text.length < 1_000_000) text += part;
  });
  return () => text;
}

function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

function ended(child: ChildProcess, program: string, timeout: number = TIMEOUT_SECONDS): Promise<number> {
  const kill = (): void => killGroup(child);
  // A detached child would survive Ctrl-C.
  const interrupted = (): void => {
    kill();
    process.exit(130);
  };
  process.once('SIGINT', interrupted);
  const timer = setTimeout(kill, timeout * 1000);
  return new Promise<number>((resolve, reject) => {
    child.on('error', (cause) =>
      reject(new PlinthError('host', 'bench-start', `${program}: cannot be run: ${cause.message}`, { cause })),
    );
    child.on('close', (status) => resolve(status ?? TIMED_OUT));
  }).finally(() => {
    clearTimeout(timer);
    process.off('SIGINT', interrupted);
  });
}
