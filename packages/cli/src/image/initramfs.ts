// SPDX-License-Identifier: Apache-2.0
// An initramfs around busybox: a link for each of its commands, our /init, a few files of /etc, and what an image adds.

import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { PlinthError } from '@plinth/core';
import { writeCpio } from '@plinth/machine';
import type { CpioEntry } from '@plinth/machine';
import { CONSOLE_SCRIPT, INIT_SCRIPT, INITTAB, PROFILE } from './init-script.js';

const DIRECTORIES = ['bin', 'dev', 'etc', 'proc', 'root', 'run', 'sys', 'tmp', 'usr', 'var'];
const LINKS: readonly (readonly [path: string, target: string])[] = [
  ['sbin', 'bin'],
  ['usr/bin', '../bin'],
  ['usr/sbin', '../bin'],
  ['var/run', '../run'],
  ['var/tmp', '../tmp'],
  ['etc/mtab', '../proc/mounts'],
];
const FILES: readonly (readonly [path: string, mode: number, text: string])[] = [
  ['etc/inittab', 0o644, INITTAB],
  ['etc/console', 0o755, CONSOLE_SCRIPT],
  ['etc/profile', 0o644, PROFILE],
  ['etc/passwd', 0o644, 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n'],
  ['etc/group', 0o644, 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n'],
  ['etc/hostname', 0o644, 'plinth\n'],
  ['etc/hosts', 0o644, '127.0.0.1 localhost\n127.0.1.1 plinth\n'],
];

/** A short name for the state of what we put around busybox and of `more`, so that an older image is noticed. */
export function recipeOf(more: unknown): string {
  const parts = JSON.stringify([2, DIRECTORIES, LINKS, FILES, more]);
  return createHash('sha256').update(parts).digest('hex').slice(0, 16);
}

/** Of debian-mini. */
export const INITRAMFS_RECIPE: string = recipeOf(INIT_SCRIPT);

/** Builds the gzip-compressed initramfs around the static ARM busybox of Debian's package. */
export function buildInitramfs(
  busybox: Uint8Array,
  initScript: string = INIT_SCRIPT,
  more: readonly CpioEntry[] = [],
): Uint8Array {
  const entries: CpioEntry[] = [];
  for (const path of DIRECTORIES) {
    entries.push({ kind: 'directory', path, mode: path === 'tmp' ? 0o1777 : path === 'root' ? 0o700 : 0o755 });
  }
  // The kernel opens /dev/console for process 1 before anything can mount devtmpfs.
  entries.push({ kind: 'character', path: 'dev/console', mode: 0o600, major: 5, minor: 1 });
  entries.push({ kind: 'file', path: 'bin/busybox', mode: 0o755, data: busybox });
  for (const name of busyboxCommands(busybox)) {
    if (name !== 'busybox') entries.push({ kind: 'symlink', path: `bin/${name}`, target: 'busybox' });
  }
  for (const [path, target] of LINKS) entries.push({ kind: 'symlink', path, target });
  entries.push({ kind: 'file', path: 'init', mode: 0o755, data: Buffer.from(initScript) }, ...more);
  for (const [path, mode, text] of FILES) entries.push({ kind: 'file', path, mode, data: Buffer.from(text) });
  return gzipSync(writeCpio(entries), { level: 9 });
}

/**
 * Names of the commands that a busybox program holds, read from its own table: sorted names, each ended by a zero byte,
 * an empty name at the end. The package has no list of them, and the host cannot run an ARM program to ask.
 */
export function busyboxCommands(busybox: Uint8Array): string[] {
  const bytes = Buffer.from(busybox.buffer, busybox.byteOffset, busybox.byteLength);
  const start = bytes.indexOf('\0[\0[[\0', 0, 'latin1');
  const end = start < 0 ? -1 : bytes.indexOf('\0\0', start + 1, 'latin1');
  const names = end < 0 ? [] : bytes.toString('latin1', start + 1, end).split('\0');
  if (!names.includes('sh') || !names.includes('mount') || names.some((name) => !/^[\w[.+-]+$/.test(name))) {
    throw new PlinthError('host', 'busybox-table', 'busybox: no table of commands found in the program of the package');
  }
  return names;
}
