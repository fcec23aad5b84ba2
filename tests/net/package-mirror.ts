// SPDX-License-Identifier: Apache-2.0
// A folder that apt can install from: packages of Debian's archive with all they need, and the indexes of a flat repository
// (sources.list(5)). It is not signed.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PrivateApt } from '@plinth/cli';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Fills the folder; the version of each package by its name. */
export async function makePackageMirror(folder: string, names: readonly string[]): Promise<Map<string, string>> {
  using apt = new PrivateApt('armhf', { step() {}, update() {}, done() {}, warn() {} });
  await apt.update();
  const packages = await apt.resolve(names);
  const stanzas = (await apt.downloadAll(packages)).map((file) => {
    // Its file name has a colon of the version as %3a, which a server would take for an escape.
    const name = basename(file).replaceAll('%', '_');
    copyFileSync(file, join(folder, name));
    const { stdout } = spawnSync('dpkg-deb', ['--field', file], { encoding: 'utf8' });
    const bytes = readFileSync(file);
    return `${stdout.trimEnd()}\nFilename: ./${name}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\n`;
  });
  const index = Buffer.from(stanzas.join('\n'));
  writeFileSync(join(folder, 'Packages'), index);
  const release = ['Origin: test', `Date: ${new Date().toUTCString()}`, 'Architectures: armhf', 'SHA256:'];
  writeFileSync(join(folder, 'Release'), [...release, ` ${sha256(index)} ${index.length} Packages`, ''].join('\n'));
  return new Map(packages.map(({ name, version }) => [name, version]));
}
