// SPDX-License-Identifier: Apache-2.0
// `plinth app`: programs in one file, what they have written, and the proof that their host is as it was.

import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PlinthError } from '@plinth/core';
import { nativeCalls, nativeFileCalls } from '@plinth/linux';
import {
  type Bundle,
  type BundleManifest,
  BundleState,
  compareProofs,
  FileSource,
  type HostProof,
  proveTree,
  rawKey,
  readBundle,
  readProof,
  readSigningKey,
  readVerifyingKey,
  type Section,
  stateDirectory,
  unreadableEntries,
  verifyBundle,
  writeProof,
} from '@plinth/sandbox';
import { workDirectory, writeBundleFile } from '../app/bundle-file.js';
import { type PackOptions, packBundle } from '../app/pack.js';
import { formatRegistryRow, registryRows } from '../app/registry-rows.js';
import { listImage, makeImage } from '../app/squash.js';
import { type Change, stateChanges } from '../app/state-diff.js';
import { placesOf, stateLayer } from '../app/state-layer.js';
import { mergeRegistry, PREFIX_OWN, registryChanges, writeHives } from '../app/windows-registry.js';
import { many } from '../host/many.js';
import { LineProgress } from '../host/progress.js';
import { reasonOf } from '../host/reason.js';
import { passThrough, run } from '../host/run-command.js';
import { HostTools } from '../image/host-tools.js';
import { EXIT } from '../report-error.js';

export interface ChangeOptions {
  readonly state?: string;
}

export interface RunAppOptions extends ChangeOptions {
  /** --no-fuse */
  readonly fuse?: boolean;
}

export interface DiffOptions extends ChangeOptions {
  readonly json?: boolean;
}

export interface CommitOptions extends ChangeOptions {
  readonly output: string;
  readonly sign?: string;
}

export interface InspectOptions {
  readonly json?: boolean;
}

export interface VerifyOptions {
  readonly key?: string;
  readonly json?: boolean;
}

export interface ProofOptions {
  readonly before?: string;
  readonly against?: string;
  readonly exclude?: readonly string[];
  readonly json?: boolean;
}

