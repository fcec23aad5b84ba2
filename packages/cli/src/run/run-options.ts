// SPDX-License-Identifier: Apache-2.0
// From what the user wrote (options, or keys of a guest file, which are the same) to a RunSpec.

import { createHash, randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { isSections, PlinthError } from '@plinth/core';
import { parseRunSpec } from '@plinth/machine';
import type { NetSpec, RunSpec } from '@plinth/machine';
import type * as Yaml from 'yaml';
import { type ReadFile, readPrivately } from '../host/shared-files.js';
import { RUN_OPTIONS } from './option-list.js';
import type { OptionKind } from './option-list.js';
import { parseNet } from '../net/net-option.js';
import { parseDrive } from './drive-option.js';
import { parseProbe } from './probe-option.js';
import { parseShare } from './share-option.js';
import type { ShareOption } from './share-option.js';

/** Options by their long name without dashes in front; values as written. */
export type RunOptions = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

const KINDS: ReadonlyMap<string, OptionKind> = new Map(RUN_OPTIONS.map(({ name, kind }) => [name, kind]));
const LIMIT = 'limit-';
const SEED_BYTES = 32;
/** Options whose names in a RunSpec are others. */
const SPEC_KEYS: Readonly<Record<string, string>> = {
  'wall-clock': 'wallClock',
  'save-snapshot': 'saveSnapshot',
  'save-at': 'saveAt',
  'probe-output': 'probeOutput',
  'profile-interval': 'profileInterval',
  'trace-function': 'traceFunctions',
  'on-crash': 'onCrash',
  'hang-seconds': 'hangSeconds',
  'last-blocks': 'lastBlocks',
  'last-blocks-count': 'lastBlocksCount',
  'kernel-symbols': 'kernelSymbols',
  set: 'ruleVariables',
  'fail-closed': 'failClosed',
};
/** What may be said anew when a snapshot goes on; CPU and memory must then be what they were. */
const RESUME_OPTIONS: ReadonlySet<string> = new Set([
  'snapshot', 'cpu', 'memory', 'engine', 'lockstep', 'realtime', 'console', 'save-snapshot', 'save-at',
  'record', 'embed', 'gdb', 'paused', 'reverse', 'ps', 'modules', 'strace', 'ftrace', 'probe', 'probe-output',
  'coverage', 'core', 'profile', 'profile-interval', 'trace', 'trace-function', 'top',
  'on-crash', 'hang-seconds', 'last-blocks', 'last-blocks-count', 'kernel-symbols',
  'net', 'pcap', 'rules', 'set', 'fail-closed', 'drive',
]); // prettier-ignore
/** Bytes that tell what a file is. */
const START = 64;
const ELF_MAGIC = '\x7fELF';

/**
 * Builds the RunSpec; `file` is the positional argument, an ELF program, a snapshot or a guest file, told apart by content. What the
 * user leaves open (seed, wall clock) is chosen here and stands in the RunSpec, so that a run can be repeated.
 */
export function buildRunSpec(options: RunOptions, file: string | undefined, liveTerminal: boolean): RunSpec {
  const given = { ...(file === undefined ? {} : readGuest(file)), ...withoutUndefined(options) };
  if (given['snapshot'] !== undefined) refuseFixed(given);
  const seed =
    typeof given['seed'] === 'string' ? given['seed'].toLowerCase() : randomBytes(SEED_BYTES).toString('hex');
  const spec: Record<string, unknown> = { seed, wallClock: Math.floor(Date.now() / 1000) };
  const limits: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given)) {
    if (key.startsWith(LIMIT)) limits[key.slice(LIMIT.length)] = parseValue(value, key);
    else if (key === 'drive') spec['drives'] = parseDrives(value);
    else if (key === 'net') spec['net'] = typeof value === 'string' ? parseNet(value) : value;
    else if (isShare(key)) spec['shares'] = [...((spec['shares'] as unknown[]) ?? []), ...parseShares(value, key)];
    else if (key === 'probe') spec['probes'] = parseProbes(value);
    else if (key === 'exec') spec[key] = { command: value, marker: markerOf(seed) };
    else if (key !== 'seed' || typeof value !== 'string') spec[SPEC_KEYS[key] ?? key] = parseValue(value, key);
  }
  const live = liveConsole(spec, liveTerminal) || liveNetwork(spec);
  return parseRunSpec({ ...spec, limits, ...(spec['realtime'] === undefined ? { realtime: live } : {}) });
}

