// SPDX-License-Identifier: Apache-2.0
// `kill -9` at any moment: what was committed stays, everything is as it was or as it was to be, and doctor clears the rest.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Workspace } from '@plinth/sandbox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { Random } from '../fuzz/random.js';
import { allEnded, ownSeconds } from './app-user.js';
import { whyNotIsolated } from './isolated.js';
import { WorkspaceUser } from './workspace-user.js';

const reason = whyNotIsolated('tests/sandbox/killed.test.ts');
/** Each kills three or four commands. */
const ROUNDS = process.env['PLINTH_LONG'] === '1' ? 60 : 2;
const SEED = 11;
const FILES = 40;
const MARK = ownSeconds(7310);

describe('workspaces whose commands are killed', unless(reason), () => {
  let user: WorkspaceUser;
  beforeAll(() => {
    user = new WorkspaceUser();
    user.plinth('workspace', 'create', 'w', '--deny', 'net', '--folder', '.', '--pids', '50');
  });
  afterAll(() => user[Symbol.dispose]());

  /** Starts it, and kills it after so long, unless it was faster. */
  const killed = async (milliseconds: number, ...args: readonly string[]): Promise<void> => {
    const child = spawn(process.execPath, [user.program, ...args], {
      cwd: user.project,
      env: user.environment,
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    await Promise.race([ended, sleep(milliseconds)]);
    child.kill('SIGKILL');
    await ended;
  };

  const write = (value: number): readonly string[] => [
    'sh',
    '-c',
    // Each file is whole at any moment, so that one that is not is our doing.
    `n=0; while [ $n -lt ${FILES} ]; do echo ${value} > half; mv half file$n; n=$((n + 1)); done; sleep ${MARK}`,
  ];

  it(`lose nothing and leave nothing, ${ROUNDS} times`, async () => {
    const random = new Random(SEED);
    for (let round = 1; round <= ROUNDS; round++) {
      // What is written, one value for all files, is stopped by the kill at the latest.
      await killed(600 + random.below(1200), 'workspace', 'run', 'w', '--', ...write(round));
      await killed(random.below(1500), 'workspace', random.pick(['snapshot', 'review']), 'w');
      await killed(random.below(1500), 'workspace', 'commit', 'w', '--all');
      if (random.chance(0.3)) await killed(random.below(1500), 'workspace', 'rollback', 'w');

      // Each file on the host is that of some round, whole.
      for (const value of hostValues()) expect(value).toMatch(/^\d+\n$/);

      expect(user.plinth('doctor', '--clean').status).toBe(0);
      await allEnded(`\0${MARK}\0`);
      expect(leftDirectories()).toEqual([]);
      // It still works, and what it commits now stays.
      expect(user.plinth('workspace', 'run', 'w', '--', 'sh', '-c', `echo ${round} > last`)).toMatchObject({
        status: 0,
      });
      expect(user.plinth('workspace', 'commit', 'w', '--all').status).toBe(0);
      expect(user.read('last')).toBe(`${round}\n`);
    }
  }, 3_600_000);

  const hostValues = (): string[] =>
    readdirSync(user.project)
      .filter((name) => /^(file\d+|last)$/.test(name))
      .map((name) => user.read(name));

  const leftDirectories = (): string[] => {
    const all = join(user.folder, 'data', 'plinth', 'workspaces');
    const inside = join(all, 'w');
    const { group } = Workspace.open(all, 'w');
    const groups = ['pids', 'unified', '.']
      .map((kind) => join('/sys/fs/cgroup', kind))
      .filter((folder) => existsSync(folder))
      .flatMap((folder) => readdirSync(folder).filter((name) => name === group));
    const halves = [all, inside, join(inside, 'snapshots'), user.project]
      .filter((folder) => existsSync(folder))
      .flatMap((folder) => readdirSync(folder).filter((name) => name.startsWith('.plinth-')));
    const layers = readdirSync(join(inside, 'layers'));
    return [...groups, ...halves, ...(layers.length === 1 ? [] : layers)];
  };
});
