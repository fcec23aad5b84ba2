// SPDX-License-Identifier: Apache-2.0
// One watcher for all workspaces of a user: it is told calls before they are made, notes them as findings, and answers. A workspace
// whose watcher has died goes on without what is told: those calls then fail, so nothing is done unseen. It also serves layers by FUSE,
// where the kernel does not lay them; of those programs get ENOTCONN then.

import {
  answerNotification,
  type OpenTracer,
  POLL,
  POLL_SIZE,
  polled,
  receiveNotification,
  receiveWithDescriptor,
  setPoll,
  stillWaits,
  type SystemCalls,
} from '@plinth/linux';
import { LayerThread } from '../fuse/layer-thread.js';
import { LONGEST_REFUSAL, SERVED, type ServeRequest } from '../fuse/serve-request.js';
import { COMMAND_ENDED } from '../isolation/launch.js';
import { type Connection, MOST_ALIKE, note, type WatchedRun } from './connection.js';
import { isDenied, judge, openGate } from './executions.js';
import { beginTracer, stopOpens, tellOpens, traceOpens } from './opened-files.js';
import { ProcessMemory } from './process-memory.js';
import { leftProcesses, processSpace, refusedProcesses } from './run-end.js';
import { tellCall } from './tell-call.js';
import { readToldCall, type ToldCall } from './told-call.js';

const LINE_ROOM = 65_536;
const OPERATION_NOT_PERMITTED = 1;
const IDLE_MILLISECONDS = 10_000;

/** Answers until nobody has been there for a while. `socket` listens; `withdraw` makes that nobody finds it any more. */
export async function watch(calls: SystemCalls, socket: number, withdraw: () => void): Promise<void> {
  const connections = new Set<Connection>();
  using tracer = beginTracer(calls);
  const layers = new LayerThread(calls);
  let withdrawn = false;
  for (;;) {
    const waiting: { fd: number; ready: () => void }[] = [
      { fd: socket, ready: () => accept(calls, socket, connections) },
    ];
    for (const connection of connections) {
      waiting.push({ fd: connection.fd, ready: () => hear({ calls, connections, tracer, layers }, connection) });
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
    const idle = connections.size === 0 && !layers.serves;
    const patience = connections.size > 0 ? -1 : idle && withdrawn ? 0 : IDLE_MILLISECONDS;
    const count = await calls.poll(descriptors, patience);
    if (count === 0 && idle) {
      if (withdrawn) break;
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

interface Watch {
  readonly calls: SystemCalls;
  readonly connections: Set<Connection>;
  readonly tracer: OpenTracer | undefined;
  readonly layers: LayerThread;
}

function hear(watching: Watch, connection: Connection): void {
  const { calls, connections, tracer } = watching;
  const received = receiveWithDescriptor(calls, connection.fd, LINE_ROOM);
  if (typeof received === 'number' || received.bytes.length === 0) {
    finish(calls, connection, connections, tracer);
    return;
  }
  if (received.descriptor !== undefined && connection.run === undefined) {
    const said = parse(received.bytes);
    if (said !== undefined && 'layers' in said) {
      void serveLayers(watching, connection, received.descriptor, said);
      return;
    }
    connection.run = said;
    connection.listener = received.descriptor;
    if (said === undefined) finish(calls, connection, connections, tracer);
    else if (tracer !== undefined) connection.group = traceOpens(tracer, said);
    return;
  }
  if (received.bytes[0] === COMMAND_ENDED) {
    stopOpens(connection, connections, tracer);
    leftProcesses(connection);
    refusedProcesses(connection);
    calls.write(connection.fd, Uint8Array.of(COMMAND_ENDED));
  }
}

async function serveLayers(
  { calls, connections, layers }: Watch,
  connection: Connection,
  fd: number,
  request: ServeRequest,
): Promise<void> {
  const refusal = await layers.serve(fd, request);
  // It may have ended meanwhile, and its number be another's.
  if (!connections.has(connection)) return;
  const text = Buffer.from(`${(refusal ?? '').slice(0, LONGEST_REFUSAL / 4)}\0`);
  calls.write(connection.fd, refusal === undefined ? Uint8Array.of(SERVED) : text);
}

function parse(bytes: Uint8Array): WatchedRun | ServeRequest | undefined {
  try {
    // Who speaks is a launch program of ours, and the same user.
    return JSON.parse(Buffer.from(bytes).toString()) as WatchedRun | ServeRequest;
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
  let events: readonly ToldCall[];
  {
    using memory = ProcessMemory.open(told.thread);
    events = readToldCall(told, memory);
  }
  if (connection.space === undefined) {
    connection.space = processSpace(told.thread);
    connection.gate = openGate(calls, connection.run!, told.thread);
  }
  // Whose memory that was is only sure as long as it waits.
  if (!stillWaits(calls, listener, told.id)) return;
  for (const event of events) tellCall(connection, told.thread, event);
  const denied = events.some(
    (event) => event.kind === 'refused' || (event.kind === 'exec' && isDenied(connection, event.path)),
  );
  answerNotification(calls, listener, told.id, denied ? { error: OPERATION_NOT_PERMITTED } : 'go-on');
}
