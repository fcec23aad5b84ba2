// SPDX-License-Identifier: Apache-2.0
// What a watchpoint takes that GDB passes over (`ignore`), on QEMU and on our stub: the difference of two runs with more and
// fewer hits, without the start of either.

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { type Command, plinthRun, runToEnd, type Times } from './child.js';
import { DATA_AT, EVENTS_AT, eventsProgram } from './events-program.js';
import { elfOfPlan } from './linux.js';

const HITS = 3000;
const FEW = 100;

export interface GdbWatchTimes {
  /** Seconds of both processes for a hit, or why they cannot be had. */
  readonly peer: Times | string;
  /** The same with our stub; undefined without a GDB. */
  readonly ours: Times | string | undefined;
}

export async function gdbWatchTimes(folder: string): Promise<GdbWatchTimes> {
  const without = missing('gdb-multiarch');
  if (without !== undefined) return { peer: without, ours: undefined };
  const program = join(folder, 'events.elf');
  const segments = [{ address: EVENTS_AT, bytes: eventsProgram() }];
  const plan = { segments, entry: EVENTS_AT, thumb: false, registers: { r0: 0, r1: 0, r2: 0 } };
  writeFileSync(program, elfOfPlan(plan, EVENTS_AT - 0x1000));
  const board = ['-M', 'virt', '-cpu', 'cortex-a15', '-m', '64', '-nodefaults', '-display', 'none'];
  const qemu = (port: string): Command => ({
    program: 'qemu-system-arm',
    args: [...board, '-S', '-gdb', `tcp:${port}`, '-device', `loader,file=${program},cpu-num=0`],
  });
  return {
    peer: missing('qemu-system-arm') ?? (await timeOfHit(qemu)),
    ours: await timeOfHit((port) => plinthRun(program, '--gdb', port, '--paused')),
  };
}

async function timeOfHit(machine: (port: string) => Command): Promise<Times | string> {
  try {
    const few = await session(machine, FEW);
    const many = await session(machine, FEW + HITS);
    return { cpu: (many.cpu - few.cpu) / HITS, wall: (many.wall - few.wall) / HITS };
  } catch (error) {
    // What is measured besides counts all the same.
    if (error instanceof PlinthError) return error.message;
    throw error;
  }
}

/** A whole session with so many hits: CPU time of both processes, and GDB's wall time. */
async function session(machine: (port: string) => Command, hits: number): Promise<Times> {
  const port = `127.0.0.1:${await freePort()}`;
  const commands = ['set pagination off', 'set confirm off', 'set tcp connect-timeout 60', 'set architecture armv7'];
  commands.push(
    `target remote ${port}`,
    `watch *(int *) ${DATA_AT}`,
    `ignore 1 ${hits}`,
    'continue',
    'print $r0',
    'kill',
  );
  const args = ['-nx', '-batch', ...commands.flatMap((command) => ['-ex', command])];
  const [debugged, gdb] = await Promise.all([runToEnd(machine(port)), runToEnd({ program: 'gdb-multiarch', args })]);
  // The loop counts from 1.
  if (!gdb.output.includes(`$1 = ${hits + 1}\n`)) {
    const why = `${debugged.errors}\n${gdb.errors}`.trim().split('\n').at(-1) ?? '';
    throw new PlinthError('host', 'bench-gdb', `the session with gdb-multiarch failed: ${why}`);
  }
  return { cpu: debugged.cpu + gdb.cpu, wall: gdb.wall };
}

function missing(program: string): string | undefined {
  return spawnSync(program, ['--version']).status === 0 ? undefined : `${program} is not installed`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
