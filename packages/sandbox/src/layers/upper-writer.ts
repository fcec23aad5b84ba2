// SPDX-License-Identifier: Apache-2.0
// Writes the upper layer of a merged view. What is new there is made in the work directory, whole, and then renamed to its place, so that
// whenever the writer is killed a name is there as it was or as it is to be. The work directory lies on the same file system. What one call
// makes whole is made in its place: ext4 looks long for an inode near one directory where thousands were freed lately.

import { constants } from 'node:fs';
import {
  AT,
  done,
  FILE_ERROR,
  type FileCalls,
  FileError,
  type FileName,
  type FileStatus,
  MODE,
  OPEN_FLAG,
  readEntries,
  REMOVE_DIRECTORY,
  RENAME,
  timesBytes,
} from '@plinth/linux';
import { copyAttributes, copyData } from './copy-file.js';
import { filePath, Layer, OPEN_DIRECTORY, OPEN_PATH } from './layer.js';
import type { MergedView } from './merged-view.js';
import type { TreeNode } from './tree-node.js';

/** Begins each name in the work directory. */
const TEMPORARY = '#plinth-';
const MARK = 'user.overlay.';
const OPAQUE = Buffer.from('y');
const FILE_WHITEOUTS = Buffer.from('x');

export interface Owner {
  readonly user: number;
  readonly group: number;
}

/** Where something new is to be made, and with which permissions at first. */
export interface NewPlace {
  readonly directory: number;
  readonly name: FileName;
  readonly mode: number;
}

export class UpperWriter implements Disposable {
  readonly #calls: FileCalls;
  readonly #view: MergedView;
  readonly #work: Layer;
  /** To whom belongs what we make, if nothing is taken from its mode. */
  readonly #self: Owner | undefined;
  #last = 0;

  /** @throws PlinthError `layer` (input) */
  constructor(view: MergedView, work: string) {
    this.#view = view;
    this.#calls = view.calls;
    this.#work = new Layer(view.calls, work);
    const self = { user: process.geteuid!(), group: process.getegid!() };
    this.#self = process.umask() === 0 ? self : undefined;
    this.#clean();
  }

