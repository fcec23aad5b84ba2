// SPDX-License-Identifier: Apache-2.0
// `--record FILE`: the recording of a run as a file, which grows while the run goes on.

import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { PlinthError, sectionsKind, StateWriter } from '@plinth/core';
import type { DriveSpec, Input, RunExit, RunSpec } from '@plinth/machine';
import { RecordedDriver, Recorder, RECORDING_KIND, RecordingFile, type RecordingStart } from '@plinth/observe';
import { zlibCodec } from '../host/deflate.js';
import { reasonOf } from '../host/reason.js';
import type { OriginFile, StartedRun } from './start-run.js';

/** Bytes at the beginning of a file of sections that say what it is. */
const HEAD = 14;

export class RunRecording implements Disposable {
  readonly #path: string;
  readonly #fd: number;
  #size = 0;
  #file: RecordingFile | undefined;
  #recorder: Recorder | undefined;

  /** For `DriverHost.onInput`. */
  readonly onInput = (input: Input): void => this.#recorder?.input(input);

  /** Makes the file, or empties it if it is a recording. */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    } catch (cause) {
      throw this.#failure(cause);
    }
    const stats = fstatSync(this.#fd);
    const head = new Uint8Array(HEAD);
    if (stats.isFile()) readSync(this.#fd, head);
    if (stats.isFile() && (stats.size === 0 || sectionsKind(head) === RECORDING_KIND)) {
      ftruncateSync(this.#fd);
      return;
    }
    closeSync(this.#fd);
    const message = `record: ${path}: this file is there and is no recording: name another one`;
    throw new PlinthError('input', 'record-file', message);
  }

  /** The machine of a run that has begun, with the recorder looking on. */
  start(run: StartedRun, say: (line: string) => void): RecordedDriver {
    for (const drive of run.spec.drives) warnOf(drive, say);
    const driver = run.machine;
    this.#file = new RecordingFile({
      start: recordingStart(run),
      machine: driver.machine,
      codec: zlibCodec,
      append: (bytes) => this.#append(bytes),
    });
    this.#recorder = new Recorder({ driver, sink: this.#file, now: () => performance.now() });
    const recorded = new RecordedDriver(driver, this.#recorder);
    run.network?.connect(recorded);
    return recorded;
  }

  async end(exit: RunExit, say: (line: string) => void): Promise<void> {
    if (this.#recorder !== undefined) await this.#file!.end(this.#recorder.end(exit));
    say(`recording: ${this.#path}, ${(this.#size / 1e6).toFixed(2)} MB; plinth replay ${this.#path}`);
  }

  #append(bytes: Uint8Array): void {
    try {
      // At the end as far as we have written it: reading has moved the file's own place.
      for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at, null, this.#size + at);
    } catch (cause) {
      throw this.#failure(cause);
    }
    this.#size += bytes.length;
  }

  #failure(cause: unknown): PlinthError {
    const message = `record: ${this.#path}: cannot be written: ${reasonOf(cause)}`;
    return new PlinthError('host', 'record-file', message, { cause });
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

function recordingStart({ spec, machine, origin }: StartedRun): RecordingStart {
  const { files, powerOn, size, freshOverlays } = origin!;
  const [first] = files;
  return {
    spec: withAbsoluteFiles(spec),
    name: machine.name,
    files: files.map(({ role, name, bytes }) => ({
      role,
      name: resolve(name),
      size: bytes.length,
      sha256: hashOf(bytes),
    })),
    freshOverlays,
    disks: machine.disks.map((disk) => {
      const writer = new StateWriter();
      disk.save(writer);
      return writer.take();
    }),
    embedded: spec.embed,
    ...(powerOn === undefined ? {} : { powerOn }),
    ...(size === undefined ? {} : { size }),
    ...(spec.embed && first?.role === 'snapshot' ? { snapshot: first.bytes } : {}),
  };
}

/** Hexadecimal SHA-256. */
export function hashOf(bytes: OriginFile['bytes']): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function withAbsoluteFiles(spec: RunSpec): RunSpec {
  const absolute = (['kernel', 'initrd', 'dtb', 'program', 'snapshot'] as const).flatMap((role) => {
    const file = spec[role];
    return file === undefined ? [] : [[role, resolve(file)]];
  });
  return { ...spec, ...Object.fromEntries(absolute) } as RunSpec;
}

/** A disk that the run itself changes is not there any more when the run is replayed. */
function warnOf({ file, readonly, snapshot, overlay }: DriveSpec, say: (line: string) => void): void {
  if (readonly || snapshot || overlay !== undefined) return;
  say(`record: ${file} is written itself: a replay needs a copy of it as it is now; or add snapshot or overlay=FILE`);
}
