// SPDX-License-Identifier: Apache-2.0
// Arm semihosting, version 3 of the specification, for AArch32 ("Semihosting for AArch32 and AArch64", chapters 3 to 6):
// a guest without drivers asks the host for console, files, time and exit. Files exist only when the host gives them;
// SYS_SYSTEM is always refused. Everything a guest passes may be wrong: the answer is then -1 and an errno.

import { assert, latin1, type StateReader, type StateWriter, utf8, type VirtualNanoseconds } from '@plinth/core';

/** Guest-virtual memory as the calling code sees it; a fault is `undefined` or `false`. */
export interface GuestMemory {
  /** `size` is at most 64 KiB. The result is only read before the next call. */
  read(address: number, size: number): Uint8Array | undefined;
  write(address: number, bytes: Uint8Array): boolean;
}

export type OpenMode = 'r' | 'r+' | 'w' | 'w+' | 'a' | 'a+';

/** Files by small numbers of the host's choice. A negative result is a negated errno. */
export interface SemihostingFiles {
  /** `name` has one character per byte the guest gave. */
  open(name: string, mode: OpenMode): number;
  close(file: number): number;
  /** Bytes written, from the current position. */
  write(file: number, bytes: Uint8Array): number;
  /** At most `size` bytes from the current position, none at the end; or a negated errno. */
  read(file: number, size: number): Uint8Array | number;
  seek(file: number, position: number): number;
  length(file: number): number;
  isTerminal(file: number): boolean;
  remove(name: string): number;
  rename(from: string, to: string): number;
}

export interface SemihostingHost {
  readonly commandLine: string;
  /** Guest addresses; zeros let the C library choose (SYS_HEAPINFO). */
  readonly heap: {
    readonly heapBase: number;
    readonly heapLimit: number;
    readonly stackBase: number;
    readonly stackLimit: number;
  };
  readonly files?: SemihostingFiles;
  clock(): VirtualNanoseconds;
  /** Seconds since 1970, of the machine's clock. */
  time(): number;
  writeConsole(bytes: Uint8Array, stream: 'out' | 'error'): void;
  /** Up to `size` bytes of input; `undefined` when none has come yet, `end` when none will. */
  readConsole(size: number): Uint8Array | undefined | 'end';
}

/** `wait`: no input yet; nothing has changed, and the call is to be made again when some has come. */
export type SemihostingResult =
  | { readonly kind: 'return'; readonly r0: number }
  | { readonly kind: 'exit'; readonly status: number }
  | { readonly kind: 'wait' };

const SYS_OPEN = 0x01;
const SYS_CLOSE = 0x02;
const SYS_WRITEC = 0x03;
const SYS_WRITE0 = 0x04;
const SYS_WRITE = 0x05;
const SYS_READ = 0x06;
const SYS_READC = 0x07;
const SYS_ISERROR = 0x08;
const SYS_ISTTY = 0x09;
const SYS_SEEK = 0x0a;
const SYS_FLEN = 0x0c;
const SYS_TMPNAM = 0x0d;
const SYS_REMOVE = 0x0e;
const SYS_RENAME = 0x0f;
const SYS_CLOCK = 0x10;
const SYS_TIME = 0x11;
const SYS_SYSTEM = 0x12;
const SYS_ERRNO = 0x13;
const SYS_GET_CMDLINE = 0x15;
const SYS_HEAPINFO = 0x16;
const SYS_EXIT = 0x18;
const SYS_EXIT_EXTENDED = 0x20;
const SYS_ELAPSED = 0x30;
const SYS_TICKFREQ = 0x31;

/** ADP_Stopped_ApplicationExit: the only reason that means success. */
const APPLICATION_EXIT = 0x2_0026;

const EPERM = 1;
const ENOENT = 2;
const EIO = 5;
const EBADF = 9;
const EFAULT = 14;
const EINVAL = 22;
const EMFILE = 24;
const ENOSYS = 38;

const OPEN_MODES: readonly OpenMode[] = ['r', 'r', 'r+', 'r+', 'w', 'w', 'w+', 'w+', 'a', 'a', 'a+', 'a+'];
/** Magic "SHFB", then SH_EXT_EXIT_EXTENDED (bit 0) and SH_EXT_STDOUT_STDERR (bit 1). */
const FEATURES = Uint8Array.of(0x53, 0x48, 0x46, 0x42, 0b11);
/** One call moves no more, so that a guest cannot make us busy or large; callers go on with the rest. */
const MAX_TRANSFER = 1024 * 1024;
const CHUNK = 64 * 1024;
const MAX_NAME = 4096;
const MAX_HANDLES = 256;
const PAGE = 4096;

type OpenFile =
  | { readonly kind: 'input' }
  | { readonly kind: 'output'; readonly stream: 'out' | 'error' }
  | { readonly kind: 'features'; position: number }
  | { readonly kind: 'file'; readonly files: SemihostingFiles; readonly file: number };

