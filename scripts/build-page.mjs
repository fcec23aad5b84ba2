// SPDX-License-Identifier: Apache-2.0
// Builds the page that `plinth serve` serves, unless it is newer than all that it is made of. Called after `tsc -b`, since
// the page's machine is the built one.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const web = join(root, 'packages', 'web');
const page = join(web, 'dist', 'page', 'index.html');
const parts = [
  ...['core', 'wasmgen', 'arm', 'machine'].map((room) => join(root, 'packages', room, 'dist')),
  ...['src', 'public', 'index.html', 'vite.config.ts', 'package.json'].map((name) => join(web, name)),
  join(root, 'package-lock.json'),
];

if (newest(parts) >= (modified(page) ?? 0)) {
  const { build } = await import('vite');
  await build({ root: web, configFile: join(web, 'vite.config.ts'), logLevel: 'warn' });
}

function newest(paths) {
  return Math.max(...paths.map((path) => newestOf(path)));
}

function newestOf(path) {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return 0;
  if (!status.isDirectory()) return path.endsWith('.tsbuildinfo') ? 0 : status.mtimeMs;
  return newest(readdirSync(path).map((name) => join(path, name)));
}

function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}
