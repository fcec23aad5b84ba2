// SPDX-License-Identifier: Apache-2.0
// A directory as the files of a program in one file.

import { constants, cpSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { isPlainPath } from '@plinth/sandbox';
import { type PackSource, programIn, type SourceFiles } from './pack-source.js';

export class DirectorySource implements PackSource {
  readonly #directory: string;
  readonly #at: string;

  /** `at` is where its user finds it. @throws PlinthError `pack-source`, `pack-at` (input) */
  constructor(directory: string, at: string) {
    if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new PlinthError('input', 'pack-source', `${directory}: there is no such directory`);
    if (!isPlainPath(at)) throw new PlinthError('input', 'pack-at', `--at ${at}: a plain absolute path is wanted`);
    this.#directory = directory;
    this.#at = at;
  }

  files(directory: string): Promise<SourceFiles> {
    const root = join(directory, 'root');
    copyDirectory(this.#directory, join(root, this.#at));
    return Promise.resolve({
      layers: [{ parts: [root], leftOut: [] }],
      version: '0',
      packages: [],
      unconfigured: [],
      programs: [],
      findProgram: (path) => programIn(root, path),
      isolation: {},
    });
  }

  [Symbol.dispose](): void {
    // The copy goes with the directory that it is in.
  }
}

/** `to` is not there yet. */
export function copyDirectory(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, {
    recursive: true,
    verbatimSymlinks: true,
    preserveTimestamps: true,
    mode: constants.COPYFILE_FICLONE,
  });
}
