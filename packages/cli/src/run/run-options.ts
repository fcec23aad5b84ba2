// SPDX-License-Identifier: Apache-2.0
// From what the user wrote (options, or keys of a guest file, which are the same) to a RunSpec.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { PlinthError } from '@plinth/core';
import { parseRunSpec } from '@plinth/machine';
import type { RunSpec } from '@plinth/machine';
import { parse as parseYaml } from 'yaml';

/** Options by their long name without dashes in front; values as written. */
export type RunOptions = Readonly<Record<string, string | number | boolean | undefined>>;

const TEXTS = ['machine', 'cpu', 'kernel', 'initrd', 'dtb', 'append', 'image', 'engine', 'console'];
const FLAGS = ['lockstep', 'semihosting', 'stock', 'realtime'];
const SIZES = ['memory', 'limit-output'];
const OTHERS = ['exec', 'program', 'limit-instructions', 'limit-seconds'];
const PATHS = ['kernel', 'initrd', 'dtb', 'program'];
const ELF_MAGIC = '\x7fELF';

/** Builds the RunSpec; `file` is the positional argument, an ELF program or a guest file, told apart by content. */
export function buildRunSpec(options: RunOptions, file: string | undefined, liveTerminal: boolean): RunSpec {
  const given = { ...(file === undefined ? {} : readGuest(file)), ...withoutUndefined(options) };
  const spec: Record<string, unknown> = {};
  const limits: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given)) {
    if (TEXTS.includes(key) || key === 'program' || FLAGS.includes(key)) spec[key] = value;
    else if (key === 'memory') spec[key] = parseSize(value, key);
    else if (key === 'limit-output') limits['output'] = parseSize(value, key);
    else if (key === 'limit-instructions' || key === 'limit-seconds') limits[key.slice(6)] = parseNumber(value, key);
    else if (key === 'exec') spec[key] = { command: value, marker: randomBytes(16).toString('hex') };
  }
  const live = liveConsole(spec, liveTerminal);
  const wallClock = Math.floor(Date.now() / 1000);
  return parseRunSpec({ ...spec, limits, wallClock, ...(spec['realtime'] === undefined ? { realtime: live } : {}) });
}

/** Real time is kept by itself where someone is on the other side. */
function liveConsole(spec: Readonly<Record<string, unknown>>, liveTerminal: boolean): boolean {
  if (spec['exec'] !== undefined) return false;
  const console = typeof spec['console'] === 'string' ? spec['console'] : 'stdio';
  return console === 'stdio' ? liveTerminal : console !== 'none';
}

function withoutUndefined(options: RunOptions): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** The options that a positional file stands for. Paths in a guest file are relative to the file. */
function readGuest(file: string): Record<string, unknown> {
  const bytes = readInput(file, 'file');
  if (Buffer.from(bytes.subarray(0, 4)).toString('latin1') === ELF_MAGIC) return { program: file };
  if (bytes.includes(0)) {
    throw new PlinthError(
      'input',
      'guest-file',
      `${file}: neither an ELF program nor a guest file; a kernel is given with --kernel`,
    );
  }
  let value: unknown;
  try {
    value = parseYaml(Buffer.from(bytes).toString());
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
    if (![...TEXTS, ...FLAGS, ...SIZES, ...OTHERS].includes(key)) {
      throw new PlinthError('input', 'guest-file', `${file}: ${key}: there is no such option`);
    }
    options[key] = PATHS.includes(key) && typeof option === 'string' ? resolve(dirname(file), option) : option;
  }
  return options;
}

/** Reads a file the user named; `option` says where the name came from. */
export function readInput(path: string, option: string): Uint8Array {
  try {
    return readFileSync(path);
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

function parseNumber(value: unknown, option: string): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value.replaceAll('_', '')) : value;
  if (typeof number !== 'number' || !(number > 0)) {
    throw new PlinthError('input', 'number', `${option}: "${String(value)}" is no number above 0`);
  }
  return number;
}
