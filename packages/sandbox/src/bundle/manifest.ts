// SPDX-License-Identifier: Apache-2.0
// The manifest of a program in one file: what starts it, and what it finds of its host (docs/bundle.md). Files come from anywhere,
// so it is read with suspicion: a value of this type, or a typed error.

import { PlinthError } from '@plinth/core';
import type { KeyIsolation } from '../registry/isolation-rules.js';
import { parseKeyIsolation } from '../windows/key-isolation.js';

/**
 * How a program finds a place of its host:
 * - `merged`: as it is, and what it writes is the host's
 * - `write-copy`: as it is, and what it writes goes to its own state
 * - `full`: only what is the program's own
 * - `hidden`: not at all
 */
export type IsolationMode = (typeof MODES)[number];
const MODES = ['merged', 'write-copy', 'full', 'hidden'] as const;

/** Folders that have another place for each user; `{home}` stands for the place. */
const KNOWN_FOLDERS = ['home', 'config', 'data', 'cache', 'documents', 'downloads', 'desktop'] as const;
const TOKENS: readonly string[] = [...KNOWN_FOLDERS, 'cwd'];

export interface BundleLayer {
  /** Of its image, in bytes from where the images begin; a multiple of 4096. */
  readonly offset: number;
  readonly bytes: number;
}

export interface PackageOrigin {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
}

export interface BundleTool {
  /** Relative to the tools' directory. */
  readonly path: string;
  readonly package: string;
  readonly version: string;
  readonly sha256: string;
}

export interface BundleManifest {
  readonly format: 1;
  readonly name: string;
  readonly version: string;
  /** RFC 3339. */
  readonly created: string;
  readonly architecture: 'x86-64';
  /** What is executed: an absolute path, as the program sees it, or one from `{home}` on. */
  readonly entry: string;
  /** In front of those that the user gives. */
  readonly arguments: readonly string[];
  /** Values may have tokens. */
  readonly environment: Readonly<Record<string, string>>;
  /** By place: a directory of the root, a token, or for `merged` and `hidden` a path below either. */
  readonly isolation: Readonly<Record<string, IsolationMode>>;
  /** Of places that `isolation` does not name and that the program has no files of its own in. */
  readonly others: IsolationMode;
  readonly network: 'host' | 'none';
  /** Whether it finds the sockets of X11 and Wayland. */
  readonly display: boolean;
  /** Where its state is: with the user's data, or beside the file. */
  readonly state: 'user' | 'portable';
  /** Where the prefix of Wine is, of a program of Windows. */
  readonly prefix?: string;
  /** By key of its registry: `HKCU\Software\Vendor`. They have been applied when it was made. */
  readonly keys?: Readonly<Record<string, KeyIsolation>>;
  /** From the oldest to the newest. */
  readonly layers: readonly BundleLayer[];
  readonly packages: readonly PackageOrigin[];
  readonly tools: readonly BundleTool[];
}

export const BUNDLE_NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/;
/** Names in the root of a layer: they stand in options of mounts. */
export const TOP_NAME: RegExp = /^[A-Za-z0-9._+-]+$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const MOST_LAYERS = 64;

/** @throws PlinthError `bundle-manifest` (input). `where` names the file in it. */
export function parseManifest(text: string, where: string): BundleManifest {
  const read = new ManifestReader(where);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw read.wrong('it is no JSON');
  }
  const all = read.record(value, 'it');
  if (all['format'] !== 1) throw read.wrong('it is of another format than 1');
  if (all['architecture'] !== 'x86-64') throw read.wrong('architecture is not x86-64');
  const name = read.text(all['name'], 'name');
  if (!BUNDLE_NAME.test(name)) throw read.wrong('name has other signs than letters, digits, . _ + -');
  const entry = read.text(all['entry'], 'entry');
  if (!isEntry(entry)) throw read.wrong(`entry ${entry} is no plain absolute path`);
  const layers = read.list(all['layers'], 'layers', (one, what) => {
    const { offset, bytes } = read.record(one, what);
    return { offset: read.count(offset, `${what}.offset`), bytes: read.count(bytes, `${what}.bytes`) };
  });
  if (layers.length === 0 || layers.length > MOST_LAYERS) throw read.wrong(`it has ${layers.length} layers`);
  return {
    format: 1,
    name,
    version: read.text(all['version'], 'version'),
    created: read.text(all['created'], 'created'),
    architecture: 'x86-64',
    entry,
    arguments: read.list(all['arguments'], 'arguments', (one, what) => read.text(one, what)),
    environment: read.environment(all['environment']),
    isolation: read.isolation(all['isolation']),
    others: read.oneOf(all['others'], 'others', MODES),
    network: read.oneOf(all['network'], 'network', ['host', 'none']),
    display: read.oneOf(all['display'], 'display', [true, false]),
    ...read.prefix(all['prefix']),
    ...read.keys(all['keys']),
    state: read.oneOf(all['state'], 'state', ['user', 'portable']),
    layers,
    packages: read.list(all['packages'], 'packages', (one, what) => {
      const { name: its, version, sha256 } = read.record(one, what);
      return {
        name: read.text(its, `${what}.name`),
        version: read.text(version, `${what}.version`),
        sha256: read.text(sha256, `${what}.sha256`),
      };
    }),
    tools: read.list(all['tools'], 'tools', (one, what) => {
      const tool = read.record(one, what);
      return {
        path: read.text(tool['path'], `${what}.path`),
        package: read.text(tool['package'], `${what}.package`),
        version: read.text(tool['version'], `${what}.version`),
        sha256: read.text(tool['sha256'], `${what}.sha256`),
      };
    }),
  };
}

