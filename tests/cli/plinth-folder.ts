// SPDX-License-Identifier: Apache-2.0
// A folder of a test's own in which the command runs.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PLINTH = join(import.meta.dirname, '../../packages/cli/bin/plinth.js');

export interface PlinthEnd {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class PlinthFolder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), 'plinth-test-'));

  /** The command without a terminal. */
  readonly plinth = (...args: readonly string[]): PlinthEnd => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [PLINTH, ...args], {
      encoding: 'utf8',
      cwd: this.path,
      env: { ...process.env, PLINTH_DEBUG: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 300_000,
    });
    return { status, stdout, stderr };
  };

  /** Writes a file and gives its name. */
  readonly file = (name: string, bytes: string | Uint8Array): string => {
    writeFileSync(join(this.path, name), bytes);
    return name;
  };

  /** A kernel of these words of code. */
  readonly kernel = (name: string, ...words: readonly number[]): string => {
    const bytes = Buffer.alloc(4096);
    words.forEach((word, i) => bytes.writeUInt32LE(word, i * 4));
    return this.file(name, bytes);
  };

  readonly bytes = (name: string): Buffer => readFileSync(join(this.path, name));

  readonly read = (name: string): string => this.bytes(name).toString();

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}
