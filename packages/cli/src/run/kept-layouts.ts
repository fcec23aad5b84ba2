// SPDX-License-Identifier: Apache-2.0
// What was read out of kernels' code, kept by their build and by our own code, which reads it. Whatever fails here only means
// that it is read anew.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type KernelLayout, parseKernelLayout } from '@plinth/observe';
import { writeFileAtomically } from '../host/atomic-file.js';
import { cacheDirectory } from '../host/cache-directory.js';
import { codeFolders, hashCode } from '../host/code-key.js';
import { keepLastUsed, noteUse } from '../host/last-used.js';
import { makeDirectory } from '../host/make-directory.js';

/** By when they were last used; each is some 3 KB. */
const MOST_LAYOUTS = 32;

export class KeptLayouts {
  readonly #directory: string = join(cacheDirectory(), 'kernel-layouts');
  readonly #code: string | undefined = observeHash();

  #path(build: string): string | undefined {
    if (this.#code === undefined) return undefined;
    return join(
      this.#directory,
      `${createHash('sha256').update(`${this.#code}\0${build}`).digest('hex').slice(0, 32)}.json`,
    );
  }

  read(build: string): KernelLayout | undefined {
    const path = this.#path(build);
    if (path === undefined) return undefined;
    try {
      const layout = parseKernelLayout(JSON.parse(readFileSync(path, 'utf8')));
      if (layout !== undefined) noteUse(path);
      return layout;
    } catch {
      return undefined; // nobody has read that kernel yet
    }
  }

  keep(build: string, layout: KernelLayout): void {
    const path = this.#path(build);
    if (path === undefined) return;
    try {
      makeDirectory(this.#directory);
      writeFileAtomically(path, [Buffer.from(JSON.stringify(layout))], 'layout of a kernel');
      const kept = readdirSync(this.#directory).filter((name) => name.endsWith('.json'));
      keepLastUsed(
        kept.map((name) => join(this.#directory, name)),
        MOST_LAYOUTS,
      );
    } catch {
      // The next run reads it anew.
    }
  }
}

function observeHash(): string | undefined {
  try {
    return hashCode(codeFolders('@plinth/observe'), performance.timeOrigin);
  } catch {
    return undefined;
  }
}
