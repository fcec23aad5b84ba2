// SPDX-License-Identifier: Apache-2.0
// A file appears whole or not at all: it is written beside its place, synchronised and renamed. What a killed process leaves
// behind carries the name by which `plinth doctor --clean` knows leftovers.

import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { reasonOf } from './reason.js';
import { makeTemporaryDirectory } from './temporary.js';

/** @throws PlinthError `file-write` (host), with nothing left behind. `option` says where the path came from. */
export function writeFileAtomically(path: string, pieces: readonly Uint8Array[], option: string): void {
  // A device or a folder of that name is not ours to replace.
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
    throw new PlinthError('input', 'file-write', `${option}: ${path}: this is no plain file, which could be replaced`);
  }
  let directory: string | undefined;
  try {
    directory = makeTemporaryDirectory('file', dirname(path));
    const fresh = join(directory, basename(path));
    const fd = openSync(fresh, 'wx', 0o600);
    try {
      for (const piece of pieces) writeAll(fd, piece);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(fresh, path);
    const parent = openSync(dirname(path), 'r');
    try {
      fsyncSync(parent);
    } finally {
      closeSync(parent);
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = `${code === 'ENOENT' ? 'there is no such folder' : reasonOf(cause)}; nothing was saved`;
    throw new PlinthError('host', 'file-write', `${option}: ${path}: cannot be written: ${why}`, { cause });
  } finally {
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
}