/** A snapshot was taken with its options; what contradicts them is refused by name. */
function refuseFixed(given: Readonly<Record<string, unknown>>): void {
  for (const key of Object.keys(given)) {
    if (RESUME_OPTIONS.has(key) || key.startsWith(LIMIT)) continue;
    const why = 'a snapshot goes on with what it was taken with: leave this option out';
    throw new PlinthError('input', 'snapshot-option', `${key}: ${why}`);
  }
}

/** One or several, as text or, from a guest file, parsed already. */
function parseDrives(value: unknown, directory?: string): unknown[] {
  return [value].flat().map((drive) => {
    if (typeof drive === 'object') return drive;
    if (typeof drive !== 'string') {
      throw new PlinthError('input', 'drive', 'drive: a text is needed, or a list of them: FILE,key=value,…');
    }
    return parseDrive(drive, directory);
  });
}

function isShare(key: string): key is ShareOption {
  return key === 'share' || key === 'virtfs';
}

function parseShares(value: unknown, option: ShareOption, directory?: string): unknown[] {
  return [value].flat().map((share) => {
    if (typeof share === 'object') return share;
    if (typeof share !== 'string') {
      throw new PlinthError('input', 'share', `${option}: a text is needed, or a list of them: DIR,tag=TAG,…`);
    }
    return parseShare(share, option, directory);
  });
}

function parseProbes(value: unknown, directory?: string): unknown[] {
  return [value].flat().map((probe) => {
    if (typeof probe === 'object') return probe;
    if (typeof probe !== 'string') {
      throw new PlinthError('input', 'probe', 'probe: a text is needed, or a list of them: FILE,key=value,…');
    }
    return parseProbe(probe, directory);
  });
}

function parseValue(value: unknown, key: string): unknown {
  switch (KINDS.get(key)) {
    case 'size':
      return parseSize(value, key);
    case 'count':
    case 'number':
      return parseNumber(value, key);
    case 'time':
      return parseTime(value, key);
    case 'port':
      return typeof value === 'number' ? String(value) : value;
    case 'place':
      return typeof value === 'string' && /^\d[\d_]*$/.test(value) ? parseNumber(value, key) : value;
    default:
      return value;
  }
}

/** As unknown to the command as the seed is, and the same when a run is repeated. */
function markerOf(seed: string): string {
  return createHash('sha256').update(`plinth exec ${seed}`).digest('hex').slice(0, 32);
}

/** Real time is kept by itself where someone is on the other side. */
function liveConsole(spec: Readonly<Record<string, unknown>>, liveTerminal: boolean): boolean {
  if (spec['exec'] !== undefined) return false;
  const console = typeof spec['console'] === 'string' ? spec['console'] : 'stdio';
  return console === 'stdio' ? liveTerminal : console !== 'none';
}

/** The other end of a network keeps its own time. */
function liveNetwork(spec: Readonly<Record<string, unknown>>): boolean {
  const net = spec['net'] as Partial<NetSpec> | undefined;
  return net?.kind === 'user' || net?.kind === 'tap';
}

function withoutUndefined(options: RunOptions): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** Its seventy files are a tenth of a start, so they are loaded only for a guest file. */
function loadYaml(): typeof Yaml {
  return createRequire(import.meta.url)('yaml') as typeof Yaml;
}

