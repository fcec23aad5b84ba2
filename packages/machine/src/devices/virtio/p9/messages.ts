// SPDX-License-Identifier: Apache-2.0
// The messages of 9P2000.L that a guest sends, as values (the protocol page of the diod project, and the 9P2000 manual
// for version, attach, walk, read, write, clunk, remove and flush). The parser is total: a request, or nothing.

import { WireReader } from './wire.js';

/** Numbers of requests; the answer's is one higher. */
export const MESSAGE = {
  lerror: 6, statfs: 8, lopen: 12, lcreate: 14, symlink: 16, mknod: 18, rename: 20, readlink: 22, getattr: 24,
  setattr: 26, xattrwalk: 30, xattrcreate: 32, readdir: 40, fsync: 50, lock: 52, getlock: 54, link: 70, mkdir: 72,
  renameat: 74, unlinkat: 76, version: 100, auth: 102, attach: 104, flush: 108, walk: 110, read: 116, write: 118,
  clunk: 120, remove: 122,
} as const; // prettier-ignore

/** Size, type and tag. */
export const HEADER_SIZE = 7;
/** An Rread or Rreaddir before its data. */
export const READ_HEADER_SIZE: number = HEADER_SIZE + 4;
export const LERROR_SIZE: number = HEADER_SIZE + 4;
/** Of a walk, at most (the manual's MAXWELEM). */
const MAX_WALK = 16;

/** Names and paths are byte strings, a character for each byte. */
export type P9Request =
  | { readonly type: 'version'; readonly msize: number; readonly version: string }
  | { readonly type: 'attach'; readonly fid: number; readonly authenticationFid: number }
  | { readonly type: 'auth' | 'flush' | 'xattrwalk' | 'xattrcreate' }
  | { readonly type: 'statfs' | 'readlink' | 'getattr' | 'clunk' | 'remove' | 'fsync'; readonly fid: number }
  | { readonly type: 'lock'; readonly fid: number }
  | {
      readonly type: 'getlock';
      readonly fid: number;
      readonly start: bigint;
      readonly length: bigint;
      readonly process: number;
      readonly client: string;
    }
  | { readonly type: 'lopen'; readonly fid: number; readonly flags: number }
  | {
      readonly type: 'lcreate';
      readonly fid: number;
      readonly name: string;
      readonly flags: number;
      readonly mode: number;
    }
  | { readonly type: 'symlink'; readonly fid: number; readonly name: string; readonly target: string }
  | { readonly type: 'mknod' | 'mkdir'; readonly fid: number; readonly name: string; readonly mode: number }
  | { readonly type: 'rename' | 'link'; readonly fid: number; readonly directory: number; readonly name: string }
  | {
      readonly type: 'renameat';
      readonly fid: number;
      readonly from: string;
      readonly directory: number;
      readonly name: string;
    }
  | { readonly type: 'unlinkat'; readonly fid: number; readonly name: string; readonly flags: number }
  | { readonly type: 'setattr'; readonly fid: number; readonly changes: AttributeChanges }
  | { readonly type: 'walk'; readonly fid: number; readonly newFid: number; readonly names: readonly string[] }
  | { readonly type: 'read' | 'readdir'; readonly fid: number; readonly offset: bigint; readonly count: number }
  | { readonly type: 'write'; readonly fid: number; readonly offset: bigint; readonly data: Uint8Array };

/** What a Tsetattr asks for; times in nanoseconds since 1970. */
export interface AttributeChanges {
  readonly mode?: number;
  readonly size?: bigint;
  readonly accessed?: bigint | 'now';
  readonly modified?: bigint | 'now';
}

/** Bits of Tsetattr's `valid`. */
const SET = { mode: 1, size: 8, accessed: 0x10, modified: 0x20, accessedTo: 0x80, modifiedTo: 0x100 } as const;

/** The request in a message, header included; undefined if it is none. `data` of a write are only lent. */
export function parseRequest(message: Uint8Array): P9Request | undefined {
  const reader = new WireReader(message);
  if (reader.u32() !== message.length) return undefined;
  const number = reader.u8();
  reader.u16();
  const request = parseBody(number, reader);
  return reader.short || reader.remaining > 0 ? undefined : request;
}

