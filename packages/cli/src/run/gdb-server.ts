// SPDX-License-Identifier: Apache-2.0
// `--gdb`: the door for debuggers, a TCP port of this host. Whoever can connect to it commands the machine, so it listens
// for this host alone unless an address is given.

import { createServer, type Server, type Socket } from 'node:net';
import { resolve } from 'node:path';
import { PlinthError } from '@plinth/core';
import type { Machine, MachineDriver, OpenDriver, RunDebugger, RunSpec } from '@plinth/machine';
import {
  addBlockCommands,
  addHistoryCommands,
  addMachineCommands,
  addThreadCommand,
  DEBUGGER_PORT,
  findKallsyms,
  GdbStub,
  type GuestSymbols,
  type LiveDriver,
  MachineTarget,
  readElfSymbols,
  type ReplayDriver,
  type SymbolTable,
} from '@plinth/observe';
import { reasonOf } from '../host/reason.js';
import { LinuxLookout } from './linux-lookout.js';
import { symbolsOfRun } from './run-symbols.js';

const LOCAL = '127.0.0.1';

export interface GdbServer extends Disposable {
  /** For the run loop. */
  readonly debug: RunDebugger;
}

/**
 * Listens if the run wants it.
 *
 * @param open the machine itself; `driver` is what runs it, maybe with a recorder around it
 * @param live what runs it, if its run can be gone back in
 * @throws PlinthError `host` if it cannot listen there
 */
export async function openGdbServer(
  spec: RunSpec,
  open: OpenDriver,
  driver: MachineDriver,
  live: LiveDriver | undefined,
  say: (line: string) => void,
): Promise<GdbServer | undefined> {
  if (spec.gdb === undefined) return undefined;
  const recorded = spec.record !== undefined || live !== undefined;
  const program = spec.program === undefined ? undefined : resolve(spec.program);
  const target = new MachineTarget({
    driver,
    machine: open.machine,
    paused: spec.paused,
    ...(recorded ? { lookOnly: true, change: (bytes) => driver.send(DEBUGGER_PORT, bytes) > 0 } : {}),
    ...(live === undefined ? {} : { past: live }),
    ...(program === undefined ? {} : { executable: program }),
  });
  let symbols: GuestSymbols | undefined;
  const nameOf = (address: number): string | undefined => (symbols ??= symbolsOfRun(spec, open)).describe(address);
  return serveTarget(spec.gdb, target, {
    paused: spec.paused,
    say,
    commands: (monitor) => {
      if (live !== undefined) addHistoryCommands(monitor, target, live.history, nameOf);
      addBlockCommands(monitor, target, nameOf, live?.history);
    },
  });
}

/** Listens for debuggers of a recorded run, which waits for one at its beginning; they can go back in it. */
export async function openReplayServer(
  place: string,
  replay: ReplayDriver,
  program: { readonly path: string; readonly bytes: Uint8Array } | undefined,
  say: (line: string) => void,
): Promise<GdbServer> {
  const { history } = replay;
  const { machine } = history;
  const executable = program === undefined ? {} : { executable: program.path };
  const target = new MachineTarget({ driver: replay, machine, past: replay, paused: true, ...executable });
  let symbols: SymbolTable | undefined;
  const nameOf = (address: number): string | undefined => {
    symbols ??= symbolsOf(program, machine);
    return symbols?.describe(address);
  };
  return serveTarget(place, target, {
    paused: true,
    say,
    commands: (monitor) => {
      addHistoryCommands(monitor, target, history, nameOf);
      addBlockCommands(monitor, target, nameOf, history);
    },
  });
}

/** Of the program, or of the kernel that lies in RAM. */
function symbolsOf(
  program: { readonly path: string; readonly bytes: Uint8Array } | undefined,
  machine: Machine,
): SymbolTable | undefined {
  if (program !== undefined) return readElfSymbols(program.bytes, program.path).table;
  return findKallsyms(machine.memory.ram)?.table;
}

async function serveTarget(
  place: string,
  target: MachineTarget,
  options: {
    readonly paused: boolean;
    readonly say: (line: string) => void;
    readonly commands: (monitor: GdbStub['monitor']) => void;
  },
): Promise<GdbServer> {
  const { paused, say } = options;
  const stub = new GdbStub(target);
  addMachineCommands(stub.monitor, target);
  addThreadCommand(stub.monitor, target, new LinuxLookout(target.machine, target.executable !== undefined).guest);
  options.commands(stub.monitor);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => serve(stub, socket, sockets));
  const port = await listen(server, place);
  say(`gdb: target remote ${port}${paused ? '; the machine waits for it' : ''}`);
  return {
    debug: target,
    [Symbol.dispose]: () => {
      server.close();
      for (const socket of sockets) socket.destroySoon();
    },
  };
}

/** One client; another has to wait until it has gone. */
function serve(stub: GdbStub, socket: Socket, sockets: Set<Socket>): void {
  socket.setNoDelay(true);
  // What goes wrong with a connection ends it, and that is told by `close`.
  socket.on('error', () => undefined);
  const session = stub.connect({
    send: (bytes) => void socket.write(bytes),
    close: () => socket.destroySoon(),
  });
  if (session === undefined) {
    socket.destroy();
    return;
  }
  sockets.add(socket);
  socket.on('data', (bytes) => session.receive(bytes));
  socket.on('close', () => {
    sockets.delete(socket);
    session.closed();
  });
}

/** Where it listens, as it is given to `target remote`. */
async function listen(server: Server, place: string): Promise<string> {
  const colon = place.lastIndexOf(':');
  const host = place.slice(0, Math.max(0, colon)).replace(/^\[(.*)\]$/, '$1') || LOCAL;
  try {
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen(Number(place.slice(colon + 1)), host, done);
    });
  } catch (cause) {
    throw new PlinthError('host', 'gdb', `gdb: cannot listen at ${place}: ${reasonOf(cause)}`, { cause });
  }
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return host === LOCAL ? `:${port}` : `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
