// SPDX-License-Identifier: Apache-2.0
// Makes a program in one file of what a source gives: the images of its layers, the tools, and the file around them.

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { PlinthError } from '@plinth/core';
import {
  BUNDLE_NAME,
  type BundleManifest,
  type BundleParts,
  isEntry,
  type IsolationMode,
  type KeyIsolation,
  isKeyPlace,
  parseIsolation,
  parseKeyIsolation,
  parseMode,
  readSigningKey,
  TOP_NAME,
} from '@plinth/sandbox';
import { reasonOf } from '../host/reason.js';
import type { Progress } from '../host/progress.js';
import { HostTools } from '../image/host-tools.js';
import { workDirectory, writeBundleFile } from './bundle-file.js';
import { bundleTools } from './bundle-tools.js';
import { CaptureSource } from './capture-source.js';
import { type Captured, describeCaptured } from './describe-captured.js';
import { DirectorySource } from './directory-source.js';
import { LazyApt } from './lazy-apt.js';
import type { LayerFiles, PackSource, SourceFiles } from './pack-source.js';
import { PackageSource } from './package-source.js';
import { makeImage } from './squash.js';
import { type WindowsFiles, WindowsSource } from './windows-source.js';

export interface PackOptions {
  readonly deb?: readonly string[];
  readonly windows?: boolean;
  readonly capture?: string;
  readonly captureDeny?: readonly string[];
  readonly captureKeep?: readonly string[];
  readonly captureUser?: boolean;
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
  readonly captured?: Captured;
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
  // Whether the file can be made is told before anything is run.
  workDirectory(output)[Symbol.dispose]();
  using source = await packSource(directory, options, archive, progress);
  using work = workDirectory(output);
  const files = await source.files(work.path, progress);
  if (files.captured !== undefined)
    process.stderr.write(`captured: ${describeCaptured(files.captured, process.cwd())}\n`);
  const isolation = { ...files.isolation, ...wishes.isolation };
  checkTop(files.layers, isolation);
  const program = findEntry(files, options.entry);
  const tools = await bundleTools(() => archive.get(), options.freshTools === true, progress);
  progress.step('Making the image');
  const layers = await makeLayers(files.layers, work.path, progress);
  const { version, packages, unconfigured, windows, captured } = files;
  const start =
    windows === undefined
      ? { entry: program }
      : {
          entry: windows.starter,
          arguments: [program, ...wishes.arguments],
          prefix: windows.prefix,
          keys: Object.fromEntries(keyRules(options).map(keyRule)),
        };
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
  return { manifest, unconfigured, ...(captured === undefined ? {} : { captured }) };
}

/** What is to be packed. */
async function packSource(
  directory: string | undefined,
  options: PackOptions,
  archive: LazyApt,
  progress: Progress,
): Promise<PackSource> {
  const { deb = [], at, capture } = options;
  const given = [directory !== undefined, deb.length > 0, capture !== undefined].filter(Boolean).length;
  if (options.windows === true && given <= 1 && deb.length === 0) return windowsSource(directory, options, archive);
  if (given !== 1) {
    const wanted =
      options.windows === true
        ? 'with --windows a directory or --capture COMMAND'
        : 'a directory, --deb PACKAGE or --capture COMMAND';
    const what = `${wanted} is wanted: what is to be packed`;
    throw new PlinthError('input', 'pack-source', what);
  }
  if (directory !== undefined) return new DirectorySource(directory, at ?? '/');
  return capture === undefined ? new PackageSource(deb, archive) : await captureSource(capture, options, progress);
}

function windowsSource(directory: string | undefined, options: PackOptions, archive: LazyApt): PackSource {
  const { at = WINDOWS_PLACE, capture, captureKeep = [], captureUser = false, freshTools: fresh = false } = options;
  if (captureKeep.length > 0 || captureUser)
    throw new PlinthError('input', 'pack-source', '--capture-keep and --capture-user: not with --windows');
  const files: WindowsFiles =
    capture !== undefined
      ? { kind: 'capture', command: capture, network: captureNetwork(options) }
      : directory === undefined
        ? { kind: 'none' }
        : { kind: 'directory', path: directory, at };
  return new WindowsSource(files, archive, { fresh, rules: keyRules(options).map(parseKeyIsolation) });
}

function captureNetwork({ captureDeny = [] }: PackOptions): BundleManifest['network'] {
  const other = captureDeny.find((one) => one !== 'net');
  if (other !== undefined)
    throw new PlinthError('input', 'deny', `--capture-deny ${other}: it denies net, and nothing else`);
  return captureDeny.length === 0 ? 'host' : 'none';
}

/** As a manifest has it. */
function keyRule(text: string): readonly [string, KeyIsolation] {
  return [text.slice(0, text.lastIndexOf('=')), parseKeyIsolation(text).rule.mode];
}

function keyRules({ isolate = [] }: PackOptions): string[] {
  return isolate.filter(isKeyPlace);
}

function captureSource(command: string, options: PackOptions, progress: Progress): Promise<PackSource> {
  const { entry, captureKeep = [], captureUser = false } = options;
  if (entry !== undefined) checkEntry(entry);
  const network = captureNetwork(options);
  return CaptureSource.run(command, { entry, network, asUser: captureUser, keep: captureKeep }, progress);
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
    if ('parts' in layer) await makeImage(host, layer.parts, path, layer.leftOut, layer.removed);
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
    isolation: Object.fromEntries(
      (options.isolate ?? []).filter((one) => !isKeyPlace(one)).map((one) => parseIsolation(one)),
    ),
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
  const names = layers.flatMap((layer) => ('parts' in layer ? namesInRoot(layer) : []));
  for (const name of names) {
    if (!TOP_NAME.test(name))
      throw new PlinthError('input', 'pack-top', `/${name}: directories of the root have plain names`);
    if (isolation[`/${name}`] !== 'merged') continue;
    const why = 'the program has files of its own there: write-copy keeps both';
    throw new PlinthError('input', 'pack-merged', `--isolate /${name}=merged: ${why}`);
  }
}

function namesInRoot({ parts, leftOut }: LayerFiles): string[] {
  return parts
    .filter((part) => basename(part) === 'root')
    .flatMap((root) => readdirSync(root).filter((name) => !leftOut.includes(join(root, name))));
}

function checkEntry(entry: string): void {
  if (isEntry(entry)) return;
  throw new PlinthError('input', 'pack-entry', `--entry ${entry}: a plain absolute path is wanted`);
}

function findEntry({ programs, findProgram, windows }: SourceFiles, given: string | undefined): string {
  if (given !== undefined) {
    if (windows === undefined) checkEntry(given);
    const found = findProgram(given);
    if (found === undefined)
      throw new PlinthError('input', 'pack-entry', `--entry ${given}: no program of that path is among the files`);
    return found;
  }
  const [only, ...others] = programs;
  if (only !== undefined && others.length === 0) return only;
  const { length } = programs;
  const which = length === 0 ? '' : `: ${programs.slice(0, 8).join(', ')}${length > 8 ? ' …' : ''}`;
  throw new PlinthError('input', 'pack-entry', `--entry PATH is wanted: which of its programs is meant${which}`);
}