function parseBody(number: number, r: WireReader): P9Request | undefined {
  switch (number) {
    case MESSAGE.version:
      return { type: 'version', msize: r.u32(), version: r.text() };
    case MESSAGE.auth:
      return skip({ type: 'auth' }, r);
    case MESSAGE.attach: {
      const request = { type: 'attach', fid: r.u32(), authenticationFid: r.u32() } as const;
      r.text();
      r.text();
      r.u32();
      return request;
    }
    case MESSAGE.flush:
      return skip({ type: 'flush' }, r);
    case MESSAGE.xattrwalk:
      return skip({ type: 'xattrwalk' }, r);
    case MESSAGE.xattrcreate:
      return skip({ type: 'xattrcreate' }, r);
    case MESSAGE.statfs:
      return { type: 'statfs', fid: r.u32() };
    case MESSAGE.readlink:
      return { type: 'readlink', fid: r.u32() };
    case MESSAGE.getattr: {
      const fid = r.u32();
      r.u64();
      return { type: 'getattr', fid };
    }
    case MESSAGE.clunk:
      return { type: 'clunk', fid: r.u32() };
    case MESSAGE.remove:
      return { type: 'remove', fid: r.u32() };
    case MESSAGE.fsync: {
      const fid = r.u32();
      // Whether data alone are enough; older drivers do not say.
      if (r.remaining > 0) r.u32();
      return { type: 'fsync', fid };
    }
    case MESSAGE.lock:
      return skip({ type: 'lock', fid: r.u32() }, r);
    case MESSAGE.getlock: {
      const fid = r.u32();
      r.u8();
      return { type: 'getlock', fid, start: r.u64(), length: r.u64(), process: r.u32(), client: r.text() };
    }
    case MESSAGE.lopen:
      return { type: 'lopen', fid: r.u32(), flags: r.u32() };
    case MESSAGE.lcreate:
      return withGroup({ type: 'lcreate', fid: r.u32(), name: r.text(), flags: r.u32(), mode: r.u32() }, r);
    case MESSAGE.symlink:
      return withGroup({ type: 'symlink', fid: r.u32(), name: r.text(), target: r.text() }, r);
    case MESSAGE.mknod: {
      const request = { type: 'mknod', fid: r.u32(), name: r.text(), mode: r.u32() } as const;
      r.u64();
      return withGroup(request, r);
    }
    case MESSAGE.mkdir:
      return withGroup({ type: 'mkdir', fid: r.u32(), name: r.text(), mode: r.u32() }, r);
    case MESSAGE.rename:
      return { type: 'rename', fid: r.u32(), directory: r.u32(), name: r.text() };
    case MESSAGE.link: {
      const directory = r.u32();
      return { type: 'link', directory, fid: r.u32(), name: r.text() };
    }
    case MESSAGE.renameat:
      return { type: 'renameat', fid: r.u32(), from: r.text(), directory: r.u32(), name: r.text() };
    case MESSAGE.unlinkat:
      return { type: 'unlinkat', fid: r.u32(), name: r.text(), flags: r.u32() };
    case MESSAGE.setattr:
      return { type: 'setattr', fid: r.u32(), changes: parseChanges(r) };
    case MESSAGE.walk:
      return parseWalk(r);
    case MESSAGE.read:
      return { type: 'read', fid: r.u32(), offset: r.u64(), count: r.u32() };
    case MESSAGE.readdir:
      return { type: 'readdir', fid: r.u32(), offset: r.u64(), count: r.u32() };
    case MESSAGE.write: {
      const fid = r.u32();
      const offset = r.u64();
      return { type: 'write', fid, offset, data: r.bytes(r.u32()) };
    }
    default:
      return undefined;
  }
}

/** The rest says nothing that we heed. */
function skip(request: P9Request, reader: WireReader): P9Request {
  reader.bytes(reader.remaining);
  return request;
}

/** The group that a new file is to have, which is not heeded, is the last of the fields. */
function withGroup(request: P9Request, reader: WireReader): P9Request {
  reader.u32();
  return request;
}

function parseWalk(r: WireReader): P9Request | undefined {
  const fid = r.u32();
  const newFid = r.u32();
  const count = r.u16();
  if (count > MAX_WALK) return undefined;
  const names = Array.from({ length: count }, () => r.text());
  return { type: 'walk', fid, newFid, names };
}

function parseChanges(r: WireReader): AttributeChanges {
  const valid = r.u32();
  const mode = r.u32();
  r.u32();
  r.u32();
  const size = r.u64();
  const time = (): bigint => r.u64() * 1_000_000_000n + r.u64();
  const accessed = time();
  const modified = time();
  const has = (bit: number): boolean => (valid & bit) !== 0;
  return {
    ...(has(SET.mode) ? { mode } : {}),
    ...(has(SET.size) ? { size } : {}),
    ...(has(SET.accessed) ? { accessed: has(SET.accessedTo) ? accessed : 'now' } : {}),
    ...(has(SET.modified) ? { modified: has(SET.modifiedTo) ? modified : 'now' } : {}),
  };
}
