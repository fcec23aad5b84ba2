// SPDX-License-Identifier: Apache-2.0
// Lists the members of a tar archive (POSIX.1-2017 pax and ustar, with GNU's long names and big numbers) without reading
// their data. Archives come from outside: whatever is odd is a typed error. What members may do is judged in root-tree.ts.

import { PlinthError } from '@plinth/core';

export type TarKind = 'file' | 'hard link' | 'symlink' | 'device' | 'directory' | 'fifo';

export interface TarMember {
  readonly path: string;
  readonly kind: TarKind;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since 1970. */
  readonly mtime: number;
  /** Of a symlink or a hard link. */
  readonly target: string;
  /** Where the data lies in the archive. */
  readonly offset: number;
  readonly size: number;
  /** The pax record of the file's capabilities, if it has some; raw bytes. */
  readonly capability?: Uint8Array;
}

/** Gives `length` bytes at `offset`, fewer at the end. */
export type ReadAt = (offset: number, length: number) => Uint8Array;

const BLOCK = 512;
/** Of names and pax records; more is an attack on memory. */
const LONGEST_EXTENSION = 1 << 20;
const KINDS: Readonly<Record<string, TarKind>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'hard link',
  '2': 'symlink',
  '3': 'device',
  '4': 'device',
  '5': 'directory',
  '6': 'fifo',
};
export const CAPABILITY_RECORD = 'SCHILY.xattr.security.capability';

/** `name` is that of the archive, for errors. */
export function* readTar(readAt: ReadAt, name: string): Generator<TarMember> {
  const wrong = (detail: string): PlinthError => new PlinthError('input', 'tar', `${name}: no usable tar: ${detail}`);
  let global: Records = new Map();
  let local: Records = new Map();
  let longName: string | undefined;
  let longTarget: string | undefined;
  let any = false;
  for (let at = 0; ;) {
    const header = Buffer.from(readAt(at, BLOCK));
    if (header.length === 0 && any) return; // the two blocks of zeros may be missing
    if (header.length < BLOCK) throw wrong(any ? 'it is cut off' : 'it is too short');
    if (header.every((byte) => byte === 0)) return;
    if (!checksumHolds(header)) throw wrong(`no header at byte ${at}: it is damaged, or of another format`);
    any = true;
    const headerSize = number(header, 124, 12);
    const size = local.has('size') ? Number(text(local.get('size'))) : headerSize;
    if (!Number.isSafeInteger(size) || size < 0) throw wrong(`a member at byte ${at} has no proper size`);
    const offset = at + BLOCK;
    const type = String.fromCharCode(header[156] ?? 0);
    at = offset + Math.ceil(size / BLOCK) * BLOCK;
    if ('xgLK'.includes(type)) {
      if (size > LONGEST_EXTENSION) throw wrong('an extended header is too long');
      const data = readAt(offset, size);
      if (data.length < size) throw wrong('it is cut off');
      if (type === 'x' || type === 'g') {
        const records = paxRecords(data);
        if (records === undefined) throw wrong(`a damaged extended header at byte ${offset}`);
        if (type === 'x') local = records;
        else global = new Map([...global, ...records]);
      } else if (type === 'L') longName = untilZero(data);
      else longTarget = untilZero(data);
      continue;
    }
    const record = (key: string): string | undefined => text(local.get(key) ?? global.get(key));
    const prefix =
      header.toString('latin1', 257, 262) === 'ustar' && header[263] === 0x30 ? string(header, 345, 155) : '';
    const short = string(header, 0, 100);
    const path = record('path') ?? longName ?? (prefix === '' ? short : `${prefix}/${short}`);
    const kind = KINDS[type];
    if (kind === undefined || [...local.keys()].some((key) => key.startsWith('GNU.sparse'))) {
      throw wrong(`${path}: members of type "${type.replace(/\W/, '?')}" (sparse files among them) are not supported`);
    }
    const capability = local.get(CAPABILITY_RECORD);
    const stored = kind === 'file' ? size : 0;
    if (kind !== 'file') at = offset + Math.ceil((kind === 'hard link' ? 0 : size) / BLOCK) * BLOCK;
    if (stored > 0 && readAt(offset + stored - 1, 1).length === 0) throw wrong(`${path}: it is cut off`);
    yield {
      path: kind === 'file' && path.endsWith('/') ? path.slice(0, -1) : path,
      kind: type === '\0' && path.endsWith('/') ? 'directory' : kind,
      mode: number(header, 100, 8) & 0o7777,
      uid: Number(record('uid') ?? number(header, 108, 8)),
      gid: Number(record('gid') ?? number(header, 116, 8)),
      mtime: Math.floor(Number(record('mtime') ?? number(header, 136, 12))),
      target: record('linkpath') ?? longTarget ?? string(header, 157, 100),
      offset,
      size: stored,
      ...(capability === undefined ? {} : { capability }),
    };
    local = new Map();
    longName = undefined;
    longTarget = undefined;
  }
}

/** Values of pax are bytes: names are UTF-8, capabilities are no text at all. */
type Records = ReadonlyMap<string, Uint8Array>;

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}

/** `LENGTH KEY=VALUE\n`, LENGTH counting the whole record; `undefined` if it is not so. */
function paxRecords(data: Uint8Array): Records | undefined {
  const bytes = Buffer.from(data);
  const records = new Map<string, Uint8Array>();
  for (let at = 0; at < bytes.length && bytes[at] !== 0;) {
    const space = bytes.indexOf(0x20, at);
    const length = space < 0 ? NaN : Number(bytes.toString('latin1', at, space));
    const equals = bytes.indexOf(0x3d, space);
    const end = at + length;
    if (!Number.isInteger(length) || end > bytes.length || equals < 0 || equals >= end || bytes[end - 1] !== 0x0a) {
      return undefined;
    }
    records.set(bytes.toString('utf8', space + 1, equals), bytes.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

function untilZero(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString();
}

function string(header: Buffer, start: number, length: number): string {
  return untilZero(header.subarray(start, start + length));
}

/** Octal digits, or big-endian with the top bit set (GNU). NaN if neither. */
function number(header: Buffer, start: number, length: number): number {
  if (((header[start] ?? 0) & 0x80) === 0) {
    const digits = string(header, start, length).trim();
    return digits === '' ? 0 : /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : NaN;
  }
  let value = (header[start] ?? 0) & 0x7f;
  for (let i = 1; i < length; i++) value = value * 256 + (header[start + i] ?? 0);
  return value;
}

/** Of the header's bytes, its own field taken as blanks. */
function checksumHolds(header: Buffer): boolean {
  const stored = number(header, 148, 8);
  let sum = 8 * 0x20;
  for (const [index, byte] of header.entries()) if (index < 148 || index >= 156) sum += byte;
  return sum === stored;
}
