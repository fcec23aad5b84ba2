// SPDX-License-Identifier: Apache-2.0
// Debian packages, with what they need, as the files of a program in one file.

import { basename, dirname, join } from 'node:path';
import type { Progress } from '../host/progress.js';
import type { LazyApt } from './lazy-apt.js';
import { type PackSource, programIn, type SourceFiles } from './pack-source.js';
import { type UnpackedPackages, unpackPackages, type WantedPackages, wantedPackages } from './package-tree.js';

const PROGRAM_DIRECTORIES = ['/usr/bin', '/usr/games', '/usr/sbin', '/usr/local/bin'];

export class PackageSource implements PackSource {
  readonly #given: readonly string[];
  readonly #wanted: WantedPackages;
  readonly #archive: LazyApt;

  /** Of names or files, the first of which the program is named for. @throws PlinthError `package-name` (input) */
  constructor(given: readonly string[], archive: LazyApt) {
    this.#given = given;
    this.#wanted = wantedPackages(given);
    this.#archive = archive;
  }

  async files(directory: string, progress: Progress): Promise<SourceFiles> {
    const root = join(directory, 'root');
    const packages = await unpackPackages(await this.#archive.get(), this.#wanted, root, progress);
    const { origins, unconfigured } = packages;
    return {
      layers: [{ parts: [root], leftOut: [] }],
      version: origins.find(({ name }) => isNamed(this.#given.slice(0, 1), name))?.version ?? '0',
      packages: origins,
      unconfigured,
      programs: this.#programs(root, packages),
      findProgram: (path) => programIn(root, path),
      isolation: {},
    };
  }

  /** The one that has the first package's name, or all that wanted packages have. */
  #programs(root: string, { owners }: UnpackedPackages): string[] {
    const [first = ''] = this.#given;
    const named = PROGRAM_DIRECTORIES.map((directory) => `${directory}/${first}`).find(
      (path) => programIn(root, path) !== undefined,
    );
    if (named !== undefined) return [named];
    return [...owners]
      .filter(([path, owner]) => isNamed(this.#given, owner) && PROGRAM_DIRECTORIES.includes(dirname(path)))
      .map(([path]) => path);
  }

  [Symbol.dispose](): void {
    // The tree goes with the directory that it is in.
  }
}

function isNamed(given: readonly string[], name: string): boolean {
  return given.some((one) => one === name || basename(one).startsWith(`${name}_`));
}
