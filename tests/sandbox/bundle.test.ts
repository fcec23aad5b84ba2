// SPDX-License-Identifier: Apache-2.0
// Programs in one file as their user sees them: Debian's static busybox, packed, and run by a user without rights.

import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { until } from '../setup/until.js';
import { allEnded, AppUser, whyNoApps } from './app-user.js';

const BUSYBOX = '/bin/busybox';
const FILE = 'tests/sandbox/bundle.test.ts';
const reason = existsSync(BUSYBOX) ? whyNoApps(FILE) : 'busybox-static is not installed';
if (!existsSync(BUSYBOX)) console.log(`skipped: ${FILE}: ${reason}`);

describe('a program in one file', unless(reason), () => {
  let user: AppUser;
  beforeAll(() => {
    user = new AppUser();
    makeTree(join(user.folder, 'tree'));
    pack('box');
  });
  afterAll(() => user[Symbol.dispose]());

  const pack = (name: string, ...options: readonly string[]) =>
    user.plinth(
      'app',
      'pack',
      join(user.folder, 'tree'),
      '--entry',
      '/bin/busybox',
      '-o',
      `${name}.plinth`,
      ...options,
    );
  const box = (...args: readonly string[]) => user.run('./box.plinth', ...args);
  const shell = (script: string) => box('sh', '-c', script);

  it('runs with its arguments, input, directory and status', () => {
    const script = 'cat; pwd; printf "<%s>" "$@"; exit 7';
    const { status, stdout, stderr } = user.runWith(
      { input: 'in\n' },
      './box.plinth',
      'sh',
      '-c',
      script,
      'sh',
      'a b',
      '--plinth-help',
      '',
    );
    expect(stderr).toBe('');
    expect(stdout).toBe(`in\n${user.work}\n<a b><--plinth-help><>`);
    expect(status).toBe(7);
    expect(user.leftovers).toEqual([]);
  });

  it('is its user, without other processes, and sees its files and no others of its directories', () => {
    // The shell itself looks: programs of a pipeline would be there or not yet.
    const { stdout } = shell('id -u; ls /usr; echo /proc/[0-9]*; ls -d /home /etc/passwd; kill -9 $$');
    const uid = statSync(user.work).uid;
    expect(stdout).toBe(`${uid}\nbin\nshare\n/proc/1 /proc/2\n/etc/passwd\n/home\n`);
    expect(shell('kill -9 $$').status).toBe(137);
  });

  it('keeps what it writes in its state, and leaves its host as it is', () => {
    user.write(join(user.home, 'mine'), 'mine\n');
    user.write(join(user.work, 'here'), 'here\n');
    const record = join(user.folder, 'record');
    const host = (...more: readonly string[]) =>
      user.plinth('app', 'verify-host', user.folder, '--exclude', '/home/.local', '--exclude', '/record', ...more);
    expect(host('--before', record).status).toBe(0);
    const script =
      'echo theirs > ~/mine; rm here; echo new > there; rm /usr/share/doc; mkdir /srv/x; echo x > /usr/bin/x';
    expect(shell(script)).toEqual({ status: 0, stdout: '', stderr: '' });
    const { status, stdout } = host('--against', record);
    expect(stdout).toContain('identical');
    expect(status).toBe(0);
    expect(shell('cat ~/mine there; ls here /usr/share').stdout).toBe('theirs\nnew\n/usr/share:\n');
    const { changes } = JSON.parse(user.plinth('app', 'diff', 'box.plinth', '--json').stdout) as {
      changes: { change: string; path: string }[];
    };
    const at = user.work;
    expect(
      changes.filter(({ path }) => !path.startsWith('/tmp/')).map(({ change, path }) => `${change} ${path}`),
    ).toEqual(
      expect.arrayContaining([
        'changed {home}/mine',
        'removed /usr/share/doc',
        'added /srv/x',
        'added /usr/bin/x',
        ...(at.startsWith('/tmp/') ? [] : [`removed ${at}/here`, `added ${at}/there`]),
      ]),
    );
    expect(host('--against', record).status).toBe(0);
    user.write(join(user.home, 'mine'), 'changed\n');
    const differs = host('--against', record);
    expect(differs.status).toBe(1);
    expect(differs.stdout).toMatch(/\/home\/mine: file 5 \w+ mode 644 .* -> file 8 /);
  });

  it('takes its state along: as a tar, as a layer, and forgets it', () => {
    expect(user.plinth('app', 'export', 'box.plinth', '-o', 'state.tar').status).toBe(0);
    expect(user.plinth('app', 'commit', 'box.plinth', '-o', 'next.plinth').stdout).toBe(
      'next.plinth: box with 2 layers\n',
    );
    expect(user.plinth('app', 'reset', 'box.plinth').status).toBe(0);
    expect(shell('ls /usr/share; cat /usr/bin/x').stdout).toBe('doc\n');
    const all = 'ls /usr/share; cat /usr/bin/x ~/mine';
    const next = (...args: readonly string[]) => user.run('./next.plinth', ...args);
    expect(next('sh', '-c', all).stdout).toBe('x\ntheirs\n');
    expect(next('--plinth-no-fuse', 'sh', '-c', all).stdout).toBe('x\ntheirs\n');
    expect(next('--plinth-extract', 'out').status).toBe(0);
    expect(readdirSync(join(user.work, 'out/root/usr/share'))).toEqual([]);
    expect(readFileSync(join(user.work, 'out/known/home/mine'), 'utf8')).toBe('theirs\n');
    expect(user.plinth('app', 'import', 'box.plinth', 'state.tar').status).toBe(0);
    expect(shell(all).stdout).toBe('x\ntheirs\n');
    expect(box('--plinth-reset').status).toBe(0);
    expect(shell(all).stdout).toContain('doc\n');
  });

  it('has places as its manifest says', () => {
    const where = ['--isolate', '{cwd}=merged', '--isolate', '/opt=hidden', '--isolate', '{home}=full'];
    expect(pack('open', ...where, '--no-net', '--portable', '--env', 'WHERE={home}/x', '--argument', 'sh').status).toBe(
      0,
    );
    const script = 'echo real > real; ls /opt; ls -A ~; echo $WHERE; grep -c : /proc/net/dev';
    const { stdout, stderr } = user.run('./open.plinth', '-c', script);
    expect(stderr).toBe('ls: /opt: No such file or directory\n');
    expect(stdout).toBe(`${user.home}/x\n1\n`);
    expect(readFileSync(join(user.work, 'real'), 'utf8')).toBe('real\n');
    expect(readdirSync(join(user.work, 'open.plinth.state')).sort()).toEqual(['lock', 'upper', 'work']);
  });

  it('runs where nothing can be laid over the host, which is read-only there', ({ skip }) => {
    if (user.odd === undefined) skip('only root can mount such files');
    const script = `cd ${user.odd} && exec ${join(user.work, 'box.plinth')} sh -c 'pwd; echo x > new'`;
    const { status, stdout, stderr } = user.run('sh', '-c', script);
    expect(stdout).toBe(`${user.odd}\n`);
    expect(stderr).toMatch(/^sh: can't create new: /);
    expect(status).toBe(1);
  });

  it('has a /tmp that it can write, with the files of the host, also where something is mounted below that', ({
    skip,
  }) => {
    if (user.odd === undefined) skip('only root can mount');
    const own = mkdtempSync('/tmp/plinth-bundle-');
    try {
      chmodSync(own, 0o755);
      writeFileSync(join(own, 'file'), 'theirs\n');
      symlinkSync(join(own, 'file'), join(own, 'link'));
      mkdirSync(join(own, 'below'));
      const script = `cat ${own}/file ${own}/link; ls ${own}; echo ours > /tmp/plinth-new && cat /tmp/plinth-new; mktemp -d /tmp/plinth-XXXXXX >/dev/null`;
      const command = ['env', 'TMPDIR=/tmp', './box.plinth', 'sh', '-c', script];
      const seen = { status: 0, stdout: 'theirs\ntheirs\nbelow\nfile\nlink\nours\n', stderr: '' };
      expect(user.runWith({ covered: join(own, 'below') }, ...command)).toEqual(seen);
      expect(user.runWith({ bare: '/tmp' }, ...command)).toEqual(seen);
      expect(existsSync('/tmp/plinth-new')).toBe(false);
    } finally {
      rmSync(own, { recursive: true });
    }
  });

  it('runs several times at once, and what the later ones write is kept apart', async () => {
    const first = user.start('./box.plinth', 'sh', '-c', 'echo begun; read x; echo $x');
    const ended = once(first, 'close');
    await once(first.stdout!, 'data');
    const { status, stdout, stderr } = shell('echo second > /usr/second; cat /usr/second');
    expect([status, stdout]).toEqual([0, 'second\n']);
    expect(stderr).toMatch(/^plinth: box: another run has its state, so what this one wrote is in .*\/apart\/\d+\n$/);
    expect(user.plinth('app', 'reset', 'box.plinth')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('its program runs') as string,
    });
    first.stdin!.end('last\n');
    expect(await ended).toEqual([0, null]);
    expect(shell('ls /usr').stdout).toBe('bin\nshare\n');
  });

  it('passes a signal on, and leaves nothing when it is killed but what doctor finds', async () => {
    const script = 'trap "echo told; exit 3" TERM; echo begun; while :; do sleep 0.1; done';
    const told = user.start('./box.plinth', 'sh', '-c', script);
    const output: string[] = [];
    told.stdout!.on('data', (data: Buffer) => void output.push(data.toString()));
    const ended = once(told, 'close');
    await once(told.stdout!, 'data');
    process.kill(told.pid!, 'SIGTERM');
    expect(await ended).toEqual([3, null]);
    expect(output.join('')).toBe('begun\ntold\n');
    expect(user.leftovers).toEqual([]);

    const killed = user.start('./box.plinth', 'sh', '-c', 'echo begun; sleep 1000');
    await once(killed.stdout!, 'data');
    const [left] = user.leftovers;
    process.kill(killed.pid!, 'SIGKILL');
    await once(killed, 'close');
    expect(left).toMatch(new RegExp(`^plinth-app-${killed.pid}-`));
    await allEnded(left!);
    expect(user.plinth('doctor', '--clean').stdout).toContain(`${left}: removed`);
    expect(user.leftovers).toEqual([]);
  });

  it.each(['SIGTERM', 'SIGHUP'] as const)(
    'goes on until its program has ended when all processes get %s',
    async (signal) => {
      const script = `trap "sleep 0.2; echo told > ~/${signal}; exit 3" ${signal.slice(3)}; echo begun; while :; do sleep 0.1; done`;
      const told = user.start('./box.plinth', 'sh', '-c', script);
      const ended = once(told, 'close');
      await once(told.stdout!, 'data');
      process.kill(-told.pid!, signal);
      expect(await ended).toEqual([3, null]);
      expect(shell(`cat ~/${signal}`).stdout).toBe('told\n');
      // Before the program has begun there is nothing to wait for.
      const early = user.start('./box.plinth', 'sleep', '1000');
      const earlyEnd = once(early, 'close');
      await until('the start of a program', () => user.leftovers.length > 0);
      process.kill(-early.pid!, signal);
      expect(await earlyEnd).toEqual([signal === 'SIGTERM' ? 143 : 129, null]);
      expect(user.leftovers).toEqual([]);
    },
  );

  it('is waited for by plinth app run when that is told to end', async () => {
    const script = 'trap "echo told > ~/told; exit 3" TERM; echo begun > ~/begun; while :; do sleep 0.1; done';
    const child = user.startPlinth('app', 'run', '--state', 'waited', 'box.plinth', 'sh', '-c', script);
    const ended = once(child, 'close');
    const home = join(user.work, 'waited/upper/known/home');
    await until('the start of a program', () => existsSync(join(home, 'begun')));
    child.kill('SIGTERM');
    expect(await ended).toEqual([3, null]);
    expect(readFileSync(join(home, 'told'), 'utf8')).toBe('told\n');
    user.own();
  });

  it('outlives a terminal if it is begun with nohup', async () => {
    const script = 'trap "" HUP; exec ./box.plinth sh -c "echo begun; read x; echo \\$x"';
    const kept = user.start('sh', '-c', script);
    const output: string[] = [];
    kept.stdout!.on('data', (data: Buffer) => void output.push(data.toString()));
    const ended = once(kept, 'close');
    await once(kept.stdout!, 'data');
    process.kill(-kept.pid!, 'SIGHUP');
    kept.stdin!.end('last\n');
    expect(await ended).toEqual([0, null]);
    expect(output.join('')).toBe('begun\nlast\n');
  });

  it('says in one line what its host lacks', () => {
    const noFuse = user.runWith({ fuse: false }, './box.plinth', 'true');
    if (process.getuid?.() === 0 && (statSync('/dev/fuse').mode & 0o6) === 0) {
      const why = 'this host has no /dev/fuse that you may use: --plinth-no-fuse and --plinth-extract DIR work';
      expect(noFuse).toEqual({ status: 3, stdout: '', stderr: `plinth: box: ${why}\n` });
      expect(user.runWith({ fuse: false }, './box.plinth', '--plinth-no-fuse', 'echo', 'yes').stdout).toBe('yes\n');
    }
    const forbidden = 'echo 0 >/proc/sys/user/max_user_namespaces; ./box.plinth --plinth-no-fuse true';
    const { status, stderr } = user.run('unshare', '--user', '--map-root-user', 'sh', '-c', forbidden);
    expect(stderr).toBe(
      'plinth: box: this host forbids user namespaces (sysctl user.max_user_namespaces=0): --plinth-extract DIR works\n',
    );
    expect(status).toBe(3);
    expect(box('--plinth-nothing').status).toBe(2);
    expect(user.leftovers).toEqual([]);
  });

  it('is verified by hashes and by a signature', () => {
    const key = join(user.folder, 'key.pem');
    for (const name of ['key', 'other']) {
      user.run('openssl', 'genpkey', '-algorithm', 'ed25519', '-out', join(user.folder, `${name}.pem`));
      user.run(
        'openssl',
        'pkey',
        '-in',
        join(user.folder, `${name}.pem`),
        '-pubout',
        '-out',
        join(user.folder, `${name}.pub`),
      );
    }
    expect(pack('signed', '--sign', key).status).toBe(0);
    const verify = (...more: readonly string[]) => user.plinth('app', 'verify', 'signed.plinth', ...more);
    expect(verify('--key', join(user.folder, 'key.pub')).stdout).toContain('signed with Ed25519 key');
    expect(verify('--key', join(user.folder, 'other.pub'))).toMatchObject({ status: 2 });
    expect(user.run('./signed.plinth', '--plinth-verify').status).toBe(0);
    const damaged = readFileSync(join(user.work, 'signed.plinth'));
    damaged[damaged.length >> 1]! ^= 1;
    writeFileSync(join(user.work, 'signed.plinth'), damaged);
    expect(verify()).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('signed.plinth: damaged: at byte') as string,
    });
    expect(user.run('./signed.plinth', '--plinth-verify')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('damaged at byte') as string,
    });
  });

  it('is refused by plinth when it is none', () => {
    writeFileSync(join(user.work, 'none.plinth'), 'echo');
    copyFileSync(join(user.work, 'box.plinth'), join(user.work, 'short.plinth'));
    truncateSync(join(user.work, 'short.plinth'), 100_000);
    for (const name of ['none', 'short', 'missing']) {
      const { status, stderr } = user.plinth('app', 'run', `${name}.plinth`);
      expect(stderr).toMatch(new RegExp(`^plinth: ${name}.plinth: .*\n$`));
      expect(status).toBe(2);
    }
    expect(user.plinth('app', 'inspect', 'box.plinth').stdout).toContain('entry      /bin/busybox\n');
    expect(JSON.parse(box('--plinth-manifest').stdout)).toMatchObject({ name: 'box', entry: '/bin/busybox' });
  });
});

/** Debian's busybox as a root of its own. */
function makeTree(tree: string): void {
  mkdirSync(join(tree, 'usr/bin'), { recursive: true });
  mkdirSync(join(tree, 'usr/share'));
  mkdirSync(join(tree, 'etc'));
  writeFileSync(join(tree, 'usr/share/doc'), 'documents\n');
  copyFileSync(BUSYBOX, join(tree, 'usr/bin/busybox'));
  symlinkSync('usr/bin', join(tree, 'bin'));
  for (const name of ['sh', 'cat', 'ls', 'rm', 'grep', 'sleep', 'id', 'mkdir', 'pwd'])
    symlinkSync('busybox', join(tree, 'usr/bin', name));
}
