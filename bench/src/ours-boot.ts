// SPDX-License-Identifier: Apache-2.0
// A process of its own for one boot in our machine, so that it is measured just as the peer is. Arguments: way to boot,
// engine, number of machines. The guest's console goes to standard output. At the prompt it waits for a line on
// standard input, then boots the other machines and reports on file descriptor 3.

import { readSync, writeSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import { tuneCompiler } from '@plinth/cli';
import { PlinthError } from '@plinth/core';
import { Machine, saveSnapshot } from '@plinth/machine';
import { bootFiles, bootPlan, type BootWay, PROMPT, RAM_MEBIBYTES } from './linux.js';
import type { EngineName } from './options.js';

export interface BootReport {
  readonly instructions: number;
  /** Seconds in `run`, wall. */
  readonly runTime: number;
  /** Bytes of guest RAM with something other than zero in its page. */
  readonly usedRam: number;
  /** Resident memory that the second machine added, less its used guest RAM, in bytes. */
  readonly secondMachine?: number;
  /** Of the machine at the prompt: seconds until it is packed, and bytes. */
  readonly snapshotTime?: number;
  readonly snapshotSize?: number;
}

/** Small, since a machine that reached the prompt goes on to the end of its slice. */
const SLICE = 2_000_000;
const PAGE = 4096;

interface Booted {
  readonly machine: Machine;
  /** When the prompt was complete. */
  readonly instructions: number;
  readonly runTime: number;
}

function boot(way: BootWay, engine: EngineName, show: boolean): Booted {
  let pending: number[] = [];
  let line = '';
  let reached: Omit<Booted, 'machine'> | undefined;
  let started = 0;
  const flush = (): void => {
    if (show && pending.length > 0) writeSync(1, Uint8Array.from(pending));
    pending = [];
  };
  const machine: Machine = new Machine({
    engine,
    ramSize: RAM_MEBIBYTES * 1024 * 1024,
    wallClockBase: 1_700_000_000,
    onConsole: (byte) => {
      pending.push(byte);
      line = byte === 10 ? '' : line + String.fromCharCode(byte);
      if (reached !== undefined || !line.endsWith(PROMPT)) return;
      reached = { instructions: machine.count, runTime: (performance.now() - started) / 1000 };
      flush();
    },
  });
  machine.load(bootPlan(way, bootFiles()));
  started = performance.now();
  while (reached === undefined) {
    const stop = machine.run({ until: machine.count + SLICE });
    flush();
    if (stop.kind !== 'until' && reached === undefined) {
      throw new PlinthError('host', 'bench-boot', `the guest stopped before the prompt: ${JSON.stringify(stop)}`);
    }
  }
  return { machine, ...reached };
}

/** Counts pages that are not all zeros; pages that were never touched stay untouched for the host as well. */
function usedRam({ memory }: Machine): number {
  const words = new Int32Array(memory.ram.buffer, memory.ram.byteOffset, memory.ramSize / 4);
  let pages = 0;
  for (let at = 0; at < words.length; at += PAGE / 4) {
    if (words.subarray(at, at + PAGE / 4).some((word) => word !== 0)) pages++;
  }
  return pages * PAGE;
}

function residentMemory(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage.rss();
}

/** As `plinth run --save-snapshot` makes it, less the writing. */
async function snapshotOf(machine: Machine): Promise<Pick<BootReport, 'snapshotTime' | 'snapshotSize'>> {
  const deflate = promisify<Uint8Array, { level: number }, Buffer>(deflateRaw);
  const unused = (): Promise<never> => Promise.reject(new Error('nothing is unpacked here'));
  const begun = performance.now();
  const codec = { deflate: (bytes: Uint8Array) => deflate(bytes, { level: 1 }), inflate: unused };
  const pieces = await saveSnapshot(machine, codec);
  const snapshotTime = (performance.now() - begun) / 1000;
  return { snapshotTime, snapshotSize: pieces.reduce((sum, { length }) => sum + length, 0) };
}

tuneCompiler();
const [way, engine, machines] = process.argv.slice(2) as [BootWay, EngineName, string];
try {
  const first = boot(way, engine, true);
  readSync(0, new Uint8Array(1));
  const base = { instructions: first.instructions, runTime: first.runTime };
  if (machines === '1') {
    const snapshot = await snapshotOf(first.machine);
    writeSync(3, JSON.stringify({ ...base, usedRam: usedRam(first.machine), ...snapshot }));
  } else {
    const before = residentMemory();
    const second = boot(way, engine, false);
    const added = residentMemory() - before;
    const secondMachine = added - usedRam(second.machine);
    writeSync(3, JSON.stringify({ ...base, usedRam: usedRam(first.machine), secondMachine }));
  }
} catch (error) {
  if (!(error instanceof PlinthError)) throw error;
  writeSync(2, `${error.message}\n`);
  process.exitCode = 3;
}
