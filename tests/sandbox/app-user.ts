// SPDX-License-Identifier: Apache-2.0
// A user without rights, who packs programs in one file and runs them: with a home, a working directory and, in a mount namespace
// of its own, a /dev/fuse that everyone may use, as udev makes it.

import { type ChildProcess, execFileSync, spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cacheDirectory } from '@plinth/cli';
import { asUser, NOBODY, whyUnreadable } from '../setup/other-users.js';
import { until } from '../setup/until.js';
import { usableFuse } from './usable-devices.js';

const PLINTH = join(import.meta.dirname, '../../packages/cli/dist/main.js');
const isRoot = process.getuid?.() === 0;

/** Files that overlayfs refuses, at $1; the rest is run. */
const WITH_ODD = 'mkdir "$1/odd" && mount --bind /proc/sys/fs "$1/odd" || exit 99; shift; exec "$@"';

const COVERED = 'mount -t tmpfs none "$1" && shift && exec "$@"';

/** Nothing is mounted below $1; the rest is run. */
const BARE = `for at in $(grep -o " $1/[^ ]*" /proc/self/mountinfo | sort -r); do umount -l "$at" || exit 99; done
shift; exec "$@"`;

export interface AppEnd {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Why no program in one file can run here, or nothing. */
export function whyNoApps(file: string): string | undefined {
  const reason = find();
  if (reason !== undefined) console.log(`skipped: ${file}: ${reason}`);
  return reason;
}

function find(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'programs in one file are for Linux on x86-64';
  if (!existsSync('/dev/fuse')) return 'there is no /dev/fuse';
  using user = new AppUser();
  const { status, stderr } = user.run('unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', ': <>/dev/fuse');
  if (status !== 0) return `a user without rights may have no namespaces with FUSE: ${stderr.trim()}`;
  // What every file starts with comes from Debian's archive, once.
  const tree = join(user.folder, 'tree');
  mkdirSync(tree);
  writeFileSync(join(tree, 'program'), '#!/bin/sh\n', { mode: 0o755 });
  const packed = user.plinth('app', 'pack', tree, '--entry', '/program', '-o', 'tried.plinth');
  return packed.status === 3 ? `nothing can be packed: ${packed.stderr.trim().split('\n').at(-1)}` : undefined;
}

export class AppUser implements Disposable {
  readonly folder: string;
  readonly home: string;
  readonly work: string;
  readonly temporary: string;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'plinth-app-user-'));
    this.home = join(this.folder, 'home');
    this.work = join(this.folder, 'work');
    this.temporary = join(this.folder, 'tmp');
    for (const path of [this.home, this.work, this.temporary, join(this.folder, 'device')]) mkdirSync(path);
    chmodSync(this.folder, 0o755);
    if (isRoot) execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, this.folder]);
  }

  #environment(): NodeJS.ProcessEnv {
    const { XDG_DATA_HOME: _, XDG_CONFIG_HOME: __, ...rest } = process.env;
    return { ...rest, HOME: this.home, TMPDIR: this.temporary, LC_ALL: 'C' };
  }

  #command(command: readonly string[], fuse: boolean, bare?: string): [string, string[]] {
    if (!isRoot) return [command[0]!, command.slice(1)];
    const asNobody = [...asUser(), ...command];
    if (!fuse) return [asNobody[0]!, asNobody.slice(1)];
    const device = join(this.folder, 'device');
    const script = `${usableFuse(device)} || exit 99; ${WITH_ODD}`;
    const before = bare === undefined ? [] : ['sh', '-c', BARE, 'sh', bare];
    return ['unshare', ['--mount', 'sh', '-c', script, 'sh', device, ...before, ...asNobody]];
  }

  /** Writes a file that is the user's. */
  write(path: string, text: string): void {
    writeFileSync(path, text);
    if (isRoot) chownSync(path, NOBODY, NOBODY);
  }

  /** Runs a command in the working directory. */
  run(...command: readonly string[]): AppEnd {
    return this.runWith({}, ...command);
  }

  /** As root, for this command only: something may be mounted at `covered`, and nothing below `bare`. */
  runWith(
    { input = '', fuse = true, covered, bare }: { input?: string; fuse?: boolean; covered?: string; bare?: string },
    ...command: readonly string[]
  ): AppEnd {
    const plain = this.#command(command, fuse, bare);
    const [program, args]: [string, string[]] =
      covered === undefined
        ? plain
        : ['unshare', ['--mount', 'sh', '-c', COVERED, 'sh', covered, plain[0], ...plain[1]]];
    const options = { cwd: this.work, env: this.#environment(), input, encoding: 'utf8', timeout: 300_000 } as const;
    return ended(spawnSync(program, args, options));
  }

  /** Goes on while the test does. Its process is the command's own, and leads a group of processes. */
  start(...command: readonly string[]): ChildProcess {
    const [program, args] = this.#command(command, true);
    const options = { cwd: this.work, env: this.#environment(), detached: true } as const;
    return spawn(program, args, { ...options, stdio: ['pipe', 'pipe', 'inherit'] });
  }

  /** `plinth` with the user's home, and the cache of whoever runs the tests. */
  plinth(...args: readonly string[]): AppEnd {
    const options = { ...this.#plinthOptions(), encoding: 'utf8', timeout: 300_000 } as const;
    const end = spawnSync(process.execPath, [PLINTH, ...args], options);
    this.own();
    return ended(end);
  }

  /** `plinth` as the user itself, who has no rights at all. */
  runPlinth(...args: readonly string[]): AppEnd {
    return this.run('env', `XDG_CACHE_HOME=${join(this.home, '.cache')}`, process.execPath, PLINTH, ...args);
  }

  /** Why `runPlinth` cannot be, or nothing: then the user has the tools that every file starts with. */
  whyNotPlinth(): string | undefined {
    const unreadable = whyUnreadable();
    if (unreadable !== undefined) return unreadable;
    const { status, stderr } = this.runPlinth('--version');
    if (status !== 0) return `a user without rights cannot start plinth here: ${stderr.trim()}`;
    if (spawnSync('mksquashfs', ['-version']).error !== undefined) return 'package squashfs-tools is needed';
    cpSync(join(cacheDirectory(), 'tools'), join(this.home, '.cache/plinth/tools'), { recursive: true });
    this.own();
    return undefined;
  }

  /** `plinth`, as root, whose data lie on an overlay, so that the kernel lays no other over them and makes no devices there. */
  plinthOverOverlay(...args: readonly string[]): AppEnd {
    const all = ['lower', 'upper', 'work', 'data'].map((name) => join(this.folder, 'overlay', name));
    for (const path of all) mkdirSync(path, { recursive: true });
    const [lower, upper, work, data] = all;
    const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
    const script = 'mount -t overlay none "$1" -o "$2" || exit 99; export XDG_DATA_HOME="$1"; shift 2; exec "$@"';
    const command = ['--mount', 'sh', '-c', script, 'sh', data!, options, process.execPath, PLINTH, ...args];
    const end = spawnSync('unshare', command, {
      ...this.#plinthOptions(),
      encoding: 'utf8',
      timeout: 300_000,
    });
    this.own();
    return ended(end);
  }

  startPlinth(...args: readonly string[]): ChildProcess {
    return spawn(process.execPath, [PLINTH, ...args], { ...this.#plinthOptions(), stdio: 'ignore' });
  }

  #plinthOptions(): { cwd: string; env: NodeJS.ProcessEnv } {
    return { cwd: this.work, env: { ...this.#environment(), XDG_CACHE_HOME: dirname(cacheDirectory()) } };
  }

  /** What root has made becomes the user's, as if the user had. */
  own(): void {
    if (isRoot) execFileSync('chown', ['-Rh', `${NOBODY}:${NOBODY}`, this.work, this.home]);
  }

  /** A directory over which the kernel lays nothing, if the tests are root's. */
  get odd(): string | undefined {
    return isRoot ? join(this.folder, 'device', 'odd') : undefined;
  }

  /** Directories that runs have left. */
  get leftovers(): string[] {
    return readdirSync(this.temporary).filter((name) => name.startsWith('plinth-app-'));
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** @throws Error if it was ended for its slowness, so that nobody takes what it had said until then for its answer. */
function ended({ error, status, stdout, stderr }: SpawnSyncReturns<string>): AppEnd {
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT') throw error!;
  return { status, stdout, stderr };
}

/** A duration for sleep(1) that no other run of the tests has, which so marks a command line, as digits alone of other processes do not. */
export function ownSeconds(whole: number): string {
  return `${whole}.${String(process.pid).padStart(7, '0')}`;
}

/** Numbers of processes whose command line has this text. */
export function processesWith(text: string): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(text);
    } catch {
      return false; // it has ended
    }
  });
}

/** Waits until no process has this text: those that are killed end when the kernel comes to it. */
export async function allEnded(text: string): Promise<void> {
  await until(`the end of all processes with ${JSON.stringify(text)}`, () => processesWith(text).length === 0);
}
