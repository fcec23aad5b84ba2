// SPDX-License-Identifier: Apache-2.0
// Trouble that comes from outside a run, through the command line: a host's disk that is full, files that are cut short or
// have wrong bits, disks that another has open, a shared folder whose guest looks for a way out. Each is one line, with
// status 2 (what was given is unusable) or 3 (the host cannot), and leaves no file behind. Full disks are small file
// systems in memory, in a mount namespace of their own.

import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nativeCalls } from '@plinth/linux';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../setup/until.js';
import { missingUserNamespaces } from '../setup/namespaces.js';

const PLINTH = join(import.meta.dirname, '../../packages/cli/bin/plinth.js');
const home = mkdtempSync(join(tmpdir(), 'plinth-test-'));
afterAll(() => rmSync(home, { recursive: true }));
const environment = { ...process.env, XDG_CACHE_HOME: join(home, 'cache'), PLINTH_DEBUG: '' };

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function plinth(...args: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PLINTH, ...args], {
    encoding: 'utf8',
    cwd: home,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 300_000,
  });
  return { status, stdout, stderr };
}

/** Nothing but this one line. */
function expectLine(outcome: Outcome, status: number, part: string | RegExp): void {
  const { stderr, ...rest } = outcome;
  expect(rest, stderr).toEqual({ status, stdout: '' });
  expect(stderr).toMatch(/^plinth: [^\n]*\n$/);
  expect(stderr).toMatch(part);
  expect(stderr).not.toContain('mistake in Plinth');
}

/** ARM code in a file that `--kernel` takes. */
function kernel(name: string, ...words: readonly number[]): string {
  const bytes = Buffer.alloc(4096);
  words.forEach((word, i) => bytes.writeUInt32LE(word, i * 4));
  writeFileSync(join(home, name), bytes);
  return name;
}

const zeros = kernel('zeros');
const spin = kernel('spin', 0xeafffffe);
const faults = kernel('faults', 0xef000000);
const SMALL = ['--memory', '16M', '--console', 'none', '--seed', '01', '--wall-clock', '5'];
const run = (...options: string[]): string[] => ['run', '--kernel', zeros, ...SMALL, ...options];
const SHORT = ['--limit-instructions', '1000'];

const noNamespaces = missingUserNamespaces();

/** Runs plinth where `full` is a file system with 256 KiB of which `free` are left, and lists it afterwards. */
function onFullDisk(free: number, args: readonly string[], redirect = ''): Outcome & { readonly left: string[] } {
  mkdirSync(join(home, 'full'), { recursive: true });
  const script = `
mount -t tmpfs -o size=256k,mode=777 tmpfs full || exit 99
head -c ${(256 << 10) - free} /dev/zero >full/fill
"$@" ${redirect}
status=$?
ls -A full >left
exit $status`;
  const command = ['--map-root-user', '--mount', 'sh', '-c', script, 'sh', process.execPath, PLINTH, ...args];
  const { status, stdout, stderr } = spawnSync('unshare', command, {
    encoding: 'utf8',
    cwd: home,
    env: environment,
    timeout: 300_000,
  });
  const left = readFileSync(join(home, 'left'), 'utf8').split('\n');
  return { status, stdout, stderr, left: left.filter((name) => name !== '' && name !== 'fill') };
}

