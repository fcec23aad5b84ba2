// SPDX-License-Identifier: Apache-2.0
// Debian's own programs, each in one file, on a host that has none of them: a minimal Debian made by debootstrap, entered by pivot_root
// since the kernel gives no user namespaces in a chroot. After each run that host is, byte for byte, what it was.

import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOBODY } from '../setup/other-users.js';
import { unless } from '../setup/skipping.js';
import { missingUserNamespaces } from '../setup/namespaces.js';

const PLINTH = join(import.meta.dirname, '../../packages/cli/dist/main.js');
const FILE = 'tests/long/bundle-debian.test.ts';
const DISPLAY = ':87';

/** $1: the host's root, $2: a directory that is its /mnt; the rest is run there by nobody, with /dev/fuse and terminals. */
const ENTER = `set -e
root=$1 apps=$2; shift 2
mount --bind "$root" "$root"
cd "$root"
mount --bind "$apps" mnt
mount -t proc proc proc
mount -t tmpfs -o mode=755 dev dev
mkdir dev/pts dev/shm
mknod -m 666 dev/fuse c 10 229
for device in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "dev/\${device%:*}" c 1 "\${device#*:}"; done
mknod -m 666 dev/tty c 5 0
mount -t devpts -o newinstance,ptmxmode=0666 pts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
pivot_root . mnt/old
cd /mnt
umount -l /mnt/old
exec setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups --inh-caps=-all env -i \\
  PATH=/usr/bin:/bin HOME=/mnt/home TERM=xterm DISPLAY="$DISPLAY" "$@"`;

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function reasonToSkip(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can make such a host';
  for (const tool of ['debootstrap', 'Xvfb', 'setpriv'])
    if (spawnSync(tool, ['--help']).error !== undefined) return `${tool} is not installed`;
  return missingUserNamespaces();
}

const reason = reasonToSkip();
if (reason !== undefined) console.log(`skipped: ${FILE}: ${reason}`);

describe('a program of Debian in one file', unless(reason), () => {
  let folder: string;
  let root: string;
  let apps: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'plinth-bundle-debian-'));
    chmodSync(folder, 0o755);
    root = join(folder, 'root');
    apps = join(folder, 'apps');
    for (const name of ['', 'old', 'home']) mkdirSync(join(apps, name));
    for (const name of ['', 'home']) chownSync(join(apps, name), NOBODY, NOBODY);
    const made = spawnSync('debootstrap', ['--variant=minbase', 'bookworm', root], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`debootstrap: ${made.stdout.split('\n').slice(-5).join('; ')}`);
  }, 600_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const plinth = (...args: readonly string[]): Ended =>
    spawnSync(process.execPath, [PLINTH, ...args], { encoding: 'utf8', cwd: apps });

  const pack = (name: string, ...options: readonly string[]): void => {
    const { status, stderr } = plinth('app', 'pack', '-o', `${name}.plinth`, ...options);
    expect(status, stderr).toBe(0);
  };

  const enter = (command: readonly string[]): [string, string[]] => [
    'unshare',
    ['--mount', 'sh', '-c', ENTER, 'sh', root, apps, ...command],
  ];

  /** On that host, which is the same before and after. */
  const onHost = (input: string, ...command: readonly string[]): Ended => {
    const record = join(folder, 'before');
    expect(plinth('app', 'verify-host', root, '--before', record).status).toBe(0);
    const [program, args] = enter(command);
    const ended = spawnSync(program, args, { encoding: 'utf8', input, timeout: 60_000 });
    const proof = plinth('app', 'verify-host', root, '--against', record);
    expect(proof.stdout).toContain('identical: every byte');
    expect(proof.status).toBe(0);
    return { status: ended.status, stdout: ended.stdout, stderr: ended.stderr };
  };

  it('finds a host that has none of these programs', () => {
    const { stdout } = onHost(
      '',
      'sh',
      '-c',
      'id -u; for p in jq sqlite3 nano python3 xterm fusermount3 bwrap node; do command -v $p; done; ls -d /usr/bin/tar',
    );
    expect(stdout).toBe(`${NOBODY}\n/usr/bin/tar\n`);
  });

  it('is jq, with a file of the directory', () => {
    pack('jq', '--deb', 'jq');
    writeFileSync(join(apps, 'data.json'), '{"a":[1,{"b":"ü"}]}');
    expect(onHost('', './jq.plinth', '-c', '.a[1]', 'data.json')).toEqual({
      status: 0,
      stdout: '{"b":"ü"}\n',
      stderr: '',
    });
    expect(onHost('', './jq.plinth', '-e', '.nothing', 'data.json').status).toBe(1);
  });

  it('is sqlite3, whose database is kept in its state', () => {
    pack('sqlite3', '--deb', 'sqlite3', '--portable');
    const sql = (text: string) => onHost('', './sqlite3.plinth', 'db', text);
    expect(sql('select 6*7')).toEqual({ status: 0, stdout: '42\n', stderr: '' });
    expect(sql('create table t(x); insert into t values (7)').status).toBe(0);
    expect(sql('select x from t').stdout).toBe('7\n');
    expect(readdirSync(apps)).not.toContain('db');
    expect(plinth('app', 'diff', 'sqlite3.plinth').stdout).toMatch(/^added {5}\/mnt\/db {2}\d+ bytes$/m);
  });

  it('is python3', () => {
    pack('python', '--deb', 'python3-minimal', '--entry', '/usr/bin/python3');
    const program = 'import os, sys; print(sys.version_info[0], os.getuid(), os.getcwd()); sys.exit(5)';
    expect(onHost('', './python.plinth', '-c', program)).toEqual({
      status: 5,
      stdout: `3 ${NOBODY} /mnt\n`,
      stderr: '',
    });
  });

  it('is nano, on a terminal', () => {
    pack('nano', '--deb', 'nano', '--portable');
    expect(onHost('', './nano.plinth', '--version').stdout).toContain('GNU nano');
    // Text, then ^O, the name, ^X.
    const keys = '(sleep 2; printf "from nano"; sleep 1; printf "\\017\\r"; sleep 1; printf "\\030"; sleep 1)';
    const { stdout } = onHost('', 'sh', '-c', `${keys} | script -qec "./nano.plinth text" /dev/null`);
    expect(stdout).toContain('GNU nano');
    const state = join(apps, 'nano.plinth.state');
    expect(spawnSync('cat', [join(state, 'upper/root/mnt/text')], { encoding: 'utf8' }).stdout).toBe('from nano\n');
  });

  it('is xterm, on a display', async () => {
    pack('xterm', '--display', '--deb', 'xterm', '--deb', 'dash', '--deb', 'coreutils', '--isolate', '{cwd}=merged');
    const server = spawn('Xvfb', [DISPLAY, '-screen', '0', '640x480x8', '-ac'], { stdio: 'ignore' });
    try {
      await sleep(2000);
      process.env['DISPLAY'] = DISPLAY;
      const { status, stderr } = onHost('', './xterm.plinth', '-e', '/bin/sh', '-c', 'tty >said; id -u >>said');
      expect(stderr).not.toContain('plinth');
      expect(status).toBe(0);
      expect(spawnSync('cat', [join(apps, 'said')], { encoding: 'utf8' }).stdout).toMatch(
        new RegExp(`^/dev/pts/\\d+\n${NOBODY}\n$`),
      );
    } finally {
      delete process.env['DISPLAY'];
      server.kill();
    }
  });
});
