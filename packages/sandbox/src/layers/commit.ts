// SPDX-License-Identifier: Apache-2.0
// Brings changes of layers to what lies below them. Each entry is there as it was or as it is to be, whatever ends us meanwhile: it is made
// beside its place, synchronised, and renamed. A journal says where something may lie beside its place; the next commit begins by removing
// that. What was not brought is still a change of the layer, so doing the same again ends the work.
//
// The base's own path is trusted. From there on every step is by a descriptor of a directory that was reached through no symbolic link.

import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { PlinthError } from '@plinth/core';
import {
  AT,
  done,
  FILE_ERROR,
  type FileCalls,
  FileError,
  type FileName,
  type FileStatus,
  MODE,
  NO_FOLLOW,
  OPEN_FLAG,
  readEntries,
  REMOVE_DIRECTORY,
  RENAME,
  STATX_SIZE,
  fileStatus,
  timesBytes,
} from '@plinth/linux';
import type { Change } from './changes.js';
import { attributeNames, copyData, readAttribute } from './copy-file.js';
import { filePath, isMark, Layer, OPEN_DIRECTORY, OPEN_PATH } from './layer.js';
import { readLink } from './upper-writer.js';

export interface CommittedChange extends Change {
  /** Absolute path of the directory that `path` begins at. */
  readonly base: string;
}

interface Journal {
  readonly version: number;
  /** Of this commit: names of what lies beside its place are made of it. */
  readonly id: string;
  /** Each with the path of a directory in which something may lie. */
  readonly directories: readonly { readonly base: string; readonly path: string }[];
}

const VERSION = 1;
const PREFIX = '.plinth-commit-';
const ID = /^[0-9a-f]{16}$/;
/** RESOLVE_NO_SYMLINKS, _NO_MAGICLINKS. */
const NO_LINKS = 4 | 2;

/**
 * Brings entries one after the other, and tells after each.
 * @param journal a file that belongs to the layers; it is there only while a commit is under way, or was killed
 * @returns `why` one was left out, if it was: nobody needs sockets and the like of another place
 * @throws PlinthError `commit` (input) where a directory on the way is none, (host) where the system refuses
 */
export function* commitChanges<Entry extends CommittedChange>(
  calls: FileCalls,
  entries: readonly Entry[],
  journal: string,
): Generator<{ readonly entry: Entry; readonly why: string | undefined }> {
  recoverCommit(calls, journal);
  const id = randomBytes(8).toString('hex');
  const directories = new Map(
    entries.map(({ base, path }) => [`${base}\0${dirname(path)}`, { base, path: dirname(path) }]),
  );
  writeJournal(journal, { version: VERSION, id, directories: [...directories.values()] });
  const bases = new Map<string, Layer>();
  try {
    for (const entry of entries) {
      const base = bases.get(entry.base) ?? new Layer(calls, entry.base);
      bases.set(entry.base, base);
      yield { entry, why: new EntryCommit(calls, base, entry, PREFIX + id).run() };
    }
    for (const { base, path } of directories.values()) synchroniseDirectory(calls, bases.get(base)!, { base, path });
    rmSync(journal);
  } finally {
    for (const base of bases.values()) base[Symbol.dispose]();
  }
}

/**
 * Removes what a commit that was killed left beside its places.
 * @returns whether there was one
 * @throws PlinthError `commit-journal` (input) for one that is damaged
 */
export function recoverCommit(calls: FileCalls, journal: string): boolean {
  if (!existsSync(journal)) return false;
  const { id, directories } = readJournal(journal);
  for (const { base, path } of directories) {
    const layer = existsSync(base) ? new Layer(calls, base) : undefined;
    if (layer === undefined) continue;
    const fd = layer.open(bytesOf(path.slice(1)), constants.O_RDONLY | constants.O_DIRECTORY);
    if (fd >= 0) {
      const names = readEntries(calls, fd);
      if (typeof names !== 'number') {
        for (const { name } of names) if (name.startsWith(PREFIX + id)) removeBelow(calls, fd, name);
      }
      calls.close(fd);
    }
    layer[Symbol.dispose]();
  }
  rmSync(journal);
  return true;
}

/** Once for all entries in it: until then a host that fails may have lost that they were brought, and the layers have them. */
function synchroniseDirectory(calls: FileCalls, layer: Layer, { base, path }: { base: string; path: string }): void {
  const fd = layer.open(bytesOf(path.slice(1)), constants.O_RDONLY | constants.O_DIRECTORY);
  // Nothing was brought there.
  if (fd < 0) return;
  try {
    const result = calls.synchronise(fd, false);
    if (result !== -FILE_ERROR.EINVAL) done(result);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new PlinthError('host', 'commit', `${base}${path}: what was brought there is not sure: ${error.message}`);
  } finally {
    calls.close(fd);
  }
}

