// SPDX-License-Identifier: Apache-2.0
// Sets of bytes, and those that PCRE has names for (pcre2pattern, "Generic character types" and "POSIX character classes").

export class ByteSet {
  /** A word of 32 bytes each. */
  readonly words: Uint32Array = new Uint32Array(8);

  static of(...bytes: number[]): ByteSet {
    const set = new ByteSet();
    for (const byte of bytes) set.add(byte);
    return set;
  }

  static range(first: number, last: number): ByteSet {
    return new ByteSet().addRange(first, last);
  }

  add(byte: number): this {
    this.words[byte >>> 5]! |= 1 << (byte & 31);
    return this;
  }

  addRange(first: number, last: number): this {
    for (let byte = first; byte <= last; byte++) this.add(byte);
    return this;
  }

  addSet(other: ByteSet): this {
    other.words.forEach((word, n) => {
      this.words[n]! |= word;
    });
    return this;
  }

  has(byte: number): boolean {
    return ((this.words[byte >>> 5]! >>> (byte & 31)) & 1) !== 0;
  }

  complement(): ByteSet {
    const set = new ByteSet();
    this.words.forEach((word, n) => {
      set.words[n] = ~word;
    });
    return set;
  }

  /** With the other case of each ASCII letter. */
  foldCase(): ByteSet {
    const set = new ByteSet().addSet(this);
    for (let lower = 0x61; lower <= 0x7a; lower++) {
      if (this.has(lower)) set.add(lower - 0x20);
      if (this.has(lower - 0x20)) set.add(lower);
    }
    return set;
  }

  bytes(): number[] {
    return Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => this.has(byte));
  }

  get key(): string {
    return this.words.join();
  }
}

const DIGIT: ByteSet = ByteSet.range(0x30, 0x39);
const UPPER: ByteSet = ByteSet.range(0x41, 0x5a);
const LOWER: ByteSet = ByteSet.range(0x61, 0x7a);
const ALPHA: ByteSet = new ByteSet().addSet(UPPER).addSet(LOWER);
const ALNUM: ByteSet = new ByteSet().addSet(ALPHA).addSet(DIGIT);
const GRAPH: ByteSet = ByteSet.range(0x21, 0x7e);
export const WORD: ByteSet = new ByteSet().addSet(ALNUM).add(0x5f);
/** With the vertical tab, as PCRE2 has it. */
const SPACE: ByteSet = ByteSet.range(0x09, 0x0d).add(0x20);
const BLANK: ByteSet = ByteSet.of(0x09, 0x20, 0xa0);
const VERTICAL: ByteSet = ByteSet.range(0x0a, 0x0d).add(0x85);
export const ANY: ByteSet = ByteSet.range(0, 255);
export const NO_NEWLINE: ByteSet = ByteSet.of(0x0a).complement();

/** By the letter behind the backslash. */
export const CLASS_ESCAPES: Readonly<Record<string, ByteSet>> = {
  d: DIGIT,
  D: DIGIT.complement(),
  w: WORD,
  W: WORD.complement(),
  s: SPACE,
  S: SPACE.complement(),
  h: BLANK,
  H: BLANK.complement(),
  v: VERTICAL,
  V: VERTICAL.complement(),
  N: NO_NEWLINE,
};

/** By the name between [: and :]. */
export const POSIX_CLASSES: Readonly<Record<string, ByteSet>> = {
  alnum: ALNUM,
  alpha: ALPHA,
  ascii: ByteSet.range(0, 0x7f),
  blank: ByteSet.of(0x09, 0x20),
  cntrl: ByteSet.range(0, 0x1f).add(0x7f),
  digit: DIGIT,
  graph: GRAPH,
  lower: LOWER,
  print: new ByteSet().addSet(GRAPH).add(0x20),
  punct: new ByteSet().addRange(0x21, 0x2f).addRange(0x3a, 0x40).addRange(0x5b, 0x60).addRange(0x7b, 0x7e),
  space: SPACE,
  upper: UPPER,
  word: WORD,
  xdigit: new ByteSet().addSet(DIGIT).addRange(0x41, 0x46).addRange(0x61, 0x66),
};
