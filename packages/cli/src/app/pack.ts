// SPDX-License-Identifier: Apache-2.0
// Makes a program in one file of packages or of a directory: the tree, its image, the tools, and the file around them.

import {
  accessSync,
  closeSync,
  constants,
  cpSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { PlinthError } from '@plinth/core';
import {
  BUNDLE_NAME,
  type BundleManifest,
  type BundleParts,
  isPlainPath,
  type IsolationMode,
  parseIsolation,
  parseMode,
  readSigningKey,
  TOP_NAME,
  writeBundle,
} from '@plinth/sandbox';
import { reasonOf } from '../host/reason.js';
import type { Progress } from '../host/progress.js';
import { findLeftovers, makeTemporaryDirectory } from '../host/temporary.js';
import { PrivateApt } from '../image/apt.js';
import { packagesDirectory } from '../image/cache.js';
import { HostTools } from '../image/host-tools.js';
import { bundleTools } from './bundle-tools.js';
import { type UnpackedPackages, unpackPackages, wantedPackages } from './package-tree.js';
import { makeImage } from './squash.js';

export interface PackOptions {
  readonly deb?: readonly string[];
  readonly output: string;
  readonly entry?: string;
  readonly at?: string;
  readonly argument?: readonly string[];
  readonly env?: readonly string[];
  readonly isolate?: readonly string[];
  readonly others?: string;
  readonly net?: boolean;
  readonly display?: boolean;
  readonly portable?: boolean;
  readonly sign?: string;
  readonly freshTools?: boolean;
}

/** What of a manifest options say. */
type Wishes = Pick<
  BundleManifest,
  'name' | 'arguments' | 'environment' | 'isolation' | 'others' | 'network' | 'display' | 'state'
>;

const EXECUTABLE_DIRECTORIES = ['/usr/bin', '/usr/games', '/usr/sbin', '/usr/local/bin'];

export interface Packed {
  readonly manifest: BundleManifest;
  readonly unconfigured: readonly string[];
}

export async function packBundle(
  directory: string | undefined,
  options: PackOptions,
  progress: Progress,
): Promise<Packed> {
  const wishes = readWishes(options);
  const output = resolve(options.output);
  const { deb = [] } = options;
  if ((directory === undefined) === (deb.length === 0))
    throw new PlinthError('input', 'pack-source', 'a directory or --deb PACKAGE is wanted: what is to be packed');
  const key = options.sign === undefined ? undefined : readSigningKey(readText(options.sign, '--sign'), options.sign);
  using work = workDirectory(output);
  using archive = new LazyApt(progress);
  const root = join(work.path, 'root');
  let packages: UnpackedPackages | undefined;
  if (directory === undefined) {
    const apt = await archive.get();
    packages = await unpackPackages(apt, wantedPackages(deb), root, progress);
  } else copyDirectory(directory, root, options.at ?? '/');
  checkTop(root, wishes.isolation);
  const entry = findEntry(root, options.entry, packages, deb);
  const tools = await bundleTools(() => archive.get(), options.freshTools === true, progress);
  progress.step('Making the image');
  using host = new HostTools(progress);
  const image = join(work.path, 'layer-0');
  await makeImage(host, [root], image);
  const manifest = writeBundleFile(output, work.path, {
    manifest: {
      format: 1,
      version: packages?.origins.find(({ name }) => wantsPackage(deb.slice(0, 1), name))?.version ?? '0',
      created: new Date().toISOString(),
      architecture: 'x86-64',
      entry,
      packages: packages?.origins ?? [],
      tools: tools.tools,
      ...wishes,
    },
    tools: { path: tools.path },
    layers: [{ path: image }],
    ...(key === undefined ? {} : { key }),
  });
  progress.done();
  return { manifest, unconfigured: packages?.unconfigured ?? [] };
}

/** Debian's archive is only asked if something of it is wanted. */
class LazyApt implements Disposable {
  readonly #progress: Progress;
  #apt: PrivateApt | undefined;

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  async get(): Promise<PrivateApt> {
    if (this.#apt !== undefined) return this.#apt;
    if (process.platform !== 'linux' || process.arch !== 'x64')
      throw new PlinthError('host', 'pack-host', 'programs in one file are for Linux on x86-64: pack them there');
    this.#progress.step("Reading Debian's package lists for amd64");
    this.#apt = new PrivateApt('amd64', this.#progress, { archives: packagesDirectory() });
    await this.#apt.update();
    return this.#apt;
  }

  [Symbol.dispose](): void {
    this.#apt?.[Symbol.dispose]();
  }
}

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

function readWishes(options: PackOptions): Wishes {
  const name = basename(options.output).replace(/\.plinth$/, '');
  if (!BUNDLE_NAME.test(name))
    throw new PlinthError('input', 'bundle-name', `-o ${options.output}: letters, digits, . _ + - are what a name has`);
  return {
    name,
    arguments: (options.argument ?? []).map((one) => checkText(one, '--argument')),
    environment: Object.fromEntries((options.env ?? []).map(readVariable)),
    isolation: Object.fromEntries((options.isolate ?? []).map((one) => parseIsolation(one))),
    others: parseMode(options.others ?? 'write-copy', '--others'),
    network: options.net === false ? 'none' : 'host',
    display: options.display === true,
    state: options.portable === true ? 'portable' : 'user',
  };
}

function readVariable(text: string): readonly [string, string] {
  const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new PlinthError('input', 'pack-env', `--env ${text}: NAME=VALUE is wanted`);
  return [name, checkText(value, '--env')];
}

function checkText(text: string, option: string): string {
  if (/\p{Cc}/u.test(text))
    throw new PlinthError('input', 'pack-text', `${option}: control characters cannot stand there`);
  return text;
}

function readText(path: string, option: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new PlinthError('input', 'file', `${option} ${path}: ${reasonOf(cause)}`, { cause });
  }
}

function copyDirectory(from: string, root: string, at: string): void {
  if (statSync(from, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new PlinthError('input', 'pack-source', `${from}: there is no such directory`);
  if (!isPlainPath(at)) throw new PlinthError('input', 'pack-at', `--at ${at}: a plain absolute path is wanted`);
  const to = join(root, at);
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, {
    recursive: true,
    verbatimSymlinks: true,
    preserveTimestamps: true,
    mode: constants.COPYFILE_FICLONE,
  });
}

/** What the launcher cannot lay over a host. */
function checkTop(root: string, isolation: Readonly<Record<string, IsolationMode>>): void {
  for (const name of readdirSync(root)) {
    if (!TOP_NAME.test(name))
      throw new PlinthError('input', 'pack-top', `/${name}: directories of the root have plain names`);
    if (isolation[`/${name}`] !== 'merged') continue;
    const why = 'the program has files of its own there: write-copy keeps both';
    throw new PlinthError('input', 'pack-merged', `--isolate /${name}=merged: ${why}`);
  }
}

function wantsPackage(deb: readonly string[], name: string): boolean {
  return deb.some((one) => one === name || basename(one).startsWith(`${name}_`));
}

function findEntry(
  root: string,
  given: string | undefined,
  packages: UnpackedPackages | undefined,
  deb: readonly string[],
): string {
  if (given !== undefined) {
    if (!isPlainPath(given))
      throw new PlinthError('input', 'pack-entry', `--entry ${given}: a plain absolute path is wanted`);
    if (!isExecutable(root, given))
      throw new PlinthError('input', 'pack-entry', `--entry ${given}: no program of that path is among the files`);
    return given;
  }
  const [first = ''] = deb;
  const wanted = EXECUTABLE_DIRECTORIES.map((directory) => `${directory}/${first}`).find((path) =>
    isExecutable(root, path),
  );
  if (wanted !== undefined) return wanted;
  const all = [...(packages?.owners ?? [])]
    .filter(([path, owner]) => wantsPackage(deb, owner) && EXECUTABLE_DIRECTORIES.includes(dirname(path)))
    .map(([path]) => path);
  if (all.length === 1) return all[0]!;
  const which = all.length === 0 ? '' : `: ${all.slice(0, 8).join(', ')}${all.length > 8 ? ' …' : ''}`;
  throw new PlinthError('input', 'pack-entry', `--entry PATH is wanted: which of its programs is meant${which}`);
}

/** Links are followed within the tree only as far as they are relative; others are taken for right. */
function isExecutable(root: string, path: string): boolean {
  try {
    accessSync(join(root, path), constants.X_OK);
    return statSync(join(root, path)).isFile();
  } catch {
    return false; // it is not there, or may not be run
  }
}