  /** What one that was killed left. */
  #clean(): void {
    const fd = done(this.#work.open('', constants.O_RDONLY | constants.O_DIRECTORY));
    const entries = readEntries(this.#calls, fd);
    this.#calls.close(fd);
    if (typeof entries === 'number') throw new FileError(-entries);
    for (const { name } of entries) if (name.startsWith(TEMPORARY)) this.#discard(name);
  }

  get work(): number {
    return this.#work.root;
  }

  temporaryName(): FileName {
    return `${TEMPORARY}${++this.#last}`;
  }

  /** Calls with a descriptor of its directory in the upper layer, which is made first if need be. */
  within<T>(directory: TreeNode, use: (fd: number) => T): T {
    this.copyUp(directory);
    const fd = done(this.#view.layers[0]!.open(directory.path, OPEN_DIRECTORY));
    try {
      return use(fd);
    } finally {
      this.#calls.close(fd);
    }
  }

  /** Whether the upper layer itself has a name, whatever it means. */
  state(directory: TreeNode, name: FileName): 'none' | 'whiteout' | 'there' {
    const { path } = directory;
    const entry = this.#view.layers[0]!.find(
      path === '' ? name : `${path}/${name}`,
      directory.facts.fileWhiteouts.has(0),
    );
    if (entry === undefined) return 'none';
    return entry.whiteout ? 'whiteout' : 'there';
  }

  /**
   * Makes it lie in the upper layer, with at most `keep` bytes of its content if that is about to be cut.
   * @returns whether that had to be done
   */
  copyUp(node: TreeNode, keep: number = Infinity): boolean {
    if (node.isUpper) return false;
    const [place] = node.places;
    if (place === undefined) throw new FileError(FILE_ERROR.ENOENT);
    const { parent, name } = place;
    this.within(parent, (directory) => {
      const temporary = this.temporaryName();
      try {
        const identity = this.#view.with(node, (from) => this.#copy(node, from, temporary, keep));
        const before = this.#view.layers[0]!.statusOf(directory);
        done(this.#rename(temporary, directory, name));
        this.#setTimes(directory, before);
        const layers = node.isDirectory ? [0, ...node.facts.layers] : [0];
        node.facts = { ...node.facts, layers, identity };
      } catch (error) {
        this.#discard(temporary);
        throw error;
      }
    });
    return true;
  }

  #copy(node: TreeNode, from: number, temporary: FileName, keep: number): string {
    const calls = this.#calls;
    const status = this.#view.layers[0]!.statusOf(from);
    if (node.isDirectory) done(calls.makeDirectory(this.work, temporary, 0o700));
    else if (node.type === MODE.link) done(calls.makeSymbolicLink(readLink(calls, from), this.work, temporary));
    else if (node.type === MODE.file) {
      const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | OPEN_FLAG.closeOnExec;
      const to = done(calls.openBelow(this.work, temporary, flags, 0o600, 0));
      const source = this.#view.open(node, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        copyData(calls, source, to, Math.min(status.size, keep));
        done(calls.synchronise(to, true));
      } finally {
        calls.close(source);
        calls.close(to);
      }
    } else done(calls.makeNode(this.work, temporary, status.mode, status.device));
    const to = done(this.#work.open(temporary, OPEN_PATH));
    try {
      this.#own(to, status);
      if (node.type !== MODE.link) done(calls.changeMode(filePath(to), status.mode & MODE.permissions));
      copyAttributes(calls, filePath(from), filePath(to));
      this.#setTimes(to, status);
      const { fileSystem, inode } = this.#work.statusOf(to);
      return `0:${fileSystem}:${inode}`;
    } finally {
      calls.close(to);
    }
  }

  #own(fd: number, { user, group }: Owner): void {
    const now = this.#work.statusOf(fd);
    if (now.user === user && now.group === group) return;
    done(this.#calls.changeOwner(fd, '', user, group, AT.emptyPath));
  }

  #setTimes(fd: number, { accessed, modified }: FileStatus): void {
    // Only what is shown is wrong if it fails.
    this.#calls.changeTimes(AT.workingDirectory, filePath(fd), timesBytes(accessed, modified), 0);
  }

