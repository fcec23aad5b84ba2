// SPDX-License-Identifier: Apache-2.0
// What of this host a plan depends on, read once.

import { accessSync, constants, lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';

/** An entry of the root directory. */
export interface TopEntry {
  readonly name: string;
  /** Of a symbolic link, what it points to. */
  readonly target?: string;
  /** Of a directory. */
  readonly mode?: number;
}

export type Controller = 'pids' | 'memory' | 'cpu';

export interface ControllerPlace {
  /** The root of its hierarchy. */
  readonly directory: string;
  /** Of control groups. */
  readonly version: 1 | 2;
}

export interface HostFacts {
  readonly user: number;
  readonly group: number;
  readonly userName: string;
  readonly home: string;
  /** Directories and symbolic links of `/`, in order. */
  readonly top: readonly TopEntry[];
  /** Where something is mounted. */
  readonly mountPoints: readonly string[];
  /** Where control groups may be made, by what they limit. */
  readonly controllers: ReadonlyMap<Controller, ControllerPlace>;
  /** Where groups of version 2 may be made, whatever they limit: each has a number, by which the kernel tells its processes. */
  readonly unified: string | undefined;
  /** Whether a directory has nothing in it, as far as we may look. */
  readonly isEmpty: (path: string) => boolean;
  /** Without symbolic links; nothing if it leads nowhere. */
  readonly realPath: (path: string) => string | undefined;
  /** Whether there is such a file or directory, whatever it is. */
  readonly exists: (path: string) => 'file' | 'directory' | undefined;
}

export function hostFacts(): HostFacts {
  const { uid, gid, username, homedir } = userInfo();
  const top = readdirSync('/')
    .sort()
    .flatMap((name): TopEntry[] => {
      const path = join('/', name);
      const entry = lstatSync(path);
      if (entry.isSymbolicLink()) return [{ name, target: readlinkSync(path) }];
      return entry.isDirectory() ? [{ name, mode: entry.mode & 0o7777 }] : [];
    });
  return {
    user: uid,
    group: gid,
    userName: username,
    home: homedir,
    top,
    mountPoints: mountPoints(),
    ...controlGroups(),
    exists,
    realPath,
    isEmpty,
  };
}

function isEmpty(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch {
    return false;
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function exists(path: string): 'file' | 'directory' | undefined {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return undefined;
  return entry.isDirectory() ? 'directory' : 'file';
}

/** Of those hierarchies in which we may make groups. */
function controlGroups(): Pick<HostFacts, 'controllers' | 'unified'> {
  const controllers = new Map<Controller, ControllerPlace>();
  let unified: string | undefined;
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [, , , , directory = ''] = line.split(' ');
    const [, type, , options = ''] = / - (\S+) (\S+) (\S+)$/.exec(line) ?? [];
    if ((type !== 'cgroup' && type !== 'cgroup2') || !mayWrite(directory)) continue;
    const names = type === 'cgroup' ? options.split(',') : handedDown(directory);
    for (const name of ['pids', 'memory', 'cpu'] as const) {
      if (names.includes(name)) controllers.set(name, { directory, version: type === 'cgroup' ? 1 : 2 });
    }
    if (type === 'cgroup2') unified = directory;
  }
  return { controllers, unified };
}

function mayWrite(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Controllers that groups below have. */
function handedDown(directory: string): string[] {
  try {
    return readFileSync(join(directory, 'cgroup.subtree_control'), 'utf8').trim().split(' ');
  } catch {
    return [];
  }
}

/** Field 5 of each line of mountinfo (proc(5)), in which a blank and the like stand in octal. */
function mountPoints(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const point = line.split(' ')[4];
      return point === undefined
        ? []
        : [point.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8)))];
    });
}
