// SPDX-License-Identifier: Apache-2.0
// The network part of benchmark `io`: bytes over one TCP connection to a guest and from it, through the network in user
// mode, ours (passt) and the peer's. All of it in a network namespace, with a routable interface that passt wants.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { type Command, plinthRun, runWithMarks } from './child.js';
import { type IoGuest, ioGuest } from './io-guest.js';
import { ADDRESS, GATEWAY, missingNamespace, Namespace } from './namespace.js';
import type { Options } from './options.js';
import { PEER_NAME, peerNetwork } from './peer.js';
import type { Row } from './report.js';
import { type Run, type Stage, stagesOf, summarize } from './stages.js';

const HOST = join(import.meta.dirname, '..', 'io', 'network-host.mjs');
const MEMORY = '256M';
/** In each direction. */
const MEBIBYTES = 128;
const MEGABITS = (MEBIBYTES * 1024 * 1024 * 8) / 1e6;

const STAGES: readonly Stage[] = [
  { key: 'down', name: `${MEBIBYTES} MiB to the guest`, unit: 'Mbit/s', amount: MEGABITS },
  { key: 'up', name: `${MEBIBYTES} MiB from the guest`, unit: 'Mbit/s', amount: MEGABITS },
];

export async function network(
  folder: string,
  options: Options,
  noPeer: string | undefined,
  progress: (text: string) => void,
): Promise<Row[]> {
  const missing = reasonToSkip();
  if (missing !== undefined) return STAGES.map((stage) => missingRow(stage, missing));
  const guest = await ioGuest(folder, 'network');
  using namespace = await Namespace.create();
  const [enter, ...where] = namespace.enter;
  const host = spawn(enter, [...where, process.execPath, HOST, `${MEBIBYTES}`], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ours: Run[] = [];
  const peer: Run[] = [];
  try {
    const [port] = (await once(host.stdout, 'data')) as [Buffer];
    for (let repetition = 0; repetition < options.repetitions; repetition++) {
      progress(`network ${repetition + 1}/${options.repetitions}`);
      ours.push(await measure(inNamespace(namespace, ourCommand(guest, parameters(ADDRESS, GATEWAY, port), options))));
      if (noPeer !== undefined) continue;
      peer.push(await measure(inNamespace(namespace, peerCommand(guest, parameters('10.0.2.15', '10.0.2.2', port)))));
    }
  } finally {
    host.kill();
  }
  return STAGES.map((stage) => summarize('network in user mode', stage, ours, peer, noPeer));
}

function reasonToSkip(): string | undefined {
  if (spawnSync('passt', ['--version']).status !== 0) return 'passt is not installed (Debian: apt-get install passt)';
  return missingNamespace();
}

function missingRow({ name, unit }: Stage, reason: string): Row {
  const none = { ours: null, peer: null, ratio: null };
  return { name: `network in user mode: ${name}`, unit, ...none, peerName: PEER_NAME, inGeomean: false, reason };
}

function parameters(address: string, gateway: string, port: Buffer): string {
  const where = `address=${address} gateway=${gateway} port=${port.toString().trim()}`;
  return `console=ttyAMA0 quiet cryptomgr.notests mebibytes=${MEBIBYTES} ${where}`;
}

function ourCommand({ image, initrd }: IoGuest, append: string, { engine }: Options): Command {
  const linux = ['--kernel', image, '--initrd', initrd, '--append', append, '--memory', MEMORY, '--engine', engine];
  return plinthRun(...linux, '--net', 'user');
}

function peerCommand({ zImage, initrd }: IoGuest, append: string): Command {
  return peerNetwork({ kernel: zImage, initrd, append, memory: MEMORY });
}

function inNamespace({ enter: [program, ...where] }: Namespace, command: Command): Command {
  return { program, args: [...where, command.program, ...command.args] };
}

async function measure(command: Command): Promise<Run> {
  const { marks, errors } = await runWithMarks(command, '@');
  const last = marks.at(-1)?.text;
  if (last === '@done') return stagesOf(marks, STAGES);
  const why = [errors.trimEnd().split('\n').at(-1), last].filter(Boolean).join(', after ');
  throw new PlinthError('host', 'bench-network', `the guest's program did not come to its end: ${why}`);
}
