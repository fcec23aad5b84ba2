// SPDX-License-Identifier: Apache-2.0
// The target of a request as a server sees it (RFC 9112, section 3.2; RFC 3986): of an absolute one the authority apart, the path
// percent-decoded, backslashes as slashes, rows of slashes as one, and `.` and `..` resolved. The query is decoded, too. Broken
// escapes stay as they are, as Suricata has it.

import { latin1 } from '@plinth/core';
import { bytesOf } from './buffer-view.js';

export interface NormalUri {
  /** Path, query and fragment. */
  readonly text: Uint8Array;
  /** User information, host and port of an absolute target. */
  readonly authority: Uint8Array | undefined;
}

export function normalizeUri(raw: Uint8Array): NormalUri {
  const text = latin1(raw);
  const absolute = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)/.exec(text);
  const rest = absolute === null ? text : text.slice(absolute[0].length);
  const [, path, query, fragment] = /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(rest)!;
  const normal =
    removeDots(decode(path!)) +
    (query === undefined ? '' : `?${decode(query)}`) +
    (fragment === undefined ? '' : `#${fragment}`);
  return { text: bytesOf(normal), authority: absolute === null ? undefined : bytesOf(absolute[1]!) };
}

function decode(text: string): string {
  return text
    .replaceAll(/%(?:u([0-9a-fA-F]{4})|([0-9a-fA-F]{2}))/g, (_, wide: string | undefined, narrow: string) => {
      if (wide === undefined) return String.fromCharCode(Number.parseInt(narrow, 16));
      return String.fromCharCode(bestFit(Number.parseInt(wide, 16)));
    })
    .replaceAll('\\', '/')
    .replaceAll(/\/{2,}/g, '/');
}

/** The ASCII letter that looks like a wide one (U+FF01 to U+FF5E), or a question mark for what is no byte. */
function bestFit(code: number): number {
  if (code < 0x100) return code;
  return code >= 0xff01 && code <= 0xff5e ? code - 0xfee0 : 0x3f;
}

/** RFC 3986, section 5.2.4, without leaving the root. */
function removeDots(path: string): string {
  if (!path.includes('/.') && !path.startsWith('.')) return path;
  const kept: string[] = [];
  const segments = path.split('/');
  segments.forEach((segment, n) => {
    const isLast = n === segments.length - 1;
    if (segment === '..') {
      if (kept.length > 1 || (kept.length === 1 && kept[0] !== '')) kept.pop();
    } else if (segment !== '.') {
      kept.push(segment);
      return;
    }
    // What ends with dots is a directory.
    if (isLast) kept.push('');
  });
  return kept.join('/');
}
