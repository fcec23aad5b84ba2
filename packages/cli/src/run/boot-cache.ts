// SPDX-License-Identifier: Apache-2.0
// Booted machines, kept as snapshots in the folder of their image: taken where the guest waits for its request. A
// snapshot's name is a hash of all that it depends on: our own code, the image's files, board, RAM and command line. They
// are not compressed: unpacking would take longer than reading. A snapshot that cannot be used is removed and made anew.

import { createHash } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import {
  type DriverHost,
  type MachineDriver,
  type OpenDriver,
  resumeDriver,
  type RunSpec,
  Snapshot,
} from '@plinth/machine';
import { writeFileAtomically } from '../host/atomic-file.js';
import { codeFolders, hashCode } from '../host/code-key.js';
import { zlibCodec } from '../host/deflate.js';
import { keepLastUsed, noteUse } from '../host/last-used.js';
import { makeDirectory } from '../host/make-directory.js';
import type { ReadFile } from '../host/shared-files.js';
import { imageDirectory } from '../image/cache.js';
import type { Manifest } from '../image/manifest.js';
import { imageArguments, powerOnOf } from './run-files.js';

/** Of one image, by when they were last used; each is some 50 MB. */
const MOST_SNAPSHOTS = 4;
/** What a boot depends on and the key holds; a run with anything else that may matter is not kept. */
const KEYED: ReadonlySet<string> = new Set([
  'machine',
  'cpu',
  'memory',
  'image',
  'append',
  'stock',
  'exec',
  'cpus',
  'rng',
  'virtio',
  'drives',
  'net',
  'shares',
  'probes',
]);
/** What only matters after the boot, or only to the host. */
const IRRELEVANT: ReadonlySet<string> = new Set([
  'engine', 'lockstep', 'semihosting', 'cold', 'realtime', 'console', 'limits', 'wallClock', 'seed', 'saveSnapshot',
  'saveAt', 'record', 'embed', 'paused', 'reverse', 'ps', 'modules', 'strace', 'ftrace', 'top',
  'onCrash', 'hangSeconds', 'lastBlocks', 'lastBlocksCount', 'kernelSymbols', 'failClosed',
]); // prettier-ignore

export class BootCache {
  readonly #directory: string;
  readonly #path: string;

  private constructor(image: string, key: string) {
    this.#directory = join(imageDirectory(image), 'snapshots');
    this.#path = join(this.#directory, `${key}.snapshot`);
  }

  /** `undefined` for a run that depends on more than a key can hold. */
  static of(spec: RunSpec, manifest: Manifest): BootCache | undefined {
    const plain = Object.keys(spec).every((name) => KEYED.has(name) || IRRELEVANT.has(name));
    // A limit or a place to save at may lie in the boot.
    if (
      !plain ||
      spec.semihosting ||
      spec.saveAt !== undefined ||
      spec.limits.instructions !== undefined ||
      spec.limits.output !== undefined
    )
      return undefined;
    // Probes must not miss the boot, and may change it.
    if (spec.probes.length > 0) return undefined;
    const code = codeHash();
    if (code === undefined) return undefined;
    if (spec.drives.length > 0 || spec.shares.length > 0 || spec.net.kind !== 'none') return undefined;
    const { machine, cpu, cpus, memory, stock, rng, virtio } = spec;
    const hardware = [machine, cpu, cpus, memory, rng, virtio];
    const inputs = [code, hardware, manifest.files, stock, imageArguments(spec, manifest), powerOnOf(manifest)];
    const key = createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 32);
    return new BootCache(manifest.name, key);
  }

  /** The booted machine, if there is one. */
  async resume(
    spec: RunSpec,
    host: DriverHost,
    read: ReadFile,
  ): Promise<{ readonly machine: OpenDriver; readonly when: string } | undefined> {
    let bytes: Uint8Array;
    let when: Date;
    try {
      bytes = read(this.#path);
      when = statSync(this.#path).birthtime;
    } catch {
      return undefined; // nobody has booted it yet
    }
    try {
      const machine = resumeDriver(spec, await Snapshot.open(bytes, this.#path, zlibCodec), host);
      noteUse(this.#path);
      return { machine, when: when.toISOString().slice(0, 19).replace('T', ' ') };
    } catch (error) {
      if (!(error instanceof PlinthError) || error.kind !== 'input') throw error;
      rmSync(this.#path, { force: true });
      return undefined;
    }
  }

  /** Reads the snapshot that `resume` will want; nothing if there is none. */
  readAhead(read: ReadFile): Uint8Array | undefined {
    try {
      return read(this.#path);
    } catch {
      return undefined; // nobody has booted it yet
    }
  }

  /** Keeps the machine as it stands; where that cannot be, the next run boots too. */
  async store(machine: MachineDriver, say: (line: string) => void): Promise<void> {
    try {
      makeDirectory(this.#directory);
      writeFileAtomically(this.#path, await machine.saveSnapshot(false), 'snapshot of the booted image');
      keepLastUsed(this.#kept(), MOST_SNAPSHOTS);
    } catch (error) {
      say(`the next run boots again: ${(error as Error).message}`);
    }
  }

  #kept(): string[] {
    return readdirSync(this.#directory)
      .filter((name) => name.endsWith('.snapshot'))
      .map((name) => join(this.#directory, name));
  }
}

/** Of the rooms that a boot runs in. */
function codeHash(): string | undefined {
  try {
    return hashCode(codeFolders('@plinth/machine'), performance.timeOrigin);
  } catch {
    return undefined;
  }
}
