// SPDX-License-Identifier: Apache-2.0
// Benchmark `boot`, its part `debian`: a whole Debian from the start of the process to its login prompt, in our machine
// and in the peer by turns with the same kernel, initramfs, disk and parameters; and a machine of 256 MiB with a shell, saved
// and resumed, as it is and with all its memory in use. Ours is `plinth run` with its usual engine, in real time.

import { join } from 'node:path';
import { imageFile } from './cache.js';
import { type DialogueMark, plinthRun, runDialogue, type Step, type Times } from './child.js';
import { ownFigure, PEER_NAME, peerDisk } from './peer.js';
import { median, ratioOf, type Row } from './report.js';

export const DEBIAN = 'debian';

const LOGIN = 'plinth login: ';
const PROMPT = 'root@plinth:~# ';
const MEMORY = '512M';
const SNAPSHOT_MEMORY = '256M';
/** What `plinth run` says between its name and the size of what it has saved. */
const SAVED = 'plinth: snapshot: ';

/** A text that a shell prints, typed so that the echo of the line does not have it. */
function echo(text: string): string {
  return `echo "${text[0]}""${text.slice(1)}"`;
}

export interface DebianFiles {
  readonly kernel: string;
  readonly initrd: string;
  readonly file: string;
}

/** @throws PlinthError of kind `host` if the image has not been pulled. */
export function debianFiles(): DebianFiles {
  const kernel = imageFile(DEBIAN, 'vmlinuz');
  return { kernel, initrd: imageFile(DEBIAN, 'initramfs.cpio.gz'), file: imageFile(DEBIAN, 'disk.img') };
}

export function noDebian(reason: string): Row {
  const name = `${DEBIAN}: to the login prompt, snapshots`;
  return {
    name,
    unit: 's',
    ours: null,
    peer: null,
    peerName: PEER_NAME,
    ratio: null,
    inGeomean: false,
    reason,
  };
}

export async function debian(
  files: DebianFiles,
  folder: string,
  repetitions: number,
  noPeer: string | undefined,
  progress: (text: string) => void,
): Promise<Row[]> {
  const theirs = peerDisk({ ...files, append: 'console=ttyAMA0 root=/dev/vda', memory: MEMORY, snapshot: true });
  const usual = ['--image', DEBIAN, '--realtime'];
  const fast: Times[] = [];
  const stock: Times[] = [];
  const peer: Times[] = [];
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    progress(`${DEBIAN} ${repetition}/${repetitions}`);
    fast.push(...(await runDialogue(plinthRun(...usual, '--memory', MEMORY), [{ text: LOGIN }])));
    if (noPeer === undefined) peer.push(...(await runDialogue(theirs, [{ text: LOGIN }])));
    stock.push(...(await runDialogue(plinthRun(...usual, '--memory', MEMORY, '--stock'), [{ text: LOGIN }])));
  }
  const rows: Row[] = [];
  for (const [name, ours] of [
    ['debian', fast],
    ['debian, stock', stock],
  ] as const) {
    for (const time of ['wall', 'cpu'] as const) rows.push(bootRow(name, time, ours, peer, noPeer));
  }
  return [...rows, ...(await snapshots(folder, repetitions, progress))];
}

function bootRow(
  name: string,
  time: keyof Times,
  ours: readonly Times[],
  peer: readonly Times[],
  noPeer: string | undefined,
): Row {
  const own = median(ours.map((run) => run[time]));
  const other = peer.length === 0 ? null : median(peer.map((run) => run[time]));
  return {
    name: `${name}: ${time === 'cpu' ? 'CPU time' : 'wall time'} to the login prompt`,
    unit: 's',
    ours: own,
    peer: other,
    peerName: PEER_NAME,
    ratio: ratioOf(own, other),
    inGeomean: false,
    ...(noPeer === undefined ? {} : { reason: noPeer }),
    spread: { ours: ours.map((run) => run[time]), peer: peer.map((run) => run[time]) },
  };
}

async function snapshots(folder: string, repetitions: number, progress: (text: string) => void): Promise<Row[]> {
  const atShell = join(folder, 'shell.plinth');
  const full = join(folder, 'full.plinth');
  const saving = (file: string): string[] => ['--realtime', '--save-snapshot', file, '--save-at', 'saved here'];
  const save: Step[] = [{ text: 'saved here' }, { text: SAVED }, { text: ' MB, ' }];
  progress(`${DEBIAN}: snapshot of a shell`);
  const first = await runDialogue(plinthRun('--image', DEBIAN, '--memory', SNAPSHOT_MEMORY, ...saving(atShell)), [
    { text: LOGIN, type: 'root\n' },
    { text: PROMPT, type: `${echo('saved here')}\n` },
    ...save,
  ]);
  progress(`${DEBIAN}: snapshot of a full memory`);
  const second = await runDialogue(plinthRun(atShell, ...saving(full)), [
    { text: PROMPT, type: `cat $(find / -xdev -type f) >/dev/null; ${echo('saved here')}\n` },
    ...save,
  ]);
  const rows: Row[] = [];
  for (const [what, file, marks] of [
    ['a shell', atShell, first],
    ['a full memory', full, second],
  ] as const) {
    rows.push(...snapshotRows(what, marks), ...(await resumed(what, file, repetitions, progress)));
  }
  return rows;
}

function snapshotRows(what: string, marks: readonly DialogueMark[]): Row[] {
  const [asked, told, size] = marks.slice(-3) as [DialogueMark, DialogueMark, DialogueMark];
  const name = `debian, ${SNAPSHOT_MEMORY}, ${what}: snapshot`;
  return [
    ownFigure(`${name}, wall time until it is stored`, 's', told.wall - asked.wall),
    ownFigure(`${name}, CPU time`, 's', told.cpu - asked.cpu),
    ownFigure(`${name}, size`, 'MB', Number(size.before.split(' ').at(-1))),
  ];
}

async function resumed(
  what: string,
  file: string,
  repetitions: number,
  progress: (text: string) => void,
): Promise<Row[]> {
  const runs: Times[] = [];
  // The first one is not counted: files that nobody has read for long are not what is measured.
  for (let repetition = 0; repetition <= repetitions; repetition++) {
    progress(`${DEBIAN}: ${what} resumed ${repetition}/${repetitions}`);
    const [prompt] = await runDialogue(plinthRun(file, '--realtime'), [
      { text: PROMPT, type: `${echo('alive')}\n` },
      { text: 'alive' },
    ]).then((marks) => marks.slice(-1));
    if (repetition > 0) runs.push(prompt!);
  }
  return (['wall', 'cpu'] as const).map((time) => ({
    ...ownFigure(
      `debian, ${SNAPSHOT_MEMORY}, ${what} resumed: ${time === 'cpu' ? 'CPU time' : 'wall time'} to an answer of the shell`,
      's',
      median(runs.map((run) => run[time])),
    ),
    spread: { ours: runs.map((run) => run[time]), peer: [] },
  }));
}
