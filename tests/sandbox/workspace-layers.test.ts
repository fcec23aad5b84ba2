// SPDX-License-Identifier: Apache-2.0
// Workspaces whose layers the watcher carries by FUSE: chosen where the kernel lays none, for whom it is worked, and what becomes of them
// when the watcher is killed. What a workspace promises is tested of both in workspace.test.ts.

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NOBODY, whyUnreadable } from '../setup/other-users.js';
import { unless } from '../setup/skipping.js';
import { whyNotIsolated } from './isolated.js';
import { usableFuse } from './usable-devices.js';
import { WorkspaceUser } from './workspace-user.js';

const reason =
  whyNotIsolated('tests/sandbox/workspace-layers.test.ts') ?? (existsSync('/dev/fuse') ? undefined : 'no /dev/fuse');
const notRoot = process.getuid?.() === 0 ? undefined : 'it needs root';

/** In a mount namespace of its own: what it prints, with facts of before and after. */
const MOUNTED_MEANWHILE = `
  import { execFileSync, spawnSync } from 'node:child_process';
  import { DEFAULT_WORKSPACE, hostFacts, Workspace } from '@plinth/sandbox';
  import { tryWorkspace } from './packages/cli/dist/workspace/try-workspace.js';
  const before = hostFacts();
  const workspace = Workspace.create(process.argv[1], 'w', { ...DEFAULT_WORKSPACE, network: 'none' }, before);
  execFileSync('mount', ['-t', 'tmpfs', 'none', '/usr/share']);
  await tryWorkspace(workspace, before);
  const { layers } = workspace.options;
  const run = (facts) => {
    const { status, stderr } = spawnSync(workspace.launcher(facts, { directory: '/' }), ['true'], { encoding: 'utf8' });
    return [status, stderr];
  };
  console.log(JSON.stringify({ layers, stale: run(before), fresh: run(hostFacts()) }));`;

