// SPDX-License-Identifier: Apache-2.0
// The memory part of benchmark `sandbox`: what one program takes, with all that stands beside it for its sake. The paper compared private
// bytes of its workspace with those of VMware; here shared and proportional ones are said too, and the guest's RAM counts.

import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from '../child.js';
import { bootArguments, bootFiles, PROMPT } from '../linux.js';
import { findPeer, PEER_NAME, peerLinux } from '../peer.js';
import { ratioOf, type Row } from '../report.js';
import { BenchWorkspace, bubblewrap, missingBubblewrap } from './bench-workspace.js';
import type { Part } from './sandbox.js';

/** Holds some memory, says that it has it, and waits. */
const PROGRAM = ['python3', '-c', 'import json, re; x = list(range(100000)); print("ready", flush=True); input()'];
const READY = 'ready';
const MEBIBYTE = 2 ** 20;
const GUEST_MEMORY = '256M';

/** Bytes. */
interface Memory {
  readonly own: number;
  readonly shared: number;
  readonly proportional: number;
}

export const memory: Part = async (_, progress) => {
  using workspace = new BenchWorkspace();
  const [program, ...args] = PROGRAM;
  // One more runs all the time, so that what they have of files is shared in every case.
  const companion = spawn(program!, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  await says(companion, READY);
  using _companion = { [Symbol.dispose]: () => void companion.kill('SIGKILL') };
  progress('memory of the program alone');
  const alone = await measure({ program: program!, args }, READY);
  progress('memory of a workspace');
  const watched = await workspace.watched(...PROGRAM);
  const ours = await measure(watched, READY, watched.socket);
  const watcher = ofProcesses(watchers(workspace.watcherDirectory));
  progress('memory of others');
  const noBubblewrap = missingBubblewrap();
  const peer = noBubblewrap === undefined ? await measure(bubblewrap(workspace.folder, ...PROGRAM), READY) : undefined;
  const found = findPeer();
  const noMachine = 'reason' in found ? found.reason : undefined;
  const machine = noMachine === undefined ? await measure(machineCommand(), PROMPT) : undefined;
  const beyond = (some: Memory): Memory => ({
    own: some.own - alone.own,
    shared: some.shared - alone.shared,
    proportional: some.proportional - alone.proportional,
  });
  return [
    ...rows('the program in a workspace', ours, alone, 'the program alone'),
    ...rows(
      'beyond the program, in a workspace',
      beyond(ours),
      peer === undefined ? undefined : beyond(peer),
      'bubblewrap',
      noBubblewrap,
    ),
    ...rows(
      'beyond the program, in a workspace',
      beyond(ours),
      machine,
      `${PEER_NAME} with a Linux of ${GUEST_MEMORY} at its shell`,
      noMachine,
    ),
    ...rows('the one watcher of all workspaces', watcher, undefined, '', 'nobody else has one'),
  ];
};

function machineCommand(): Command {
  const { zImage, initrd } = bootFiles();
  return peerLinux({ kernel: zImage, initrd, append: bootArguments('stock'), memory: GUEST_MEMORY });
}

/** Private bytes, and those that are shared by as many as share them (Pss). Others share more or less of what is shared by chance. */
function rows(name: string, ours: Memory, peer: Memory | undefined, peerName: string, reason?: string): Row[] {
  const kinds = [
    ['private', 'own'],
    ['proportional', 'proportional'],
  ] as const;
  return kinds.map(([kind, field]) => {
    const other = peer?.[field] ?? null;
    return {
      name: `${name}, ${kind}`,
      unit: 'MiB',
      ours: ours[field] / MEBIBYTE,
      peer: other === null ? null : other / MEBIBYTE,
      peerName,
      ratio: ratioOf(ours[field], other),
      inGeomean: false,
      shared: ours.shared / MEBIBYTE,
      peerShared: peer === undefined ? null : peer.shared / MEBIBYTE,
      ...(reason === undefined ? {} : { reason }),
    };
  });
}

/** Of all processes that a command has become, once it has said that it is ready. */
async function measure({ program, args }: Command, ready: string, socket?: number): Promise<Memory> {
  const passed = socket === undefined ? [] : [socket];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore', ...passed], detached: true });
  try {
    await says(child, ready);
    await sleep(500);
    return ofProcesses(withDescendants(child.pid!));
  } finally {
    process.kill(-child.pid!, 'SIGKILL');
  }
}

function says(child: ChildProcess, text: string): Promise<void> {
  let output = '';
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`it left with ${code} and said ${output}`)));
    child.stdout!.on('data', (data: Buffer) => {
      output += data.toString();
      if (output.includes(text)) resolve();
    });
  });
}

function withDescendants(first: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = /^PPid:\t(\d+)$/m.exec(readIfThere(`/proc/${name}/status`))?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const all = [first];
  for (let n = 0; n < all.length; n++) {
    for (const [process, parent] of parents) if (parent === all[n]) all.push(process);
  }
  return all;
}

function watchers(directory: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    return readIfThere(`/proc/${name}/cmdline`).includes(directory) && isNode(name) ? [Number(name)] : [];
  });
}

function isNode(name: string): boolean {
  try {
    return readlinkSync(`/proc/${name}/exe`) === process.execPath;
  } catch {
    return false;
  }
}

/** By smaps_rollup (proc(5)), in kB there. */
function ofProcesses(processes: readonly number[]): Memory {
  const sum = { own: 0, shared: 0, proportional: 0 };
  for (const one of processes) {
    const text = readIfThere(`/proc/${one}/smaps_rollup`);
    const field = (name: string): number =>
      1024 * Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0);
    sum.own += field('Private_Clean') + field('Private_Dirty');
    sum.shared += field('Shared_Clean') + field('Shared_Dirty');
    sum.proportional += field('Pss');
  }
  return sum;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