describe('a full disk', () => {
  const told = (outcome: ReturnType<typeof onFullDisk>, status: number, part: string, left: string[] = []): void => {
    const { left: found, ...rest } = outcome;
    expectLine(rest, status, part);
    expect(found).toEqual(left);
  };

  it('has no room for a snapshot, and no part of one stays', ({ skip }) => {
    skip(noNamespaces !== undefined, noNamespaces);
    const line = 'save-snapshot: full/s: cannot be written: the host’s disk is full; nothing was saved';
    told(onFullDisk(0, run(...SHORT, '--save-snapshot', 'full/s')), 3, line);
    told(onFullDisk(1024, run(...SHORT, '--save-snapshot', 'full/s')), 3, line);
  });

  it('takes no new overlay, and no part of one stays', ({ skip }) => {
    skip(noNamespaces !== undefined, noNamespaces);
    writeFileSync(join(home, 'base.img'), new Uint8Array(1 << 20));
    const outcome = onFullDisk(0, run(...SHORT, '--drive', 'base.img,overlay=full/changes'));
    told(outcome, 3, 'full/changes: write failed: the host’s disk is full');
  });

  it('ends a run whose findings should be recorded', ({ skip }) => {
    skip(noNamespaces !== undefined, noNamespaces);
    const args = ['run', '--kernel', faults, ...SMALL, '--events', 'full/events'];
    told(onFullDisk(0, args), 3, 'events: full/events: cannot be written: the host’s disk is full', ['events']);
  });

  it('as standard output', ({ skip }) => {
    skip(!existsSync('/dev/full'), 'there is no /dev/full');
    for (const args of [run(...SHORT, '--json'), ['image', 'list', '--json'], ['doctor']]) {
      const script = '"$@" >/dev/full';
      const { status, stdout, stderr } = spawnSync('sh', ['-c', script, 'sh', process.execPath, PLINTH, ...args], {
        encoding: 'utf8',
        cwd: home,
        env: environment,
      });
      const last = stderr.slice(stderr.lastIndexOf('plinth: standard'));
      expectLine({ status, stdout, stderr: last }, 3, 'standard output: cannot be written: the host’s disk is full');
    }
  });

  it('as the cache is only slower', ({ skip }) => {
    skip(noNamespaces !== undefined, noNamespaces);
    const script = `mkdir -p full; mount -t tmpfs -o size=64k tmpfs full && head -c 65536 /dev/zero >full/fill
XDG_CACHE_HOME=$PWD/full "$@"; echo "status $?"; find full -type f`;
    const command = ['--map-root-user', '--mount', 'sh', '-c', script, 'sh', process.execPath, PLINTH];
    const { stdout, stderr } = spawnSync('unshare', [...command, ...run(...SHORT)], {
      encoding: 'utf8',
      cwd: home,
      env: environment,
    });
    expect({ stdout, stderr }).toEqual({
      stdout: 'status 1\nfull/fill\n',
      stderr: 'plinth: stopped at the limit of --limit-instructions\n',
    });
  });
});

describe('a snapshot', () => {
  let bytes: Buffer;
  beforeAll(() => {
    writeFileSync(join(home, 'disk.img'), Buffer.alloc(1 << 20, 'disk'));
    const made = plinth(...run(...SHORT, '--drive', 'disk.img,snapshot', '--save-snapshot', 'saved'));
    if (!made.stderr.includes('snapshot: saved')) throw new Error(made.stderr);
    bytes = readFileSync(join(home, 'saved'));
  });

  /** Many at once: each is a file whose line and status are looked at. */
  function refuse(name: string, content: Uint8Array): void {
    writeFileSync(join(home, name), content);
    expectLine(plinth('run', name, '--console', 'none', '--limit-instructions', '2000'), 2, /^plinth: (file|\w+): /);
  }

  it('with a wrong bit is one line, wherever it is', () => {
    const places = 24;
    for (let n = 0; n < places; n++) {
      const copy = Buffer.from(bytes);
      // Near the start are the headers; then all over the file.
      const at = n < 12 ? 1 + n * 5 : Math.floor((bytes.length * (n - 12)) / 12) + n;
      copy[at]! ^= 1 << (n % 8);
      refuse('flipped', copy);
    }
  });

  it('that is cut short is one line, at any length', () => {
    for (const length of [1, 7, 8, 9, 21, 22, 40, 64, 100, 300, 1000, bytes.length >> 1, bytes.length - 1]) {
      if (length < bytes.length) refuse('short', bytes.subarray(0, length));
    }
  });

  it('goes on if it is whole', () => {
    const { status, stderr } = plinth('run', 'saved', '--console', 'none', '--limit-instructions', '2000');
    expect({ status, stderr }).toEqual({ status: 1, stderr: 'plinth: stopped at the limit of --limit-instructions\n' });
  });

  it('needs the disk of its moment', () => {
    const made = plinth(...run(...SHORT, '--drive', 'disk.img', '--save-snapshot', 'with-disk'));
    expect(made.stderr).toContain('snapshot: with-disk');
    const resume = (...drive: string[]): Outcome =>
      plinth('run', 'with-disk', '--console', 'none', '--limit-instructions', '2000', ...drive);
    copyFileSync(join(home, 'disk.img'), join(home, 'copy.img'));
    truncateSync(join(home, 'disk.img'), 1 << 19);
    expectLine(resume(), 2, 'disk.img: it is not as it was');
    rmSync(join(home, 'disk.img'));
    expectLine(resume(), 2, 'disk.img is not there');
    // A copy is told by its content; its place can be said.
    expectLine(resume('--drive', 'copy.img'), 1, 'stopped at the limit');
    expectLine(
      resume('--drive', 'copy.img', '--drive', 'copy.img'),
      2,
      '2 given, where the snapshot has 1: name all of its disks',
    );
    expectLine(resume('--drive', 'copy.img,readonly'), 2, 'only the files of its disks can be told, no options');
    const bytes = readFileSync(join(home, 'copy.img'));
    bytes[600_000]! ^= 1;
    writeFileSync(join(home, 'copy.img'), bytes);
    expectLine(resume('--drive', 'copy.img'), 2, 'copy.img: it is not as it was');
  });
});

