// SPDX-License-Identifier: Apache-2.0
// The work part of benchmark `sandbox`: CPU time of real work in a workspace, outside of it, and on a plain overlay, by turns. What
// the overlay of the kernel costs is so told apart from what all the rest does.

import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { benchDirectory } from '../cache.js';
import { type Command, inFolder, runToEnd } from '../child.js';
import { pairsRow } from '../pairs-row.js';
import type { Row } from '../report.js';
import { BenchWorkspace } from './bench-workspace.js';
import { PLAIN_OVERLAY, PlainOverlay } from './plain-overlay.js';
import type { Part } from './sandbox.js';

const FEWEST_PAIRS = 20;
const FUNCTIONS = 400;
const ROWS = 400_000;

interface Work {
  readonly name: string;
  /** Puts what it works on into the folder, and says what is run there. */
  readonly prepare: (folder: string) => readonly string[];
  /** It is done in the home, which in a workspace is a directory of its own and no overlay. */
  readonly atHome?: true;
}

const WORKS: readonly Work[] = [
  {
    name: 'compress 32 MB with gzip -6',
    prepare: (folder) => {
      // Half of it repeats, as text does.
      const piece = randomBytes(32_768);
      writeFileSync(
        join(folder, 'data'),
        Buffer.concat(
          Array.from({ length: 1024 }, (_, n) =>
            n % 2 === 0 ? piece : Buffer.from(piece.toString('hex').slice(0, 32_768)),
          ),
        ),
      );
      return ['sh', '-c', 'gzip -6 < data > data.gz'];
    },
  },
  {
    name: `compile ${FUNCTIONS} functions with gcc -O2`,
    prepare: (folder) => {
      const body = (n: number): string =>
        `int f${n}(int a, int b) { int s = ${n}; for (int i = 0; i < a; i++) { s = s * 31 + (b ^ i); if (s & 64) s -= f${Math.max(0, n - 1)}(i & 3, s); } return s; }`;
      const lines = [
        'int f0(int a, int b) { return a + b; }',
        ...Array.from({ length: FUNCTIONS }, (_, n) => body(n + 1)),
      ];
      writeFileSync(join(folder, 'work.c'), `${lines.join('\n')}\n`);
      return ['gcc', '-O2', '-c', 'work.c', '-o', 'work.o'];
    },
  },
  {
    name: `SQLite: ${ROWS} rows, an index, and queries`,
    prepare: (folder) => {
      const script = `create table t(a integer primary key, b text, c integer);
with recursive n(x) as (select 1 union all select x + 1 from n where x < ${ROWS}) insert into t select x, hex(x * 7919), x % 1000 from n;
create index i on t(c, b);
select count(*), sum(length(b)) from t where c between 100 and 900;
update t set b = b || '-' where c % 3 = 0;
select c, count(*) from t group by c order by 2 desc limit 3;
`;
      writeFileSync(join(folder, 'load.sql'), script);
      // Its temporary files lie beside it, so that they are on the same kind of file system as it is.
      return ['sh', '-c', 'rm -f base; SQLITE_TMPDIR=. sqlite3 base < load.sql'];
    },
  },
  {
    name: 'SQLite: the same in the home',
    atHome: true,
    prepare: (folder) => ['sh', '-c', `cd; rm -f base; SQLITE_TMPDIR=. sqlite3 base < '${join(folder, 'load.sql')}'`],
  },
];

export const work: Part = async ({ repetitions }, progress) => {
  const pairs = Math.max(FEWEST_PAIRS, repetitions);
  const rows: Row[] = [];
  using workspace = new BenchWorkspace();
  const prepared = WORKS.map((one) => ({ ...one, words: one.prepare(workspace.folder) }));
  const isRoot = process.getuid?.() === 0;
  using overlay = isRoot
    ? new PlainOverlay(join(benchDirectory(), `sandbox-work-${process.pid}`), workspace.folder)
    : undefined;
  for (const { name, words, atHome = false } of prepared) {
    const home = ['env', `HOME=${workspace.folder}`];
    const outside = inFolder(workspace.folder, atHome ? [...home, ...words] : words);
    const ways = [outside, workspace.command(...words)];
    if (overlay !== undefined && !atHome) ways.push(inFolder(overlay.merged, words));
    const [plain, own, laid] = await byTurns(ways, pairs, (pair) => progress(`${name} ${pair}/${pairs}`));
    rows.push(pairsRow(name, plain!, own!, 'the same outside'));
    if (laid !== undefined) rows.push(pairsRow(`${name}, beside an overlay`, laid, own!, PLAIN_OVERLAY));
  }
  return rows;
};

/** Seconds of CPU time of each command, so often; whoever is first is last every second time. */
async function byTurns(
  commands: readonly Command[],
  count: number,
  progress: (turn: number) => void,
): Promise<number[][]> {
  const times: number[][] = commands.map(() => []);
  const order = [...commands.keys()];
  for (let turn = 1; turn <= count; turn++) {
    progress(turn);
    for (const n of turn % 2 === 0 ? order : order.toReversed()) times[n]!.push(await cpuTime(commands[n]!));
  }
  return times;
}

async function cpuTime(command: Command): Promise<number> {
  const { status, errors, cpu } = await runToEnd(command);
  if (status !== 0)
    throw new PlinthError('host', 'bench-work', `${command.program}: it left with ${status}: ${errors.trim()}`);
  return cpu;
}
