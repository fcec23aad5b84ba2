// SPDX-License-Identifier: Apache-2.0
// Writes a site into a folder that any web server can serve. The folder appears as a whole; an older site there is
// replaced, anything else is left alone.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { PlinthError } from '@plinth/core';
import { SITE_DESCRIPTION } from './site-files.js';
import type { SiteFiles } from './site-files.js';

/** Bytes written. @throws PlinthError, with the folder as it was */
export function writeSite(files: SiteFiles, folder: string): number {
  const target = resolve(folder);
  checkTarget(target, folder);
  let fresh: string | undefined;
  let old: string | undefined;
  let size = 0;
  try {
    mkdirSync(dirname(target), { recursive: true });
    fresh = mkdtempSync(join(dirname(target), `.plinth-site-${process.pid}-`));
    const site = join(fresh, basename(target));
    for (const [path, bytes] of files) {
      const file = join(site, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, bytes);
      size += bytes.length;
    }
    if (existsSync(target)) {
      old = mkdtempSync(join(dirname(target), `.plinth-old-${process.pid}-`));
      renameSync(target, join(old, 'site'));
    }
    renameSync(site, target);
    return size;
  } catch (cause) {
    if (old !== undefined && !existsSync(target)) renameSync(join(old, 'site'), target);
    throw new PlinthError('host', 'site-write', `build: ${folder}: cannot be written: ${(cause as Error).message}`, {
      cause,
    });
  } finally {
    for (const left of [fresh, old]) if (left !== undefined) rmSync(left, { recursive: true, force: true });
  }
}

/** An empty folder or a former site may be replaced. */
function checkTarget(target: string, folder: string): void {
  let names: string[];
  try {
    names = readdirSync(target);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    const why = code === 'ENOTDIR' ? 'this is no folder' : message;
    throw new PlinthError('input', 'site-folder', `build: ${folder}: ${why}`, { cause });
  }
  if (names.length === 0 || isSite(target)) return;
  const why = 'something else than a site of plinth is in it: choose another folder';
  throw new PlinthError('input', 'site-folder', `build: ${folder}: ${why}`);
}

function isSite(target: string): boolean {
  try {
    const value: unknown = JSON.parse(readFileSync(join(target, SITE_DESCRIPTION), 'utf8'));
    return typeof value === 'object' && value !== null && 'format' in value && 'guests' in value;
  } catch {
    return false; // no description, or none that can be read
  }
}
