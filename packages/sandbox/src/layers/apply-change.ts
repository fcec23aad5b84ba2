// SPDX-License-Identifier: Apache-2.0
// Brings one change of layers to what lies below them. Each entry is there as it was or as it is to be, whatever ends us meanwhile: it is
// made beside its place, and renamed.

import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { PlinthError } from '@plinth/core';
import type { Change } from './changes.js';
import { removeTree } from './remove-tree.js';

/** What begins with it is half of an applied change, and can go. */
export const HALF_APPLIED = '.plinth-commit-';

/**
 * `target` is the change's place below `base`, whose own path is trusted; no symbolic link is followed from there on.
 * @returns why it was left out, if it was: nobody needs sockets and the like of another place
 * @throws PlinthError `commit` (input) where a directory on the way is none
 */
export function applyChange(change: Change, base: string): string | undefined {
  const target = base + change.path;
  checkWay(base, dirname(target));
  const here = lstatSync(target, { throwIfNoEntry: false });
  if (change.kind === 'deleted') {
    if (here !== undefined) remove(target);
    return undefined;
  }
  const { type, source } = change;
  if (type !== 'file' && type !== 'directory' && type !== 'link') return `it is a ${type}`;
  const from = source!;
  const stats = lstatSync(from);
  if (type === 'directory') {
    if (here !== undefined && !here.isDirectory()) remove(target);
    if (here?.isDirectory() !== true) mkdirSync(target, { mode: 0o700 });
    take(target, stats);
    return undefined;
  }
  const fresh = join(dirname(target), `${HALF_APPLIED}${randomBytes(6).toString('hex')}`);
  try {
    if (type === 'link') symlinkSync(readlinkSync(from), fresh);
    else copyFileSync(from, fresh);
    take(fresh, stats);
    if (type === 'file') synchronise(fresh);
    // A file does not replace a directory by being renamed.
    if (here?.isDirectory() === true) remove(target);
    renameSync(fresh, target);
  } catch (error) {
    if (existsSync(fresh)) unlinkSync(fresh);
    throw error;
  }
  synchronise(dirname(target));
  return undefined;
}

function checkWay(base: string, directory: string): void {
  if (directory === base || directory.length < base.length) return;
  checkWay(base, dirname(directory));
  if (lstatSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new PlinthError('input', 'commit', `${directory}: it is no directory on the host: commit it first`);
}

/** At once for whoever looks at its name, even of a whole directory. */
function remove(target: string): void {
  if (!lstatSync(target).isDirectory()) {
    unlinkSync(target);
    return;
  }
  const gone = join(dirname(target), `${HALF_APPLIED}${randomBytes(6).toString('hex')}-${basename(target)}`);
  renameSync(target, gone);
  removeTree(gone);
}

interface Metadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly atime: Date;
  readonly mtime: Date;
  isSymbolicLink(): boolean;
}

function take(path: string, stats: Metadata): void {
  if (process.getuid?.() === 0) lchownSync(path, stats.uid, stats.gid);
  if (stats.isSymbolicLink()) return;
  chmodSync(path, stats.mode & 0o7777);
  utimesSync(path, stats.atime, stats.mtime);
}

function synchronise(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
