// SPDX-License-Identifier: Apache-2.0
// What of this host a plan depends on, read once.

import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
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

export interface HostFacts {
  readonly user: number;
  readonly group: number;
  readonly userName: string;
  readonly home: string;
  /** Directories and symbolic links of `/`, in order. */
  readonly top: readonly TopEntry[];
  /** Where something is mounted. */
  readonly mountPoints: readonly string[];
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
  return { user: uid, group: gid, userName: username, home: homedir, top, mountPoints: mountPoints(), exists };
}

function exists(path: string): 'file' | 'directory' | undefined {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return undefined;
  return entry.isDirectory() ? 'directory' : 'file';
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
