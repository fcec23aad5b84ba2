// SPDX-License-Identifier: Apache-2.0
// All that a program can see of a directory, as a value to compare.

import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { nativeFileCalls } from '@plinth/linux';

const calls = nativeFileCalls();

/** One line for each entry, by path: type, mode, owner, links of what is no directory, size and content, attributes of users. */
export function fileTree(directory: string): string[] {
  const lines: string[] = [];
  walk(directory, '', lines);
  return lines;
}

function walk(directory: string, path: string, lines: string[]): void {
  const place = join(directory, path);
  const { mode, uid, gid, nlink, rdev } = lstatSync(place);
  const type = mode & 0o170000;
  const isDirectory = type === 0o040000;
  const parts = [path === '' ? '.' : path, mode.toString(8), `${uid}:${gid}`];
  if (!isDirectory) parts.push(`${nlink} links`);
  if (type === 0o100000) parts.push(readFileSync(place, 'latin1'));
  if (type === 0o120000) parts.push(readlinkSync(place));
  else parts.push(...userAttributes(place));
  if (type === 0o020000 || type === 0o060000) parts.push(String(rdev));
  lines.push(parts.join(' '));
  if (isDirectory) for (const name of readdirSync(place).sort()) walk(directory, join(path, name), lines);
}

function userAttributes(place: string): string[] {
  const list = Buffer.alloc(4096);
  const length = Math.max(0, calls.listAttributes(place, list));
  return list
    .toString('latin1', 0, length)
    .split('\0')
    .filter((name) => name.startsWith('user.'))
    .sort()
    .map((name) => `${name}=${attribute(place, name) ?? ''}`);
}

/** Nothing if there is none. */
export function attribute(place: string, name: string): string | undefined {
  const value = Buffer.alloc(4096);
  const length = calls.getAttribute(place, name, value);
  return length < 0 ? undefined : value.toString('latin1', 0, length);
}

/** 0, or a negative error number. */
export function setAttribute(place: string, name: string, value: string): number {
  return calls.setAttribute(place, name, Buffer.from(value), 0);
}
