// SPDX-License-Identifier: Apache-2.0
// Writes a program in one file so that it appears whole or not at all.

import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { type BundleManifest, type BundleParts, writeBundle } from '@plinth/sandbox';
import { reasonOf } from '../host/reason.js';
import { findLeftovers, makeTemporaryDirectory } from '../host/temporary.js';

/** A directory beside the file that is made, so that it can be renamed; gone with what uses it. */
export function workDirectory(output: string): Disposable & { readonly path: string } {
  let path: string;
  try {
    const parent = dirname(output);
    // What killed ones left there is large, and nobody else looks for it.
    for (const left of findLeftovers(parent))
      if (basename(left).startsWith('.plinth-pack-')) rmSync(left, { recursive: true, force: true });
    path = makeTemporaryDirectory('pack', parent);
  } catch (cause) {
    throw new PlinthError('host', 'pack-output', `${output}: cannot be written: ${reasonOf(cause)}`, { cause });
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** The file appears whole or not at all. */
export function writeBundleFile(output: string, work: string, parts: BundleParts): BundleManifest {
  if (statSync(output, { throwIfNoEntry: false })?.isFile() === false)
    throw new PlinthError('input', 'pack-output', `${output}: this is no plain file, which could be replaced`);
  const fresh = join(work, 'bundle');
  try {
    const fd = openSync(fresh, 'wx', 0o755);
    let manifest: BundleManifest;
    try {
      manifest = writeBundle(fd, parts);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(fresh, output);
    return manifest;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === undefined) throw cause;
    throw new PlinthError('host', 'pack-output', `${output}: cannot be written: ${reasonOf(cause)}`, { cause });
  }
}
