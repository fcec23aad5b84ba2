// SPDX-License-Identifier: Apache-2.0
// What a directory tree is, to the last byte: of each entry type, mode, owner, extended attributes, and content or target. Two such
// records that are equal prove that nothing below was changed; times are not looked at, since reading changes them.

import { createHash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, type Stats } from 'node:fs';
import { PlinthError } from '@plinth/core';
import type { FileCalls } from '@plinth/linux';

/** A path below the directory, as bytes read as Latin-1, and what it is, as one line. */
export type ProofEntry = readonly [path: string, state: string];

export interface HostProof {
  /** In order of their paths. */
  readonly entries: readonly ProofEntry[];
  /** SHA-256 of all entries. */
  readonly digest: string;
}

export interface ProofDifference {
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** The calls that it takes. */
export type AttributeCalls = Pick<FileCalls, 'listAttributes' | 'getAttribute'>;

const CHUNK = 1 << 20;
/** Bytes of the longest list and value that Linux has (xattr(7)). */
const LONGEST_ATTRIBUTE = 65_536;
const UNREADABLE = 'unreadable';

/** `excluded` are paths below the directory, as `/tmp`; what lies below them is not looked at. Other file systems are not entered. */
export function proveTree(calls: AttributeCalls, directory: string, excluded: readonly string[]): HostProof {
  const root = Buffer.from(directory.replace(/\/+$/, ''));
  const out = new Set(excluded.map((path) => Buffer.from(path).toString('latin1')));
  const entries: ProofEntry[] = [];
  const buffer = Buffer.alloc(CHUNK);
  const { dev } = lstatSync(root.length === 0 ? '/' : root);
  const todo = [''];
  for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
    if (out.has(path)) continue;
    const bytes = Buffer.concat([root, Buffer.from(path === '' ? '/' : path, 'latin1')]);
    const stats = lstatSync(bytes, { throwIfNoEntry: false });
    if (stats === undefined) continue; // it went while we looked; a comparison tells
    entries.push([path, describe(calls, bytes, stats, buffer)]);
    if (!stats.isDirectory() || stats.dev !== dev) continue;
    for (const name of namesIn(bytes)) todo.push(`${path}/${name.toString('latin1')}`);
  }
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return { entries, digest: digestOf(entries) };
}

/** Entries that could not be read: nothing is proved of them. */
export function unreadableEntries({ entries }: HostProof): readonly string[] {
  return entries.filter(([, state]) => state.includes(UNREADABLE)).map(([path]) => path);
}

export function compareProofs(before: HostProof, after: HostProof): ProofDifference[] {
  const old = new Map(before.entries);
  const differences: ProofDifference[] = [];
  for (const [path, state] of after.entries) {
    const was = old.get(path);
    old.delete(path);
    if (was !== state) differences.push({ path, before: was, after: state });
  }
  for (const [path, was] of old) differences.push({ path, before: was, after: undefined });
  return differences.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** One line of JSON for each entry, behind one that says what it is. */
export function writeProof({ entries, digest }: HostProof): string {
  const head = { plinth: 'host-proof', version: 1, digest, entries: entries.length };
  return `${[head, ...entries].map((one) => JSON.stringify(one)).join('\n')}\n`;
}

/** @throws PlinthError `host-proof` (input) */
export function readProof(text: string, where: string): HostProof {
  const wrong = (): PlinthError =>
    new PlinthError('input', 'host-proof', `${where}: no record of verify-host, or a damaged one: make it again`);
  const [first = '', ...rest] = text.trimEnd().split('\n');
  let head: unknown;
  let entries: unknown[];
  try {
    head = JSON.parse(first);
    entries = rest.map((line): unknown => JSON.parse(line));
  } catch {
    throw wrong();
  }
  if (!isHead(head) || !entries.every(isEntry)) throw wrong();
  if (head.entries !== entries.length || head.digest !== digestOf(entries)) throw wrong();
  return { entries, digest: head.digest };
}

function isHead(value: unknown): value is { digest: string; entries: number } {
  if (typeof value !== 'object' || value === null) return false;
  const { plinth, version } = value as Record<string, unknown>;
  return plinth === 'host-proof' && version === 1;
}

function isEntry(value: unknown): value is ProofEntry {
  return Array.isArray(value) && value.length === 2 && value.every((one) => typeof one === 'string');
}

function digestOf(entries: readonly ProofEntry[]): string {
  const hash = createHash('sha256');
  for (const entry of entries) hash.update(`${JSON.stringify(entry)}\n`);
  return hash.digest('hex');
}

function describe(calls: AttributeCalls, path: Buffer, stats: Stats, buffer: Buffer): string {
  // A call without following links there is not; of a link only its target is recorded.
  const attributes = stats.isSymbolicLink() ? [] : attributesOf(calls, path.toString('latin1'));
  const mode = (stats.mode & 0o7777).toString(8);
  return `${kindOf(path, stats, buffer)} mode ${mode} owner ${stats.uid}:${stats.gid}${attributes.join('')}`;
}

/** In order of their names. What cannot be read is left out, and a file system without any has none. */
function attributesOf(calls: AttributeCalls, path: string): string[] {
  const size = calls.listAttributes(path, new Uint8Array(0));
  if (size <= 0) return [];
  const names = Buffer.alloc(LONGEST_ATTRIBUTE);
  const got = calls.listAttributes(path, names);
  const value = Buffer.alloc(LONGEST_ATTRIBUTE);
  return names
    .toString('latin1', 0, Math.max(0, got))
    .split('\0')
    .filter((name) => name !== '')
    .toSorted()
    .flatMap((name) => {
      const length = calls.getAttribute(path, name, value);
      return length < 0 ? [] : [` ${name}=${value.toString('base64', 0, length)}`];
    });
}

function kindOf(path: Buffer, stats: Stats, buffer: Buffer): string {
  if (stats.isFile()) return `file ${stats.size} ${hashOf(path, buffer)}`;
  if (stats.isDirectory())
    return namesIn(path, () => undefined) === undefined ? `directory ${UNREADABLE}` : 'directory';
  if (stats.isSymbolicLink()) return `link ${JSON.stringify(readlinkSync(path, 'latin1'))}`;
  if (stats.isCharacterDevice()) return `character device ${stats.rdev}`;
  if (stats.isBlockDevice()) return `block device ${stats.rdev}`;
  return stats.isFIFO() ? 'pipe' : 'socket';
}

function namesIn(path: Buffer): Buffer[];
function namesIn(path: Buffer, otherwise: () => undefined): Buffer[] | undefined;
function namesIn(path: Buffer, otherwise: () => Buffer[] | undefined = () => []): Buffer[] | undefined {
  try {
    return readdirSync(path, 'buffer');
  } catch {
    return otherwise(); // its entry says that it cannot be read
  }
}

function hashOf(path: Buffer, buffer: Buffer): string {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return UNREADABLE;
  }
  try {
    const hash = createHash('sha256');
    for (let got = readSync(fd, buffer); got > 0; got = readSync(fd, buffer)) hash.update(buffer.subarray(0, got));
    return hash.digest('hex');
  } catch {
    return UNREADABLE;
  } finally {
    closeSync(fd);
  }
}