class EntryCommit {
  readonly #calls: FileCalls;
  readonly #base: Layer;
  readonly #change: CommittedChange;
  readonly #prefix: string;

  constructor(calls: FileCalls, base: Layer, change: CommittedChange, prefix: string) {
    this.#calls = calls;
    this.#base = base;
    this.#change = change;
    this.#prefix = prefix;
  }

  run(): string | undefined {
    const { kind, type, source, old, path } = this.#change;
    if (kind !== 'deleted' && type !== 'file' && type !== 'directory' && type !== 'link') return `it is a ${type}`;
    if ((kind === 'deleted' ? old : source) === undefined) return 'its name is no UTF-8';
    const parent = this.#parent();
    try {
      const name = bytesOf(path.slice(path.lastIndexOf('/') + 1));
      if (kind === 'deleted') this.#remove(parent, name);
      else this.#bring(parent, name, source!);
      return undefined;
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      throw new PlinthError('host', 'commit', `${this.#change.base}${path}: it cannot be brought: ${error.message}`);
    } finally {
      this.#calls.close(parent);
    }
  }

  #parent(): number {
    const path = dirname(this.#change.path);
    const fd = this.#base.open(bytesOf(path.slice(1)), constants.O_RDONLY | constants.O_DIRECTORY);
    if (fd >= 0) return fd;
    const directory = this.#change.base + (path === '/' ? '' : path);
    throw new PlinthError('input', 'commit', `${directory}: it is no directory on the host: commit it first`);
  }

  /** At once for whoever looks at its name, even of a whole directory. */
  #remove(parent: number, name: FileName): void {
    const here = statusAt(this.#calls, parent, name);
    if (here === undefined) return;
    if ((here.mode & MODE.type) !== MODE.directory) {
      done(this.#calls.unlink(parent, name, 0));
      return;
    }
    const gone = `${this.#prefix}-gone`;
    done(this.#calls.rename(parent, name, parent, gone, 0));
    removeBelow(this.#calls, parent, gone);
  }

  #bring(parent: number, name: FileName, source: string): void {
    const calls = this.#calls;
    const from = done(
      calls.openBelow(
        AT.workingDirectory,
        bytesOf(source),
        OPEN_PATH | constants.O_NOFOLLOW | OPEN_FLAG.closeOnExec,
        0,
        NO_LINKS,
      ),
    );
    const fresh = `${this.#prefix}-new`;
    try {
      const status = this.#base.statusOf(from);
      const here = statusAt(calls, parent, name);
      const isDirectory = (status.mode & MODE.type) === MODE.directory;
      const wasDirectory = here !== undefined && (here.mode & MODE.type) === MODE.directory;
      if (isDirectory && wasDirectory) {
        this.#takeOver(parent, name, from, status);
        return;
      }
      this.#make(parent, fresh, from, status);
      this.#takeOver(parent, fresh, from, status);
      if (here === undefined || (!isDirectory && !wasDirectory)) done(calls.rename(parent, fresh, parent, name, 0));
      else this.#replace(parent, fresh, name);
    } catch (error) {
      removeBelow(calls, parent, fresh);
      throw error;
    } finally {
      calls.close(from);
    }
  }

  /** One of the two is a directory. */
  #replace(parent: number, fresh: FileName, name: FileName): void {
    const calls = this.#calls;
    const result = calls.rename(parent, fresh, parent, name, RENAME.exchange);
    if (result === -FILE_ERROR.EINVAL) {
      // A file system without exchange: for a moment nothing is there.
      const gone = `${this.#prefix}-gone`;
      done(calls.rename(parent, name, parent, gone, 0));
      done(calls.rename(parent, fresh, parent, name, 0));
      removeBelow(calls, parent, gone);
    } else {
      done(result);
      removeBelow(calls, parent, fresh);
    }
  }

  #make(parent: number, fresh: FileName, from: number, status: FileStatus): void {
    const calls = this.#calls;
    const type = status.mode & MODE.type;
    if (type === MODE.directory) done(calls.makeDirectory(parent, fresh, 0o700));
    else if (type === MODE.link) done(calls.makeSymbolicLink(readLink(calls, from), parent, fresh));
    else {
      const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
      const to = done(calls.openBelow(parent, fresh, flags | OPEN_FLAG.closeOnExec, 0o600, NO_LINKS));
      try {
        // The one that was looked at, whatever has its name now.
        const source = done(
          calls.openBelow(AT.workingDirectory, filePath(from), constants.O_RDONLY | OPEN_FLAG.closeOnExec, 0, 0),
        );
        try {
          copyData(calls, source, to, status.size);
        } finally {
          calls.close(source);
        }
        done(calls.synchronise(to, false));
      } finally {
        calls.close(to);
      }
    }
  }

