// SPDX-License-Identifier: Apache-2.0
// The target of a request as a server sees it (RFC 9112, section 3.2; RFC 3986), with what Suricata makes of odd ones: of an absolute
// target the host apart, the path percent-decoded, backslashes as slashes, rows of slashes as one, UTF-8 as single bytes, and `.` and `..`
// resolved. Of query and fragment only percent signs are decoded. Broken escapes stay as they are.

import { latin1 } from '@plinth/core';
import { bytesOf } from './buffer-view.js';

export interface NormalUri {
  /** Path, query and fragment. */
  readonly text: Uint8Array;
  /** The name of the host in an absolute target, in small letters; undefined if there is none. */
  readonly host: string | undefined;
}

/** What stands for characters that are no byte. */
const REPLACEMENT = '?';

export function normalizeUri(raw: Uint8Array): NormalUri {
  const { authority, rest } = partsOf(latin1(raw));
  const [, path, query, fragment] = /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(rest)!;
  const normal =
    removeDots(bytesOfUtf8(decodePath(path!))) +
    (query === undefined ? '' : `?${decodeHex(query)}`) +
    (fragment === undefined ? '' : `#${decodeHex(fragment)}`);
  const host = authority === undefined ? '' : hostOfAuthority(decodeHex(authority.replace(/^.*@/s, ''))).toLowerCase();
  return { text: bytesOf(normal), host: host === '' ? undefined : host };
}

/** Whatever stands before a colon is a scheme, if the target does not begin with a slash; only behind one is there an authority. */
function partsOf(text: string): { authority?: string; rest: string } {
  if (text.startsWith('/')) return { rest: text };
  const colon = text.indexOf(':');
  if (colon < 0) return { rest: text };
  const behind = text.slice(colon + 1);
  const authority = /^\/\/([^/?#]*)/.exec(behind);
  return authority === null ? { rest: behind } : { authority: authority[1]!, rest: behind.slice(authority[0].length) };
}

/** Without its port. */
export function hostOfAuthority(text: string): string {
  return /^(\[[^\]]*\]|[^:]*)/.exec(text.trim())![1]!;
}

function decodeHex(text: string): string {
  return text.replaceAll(/%([0-9a-fA-F]{2})/g, (_, digits: string) => char(Number.parseInt(digits, 16)));
}

function decodePath(text: string): string {
  return text
    .replaceAll(/%(?:u([0-9a-fA-F]{4})|([0-9a-fA-F]{2}))/g, (_, wide: string | undefined, narrow: string) =>
      wide === undefined ? char(Number.parseInt(narrow, 16)) : narrowed(Number.parseInt(wide, 16)),
    )
    .replaceAll('\\', '/')
    .replaceAll(/\/{2,}/g, '/');
}

function char(code: number): string {
  return String.fromCharCode(code);
}

/** A byte, or the ASCII letter that looks like a wide one or like one with an accent. */
function narrowed(code: number): string {
  if (code < 0x100) return char(code);
  const base = String.fromCodePoint(code).normalize('NFKD').codePointAt(0)!;
  return base < 0x80 ? char(base) : REPLACEMENT;
}

/** Characters in UTF-8, also in longer forms than they need, as bytes. Of a broken one its beginning is replaced. */
function bytesOfUtf8(text: string): string {
  if (!/[\x80-\xff]/.test(text)) return text;
  let out = '';
  for (let at = 0; at < text.length;) {
    const lead = text.charCodeAt(at);
    const more = lead < 0x80 ? 0 : lead < 0xc0 || lead > 0xf4 ? -1 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    let code = more <= 0 ? lead : lead & (0x3f >> more);
    let read = 1;
    while (read <= more && (text.charCodeAt(at + read) & 0xc0) === 0x80) {
      code = (code << 6) | (text.charCodeAt(at + read++) & 0x3f);
    }
    at += read;
    if (more >= 0 && read > more) out += narrowed(code);
    // What ends in the middle of a character leaves nothing of it.
    else if (more < 0 || at < text.length) out += REPLACEMENT;
  }
  return out;
}

/** RFC 3986, section 5.2.4, without leaving the root; what ends with dots loses the slashes around them. */
function removeDots(path: string): string {
  if (!path.includes('/.') && !path.startsWith('.')) return path;
  const kept: string[] = [];
  for (const segment of path.replace(/(\/\.\.?)\/$/, '$1').split('/')) {
    if (segment === '..') {
      if (kept.length > 1 || (kept.length === 1 && kept[0] !== '')) kept.pop();
    } else if (segment !== '.') kept.push(segment);
  }
  return kept.join('/');
}
