// SPDX-License-Identifier: Apache-2.0
// Where a program of the host is, by its name.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** In the first directory of the search path that has it; undefined if none has. */
export function programPath(name: string): string | undefined {
  const paths = (process.env['PATH'] ?? '').split(delimiter).map((directory) => join(directory, name));
  return paths.find(mayExecute);
}

function mayExecute(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
