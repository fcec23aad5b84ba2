// SPDX-License-Identifier: Apache-2.0
// A file that is made of the distribution's packages once, and kept in the cache with what is known of it.

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { makeDirectory } from '../host/make-directory.js';
import { makeTemporaryDirectory } from '../host/temporary.js';
import { toolsDirectory } from '../image/cache.js';
import { sha256 } from '../image/manifest.js';

export interface KeptFile<About> {
  readonly path: string;
  readonly about: About;
}

export interface KeptFileOptions<About> {
  /** Of the directory in the cache. */
  readonly name: string;
  readonly file: string;
  /** Makes it anew in any case. */
  readonly fresh: boolean;
  /** What it is made by, beside the packages: made by anything else it is made anew. */
  readonly recipe?: string;
  /** Makes the file, and gives what JSON can hold. `work` is empty, on the same file system, and goes afterwards. */
  readonly make: (file: string, work: string) => Promise<About>;
}

/** That of the cache if it is there and whole. It appears whole or not at all. */
export async function keptFile<About>(options: KeptFileOptions<About>): Promise<KeptFile<About>> {
  const { name, file, fresh, recipe, make } = options;
  const directory = join(toolsDirectory(), name);
  const kept = fresh ? undefined : read<About>(directory, file, recipe);
  if (kept !== undefined) return kept;
  makeDirectory(toolsDirectory());
  const work = makeTemporaryDirectory('tool', toolsDirectory());
  const made = makeTemporaryDirectory('tool', toolsDirectory());
  try {
    const about = await make(join(made, file), work);
    writeFileSync(
      join(made, 'about.json'),
      JSON.stringify({ sha256: sha256(readFileSync(join(made, file))), recipe, about }),
    );
    rmSync(directory, { recursive: true, force: true });
    renameSync(made, directory);
  } finally {
    rmSync(work, { recursive: true, force: true });
    rmSync(made, { recursive: true, force: true });
  }
  const again = read<About>(directory, file, recipe);
  if (again === undefined) throw new PlinthError('host', 'kept-file', `${directory}: cannot be read again`);
  return again;
}

function read<About>(directory: string, file: string, wanted: string | undefined): KeptFile<About> | undefined {
  try {
    const {
      sha256: hash,
      recipe,
      about,
    } = JSON.parse(readFileSync(join(directory, 'about.json'), 'utf8')) as {
      readonly sha256: string;
      readonly recipe?: string;
      readonly about: About;
    };
    const path = join(directory, file);
    return recipe === wanted && sha256(readFileSync(path)) === hash ? { path, about } : undefined;
  } catch {
    return undefined; // there is none, or it is damaged: it is made anew
  }
}
