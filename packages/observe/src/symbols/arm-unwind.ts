// SPDX-License-Identifier: Apache-2.0
// Unwinding by the tables of the Exception Handling ABI for the Arm Architecture (EHABI32, sections 6 to 10), which a compiler
// makes for calls: at an instruction in a prologue or an epilogue they may say something wrong, which the caller has to see.

import { readElfSections } from './elf-sections.js';

/** Reads a word of the guest's memory by its virtual address. */
export type ReadWord = (address: number) => number | undefined;

export interface UnwoundFrame {
  /** Where the function goes on that has called, or that was interrupted. */
  readonly pc: number;
  /** r0 to r15 of that function, as far as they are known. */
  readonly registers: number[];
  /** The PC was on the stack with r0 to r3, as an exception leaves it: no return address, but the very instruction. */
  readonly exact: boolean;
}

const SHT_ARM_EXIDX = 0x7000_0001;
const CANNOT_UNWIND = 1;
const ENTRY_SIZE = 8;
/** Of a table that is found by what it is. */
const LEAST_ENTRIES = 1000;
/** Bytes of instructions and steps for one frame. */
const MAX_INSTRUCTIONS = 256;

/** The 31-bit offset from its own place that a word holds. */
function place(word: number, at: number): number {
  return (at + ((word << 1) >> 1)) >>> 0;
}

/** An index table (.ARM.exidx), with its functions by address. */
export class UnwindTable {
  readonly #start: number;
  readonly #functions: Uint32Array;

  private constructor(start: number, functions: Uint32Array) {
    this.#start = start;
    this.#functions = functions;
  }

  /** @param bytes of the table, which the guest has at `start` */
  static of(bytes: Uint8Array, start: number): UnwindTable {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const count = Math.floor(bytes.length / ENTRY_SIZE);
    const functions = new Uint32Array(count);
    for (let n = 0; n < count; n++) {
      functions[n] = place(view.getUint32(n * ENTRY_SIZE, true), start + n * ENTRY_SIZE);
    }
    return new UnwindTable(start, functions);
  }

  /**
   * Finds the table of a program in its memory, by what it is: the longest run of entries whose functions ascend and lie in
   * the code from `first` to `last`. Undefined if no run has a thousand.
   *
   * @param image what the guest has from `base` on
   */
  static find(image: Uint8Array, base: number, first: number, last: number): UnwindTable | undefined {
    const place = UnwindTable.locate(image, base, first, last);
    if (place === undefined) return undefined;
    return UnwindTable.of(image.subarray(place.at, place.at + place.length), base + place.at);
  }

  /** Where that is in the image: bytes. */
  static locate(
    image: Uint8Array,
    base: number,
    first: number,
    last: number,
  ): { readonly at: number; readonly length: number } | undefined {
    const words = new DataView(image.buffer, image.byteOffset, image.byteLength);
    let best = { at: 0, count: 0 };
    for (const phase of [0, 4]) {
      let from = 0;
      let count = 0;
      let before = 0;
      for (let at = phase; at + ENTRY_SIZE <= image.length; at += ENTRY_SIZE) {
        const word = words.getUint32(at, true);
        const target = place(word, base + at);
        // A linker puts the table behind the code, but for a kernel's code that is only for its beginning. Zeros would be
        // entries for themselves.
        const known = word >>> 30 === 1 || (word < 0x4000_0000 && count >= LEAST_ENTRIES);
        if (known && target >= first && target <= last && (count === 0 || target > before)) {
          if (count === 0) from = at;
          count++;
          before = target;
          if (count > best.count) best = { at: from, count };
        } else count = 0;
      }
    }
    return best.count < LEAST_ENTRIES ? undefined : { at: best.at, length: best.count * ENTRY_SIZE };
  }

  get size(): number {
    return this.#functions.length;
  }

  /** The caller's frame of a function that stands at `pc`; undefined if the tables say nothing, or nothing that is possible. */
  unwind(pc: number, registers: readonly number[], read: ReadWord): UnwoundFrame | undefined {
    let low = 0;
    let high = this.#functions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#functions[middle]! <= pc) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return undefined;
    const at = this.#start + (low - 1) * ENTRY_SIZE;
    // Nothing has been pushed before the first instruction.
    if (this.#functions[low - 1] === pc) {
      return { pc: (registers[14]! & ~1) >>> 0, registers: [...registers.slice(0, 15), registers[14]!], exact: false };
    }
    const entry = read(at + 4);
    if (entry === undefined || entry === CANNOT_UNWIND) return undefined;
    const bytes = (entry & 0x8000_0000) !== 0 ? compact(entry, () => undefined) : table(place(entry, at + 4), read);
    return bytes === undefined ? undefined : execute(bytes, registers, read);
  }
}

/** The instructions of a table entry outside of the index (EHABI32, 6.3 and 9.3). */
function table(at: number, read: ReadWord): number[] | undefined {
  const first = read(at);
  if (first === undefined) return undefined;
  if ((first & 0x8000_0000) !== 0) return compact(first, (n) => read(at + 4 * n));
  // A routine of the language's own, behind which the same kind of instructions lies.
  const word = read(at + 4);
  return word === undefined ? undefined : spread(word, 3, word >>> 24, (n) => read(at + 4 + 4 * n));
}

