// SPDX-License-Identifier: Apache-2.0
// What a program in one file has written: a directory beside it or with its user's data. `upper` is a layer, as layer-entries.ts
// reads it and docs/layers.md describes it.

import { closeSync, existsSync, lstatSync, mkdirSync, openSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { AT, type FileCalls, LOCK, RENAME, type SystemCalls } from '@plinth/linux';
import { removeTree } from '../layers/remove-tree.js';
import { type LayerEntry, layerEntries } from './layer-entries.js';

/** Where the state of a file is, if it is not said: as its launcher has it. */
export function stateDirectory(
  file: string,
  { name, state }: { readonly name: string; readonly state: string },
): string {
  const beside = `${file}.state`;
  if (state === 'portable' || existsSync(beside)) return beside;
  const given = process.env['XDG_DATA_HOME'] ?? '';
  return join(isAbsolute(given) ? given : join(homedir(), '.local', 'share'), 'plinth', 'apps', name);
}

export class BundleState implements Disposable {
  readonly directory: string;
  readonly #calls: SystemCalls;
  readonly #files: FileCalls;
  #lock: number | undefined;

  constructor(calls: SystemCalls, files: FileCalls, directory: string) {
    this.#calls = calls;
    this.#files = files;
    this.directory = directory;
  }

  get upper(): string {
    return join(this.directory, 'upper');
  }

  /** Keeps runs away until this is disposed of. @throws PlinthError `bundle-busy` (input) */
  lock(): void {
    mkdirSync(this.directory, { recursive: true });
    const fd = openSync(join(this.directory, 'lock'), 'a');
    if (this.#calls.flock(fd, LOCK.exclusive | LOCK.nonBlocking) < 0) {
      closeSync(fd);
      throw new PlinthError('input', 'bundle-busy', `${this.directory}: its program runs: end it first`);
    }
    this.#lock = fd;
    // What a killed one left.
    removeTree(this.#aside());
  }

  [Symbol.dispose](): void {
    if (this.#lock !== undefined) closeSync(this.#lock);
    this.#lock = undefined;
  }

  /** Forgets all that was written. Whatever ends us, it is all there or all gone. */
  reset(): void {
    if (existsSync(this.upper)) renameSync(this.upper, this.#aside());
    this.#removeOld();
  }

  /** Puts another directory in the place of what was written, at once. It has to be on the same file system. */
  replace(upper: string): void {
    const aside = this.#aside();
    renameSync(upper, aside);
    const [from, to] = [Buffer.from(aside).toString('latin1'), Buffer.from(this.upper).toString('latin1')];
    if (existsSync(this.upper)) {
      const here = AT.workingDirectory;
      const result = this.#files.rename(here, from, here, to, RENAME.exchange);
      if (result < 0)
        throw new PlinthError('host', 'bundle-state', `${this.upper}: cannot be replaced (error ${-result})`);
    } else renameSync(aside, this.upper);
    this.#removeOld();
  }

  #aside(): string {
    return join(this.directory, 'old');
  }

  #removeOld(): void {
    for (const name of ['old', 'work', 'apart']) removeTree(join(this.directory, name));
  }

  /**
   * A directory in what was written, by its path in a layer, made if it is not there. No link is followed that a program may have left.
   * @throws PlinthError `bundle-state` (input)
   */
  directoryAt(layerPath: string): string {
    let at = this.upper;
    for (const name of layerPath.split('/').filter(Boolean)) {
      at = join(at, name);
      const found = lstatSync(at, { throwIfNoEntry: false });
      if (found === undefined) mkdirSync(at);
      else if (!found.isDirectory())
        throw new PlinthError('input', 'bundle-state', `${at}: a directory is wanted here, and it is none`);
    }
    return at;
  }

  /** Of what was written. */
  entries(): LayerEntry[] {
    return existsSync(this.upper) ? layerEntries(this.#files, this.upper) : [];
  }
}
