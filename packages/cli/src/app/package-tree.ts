// SPDX-License-Identifier: Apache-2.0
// Debian packages as a tree of files: unpacked over each other, no script of theirs run. /bin and the like are links into /usr, as
// everywhere in Debian since version 12.

import { mkdirSync, symlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { PlinthError } from '@plinth/core';
import type { PackageOrigin } from '@plinth/sandbox';
import type { Progress } from '../host/progress.js';
import { run } from '../host/run-command.js';
import type { DebianPackage, LocalPackage, PrivateApt } from '../image/apt.js';
import { sha256 } from '../image/manifest.js';
import { type Dependent, neededPackages } from './needed-packages.js';

const MERGED = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];
const LINKED = ['bin', 'sbin', 'lib', 'lib64'];
/** Packages need not name what is essential, and so always installed (Debian Policy 3.8); these do not work without it. */
const UNSAID = [['libtinfo6', 'ncurses-base']] as const;
const UNPACK = 'dpkg-deb --fsys-tarfile "$1" | tar -xf - -C "$2" --no-same-owner --keep-directory-symlink';

export interface UnpackedPackages {
  readonly origins: readonly PackageOrigin[];
  /** Paths of files, from `/` on, with the package that each is of. */
  readonly owners: ReadonlyMap<string, string>;
  /** Names of packages with a script that would have been run after installing them. */
  readonly unconfigured: readonly string[];
}

export interface WantedPackages {
  /** Names of Debian's archive. */
  readonly names: readonly string[];
  /** Paths of .deb files. */
  readonly files: readonly string[];
}

/** What `--deb` says: a name, or a file. */
export function wantedPackages(all: readonly string[]): WantedPackages {
  const isFile = (one: string): boolean => one.includes('/') || one.endsWith('.deb');
  const names = all.filter((one) => !isFile(one));
  for (const name of names) {
    if (!/^[a-z0-9][a-z0-9.+-]+$/.test(name))
      throw new PlinthError('input', 'package-name', `--deb ${name}: no package has such a name`);
  }
  return { names, files: all.filter(isFile) };
}

/** Makes `root` a tree of these packages and of what they need. */
export async function unpackPackages(
  apt: PrivateApt,
  { names, files }: WantedPackages,
  root: string,
  progress: Progress,
): Promise<UnpackedPackages> {
  const local = await Promise.all(files.map(readLocal));
  const roots = [...names, ...local.map(({ name }) => name)];
  const need = async (all: readonly string[]): Promise<DebianPackage[]> => {
    const resolved = await apt.resolve(all, local);
    const needed = neededPackages<Dependent>([...resolved, ...local], [...roots, ...all]).map(({ name }) => name);
    return resolved.filter(({ name }) => needed.includes(name));
  };
  const first = await need(names);
  const unsaid = UNSAID.filter(([one]) => first.some(({ name }) => name === one)).map(([, data]) => data);
  const wanted = unsaid.length === 0 ? first : await need([...names, ...unsaid]);
  const size = wanted.reduce((sum, one) => sum + one.size, 0);
  progress.step(`Downloading ${wanted.length} packages (${(size / 1e6).toFixed(1)} MB)`);
  const downloaded = wanted.length === 0 ? [] : await apt.downloadAll(wanted);
  progress.step('Unpacking');
  makeMergedRoot(root);
  const unconfigured: string[] = [];
  const owners = new Map<string, string>();
  const all = [
    ...wanted.map(({ name }, n) => ({ name, path: downloaded[n]! })),
    ...local.map(({ name, path }) => ({ name, path })),
  ];
  for (const { name, path } of all) {
    await unpack(path, root);
    if (await hasScript(path)) unconfigured.push(name);
    for (const file of await filesOf(path)) owners.set(file, name);
  }
  const origins = [...wanted, ...local].map(({ name, version, sha256: hash }) => ({ name, version, sha256: hash }));
  return { origins, owners, unconfigured };
}

async function readLocal(file: string): Promise<LocalPackage & Dependent & { readonly sha256: string }> {
  const path = resolve(file);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new PlinthError('input', 'package-file', `--deb ${file}: it cannot be read`, { cause });
  }
  const { status, stdout } = await dpkgDeb('--field', path);
  const field = (key: string): string => new RegExp(`^${key}: (.*)$`, 'm').exec(stdout)?.[1] ?? '';
  if (status !== 0 || field('Package') === '')
    throw new PlinthError('input', 'package-file', `--deb ${file}: it is no Debian package`);
  return {
    path,
    name: field('Package'),
    version: field('Version'),
    depends: field('Depends'),
    preDepends: field('Pre-Depends'),
    provides: field('Provides'),
    sha256: sha256(bytes),
  };
}

function makeMergedRoot(root: string): void {
  mkdirSync(join(root, 'usr'), { recursive: true });
  for (const name of LINKED) {
    mkdirSync(join(root, 'usr', name));
    symlinkSync(`usr/${name}`, join(root, name));
  }
}

async function unpack(deb: string, root: string): Promise<void> {
  const result = await run('sh', ['-c', UNPACK, 'sh', deb, root], {
    environment: { LC_ALL: 'C' },
    missing: 'sh, dpkg-deb and tar are needed to unpack packages',
  });
  if (result.status === 0) return;
  const [error = ''] = result.stderr.split('\n');
  throw new PlinthError('host', 'package-unpack', `${basename(deb)}: cannot be unpacked: ${error}`);
}

async function hasScript(deb: string): Promise<boolean> {
  return (await dpkgDeb('--info', deb, 'postinst')).status === 0;
}

/** Regular files and links, as they are behind the links of the root. */
async function filesOf(deb: string): Promise<string[]> {
  const { stdout } = await dpkgDeb('--contents', deb);
  return [...stdout.matchAll(/^[-lh]\S* +\S+ +\d+ \S+ \S+ \.(\/.*?)(?: -> .*| link to .*)?$/gm)].map(([, path = '']) =>
    MERGED.some((name) => path.startsWith(`/${name}/`)) ? `/usr${path}` : path,
  );
}

function dpkgDeb(...args: readonly string[]): ReturnType<typeof run> {
  return run('dpkg-deb', args, { environment: { LC_ALL: 'C' }, missing: 'packages are unpacked with Debian’s dpkg' });
}
