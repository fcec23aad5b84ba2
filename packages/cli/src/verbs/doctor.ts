// SPDX-License-Identifier: Apache-2.0
// `plinth doctor`: what this host offers, found by trying, never by version. Three answers are kept apart: yes, no, and
// unknown with a reason. With --clean it removes what killed runs left, and what the cache keeps for other versions.

import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { styleText } from 'node:util';
import { PlinthError } from '@plinth/core';
import { Coverage, detachInspection, staleInspections, type StaleInspection, type Uninspected } from '@plinth/host';
import { bpfFeatures, FUSE_DEVICE, nativeFileCalls, TUN_DEVICE, whyNoDevice } from '@plinth/linux';
import { clearDeadLayerMounts, hostFacts, workspaceLeftovers, workspacesDirectory } from '@plinth/sandbox';
import { lockCalls } from '../host/disk-file.js';
import { run } from '../host/run-command.js';
import { findLeftovers } from '../host/temporary.js';
import { imagesDirectory } from '../image/cache.js';
import { wasmFeatures } from '../host/wasm-features.js';
import { uninspectedText } from '../inspect/uninspected.js';
import { EXIT } from '../report-error.js';
import { inspectInterpreters, interpretersDirectory, type KeptState } from '../run/kept-interpreter.js';
import { describeImages } from './image.js';

interface Probe {
  readonly name: string;
  readonly answer: 'yes' | 'no' | 'unknown';
  /** What was seen; for `no` how to get it, for `unknown` why. */
  readonly detail: string;
  /** Whether Plinth's core needs it; the rest only makes something more possible. */
  readonly needed: boolean;
}

export async function doctorVerb(options: { readonly json?: boolean; readonly clean?: boolean }): Promise<number> {
  const interpreters = inspectInterpreters();
  const probes = [
    nodeProbe(),
    ...wasmProbes(),
    ...(await programProbes()),
    lockProbe(),
    ...deviceProbes(),
    ...(await bpfProbes()),
    ...imageProbes(),
    interpreterProbe(interpreters),
  ];
  const leftovers = [tmpdir(), imagesDirectory(), interpretersDirectory()].flatMap(findLeftovers);
  const workspaces = await cleanWorkspaces(options.clean === true);
  const { stale } = interpreters;
  const inspections = await cleanInspections(options.clean === true);
  const uninspected = await uninspectedInterfaces();
  if (options.clean === true)
    for (const path of [...leftovers, ...stale]) rmSync(path, { recursive: true, force: true });
  if (options.json === true) {
    const state = {
      probes,
      leftovers: [...leftovers, ...workspaces],
      stale,
      inspections,
      uninspected: uninspected.map(({ id, subject, point }) => ({ id, name: subject.name, interface: point })),
      cleaned: options.clean === true,
    };
    process.stdout.write(`${JSON.stringify(state)}\n`);
  } else {
    for (const probe of probes) process.stdout.write(`${format(probe)}\n`);
    for (const path of [...leftovers, ...workspaces]) {
      const what = options.clean === true ? 'removed' : 'left by a killed run ("plinth doctor --clean" removes it)';
      process.stdout.write(`${path}: ${what}\n`);
    }
    for (const { id, why } of inspections) {
      const what = options.clean === true ? 'removed' : '"plinth doctor --clean" removes it';
      process.stdout.write(`inspection ${id}: ${why}: ${what}\n`);
    }
    for (const hole of uninspected) {
      process.stdout.write(`${hole.subject.kind} ${hole.subject.name}: ${uninspectedText(hole)}\n`);
    }
    for (const path of stale) {
      const what = options.clean === true ? 'removed' : 'of another version ("plinth doctor --clean" removes it)';
      process.stdout.write(`${path}: ${what}\n`);
    }
  }
  return probes.some(({ needed, answer }) => needed && answer === 'no') ? EXIT.host : EXIT.clean;
}

/** What killed runs of workspaces have left; and mounts of layers whose server is gone. */
async function cleanWorkspaces(clean: boolean): Promise<string[]> {
  const calls = lockCalls();
  if (calls === undefined || process.platform !== 'linux') return [];
  const left = workspaceLeftovers(calls, hostFacts(), workspacesDirectory());
  if (clean) for (const one of left) one.remove();
  const mounts = clean ? await clearDeadLayerMounts(nativeFileCalls()) : [];
  return [...left.map(({ path }) => path), ...mounts.map(({ target }) => target)];
}

/** Inspections that inspect nothing any more. */
async function cleanInspections(clean: boolean): Promise<StaleInspection[]> {
  const calls = lockCalls();
  if (calls === undefined || process.getuid?.() !== 0) return [];
  const stale = await staleInspections(calls);
  if (clean) for (const { id } of stale) await detachInspection(calls, id);
  return stale;
}