describe('a disk that is cut short or damaged', () => {
  it('raw', () => {
    for (const length of [0, 1, 511, 513, 100_001]) {
      writeFileSync(join(home, 'cut.img'), new Uint8Array(length));
      expectLine(plinth(...run(...SHORT, '--drive', 'cut.img')), 2, 'cut.img: no disk image, or one that is cut short');
    }
  });

  it('overlay', () => {
    writeFileSync(join(home, 'under.img'), new Uint8Array(1 << 20));
    expect(plinth(...run(...SHORT, '--drive', 'under.img,overlay=over')).stderr).toContain('limit');
    const whole = readFileSync(join(home, 'over'));
    whole[4096] = 1; // the map: the first cluster's data are in the file
    for (const length of [1, 8, 59, 60, 4096, 5000, whole.length - 1, whole.length]) {
      writeFileSync(join(home, 'over'), whole.subarray(0, length));
      expectLine(
        plinth(...run(...SHORT, '--drive', 'under.img,overlay=over')),
        2,
        /over: (not an overlay|the overlay)/,
      );
    }
    for (const at of [0, 9, 13, 17, 30, 57, 4100]) {
      const copy = Buffer.from(whole);
      copy[4096] = 0;
      copy[at]! ^= 0x44;
      writeFileSync(join(home, 'over'), copy);
      expectLine(plinth(...run(...SHORT, '--drive', 'under.img,overlay=over')), 2, /over: /);
    }
  });

  it('qcow2', ({ skip }) => {
    const image = join(home, 'whole.qcow2');
    const made = spawnSync('qemu-img', ['create', '-f', 'qcow2', image, '4M']);
    skip(made.status !== 0, 'qemu-img is not installed (package qemu-utils)');
    const bytes = readFileSync(image);
    for (const length of [0, 4, 71, 103, 111, 65_536, 131_072]) {
      writeFileSync(join(home, 'cut.qcow2'), bytes.subarray(0, length));
      expectLine(plinth(...run(...SHORT, '--drive', 'cut.qcow2,snapshot')), 2, /cut\.qcow2: /);
    }
  });
});