function compact(first: number, more: (n: number) => number | undefined): number[] | undefined {
  const routine = (first >>> 24) & 0xf;
  if (routine === 0) return spread(first, 3, 0, more);
  return routine > 2 ? undefined : spread(first, 2, (first >>> 16) & 0xff, more);
}

/** The last `count` bytes of a word, and those of so many words more, from the highest byte on. */
function spread(
  first: number,
  count: number,
  words: number,
  more: (n: number) => number | undefined,
): number[] | undefined {
  const bytes = [16, 8, 0].slice(3 - count).map((shift) => (first >>> shift) & 0xff);
  for (let n = 1; n <= words && bytes.length < MAX_INSTRUCTIONS; n++) {
    const word = more(n);
    if (word === undefined) return undefined;
    bytes.push(word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff);
  }
  return bytes;
}

/** Executes the instructions (EHABI32, 10.3). */
function execute(bytes: readonly number[], before: readonly number[], read: ReadWord): UnwoundFrame | undefined {
  const registers = [...before];
  let sp = registers[13]!;
  let hasPc = false;
  let exact = false;
  let at = 0;
  let short = false;
  const next = (): number => {
    short ||= at >= bytes.length;
    return bytes[at++] ?? 0;
  };
  const pop = (mask: number, from: number): boolean => {
    let loaded: number | undefined;
    for (let n = from; mask !== 0; n++, mask >>>= 1) {
      if ((mask & 1) === 0) continue;
      const word = read(sp);
      if (word === undefined) return false;
      registers[n] = word;
      if (n === 13) loaded = word;
      hasPc ||= n === 15;
      sp = (sp + 4) >>> 0;
    }
    if (loaded !== undefined) sp = loaded;
    return true;
  };
  while (at < bytes.length) {
    const code = next();
    let done = true;
    if (code < 0x40) sp = (sp + ((code & 0x3f) << 2) + 4) >>> 0;
    else if (code < 0x80) sp = (sp - ((code & 0x3f) << 2) - 4) >>> 0;
    else if (code < 0x90) {
      const mask = ((code & 0xf) << 8) | next();
      done = mask !== 0 && pop(mask, 4);
    } else if (code < 0xa0) {
      const n = code & 0xf;
      done = n !== 13 && n !== 15;
      sp = registers[n]!;
    } else if (code < 0xb0) {
      const saved = (1 << ((code & 7) + 1)) - 1;
      done = pop(saved | ((code & 8) !== 0 ? 1 << 10 : 0), 4);
    } else if (code === 0xb0) break;
    else if (code === 0xb1) {
      const mask = next();
      exact = true;
      done = mask !== 0 && mask < 16 && pop(mask, 0);
    } else if (code === 0xb2) {
      let value = 0;
      for (let shift = 0; shift < 28; shift += 7) {
        const byte = next();
        value |= (byte & 0x7f) << shift;
        if ((byte & 0x80) === 0) break;
      }
      sp = (sp + 0x204 + (value << 2)) >>> 0;
    } else if (code === 0xb3) sp = (sp + 8 * ((next() & 0xf) + 1) + 4) >>> 0;
    else if (code >= 0xb8 && code < 0xc0) sp = (sp + 8 * ((code & 7) + 1) + 4) >>> 0;
    else if (code === 0xc8 || code === 0xc9) sp = (sp + 8 * ((next() & 0xf) + 1)) >>> 0;
    else if (code >= 0xd0 && code < 0xd8) sp = (sp + 8 * ((code & 7) + 1)) >>> 0;
    else done = false;
    if (!done || short) return undefined;
  }
  registers[13] = sp;
  if (!hasPc) registers[15] = registers[14]!;
  return { pc: (registers[15]! & ~1) >>> 0, registers, exact: exact && hasPc };
}

/** The index table of a program; undefined if it has none (System V ABI chapter 4; SHT_ARM_EXIDX). */
export function readElfUnwindTable(bytes: Uint8Array, what: string): UnwindTable | undefined {
  const section = readElfSections(bytes, what).sections.find(({ type }) => type === SHT_ARM_EXIDX);
  return section === undefined ? undefined : UnwindTable.of(section.bytes, section.address);
}

/** The bytes of an image in which the tables lie that an index refers to; undefined if it refers to none in it. */
export function referredTables(
  image: Uint8Array,
  index: { readonly at: number; readonly length: number },
): { readonly at: number; readonly length: number } | undefined {
  const words = new DataView(image.buffer, image.byteOffset, image.byteLength);
  let [first, last] = [Infinity, -Infinity];
  for (let at = index.at + 4; at < index.at + index.length; at += ENTRY_SIZE) {
    const entry = words.getUint32(at, true);
    if ((entry & 0x8000_0000) !== 0 || entry === CANNOT_UNWIND) continue;
    const target = place(entry, at);
    if (target >= image.length) continue;
    first = Math.min(first, target);
    last = Math.max(last, target);
  }
  if (first === Infinity) return undefined;
  return { at: first, length: Math.min(last + MAX_INSTRUCTIONS, image.length) - first };
}
