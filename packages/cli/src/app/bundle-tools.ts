// SPDX-License-Identifier: Apache-2.0
// What a program in one file brings to start itself with: the distribution's own programs, with the dynamic linker and the libraries
// that they need, as a tar. They are taken from signed packages when the first file is packed, and kept in the cache.

import { copyFileSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import type { BundleTool } from '@plinth/sandbox';
import type { Progress } from '../host/progress.js';
import { run } from '../host/run-command.js';
import type { PrivateApt } from '../image/apt.js';
import { sha256 } from '../image/manifest.js';
import { keptFile } from './kept-file.js';
import { unpackPackages } from './package-tree.js';

/** Each with the package that has it. */
const PROGRAMS = {
  bwrap: 'bubblewrap',
  env: 'coreutils',
  flock: 'util-linux',
  mount: 'mount',
  setpriv: 'util-linux',
  squashfuse_ll: 'squashfuse',
  unshare: 'util-linux',
  unsquashfs: 'squashfs-tools',
} as const;

const LOADER = 'ld-linux-x86-64.so.2';
const LIBRARIES = 'usr/lib/x86_64-linux-gnu';

export interface BundleTools {
  /** A tar. */
  readonly path: string;
  readonly tools: readonly BundleTool[];
}

/** Those of the cache; `apt` is only made where there are none, or if `fresh` asks for those of today. */
export async function bundleTools(
  apt: () => Promise<PrivateApt>,
  fresh: boolean,
  progress: Progress,
): Promise<BundleTools> {
  const make = async (tar: string, work: string): Promise<BundleTool[]> => makeTools(await apt(), tar, work, progress);
  const { path, about } = await keptFile({ name: 'bundle', file: 'tools.tar', fresh, make });
  return { path, tools: about };
}

async function makeTools(apt: PrivateApt, archive: string, work: string, progress: Progress): Promise<BundleTool[]> {
  progress.step('Bringing the programs that each file starts with');
  const root = join(work, 'root');
  const names = [...new Set(Object.values(PROGRAMS))];
  const { origins, owners } = await unpackPackages(apt, { names, files: [] }, root, progress);
  const tree = join(work, 'tree');
  for (const path of ['bin', 'lib', 'copyright']) mkdirSync(join(tree, path), { recursive: true });
  const tools: BundleTool[] = [];
  const put = (from: string, path: string): void => {
    copyFileSync(realpathSync(from), join(tree, path));
    const owner = owners.get(from.slice(root.length)) ?? '';
    const { version = '' } = origins.find(({ name }) => name === owner) ?? {};
    tools.push({ path, package: owner, version, sha256: sha256(readFileSync(join(tree, path))) });
  };
  const loader = join(root, LIBRARIES, LOADER);
  const libraries = new Map<string, string>();
  for (const name of Object.keys(PROGRAMS)) {
    const program = join(root, 'usr/bin', name);
    put(program, `bin/${name}`);
    for (const [library, path] of await librariesOf(loader, join(root, LIBRARIES), program))
      libraries.set(library, path);
  }
  put(loader, LOADER);
  for (const [library, path] of libraries) put(path, `lib/${library}`);
  for (const { name } of origins) copyright(root, name, join(tree, 'copyright', name));
  const options = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--format=ustar'];
  const made = await run('tar', [...options, '-cf', archive, '-C', tree, '.'], { missing: 'tar is needed' });
  if (made.status !== 0) throw new PlinthError('host', 'bundle-tools', `tar: ${made.stderr.split('\n')[0]}`);
  return tools;
}

/** By its dynamic linker: names as programs ask for them, and paths. */
async function librariesOf(loader: string, directory: string, program: string): Promise<Map<string, string>> {
  const { status, stdout, stderr } = await run(loader, ['--library-path', directory, '--list', program], {
    missing: 'this host cannot run programs of Debian’s amd64',
  });
  const found = [...stdout.matchAll(/^\s*(\S+) => (\S+) \(0x/gm)].map(
    ([, name = '', path = '']) => [name, path] as const,
  );
  const strange = found.find(([, path]) => !path.startsWith(directory));
  if (status !== 0 || strange !== undefined) {
    const why = strange === undefined ? stderr.split('\n')[0] : `${strange[0]} is in none of its packages`;
    throw new PlinthError('host', 'bundle-tools', `${program}: ${why}`);
  }
  return new Map(found.filter(([name]) => name !== LOADER && !name.startsWith('/')));
}

/** Its licence goes with it. */
function copyright(root: string, name: string, to: string): void {
  try {
    copyFileSync(realpathSync(join(root, 'usr/share/doc', name, 'copyright')), to);
  } catch {
    // A few packages have theirs in another one's directory, which is here too.
  }
}
