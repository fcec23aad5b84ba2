// SPDX-License-Identifier: Apache-2.0
// The idle part of benchmark `io`: what a guest that waits at its shell costs the host, in percent of one core, when its
// time is the host's.

import { type Command, plinthRun, runIdle } from './child.js';
import { bootArguments, bootFiles, PROMPT, RAM_MEBIBYTES } from './linux.js';
import type { Options } from './options.js';
import { PEER_NAME, peerLinux } from './peer.js';
import { median, ratioOf, type Row } from './report.js';

/** Seconds after the prompt until compilers and the guest's own start are done, and seconds that are measured. */
const SETTLE = 8;
const MEASURED = 20;

export async function idle(
  options: Options,
  noPeer: string | undefined,
  progress: (text: string) => void,
): Promise<Row[]> {
  const memory = `${RAM_MEBIBYTES}M`;
  const run = ['--image', 'debian-mini', '--memory', memory, '--engine', options.engine, '--realtime'];
  const ourCommand = plinthRun(...run);
  const { zImage, initrd } = bootFiles();
  const peerCommand = peerLinux({ kernel: zImage, initrd, append: bootArguments('stock'), memory });
  const percent = async (command: Command): Promise<number> =>
    (100 * (await runIdle(command, PROMPT, { settle: SETTLE, measured: MEASURED }))) / MEASURED;
  const ours: number[] = [];
  const peer: number[] = [];
  for (let repetition = 0; repetition < options.repetitions; repetition++) {
    progress(`idle ${repetition + 1}/${options.repetitions}`);
    ours.push(await percent(ourCommand));
    if (noPeer === undefined) peer.push(await percent(peerCommand));
  }
  const own = median(ours);
  const other = peer.length === 0 ? null : median(peer);
  return [
    {
      name: `idle at the shell, --realtime: CPU time over ${MEASURED} s`,
      unit: '% of one core',
      ours: own,
      peer: other,
      peerName: PEER_NAME,
      ratio: ratioOf(own, other),
      inGeomean: false,
      ...(noPeer === undefined ? {} : { reason: noPeer }),
      spread: { ours, peer },
    },
  ];
}