/** What passes inspections that are there. */
async function uninspectedInterfaces(): Promise<Uninspected[]> {
  const calls = lockCalls();
  if (calls === undefined || process.getuid?.() !== 0) return [];
  using coverage = new Coverage(calls);
  return coverage.look();
}

async function bpfProbes(): Promise<Probe[]> {
  const calls = lockCalls();
  if (calls === undefined) return [];
  return (await bpfFeatures(calls)).map((feature) => ({ ...feature, needed: false }));
}

const COLOURS = { yes: 'green', no: 'red', unknown: 'yellow' } as const;

function format({ name, answer, detail }: Probe): string {
  const coloured = process.stdout.isTTY && process.stdout.hasColors();
  const padded = answer.padEnd(7);
  return `${coloured ? styleText(COLOURS[answer], padded) : padded}  ${name.padEnd(34)}  ${detail}`.trimEnd();
}

function nodeProbe(): Probe {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const supported = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
  return {
    name: 'Node.js',
    answer: supported ? 'yes' : 'no',
    detail: `${process.version} ${process.arch}${supported ? '' : ': 20.19 or 22.12 and later are supported'}`,
    needed: true,
  };
}

function wasmProbes(): Probe[] {
  return wasmFeatures().map(({ name, needed, present }) => ({
    name: `WebAssembly ${name}`,
    answer: present ? 'yes' : 'no',
    detail: present || !needed ? '' : 'this JavaScript engine lacks it: take a newer Node.js',
    needed,
  }));
}

const PROGRAMS = [
  { program: 'apt-get', arguments: ['--version'], use: 'brings guest images', source: 'Debian’s package client' },
  { program: 'dpkg-deb', arguments: ['--version'], use: 'unpacks packages', source: 'package dpkg' },
  { program: 'script', arguments: ['--version'], use: 'makes --console pty', source: 'package bsdutils' },
  {
    program: 'passt',
    arguments: ['--version'],
    use: 'is --net user, and --allow-net by its pasta',
    source: 'package passt',
  },
  {
    program: 'qemu-system-arm',
    arguments: ['--version'],
    use: 'is compared with in tests and benchmarks',
    source: 'package qemu-system-arm',
  },
];

async function programProbes(): Promise<Probe[]> {
  return Promise.all(PROGRAMS.map(probeProgram));
}

async function probeProgram({ program, arguments: args, use, source }: (typeof PROGRAMS)[number]): Promise<Probe> {
  const name = `${program} (${use})`;
  try {
    const { status, stdout } = await run(program, args, { missing: source });
    const [version = ''] = stdout.split('\n');
    if (status === 0) return { name, answer: 'yes', detail: version, needed: false };
    return { name, answer: 'unknown', detail: `it ended with status ${status}`, needed: false };
  } catch (error) {
    const cause = error instanceof PlinthError ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
    if (cause?.code === 'ENOENT') return { name, answer: 'no', detail: `not installed: ${source}`, needed: false };
    return { name, answer: 'unknown', detail: cause?.message ?? String(error), needed: false };
  }
}

/** Without it nothing keeps two runs from writing one disk. */
function lockProbe(): Probe {
  const name = 'locks on disks, as QEMU has them';
  if (lockCalls() !== undefined) return { name, answer: 'yes', detail: '', needed: false };
  return {
    name,
    answer: 'no',
    detail: 'koffi cannot call the C library: let no two runs write one disk',
    needed: false,
  };
}

const DEVICES = [
  { device: FUSE_DEVICE, use: 'programs in one file, and layers where overlayfs is refused' },
  { device: TUN_DEVICE, use: '--net tap, and --allow-net' },
];

function deviceProbes(): Probe[] {
  const calls = lockCalls();
  if (calls === undefined || process.platform !== 'linux') return [];
  return DEVICES.map(({ device, use }) => {
    const why = whyNoDevice(calls, device);
    const name = `${device.path} (${use})`;
    return { name, answer: why === undefined ? 'yes' : 'no', detail: why ?? '', needed: false };
  });
}

function imageProbes(): Probe[] {
  let images: ReturnType<typeof describeImages>;
  try {
    images = describeImages();
  } catch (error) {
    if (!(error instanceof PlinthError)) throw error;
    return [{ name: 'images', answer: 'unknown', detail: error.message, needed: false }];
  }
  return images.map(({ name, state, path }) => ({
    name: `image ${name}`,
    answer: state === 'present' ? 'yes' : 'no',
    detail: state === 'present' ? path : `${state}: run "plinth image pull ${name}"`,
    needed: false,
  }));
}

function interpreterProbe({ path, present }: KeptState): Probe {
  const probe = { name: 'kept interpreter (a faster start)', needed: false };
  if (present) return { ...probe, answer: 'yes', detail: path! };
  if (path === undefined)
    return { ...probe, answer: 'unknown', detail: 'Plinth’s own files cannot be told apart here' };
  return { ...probe, answer: 'no', detail: 'the next run keeps one, if the cache can be written' };
}