export async function packVerb(
  directory: string | undefined,
  options: PackOptions & { readonly json?: boolean },
): Promise<number> {
  const progress = new LineProgress(process.stderr);
  const { manifest, unconfigured, captured } = await packBundle(directory, options, progress);
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ ...manifest, unconfigured, captured })}\n`);
    return EXIT.clean;
  }
  const { length } = manifest.packages;
  const what = length === 0 ? '' : `, ${many(length, 'package')}`;
  process.stdout.write(`${options.output}: ${manifest.name} ${manifest.version}, starts ${manifest.entry}${what}\n`);
  if (unconfigured.length > 0)
    process.stdout.write(
      `not run: the scripts that would set up ${unconfigured.join(', ')}; most programs need none\n`,
    );
  return EXIT.clean;
}

export async function runAppVerb(file: string, args: readonly string[], options: RunAppOptions): Promise<number> {
  await mergeOldRegistry(file, openBundle(file), options);
  const own = [
    ...(options.state === undefined ? [] : ['--plinth-state', options.state]),
    ...(options.fuse === false ? ['--plinth-no-fuse'] : []),
  ];
  // The launcher takes no option behind this one, so the program's own stay as they are.
  return passThrough('/bin/sh', [resolve(file), ...own, '--plinth-run', ...args], process.cwd());
}

/** While another run has the state, that one has merged it. */
async function mergeOldRegistry(file: string, bundle: Bundle, options: RunAppOptions): Promise<void> {
  if (bundle.manifest.prefix === undefined) return;
  using state = openState(file, bundle, options);
  try {
    state.lock();
  } catch (cause) {
    if (cause instanceof PlinthError && cause.code === 'bundle-busy') return;
    throw cause;
  }
  using tools = new HostTools(new LineProgress(process.stderr));
  await mergeRegistry(tools, file, bundle, state);
}

export async function diffVerb(file: string, options: DiffOptions): Promise<number> {
  const bundle = openBundle(file);
  using state = openState(file, bundle, options);
  const changes = await changesOf(file, bundle, state);
  const registry = registryRows(registryChanges(bundle, state));
  if (options.json === true) process.stdout.write(`${JSON.stringify({ state: state.directory, changes, registry })}\n`);
  else {
    for (const { change, path, kind, bytes } of changes) process.stdout.write(describe(change, path, kind, bytes));
    for (const row of registry) process.stdout.write(`${formatRegistryRow(row)}\n`);
  }
  return EXIT.clean;
}

function describe(change: Change['change'], path: string, kind: Change['kind'], bytes: number): string {
  const what = kind === 'file' ? `${bytes} bytes` : kind === 'removed' ? '' : kind;
  return `${change.padEnd(8)}  ${path}${kind === 'directory' ? '/' : ''}  ${what}`.trimEnd() + '\n';
}

async function changesOf(file: string, { manifest, layers }: Bundle, state: BundleState): Promise<Change[]> {
  const entries = state.entries();
  if (entries.length === 0) return [];
  using tools = new HostTools(new LineProgress(process.stderr));
  const changes = stateChanges(entries, await namesInside(tools, file, layers), manifest);
  // What a registry's texts hold is told key by key.
  const own = PREFIX_OWN.map((name) => `${manifest.prefix}/${name}`);
  return manifest.prefix === undefined ? changes : changes.filter(({ path }) => !own.includes(path));
}

export function resetVerb(file: string, options: ChangeOptions): number {
  using state = openState(file, openBundle(file), options);
  state.lock();
  state.reset();
  return EXIT.clean;
}

export async function commitVerb(file: string, options: CommitOptions): Promise<number> {
  const bundle = openBundle(file);
  using state = openState(file, bundle, options);
  state.lock();
  const entries = state.entries();
  if (entries.length === 0)
    throw new PlinthError(
      'input',
      'bundle-state',
      `${state.directory}: nothing was written, so there is no layer to add`,
    );
  const key = options.sign === undefined ? undefined : readSigningKey(readText(options.sign, '--sign'), options.sign);
  const output = resolve(options.output);
  using work = workDirectory(output);
  using tools = new HostTools(new LineProgress(process.stderr));
  await mergeRegistry(tools, file, bundle, state);
  const layer = stateLayer(state.upper, entries, work.path);
  const image = join(work.path, 'layer');
  await makeImage(tools, [...layer.parts, ...writeHives(bundle, state, work.path)], image, layer.leftOut);
  const isolation = await isolationWith(tools, file, bundle, placesOf(entries));
  const { layers: _, ...manifest } = bundle.manifest;
  const made = writeBundleFile(output, work.path, {
    manifest: { ...manifest, isolation, created: new Date().toISOString() },
    tools: { path: file, section: bundle.footer.tools },
    layers: [...bundle.layers.map((section) => ({ path: file, section })), { path: image }],
    ...(key === undefined ? {} : { key }),
  });
  process.stdout.write(`${options.output}: ${made.name} with ${made.layers.length} layers\n`);
  return EXIT.clean;
}

/** Where a layer now has something of the host's directories, the host's files are still to be seen. */
async function isolationWith(
  tools: HostTools,
  file: string,
  { manifest, layers }: Bundle,
  kept: ReadonlySet<string>,
): Promise<BundleManifest['isolation']> {
  const inside = await namesInside(tools, file, layers);
  const added = [...kept].filter((part) => part.startsWith('root/') && !inside.has(part));
  const places = added.map((part) => [part.slice('root'.length), manifest.others] as const);
  return { ...Object.fromEntries(places), ...manifest.isolation };
}

async function namesInside(tools: HostTools, file: string, layers: readonly Section[]): Promise<ReadonlySet<string>> {
  const inside = new Set<string>();
  for (const layer of layers) for (const name of await listImage(tools, file, layer)) inside.add(name);
  return inside;
}

const XATTRS = ['--xattrs', '--xattrs-include=user.overlay.opaque'];

export async function exportVerb(file: string, options: CommitOptions): Promise<number> {
  using state = openState(file, openBundle(file), options);
  state.lock();
  if (!existsSync(state.upper)) mkdirSync(state.upper);
  const output = resolve(options.output);
  await tar('-c', '-f', output, ...XATTRS, '--numeric-owner', '-C', state.directory, 'upper');
  return EXIT.clean;
}

export async function importVerb(file: string, archive: string, options: ChangeOptions): Promise<number> {
  using state = openState(file, openBundle(file), options);
  state.lock();
  using work = workDirectory(join(state.directory, 'upper'));
  await tar('-x', '-f', resolve(archive), ...XATTRS, '--no-same-owner', '-p', '-C', work.path);
  const upper = join(work.path, 'upper');
  if (lstatSync(upper, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new PlinthError('input', 'bundle-state', `${archive}: it is not what "plinth app export" writes`);
  state.replace(upper);
  return EXIT.clean;
}

async function tar(...args: readonly string[]): Promise<void> {
  const { status, stderr } = await run('tar', args, { missing: 'tar is needed', environment: { LC_ALL: 'C' } });
  if (status === 0) return;
  throw new PlinthError('input', 'bundle-tar', `tar: ${stderr.split('\n')[0]?.replace(/^tar: /, '')}`);
}

export function inspectVerb(file: string, options: InspectOptions): number {
  const bundle = openBundle(file);
  const { manifest, footer, layers } = bundle;
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(manifest)}\n`);
    return EXIT.clean;
  }
  const isolation = Object.entries(manifest.isolation).map(([place, mode]) => `${place} ${mode}`);
  const lines = [
    `${manifest.name} ${manifest.version}, made ${manifest.created}`,
    `entry      ${[manifest.entry, ...manifest.arguments].join(' ')}`,
    ...Object.entries(manifest.environment).map(([name, value]) => `variable   ${name}=${value}`),
    `isolation  ${[...isolation, `others ${manifest.others}`].join(', ')}`,
    `network    ${manifest.network === 'none' ? 'none' : 'that of the host'}`,
    `display    ${manifest.display ? 'X11 and Wayland' : 'none'}`,
    ...(manifest.prefix === undefined ? [] : [`prefix     ${manifest.prefix}, of Wine`]),
    `state      ${stateDirectory(resolve(file), manifest)}`,
    `tools      ${footer.tools.bytes} bytes, ${manifest.tools.length} files`,
    ...layers.map(({ bytes }, n) => `layer ${n}    ${bytes} bytes`),
    ...manifest.packages.map(({ name, version }) => `package    ${name} ${version}`),
    `signature  ${footer.signature.bytes === 0 ? 'none' : 'Ed25519; "plinth app verify" checks it'}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return EXIT.clean;
}

export function verifyVerb(file: string, options: VerifyOptions): number {
  const bundle = openBundle(file);
  using source = new FileSource(file);
  const { bytes, blocks, signer } = verifyBundle(source, bundle, file);
  const signedBy = signer === undefined ? undefined : Buffer.from(rawKey(signer)).toString('hex');
  if (options.key !== undefined) {
    const key = readVerifyingKey(readText(options.key, '--key'), options.key);
    if (signer === undefined || !signer.equals(key)) {
      const why = signer === undefined ? 'it is not signed' : `it is not signed with ${options.key}`;
      throw new PlinthError('input', 'bundle-signature', `${file}: ${why}`);
    }
  }
  if (options.json === true) process.stdout.write(`${JSON.stringify({ bytes, blocks, signedBy: signedBy ?? null })}\n`);
  else {
    const signature = signedBy === undefined ? 'not signed' : `signed with Ed25519 key ${signedBy}`;
    process.stdout.write(
      `${file}: ${bytes} bytes in ${blocks} blocks are what they were when it was made; ${signature}\n`,
    );
  }
  return EXIT.clean;
}

export function verifyHostVerb(directory: string, options: ProofOptions): number {
  const excluded = (options.exclude ?? []).map((path) => `/${path}`.replaceAll(/\/+/g, '/').replace(/\/$/, ''));
  const against =
    options.against === undefined ? undefined : readProof(readText(options.against, '--against'), options.against);
  if (!existsSync(directory)) throw new PlinthError('input', 'host-proof', `${directory}: there is no such directory`);
  const proof = proveTree(nativeFileCalls(), resolve(directory), excluded);
  if (options.before !== undefined) writeFileSync(options.before, writeProof(proof));
  const differences = against === undefined ? [] : compareProofs(against, proof);
  const unreadable = unreadableEntries(proof);
  const { digest, entries } = proof;
  if (options.json === true) {
    const { length } = entries;
    process.stdout.write(`${JSON.stringify({ digest, entries: length, excluded, unreadable, differences })}\n`);
  } else process.stdout.write(describeProof(directory, proof, against, unreadable.length));
  if (options.json !== true)
    for (const { path, before, after } of differences)
      process.stdout.write(`${shown(path)}: ${before ?? 'not there'} -> ${after ?? 'not there'}\n`);
  return differences.length > 0 ? EXIT.found : EXIT.clean;
}

function describeProof(
  directory: string,
  { digest, entries }: HostProof,
  against: HostProof | undefined,
  unreadable: number,
): string {
  const lines = [`${directory}: ${entries.length} entries, SHA-256 ${digest}`];
  if (unreadable > 0) lines.push(`${unreadable} of them could not be read, so nothing is proved of what they hold`);
  if (against?.digest === digest) lines.push('identical: every byte, mode, owner, attribute and link is as it was');
  return `${lines.join('\n')}\n`;
}

function shown(path: string): string {
  return Buffer.from(path === '' ? '/' : path, 'latin1').toString('utf8');
}

function openBundle(file: string): Bundle {
  try {
    using source = new FileSource(file);
    return readBundle(source, file);
  } catch (cause) {
    if (cause instanceof PlinthError) throw cause;
    throw new PlinthError('input', 'bundle', `${file}: ${reasonOf(cause)}`, { cause });
  }
}

function openState(file: string, { manifest }: Bundle, { state }: ChangeOptions): BundleState {
  return new BundleState(
    nativeCalls(),
    nativeFileCalls(),
    state === undefined ? stateDirectory(resolve(file), manifest) : resolve(state),
  );
}

function readText(path: string, option: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new PlinthError('input', 'file', `${option} ${path}: ${reasonOf(cause)}`, { cause });
  }
}
