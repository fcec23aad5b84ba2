// SPDX-License-Identifier: Apache-2.0
// Files for semihosted programs that exist in memory only.

import type { OpenMode, SemihostingFiles } from '@plinth/machine';

const ENOENT = 2;
const EBADF = 9;
const EFBIG = 27;
const MAX_SIZE = 1 << 20;

interface Contents {
  bytes: Uint8Array;
}
interface OpenFile {
  readonly contents: Contents;
  readonly mode: OpenMode;
  position: number;
}

export class MemoryFiles implements SemihostingFiles {
  readonly #byName = new Map<string, Contents>();
  readonly #open = new Map<number, OpenFile>();
  #next = 1;

  open(name: string, mode: OpenMode): number {
    let contents = this.#byName.get(name);
    if (contents === undefined && mode.startsWith('r')) return -ENOENT;
    if (contents === undefined || mode.startsWith('w')) {
      contents = { bytes: new Uint8Array(0) };
      this.#byName.set(name, contents);
    }
    this.#open.set(this.#next, { contents, mode, position: 0 });
    return this.#next++;
  }

  close(file: number): number {
    return this.#open.delete(file) ? 0 : -EBADF;
  }

  write(file: number, bytes: Uint8Array): number {
    const entry = this.#open.get(file);
    if (entry === undefined || entry.mode === 'r') return -EBADF;
    const { contents } = entry;
    if (entry.mode.startsWith('a')) entry.position = contents.bytes.length;
    const end = entry.position + bytes.length;
    if (end > MAX_SIZE) return -EFBIG;
    if (end > contents.bytes.length) {
      const larger = new Uint8Array(end);
      larger.set(contents.bytes);
      contents.bytes = larger;
    }
    contents.bytes.set(bytes, entry.position);
    entry.position = end;
    return bytes.length;
  }

  read(file: number, size: number): Uint8Array | number {
    const entry = this.#open.get(file);
    if (entry === undefined || entry.mode === 'w' || entry.mode === 'a') return -EBADF;
    const bytes = entry.contents.bytes.slice(entry.position, entry.position + size);
    entry.position += bytes.length;
    return bytes;
  }

  seek(file: number, position: number): number {
    const entry = this.#open.get(file);
    if (entry === undefined) return -EBADF;
    entry.position = position;
    return 0;
  }

  length(file: number): number {
    return this.#open.get(file)?.contents.bytes.length ?? -EBADF;
  }

  isTerminal(): boolean {
    return false;
  }

  remove(name: string): number {
    return this.#byName.delete(name) ? 0 : -ENOENT;
  }

  rename(from: string, to: string): number {
    const contents = this.#byName.get(from);
    if (contents === undefined) return -ENOENT;
    this.#byName.delete(from);
    this.#byName.set(to, contents);
    return 0;
  }
}