/** A run that has locked these files; it is ended by `end`. */
async function running(locked: readonly string[], ...args: string[]): Promise<{ end(): Promise<void> }> {
  const child = spawn(process.execPath, [PLINTH, ...args], { cwd: home, env: environment, stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const holds = (name: string): boolean => {
    const ino = statSync(join(home, name), { throwIfNoEntry: false })?.ino;
    return readdirSync(`/proc/${child.pid}/fd`).some((fd) => {
      const file = statSync(`/proc/${child.pid}/fd/${fd}`, { throwIfNoEntry: false });
      return file !== undefined && file.ino === ino && isLocked(child.pid!, fd);
    });
  };
  await until(`the locks of ${args.join(' ')}`, () => {
    if (child.exitCode !== null) throw new Error(`ended with status ${child.exitCode}`);
    return locked.every(holds);
  });
  return {
    end: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** proc(5): such a line is there for each lock that a descriptor has. */
function isLocked(pid: number, fd: string): boolean {
  try {
    return /^lock:/m.test(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'));
  } catch {
    return false; // it is closed again
  }
}

function missingLocks(): string | undefined {
  if (process.platform !== 'linux') return 'no /proc';
  try {
    nativeCalls();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a disk that another run has', () => {
  const noLocks = missingLocks();

  it('is not written by two, nor read while it is written', async ({ skip }) => {
    skip(noLocks !== undefined, noLocks);
    writeFileSync(join(home, 'one.img'), new Uint8Array(1 << 20));
    const first = await running(['one.img'], 'run', '--kernel', spin, ...SMALL, '--drive', 'one.img');
    const line = 'drive: one.img: another process writes to it: end that run, or work on a copy';
    for (const drive of ['one.img', 'one.img,snapshot', 'one.img,readonly', 'one.img,overlay=one.changes']) {
      expectLine(plinth(...run(...SHORT, '--drive', drive)), 2, line);
    }
    expect(existsSync(join(home, 'one.changes'))).toBe(false);
    await first.end();
    expect(plinth(...run(...SHORT, '--drive', 'one.img')).stderr).toContain('stopped at the limit');
  });

  it('is read by many, and its overlay written by one', async ({ skip }) => {
    skip(noLocks !== undefined, noLocks);
    writeFileSync(join(home, 'base.img'), new Uint8Array(1 << 20));
    const first = await running(
      ['base.img', 'mine'],
      'run',
      '--kernel',
      spin,
      ...SMALL,
      '--drive',
      'base.img,overlay=mine',
    );
    expect(plinth(...run(...SHORT, '--drive', 'base.img,overlay=other')).stderr).toContain('stopped at the limit');
    expect(plinth(...run(...SHORT, '--drive', 'base.img,snapshot')).stderr).toContain('stopped at the limit');
    expectLine(
      plinth(...run(...SHORT, '--drive', 'base.img')),
      2,
      'base.img: another process reads it and counts on what is in it: end that run, or add overlay=FILE or snapshot',
    );
    expectLine(
      plinth(...run(...SHORT, '--drive', 'base.img,overlay=mine')),
      2,
      'drive: overlay: mine: another process writes to it',
    );
    await first.end();
  });
});

describe('bringing an image', () => {
  const sandbox = join(home, 'bringing');
  const noRoot = process.getuid?.() !== 0 ? 'a network namespace needs root' : undefined;
  const missing = noRoot ?? (spawnSync('apt-get', ['--version']).status === 0 ? undefined : 'apt-get is not here');

  interface Bringing extends Outcome {
    /** Temporary files, and what is in the cache's images. */
    readonly left: readonly string[];
  }

  /** `stop`: Ctrl-C as soon as this is said. */
  async function bring(cache: string, args: readonly string[], stop?: string): Promise<Bringing> {
    const temporary = join(sandbox, 'tmp');
    mkdirSync(temporary, { recursive: true });
    const child = spawn('unshare', ['--net', process.execPath, PLINTH, ...args], {
      env: { ...environment, XDG_CACHE_HOME: cache, TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      if (stop !== undefined && stderr.includes(stop)) child.kill('SIGINT');
    });
    const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
    const images = join(cache, 'plinth/images');
    return {
      status,
      stdout,
      stderr,
      left: [temporary, images].flatMap((one) => (existsSync(one) ? readdirSync(one) : [])),
    };
  }

  it('needs the network', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const { stderr, ...rest } = await bring(join(sandbox, 'cache'), ['image', 'pull', 'debian-mini']);
    expect(rest, stderr).toEqual({ status: 3, stdout: '', left: [] });
    const lines = stderr.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^Reading Debian's package lists/);
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(/^plinth: no package list could be had: .*is the network there/),
    ]);
  });

  it('needs a cache that can be written, and looks first', async ({ skip }) => {
    skip(missing !== undefined, missing);
    for (const name of ['debian-mini', 'debian']) {
      const { stderr, status } = await bring('/proc/nowhere', ['image', 'pull', name]);
      expect(status).toBe(3);
      expect(stderr).toMatch(/^plinth: \/proc\/nowhere\/plinth\/images: cannot be written: [^\n]*\n$/);
    }
  });

  it('leaves nothing after Ctrl-C', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const outcome = await bring(join(sandbox, 'cache'), ['image', 'pull', 'debian-mini'], 'Reading');
    expect({ ...outcome, stderr: '' }).toEqual({ status: 130, stdout: '', stderr: '', left: [] });
    expect(outcome.stderr).toMatch(/^Reading[^\n]*\n$/);
  });

  it('is not for an image that a machine runs on: neither pulled anew nor removed', async ({ skip }) => {
    skip(missing !== undefined || missingLocks() !== undefined, missing ?? missingLocks());
    const cache = join(sandbox, 'used');
    const image = join(cache, 'plinth/images/debian');
    mkdirSync(image, { recursive: true });
    writeFileSync(join(image, 'disk.img'), new Uint8Array(1 << 20));
    const link = 'bringing/used/plinth/images/debian/disk.img';
    const first = await running([link], 'run', '--kernel', spin, ...SMALL, '--drive', `${link},snapshot`);
    for (const verb of ['pull', 'rm']) {
      const { left, ...outcome } = await bring(cache, ['image', verb, 'debian']);
      expectLine(outcome, 2, 'image debian is in use: end the runs that have its disk first');
      expect(left).toEqual(['debian']);
    }
    await first.end();
    expect(await bring(cache, ['image', 'rm', 'debian'])).toEqual({
      status: 0,
      stdout: 'debian removed\n',
      stderr: '',
      left: [],
    });
  });
});
