// SPDX-License-Identifier: Apache-2.0
// Writes a RootTree as a pax archive (POSIX.1-2017) for GNU tar to unpack. Every member has an extended header, so that no
// name or number is too long.

import { PlinthError } from '@plinth/core';
import { CAPABILITY_RECORD } from './tar-reader.js';
import type { TreeEntry } from './root-tree.js';

const BLOCK = 512;
/** Bytes of data that are passed on at a time. */
const CHUNK = 1 << 20;
/** What a namespace of ours has (see runInNamespace). */
const USERS = 65536;

/** Reads data of a layer; `undefined` stands for what we added ourselves. */
export type ReadLayer = (layer: number, offset: number, length: number) => Uint8Array;

export function* writeTar(entries: Iterable<TreeEntry>, readLayer: ReadLayer): Generator<Uint8Array> {
  for (const entry of entries) {
    if (entry.kind === 'hard link') {
      yield* header(entry.path, '1', { mode: 0o644, uid: 0, gid: 0, mtime: 0 }, 0, {
        linkpath: Buffer.from(entry.target),
      });
      continue;
    }
    if (entry.kind === 'directory') {
      yield* header(entry.path, '5', entry.member, 0, {});
      continue;
    }
    const { kind, layer, member } = entry.file;
    if (kind === 'symlink') {
      yield* header(entry.path, '2', member, 0, { linkpath: Buffer.from(member.target) });
      continue;
    }
    const { capability } = member;
    const more = capability === undefined ? {} : { [CAPABILITY_RECORD]: capability };
    yield* header(entry.path, kind === 'fifo' ? '6' : '0', member, member.size, more);
    for (let done = 0; done < member.size;) {
      const data = readLayer(layer, member.offset + done, Math.min(CHUNK, member.size - done));
      if (data.length === 0) throw new PlinthError('input', 'tar', `${entry.path}: its archive is cut off`);
      yield data;
      done += data.length;
    }
    yield new Uint8Array(-member.size & (BLOCK - 1));
  }
  yield new Uint8Array(2 * BLOCK);
}

interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
}

function* header(
  path: string,
  type: string,
  attributes: Attributes,
  size: number,
  more: Readonly<Record<string, Uint8Array>>,
): Generator<Uint8Array> {
  const { mode, uid, gid, mtime } = attributes;
  for (const id of [uid, gid]) {
    if (!(id >= 0 && id < USERS)) {
      throw new PlinthError(
        'input',
        'tar',
        `${path}: belongs to user or group ${id}: only those below ${USERS} exist here`,
      );
    }
  }
  const records = Object.entries({ path: Buffer.from(path), ...more }).map(([key, value]) => record(key, value));
  const extension = Buffer.concat(records);
  yield block('pax', 'x', { mode: 0o644, uid: 0, gid: 0, mtime: 0 }, extension.length);
  yield extension;
  yield new Uint8Array(-extension.length & (BLOCK - 1));
  yield block('member', type, { mode, uid, gid, mtime: mtime >= 0 && mtime < 2 ** 33 ? mtime : 0 }, size);
}

/** Its first field is the length of the whole, that field among it. */
function record(key: string, value: Uint8Array): Uint8Array {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length;
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function block(name: string, type: string, { mode, uid, gid, mtime }: Attributes, size: number): Uint8Array {
  const bytes = Buffer.alloc(BLOCK);
  const octal = (value: number, start: number, length: number): void => {
    bytes.write(value.toString(8).padStart(length - 1, '0'), start, 'latin1');
  };
  bytes.write(name, 0, 'latin1');
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(gid, 116, 8);
  if (size < 2 ** 33) octal(size, 124, 12);
  else throw new PlinthError('input', 'tar', 'a file of more than 8 GB is not supported');
  octal(mtime, 136, 12);
  bytes.write(`        ${type}`, 148, 'latin1');
  bytes.write('ustar\x0000', 257, 'latin1');
  octal(
    bytes.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return bytes;
}
