// SPDX-License-Identifier: Apache-2.0
// `plinth run FILE FILE …`: several machines at once, each in a thread. They have no standard input; each line of their
// output begins with the name of its guest, and the exit status is the highest of theirs.

import { basename, extname } from 'node:path';
import type { RunSpec } from '@plinth/machine';
import { LineProgress } from '../host/progress.js';
import { reportError } from '../report-error.js';
import { conclude } from '../run/conclude.js';
import { EventLog, type RunOutput } from '../run/event-log.js';
import { buildRunSpec } from '../run/run-options.js';
import type { RunOptions } from '../run/run-options.js';
import type { MachineEnd } from '../thread/messages.js';
import { type MachineWorker, MachineWorkers } from '../thread/machine-worker.js';
import { LinePrefix } from '../thread/line-prefix.js';

interface Guest {
  readonly name: string;
  readonly spec: RunSpec;
  readonly worker: MachineWorker;
  readonly output: LinePrefix;
  readonly errors: LinePrefix;
  /** What the command of `exec` has printed, for --json. */
  readonly kept: { readonly output: Buffer[]; readonly errors: Buffer[] };
}

/** Options hold for all guests; those in a guest file for that one. */
export async function runSeveral(files: readonly string[], options: RunOptions, output: RunOutput): Promise<number> {
  // All of them are looked at before the first one starts.
  const specs = files.map((file) => buildRunSpec(options, file, false));
  const names = guestNames(files);
  using events = new EventLog(output.events);
  const workers = new MachineWorkers();
  const guests: Guest[] = [];
  try {
    for (const [n, spec] of specs.entries()) guests.push(await startGuest(workers, names[n]!, spec, output, events));
    const statuses = await Promise.all(guests.map((guest) => finish(guest, output)));
    return Math.max(...statuses);
  } finally {
    await Promise.all(guests.map(({ worker }) => worker[Symbol.asyncDispose]()));
  }
}

async function startGuest(
  workers: MachineWorkers,
  name: string,
  spec: RunSpec,
  { json }: RunOutput,
  events: EventLog,
): Promise<Guest> {
  const output = new LinePrefix(name, json ? process.stderr : process.stdout);
  const errors = new LinePrefix(name, process.stderr);
  const kept: Guest['kept'] = { output: [], errors: [] };
  const keeps = json && spec.exec !== undefined;
  const worker = await workers.start(spec, new LineProgress(process.stderr), {
    onOutput: async (bytes) => {
      if (keeps) kept.output.push(Buffer.from(bytes));
      else await output.write(bytes);
    },
    onErrors: (bytes) => {
      if (keeps) kept.errors.push(Buffer.from(bytes));
      else void errors.write(bytes);
    },
    onLine: (line) => say(name, line),
    onFinding: (finding) => events.write(finding),
  });
  return { name, spec, worker, output, errors, kept };
}

/** Waits for its end; a guest that could not run lets the others go on. */
async function finish({ name, spec, worker, output, errors, kept }: Guest, { json }: RunOutput): Promise<number> {
  let end: MachineEnd;
  try {
    end = await worker.end;
  } catch (error) {
    return reportError(error, name);
  } finally {
    await output.end();
    await errors.end();
  }
  const { result, machineExit, bootTail } = end;
  const status = result.exit.kind === 'exit' ? result.exit.status : undefined;
  if (json) {
    const texts = { output: Buffer.concat(kept.output).toString(), errors: Buffer.concat(kept.errors).toString() };
    const exec = spec.exec === undefined ? {} : { exitStatus: status ?? null, ...texts };
    process.stdout.write(`${JSON.stringify({ guest: name, spec, ...result, ...exec })}\n`);
  } else {
    for (const { severity, message } of result.findings) if (severity !== 'info') say(name, `finding: ${message}`);
  }
  const command = spec.exec === undefined ? undefined : { exit: endOf(status), bootTail };
  const tell = (line: string): void => void process.stderr.write(`${name}: ${line}\n`);
  return conclude(spec, result, machineExit, command, (line) => say(name, line), tell);
}

function endOf(status: number | undefined): { readonly kind: 'exit'; readonly status: number } | undefined {
  return status === undefined ? undefined : { kind: 'exit', status };
}

/** Of the files, as short as they tell the guests apart. */
function guestNames(files: readonly string[]): string[] {
  const short = files.map((file) => basename(file, extname(file)));
  return new Set(short).size === files.length ? short : files.map((file, n) => `${n + 1}:${file}`);
}

function say(name: string, line: string): void {
  process.stderr.write(`plinth: ${name}: ${line}\n`);
}
