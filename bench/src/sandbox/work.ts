// SPDX-License-Identifier: Apache-2.0
// The work part of benchmark `sandbox`: CPU time of real work inside and outside of a workspace, by turns.

import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { type Command, runToEnd } from '../child.js';
import { pairsRow } from '../pairs-row.js';
import type { Row } from '../report.js';
import { BenchWorkspace } from './bench-workspace.js';
import type { Part } from './sandbox.js';

const FEWEST_PAIRS = 20;
const FUNCTIONS = 400;
const ROWS = 400_000;

interface Work {
  readonly name: string;
  /** Puts what it works on into the folder, and says what is run there. */
  readonly prepare: (folder: string) => readonly string[];
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
      return ['sh', '-c', 'rm -f base; sqlite3 base < load.sql'];
    },
  },
];

export const work: Part = async ({ repetitions }, progress) => {
  const pairs = Math.max(FEWEST_PAIRS, repetitions);
  const rows: Row[] = [];
  using workspace = new BenchWorkspace();
  for (const { name, prepare } of WORKS) {
    const words = prepare(workspace.folder);
    const outside: Command = { program: 'sh', args: ['-c', 'cd "$0" && exec "$@"', workspace.folder, ...words] };
    const inside = workspace.command(...words);
    const [plain, own]: [number[], number[]] = [[], []];
    for (let pair = 0; pair < pairs; pair++) {
      progress(`${name} ${pair + 1}/${pairs}`);
      const turn = async (command: Command, times: number[]): Promise<void> => void times.push(await cpuTime(command));
      // Whoever is first is so every second time.
      if (pair % 2 === 0) {
        await turn(outside, plain);
        await turn(inside, own);
      } else {
        await turn(inside, own);
        await turn(outside, plain);
      }
    }
    rows.push(pairsRow(name, plain, own, 'the same outside'));
  }
  return rows;
};

async function cpuTime(command: Command): Promise<number> {
  const { status, errors, cpu } = await runToEnd(command);
  if (status !== 0)
    throw new PlinthError('host', 'bench-work', `${command.program}: it left with ${status}: ${errors.trim()}`);
  return cpu;
}
