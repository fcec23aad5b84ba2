// SPDX-License-Identifier: Apache-2.0
// `plinth workspace` as its user sees it.

import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { whyNotIsolated } from './isolated.js';
import { WorkspaceUser } from './workspace-user.js';

/** Of what `review --json` prints. */
interface Review {
  readonly files: readonly {
    readonly kind: string;
    readonly path: string;
    readonly type: string;
    readonly what?: readonly string[];
  }[];
  readonly refused: readonly unknown[];
}

const reason = whyNotIsolated('tests/sandbox/workspace.test.ts');

/** Each kind of workspace that there is, in the long form. */
const carriers = process.env['PLINTH_LONG'] === '1' ? (['overlay', 'fuse'] as const) : (['overlay'] as const);

describe.each(carriers)('a workspace whose layers are carried by %s', unless(reason), (carrier) => {
  let user: WorkspaceUser;
  beforeAll(() => {
    user = new WorkspaceUser();
    create('demo', '--deny', 'net', '--folder', '.');
  });
  afterAll(() => user[Symbol.dispose]());

  const create = (name: string, ...options: readonly string[]) =>
    user.plinth('workspace', 'create', name, '--layers', carrier, ...options);
  const run = (...command: readonly string[]) => user.plinth('workspace', 'run', 'demo', '--', ...command);

  it('runs commands where we are, with their status, and keeps what they write', () => {
    user.write('file', 'ours\n');
    const script = 'pwd; cat file; echo theirs > file; echo new > other; exit 5';
    expect(run('sh', '-c', script)).toEqual({ status: 5, stdout: `${user.project}\nours\n`, stderr: '' });
    expect(user.read('file')).toBe('ours\n');
    expect(readdirSync(user.project)).toEqual(['file']);
    expect(run('cat', 'file', 'other').stdout).toBe('theirs\nnew\n');
  });

  it('gives them an environment without secrets', () => {
    const { stdout } = run('env');
    expect(stdout).not.toContain('SECRET_TOKEN');
    expect(stdout).toContain('PLINTH_WORKSPACE=demo\n');
  });

  it('passes standard input on', () => {
    const { said, end } = user.start('workspace', 'run', 'demo', '--', 'sh', '-c', 'echo begun; wc -c');
    return expect(Promise.all([said, end()])).resolves.toEqual(['begun\n', 0]);
  });

  it('notes programs, connections, and what is refused', () => {
    const { status } = run(
      'bash',
      '-c',
      // A path that nobody can look at stops no watcher.
      'ln -s loop /tmp/loop; /tmp/loop/x; exec 3<>/dev/tcp/192.0.2.9/81; mount -t tmpfs none /opt; unshare --user true; (setsid sleep 1000 & until [ "$(cat /proc/$!/comm)" = sleep ]; do :; done)',
    );
    expect(status).toBe(0);
    const messages = user.events('demo').map(({ rule, message, verdict }) => [rule, message, verdict]);
    expect(messages).toEqual(
      expect.arrayContaining([
        ['exec', 'bash executes /usr/bin/mount', 'report'],
        ['connect', 'bash connects to 192.0.2.9 port 81', 'report'],
        ['refused-call', 'mount tries mount: none at /opt, tmpfs', 'deny'],
        ['refused-call', 'unshare tries unshare: flags 0x10000000', 'deny'],
        ['left-process', 'sleep was left running, and is ended', 'stop'],
      ]),
    );
  });

  it('is used by one command at a time, and not removed meanwhile', async () => {
    const { said, end } = user.start('workspace', 'run', 'demo', '--', 'sh', '-c', 'echo begun; cat');
    expect(await said).toBe('begun\n');
    const busy = run('true');
    const why = 'it is in use: EAGAIN; end what runs in it first';
    expect([busy.status, busy.stderr]).toEqual([2, `plinth: workspace demo: ${why}\n`]);
    const { status, stderr } = user.plinth('workspace', 'rm', 'demo');
    expect([status, stderr]).toEqual([2, 'plinth: workspace demo: something runs in it: end that first\n']);
    expect(await end()).toBe(0);
  });

  it('prints its plan, and makes nothing', () => {
    const { status, stdout } = create('planned', '--dry-run', '--home', 'cow');
    expect(status).toBe(0);
    expect(stdout).toMatch(
      new RegExp(`^${carrier.padEnd(10)} /usr over /usr; what is written goes to .*planned/layers/1/root/usr$`, 'm'),
    );
    expect(existsSync(join(user.folder, 'data/plinth/workspaces/planned'))).toBe(false);
  });

  it.each([
    [['create', 'demo'], 'workspace demo: there is one ("plinth workspace rm" removes it)'],
    [['create', '../x'], 'workspace "../x": names have letters, digits, dots, dashes and underscores'],
    [['create', 'x', '--folder', '/proc'], 'folder /proc: it is not one of files'],
    [['create', 'x', '--folder', 'nowhere'], '--folder nowhere: there is no such directory'],
    [['create', 'x', '--deny', 'fun'], '--deny fun: it denies net, and nothing else'],
    [['create', 'x', '--allow-net', '127.0.0.1'], '--allow-net 127.0.0.1: that is the workspace itself'],
    [
      ['create', 'x', '--deny', 'net', '--allow-net', '192.0.2.7'],
      '--allow-net 192.0.2.7 with --deny net: all of the net',
    ],
    [['create', 'x', '--pids', '0'], '--pids 0: a number from 1 on is wanted'],
    [['create', 'x', '--memory', 'much'], '--memory: "much" is no size'],
    [['rm', 'nothing'], 'workspace nothing: there is none ("plinth workspace list" lists them)'],
    [['run', 'nothing', 'true'], 'workspace nothing: there is none ("plinth workspace list" lists them)'],
    [
      ['run', 'demo', '--directory', '/no/such', 'true'],
      'workspace demo: /no/such: ENOENT; the command is to begin there',
    ],
  ])('says what is wrong with %s', (args, line) => {
    const { status, stderr, stdout } = user.plinth('workspace', ...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`plinth: ${line}`);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('says what was changed in a registry of Wine, key by key', () => {
    user.plinth('workspace', 'create', 'registry', '--deny', 'net', '--folder', '.');
    user.write('user.reg', 'WINE REGISTRY Version 2\n\n[Software\\\\App] 1\n"Size"=dword:00000002\n');
    const line = String.raw`'[Software\\\\Other] 1\n"Name"="x"\n'`;
    user.plinth('workspace', 'run', 'registry', '--', 'sh', '-c', `printf ${line} >>user.reg`);
    const { stdout } = user.plinth('workspace', 'review', 'registry');
    expect(stdout).toContain(
      `registry in ${user.project}/user.reg
  added     HKEY_CURRENT_USER\\Software\\Other\\
  added     HKEY_CURRENT_USER\\Software\\Other\\Name  REG_SZ "x"
`,
    );
    user.plinth('workspace', 'run', 'registry', '--', 'sh', '-c', 'echo "[broken" >>user.reg');
    const broken = user.plinth('workspace', 'review', 'registry');
    expect(broken.stdout).toMatch(/registry in .*\/user\.reg\n {2}.*user\.reg: user\.reg.* line 7/);
    user.plinth('workspace', 'rm', 'registry');
  });

  it('wants a host after --allow-net, and who carries its network', () => {
    const create = (...words: string[]) => user.plinth('workspace', 'create', 'x', '--allow-net', ...words);
    expect(create()).toMatchObject({ status: 2, stdout: '' });
    const { PATH } = user.environment;
    user.environment['PATH'] = user.project;
    const made = create('192.0.2.7');
    user.environment['PATH'] = PATH;
    const stderr = 'plinth: --allow-net: there is no pasta, which carries it: apt-get install passt\n';
    expect(made).toEqual({ status: 3, stdout: '', stderr });
  });

  it('says what was changed, and brings to the host what is wanted of it', () => {
    create('changes', '--deny', 'net', '--folder', '.');
    mkdirSync(join(user.project, 'old/deep'), { recursive: true });
    user.write('old/deep/file', 'deep\n');
    user.write('kept', 'kept\n');
    const script = `echo changed > file; rm -r old; mkdir old; echo other > old/other; ln -s file link; touch kept; chmod 600 kept;
      mkfifo pipe; mkdir -p new/dir; echo fresh > new/dir/fresh; echo two > new/two; chmod 6755 new/two; echo setting > ~/.setting; mount -t tmpfs none /opt`;
    user.plinth('workspace', 'run', 'changes', '--', 'sh', '-c', script);
    const review = JSON.parse(user.plinth('workspace', 'review', 'changes', '--json').stdout) as Review;
    const inProject = review.files
      .filter(({ path }) => path.startsWith(user.project))
      .map(({ kind, path, type, what }) => [kind, path.slice(user.project.length + 1), type, ...(what ?? [])]);
    expect(inProject).toEqual([
      ['changed', 'file', 'file', 'content'],
      ['changed', 'kept', 'file', 'mode'],
      ['added', 'link', 'link'],
      ['added', 'new', 'directory'],
      ['added', 'new/dir', 'directory'],
      ['added', 'new/dir/fresh', 'file'],
      ['added', 'new/two', 'file'],
      ['deleted', 'old/deep', 'directory'],
      ['added', 'old/other', 'file'],
      ['added', 'pipe', 'pipe'],
    ]);
    expect(review.files.filter(({ path }) => path.endsWith('/.setting'))).toHaveLength(1);
    expect(review.refused).toEqual([{ what: 'mount tries mount: none at /opt, tmpfs', count: 1 }]);
    expect(user.plinth('workspace', 'commit', 'changes').status).toBe(2);
    expect(user.plinth('workspace', 'review', 'changes').stdout).toContain(
      `added    ${user.project}/new/two  (4 bytes, set-user-ID, set-group-ID)\n`,
    );
    // One that is wrong, and nothing is brought.
    const wrong = user.plinth('workspace', 'commit', 'changes', 'file', 'fil');
    const why = `${user.project}/fil: nothing is changed there ("plinth workspace review changes" says what is)`;
    expect([wrong.status, wrong.stderr]).toEqual([2, `plinth: workspace changes: ${why}\n`]);
    // New directories come with what lies in them, and without what else does.
    expect(user.plinth('workspace', 'commit', 'changes', 'new/dir/fresh').stdout).toBe(
      ['new', 'new/dir', 'new/dir/fresh'].map((name) => `committed  ${user.project}/${name}\n`).join(''),
    );
    expect(readdirSync(join(user.project, 'new'))).toEqual(['dir']);
    const { stdout } = user.plinth('workspace', 'commit', 'changes', 'file', 'new', 'old', 'pipe');
    expect(stdout).toContain(`left out   ${user.project}/pipe: it is a pipe\n`);
    expect([user.read('file'), user.read('new/dir/fresh'), user.read('old/other')]).toEqual([
      'changed\n',
      'fresh\n',
      'other\n',
    ]);
    expect(readdirSync(join(user.project, 'old'))).toEqual(['other']);
    expect(existsSync(join(user.project, 'link'))).toBe(false);
    const after = JSON.parse(user.plinth('workspace', 'review', 'changes', '--json').stdout) as Review;
    const left = after.files.map(({ path }) => path.slice(user.project.length + 1));
    expect(left.filter((path) => /^(file|new|old|link)/.test(path))).toEqual(['link']);
    user.plinth('workspace', 'rm', 'changes');
  });

  it('goes back to snapshots', () => {
    create('back', '--deny', 'net', '--folder', '.');
    const inside = (script: string) => user.plinth('workspace', 'run', 'back', '--', 'sh', '-c', script).stdout;
    inside('echo first > state; rm kept');
    expect(user.plinth('workspace', 'snapshot', 'back').stdout).toContain('snapshot 1');
    inside('echo second > state; echo kept > kept');
    expect(user.plinth('workspace', 'snapshot', 'back').stdout).toContain('snapshot 2');
    inside('rm state');
    expect(user.plinth('workspace', 'rollback', 'back').status).toBe(0);
    expect(inside('cat state kept')).toBe('second\nkept\n');
    expect(user.plinth('workspace', 'rollback', 'back', '1').status).toBe(0);
    expect(inside('cat state; ls kept 2>&1')).toMatch(/^first\nls: cannot access 'kept'/);
    expect(user.plinth('workspace', 'rollback', 'back', '3').stderr).toContain('3: its snapshots are 2, 1');
    user.plinth('workspace', 'discard', 'back');
    expect(user.plinth('workspace', 'review', 'back').stdout).toContain('back: 0 changed files');
    user.plinth('workspace', 'rm', 'back');
  });

  it('is made for one command that nobody trusts, and goes with it', () => {
    user.write('untrusted.sh', '#!/bin/sh\necho out\necho x > made\ncat ~/.ssh/id_rsa\nexit 4\n');
    const { status, stdout, stderr } = user.plinth('run-untrusted', '--layers', carrier, './untrusted.sh');
    expect([status, stdout]).toEqual([1, 'out\n']);
    expect(stderr).toContain('plinth: the command left with 4\n');
    expect(stderr).toContain(`added    ${user.project}/made  (2 bytes)`);
    expect(existsSync(join(user.project, 'made'))).toBe(false);
    const { stdout: json } = user.plinth('run-untrusted', '--json', '--', 'true');
    expect(JSON.parse(json)).toMatchObject({ exitStatus: 0, files: [] });
    expect(user.plinth('workspace', 'list').stdout).not.toContain('untrusted');
  });

  it('has programs that may not be executed, by whatever name', () => {
    create('guarded', '--deny', 'net', '--folder', '.', '--deny-exec', '/usr/bin/tac');
    const inside = (script: string) => user.plinth('workspace', 'run', 'guarded', '--', 'bash', '-c', script);
    expect(inside('tac /etc/hostname').stderr).toContain('Operation not permitted');
    // Its name may lead elsewhere than it says; as root the kernel asks when the file is open.
    const link = inside('ln -sf /usr/bin/tac other; ./other /etc/hostname; cat /etc/hostname');
    if (process.getuid?.() === 0) expect(link.stderr).toContain('Operation not permitted');
    expect(link.status).toBe(0);
    expect(user.plinth('workspace', 'review', 'guarded').stdout).toContain('bash may not execute /usr/bin/tac');
    expect(user.plinth('workspace', 'create', 'x', '--deny-exec', 'tac').stderr).toContain('the whole path is wanted');
    user.plinth('workspace', 'rm', 'guarded');
  });

  it('says what forbids it, and what works', () => {
    // Of a user namespace the limit is its own.
    const { status, stdout, stderr } = user.unshared(
      ['--user', '--map-root-user'],
      'echo 0 > /proc/sys/user/max_user_namespaces',
      'workspace',
      'create',
      'none',
    );
    expect([status, stdout]).toEqual([3, '']);
    expect(stderr).toMatch(
      /^plinth: workspace none: this user may not make namespaces \(.*\): ENOSPC; user\.max_user_namespaces is 0: .*plinth run --image/,
    );
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(user.plinth('workspace', 'list').stdout).not.toContain('none ');
  });

  it('is listed, and goes with all that was changed in it', () => {
    const [only] = JSON.parse(user.plinth('workspace', 'list', '--json').stdout) as {
      name: string;
      directory: string;
      layers: string;
    }[];
    expect([only!.name, only!.layers]).toEqual(['demo', carrier]);
    expect(user.plinth('workspace', 'rm', 'demo')).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(existsSync(only!.directory)).toBe(false);
    expect(readdirSync(join(only!.directory, '..'))).toEqual([]);
    expect(user.plinth('workspace', 'list').stdout).toBe('no workspaces; "plinth workspace create NAME" makes one\n');
  });
});
