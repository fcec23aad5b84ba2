// SPDX-License-Identifier: Apache-2.0
// Checks the edges between rooms: a room imports only rooms above it in the list, by package name; the neutral ones no
// module of Node; nothing reaches across rooms by a relative path. The compiler and package.json check much of this
// too; here it is said in one place. Prints every wrong edge and leaves with 1 if there is one.

import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';

/** From the top down; ARCHITECTURE.md says what each holds. */
const ROOMS = [
  'core',
  'wasmgen',
  'match',
  'ebpf',
  'arm',
  'machine',
  'observe',
  'guards',
  'linux',
  'host',
  'sandbox',
  'web',
  'server',
  'cli',
];
const NEUTRAL = new Set(['core', 'wasmgen', 'match', 'ebpf', 'arm', 'machine', 'observe', 'guards']);
/** Folders of other rooms that are neutral too, so that a page can use them: `core` and themselves are all that they import. */
const NEUTRAL_FOLDERS = ['sandbox/src/registry'];
/** Tests and what they share may use the test runner, and Node wherever they stand. */
const TEST_FILE = /\.test\.ts$|\/testing\/[^/]+\.ts$/;

const root = resolve(import.meta.dirname, '..');
const wrong = [];
let edges = 0;

for (const room of readdirSync(join(root, 'packages'))) {
  if (!ROOMS.includes(room)) wrong.push(`packages/${room}: not in the list of rooms in scripts/check-imports.mjs`);
  else checkRoom(room);
}
for (const line of wrong) console.error(line);
if (wrong.length > 0) process.exit(1);
console.log(`imports: ${edges} edges between files and rooms, none wrong`);

function checkRoom(room) {
  const source = join(root, 'packages', room, 'src');
  const { dependencies = {} } = JSON.parse(readFileSync(join(root, 'packages', room, 'package.json'), 'utf8'));
  for (const name of readdirSync(source, { recursive: true })) {
    if (!name.endsWith('.ts')) continue;
    const file = join(source, name);
    for (const target of imports(readFileSync(file, 'utf8'))) {
      edges++;
      const complaint = judge(room, file, source, target, dependencies);
      if (complaint !== undefined) wrong.push(`${relative(root, file)}: ${target}: ${complaint}`);
    }
  }
}

/** Static, re-exporting and dynamic imports; a module's name in a comment does no harm. */
function imports(text) {
  const matches = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s+(?:type\s+)?(?:[\w$*{},\s]+?\s+from\s+)?['"]([^'"\n]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g,
  );
  return [...matches].map((match) => match[1] ?? match[2]);
}

function judge(room, file, source, target, dependencies) {
  const test = TEST_FILE.test(file);
  const neutral = NEUTRAL_FOLDERS.map((name) => `${join(root, 'packages', name)}/`).find((path) =>
    file.startsWith(path),
  );
  if (neutral !== undefined && !test) {
    const inside = target.startsWith('.')
      ? resolve(dirname(file), target).startsWith(neutral)
      : target === '@plinth/core';
    if (!inside) return 'a neutral folder imports itself and core';
  }
  if (target.startsWith('.')) {
    const inside = resolve(dirname(file), target).startsWith(`${source}/`);
    return inside ? undefined : 'a relative path leaves the room: import the package';
  }
  if (target.startsWith('node:') || builtinModules.includes(target)) {
    return NEUTRAL.has(room) && !test ? 'a neutral room uses no module of Node' : undefined;
  }
  const other = /^@plinth\/([a-z]+)$/.exec(target)?.[1];
  if (other !== undefined) {
    const above = ROOMS.indexOf(other) >= 0 && ROOMS.indexOf(other) < ROOMS.indexOf(room);
    if (!above)
      return `${room} may import only what stands above it: ${ROOMS.slice(0, ROOMS.indexOf(room)).join(', ')}`;
  } else if (test) return undefined; // the root's development dependencies
  if (target.startsWith('virtual:'))
    return room === 'web' ? undefined : 'only vite.config.ts of web makes such modules';
  const packageName = target.split('/', target.startsWith('@') ? 2 : 1).join('/');
  return packageName in dependencies ? undefined : `not among the dependencies in packages/${room}/package.json`;
}
