// SPDX-License-Identifier: Apache-2.0
// Makes a program in one file of what a source gives: the images of its layers, the tools, and the file around them.

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
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
} from '@plinth/sandbox';
import { reasonOf } from '../host/reason.js';
import type { Progress } from '../host/progress.js';
import { HostTools } from '../image/host-tools.js';
import { workDirectory, writeBundleFile } from './bundle-file.js';
import { bundleTools } from './bundle-tools.js';
import { DirectorySource } from './directory-source.js';
import { LazyApt } from './lazy-apt.js';
import type { PackSource, SourceFiles } from './pack-source.js';
import { PackageSource } from './package-source.js';
import { makeImage } from './squash.js';
import { WindowsSource } from './windows-source.js';

export interface PackOptions {
  readonly deb?: readonly string[];
  readonly windows?: boolean;
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

/** Where a program of Windows is found, if nothing is said. */
const WINDOWS_PLACE = String.raw`C:\App`;

/** What of a manifest options say. */
type Wishes = Pick<
  BundleManifest,
  'name' | 'arguments' | 'environment' | 'isolation' | 'others' | 'network' | 'display' | 'state'
>;

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
  const key = options.sign === undefined ? undefined : readSigningKey(readText(options.sign, '--sign'), options.sign);
  using archive = new LazyApt(progress);
  using source = packSource(directory, options, archive);
  using work = workDirectory(output);
  const files = await source.files(work.path, progress);
  const isolation = { ...files.isolation, ...wishes.isolation };
  checkTop(files.layers, isolation);
  const program = findEntry(files, options.entry);
  const tools = await bundleTools(() => archive.get(), options.freshTools === true, progress);
  progress.step('Making the image');
  const layers = await makeLayers(files.layers, work.path, progress);
  const { version, packages, unconfigured, windows } = files;
  const start =
    windows === undefined
      ? { entry: program }
      : { entry: windows.starter, arguments: [program, ...wishes.arguments], prefix: windows.prefix };
  const manifest = writeBundleFile(output, work.path, {
    manifest: {
      format: 1,
      version,
      created: new Date().toISOString(),
      architecture: 'x86-64',
      packages,
      tools: tools.tools,
      ...wishes,
      ...start,
      environment: { ...files.environment, ...wishes.environment },
      isolation,
    },
    tools: { path: tools.path },
    layers,
    ...(key === undefined ? {} : { key }),
  });
  progress.done();
  return { manifest, unconfigured };
}

/** What is to be packed. */
function packSource(directory: string | undefined, options: PackOptions, archive: LazyApt): PackSource {
  const { deb = [], at } = options;
  if (options.windows === true) {
    if (deb.length > 0) throw new PlinthError('input', 'pack-source', '--windows and --deb: one of them is wanted');
    return new WindowsSource(directory, at ?? WINDOWS_PLACE, archive, options.freshTools === true);
  }
  if ((directory === undefined) === (deb.length === 0))
    throw new PlinthError('input', 'pack-source', 'a directory or --deb PACKAGE is wanted: what is to be packed');
  return directory === undefined ? new PackageSource(deb, archive) : new DirectorySource(directory, at ?? '/');
}

async function makeLayers(
  layers: SourceFiles['layers'],
  work: string,
  progress: Progress,
): Promise<BundleParts['layers']> {
  using host = new HostTools(progress);
  const images: { path: string }[] = [];
  for (const [n, layer] of layers.entries()) {
    const path = 'image' in layer ? layer.image : join(work, `layer-${n}`);
    if ('parts' in layer) await makeImage(host, layer.parts, path, layer.leftOut);
    images.push({ path });
  }
  return images;
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

/** What the launcher cannot lay over a host. */
function checkTop(layers: SourceFiles['layers'], isolation: Readonly<Record<string, IsolationMode>>): void {
  const parts = layers.flatMap((layer) => ('parts' in layer ? layer.parts : []));
  const roots = parts.filter((part) => basename(part) === 'root');
  for (const name of roots.flatMap((root) => readdirSync(root))) {
    if (!TOP_NAME.test(name))
      throw new PlinthError('input', 'pack-top', `/${name}: directories of the root have plain names`);
    if (isolation[`/${name}`] !== 'merged') continue;
    const why = 'the program has files of its own there: write-copy keeps both';
    throw new PlinthError('input', 'pack-merged', `--isolate /${name}=merged: ${why}`);
  }
}

function findEntry({ programs, hasProgram, windows }: SourceFiles, given: string | undefined): string {
  if (given !== undefined) {
    if (windows === undefined && !isPlainPath(given))
      throw new PlinthError('input', 'pack-entry', `--entry ${given}: a plain absolute path is wanted`);
    if (!hasProgram(given))
      throw new PlinthError('input', 'pack-entry', `--entry ${given}: no program of that path is among the files`);
    return given;
  }
  const [only, ...others] = programs;
  if (only !== undefined && others.length === 0) return only;
  const { length } = programs;
  const which = length === 0 ? '' : `: ${programs.slice(0, 8).join(', ')}${length > 8 ? ' …' : ''}`;
  throw new PlinthError('input', 'pack-entry', `--entry PATH is wanted: which of its programs is meant${which}`);
}
