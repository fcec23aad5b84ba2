// SPDX-License-Identifier: Apache-2.0
// A root file system in memory (names and attributes; data stays in the archives), made by laying archives over each
// other as the OCI image specification says (layer.md, with its whiteouts). Nothing is written anywhere: what comes out is
// one list in which no name leads out or through a link, so that it can be unpacked without trust in its origin.

import { PlinthError } from '@plinth/core';
import type { TarMember } from './tar-reader.js';

export interface TreeFile {
  readonly kind: 'file' | 'symlink' | 'fifo';
  readonly layer: number;
  readonly member: TarMember;
}

interface Directory {
  readonly kind: 'directory';
  member: Pick<TarMember, 'mode' | 'uid' | 'gid' | 'mtime'>;
  readonly children: Map<string, TreeNode>;
}

type TreeNode = Directory | TreeFile;

/** What is to be written, in this order. A hard link names the path that came before it. */
export type TreeEntry =
  | { readonly path: string; readonly kind: 'directory'; readonly member: Directory['member'] }
  | { readonly path: string; readonly kind: 'node'; readonly file: TreeFile }
  | { readonly path: string; readonly kind: 'hard link'; readonly target: string };

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** As many as Linux follows. */
const MOST_LINKS = 40;
/** Bytes of a name, as in Linux, and directories in each other. */
const LONGEST_PATH = 4096;
const DEEPEST = 1024;
const PLAIN_DIRECTORY = { mode: 0o755, uid: 0, gid: 0, mtime: 0 };

export class RootTree {
  readonly #root: Directory = { kind: 'directory', member: PLAIN_DIRECTORY, children: new Map() };
  #devices = 0;

  /** Device nodes that were left out: devtmpfs makes them in the guest. */
  get devices(): number {
    return this.#devices;
  }

  /** Lays an archive over what is there. `name` is for errors; with `whiteouts` marks in it remove what lies below. */
  apply(members: Iterable<TarMember>, layer: number, name: string, whiteouts: boolean): void {
    const list = [...members];
    if (whiteouts) for (const { path } of list) this.#whiteOut(path, name);
    for (const member of list) {
      const parts = split(member.path, name);
      const last = parts.at(-1);
      if (whiteouts && last?.startsWith(WHITEOUT) === true) continue;
      if (member.kind === 'device') {
        this.#devices++;
        continue;
      }
      this.#put(parts, member, layer, name);
    }
  }

  #whiteOut(path: string, name: string): void {
    const parts = split(path, name);
    const last = parts.pop();
    if (last?.startsWith(WHITEOUT) !== true) return;
    const parent = this.#find(parts);
    if (parent?.kind !== 'directory') return;
    if (last === OPAQUE) parent.children.clear();
    else parent.children.delete(last.slice(WHITEOUT.length));
  }

  #put(parts: readonly string[], member: TarMember, layer: number, name: string): void {
    const last = parts.at(-1);
    if (last === undefined) {
      if (member.kind === 'directory') this.#root.member = member;
      return;
    }
    const parent = this.#makeDirectory(parts.slice(0, -1), `${name}: ${member.path}`);
    const present = parent.children.get(last);
    switch (member.kind) {
      case 'directory':
        if (present?.kind === 'directory') present.member = member;
        else parent.children.set(last, { kind: 'directory', member, children: new Map() });
        return;
      case 'hard link': {
        const target = this.#find(split(member.target, name));
        if (target === undefined || target.kind === 'directory') {
          throw unusable(`${name}: ${member.path}: a hard link to ${member.target}, which is no file before it`);
        }
        parent.children.set(last, target);
        return;
      }
      case 'file':
      case 'symlink':
      case 'fifo':
        parent.children.set(last, { kind: member.kind, layer, member });
        return;
      case 'device':
        return; // left out by the caller
    }
  }

  /** The directory of this name; links in it lead within the tree, and what is missing is made. */
  #makeDirectory(parts: readonly string[], what: string): Directory {
    const directory = this.#walk(parts, true);
    if (directory?.kind !== 'directory') throw unusable(`${what}: ${parts.join('/')} is no directory`);
    return directory;
  }

  /** Not following a link at the end. */
  #find(parts: readonly string[]): TreeNode | undefined {
    const last = parts.at(-1);
    if (last === undefined) return this.#root;
    const parent = this.#walk(parts.slice(0, -1), false);
    return parent?.kind === 'directory' ? parent.children.get(last) : undefined;
  }

  /** Follows links, also at the end, as a process whose root this is would. */
  #walk(parts: readonly string[], make: boolean): TreeNode | undefined {
    const todo = parts.toReversed();
    const stack: Directory[] = [this.#root];
    let links = 0;
    for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
      const here = stack.at(-1)!;
      if (part === '' || part === '.') continue;
      if (part === '..') {
        if (stack.length > 1) stack.pop();
        continue;
      }
      let next = here.children.get(part);
      if (next === undefined) {
        if (!make) return undefined;
        next = { kind: 'directory', member: PLAIN_DIRECTORY, children: new Map() };
        here.children.set(part, next);
      }
      if (next.kind === 'symlink') {
        if (++links > MOST_LINKS) return undefined;
        const { target } = next.member;
        if (target.startsWith('/')) stack.length = 1;
        todo.push(...target.split('/').toReversed());
        continue;
      }
      if (next.kind !== 'directory') return todo.length === 0 ? next : undefined;
      stack.push(next);
      if (stack.length > DEEPEST)
        throw unusable(`${parts.join('/').slice(0, 80)}…: too many directories in each other`);
    }
    return stack.at(-1);
  }

  /** The file or directory behind a path, links followed. */
  lookup(path: string): TreeNode | undefined {
    return this.#walk(path.split('/'), false);
  }

  /** The path of a directory with no link in it, for use outside the tree; throws if there is none. */
  realPath(path: string): string {
    const wanted = this.lookup(path);
    const entry = this.entries().find((one) => one.kind === 'directory' && this.lookup(one.path) === wanted);
    if (wanted?.kind !== 'directory' || entry === undefined) throw unusable(`${path} is no directory`);
    return entry.path;
  }

  /** Directories first, so that nothing is ever made through a link; symbolic links last. */
  entries(): TreeEntry[] {
    const directories: TreeEntry[] = [];
    const files: TreeEntry[] = [];
    const symlinks: TreeEntry[] = [];
    const seen = new Map<TreeFile, string>();
    const visit = (directory: Directory, path: string): void => {
      directories.push({ path: path === '' ? '.' : path, kind: 'directory', member: directory.member });
      for (const [name, node] of directory.children) {
        const inner = path === '' ? name : `${path}/${name}`;
        if (node.kind === 'directory') visit(node, inner);
        else {
          const first = seen.get(node);
          const list = node.kind === 'symlink' ? symlinks : files;
          if (first === undefined) list.push({ path: inner, kind: 'node', file: node });
          else list.push({ path: inner, kind: 'hard link', target: first });
          seen.set(node, first ?? inner);
        }
      }
    };
    visit(this.#root, '');
    return [...directories, ...files, ...symlinks];
  }
}

/** The parts of a member's name. `..` in one is an attack or an accident; a leading slash is dropped, as tar does. */
function split(path: string, name: string): string[] {
  if (path.length > LONGEST_PATH) throw unusable(`${name}: ${path.slice(0, 80)}…: this name is too long`);
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || path.includes('\0')) {
    throw unusable(`${name}: ${path}: a name that leads out of the root file system`);
  }
  return parts;
}

function unusable(message: string): PlinthError {
  return new PlinthError('input', 'root-tree', message);
}
