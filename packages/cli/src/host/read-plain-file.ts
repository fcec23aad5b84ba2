// SPDX-License-Identifier: Apache-2.0
// Reads what programs that nobody trusts have left: any of it may be a link to elsewhere, a pipe that nobody writes to, or endless.

import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/** Its bytes, if the last name of the path is a plain file of at most `most` bytes. */
export function readPlainFile(path: string, most: number): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined; // it is not there, a link, or locked away
  }
  try {
    const stats = fstatSync(fd);
    return stats.isFile() && stats.size <= most ? readFileSync(fd) : undefined;
  } finally {
    closeSync(fd);
  }
}
