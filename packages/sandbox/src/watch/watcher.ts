// SPDX-License-Identifier: Apache-2.0
// One watcher for all workspaces of a user: it is told calls before they are made, notes them as findings, and answers. A workspace
// whose watcher has died goes on without what is told: those calls then fail, so nothing is done unseen.

import { appendFileSync, lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { type Finding, PlinthError } from '@plinth/core';
import {
  answerNotification,
  type AskedExecution,
  ExecutionGate,
  OpenTracer,
  POLL,
  POLL_SIZE,
  polled,
  receiveNotification,
  receiveWithDescriptor,
  setPoll,
  stillWaits,
  type SystemCalls,
} from '@plinth/linux';
import { COMMAND_ENDED } from '../isolation/launch.js';
import { judgeOpen } from './judge-open.js';
import { ProcessMemory } from './process-memory.js';
import { readToldCall, threadIdentity, type ToldCall } from './told-call.js';

const LINE_ROOM = 4096;
const OPERATION_NOT_PERMITTED = 1;
/** Of equal refusals of one process, as many are findings; the others are counted. */
const MOST_ALIKE = 3;
const IDLE_MILLISECONDS = 10_000;

/** What a run says of itself when it begins. */
export interface WatchedRun {
  readonly workspace: string;
  /** Where its events are written. */
  readonly events: string;
  /** Programs that may not be executed there. */
  readonly deniedPrograms: readonly string[];
  /** Directories that have a layer, each a file system of its own. */
  readonly parts: readonly string[];
  /** Of its user, by whose secrets it is told. */
  readonly home: string;
  /** The directory of a control group of version 2 that all of it is in. */
  readonly group?: string;
  /** A file of its control group that counts processes that were not made (cgroup-v2.rst, pids.events). */
  readonly processEvents?: string;
}

interface Connection {
  readonly fd: number;
  /** Asks before programs are executed: root's alone. */
  gate: ExecutionGate | undefined;
  /** The number of its control group, if what it opens is told. */
  group: bigint | undefined;
  /** What was told of opened files already. */
  readonly opened: Set<string>;
  run: WatchedRun | undefined;
  listener: number | undefined;
  /** Of one of its processes, while there was one. */
  space: string | undefined;
  readonly alike: Map<string, number>;
}

/** Answers until nobody has been there for a while. `socket` listens; `withdraw` makes that nobody finds it any more. */
export async function watch(calls: SystemCalls, socket: number, withdraw: () => void): Promise<void> {
  const connections = new Set<Connection>();
  using tracer = beginTracer(calls);
  let withdrawn = false;
  for (;;) {
    const waiting: { fd: number; ready: () => void }[] = [
      { fd: socket, ready: () => accept(calls, socket, connections) },
    ];
    for (const connection of connections) {
      waiting.push({ fd: connection.fd, ready: () => hear(calls, connection, connections, tracer) });
      const { gate } = connection;
      if (gate !== undefined)
        waiting.push({ fd: gate.fd, ready: () => gate.answer((asked) => judge(connection, asked)) });
      if (connection.listener !== undefined) {
        waiting.push({ fd: connection.listener, ready: () => answer(calls, connection) });
      }
    }
    // First what was opened: it was so before anything else that is told.
    if (tracer !== undefined && connections.size > 0) {
      waiting.unshift({ fd: tracer.fd, ready: () => tellOpens(tracer, connections) });
    }
    const descriptors = new Uint8Array(POLL_SIZE * waiting.length);
    waiting.forEach(({ fd }, n) => setPoll(descriptors, n, fd, POLL.in));
    const patience = connections.size > 0 ? -1 : withdrawn ? 0 : IDLE_MILLISECONDS;
    const count = await calls.poll(descriptors, patience);
    if (count === 0 && connections.size === 0) {
      if (withdrawn) return;
      withdraw();
      withdrawn = true;
    }
    waiting.forEach(({ ready }, n) => {
      if (polled(descriptors, n) !== 0) ready();
    });
  }
}

function accept(calls: SystemCalls, socket: number, connections: Set<Connection>): void {
  const fd = calls.accept(socket);
  if (fd < 0) return;
  connections.add({
    fd,
    gate: undefined,
    group: undefined,
    opened: new Set(),
    run: undefined,
    listener: undefined,
    space: undefined,
    alike: new Map(),
  });
}

function hear(
  calls: SystemCalls,
  connection: Connection,
  connections: Set<Connection>,
  tracer: OpenTracer | undefined,
): void {
  const received = receiveWithDescriptor(calls, connection.fd, LINE_ROOM);
  if (typeof received === 'number' || received.bytes.length === 0) {
    finish(calls, connection, connections, tracer);
    return;
  }
  if (received.descriptor !== undefined && connection.run === undefined) {
    connection.run = parseRun(received.bytes);
    connection.listener = received.descriptor;
    if (connection.run === undefined) finish(calls, connection, connections, tracer);
    else if (tracer !== undefined) connection.group = traceOpens(tracer, connection.run);
    return;
  }
  if (received.bytes[0] === COMMAND_ENDED) {
    stopOpens(connection, connections, tracer);
    leftProcesses(connection);
    refusedProcesses(connection);
    calls.write(connection.fd, Uint8Array.of(COMMAND_ENDED));
  }
}

/** Only root may look at what processes open. */
function beginTracer(calls: SystemCalls): OpenTracer | undefined {
  if (process.getuid?.() !== 0) return undefined;
  try {
    return OpenTracer.begin(calls);
  } catch (error) {
    if (error instanceof PlinthError && error.kind === 'host') return undefined;
    throw error;
  }
}

function traceOpens(tracer: OpenTracer, { group }: WatchedRun): bigint | undefined {
  const entry = group === undefined ? undefined : statSync(group, { bigint: true, throwIfNoEntry: false });
  if (entry === undefined) return undefined;
  tracer.trace(entry.ino);
  return entry.ino;
}

function tellOpens(tracer: OpenTracer, connections: Set<Connection>): void {
  const byGroup = new Map([...connections].map((connection) => [connection.group, connection]));
  tracer.drain((open) => {
    const connection = byGroup.get(open.group);
    if (connection?.run === undefined) return;
    const found = judgeOpen(open, connection.run.home);
    if (found === undefined || connection.opened.has(`${found.rule} ${found.path}`)) return;
    connection.opened.add(`${found.rule} ${found.path}`);
    const secret = found.rule === 'secret';
    note(connection, {
      rule: found.rule,
      severity: secret ? 'high' : 'info',
      message: `${open.program} ${secret ? 'asks for' : 'opens for writing'} ${found.path}`,
      subject: { process: open.process, program: open.program },
      evidence: { path: found.path },
    });
  });
}

/** What is opened from here on is by ours. */
function stopOpens(connection: Connection, connections: Set<Connection>, tracer: OpenTracer | undefined): void {
  if (tracer === undefined || connection.group === undefined) return;
  tellOpens(tracer, connections);
  const lost = tracer.stop(connection.group);
  connection.group = undefined;
  if (lost === 0n) return;
  const evidence = { count: Number(lost) };
  note(connection, { rule: 'lost-opens', severity: 'medium', message: `${lost} opened files were not seen`, evidence });
}

function parseRun(bytes: Uint8Array): WatchedRun | undefined {
  try {
    // Who speaks is a launch program of ours, and the same user.
    return JSON.parse(Buffer.from(bytes).toString()) as WatchedRun;
  } catch {
    return undefined;
  }
}

function finish(
  calls: SystemCalls,
  connection: Connection,
  connections: Set<Connection>,
  tracer: OpenTracer | undefined,
): void {
  stopOpens(connection, connections, tracer);
  for (const [key, count] of connection.alike) {
    if (count <= MOST_ALIKE) continue;
    note(connection, {
      rule: 'repeated',
      severity: 'info',
      message: `${key}: ${count - MOST_ALIKE} more times`,
      evidence: { count },
    });
  }
  connection.gate?.[Symbol.dispose]();
  if (connection.listener !== undefined) calls.close(connection.listener);
  calls.close(connection.fd);
  connections.delete(connection);
}

function answer(calls: SystemCalls, connection: Connection): void {
  const listener = connection.listener!;
  const told = receiveNotification(calls, listener);
  if (typeof told === 'number') {
    // ENOENT: it was killed meanwhile. Anything else is the end of all programs that have the filter.
    if (told === -2) return;
    calls.close(listener);
    connection.listener = undefined;
    return;
  }
  let event: ToldCall;
  {
    using memory = ProcessMemory.open(told.thread);
    event = readToldCall(told, memory);
  }
  if (connection.space === undefined) {
    connection.space = processSpace(told.thread);
    connection.gate = openGate(calls, connection.run!, told.thread);
  }
  // Whose memory that was is only sure as long as it waits.
  if (!stillWaits(calls, listener, told.id)) return;
  tell(connection, told.thread, event);
  const denied = event.kind === 'refused' || (event.kind === 'exec' && isDenied(connection, event.path));
  answerNotification(calls, listener, told.id, denied ? { error: OPERATION_NOT_PERMITTED } : 'go-on');
}

/** By its name here, which may lead elsewhere: whoever is root asks once more when the file is open. */
function isDenied({ run }: Connection, path: string): boolean {
  return run?.deniedPrograms.includes(path) === true;
}

/** Nothing unless some program is denied and we are root. */
function openGate(
  calls: SystemCalls,
  { deniedPrograms, parts }: WatchedRun,
  thread: number,
): ExecutionGate | undefined {
  if (deniedPrograms.length === 0 || process.getuid?.() !== 0) return undefined;
  const gate = ExecutionGate.open(calls);
  for (const part of parts) gate.guard(`/proc/${thread}/root${part}`);
  return gate;
}

function judge(connection: Connection, { process, path }: AskedExecution): 'allow' | 'deny' {
  if (!isDenied(connection, path)) return 'allow';
  const { program } = threadIdentity(process);
  note(connection, {
    rule: 'denied-program',
    severity: 'medium',
    message: `${program} may not execute ${path}`,
    subject: { process, program },
    evidence: { path },
    verdict: 'deny',
  });
  return 'deny';
}

function tell(connection: Connection, thread: number, event: ToldCall): void {
  if (event.kind === 'process' || (event.kind === 'dns' && event.names.length === 0)) return;
  const who = threadIdentity(thread);
  const subject = { process: who.process, program: who.program };
  switch (event.kind) {
    case 'exec':
      if (isDenied(connection, event.path)) {
        note(connection, {
          rule: 'denied-program',
          severity: 'medium',
          message: `${who.program} may not execute ${event.path}`,
          subject,
          evidence: { path: event.path, args: event.args },
          verdict: 'deny',
        });
        return;
      }
      // Along a search path most tries are for nothing.
      if (lstatSync(`/proc/${thread}/root${event.path}`, { throwIfNoEntry: false }) === undefined) return;
      note(connection, {
        rule: 'exec',
        severity: 'info',
        message: `${who.program} executes ${event.path}`,
        subject,
        evidence: { path: event.path, args: event.args },
      });
      return;
    case 'connect': {
      const { kind, address, port } = event.to;
      const where = port === undefined ? address : `${address} port ${port}`;
      note(connection, {
        rule: 'connect',
        severity: kind === 'unix' ? 'info' : 'low',
        message: `${who.program} connects to ${where}`,
        subject,
        evidence: { ...event.to },
      });
      return;
    }
    case 'dns':
      note(connection, {
        rule: 'dns',
        severity: 'low',
        message: `${who.program} asks for ${event.names.join(', ')}`,
        subject,
        evidence: { names: event.names },
      });
      return;
    case 'refused':
      note(connection, {
        rule: 'refused-call',
        severity: 'medium',
        message: `${who.program} tries ${event.call}${event.about === '' ? '' : `: ${event.about}`}`,
        subject,
        evidence: { call: event.call, about: event.about },
        verdict: 'deny',
      });
      return;
  }
}

/** Those that end with the run that has started them. */
function leftProcesses(connection: Connection): void {
  const { space } = connection;
  if (space === undefined) return;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || processSpace(Number(name)) !== space) continue;
    const { process, program } = threadIdentity(Number(name));
    // Process 1 is ours.
    if (innermostNumber(process) === 1) continue;
    note(connection, {
      rule: 'left-process',
      severity: 'medium',
      message: `${program} was left running, and is ended`,
      subject: { process, program },
      evidence: {},
      verdict: 'stop',
    });
  }
}