/** Of the open files that can be saved, by number. */
const KINDS = ['input', 'output', 'features'] as const;

/** Whether an instruction is a semihosting call: SVC of the old form, HLT of the new (section 3.2). */
export function isSemihostingCall(instruction: number, thumb: boolean): boolean {
  if (thumb) return instruction === 0xdfab || instruction === 0xbabc;
  return (
    instruction >>> 0 === 0xe10f_0070 ||
    (instruction >>> 0 < 0xf000_0000 && (instruction & 0x0fff_ffff) === 0x0f12_3456)
  );
}

/** The calls of one machine, with its open files. Handles are one more than the index in `#open`. */
export class Semihosting {
  readonly #host: SemihostingHost;
  readonly #memory: GuestMemory;
  readonly #open: (OpenFile | undefined)[] = [];
  #errno = 0;

  constructor(host: SemihostingHost, memory: GuestMemory) {
    this.#host = host;
    this.#memory = memory;
  }

  /** Closes what the guest left open. */
  reset(): void {
    for (const entry of this.#open) if (entry?.kind === 'file') entry.files.close(entry.file);
    this.#open.length = 0;
    this.#errno = 0;
  }

  /** The open handles, none of which may be a file of the host's. */
  save(writer: StateWriter): void {
    writer.i32(this.#errno);
    writer.list(this.#open, (entry) => {
      assert(entry?.kind !== 'file', 'files of the host are in no snapshot');
      writer.u8(entry === undefined ? 0 : 1 + KINDS.indexOf(entry.kind));
      if (entry?.kind === 'output') writer.bool(entry.stream === 'error');
      if (entry?.kind === 'features') writer.u32(entry.position);
    });
  }

  restore(reader: StateReader): void {
    this.reset();
    this.#errno = reader.i32();
    const entries = reader.list((): OpenFile | undefined => {
      const number = reader.u8();
      const kind = KINDS[number - 1];
      reader.check(number <= KINDS.length, `${number} is no kind of open file`);
      switch (kind) {
        case 'output':
          return { kind, stream: reader.bool() ? 'error' : 'out' };
        case 'features':
          return { kind, position: Math.min(reader.u32(), FEATURES.length) };
        default:
          return kind === undefined ? undefined : { kind };
      }
    });
    reader.check(entries.length <= MAX_HANDLES, `${entries.length} open files`);
    this.#open.push(...entries);
  }

  /** `operation` is r0, `parameter` r1 of the caller. */
  call(operation: number, parameter: number): SemihostingResult {
    switch (operation) {
      case SYS_READC:
        return this.#readCharacter();
      case SYS_READ:
        return this.#read(parameter);
      case SYS_EXIT:
        return { kind: 'exit', status: parameter === APPLICATION_EXIT ? 0 : 1 };
      case SYS_EXIT_EXTENDED: {
        const block = this.#words(parameter, 2);
        if (block === undefined) return { kind: 'exit', status: 1 };
        return { kind: 'exit', status: block[0] === APPLICATION_EXIT ? block[1]! : 1 };
      }
      default:
        return { kind: 'return', r0: this.#simple(operation, parameter) };
    }
  }

  /** The calls that always come back at once: their r0. */
  #simple(operation: number, parameter: number): number {
    switch (operation) {
      case SYS_OPEN:
        return this.#openFile(parameter);
      case SYS_CLOSE:
        return this.#close(parameter);
      case SYS_WRITEC: {
        const byte = this.#memory.read(parameter, 1);
        if (byte !== undefined) this.#host.writeConsole(byte.slice(), 'out');
        return 0;
      }
      case SYS_WRITE0: {
        const text = this.#string(parameter, MAX_TRANSFER);
        if (text !== undefined) this.#host.writeConsole(text, 'out');
        return 0;
      }
      case SYS_WRITE:
        return this.#write(parameter);
      case SYS_ISERROR: {
        const block = this.#words(parameter, 1);
        return block === undefined ? this.#fail(EFAULT) : (block[0]! | 0) < 0 ? 1 : 0;
      }
      case SYS_ISTTY:
        return this.#onFile(parameter, 1, (entry) => {
          if (entry.kind === 'file') return entry.files.isTerminal(entry.file) ? 1 : 0;
          return entry.kind === 'features' ? 0 : 1;
        });
      case SYS_SEEK:
        return this.#onFile(parameter, 2, (entry, [, position]) => {
          if (entry.kind === 'file') return Math.min(entry.files.seek(entry.file, position!), 0);
          if (entry.kind !== 'features' || position! > FEATURES.length) return -EINVAL;
          entry.position = position!;
          return 0;
        });
      case SYS_FLEN:
        return this.#onFile(parameter, 1, (entry) => {
          if (entry.kind === 'file') return entry.files.length(entry.file);
          return entry.kind === 'features' ? FEATURES.length : -EINVAL;
        });
      case SYS_TMPNAM: {
        const block = this.#words(parameter, 3);
        if (block === undefined) return this.#fail(EFAULT);
        const name = utf8(`plinth-${block[1]! & 0xff}.tmp\0`);
        if (name.length > block[2]!) return this.#fail(EINVAL);
        return this.#memory.write(block[0]!, name) ? 0 : this.#fail(EFAULT);
      }
      case SYS_REMOVE:
        return this.#onNames(parameter, 1, (files, [name]) => files.remove(name!));
      case SYS_RENAME:
        return this.#onNames(parameter, 2, (files, [from, to]) => files.rename(from!, to!));
      case SYS_CLOCK:
        return Math.floor(this.#host.clock() / 10_000_000) | 0;
      case SYS_TIME:
        return Math.floor(this.#host.time()) | 0;
      case SYS_SYSTEM:
        return this.#fail(EPERM);
      case SYS_ERRNO:
        return this.#errno;
      case SYS_GET_CMDLINE:
        return this.#commandLine(parameter);
      case SYS_HEAPINFO: {
        const block = this.#words(parameter, 1);
        if (block === undefined) return this.#fail(EFAULT);
        const { heapBase, heapLimit, stackBase, stackLimit } = this.#host.heap;
        return this.#writeWords(block[0]!, [heapBase, heapLimit, stackBase, stackLimit]);
      }
      case SYS_ELAPSED: {
        const ticks = this.#host.clock();
        return this.#writeWords(parameter, [ticks % 0x1_0000_0000, Math.floor(ticks / 0x1_0000_0000)]);
      }
      case SYS_TICKFREQ:
        return 1_000_000_000;
      default:
        return this.#fail(ENOSYS);
    }
  }

  #fail(errno: number): -1 {
    this.#errno = errno;
    return -1;
  }

  /** A host's answer to the guest: a negated errno becomes -1. */
  #answer(result: number): number {
    return result < 0 ? this.#fail(-result) : result | 0;
  }

  #words(address: number, count: number): number[] | undefined {
    const bytes = this.#memory.read(address, count * 4);
    if (bytes === undefined) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Array.from({ length: count }, (_, at) => view.getUint32(at * 4, true));
  }

  #writeWords(address: number, values: readonly number[]): number {
    const bytes = new Uint8Array(values.length * 4);
    const view = new DataView(bytes.buffer);
    values.forEach((value, at) => view.setUint32(at * 4, value, true));
    return this.#memory.write(address, bytes) ? 0 : this.#fail(EFAULT);
  }

  /** Up to the null, read page by page so that the page after the null need not be there. */
  #string(address: number, limit: number): Uint8Array | undefined {
    const out: number[] = [];
    let at = address >>> 0;
    while (out.length < limit) {
      const part = this.#memory.read(at, PAGE - (at & (PAGE - 1)));
      if (part === undefined) return undefined;
      const end = part.indexOf(0);
      for (const byte of end < 0 ? part : part.subarray(0, end)) out.push(byte);
      if (end >= 0) return Uint8Array.from(out);
      at = (at + part.length) >>> 0;
    }
    return Uint8Array.from(out.slice(0, limit));
  }

  /** A name given by address and length. */
  #name(address: number, length: number): string | undefined {
    if (length > MAX_NAME) return undefined;
    const bytes = this.#memory.read(address, length);
    return bytes === undefined ? undefined : latin1(bytes);
  }

  #file(handle: number): OpenFile | undefined {
    return handle === 0 ? undefined : this.#open[handle - 1];
  }

  /** Runs `action` on the file of the first word of the argument block. */
  #onFile(parameter: number, count: number, action: (entry: OpenFile, block: readonly number[]) => number): number {
    const block = this.#words(parameter, count);
    if (block === undefined) return this.#fail(EFAULT);
    const entry = this.#file(block[0]!);
    return entry === undefined ? this.#fail(EBADF) : this.#answer(action(entry, block));
  }

  #onNames(
    parameter: number,
    count: number,
    action: (files: SemihostingFiles, names: readonly string[]) => number,
  ): number {
    const block = this.#words(parameter, count * 2);
    const names = block === undefined ? [] : [this.#name(block[0]!, block[1]!)];
    if (block !== undefined && count === 2) names.push(this.#name(block[2]!, block[3]!));
    const known = names.filter((name) => name !== undefined);
    if (known.length < count) return this.#fail(EFAULT);
    const { files } = this.#host;
    return files === undefined ? this.#fail(ENOENT) : this.#answer(action(files, known));
  }

  #openFile(parameter: number): number {
    const block = this.#words(parameter, 3);
    const name = block === undefined ? undefined : this.#name(block[0]!, block[2]!);
    if (block === undefined || name === undefined) return this.#fail(EFAULT);
    const mode = OPEN_MODES[block[1]!];
    if (mode === undefined) return this.#fail(EINVAL);
    const free = this.#open.indexOf(undefined);
    const index = free < 0 ? this.#open.length : free;
    if (index >= MAX_HANDLES) return this.#fail(EMFILE);
    const entry = this.#target(name, mode);
    if (typeof entry === 'number') return this.#fail(-entry);
    this.#open[index] = entry;
    return index + 1;
  }

  /** `:tt` is the console: input, output or error by the mode (SH_EXT_STDOUT_STDERR). */
  #target(name: string, mode: OpenMode): OpenFile | number {
    if (name === ':tt') {
      if (mode.startsWith('r')) return { kind: 'input' };
      return { kind: 'output', stream: mode.startsWith('a') ? 'error' : 'out' };
    }
    if (name === ':semihosting-features') return mode === 'r' ? { kind: 'features', position: 0 } : -EPERM;
    const { files } = this.#host;
    if (files === undefined) return -ENOENT;
    const file = files.open(name, mode);
    return file < 0 ? file : { kind: 'file', files, file };
  }

  #close(parameter: number): number {
    return this.#onFile(parameter, 1, (entry, [handle]) => {
      this.#open[handle! - 1] = undefined;
      return entry.kind === 'file' ? Math.min(entry.files.close(entry.file), 0) : 0;
    });
  }

  /** Answers how many bytes were not written. */
  #write(parameter: number): number {
    const block = this.#words(parameter, 3);
    if (block === undefined) return this.#fail(EFAULT);
    const [handle, address, length] = block as [number, number, number];
    const entry = this.#file(handle);
    if (entry === undefined || entry.kind === 'input' || entry.kind === 'features') {
      this.#fail(EBADF);
      return length;
    }
    let done = 0;
    while (done < Math.min(length, MAX_TRANSFER)) {
      const bytes = this.#memory.read((address + done) >>> 0, Math.min(length - done, CHUNK));
      if (bytes === undefined) {
        this.#fail(EFAULT);
        break;
      }
      if (entry.kind === 'output') {
        this.#host.writeConsole(bytes.slice(), entry.stream);
        done += bytes.length;
        continue;
      }
      const written = entry.files.write(entry.file, bytes);
      if (written <= 0) {
        this.#fail(written < 0 ? -written : EIO);
        break;
      }
      done += Math.min(written, bytes.length);
    }
    return (length - done) | 0;
  }

  /** Answers how many bytes of the buffer were not filled: all of them at the end of the file. */
  #read(parameter: number): SemihostingResult {
    const block = this.#words(parameter, 3);
    if (block === undefined) return { kind: 'return', r0: this.#fail(EFAULT) };
    const [handle, address, length] = block as [number, number, number];
    const entry = this.#file(handle);
    const bytes = entry === undefined ? -EBADF : this.#take(entry, Math.min(length, CHUNK));
    if (bytes === undefined) return { kind: 'wait' };
    if (typeof bytes === 'number') {
      this.#fail(-bytes);
      return { kind: 'return', r0: length | 0 };
    }
    if (!this.#memory.write(address, bytes)) {
      this.#fail(EFAULT);
      return { kind: 'return', r0: length | 0 };
    }
    return { kind: 'return', r0: (length - bytes.length) | 0 };
  }

  #take(entry: OpenFile, size: number): Uint8Array | number | undefined {
    if (size === 0) return new Uint8Array(0);
    switch (entry.kind) {
      case 'input': {
        const bytes = this.#host.readConsole(size);
        return bytes === 'end' ? new Uint8Array(0) : bytes;
      }
      case 'features': {
        const bytes = FEATURES.slice(entry.position, entry.position + size);
        entry.position += bytes.length;
        return bytes;
      }
      case 'file':
        return entry.files.read(entry.file, size);
      case 'output':
        return -EBADF;
    }
  }

  #readCharacter(): SemihostingResult {
    const bytes = this.#host.readConsole(1);
    if (bytes === undefined) return { kind: 'wait' };
    return { kind: 'return', r0: bytes === 'end' ? -1 : (bytes[0] ?? -1) };
  }

  /** The buffer's length is replaced by that of the text, without its null. */
  #commandLine(parameter: number): number {
    const block = this.#words(parameter, 2);
    if (block === undefined) return this.#fail(EFAULT);
    const [address, length] = block as [number, number];
    const text = utf8(`${this.#host.commandLine}\0`);
    if (text.length > length) return this.#fail(EINVAL);
    if (!this.#memory.write(address, text)) return this.#fail(EFAULT);
    return this.#writeWords(parameter + 4, [text.length - 1]);
  }
}
