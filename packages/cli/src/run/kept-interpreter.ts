// SPDX-License-Identifier: Apache-2.0
// The generated interpreter, kept in the cache from one process to the next. A copy's name is a hash of all the code that
// has a part in making it, so a copy is right or has another name; its end has a checksum, so a damaged one is as good as
// none. Whatever fails here only means that the interpreter is made anew.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { interpreterBytes } from '@plinth/machine';
import { cacheDirectory } from '../host/cache-directory.js';
import { codeFolders, hashCode } from '../host/code-key.js';
import { keepLastUsed, noteUse } from '../host/last-used.js';
import { makeDirectory } from '../host/make-directory.js';
import { temporaryFile } from '../host/temporary.js';

/** Copies of other versions are left to them, up to so many in all, by when they were last used. */
const MOST_COPIES = 8;
const SECTION_NAME = 'plinth.kept';

export interface KeptPlace {
  /** Where copies lie; it need not be there. */
  readonly directory: string;
  /** Folders with the code that makes the interpreter. */
  readonly code: readonly string[];
  /** When this process may have begun to load that code, in milliseconds since 1970. */
  readonly loaded: number;
}

export function interpretersDirectory(): string {
  return join(cacheDirectory(), 'interpreter');
}

/** The place of this process; `undefined` if its code does not lie in files as we know them. */
function standardPlace(): KeptPlace | undefined {
  try {
    const code = codeFolders('@plinth/machine');
    return { directory: interpretersDirectory(), code, loaded: performance.timeOrigin };
  } catch {
    return undefined;
  }
}

/**
 * What `interpreterBytes(sharedMemory)` gives, from the kept copy if there is one; else there is one afterwards, if that is
 * possible.
 */
export function keptInterpreterBytes(
  sharedMemory: boolean,
  place: KeptPlace | undefined = standardPlace(),
): Uint8Array {
  const code = place === undefined ? undefined : codeKey(place);
  if (place === undefined || code === undefined) return interpreterBytes(sharedMemory);
  const key = keyOf(code, sharedMemory);
  const path = copyPath(place, key);
  const kept = readCopy(path, key);
  if (kept !== undefined) {
    noteUse(path);
    return kept;
  }
  const bytes = interpreterBytes(sharedMemory);
  if (codeKey(place) === code) writeCopy(place.directory, path, key, bytes);
  return bytes;
}

/** What `plinth doctor` tells. */
export interface KeptState {
  /** Where this version's copy, for memory that is not shared, lies or would lie; `undefined` if none can be kept for it. */
  readonly path: string | undefined;
  /** Whether it is there and sound. */
  readonly present: boolean;
  /** Copies of other versions, and damaged ones. */
  readonly stale: readonly string[];
}

export function inspectInterpreters(place: KeptPlace | undefined = standardPlace()): KeptState {
  const code = place === undefined ? undefined : codeKey(place);
  const copies = findCopies(place?.directory ?? interpretersDirectory());
  if (place === undefined || code === undefined) return { path: undefined, present: false, stale: copies };
  const look = (sharedMemory: boolean): { path: string; present: boolean } => {
    const key = keyOf(code, sharedMemory);
    const path = copyPath(place, key);
    return { path, present: readCopy(path, key) !== undefined };
  };
  const own = look(false);
  const shared = look(true);
  const sound = [own, shared].filter(({ present }) => present).map(({ path }) => path);
  return { ...own, stale: copies.filter((copy) => !sound.includes(copy)) };
}

function keyOf(code: string, sharedMemory: boolean): string {
  return sharedMemory ? `${code}-shared` : code;
}

function codeKey({ code, loaded }: KeptPlace): string | undefined {
  try {
    return hashCode(code, loaded);
  } catch {
    return undefined;
  }
}

function copyPath({ directory }: KeptPlace, key: string): string {
  return join(directory, `interpreter-${key}.wasm`);
}

function findCopies(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => /^interpreter-.*\.wasm$/.test(name))
      .map((name) => join(directory, name));
  } catch {
    return []; // nothing was ever kept
  }
}

/** A custom section with the length and checksum of what stands before it: with it the file is still a module. */
function trailer(key: string, bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  const name = Buffer.from(SECTION_NAME);
  const content = Buffer.concat([
    Buffer.of(name.length),
    name,
    length,
    createHash('sha256').update(key).update(bytes).digest(),
  ]);
  return Buffer.concat([Buffer.of(0, content.length), content]);
}

const TRAILER_LENGTH = trailer('', new Uint8Array()).length;

function readCopy(path: string, key: string): Uint8Array | undefined {
  try {
    const file = readFileSync(path);
    const bytes = file.subarray(0, Math.max(0, file.length - TRAILER_LENGTH));
    return trailer(key, bytes).equals(file.subarray(bytes.length)) ? bytes : undefined;
  } catch {
    return undefined; // not there, or not for us to read
  }
}

/** Puts a copy in place as a whole, and removes those that were not used for longest. */
function writeCopy(directory: string, path: string, key: string, bytes: Uint8Array): void {
  try {
    makeDirectory(directory);
    const fresh = temporaryFile('interpreter', directory);
    try {
      writeFileSync(fresh, Buffer.concat([bytes, trailer(key, bytes)]), { flag: 'wx' });
      renameSync(fresh, path);
    } finally {
      rmSync(fresh, { force: true });
    }
    keepLastUsed(findCopies(directory), MOST_COPIES);
  } catch {
    // A cache that cannot be written: the next start takes as long as this one.
  }
}
