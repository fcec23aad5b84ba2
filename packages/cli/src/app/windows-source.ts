// SPDX-License-Identifier: Apache-2.0
// A program of Windows: Wine and its prefix as one layer, which all of them share, and over it the program's own files.

import { constants, cpSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PlinthError } from '@plinth/core';
import type { Progress } from '../host/progress.js';
import { HostTools } from '../image/host-tools.js';
import type { LazyApt } from './lazy-apt.js';
import type { LayerFiles, PackSource, SourceFiles } from './pack-source.js';
import { listImage } from './squash.js';
import { WINDOWS, WINDOWS_ENVIRONMENT, type WindowsBase, windowsBase } from './windows-base.js';
import { DriveNames, namesOnDrive, placeOnDrive } from './windows-paths.js';

const DRIVE = `root${WINDOWS.drive}/`;
/** Where Windows looks for a program that is given by its name only. */
const SYSTEM = ['windows/system32', 'windows'];

export class WindowsSource implements PackSource {
  readonly #directory: string | undefined;
  readonly #at: readonly string[];
  readonly #archive: LazyApt;
  readonly #fresh: boolean;

  /** A directory that is found at `at`, or nothing: Wine has programs too. @throws PlinthError `pack-source`, `windows-path` (input) */
  constructor(directory: string | undefined, at: string, archive: LazyApt, fresh: boolean) {
    if (directory !== undefined && statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new PlinthError('input', 'pack-source', `${directory}: there is no such directory`);
    this.#directory = directory;
    this.#at = placeOnDrive(at, '--at');
    this.#archive = archive;
    this.#fresh = fresh;
  }

  async files(work: string, progress: Progress): Promise<SourceFiles> {
    const base = await windowsBase(() => this.#archive.get(), this.#fresh, progress);
    const names = await namesOf(base, progress);
    const drive = join(work, 'root', WINDOWS.drive);
    const own = this.#directory === undefined ? [] : [this.#copy(this.#directory, new DriveNames(names), work, drive)];
    const all = new DriveNames([...names, ...(own.length === 0 ? [] : namesBelow(drive))]);
    return {
      layers: [{ image: base.image }, ...own],
      version: base.packages.find(({ name }) => name === 'wine64')?.version ?? '0',
      packages: base.packages,
      unconfigured: [],
      programs: [],
      findProgram: (path) => (hasProgram(all, path) ? path : undefined),
      isolation: {},
      environment: WINDOWS_ENVIRONMENT,
      windows: WINDOWS,
    };
  }

  #copy(directory: string, base: DriveNames, work: string, drive: string): LayerFiles {
    const to = join(drive, ...base.spell(this.#at));
    mkdirSync(dirname(to), { recursive: true });
    cpSync(directory, to, {
      recursive: true,
      verbatimSymlinks: true,
      preserveTimestamps: true,
      mode: constants.COPYFILE_FICLONE,
    });
    return { parts: [join(work, 'root')], leftOut: [] };
  }

  [Symbol.dispose](): void {
    // The copy goes with the directory that it is in.
  }
}

/** Of what lies on drive C: of the base. */
async function namesOf(base: WindowsBase, progress: Progress): Promise<string[]> {
  using tools = new HostTools(progress);
  const names = await listImage(tools, base.image, { offset: 0, bytes: 0 });
  return names.filter((name) => name.startsWith(DRIVE)).map((name) => name.slice(DRIVE.length));
}

function namesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' });
}

/** With or without `.exe`, as Windows has it. */
function hasProgram(names: DriveNames, program: string): boolean {
  const asPath = namesOnDrive(program);
  const places = asPath === undefined ? SYSTEM.map((place) => [...place.split('/'), program]) : [asPath];
  return places.some((place) => names.has(place) || names.has([...place.slice(0, -1), `${place.at(-1)}.exe`]));
}
