// SPDX-License-Identifier: Apache-2.0
// Runs an installer of Windows, with Wine and its fresh prefix as a program in one file that nobody keeps, and gives what it has
// written on drive C: and in the registry as a layer.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { nativeCalls, nativeFileCalls } from '@plinth/linux';
import { type BundleManifest, BundleState, FileSource, type LayerEntry, readBundle } from '@plinth/sandbox';
import { passThrough } from '../host/run-command.js';
import { writeBundleFile } from './bundle-file.js';
import type { BundleTools } from './bundle-tools.js';
import { type Captured, summaryOf } from './describe-captured.js';
import type { LeftOut } from './captured-changes.js';
import type { LayerFiles } from './pack-source.js';
import { stateLayer } from './state-layer.js';
import { WINDOWS, WINDOWS_ENVIRONMENT, type WindowsBase } from './windows-base.js';
import { writeHives } from './windows-registry.js';

/** What installers leave behind, and nobody wants. */
const PASSING = ['.update-timestamp', 'drive_c/users/user/Temp', 'drive_c/windows/temp'];

export interface WindowsCapture {
  /** As `cmd /c` of Windows takes it; it begins where we were started. */
  readonly command: string;
  readonly network: BundleManifest['network'];
}

export interface CapturedDrive {
  readonly layer: LayerFiles;
  /** What it has written on drive C:, with slashes, from its root on. */
  readonly names: readonly string[];
  readonly captured: Captured;
}

/** `work` is empty, and its file system has room for a copy of the base. @throws PlinthError `capture` (input) if the command fails */
export async function captureWindows(
  { command, network }: WindowsCapture,
  base: WindowsBase,
  tools: BundleTools,
  work: string,
): Promise<CapturedDrive> {
  const [file, directory] = [join(work, 'installer.plinth'), join(work, 'state')];
  writeBundleFile(file, work, {
    manifest: {
      format: 1,
      name: 'installer',
      version: '0',
      created: new Date().toISOString(),
      architecture: 'x86-64',
      entry: WINDOWS.starter,
      arguments: ['cmd', '/c'],
      environment: WINDOWS_ENVIRONMENT,
      isolation: {},
      others: 'write-copy',
      network,
      display: true,
      prefix: WINDOWS.prefix,
      state: 'user',
      packages: base.packages,
      tools: tools.tools,
    },
    tools: { path: tools.path },
    layers: [{ path: base.image }],
  });
  const status = await passThrough(
    '/bin/sh',
    [file, '--plinth-state', directory, '--plinth-run', command],
    process.cwd(),
  );
  if (status !== 0)
    throw new PlinthError(
      'input',
      'capture',
      `--capture: ${command}: it ended with status ${status}, so nothing is packed`,
    );
  using source = new FileSource(file);
  using state = new BundleState(nativeCalls(), nativeFileCalls(), directory);
  const entries = state.entries();
  const prefix = `root${WINDOWS.prefix}`;
  const isPassing = (path: string): boolean =>
    PASSING.some((name) => path === `${prefix}/${name}` || path.startsWith(`${prefix}/${name}/`));
  const own = entries.filter(({ layerPath }) => layerPath.startsWith(`${prefix}/`) && !isPassing(layerPath));
  const lists = join(work, 'lists');
  mkdirSync(lists);
  const { parts, leftOut } = stateLayer(state.upper, own, lists);
  const hives = writeHives(readBundle(source, file), state, work);
  const drive = `${prefix}/drive_c/`;
  return {
    layer: {
      parts: [...parts, ...hives],
      leftOut: [...leftOut, ...PASSING.map((name) => join(state.upper, prefix, name))],
    },
    names: own.flatMap(({ layerPath }) => (layerPath.startsWith(drive) ? [layerPath.slice(drive.length)] : [])),
    captured: summaryOf(own, elsewhere(entries), false),
  };
}

/** By the directories of the root, and folders, that they are in. */
function elsewhere(entries: readonly LayerEntry[]): LeftOut[] {
  const counts = new Map<string, number>();
  for (const { layerPath, kind } of entries) {
    const place = layerPath.split('/').slice(1, 2).join('/');
    if (kind === 'directory' || layerPath.startsWith(`root${WINDOWS.prefix}/`)) continue;
    const shown = layerPath.startsWith('root/') ? `/${place}` : `{${place}}`;
    counts.set(shown, (counts.get(shown) ?? 0) + 1);
  }
  return [...counts].map(([place, files]) => ({ place, files }));
}
