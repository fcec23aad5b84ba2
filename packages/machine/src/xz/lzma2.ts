// SPDX-License-Identifier: Apache-2.0
// LZMA2 decoder, after Igor Pavlov's LZMA specification and the chunk layout described in the .xz file format 1.1.0.
// The output buffer is the dictionary. Damaged input ends in a typed error; output never grows past `maximumSize`.

import { PlinthError } from '@plinth/core';

/** Growing output of a decoder; `bytes` may be replaced by a larger buffer whenever `reserve` is called. */
export class Output {
  bytes: Uint8Array = new Uint8Array(1 << 16);
  length: number = 0;
  readonly #maximumSize: number;
  readonly #what: string;

  constructor(maximumSize: number, what: string) {
    this.#maximumSize = maximumSize;
    this.#what = what;
  }

  reserve(more: number): void {
    const needed = this.length + more;
    if (needed > this.#maximumSize) {
      throw new PlinthError(
        'input',
        'xz-too-large',
        `${this.#what}: unpacks to more than ${this.#maximumSize} bytes, which is refused`,
      );
    }
    if (needed <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}

// One array of 11-bit probabilities; the tables lie one behind the other.
const IS_MATCH = 0; // [state 12][position 16]
const IS_REP = IS_MATCH + 12 * 16;
const IS_REP_G0 = IS_REP + 12;
const IS_REP_G1 = IS_REP_G0 + 12;
const IS_REP_G2 = IS_REP_G1 + 12;
const IS_REP0_LONG = IS_REP_G2 + 12; // [state 12][position 16]
const POSITION_SLOT = IS_REP0_LONG + 12 * 16; // [length state 4][64]
const POSITION_SPECIAL = POSITION_SLOT + 4 * 64; // reverse trees of slots 4 to 13
const POSITION_ALIGN = POSITION_SPECIAL + 128;
// A length coder: choice, choice2, low [position 16][8], middle [position 16][8], high [256].
const LENGTH_LOW = 2;
const LENGTH_MIDDLE = LENGTH_LOW + 16 * 8;
const LENGTH_HIGH = LENGTH_MIDDLE + 16 * 8;
const LENGTH_SIZE = LENGTH_HIGH + 256;
const MATCH_LENGTH = POSITION_ALIGN + 16;
const REP_LENGTH = MATCH_LENGTH + LENGTH_SIZE;
const LITERAL = REP_LENGTH + LENGTH_SIZE; // [context][0x300]

export class Lzma2Decoder {
  readonly #input: Uint8Array;
  readonly #output: Output;
  readonly #what: string;
  readonly #dictionarySize: number;
  readonly #probabilities: Uint16Array = new Uint16Array(LITERAL + (0x300 << 4));
  /** Offset of the next input byte. */
  offset: number;
  #chunkEnd: number = 0;
  #dictionaryStart: number = 0;
  #range: number = 0;
  #code: number = 0;
  #state: number = 0;
  #rep0: number = 0;
  #rep1: number = 0;
  #rep2: number = 0;
  #rep3: number = 0;
  #literalContextBits: number = 0;
  #literalPositionMask: number = 0;
  #positionMask: number = 0;

  constructor(input: Uint8Array, offset: number, output: Output, dictionarySize: number, what: string) {
    this.#input = input;
    this.offset = offset;
    this.#output = output;
    this.#dictionarySize = dictionarySize;
    this.#what = what;
  }

  #damaged(detail: string): PlinthError {
    return new PlinthError('input', 'xz-damaged', `${this.#what}: XZ data damaged near byte ${this.offset}: ${detail}`);
  }

  #byte(): number {
    const value = this.#input[this.offset];
    if (value === undefined) throw this.#damaged('it ends too early');
    this.offset++;
    return value;
  }

