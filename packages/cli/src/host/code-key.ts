// SPDX-License-Identifier: Apache-2.0
// A key for what is made by code: a hash over the contents of the code itself. Sizes and times of files are not asked,
// since package managers and archives may keep both over a change; reading and hashing our rooms takes some 7 ms.

import { createHash, type Hash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Clocks of file systems are coarse: a file's change may be noted that much too early, in milliseconds. */
const CLOCK_SLACK = 100;

/** The folders with the built code of an installed package and of all packages that it depends on. */
export function codeFolders(name: string): string[] {
  const folders = new Set<string>();
  const visit = (dependency: string, from: string): void => {
    const main = createRequire(from).resolve(dependency);
    const folder = dirname(main);
    if (folders.has(folder)) return;
    folders.add(folder);
    const described = JSON.parse(readFileSync(join(folder, '..', 'package.json'), 'utf8')) as {
      readonly dependencies?: Readonly<Record<string, string>>;
    };
    for (const next of Object.keys(described.dependencies ?? {}).toSorted()) visit(next, main);
  };
  visit(name, import.meta.url);
  return [...folders];
}

/**
 * SHA-256 over the JavaScript in these folders, by content and by path within its folder. `undefined` if something there
 * has changed since `loaded` (milliseconds since 1970): what this process loaded may then be older than what lies there.
 * Throws what the file system throws.
 */
export function hashCode(folders: readonly string[], loaded: number): string | undefined {
  const hash = createHash('sha256');
  const unchanged = folders.every((folder, index) => {
    // The folder above is the package's: a whole package that is put in the place of another changes it.
    return addFolder(hash, folder, `${index}`, loaded) && isOlder(join(folder, '..'), loaded);
  });
  return unchanged ? hash.digest('hex') : undefined;
}

function addFolder(hash: Hash, folder: string, name: string, loaded: number): boolean {
  for (const entry of readdirSync(folder, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    const entryName = `${name}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!addFolder(hash, path, entryName, loaded)) return false;
    } else if (entry.name.endsWith('.js')) {
      const bytes = readFileSync(path);
      hash.update(`${entryName}\0${bytes.length}\0`).update(bytes);
      if (!isOlder(path, loaded)) return false;
    }
  }
  return isOlder(folder, loaded);
}

/** By the time of the last change to the inode, which no program can set. */
function isOlder(path: string, time: number): boolean {
  return statSync(path).ctimeMs < time - CLOCK_SLACK;
}
