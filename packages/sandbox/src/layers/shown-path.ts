// SPDX-License-Identifier: Apache-2.0
// How paths of layers, whose names are bytes, are told to people.

import type { FileName } from '@plinth/linux';

/** As UTF-8, or with what is none of it escaped as `\xNN`. */
export function shownPath(path: FileName): string {
  const bytes = Buffer.from(path, 'latin1');
  const utf8 = bytes.toString('utf8');
  if (Buffer.from(utf8).equals(bytes) && !utf8.includes('\\x')) return utf8;
  return path.replaceAll(/[^ -~]|\\/g, (byte) => `\\x${byte.codePointAt(0)!.toString(16).padStart(2, '0')}`);
}
