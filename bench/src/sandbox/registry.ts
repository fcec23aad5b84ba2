// SPDX-License-Identifier: Apache-2.0
// The registry part of benchmark `sandbox`: opening a large hive beside hivex, one view over three layers, and what the two ways to copy
// on open for write copy for the same opens.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import {
  type CopyCounts,
  type CopyPolicy,
  createPath,
  Hive,
  LayeredRegistry,
  MemoryKey,
  writeHive,
} from '@plinth/sandbox/registry';
import { median, ratioOf, type Row } from '../report.js';
import type { Part } from './sandbox.js';

/** 50 vendors with 40 products of 50 keys: 102,050 keys below the root, each with two values. */
const [VENDORS, PRODUCTS, KEYS] = [50, 40, 50];
const MERGED_KEYS = 10_000;
const OPENS = 200;
const HIVEX = 'hivexsh';

export const registry: Part = (options, progress) => {
  const folder = mkdtempSync(join(tmpdir(), 'plinth-bench-registry-'));
  try {
    progress('a hive of 100,000 keys');
    const large = largeHive();
    const [file, small] = [join(folder, 'large.hive'), join(folder, 'small.hive')];
    writeFileSync(file, large);
    writeFileSync(small, writeHive(new MemoryKey('')));
    const layers = threeLayers();
    const times = { open: [] as number[], merged: [] as number[] };
    const peer: number[] = [];
    let reason: string | undefined;
    for (let round = 1; round <= options.repetitions; round++) {
      progress(`registry ${round}/${options.repetitions}`);
      times.open.push(milliseconds(() => expectKeys(new Hive(readFileSync(file)).root.keys().length, VENDORS)));
      times.merged.push(milliseconds(() => enumerate(layers)));
      // What it takes to start is that of a hive without keys.
      const [theirs, start] = [hivex(file), hivex(small)];
      if (typeof theirs === 'string' || typeof start === 'string') reason = String(theirs);
      else peer.push(Math.max(theirs - start, 0));
    }
    const [open, hivexOpen] = [median(times.open), peer.length === 0 ? null : median(peer)];
    const shared = { unit: 'ms', inGeomean: false };
    const rows: Row[] = [
      {
        ...shared,
        name: `open a hive of 100,000 keys (${(large.length / 1e6).toFixed(0)} MB) and list its root`,
        ours: open,
        peer: hivexOpen,
        peerName: HIVEX,
        ratio: ratioOf(open, hivexOpen),
        ...(reason === undefined ? {} : { reason }),
        spread: { ours: times.open, peer },
      },
      {
        ...shared,
        name: `enumerate ${MERGED_KEYS.toLocaleString('en')} keys over three layers, hives just opened`,
        ours: median(times.merged),
        peer: null,
        peerName: 'none',
        ratio: null,
        spread: times.merged,
      },
    ];
    progress('copies on open for write');
    return Promise.resolve([...rows, ...copyRows(large)]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

function largeHive(): Uint8Array {
  const root = new MemoryKey('SOFTWARE');
  for (let vendor = 0; vendor < VENDORS; vendor++) {
    for (let product = 0; product < PRODUCTS; product++) {
      const key = createPath(root, `Vendor ${vendor}\\Product ${product}`);
      for (let n = 0; n < KEYS; n++) fill(key.createKey(`{Key-${n}}`) as MemoryKey, n);
      fill(key as MemoryKey, product);
    }
    fill(root.key(`Vendor ${vendor}`)!, vendor);
  }
  return writeHive(root);
}

function fill(key: MemoryKey, n: number): void {
  key.setValue({ name: 'Name', type: 1, data: new Uint8Array(Buffer.from(`value ${n}\0`, 'utf16le')) });
  key.setValue({ name: 'Number', type: 4, data: Uint8Array.of(n & 0xff, 0, 0, 0) });
}

/** Each has 6,000 keys of one key; 2,000 are in all three. */
function threeLayers(): Uint8Array[] {
  return [0, 1, 2].map((layer) => {
    const root = new MemoryKey('');
    const classes = root.createKey('Classes');
    for (let n = 0; n < 6000; n++) fill(classes.createKey(`{Key-${n + 2000 * layer}}`), n);
    return writeHive(root);
  });
}

function enumerate(layers: readonly Uint8Array[]): void {
  const merged = new LayeredRegistry({ layers: layers.map((bytes) => new Hive(bytes).root) });
  const names = merged
    .open('classes')!
    .keys()
    .map(({ name }) => name);
  expectKeys(new Set(names).size, MERGED_KEYS);
}

function expectKeys(found: number, wanted: number): void {
  if (found !== wanted) throw new PlinthError('internal', 'bench-registry', `${found} keys, not ${wanted}`);
}

function milliseconds(work: () => void): number {
  const begin = performance.now();
  work();
  return performance.now() - begin;
}

/** Milliseconds of a run that lists the root, or why there is none. */
function hivex(file: string): number | string {
  let failure: string | undefined;
  const time = milliseconds(() => {
    const { error, status } = spawnSync(HIVEX, [file], { input: 'ls\n', stdio: ['pipe', 'ignore', 'ignore'] });
    if (error !== undefined) failure = `${HIVEX} is not installed (Debian: apt-get install libhivex-bin)`;
    else if (status !== 0) failure = `${HIVEX} cannot open the hive`;
  });
  return failure ?? time;
}

function copyRows(large: Uint8Array): Row[] {
  const [one, full] = (['one-level', 'full-subtree'] as const).map((copy) => copies(large, copy)) as [Copies, Copies];
  const row = (what: string, unit: string, ours: number, peer: number): Row => ({
    name: `${OPENS} opens for write: ${what}, one level`,
    unit,
    ours,
    peer,
    peerName: 'full subtree',
    ratio: ratioOf(ours, peer),
    inGeomean: false,
  });
  return [
    row('keys copied', 'keys', one.counts.keys, full.counts.keys),
    row('values copied', 'values', one.counts.values, full.counts.values),
    row('data copied', 'bytes', one.counts.bytes, full.counts.bytes),
    row('time', 'ms', one.time, full.time),
  ];
}

interface Copies {
  readonly counts: CopyCounts;
  readonly time: number;
}

/** Opens vendors, products and their keys by turns, always the same. */
function copies(large: Uint8Array, copy: CopyPolicy): Copies {
  const merged = new LayeredRegistry({ layers: [new Hive(large).root], copy });
  const time = milliseconds(() => {
    for (let n = 0; n < OPENS; n++) {
      const names = [`Vendor ${(7 * n) % VENDORS}`, `Product ${(11 * n) % PRODUCTS}`, `{Key-${(13 * n) % KEYS}}`];
      // One in ten is a vendor, three are products, the rest keys.
      const depth = n % 10 === 0 ? 1 : n % 10 < 4 ? 2 : 3;
      const path = names.slice(0, depth).join('\\');
      if (merged.open(path, { write: true }) === undefined) expectKeys(0, 1);
    }
  });
  return { counts: merged.counts, time };
}
