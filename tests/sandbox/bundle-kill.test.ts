// SPDX-License-Identifier: Apache-2.0
// `kill -9` while a program in one file is packed, captured, committed, taken in or run: what there was is there, or what is new, and it is whole.

import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { allEnded, AppUser, whyNoApps } from './app-user.js';

const BUSYBOX = '/bin/busybox';
const TIMES = process.env['PLINTH_LONG'] === '1' ? 50 : 2;
const FILE = 'tests/sandbox/bundle-kill.test.ts';
const reason = existsSync(BUSYBOX) ? whyNoApps(FILE) : 'busybox-static is not installed';
if (!existsSync(BUSYBOX)) console.log(`skipped: ${FILE}: ${reason}`);

describe('a program in one file, when plinth is killed', unless(reason), () => {
  let user: AppUser;
  let tree: string;
  beforeAll(() => {
    user = new AppUser();
    tree = join(user.folder, 'tree');
    mkdirSync(join(tree, 'usr/bin'), { recursive: true });
    copyFileSync(BUSYBOX, join(tree, 'usr/bin/busybox'));
    user.plinth('app', 'pack', ...packing(tree), '-o', 'first.plinth');
    user.plinth('app', 'pack', ...packing(tree), '-o', 'box.plinth');
    user.run('./box.plinth', 'sh', '-c', 'echo old > ~/state');
    user.plinth('app', 'export', 'box.plinth', '-o', 'old.tar');
    user.run('./box.plinth', 'sh', '-c', 'echo new > ~/state');
    user.plinth('app', 'export', 'box.plinth', '-o', 'new.tar');
  });
  afterAll(() => user[Symbol.dispose]());

  /** Kills after a part of the time that it takes whole, another one each time. */
  const killed = async (start: () => ReturnType<AppUser['startPlinth']>, check: (n: number) => void): Promise<void> => {
    const before = performance.now();
    await once(start(), 'close');
    const whole = performance.now() - before;
    for (let n = 0; n < TIMES; n++) {
      const child = start();
      const ended = once(child, 'close');
      await sleep((whole * (n + 1)) / (TIMES + 1));
      child.kill('SIGKILL');
      await ended;
      check(n);
    }
  };

  it('packs the whole file or none', async () => {
    const output = join(user.work, 'second.plinth');
    await killed(
      () => {
        rmSync(output, { force: true });
        return user.startPlinth('app', 'pack', ...packing(tree), '-o', 'second.plinth');
      },
      () => {
        if (existsSync(output)) expect(user.plinth('app', 'verify', 'second.plinth').status).toBe(0);
      },
    );
    expect(user.plinth('app', 'pack', ...packing(tree), '-o', 'second.plinth').status).toBe(0);
    expect(readdirSync(user.work).filter((name) => name.startsWith('.plinth-'))).toEqual([]);
  });

  it('captures an installer to the whole file or none, ends it, and leaves what doctor removes', async () => {
    const output = join(user.work, 'captured.plinth');
    const mark = `captured-${process.pid}`;
    const command = `mkdir -p /opt/${mark}/bin; cp ${BUSYBOX} /opt/${mark}/bin; sleep 0.3`;
    const capturing = ['app', 'pack', '--capture', command, '-o', 'captured.plinth'];
    await killed(
      () => {
        rmSync(output, { force: true });
        return user.startPlinth(...capturing);
      },
      () => {
        if (existsSync(output)) expect(user.plinth('app', 'verify', 'captured.plinth').status).toBe(0);
      },
    );
    await allEnded(mark);
    expect(user.plinth('doctor', '--clean').status).toBe(0);
    expect(readdirSync(join(user.home, '.local/share/plinth/workspaces'))).toEqual([]);
    expect(user.plinth(...capturing).status).toBe(0);
    expect(user.run('./captured.plinth', 'echo', 'whole').stdout).toBe('whole\n');
    expect(readdirSync(user.work).filter((name) => name.startsWith('.plinth-'))).toEqual([]);
    expect(existsSync(`/opt/${mark}`)).toBe(false);
  });

  it('commits to the whole file, and the one before stays till then', async () => {
    await killed(
      () => {
        copyFileSync(join(user.work, 'first.plinth'), join(user.work, 'third.plinth'));
        return user.startPlinth('app', 'commit', 'box.plinth', '-o', 'third.plinth');
      },
      () => expect(user.plinth('app', 'verify', 'third.plinth').status).toBe(0),
    );
    expect(user.run('./box.plinth', 'cat', join(user.home, 'state')).stdout).toBe('new\n');
  });

  it('takes in one state or keeps the other', async () => {
    let which = 'old';
    await killed(
      () => {
        which = which === 'old' ? 'new' : 'old';
        return user.startPlinth('app', 'import', 'box.plinth', `${which}.tar`);
      },
      () => {
        user.own();
        expect(user.run('./box.plinth', 'cat', join(user.home, 'state')).stdout).toMatch(/^(old|new)\n$/);
      },
    );
  });

  it('leaves the host as it is, and a state that can be used', async () => {
    user.write(join(user.work, 'mine'), 'mine\n');
    await killed(
      () =>
        user.start(
          './box.plinth',
          'sh',
          '-c',
          'for n in 1 2 3 4 5 6 7 8 9; do echo $n >> ~/count; echo $n > mine; done',
        ),
      () => {
        expect(readFileSync(join(user.work, 'mine'), 'utf8')).toBe('mine\n');
        expect(user.run('./box.plinth', 'cat', join(user.home, 'state')).stdout).toMatch(/^(old|new)\n$/);
      },
    );
  });
});

function packing(tree: string): string[] {
  return [tree, '--entry', '/usr/bin/busybox'];
}
