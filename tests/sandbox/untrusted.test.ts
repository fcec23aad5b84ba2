// SPDX-License-Identifier: Apache-2.0
// A program that tries what programs nobody trusts try: each attempt fails, and is told.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { until } from '../setup/until.js';
import { allEnded, ownSeconds, processesWith } from './app-user.js';
import { whyNotIsolated } from './isolated.js';
import { WorkspaceUser } from './workspace-user.js';

const reason = whyNotIsolated('tests/sandbox/untrusted.test.ts');
const isRoot = process.getuid?.() === 0;

/** On the host only: a workspace has memory of its own there. */
const OUTSIDE = `/dev/shm/plinth-outside-${process.pid}`;

const LEFT = ownSeconds(1000);
const KEPT = ownSeconds(2000);

const SCRIPT = `#!/bin/bash
cat ~/.ssh/id_rsa && echo READ
echo root::0:0::/:/bin/sh >> /etc/passwd
(exec 3<>/dev/tcp/192.0.2.1/80) && echo CONNECTED
mount -t tmpfs none /opt && echo MOUNTED
unshare --user --map-root-user true && echo NAMESPACES
for one in /proc/[0-9]*; do cat $one/root${OUTSIDE} 2>/dev/null && echo ESCAPED; done
setsid sleep ${LEFT} &
until [ "$(cat /proc/$!/comm)" = sleep ]; do :; done
exec perl -e '
  $r = syscall(101, 16, getppid(), 0, 0); print "TRACED\\n" if $r == 0;
  $attr = pack("x128"); $r = syscall(321, 5, $attr, 128); print "LOADED\\n" if $r >= 0;
  $r = syscall(250, 0, 0, 0); print "KEYS\\n" if $r >= 0;
  $n = 0; while (defined($p = fork)) { if ($p == 0) { sleep 100; exit } last if ++$n > 2000 } print "BOMB\\n" if $n > 2000;
'
`;

interface Review {
  readonly exitStatus: number;
  readonly refused: readonly { readonly what: string }[];
  readonly network: readonly { readonly what: string }[];
  readonly left: readonly { readonly what: string }[];
  readonly secrets: readonly string[];
  readonly writes: readonly string[];
  readonly notObserved: readonly string[];
}

/** Of such commands; a run of the tests that was killed may have left some. */
function controlGroups(): string[] {
  return ['pids', 'unified', '.']
    .map((kind) => join('/sys/fs/cgroup', kind))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => basename(path).startsWith('plinth-untrusted-'));
}

describe('a script that nobody trusts', unless(reason), () => {
  let user: WorkspaceUser;
  let review: Review;
  let output: string;
  let passwords: string;
  let groupsBefore: readonly string[];

  beforeAll(() => {
    user = new WorkspaceUser();
    groupsBefore = controlGroups();
    passwords = readFileSync('/etc/passwd', 'utf8');
    mkdirSync(join(user.folder, '.ssh'));
    writeFileSync(join(user.folder, '.ssh', 'id_rsa'), 'the key');
    writeFileSync(OUTSIDE, 'outside');
    user.write('script', SCRIPT);
    const { stdout } = user.plinth('run-untrusted', '--json', '--pids', '60', './script');
    const lines = stdout.trimEnd().split('\n');
    review = JSON.parse(lines.pop()!) as Review;
    output = lines.join('\n');
  });
  afterAll(() => {
    rmSync(OUTSIDE, { force: true });
    user[Symbol.dispose]();
  });

  it('gets nothing of what it tries', () => {
    expect(output).toBe('');
    expect(readFileSync('/etc/passwd', 'utf8')).toBe(passwords);
  });

  it('has each of its attempts in the review', () => {
    const refused = review.refused.map(({ what }) => what);
    expect(refused).toEqual(
      expect.arrayContaining([
        'mount tries mount: none at /opt, tmpfs',
        'unshare tries unshare: flags 0x10000000',
        expect.stringMatching(/^perl tries ptrace: attach, process \d+$/),
        'perl tries bpf: command 5',
        'perl tries keyctl',
      ]),
    );
    expect(review.network).toEqual([{ what: '192.0.2.1 port 80', count: 1 }]);
    expect(review.left.map(({ what }) => what)).toContain('sleep');
  });

  it('has its opened files and its fork bomb there, too, where we are root', ({ skip }) => {
    skip(!isRoot, 'that needs root');
    expect(review.refused.map(({ what }) => what)).toContainEqual(
      expect.stringMatching(/^more processes than it may have: \d+ were not made$/),
    );
    expect(review.secrets).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^cat asks for .*\/\.ssh\/id_rsa$/),
        `cat asks for /proc/1/root${OUTSIDE}`,
      ]),
    );
    expect(review.writes).toContain('/etc/passwd');
    expect(review.notObserved).toEqual([]);
  });

  it('leaves neither a process nor a workspace, nor a control group', async () => {
    expect(processesWith(`sleep\0${LEFT}`)).toEqual([]);
    expect(user.plinth('workspace', 'list').stdout).toContain('no workspaces');
    // Those of other tests come and go meanwhile.
    await until('the end of its control groups', () => controlGroups().every((path) => groupsBefore.includes(path)));
  });

  it('ends with plinth, when that is killed', async () => {
    const child = spawn(
      process.execPath,
      [user.program, 'run-untrusted', '--', 'sh', '-c', `echo begun; sleep ${KEPT}`],
      {
        cwd: user.project,
        env: user.environment,
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await allEnded(`sleep\0${KEPT}`);
    expect(user.plinth('doctor', '--clean').status).toBe(0);
    const { stdout } = user.plinth('workspace', 'list');
    expect(user.plinth('workspace', 'rm', stdout.split(' ')[0]!).status).toBe(0);
  });
});
