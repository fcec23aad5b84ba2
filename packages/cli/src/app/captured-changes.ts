// SPDX-License-Identifier: Apache-2.0
// Which changes of an installer are the program's. What it left in places for what passes is not, nor what it did where it was started.

import { dirname, posix } from 'node:path';
import type { WorkspaceChange } from '@plinth/sandbox';

/** Places of what passes, and of what tells about packages of this host. */
const PASSING = ['/var/tmp', '/var/cache', '/var/log', '/var/lib/apt', '/var/lib/dpkg'];
const PASSING_AT_HOME = ['.cache', '.npm'];

/** Where programs are looked for. */
const PROGRAM_DIRECTORY = /^(?:\/usr(?:\/local)?|\{home\}(?:\/\.local)?)\/(?:bin|sbin|games)$/;
const OTHER_PROGRAM_DIRECTORY = /\/s?bin$/;
/** Programs of what a program is made of, which nobody starts. */
const PRIVATE = /\/(?:lib|lib64|libexec|share|node_modules|src)\//;

export interface CapturePlaces {
  /** Where the installer was started, if what it leaves there is not taken. */
  readonly here: string | undefined;
  readonly home: string;
  /** What is taken all the same, at and below these paths. */
  readonly keep: readonly string[];
}

export interface LeftOut {
  /** A path. */
  readonly place: string;
  /** All but directories. */
  readonly files: number;
}

export class CapturedChanges {
  /** Paths. */
  readonly taken: ReadonlySet<string>;
  readonly leftOut: readonly LeftOut[];
  readonly #places: CapturePlaces;
  readonly #passing: readonly string[];

  constructor(changes: readonly WorkspaceChange[], places: CapturePlaces) {
    this.#places = places;
    const { here, home } = places;
    const atHome = PASSING_AT_HOME.map((name) => posix.join(home, name));
    this.#passing = [...(here === undefined ? [] : [here]), ...PASSING, ...atHome];
    const taken = new Set<string>();
    const counts = new Map<string, number>();
    for (const { shown, type } of changes) {
      const place = this.placeLeftOut(shown);
      if (place === undefined) taken.add(shown);
      else if (type !== 'directory') counts.set(place, (counts.get(place) ?? 0) + 1);
    }
    this.taken = taken;
    this.leftOut = [...counts].map(([place, files]) => ({ place, files }));
  }

  /** The place that a path is left out with. */
  placeLeftOut(path: string): string | undefined {
    const isIn = (place: string): boolean =>
      path === place || path.startsWith(place.endsWith('/') ? place : `${place}/`);
    return this.#places.keep.some(isIn) ? undefined : this.#passing.find(isIn);
  }
}

/**
 * Paths, as entries of a manifest have them, of what may be the program: what was added where programs are looked for, or else in
 * other directories of programs, or else what was changed.
 */
export function likelyPrograms(
  changes: readonly WorkspaceChange[],
  { taken }: CapturedChanges,
  home: string,
): string[] {
  const of = (wanted: WorkspaceChange['kind']): string[] =>
    changes
      .filter(({ kind, type, shown }) => kind === wanted && (type === 'file' || type === 'link') && taken.has(shown))
      .map(({ shown }) => entryOf(shown, home));
  const [added, changed] = [of('added'), of('changed')];
  const isProgram = (path: string): boolean => PROGRAM_DIRECTORY.test(dirname(path));
  const isOther = (path: string): boolean => OTHER_PROGRAM_DIRECTORY.test(dirname(path)) && !PRIVATE.test(path);
  const groups = [added.filter(isProgram), added.filter(isOther), changed.filter(isProgram)];
  return groups.find(({ length }) => length > 0) ?? [];
}

/** A path as a manifest has it: from `{home}` on, if it lies there. */
export function entryOf(path: string, home: string): string {
  return path.startsWith(`${home}/`) ? `{home}${path.slice(home.length)}` : path;
}

/** Where a layer has what lies at a path. */
export function layerPathOf(path: string, home: string): string {
  return path === home || path.startsWith(`${home}/`) ? `known/home${path.slice(home.length)}` : `root${path}`;
}