  /** Decodes chunks up to and including the end marker. */
  decode(): void {
    let needsDictionary = true;
    let needsProperties = true;
    for (;;) {
      const control = this.#byte();
      if (control === 0) return;
      if (control === 1 || control >= 0xe0) {
        this.#dictionaryStart = this.#output.length;
        needsDictionary = false;
        needsProperties = true;
      } else if (needsDictionary) throw this.#damaged('the first chunk does not reset the dictionary');
      if (control < 0x80) {
        if (control > 2) throw this.#damaged(`unknown chunk type ${control}`);
        this.#copyChunk();
        continue;
      }
      const unpackedSize = ((control & 0x1f) << 16) + (this.#byte() << 8) + this.#byte() + 1;
      const packedSize = (this.#byte() << 8) + this.#byte() + 1;
      if (control >= 0xc0) {
        this.#setProperties(this.#byte());
        needsProperties = false;
      } else if (needsProperties) throw this.#damaged('a chunk comes before its coder properties');
      if (control >= 0xa0) this.#resetState();
      this.#decodeChunk(unpackedSize, packedSize);
    }
  }

  #copyChunk(): void {
    const size = (this.#byte() << 8) + this.#byte() + 1;
    if (this.offset + size > this.#input.length) throw this.#damaged('it ends too early');
    this.#output.reserve(size);
    this.#output.bytes.set(this.#input.subarray(this.offset, this.offset + size), this.#output.length);
    this.#output.length += size;
    this.offset += size;
  }

  /** One byte: (pb * 5 + lp) * 9 + lc, with lc + lp <= 4 in LZMA2. */
  #setProperties(value: number): void {
    const lc = value % 9;
    const lp = Math.floor(value / 9) % 5;
    const pb = Math.floor(value / 45);
    if (pb > 4 || lc + lp > 4) throw this.#damaged('impossible coder properties');
    this.#literalContextBits = lc;
    this.#literalPositionMask = (1 << lp) - 1;
    this.#positionMask = (1 << pb) - 1;
  }

  #resetState(): void {
    this.#probabilities.fill(1024);
    this.#state = 0;
    this.#rep0 = this.#rep1 = this.#rep2 = this.#rep3 = 0;
  }

  #normalize(): void {
    if (this.#range < 0x1000000) {
      if (this.offset >= this.#chunkEnd) throw this.#damaged('a chunk holds fewer bytes than it needs');
      this.#range = (this.#range << 8) >>> 0;
      this.#code = ((this.#code << 8) | this.#input[this.offset]!) >>> 0;
      this.offset++;
    }
  }

  #bit(index: number): number {
    this.#normalize();
    const probability = this.#probabilities[index]!;
    const bound = Math.imul(this.#range >>> 11, probability) >>> 0;
    if (this.#code < bound) {
      this.#range = bound;
      this.#probabilities[index] = probability + ((2048 - probability) >> 5);
      return 0;
    }
    this.#range -= bound;
    this.#code -= bound;
    this.#probabilities[index] = probability - (probability >> 5);
    return 1;
  }

  /** A tree of `bits` levels, most significant bit first. */
  #tree(base: number, bits: number): number {
    let node = 1;
    for (let i = 0; i < bits; i++) node = (node << 1) | this.#bit(base + node);
    return node - (1 << bits);
  }

