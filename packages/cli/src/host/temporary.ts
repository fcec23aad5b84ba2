// SPDX-License-Identifier: Apache-2.0
// Temporary files and directories whose names tell the process they belong to, so that what a killed process left can be told
// from what a living one uses (`plinth doctor --clean`).

import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NAME = /^\.?plinth-[a-z]+-(\d+)-\w+$/;

/** Makes `plinth-PURPOSE-PID-RANDOM` in the system's temporary directory, or `.plinth-…` in `parent`. */
export function makeTemporaryDirectory(purpose: string, parent?: string): string {
  const name = `plinth-${purpose}-${process.pid}-`;
  const directory = mkdtempSync(parent === undefined ? join(tmpdir(), name) : join(parent, `.${name}`));
  // Programs that we started may still be writing while they die.
  process.once('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 8, retryDelay: 50 }));
  return directory;
}

/** A path in `parent` for a file that nobody else uses. Whoever makes the file removes or renames it. */
export function temporaryFile(purpose: string, parent: string): string {
  return join(parent, `.plinth-${purpose}-${process.pid}-${randomBytes(6).toString('hex')}`);
}

/** Our temporary files and directories in `parent` whose process is gone. */
export function findLeftovers(parent: string): string[] {
  let names: string[];
  try {
    names = readdirSync(parent);
  } catch {
    return []; // no such directory, so nothing is left in it
  }
  return names
    .filter((name) => {
      const pid = NAME.exec(name)?.[1];
      return pid !== undefined && !isRunning(Number(pid));
    })
    .map((name) => join(parent, name));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