  #rename(temporary: FileName, directory: number, name: FileName, flags = 0): number {
    return this.#calls.rename(this.work, temporary, directory, name, flags);
  }

  /**
   * Puts something new at a name that the merged view does not have.
   * @param make makes it where it is told
   */
  add(parent: TreeNode, name: FileName, mode: number, owner: Owner, make: (place: NewPlace) => void): void {
    const calls = this.#calls;
    const isDirectory = (mode & MODE.type) === MODE.directory;
    this.within(parent, (directory) => {
      const state = this.state(parent, name);
      if (state === 'there') throw new FileError(FILE_ERROR.EEXIST);
      const around = this.#view.layers[0]!.statusOf(directory);
      if (state === 'none' && this.#comesWhole(around, mode, owner)) {
        make({ directory, name, mode: mode & MODE.permissions });
        return;
      }
      const temporary = this.temporaryName();
      try {
        make({ directory: this.work, name: temporary, mode: isDirectory ? 0o700 : 0o600 });
        const fd = done(this.#work.open(temporary, OPEN_PATH));
        try {
          // A directory that hands its group down does so to what is made here, too.
          const inherits = (around.mode & MODE.setGroup) !== 0;
          this.#own(fd, { user: owner.user, group: inherits ? around.group : owner.group });
          const all = mode | (inherits && isDirectory ? MODE.setGroup : 0);
          if ((mode & MODE.type) !== MODE.link) done(calls.changeMode(filePath(fd), all & MODE.permissions));
          if (isDirectory && state === 'whiteout') this.#mark(fd, 'opaque', OPAQUE);
        } finally {
          calls.close(fd);
        }
        this.#settle(temporary, directory, name, state, isDirectory);
      } catch (error) {
        this.#discard(temporary);
        throw error;
      }
    });
  }

  /** Whether what is made in a directory has its mode and its owner from the beginning. */
  #comesWhole(around: FileStatus, mode: number, { user, group }: Owner): boolean {
    const special = MODE.setUser | MODE.setGroup;
    const self = this.#self;
    return self?.user === user && self.group === group && ((around.mode | mode) & special) === 0;
  }

  /** Renames from the work directory to a place that nothing or a whiteout is at. */
  #settle(
    temporary: FileName,
    directory: number,
    name: FileName,
    state: 'none' | 'whiteout',
    isDirectory: boolean,
  ): void {
    if (state === 'whiteout' && isDirectory) {
      // No directory takes the place of a file by being renamed.
      done(this.#rename(temporary, directory, name, RENAME.exchange));
      this.#discard(temporary);
    } else done(this.#rename(temporary, directory, name));
  }

  /** Hard link of a file that lies in the upper layer. */
  link(node: TreeNode, parent: TreeNode, name: FileName): void {
    const [place] = node.places;
    if (place === undefined) throw new FileError(FILE_ERROR.ENOENT);
    this.copyUp(node);
    this.within(place.parent, (from) =>
      this.within(parent, (directory) => {
        const state = this.state(parent, name);
        if (state === 'there') throw new FileError(FILE_ERROR.EEXIST);
        const temporary = this.temporaryName();
        done(this.#calls.link(from, place.name, this.work, temporary));
        try {
          done(this.#rename(temporary, directory, name));
        } catch (error) {
          this.#discard(temporary);
          throw error;
        }
      }),
    );
  }

  /** Takes a name away, of a file or of a directory that is empty in the merged view. */
  remove(parent: TreeNode, name: FileName, isDirectory: boolean): void {
    const isBelow = this.#view.isBelow(parent, name);
    this.within(parent, (directory) => {
      const isAbove = this.state(parent, name) === 'there';
      const temporary = this.temporaryName();
      if (isBelow) {
        this.#makeWhiteout(parent, temporary);
        try {
          done(this.#rename(temporary, directory, name, isAbove && isDirectory ? RENAME.exchange : 0));
        } catch (error) {
          this.#discard(temporary);
          throw error;
        }
        if (isAbove && isDirectory) this.#discard(temporary);
      } else if (isDirectory) {
        // It may have whiteouts in it, of what was there before it was renamed.
        done(this.#calls.rename(directory, name, this.work, temporary, 0));
        this.#discard(temporary);
      } else done(this.#calls.unlink(directory, name, 0));
    });
  }

  /** In the work directory, for a name of `directory`. */
  #makeWhiteout(directory: TreeNode, temporary: FileName): void {
    const calls = this.#calls;
    if (calls.makeNode(this.work, temporary, MODE.character, 0) >= 0) return;
    // Where no device may be made it is an empty file, and its directory says that it may have such ones.
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | OPEN_FLAG.closeOnExec;
    calls.close(done(calls.openBelow(this.work, temporary, flags, 0, 0)));
    const fd = done(this.#work.open(temporary, OPEN_PATH));
    try {
      this.#mark(fd, 'whiteout', new Uint8Array());
    } finally {
      calls.close(fd);
    }
    if (directory.facts.fileWhiteouts.has(0)) return;
    this.#view.with(directory, (own) => {
      // One that is opaque stays so: nothing in it needs a whiteout then.
      if (directory.facts.layers.length > 1) this.#mark(own, 'opaque', FILE_WHITEOUTS);
    });
    directory.facts = { ...directory.facts, fileWhiteouts: new Set([...directory.facts.fileWhiteouts, 0]) };
  }

  #mark(fd: number, mark: string, value: Uint8Array): void {
    done(this.#calls.setAttribute(filePath(fd), MARK + mark, value, 0));
  }

  /**
   * Renames what lies in the upper layer over what is not there, or may be replaced: a file by a file, an empty directory by a directory.
   * A directory that has anything below is not renamed (EXDEV), as overlayfs does not without redirects.
   */
  rename(parent: TreeNode, name: FileName, newParent: TreeNode, newName: FileName, isDirectory: boolean): void {
    const view = this.#view;
    const leavesWhiteout = view.isBelow(parent, name);
    this.within(parent, (from) =>
      this.within(newParent, (to) => {
        const state = this.state(newParent, newName);
        if (isDirectory) {
          const hides = state === 'whiteout' || view.isBelow(newParent, newName);
          if (hides) this.#makeOpaque(from, name);
          if (state === 'there') this.#clear(newParent, newName, to);
        }
        const exchange = state === 'whiteout' && (leavesWhiteout || isDirectory);
        if (exchange) {
          done(this.#calls.rename(from, name, to, newName, RENAME.exchange));
          // What is left there now is the whiteout.
          if (!leavesWhiteout) done(this.#calls.unlink(from, name, 0));
          return;
        }
        if (!leavesWhiteout) {
          done(this.#calls.rename(from, name, to, newName, 0));
          return;
        }
        const result = this.#calls.rename(from, name, to, newName, RENAME.whiteout);
        if (result >= 0) return;
        if (result !== -FILE_ERROR.EINVAL && result !== -FILE_ERROR.EPERM) done(result);
        this.#renameInTwo(parent, name, from, to, newName);
      }),
    );
  }

  /** Where the file system has no whiteouts that come by renaming. */
  #renameInTwo(parent: TreeNode, name: FileName, from: number, to: number, newName: FileName): void {
    const temporary = this.temporaryName();
    this.#makeWhiteout(parent, temporary);
    try {
      done(this.#calls.rename(from, name, to, newName, 0));
      done(this.#rename(temporary, from, name));
    } catch (error) {
      this.#discard(temporary);
      throw error;
    }
  }

  /** Both lie in the upper layer. */
  exchange(parent: TreeNode, name: FileName, newParent: TreeNode, newName: FileName): void {
    this.within(parent, (from) =>
      this.within(newParent, (to) => {
        for (const [directory, one] of [
          [from, name],
          [to, newName],
        ] as const)
          this.#makeOpaque(directory, one);
        done(this.#calls.rename(from, name, to, newName, RENAME.exchange));
      }),
    );
  }

  /** A directory; nothing happens to others. */
  #makeOpaque(directory: number, name: FileName): void {
    const flags = OPEN_DIRECTORY | constants.O_NOFOLLOW | OPEN_FLAG.closeOnExec;
    const fd = this.#calls.openBelow(directory, name, flags, 0, 0);
    if (fd === -FILE_ERROR.ENOTDIR || fd === -FILE_ERROR.ELOOP) return;
    done(fd);
    try {
      this.#mark(fd, 'opaque', OPAQUE);
    } finally {
      this.#calls.close(fd);
    }
  }

  /** Puts an empty directory that hides what lies below in the place of one that shows nothing but may have whiteouts. */
  #clear(parent: TreeNode, name: FileName, directory: number): void {
    const node = this.#view.lookup(parent, name);
    const status = node === undefined ? undefined : this.#view.with(node, (fd) => this.#work.statusOf(fd));
    const temporary = this.temporaryName();
    done(this.#calls.makeDirectory(this.work, temporary, 0o700));
    this.#makeOpaque(this.work, temporary);
    const fd = done(this.#work.open(temporary, OPEN_PATH));
    try {
      if (status !== undefined) {
        this.#own(fd, status);
        done(this.#calls.changeMode(filePath(fd), status.mode & MODE.permissions));
      }
    } finally {
      this.#calls.close(fd);
    }
    done(this.#rename(temporary, directory, name, RENAME.exchange));
    this.#discard(temporary);
  }

  /** Removes it from the work directory, with all that is in it; nothing happens if it is not there. */
  #discard(name: FileName): void {
    const fd = this.#work.open(name, constants.O_RDONLY | constants.O_DIRECTORY);
    if (fd < 0) {
      this.#calls.unlink(this.work, name, 0);
      return;
    }
    try {
      const entries = readEntries(this.#calls, fd);
      if (typeof entries !== 'number') for (const entry of entries) this.#discard(`${name}/${entry.name}`);
    } finally {
      this.#calls.close(fd);
    }
    this.#calls.unlink(this.work, name, REMOVE_DIRECTORY);
  }

  [Symbol.dispose](): void {
    this.#work[Symbol.dispose]();
  }
}

/** Of a symbolic link that is open by OPEN_PATH. */
export function readLink(calls: FileCalls, fd: number): FileName {
  const target = Buffer.alloc(4096);
  const length = done(calls.readLink(fd, '', target));
  return target.toString('latin1', 0, length);
}
