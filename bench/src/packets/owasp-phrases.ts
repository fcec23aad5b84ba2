// SPDX-License-Identifier: Apache-2.0
// The phrase files of the OWASP Core Rule Set, as Debian has them in its package modsecurity-crs: what its rules name with
// `@pmFromFile`. They are brought when they are asked for, with Debian's signed lists, and are no part of Plinth.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PrivateApt } from '@plinth/cli';
import { PlinthError } from '@plinth/core';
import { benchDirectory } from '../cache.js';

const PACKAGE = 'modsecurity-crs';

export interface Phrase {
  /** Name of its file. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** At least one byte; upper and lower case are the same to `@pmFromFile`. */
  readonly bytes: Uint8Array;
}

/** All phrases, in the order of files and lines. Raises a typed error, `host`, where Debian's package cannot be had. */
export async function owaspPhrases(): Promise<Phrase[]> {
  const folder = await ruleFolder();
  const phrases = phraseFiles(folder).flatMap((file) => readPhrases(file, readFileSync(join(folder, file), 'latin1')));
  if (phrases.length > 0) return phrases;
  throw new PlinthError(
    'host',
    'owasp-phrases',
    `${folder}: no rule there names a phrase file: delete it to bring it anew`,
  );
}

/** As ModSecurity reads them: a phrase a line, but for lines that are empty or begin with `#`. */
export function readPhrases(file: string, text: string): Phrase[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line === '' || /^\s*#/.test(line)) return [];
    return [{ file, line: index + 1, bytes: Uint8Array.from(line, (char) => char.charCodeAt(0)) }];
  });
}

/** Those that a rule looks for. Other files of this name are parts of regular expressions. */
function phraseFiles(folder: string): string[] {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.conf'))
    .flatMap((name) => [...readFileSync(join(folder, name), 'latin1').matchAll(/@pmFromFile\s+([^"]+)"/g)])
    .flatMap((match) => match[1]!.trim().split(/\s+/));
  return [...new Set(names)].filter((name) => existsSync(join(folder, name))).toSorted();
}

/** The folder of rules and phrase files, from Debian if it is not there. */
async function ruleFolder(): Promise<string> {
  const kept = join(benchDirectory(), PACKAGE);
  if (existsSync(kept)) return kept;
  mkdirSync(benchDirectory(), { recursive: true });
  using apt = new PrivateApt('amd64', { step() {}, update() {}, done() {}, warn() {} });
  await apt.update();
  const file = await apt.download(await apt.show(PACKAGE));
  const fresh = mkdtempSync(`${kept}-`);
  try {
    const script =
      'dpkg-deb --fsys-tarfile "$1" | tar -xf - -C "$2" --no-same-owner --strip-components=5 --wildcards "$3"';
    const pattern = `./usr/share/${PACKAGE}/rules/*`;
    const { status, stderr } = spawnSync('sh', ['-c', script, 'sh', file, fresh, pattern], { encoding: 'utf8' });
    if (status !== 0) {
      throw new PlinthError('host', 'owasp-package', `${basename(file)} cannot be unpacked: ${stderr.split('\n')[0]!}`);
    }
    renameSync(fresh, kept);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    // Somebody else was faster.
    if (!existsSync(kept)) throw error;
  }
  return kept;
}