  #reverseTree(base: number, bits: number): number {
    let node = 1;
    let value = 0;
    for (let i = 0; i < bits; i++) {
      const bit = this.#bit(base + node);
      node = (node << 1) | bit;
      value |= bit << i;
    }
    return value;
  }

  /** `bits` bits of equal probability. */
  #direct(bits: number): number {
    let value = 0;
    for (let i = 0; i < bits; i++) {
      this.#normalize();
      this.#range >>>= 1;
      const bit = this.#code >= this.#range ? 1 : 0;
      if (bit === 1) this.#code -= this.#range;
      value = (value << 1) | bit;
    }
    return value >>> 0;
  }

  #decodeChunk(unpackedSize: number, packedSize: number): void {
    const output = this.#output;
    this.#chunkEnd = this.offset + packedSize;
    if (this.#chunkEnd > this.#input.length) throw this.#damaged('it ends too early');
    if (packedSize < 5 || this.#byte() !== 0) throw this.#damaged('a chunk does not start as it must');
    this.#range = 0xffffffff;
    this.#code = 0;
    for (let i = 0; i < 4; i++) this.#code = ((this.#code << 8) | this.#byte()) >>> 0;
    output.reserve(unpackedSize);
    const end = output.length + unpackedSize;
    while (output.length < end) {
      const positionState = (output.length - this.#dictionaryStart) & this.#positionMask;
      if (this.#bit(IS_MATCH + (this.#state << 4) + positionState) === 0) this.#literal();
      else this.#match(positionState, end);
    }
    this.#normalize();
    if (this.#code !== 0 || this.offset !== this.#chunkEnd) throw this.#damaged('a chunk does not end as it must');
  }

  #literal(): void {
    const output = this.#output;
    const position = output.length - this.#dictionaryStart;
    const previous = position === 0 ? 0 : output.bytes[output.length - 1]!;
    const context =
      ((position & this.#literalPositionMask) << this.#literalContextBits) +
      (previous >> (8 - this.#literalContextBits));
    const base = LITERAL + 0x300 * context;
    let symbol = 1;
    if (this.#state >= 7) {
      // After a match, the byte at the last distance steers the choice for as long as the bits agree with it.
      let matched = output.bytes[output.length - this.#rep0 - 1]!;
      let offset = 0x100;
      while (symbol < 0x100) {
        matched <<= 1;
        const matchedBit = matched & offset;
        const bit = this.#bit(base + offset + matchedBit + symbol);
        symbol = (symbol << 1) | bit;
        offset &= bit === 1 ? matchedBit : ~matchedBit;
      }
    } else while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(base + symbol);
    output.bytes[output.length++] = symbol;
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6;
  }

  #match(positionState: number, end: number): void {
    let length: number;
    if (this.#bit(IS_REP + this.#state) === 0) {
      this.#rep3 = this.#rep2;
      this.#rep2 = this.#rep1;
      this.#rep1 = this.#rep0;
      length = this.#length(MATCH_LENGTH, positionState);
      this.#rep0 = this.#distance(length);
      this.#state = this.#state < 7 ? 7 : 10;
    } else if (this.#bit(IS_REP_G0 + this.#state) === 0) {
      if (this.#bit(IS_REP0_LONG + (this.#state << 4) + positionState) === 0) {
        this.#state = this.#state < 7 ? 9 : 11;
        this.#copy(1, end);
        return;
      }
      length = this.#length(REP_LENGTH, positionState);
      this.#state = this.#state < 7 ? 8 : 11;
    } else {
      let distance = this.#rep1;
      if (this.#bit(IS_REP_G1 + this.#state) === 1) {
        distance = this.#rep2;
        if (this.#bit(IS_REP_G2 + this.#state) === 1) {
          distance = this.#rep3;
          this.#rep3 = this.#rep2;
        }
        this.#rep2 = this.#rep1;
      }
      this.#rep1 = this.#rep0;
      this.#rep0 = distance;
      length = this.#length(REP_LENGTH, positionState);
      this.#state = this.#state < 7 ? 8 : 11;
    }
    this.#copy(length, end);
  }

  #length(base: number, positionState: number): number {
    if (this.#bit(base) === 0) return 2 + this.#tree(base + LENGTH_LOW + (positionState << 3), 3);
    if (this.#bit(base + 1) === 0) return 10 + this.#tree(base + LENGTH_MIDDLE + (positionState << 3), 3);
    return 18 + this.#tree(base + LENGTH_HIGH, 8);
  }

  #distance(length: number): number {
    const slot = this.#tree(POSITION_SLOT + (Math.min(length - 2, 3) << 6), 6);
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1;
    const high = ((2 | (slot & 1)) << bits) >>> 0;
    if (slot < 14) return high + this.#reverseTree(POSITION_SPECIAL + high - slot, bits);
    return high + this.#direct(bits - 4) * 16 + this.#reverseTree(POSITION_ALIGN, 4);
  }

  #copy(length: number, end: number): void {
    const output = this.#output;
    const distance = this.#rep0;
    if (distance >= output.length - this.#dictionaryStart || distance >= this.#dictionarySize) {
      throw this.#damaged('a match reaches back before the start');
    }
    if (output.length + length > end) throw this.#damaged('a match reaches past the end of its chunk');
    const bytes = output.bytes;
    let to = output.length;
    for (let from = to - distance - 1, stop = to + length; to < stop;) bytes[to++] = bytes[from++]!;
    output.length = to;
  }
}
