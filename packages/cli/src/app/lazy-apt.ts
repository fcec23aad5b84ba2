// SPDX-License-Identifier: Apache-2.0
// Debian's archive for a host of x86-64, which is only asked if something of it is wanted.

import { PlinthError } from '@plinth/core';
import type { Progress } from '../host/progress.js';
import { PrivateApt } from '../image/apt.js';
import { packagesDirectory } from '../image/cache.js';

export class LazyApt implements Disposable {
  readonly #progress: Progress;
  #apt: PrivateApt | undefined;

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  async get(): Promise<PrivateApt> {
    if (this.#apt !== undefined) return this.#apt;
    if (process.platform !== 'linux' || process.arch !== 'x64')
      throw new PlinthError('host', 'pack-host', 'programs in one file are for Linux on x86-64: pack them there');
    this.#progress.step("Reading Debian's package lists for amd64");
    this.#apt = new PrivateApt('amd64', this.#progress, { archives: packagesDirectory() });
    await this.#apt.update();
    return this.#apt;
  }

  [Symbol.dispose](): void {
    this.#apt?.[Symbol.dispose]();
  }
}