  /** Owner, mode, attributes of users, times. */
  #takeOver(parent: number, name: FileName, from: number, status: FileStatus): void {
    const calls = this.#calls;
    const fd = done(
      calls.openBelow(parent, name, OPEN_PATH | constants.O_NOFOLLOW | OPEN_FLAG.closeOnExec, 0, NO_LINKS),
    );
    const path = filePath(fd);
    try {
      if (process.getuid?.() === 0) done(calls.changeOwner(fd, '', status.user, status.group, AT.emptyPath));
      if ((status.mode & MODE.type) !== MODE.link) {
        done(calls.changeMode(path, status.mode & MODE.permissions));
        this.#takeAttributes(filePath(from), path);
      }
      calls.changeTimes(AT.workingDirectory, path, timesBytes(status.accessed, status.modified), 0);
    } finally {
      calls.close(fd);
    }
  }

  /** Of users alone: others are rights that nobody gave. */
  #takeAttributes(from: FileName, to: FileName): void {
    const calls = this.#calls;
    const wanted = attributeNames(calls, from).filter((name) => name.startsWith('user.') && !isMark(name));
    for (const name of attributeNames(calls, to)) {
      if (name.startsWith('user.') && !isMark(name) && !wanted.includes(name)) done(calls.removeAttribute(to, name));
    }
    for (const name of wanted) {
      const value = readAttribute(calls, from, name);
      if (value !== undefined) done(calls.setAttribute(to, name, value, 0));
    }
  }
}

function statusAt(calls: FileCalls, parent: number, name: FileName): FileStatus | undefined {
  const bytes = new Uint8Array(STATX_SIZE);
  const result = calls.statx(parent, name, NO_FOLLOW, bytes);
  if (result === -FILE_ERROR.ENOENT) return undefined;
  done(result);
  return fileStatus(bytes);
}

/** With all that is in it; no symbolic link is followed. Nothing happens if it is not there. @throws FileError */
function removeBelow(calls: FileCalls, parent: number, name: FileName): void {
  const here = statusAt(calls, parent, name);
  if (here === undefined) return;
  if ((here.mode & MODE.type) !== MODE.directory) {
    done(calls.unlink(parent, name, 0));
    return;
  }
  if ((here.mode & 0o700) !== 0o700) {
    const own = done(calls.openBelow(parent, name, OPEN_DIRECTORY | constants.O_NOFOLLOW, 0, NO_LINKS));
    calls.changeMode(filePath(own), 0o700);
    calls.close(own);
  }
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | OPEN_FLAG.closeOnExec;
  const fd = done(calls.openBelow(parent, name, flags, 0, NO_LINKS));
  try {
    const entries = readEntries(calls, fd);
    if (typeof entries === 'number') throw new FileError(-entries);
    for (const entry of entries) removeBelow(calls, fd, entry.name);
  } finally {
    calls.close(fd);
  }
  done(calls.unlink(parent, name, REMOVE_DIRECTORY));
}

function bytesOf(path: string): FileName {
  return Buffer.from(path).toString('latin1');
}

function writeJournal(file: string, journal: Journal): void {
  const fresh = `${file}.new`;
  const fd = openSync(fresh, 'w', 0o600);
  try {
    writeFileSync(fd, JSON.stringify(journal));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(fresh, file);
}

function readJournal(file: string): Journal {
  const complain = (why: string): never => {
    throw new PlinthError('input', 'commit-journal', `${file}: ${why}: remove it, and look for files named ${PREFIX}*`);
  };
  let journal: Partial<Journal> | null = null;
  try {
    journal = JSON.parse(readFileSync(file, 'utf8')) as Partial<Journal> | null;
  } catch (error) {
    complain((error as Error).message);
  }
  if (journal === null || typeof journal !== 'object' || journal.version !== VERSION)
    return complain('it is no journal');
  const { id, directories } = journal;
  const whole =
    typeof id === 'string' &&
    ID.test(id) &&
    Array.isArray(directories) &&
    directories.every(
      (one: Partial<Journal['directories'][number]> | null) =>
        typeof one?.base === 'string' && typeof one.path === 'string' && one.path.startsWith('/'),
    );
  return whole ? (journal as Journal) : complain('it is no journal');
}