describe('layers of a workspace', unless(reason), () => {
  let user: WorkspaceUser;
  beforeEach(() => void (user = new WorkspaceUser()));
  afterEach(() => user[Symbol.dispose]());

  const create = (...options: readonly string[]) =>
    user.plinth('workspace', 'create', 'w', '--deny', 'net', '--folder', '.', ...options);
  const inside = (script: string, ...options: readonly string[]) =>
    user.plinth('workspace', 'run', ...options, 'w', '--', 'sh', '-c', script);

  it('may be carried by the other one for a command', () => {
    user.write('gone', 'x');
    expect(create('--layers', 'overlay')).toMatchObject({ status: 0 });
    expect(inside('grep -q plinth-overlay /proc/mounts')).toEqual({ status: 0, stdout: '', stderr: '' });
    const served = inside('grep -c plinth-overlay /proc/mounts; rm gone; echo served > file', '--layers', 'fuse');
    expect(served).toEqual({ status: 0, stdout: '0\n', stderr: '' });
    expect(inside('ls; cat file').stdout).toBe('file\nserved\n');
    // Nobody is told, and they are served all the same.
    const unwatched = inside('ls; cat file; echo again > file', '--layers', 'fuse', '--no-watch');
    expect(unwatched).toEqual({ status: 0, stdout: 'file\nserved\n', stderr: '' });
    expect(inside('cat file').stdout).toBe('again\n');
    const plan = user.plinth('workspace', 'run', 'w', '--layers', 'fuse', '--dry-run', 'true').stdout;
    expect(plan).toContain('layers     FUSE, served by the watcher\n');
  });

  it('that cannot be served are told in one line', () => {
    create('--layers', 'fuse');
    const layer = join(user.folder, 'data/plinth/workspaces/w/layers/1/root/usr');
    rmSync(layer, { recursive: true });
    writeFileSync(layer, '');
    const stderr = `plinth: workspace w: /usr (fuse): layer ${layer}: ENOTDIR\n`;
    expect(inside('true')).toEqual({ status: 125, stdout: '', stderr });
  });

  it('give errors when their watcher is killed, and are there again', async () => {
    create('--layers', 'fuse');
    const script = 'echo begun; read nothing; echo late > file && exit 5; exit 6';
    const { said, end } = user.start('workspace', 'run', 'w', '--', 'sh', '-c', script);
    expect(await said).toBe('begun\n');
    process.kill(user.watcher!, 'SIGKILL');
    // ENOTCONN; or a page of the shell that nobody reads any more.
    expect([6, 128 + 7]).toContain(await end());
    const { stdout } = user.plinth('doctor', '--clean', '--json');
    const { leftovers } = JSON.parse(stdout) as { readonly leftovers: readonly string[] };
    expect(leftovers.filter((path) => path.startsWith(user.folder))).toEqual([]);
    expect(inside('ls; echo on time > file; cat file')).toEqual({ status: 0, stdout: 'on time\n', stderr: '' });
    user.plinth('workspace', 'rm', 'w');
    expect(readdirSync(join(user.folder, 'data/plinth/workspaces'))).toEqual([]);
  });

  it('are planned again where something was mounted below meanwhile', unless(notRoot), () => {
    const root = join(import.meta.dirname, '../..');
    const args = ['--mount', process.execPath, '--input-type=module', '-e', MOUNTED_MEANWHILE, user.folder];
    const { stdout, stderr } = spawnSync('unshare', args, { cwd: root, encoding: 'utf8' });
    expect(stderr).toBe('');
    const line =
      'plinth: workspace w: /usr (overlay): EINVAL; if something was mounted below it just now, start it again\n';
    expect(JSON.parse(stdout)).toEqual({ layers: 'overlay', stale: [125, line], fresh: [0, ''] });
  });

  it('lie over a home with something mounted below it by FUSE, and over no such folder', unless(notRoot), () => {
    // Another home than ours, in which these files or Node may lie.
    const home = join(user.folder, 'home');
    const below = join(home, 'below');
    mkdirSync(below, { recursive: true });
    const passwords = join(user.folder, 'passwd');
    const ours = readFileSync('/etc/passwd', 'utf8');
    writeFileSync(passwords, ours.replace(/^((?:[^:]*:x?:0:0:)[^:]*):[^:]*/m, `$1:${home}`));
    const script = `mount --bind '${passwords}' /etc/passwd && mount -t tmpfs none '${below}'`;
    const made = (...options: readonly string[]) =>
      user.unshared(['--mount'], script, 'workspace', 'create', 'w', '--deny', 'net', ...options);
    const refused = (line: string) => ({ status: 2, stdout: '', stderr: `plinth: ${line}\n` });
    const why = `something is mounted below it (${below})`;
    expect(made('--home', 'cow', '--layers', 'overlay')).toEqual(
      refused(`home ${home}: ${why}, over which overlayfs lays nothing: unmount that, or take --layers fuse`),
    );
    expect(made('--folder', home)).toEqual(
      refused(`folder ${home}: ${why}, so it cannot have a layer: unmount that, or name a directory beside it`),
    );
    const { status, stdout } = made('--home', 'cow', '--json');
    expect([status, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ layers: 'fuse' })]);
  });

  it('are carried by FUSE where overlayfs lays none', unless(notRoot), () => {
    // One that is below another can have no layer that is written.
    const data = join(user.folder, 'data');
    for (const name of ['data', 'upper', 'work']) mkdirSync(join(user.folder, name));
    const options = `lowerdir=${data},upperdir=${join(user.folder, 'upper')},workdir=${join(user.folder, 'work')}`;
    execFileSync('mount', ['-t', 'overlay', '-o', options, 'plinth-test', data]);
    try {
      const forced = create('--layers', 'overlay');
      expect([forced.status, forced.stderr]).toEqual([
        3,
        expect.stringMatching(/^plinth: workspace w: \/\w+ \(overlay\): E[A-Z]+; .*plinth run --image debian-mini\n$/),
      ]);
      const args = ['workspace', 'create', 'w', '--deny', 'net'];
      const neither = user.unshared(['--mount'], 'mount --bind /dev/null /dev/fuse', ...args);
      expect([neither.status, neither.stderr]).toEqual([
        3,
        expect.stringMatching(
          /^plinth: workspace w: \/\w+ \(overlay\): E[A-Z]+, and by FUSE: \/\w+ \(fuse\): EINVAL; .*\n$/,
        ),
      ]);
      expect(create()).toMatchObject({ status: 0 });
      const [only] = JSON.parse(user.plinth('workspace', 'list', '--json').stdout) as { readonly layers: string }[];
      expect(only!.layers).toBe('fuse');
      // Nor can there be devices in it, so what hides is an empty file.
      expect(inside('rm /etc/passwd; rm -r /usr/share/doc/bash; ls /etc/passwd /usr/share/doc/bash')).toMatchObject({
        status: 2,
        stdout: '',
      });
      const { stdout } = user.plinth('workspace', 'review', 'w');
      expect(stdout).toMatch(/^ {2}deleted {2}\/etc\/passwd {2}\(file\)$/m);
      expect(stdout).toMatch(/^ {2}deleted {2}\/usr\/share\/doc\/bash {2}\(directory\)$/m);
    } finally {
      user.plinth('workspace', 'rm', 'w');
      spawnSync('umount', ['--lazy', data]);
    }
  });

  it('are a user’s without rights, whose number is another one inside', unless(notRoot ?? whyUnreadable()), () => {
    spawnSync('chown', ['-R', `${NOBODY}:${NOBODY}`, user.folder]);
    chmodSync(user.folder, 0o755);
    const device = join(user.folder, 'device');
    mkdirSync(device);
    const without = (...args: readonly string[]) => {
      const drop = `exec setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups "$@"`;
      return user.unshared(['--mount'], `${usableFuse(device)} && set -- sh -c '${drop}' sh "$@"`, ...args);
    };
    for (const [options, number] of [
      [[], NOBODY],
      [['--root'], 0],
    ] as const) {
      const made = without(
        'workspace',
        'create',
        'w',
        '--deny',
        'net',
        '--folder',
        '.',
        '--layers',
        'fuse',
        ...options,
      );
      expect(made).toMatchObject({ status: 0, stderr: '' });
      const script =
        'touch mine; mkdir -m 700 own; touch own/x; chmod 4711 mine; stat -c %u:%g:%a mine; stat -c %u /etc/passwd; cat /etc/shadow';
      expect(without('workspace', 'run', 'w', '--', 'sh', '-c', script)).toEqual({
        status: 1,
        stdout: `${number}:${number}:4711\n${NOBODY}\n`,
        stderr: 'cat: /etc/shadow: Permission denied\n',
      });
      const { uid, gid, mode } = statSync(join(user.folder, 'data/plinth/workspaces/w/layers/1/folder-0/mine'));
      expect([uid, gid, mode & 0o7777]).toEqual([NOBODY, NOBODY, 0o4711]);
      expect(without('workspace', 'review', 'w').stdout).toContain(`added    ${user.project}/own/x`);
      expect(without('workspace', 'rm', 'w')).toMatchObject({ status: 0, stderr: '' });
    }
  });
});
