// SPDX-License-Identifier: Apache-2.0
// Paths of Windows on the drive C: of a prefix, whose names keep their spelling and are found in any.

import { PlinthError } from '@plinth/core';

/** The names on the way to a path such as `C:\Program Files\App`; nothing for what is no absolute path of drive C:. */
export function namesOnDrive(path: string): readonly string[] | undefined {
  const [, rest] = /^c:[\\/](.*)$/is.exec(path) ?? [];
  return rest?.split(/[\\/]+/).filter((name) => name !== '');
}

/** The same, for names that files can have. `option` is named in messages. @throws PlinthError `windows-path` (input) */
export function placeOnDrive(path: string, option: string): readonly string[] {
  const names = namesOnDrive(path);
  if (names === undefined)
    throw new PlinthError('input', 'windows-path', String.raw`${option} ${path}: a path such as C:\App is wanted`);
  // [MS-FSCC] 2.1.5.2: what no name of a file has.
  const wrong = names.find((name) => name === '.' || name === '..' || /[<>:"|?*\p{Cc}]|[. ]$/u.test(name));
  if (wrong !== undefined)
    throw new PlinthError('input', 'windows-path', `${option} ${path}: no file can be named "${wrong}"`);
  return names;
}

/** Names of files in any spelling. */
export class DriveNames {
  readonly #spelt = new Map<string, string>();

  /** `names` are paths with slashes from the drive's root on, those of directories first. */
  constructor(names: Iterable<string>) {
    for (const name of names) this.#spelt.set(name.toLowerCase(), name);
  }

  has(names: readonly string[]): boolean {
    return this.#spelt.has(names.join('/').toLowerCase());
  }

  /** As directories that are there already are spelt. */
  spell(names: readonly string[]): readonly string[] {
    const spelt: string[] = [];
    for (const name of names) {
      const known = this.#spelt.get([...spelt, name].join('/').toLowerCase());
      spelt.push(known?.slice(known.lastIndexOf('/') + 1) ?? name);
    }
    return spelt;
  }
}