/** @throws PlinthError `bundle-isolation` (input) */
export function parseMode(text: string, where: string): IsolationMode {
  const known = MODES.find((one) => one === text);
  if (known !== undefined) return known;
  throw new PlinthError('input', 'bundle-isolation', `${where}: "${text}" is none of ${MODES.join(', ')}`);
}

/** Of `PLACE=MODE`, as options have it. @throws PlinthError `bundle-isolation` (input) */
export function parseIsolation(text: string): readonly [string, IsolationMode] {
  const at = text.lastIndexOf('=');
  const [place, mode] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
  const known = parseMode(mode, `${text}: PLACE=MODE is wanted`);
  const why = whyNoPlace(place, known);
  if (why !== undefined) throw new PlinthError('input', 'bundle-isolation', `${text}: ${why}`);
  return [place, known];
}

/** What is wrong with a place and its mode, or nothing. */
function whyNoPlace(place: string, mode: IsolationMode): string | undefined {
  const [, token, rest] = /^\{(\w+)\}(.*)$/s.exec(place) ?? [];
  if (hasControls(place)) return 'a place has no control characters';
  if (token !== undefined && !TOKENS.includes(token)) return `no such folder; there are ${TOKENS.join(', ')}`;
  const path = token === undefined ? place : `/token${rest}`;
  if (!isPlainPath(path) || path === '/') return 'a place is a plain absolute path, or {home} and the like';
  const isDeep = path.indexOf('/', 1) !== -1;
  if (isDeep && token !== undefined && token !== 'cwd') return 'a place is a folder like {home}, not one below it';
  if (isDeep && mode !== 'merged' && mode !== 'hidden') return 'a place below another one is merged or hidden';
  if (token === 'cwd' && mode !== 'merged') return '{cwd} is another place at each run, so it can only be merged';
  if (token === undefined && !isDeep && !TOP_NAME.test(place.slice(1)))
    return 'a directory of the root has a plain name here';
  return undefined;
}

export function isPlainPath(path: string): boolean {
  return (
    path.startsWith('/') &&
    !hasControls(path) &&
    (path === '/' ||
      path
        .slice(1)
        .split('/')
        .every((part) => part !== '' && part !== '.' && part !== '..'))
  );
}

/** Whether it may stand as what is executed. */
export function isEntry(text: string): boolean {
  return isPlainPath(text.startsWith('{home}/') ? text.slice('{home}'.length) : text);
}

function hasControls(text: string): boolean {
  return /\p{Cc}/u.test(text);
}

class ManifestReader {
  readonly #where: string;

  constructor(where: string) {
    this.#where = where;
  }

  wrong(why: string): PlinthError {
    return new PlinthError('input', 'bundle-manifest', `${this.#where}: its manifest cannot be used: ${why}`);
  }

  record(value: unknown, what: string): Readonly<Record<string, unknown>> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.wrong(`${what} is no object`);
    return value as Record<string, unknown>;
  }

  text(value: unknown, what: string): string {
    if (typeof value !== 'string' || value === '') throw this.wrong(`${what} is no text`);
    if (hasControls(value)) throw this.wrong(`${what} has control characters`);
    return value;
  }

  prefix(value: unknown): Pick<BundleManifest, 'prefix'> {
    if (value === undefined) return {};
    const prefix = this.text(value, 'prefix');
    if (!isPlainPath(prefix) || prefix === '/') throw this.wrong('prefix is no plain absolute path');
    return { prefix };
  }

  keys(value: unknown): Pick<BundleManifest, 'keys'> {
    if (value === undefined) return {};
    const entries = Object.entries(this.record(value, 'keys')).map(([key, mode]) => {
      const { rule } = parseKeyIsolation(`${key}=${this.text(mode, 'a mode of keys')}`);
      return [key, rule.mode] as const;
    });
    return { keys: Object.fromEntries(entries) };
  }

  count(value: unknown, what: string): number {
    if (!Number.isSafeInteger(value) || (value as number) < 0) throw this.wrong(`${what} is no whole number`);
    return value as number;
  }

  list<T>(value: unknown, what: string, one: (value: unknown, what: string) => T): T[] {
    if (!Array.isArray(value)) throw this.wrong(`${what} is no list`);
    return (value as unknown[]).map((entry, n) => one(entry, `${what}[${n}]`));
  }

  oneOf<T>(value: unknown, what: string, allowed: readonly T[]): T {
    const found = allowed.find((one) => one === value);
    if (found === undefined) throw this.wrong(`${what} is none of ${allowed.join(', ')}`);
    return found;
  }

  environment(value: unknown): Record<string, string> {
    const entries = Object.entries(this.record(value, 'environment')).map(([name, one]) => {
      if (!VARIABLE.test(name)) throw this.wrong('environment has a name that no variable can have');
      if (typeof one !== 'string' || hasControls(one)) throw this.wrong(`environment.${name} is no text`);
      return [name, one] as const;
    });
    return Object.fromEntries(entries);
  }

  isolation(value: unknown): Record<string, IsolationMode> {
    const entries = Object.entries(this.record(value, 'isolation')).map(([place, one]) => {
      const mode = this.oneOf(one, 'a mode of isolation', MODES);
      const why = whyNoPlace(place, mode);
      if (why !== undefined) throw this.wrong(`isolation: ${why}`);
      return [place, mode] as const;
    });
    return Object.fromEntries(entries);
  }
}
