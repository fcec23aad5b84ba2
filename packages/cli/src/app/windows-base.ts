// SPDX-License-Identifier: Apache-2.0
// The layer that all programs of Windows share: the distribution's Wine with what it needs, and a fresh prefix, made once and kept.
// Both are in one image, which holds Wine's libraries, and their copies in the prefix, only once.

import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import type { PackageOrigin } from '@plinth/sandbox';
import type { Progress } from '../host/progress.js';
import { run } from '../host/run-command.js';
import type { PrivateApt } from '../image/apt.js';
import { HostTools } from '../image/host-tools.js';
import { sha256 } from '../image/manifest.js';
import { keptFile } from './kept-file.js';
import { unpackPackages } from './package-tree.js';
import { makeImage } from './squash.js';

/** Where programs of Windows find their prefix of Wine, and what starts them. */
export const WINDOWS = { prefix: '/wine', drive: '/wine/drive_c', starter: '/usr/lib/plinth/windows' } as const;

/** Of every program of Windows. `WINEDLLOVERRIDES`: no entries in menus of the host, and no offers to bring .NET and a browser. */
export const WINDOWS_ENVIRONMENT: Readonly<Record<string, string>> = {
  WINEPREFIX: WINDOWS.prefix,
  WINEARCH: 'win64',
  WINELOADER: '/usr/lib/wine/wine64',
  WINEDLLOVERRIDES: 'winemenubuilder.exe,mscoree,mshtml=',
  // The name of C:\users\user, whoever it is: the registry is full of it.
  USER: 'user',
  // Debian's Wine has its server's socket there.
  TMPDIR: '/run',
};

const NAMES = ['wine64', 'dash', 'coreutils'];
const WINE_LIBRARIES = 'usr/lib/x86_64-linux-gnu/wine/x86_64-windows';
const MINGW_LIBRARIES = 'usr/x86_64-w64-mingw32/lib';

/**
 * Starts a program, and ends when the last one that it has started has: the server of Wine writes the registry when it ends, and
 * with this process all others end. Words from outside are Wine's business, so nothing is expanded.
 *
 * Wine's own `wineserver -k` kills a server that takes more than ten seconds to write; one that is only told (-k2) takes its time.
 * It is told once, since its patience with processes begins anew each time. A signal may go to all processes, so what asks for
 * the server (-k0) or waits for it (-w) may be ended by it, and is begun again.
 */
const STARTER = `#!/bin/sh
# Starts a program of Windows. SPDX-License-Identifier: Apache-2.0
bin=/usr/lib/wine
export WINEDEBUG="\${WINEDEBUG--all}"
child=
told=
# All processes of Wine end, and what is in the registry is written; $1 is the status. Who is not known to a server yet is told itself.
end_all() {
  told=$1
  "$bin/wineserver64" -k2
  [ -z "$child" ] || kill -s TERM "$child"
} 2>/dev/null
trap 'end_all 143' TERM
trap 'end_all 129' HUP
trap '' INT QUIT
# What waits in the background would get another input.
if [ -e "/proc/$$/fd/0" ]; then exec 3<&0; else exec 3</dev/null; fi
/usr/bin/env --default-signal=INT,QUIT "$bin/wine64" "$@" <&3 3<&- &
child=$!
exec 3<&-
[ -z "$told" ] || end_all "$told"
while :; do
  wait "$child" 2>/dev/null
  status=$?
  kill -0 "$child" 2>/dev/null || break
done
child=
while :; do
  "$bin/wineserver64" -k0
  [ $? -ne 1 ] || break
  [ -z "$told" ] || "$bin/wineserver64" -k2
  "$bin/wineserver64" -w &
  wait "$!" 2>/dev/null
done
rm -f "$WINEPREFIX/wineserver"
exit "\${told:-$status}"
`;

export interface WindowsBase {
  readonly image: string;
  readonly packages: readonly PackageOrigin[];
}

/** That of the cache, or a new one; `fresh` asks for that of today. */
export async function windowsBase(
  apt: () => Promise<PrivateApt>,
  fresh: boolean,
  progress: Progress,
): Promise<WindowsBase> {
  const { path, about } = await keptFile<readonly PackageOrigin[]>({
    name: 'windows',
    file: 'base.squashfs',
    fresh,
    recipe: sha256(Buffer.from(JSON.stringify([NAMES, WINDOWS, WINDOWS_ENVIRONMENT, STARTER]))),
    make: async (image, work) => makeBase(await apt(), image, work, progress),
  });
  return { image: path, packages: about };
}

async function makeBase(
  apt: PrivateApt,
  image: string,
  work: string,
  progress: Progress,
): Promise<readonly PackageOrigin[]> {
  const root = join(work, 'root');
  const { origins } = await unpackPackages(apt, { names: NAMES, files: [] }, root, progress);
  addCompressionLibrary(root);
  mkdirSync(join(root, 'usr/lib/plinth'));
  writeFileSync(join(root, WINDOWS.starter), STARTER);
  chmodSync(join(root, WINDOWS.starter), 0o755);
  using host = new HostTools(progress);
  progress.step('Making a prefix of Wine');
  await makePrefix(host, root);
  progress.step('Making the image of Wine and its prefix, which is kept');
  await makeImage(host, [root], image);
  return origins;
}

/**
 * What the package's script would do: a library of another package becomes one of Wine's own, which are known by a text behind
 * the header of MS-DOS (64 bytes), in the place of its program (dlls/ntdll/loader.c of Wine, `builtin_signature`).
 */
function addCompressionLibrary(root: string): void {
  const library = readFileSync(join(root, MINGW_LIBRARIES, 'zlib1.dll'));
  library.fill(0, 64, 96);
  library.write('Wine builtin DLL', 64, 'latin1');
  writeFileSync(join(root, WINE_LIBRARIES, 'zlib1.dll'), library);
}

const MOUNTED_IN_MEMORY = ['run', 'tmp', 'home'];

/** Wine makes it itself, in the tree that it will run in, without a network and a display. */
async function makePrefix(host: HostTools, root: string): Promise<void> {
  mkdirSync(join(root, WINDOWS.prefix));
  const { path, libraries } = await host.find('bwrap');
  const variables = { ...WINDOWS_ENVIRONMENT, HOME: '/home/user', PATH: '/usr/bin' };
  const isolation = ['--unshare-all', '--die-with-parent', '--clearenv', '--uid', '1000', '--gid', '1000'];
  const inMemory = MOUNTED_IN_MEMORY.flatMap((name) => ['--tmpfs', `/${name}`]);
  const places = ['--bind', root, '/', '--proc', '/proc', '--dev', '/dev', ...inMemory];
  const environmentInside = Object.entries(variables).flatMap(([name, value]) => ['--setenv', name, value]);
  const command = ['--', WINDOWS.starter, 'wineboot', '--init'];
  const args = [...isolation, ...places, ...environmentInside, ...command];
  const environment = libraries === '' ? {} : { LD_LIBRARY_PATH: libraries };
  const made = await run(path, args, { environment, missing: 'package bubblewrap is needed' });
  // They were places to mount at.
  for (const name of ['proc', 'dev', ...MOUNTED_IN_MEMORY]) rmSync(join(root, name), { recursive: true, force: true });
  if (made.status === 0) return;
  const [why = ''] = made.stderr.split('\n');
  throw new PlinthError(
    'host',
    'windows-prefix',
    `Wine cannot make its prefix here: ${why || `status ${made.status}`}`,
  );
}
