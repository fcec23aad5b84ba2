// SPDX-License-Identifier: Apache-2.0
// One directory of a stack of layers, as the kernel's overlayfs would read it (Documentation/filesystems/overlayfs.rst of Linux 6.16).
//
// Every path is resolved by openat2(2) below the layer's own directory and through no symbolic link at all, so that whatever lies in a
// layer, nothing outside of it is reached.

import { constants } from 'node:fs';
import { PlinthError } from '@plinth/core';
import {
  AT,
  done,
  FILE_ERROR,
  type FileCalls,
  FileError,
  type FileName,
  type FileStatus,
  fileStatus,
  MODE,
  OPEN_FLAG,
  type Result,
  STATX_SIZE,
} from '@plinth/linux';

/** RESOLVE_BENEATH, _NO_SYMLINKS, _NO_MAGICLINKS. */
const RESOLVE = 8 | 4 | 2;
const PREFIXES = ['user.overlay.', 'trusted.overlay.'];
const LIST_ROOM = 65_536;

export const OPEN_PATH: number = OPEN_FLAG.path;
export const OPEN_DIRECTORY: number = OPEN_FLAG.path | constants.O_DIRECTORY;

/** What overlayfs wrote of an entry. */
interface Marks {
  /** Hides what lies below. */
  readonly opaque: boolean;
  /** A directory that may have whiteouts which are files, not devices. */
  readonly fileWhiteouts: boolean;
  readonly whiteout: boolean;
}

export interface FoundEntry extends Marks {
  readonly status: FileStatus;
}

const UNMARKED: Marks = { opaque: false, fileWhiteouts: false, whiteout: false };

export class Layer implements Disposable {
  readonly root: number;
  /** Of the file system of its directory. */
  readonly fileSystem: number;
  readonly #calls: FileCalls;
  readonly #status = new Uint8Array(STATX_SIZE);
  readonly #list = Buffer.alloc(LIST_ROOM);

  /** @throws PlinthError `layer` (input) */
  constructor(calls: FileCalls, directory: string) {
    this.#calls = calls;
    const flags = OPEN_DIRECTORY | OPEN_FLAG.closeOnExec;
    const root = calls.openBelow(AT.workingDirectory, Buffer.from(directory).toString('latin1'), flags, 0, 0);
    if (root < 0) throw new PlinthError('input', 'layer', `layer ${directory}: ${new FileError(-root).message}`);
    this.root = root;
    this.fileSystem = this.statusOf(root).fileSystem;
  }

  /** `flags` of open(2); a symbolic link is opened only by OPEN_PATH, as itself. */
  open(path: FileName, flags: number): Result {
    const all = flags | constants.O_NOFOLLOW | OPEN_FLAG.closeOnExec;
    return this.#calls.openBelow(this.root, path === '' ? '.' : path, all, 0, RESOLVE);
  }

  statusOf(fd: number): FileStatus {
    done(this.#calls.statx(fd, '', AT.emptyPath, this.#status));
    return fileStatus(this.#status);
  }

  /**
   * Nothing if there is no such entry. `fileWhiteouts` as its directory has it.
   * @throws FileError also for what only a kernel with other options could read: renamed directories, files without their data
   */
  find(path: FileName, fileWhiteouts: boolean): FoundEntry | undefined {
    const fd = this.open(path, OPEN_PATH);
    if (fd === -FILE_ERROR.ENOENT || fd === -FILE_ERROR.ENOTDIR || fd === -FILE_ERROR.ELOOP) return undefined;
    done(fd);
    try {
      const status = this.statusOf(fd);
      const type = status.mode & MODE.type;
      if (type === MODE.character && status.device === 0) return { status, ...UNMARKED, whiteout: true };
      if (type !== MODE.directory && type !== MODE.file) return { status, ...UNMARKED };
      const marks = this.#marks(fd);
      return { status, ...marks, whiteout: fileWhiteouts && marks.whiteout && status.size === 0 };
    } finally {
      this.#calls.close(fd);
    }
  }

  #marks(fd: number): Marks {
    const path = filePath(fd);
    const length = this.#calls.listAttributes(path, this.#list);
    if (length <= 0) return UNMARKED;
    const names = this.#list.toString('latin1', 0, length).split('\0');
    let marks = UNMARKED;
    for (const name of names) {
      if (!isMark(name)) continue;
      const mark = name.slice(name.indexOf('.overlay.') + '.overlay.'.length);
      if (mark === 'redirect' || mark === 'metacopy') throw new FileError(FILE_ERROR.EIO);
      if (mark === 'whiteout') marks = { ...marks, whiteout: true };
      if (mark !== 'opaque') continue;
      const value = new Uint8Array(1);
      this.#calls.getAttribute(path, name, value);
      if (value[0] === 0x79) marks = { ...marks, opaque: true };
      if (value[0] === 0x78) marks = { ...marks, fileWhiteouts: true };
    }
    return marks;
  }

  [Symbol.dispose](): void {
    this.#calls.close(this.root);
  }
}

/** A path to what a descriptor is open on, a symbolic link itself too, for calls that take no descriptor of OPEN_PATH. */
export function filePath(fd: number): FileName {
  return `/proc/self/fd/${fd}`;
}

/** Whether an attribute is one by which layers say what they mean: no program in a layer sees or sets it. */
export function isMark(name: FileName): boolean {
  return PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** Opens all of them, or none. */
export function openLayers(calls: FileCalls, directories: readonly string[]): Layer[] {
  const layers: Layer[] = [];
  try {
    for (const directory of directories) layers.push(new Layer(calls, directory));
  } catch (error) {
    for (const layer of layers) layer[Symbol.dispose]();
    throw error;
  }
  return layers;
}
