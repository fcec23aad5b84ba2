// SPDX-License-Identifier: Apache-2.0
// The fids of a 9P session: what a number that the guest chose stands for. They change by requests and the answers to
// them alone, never by looking at the host, so a replayed run has the same ones without the folder, and a snapshot has
// them all. What is open on the host is not in here.

import type { StateReader, StateWriter } from '@plinth/core';
import { HEADER_SIZE, MESSAGE, type P9Request } from './messages.js';
import { WireReader } from './wire.js';

/** At once; Linux has one for each name that it knows of. */
export const MAX_FIDS: number = 1 << 18;
/** Bytes of all their paths. */
export const MAX_FID_PATHS: number = 64 * 1024 * 1024;
/** Linux' PATH_MAX. */
export const MAX_PATH = 4096;

export interface Fid {
  path: string;
  open?: OpenFid;
}

export interface OpenFid {
  /** Flags of the Tlopen or Tlcreate. */
  readonly flags: number;
  /** What the host said it had opened: type, and its unique number. */
  readonly directory: boolean;
  readonly unique: bigint;
}

/** Of a qid's type. */
export const QID_DIRECTORY = 0x80;

export class FidTable {
  readonly #fids = new Map<number, Fid>();
  readonly #onClosed: (fid: number) => void;
  #pathBytes = 0;
  /** Largest message, as agreed; 0 before that. */
  msize: number = 0;

  /** `onClosed` is told of each fid that is no longer open. */
  constructor(onClosed: (fid: number) => void) {
    this.#onClosed = onClosed;
  }

  get(fid: number): Fid | undefined {
    return this.#fids.get(fid);
  }

  /** May one more be there, with such a path? */
  hasRoom(path: string): boolean {
    return this.#fids.size < MAX_FIDS && this.#pathBytes + path.length <= MAX_FID_PATHS;
  }

  clear(): void {
    for (const fid of this.#fids.keys()) this.#drop(fid);
    this.msize = 0;
  }

  /** Takes in what an answer says has become of a request. */
  follow(request: P9Request, answer: Uint8Array): void {
    const reader = new WireReader(answer);
    reader.u32();
    const failed = reader.u8() === MESSAGE.lerror + 1 || answer.length < HEADER_SIZE;
    reader.u16();
    if (request.type === 'clunk' || request.type === 'remove') this.#drop(request.fid);
    if (failed) return;
    switch (request.type) {
      case 'version':
        this.clear();
        this.msize = reader.u32();
        // Of a version that we do not speak, nothing is agreed.
        if (reader.text() !== request.version) this.msize = 0;
        break;
      case 'attach':
        this.#set(request.fid, '');
        break;
      case 'walk': {
        const from = this.#fids.get(request.fid);
        if (from === undefined || reader.u16() < request.names.length) break;
        this.#drop(request.newFid);
        this.#set(request.newFid, request.names.reduce(step, from.path));
        break;
      }
      case 'lopen':
        this.#open(request.fid, request.flags, reader);
        break;
      case 'lcreate': {
        const fid = this.#fids.get(request.fid);
        if (fid === undefined) break;
        this.#set(request.fid, step(fid.path, request.name));
        this.#open(request.fid, request.flags, reader);
        break;
      }
      case 'rename': {
        const moved = this.#fids.get(request.fid);
        const directory = this.#fids.get(request.directory);
        if (moved !== undefined && directory !== undefined) this.#move(moved.path, step(directory.path, request.name));
        break;
      }
      case 'renameat': {
        const from = this.#fids.get(request.fid);
        const to = this.#fids.get(request.directory);
        if (from !== undefined && to !== undefined)
          this.#move(step(from.path, request.from), step(to.path, request.name));
        break;
      }
      default:
    }
  }

  #set(fid: number, path: string): void {
    this.#drop(fid);
    this.#fids.set(fid, { path });
    this.#pathBytes += path.length;
  }

  #open(number: number, flags: number, answer: WireReader): void {
    const fid = this.#fids.get(number);
    if (fid === undefined) return;
    const directory = (answer.u8() & QID_DIRECTORY) !== 0;
    answer.u32();
    fid.open = { flags, directory, unique: answer.u64() };
  }

  #drop(number: number): void {
    const fid = this.#fids.get(number);
    if (fid === undefined) return;
    this.#fids.delete(number);
    this.#pathBytes -= fid.path.length;
    if (fid.open !== undefined) this.#onClosed(number);
  }

  /** Whatever lay at or below `from` is now at `to`. */
  #move(from: string, to: string): void {
    const below = `${from}/`;
    for (const fid of this.#fids.values()) {
      if (fid.path !== from && !fid.path.startsWith(below)) continue;
      const path = to + fid.path.slice(from.length);
      this.#pathBytes += path.length - fid.path.length;
      fid.path = path;
    }
  }

  save(writer: StateWriter): void {
    writer.u32(this.msize);
    writer.list([...this.#fids], ([number, { path, open }]) => {
      writer.u32(number);
      writer.u16(path.length);
      writer.raw(Uint8Array.from(path, (character) => character.charCodeAt(0)));
      writer.bool(open !== undefined);
      if (open === undefined) return;
      writer.u32(open.flags);
      writer.bool(open.directory);
      writer.u64(open.unique);
    });
  }

  restore(reader: StateReader, largestMessage: number): void {
    this.clear();
    this.msize = reader.u32();
    reader.check(this.msize <= largestMessage, 'a message size that is too large');
    reader.list(() => {
      const number = reader.u32();
      const path = String.fromCharCode(...reader.raw(reader.u16()));
      reader.check(path.length <= MAX_PATH && isPath(path) && this.hasRoom(path), 'a path that leads nowhere');
      this.#set(number, path);
      if (!reader.bool()) return;
      this.#fids.get(number)!.open = { flags: reader.u32(), directory: reader.bool(), unique: reader.u64() };
    });
  }
}

/** The way on from a path by a name; `..` in the folder itself stays there. */
export function step(path: string, name: string): string {
  if (name === '..') return path.slice(0, Math.max(0, path.lastIndexOf('/')));
  return path === '' ? name : `${path}/${name}`;
}

/** Of a file in a directory, and no way to anywhere else. */
export function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
}

function isPath(path: string): boolean {
  return path === '' || path.split('/').every(isName);
}