/** The options that a positional file stands for. Paths in a guest file are relative to the file. */
function readGuest(file: string): Record<string, unknown> {
  // A snapshot is large, and read where it is opened.
  if (isSections(readStart(file))) return { snapshot: file };
  const bytes = readInput(file, 'file');
  if (Buffer.from(bytes.subarray(0, 4)).toString('latin1') === ELF_MAGIC) return { program: file };
  if (bytes.includes(0)) {
    throw new PlinthError(
      'input',
      'guest-file',
      `${file}: no ELF program, no snapshot and no guest file; a kernel is given with --kernel`,
    );
  }
  let value: unknown;
  try {
    value = loadYaml().parse(Buffer.from(bytes).toString());
  } catch (cause) {
    const [line = 'not YAML'] = (cause as Error).message.split('\n');
    throw new PlinthError('input', 'guest-file', `${file}: not a guest file: ${line}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new PlinthError(
      'input',
      'guest-file',
      `${file}: not a guest file: it must hold options, one "name: value" a line`,
    );
  }
  const options: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(value)) {
    const kind = KINDS.get(key);
    if (kind === undefined) {
      throw new PlinthError('input', 'guest-file', `${file}: ${key}: there is no such option`);
    }
    if (key === 'drive') options[key] = parseDrives(option, dirname(file));
    else if (key === 'probe') options[key] = parseProbes(option, dirname(file));
    else if (isShare(key)) options[key] = parseShares(option, key, dirname(file));
    else options[key] = kind === 'path' && typeof option === 'string' ? resolve(dirname(file), option) : option;
  }
  return options;
}

/** The first bytes of a file; none of one that cannot be read, which is told where all of it is read. */
function readStart(file: string): Uint8Array {
  const bytes = new Uint8Array(START);
  try {
    const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      // A pipe would lose what is read here.
      return fstatSync(fd).isFile() ? bytes.subarray(0, readSync(fd, bytes)) : new Uint8Array();
    } finally {
      closeSync(fd);
    }
  } catch {
    return new Uint8Array();
  }
}

/** Reads a file the user named; `option` says where the name came from. */
export function readInput(path: string, option: string, read: ReadFile = readPrivately): Uint8Array {
  try {
    return read(path);
  } catch (cause) {
    const reasons: Record<string, string> = {
      ENOENT: 'there is no such file',
      EISDIR: 'this is a directory',
      EACCES: 'it may not be read',
    };
    const { code = '', message } = cause as NodeJS.ErrnoException;
    throw new PlinthError('input', 'file', `${option}: ${path}: ${reasons[code] ?? message}`, { cause });
  }
}

/** Bytes: a number, with K, M or G behind it for powers of 1024. */
export function parseSize(value: unknown, option: string): number {
  const match = /^(\d+)([KMG]?)(?:i?B)?$/i.exec(String(value));
  const scale = { '': 0, K: 1, M: 2, G: 3 }[(match?.[2] ?? '').toUpperCase()] ?? 0;
  const bytes = match === null ? NaN : Number(match[1]) * 1024 ** scale;
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new PlinthError('input', 'size', `${option}: "${String(value)}" is no size: write for example 256M`);
  }
  return bytes;
}

/** A whole number of instructions, from 0 on. */
export function parseCount(value: string, option: string): number {
  const count = /^\d[\d_]*$/.test(value) ? Number(value.replaceAll('_', '')) : NaN;
  if (Number.isSafeInteger(count)) return count;
  throw new PlinthError('input', 'number', `${option}: "${value}" is no number of instructions`);
}

function parseNumber(value: unknown, option: string): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value.replaceAll('_', '')) : value;
  if (typeof number !== 'number' || !(number > 0)) {
    throw new PlinthError('input', 'number', `${option}: "${String(value)}" is no number above 0`);
  }
  return number;
}

/** Seconds since 1970: as such, or as a date with its offset from UTC (RFC 3339). */
function parseTime(value: unknown, option: string): number {
  const text = String(value);
  const rfc3339 = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;
  const seconds = /^\d+$/.test(text)
    ? Number(text)
    : rfc3339.test(text)
      ? Date.parse(text.replace(' ', 'T')) / 1000
      : NaN;
  if (!(seconds >= 0 && seconds < 2 ** 32)) {
    const like = 'seconds since 1970, or a date like 2025-01-31T12:00:00Z, up to 2106';
    throw new PlinthError('input', 'time', `${option}: "${text}" is no time: write ${like}`);
  }
  return Math.floor(seconds);
}