/** Once there are as many as there may be, no more are made: a fork bomb, or a limit too low. */
function refusedProcesses(connection: Connection): void {
  const file = connection.run?.processEvents;
  if (file === undefined) return;
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return; // the group is gone, and what it counted
  }
  const count = Number(/^max (\d+)$/m.exec(text)?.[1] ?? 0);
  if (count === 0) return;
  note(connection, {
    rule: 'process-limit',
    severity: 'high',
    message: `more processes than it may have: ${count} were not made`,
    evidence: { count },
    verdict: 'deny',
  });
}

function processSpace(process: number): string | undefined {
  try {
    return readlinkSync(`/proc/${process}/ns/pid`);
  } catch {
    return undefined;
  }
}

/** Its number in the namespace that is its own. */
function innermostNumber(process: number): number | undefined {
  try {
    const numbers = /^NSpid:(.*)$/m.exec(readFileSync(`/proc/${process}/status`, 'utf8'))?.[1] ?? '';
    return Number(numbers.trim().split(/\s+/).at(-1));
  } catch {
    return undefined;
  }
}

interface Noted {
  readonly rule: string;
  readonly severity: Finding['severity'];
  readonly message: string;
  readonly subject?: Finding['subject'];
  readonly evidence: Finding['evidence'];
  readonly verdict?: Finding['verdict'];
}

function note(
  { run, alike }: Connection,
  { rule, severity, message, subject = {}, evidence, verdict = 'report' }: Noted,
): void {
  if (run === undefined) return;
  const count = (alike.get(message) ?? 0) + 1;
  alike.set(message, count);
  if (count > MOST_ALIKE && verdict === 'deny') return;
  const finding: Finding = {
    time: { wall: new Date().toISOString() },
    guest: { kind: 'workspace', id: run.workspace, name: run.workspace },
    guard: 'workspace',
    rule,
    severity,
    message,
    subject,
    evidence,
    verdict,
  };
  appendFileSync(run.events, `${JSON.stringify(finding)}\n`, { mode: 0o600 });
}
