// SPDX-License-Identifier: Apache-2.0
// A program of Windows: Wine and its prefix as one layer, which all of them share, and over it the program's own files.

import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { mergedTexts, type PrefixRule } from '@plinth/sandbox';
import type { Progress } from '../host/progress.js';
import { HostTools } from '../image/host-tools.js';
import { bundleTools } from './bundle-tools.js';
import type { Captured } from './describe-captured.js';
import { copyDirectory } from './directory-source.js';
import type { LazyApt } from './lazy-apt.js';
import type { LayerFiles, PackSource, SourceFiles } from './pack-source.js';
import { listImage } from './squash.js';
import { WINDOWS, WINDOWS_ENVIRONMENT, type WindowsBase, windowsBase } from './windows-base.js';
import { captureWindows, type WindowsCapture } from './windows-capture.js';
import { DriveNames, namesOnDrive, placeOnDrive } from './windows-paths.js';
import { imageTexts, readHives } from './windows-registry.js';

const DRIVE = `root${WINDOWS.drive}/`;
/** Where Windows looks for a program that is given by its name only. */
const SYSTEM = ['windows/system32', 'windows'];

/** What is laid over the base: a directory that is found at `at`, what an installer writes, or nothing, since Wine has programs too. */
export type WindowsFiles =
  | { readonly kind: 'directory'; readonly path: string; readonly at: string }
  | ({ readonly kind: 'capture' } & WindowsCapture)
  | { readonly kind: 'none' };

export interface WindowsOptions {
  /** Wine of today, instead of that of the cache. */
  readonly fresh: boolean;
  /** Which keys of a fresh prefix are there. */
  readonly rules: readonly PrefixRule[];
}

interface OwnFiles {
  readonly layers: readonly LayerFiles[];
  /** On drive C:. */
  readonly names: readonly string[];
  readonly captured?: Captured;
}

export class WindowsSource implements PackSource {
  readonly #files: WindowsFiles;
  readonly #archive: LazyApt;
  readonly #options: WindowsOptions;

  /** @throws PlinthError `pack-source`, `windows-path` (input) */
  constructor(files: WindowsFiles, archive: LazyApt, options: WindowsOptions) {
    if (files.kind === 'directory') {
      if (statSync(files.path, { throwIfNoEntry: false })?.isDirectory() !== true)
        throw new PlinthError('input', 'pack-source', `${files.path}: there is no such directory`);
      placeOnDrive(files.at, '--at');
    }
    this.#files = files;
    this.#archive = archive;
    this.#options = options;
  }

  async files(work: string, progress: Progress): Promise<SourceFiles> {
    const base = await windowsBase(() => this.#archive.get(), this.#options.fresh, progress);
    const below = await namesOf(base, progress);
    const { layers, names, captured } = await this.#own(base, new DriveNames(below), work, progress);
    const all = new DriveNames([...below, ...names]);
    const ruled = await this.#ruled(base, layers, work, progress);
    return {
      layers: [{ image: base.image }, ...layers, ...ruled],
      version: base.packages.find(({ name }) => name === 'wine64')?.version ?? '0',
      packages: base.packages,
      unconfigured: [],
      programs: likelyPrograms(names),
      findProgram: (path) => (hasProgram(all, path) ? path : undefined),
      isolation: {},
      environment: WINDOWS_ENVIRONMENT,
      windows: WINDOWS,
      ...(captured === undefined ? {} : { captured }),
    };
  }

  async #own(base: WindowsBase, below: DriveNames, work: string, progress: Progress): Promise<OwnFiles> {
    const files = this.#files;
    if (files.kind === 'none') return { layers: [], names: [] };
    if (files.kind === 'directory') {
      const drive = join(work, 'root', WINDOWS.drive);
      copyDirectory(files.path, join(drive, ...below.spell(placeOnDrive(files.at, '--at'))));
      return { layers: [{ parts: [join(work, 'root')], leftOut: [] }], names: namesBelow(drive) };
    }
    const tools = await bundleTools(() => this.#archive.get(), false, progress);
    progress.step(`Running ${files.command}`);
    progress.done();
    const { layer, names, captured } = await captureWindows(files, base, tools, work);
    return { layers: [layer], names, captured };
  }

  /** Where rules take something from the registry that the program would find, a layer with what is left. */
  async #ruled(
    base: WindowsBase,
    layers: readonly LayerFiles[],
    work: string,
    progress: Progress,
  ): Promise<LayerFiles[]> {
    const { rules } = this.#options;
    if (rules.length === 0) return [];
    using tools = new HostTools(progress);
    const texts = await imageTexts(tools, base.image, [{ offset: 0, bytes: 0 }], WINDOWS.prefix);
    const hives = layers.flatMap(({ parts }) => parts.filter((part) => basename(part) === 'registry').map(readHives));
    const root = join(work, 'ruled', 'root');
    mkdirSync(join(root, WINDOWS.prefix), { recursive: true });
    for (const [name, text] of Object.entries(mergedTexts(texts, hives, base.image, rules)))
      writeFileSync(join(root, WINDOWS.prefix, name), text);
    return [{ parts: [root], leftOut: [] }];
  }

  [Symbol.dispose](): void {
    // The copies go with the directory that they are in.
  }
}

/** What an installer brings and its user starts: not what removes it again. */
function likelyPrograms(names: readonly string[]): string[] {
  const programs = names.filter((name) => /^Program Files\/.*\.exe$/i.test(name) && !/unins[^/]*$/i.test(name));
  return programs.map((name) => `C:\\${name.replaceAll('/', '\\')}`);
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
