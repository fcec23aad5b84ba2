// SPDX-License-Identifier: Apache-2.0
// Programs that images and programs in one file are made with. One that the host lacks is unpacked from its distribution's package into the
// cache, with the libraries that it needs and the host lacks, and run from there: nothing is installed.

import { accessSync, constants, existsSync, lstatSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { PlinthError } from '@plinth/core';
import { makeDirectory } from '../host/make-directory.js';
import type { Progress } from '../host/progress.js';
import { run } from '../host/run-command.js';
import { makeTemporaryDirectory } from '../host/temporary.js';
import { PrivateApt } from './apt.js';
import { packagesDirectory, toolsDirectory } from './cache.js';

const HOST_DIRECTORIES = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/sbin', '/usr/local/bin'];
const HOST_STATUS = '/var/lib/dpkg/status';

/** Each with the Debian package that has it. */
const PACKAGES = {
  bwrap: 'bubblewrap',
  'qemu-arm-static': 'qemu-user-static',
  depmod: 'kmod',
  mke2fs: 'e2fsprogs',
  mksquashfs: 'squashfs-tools',
  unsquashfs: 'squashfs-tools',
  xz: 'xz-utils',
  zstd: 'zstd',
} as const;
export type ToolName = keyof typeof PACKAGES;

export interface Tool {
  readonly path: string;
  /** For LD_LIBRARY_PATH; empty for a program of the host. */
  readonly libraries: string;
}

export class HostTools implements Disposable {
  readonly #progress: Progress;
  #apt: PrivateApt | undefined;

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  [Symbol.dispose](): void {
    this.#apt?.[Symbol.dispose]();
  }

  async find(name: ToolName): Promise<Tool> {
    const here = HOST_DIRECTORIES.map((directory) => join(directory, name)).find(isExecutable);
    if (here !== undefined) return { path: here, libraries: '' };
    const root = join(toolsDirectory(), name);
    return findIn(root, name) ?? (await this.#bring(name, root));
  }

  async #bring(name: ToolName, root: string): Promise<Tool> {
    const packageName = PACKAGES[name];
    this.#progress.step(`Reading Debian's package lists for this host, for ${name}`);
    const apt = await this.#hostApt();
    const packages = await apt.resolve([packageName]);
    const size = packages.reduce((sum, one) => sum + one.size, 0);
    this.#progress.step(`Downloading ${packageName} (${(size / 1e6).toFixed(1)} MB)`);
    const files = await apt.downloadAll(packages);
    makeDirectory(toolsDirectory());
    const fresh = makeTemporaryDirectory('tool', toolsDirectory());
    // Of the emulators for all architectures only one is wanted.
    const members = name === 'qemu-arm-static' ? ['./usr/bin/qemu-arm-static'] : [];
    for (const [index, file] of files.entries()) {
      const wanted = packages[index]?.name === packageName ? members : [];
      const script =
        'deb=$1; dir=$2; shift 2; dpkg-deb --fsys-tarfile "$deb" | tar -xf - -C "$dir" --no-same-owner "$@"';
      const result = await run('sh', ['-c', script, 'sh', file, fresh, ...wanted], {
        environment: { LC_ALL: 'C' },
        missing: 'sh, dpkg-deb and tar are needed to unpack packages',
      });
      if (result.status !== 0) {
        const [error = ''] = result.stderr.split('\n');
        throw new PlinthError('host', 'tool-unpack', `${file}: cannot be unpacked: ${error}`);
      }
    }
    for (const directory of HOST_DIRECTORIES) keepLinkInside(fresh, join(directory, name));
    for (const file of files) rmSync(file, { force: true }); // what is unpacked is not brought again
    if (findIn(root, name) === undefined) {
      rmSync(root, { recursive: true, force: true });
      renameSync(fresh, root);
    }
    const tool = findIn(root, name);
    if (tool === undefined) throw new PlinthError('host', 'tool-absent', `${packageName}: the package has no ${name}`);
    return tool;
  }

  async #hostApt(): Promise<PrivateApt> {
    if (this.#apt !== undefined) return this.#apt;
    const { stdout } = await run('dpkg', ['--print-architecture'], {
      missing: 'packages are unpacked with Debian’s dpkg',
    });
    const apt = new PrivateApt(stdout.trim(), this.#progress, { archives: packagesDirectory(), status: HOST_STATUS });
    this.#apt = apt;
    await apt.update();
    return apt;
  }
}

function findIn(root: string, name: ToolName): Tool | undefined {
  const path = HOST_DIRECTORIES.map((directory) => join(root, directory, name)).find(isExecutable);
  if (path === undefined) return undefined;
  const triplets = ['x86_64-linux-gnu', 'aarch64-linux-gnu', 'arm-linux-gnueabihf', 'i386-linux-gnu'];
  const directories = ['usr/lib', 'lib', ...triplets.flatMap((one) => [`usr/lib/${one}`, `lib/${one}`])];
  return {
    path,
    libraries: directories
      .map((one) => join(root, one))
      .filter((one) => existsSync(one))
      .join(':'),
  };
}

/** A program that is a link with an absolute target would otherwise be looked for on the host. */
function keepLinkInside(root: string, path: string): void {
  const link = join(root, path);
  if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return;
  const target = readlinkSync(link);
  if (!isAbsolute(target)) return;
  rmSync(link);
  symlinkSync(relative(dirname(path), target), link);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // it is not there, or may not be run
  }
}
