// SPDX-License-Identifier: Apache-2.0
// What an entry of a directory is.

import { type FileStatus, MODE } from '@plinth/linux';

export type EntryType = 'file' | 'directory' | 'link' | 'device' | 'pipe' | 'socket';

export function typeOf({ mode }: Pick<FileStatus, 'mode'>): EntryType {
  switch (mode & MODE.type) {
    case MODE.file:
      return 'file';
    case MODE.directory:
      return 'directory';
    case MODE.link:
      return 'link';
    case MODE.pipe:
      return 'pipe';
    default:
      return (mode & MODE.type) === MODE.socket ? 'socket' : 'device';
  }
}
