// SPDX-License-Identifier: Apache-2.0
// Single modules of the kernel that an image was made of, which the image itself does not carry: for guests of tests and
// benchmarks.

import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { makeDirectory } from '../host/make-directory.js';
import { PrivateApt, readPackageFile } from './apt.js';

export interface ImageKernel {
  /** Of its Debian package. */
  readonly name: string;
  readonly version: string;
}

/**
 * Paths of modules, by their names without `.ko`, in `directory`, which is for this version of the kernel; brings from
 * Debian what is not there. An error says why one cannot be had.
 */
export async function moduleFiles(kernel: ImageKernel, names: readonly string[], directory: string): Promise<string[]> {
  const path = (name: string): string => join(directory, `${name}.ko`);
  const wanted = names.filter((name) => !existsSync(path(name)));
  if (wanted.length > 0) {
    using apt = new PrivateApt('armhf', { step() {}, update() {}, done() {}, warn() {} });
    await apt.update();
    const offered = await apt.show(kernel.name);
    if (offered.version !== kernel.version) {
      const why = `Debian has version ${offered.version} now, and the image has ${kernel.version}: pull it anew`;
      throw new PlinthError('host', 'kernel-modules', `${kernel.name}: ${why}`);
    }
    const file = await apt.download(offered);
    makeDirectory(directory);
    for (const name of wanted) {
      const fresh = `${path(name)}.${process.pid}`;
      writeFileSync(fresh, await readPackageFile(file, `./lib/modules/*/${name}.ko`));
      renameSync(fresh, path(name));
    }
  }
  return names.map(path);
}
