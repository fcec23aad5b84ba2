// SPDX-License-Identifier: Apache-2.0
// The few instructions of x86-64 that launch programs are made of. All data lie below 4 GiB at known addresses, so an operand
// is a number or the eight bytes at an address (Intel SDM volume 2, appendix A; System V ABI for the registers of system calls).

import { assert } from '@plinth/core';

/** By their numbers in instructions. */
export const X64 = { rax: 0, rcx: 1, rdx: 2, rbx: 3, rsp: 4, rsi: 6, rdi: 7, r8: 8, r9: 9, r10: 10 } as const;
export type X64Register = (typeof X64)[keyof typeof X64];

/** Of the second byte of a long jump, by what has to hold of rax and the number it was compared with; signed. */
const CONDITIONS = { eq: 0x84, ne: 0x85, lt: 0x8c, ge: 0x8d } as const;
export type Condition = keyof typeof CONDITIONS;

export class CodeLabel {
  place: number | undefined;
  /** Where the distance to it is to be written. */
  readonly jumps: number[] = [];
}

export class X64Code {
  readonly #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  /** Positive numbers below 2^32, negative ones from -2^31 on, and any bigint of 64 bits. */
  move(to: X64Register, value: number | bigint): this {
    const number = BigInt(value);
    if (number >= 0n && number < 1n << 32n) {
      if (to >= 8) this.#bytes.push(0x41);
      this.#bytes.push(0xb8 + (to & 7));
      return this.#word(Number(number));
    }
    this.#bytes.push(to >= 8 ? 0x49 : 0x48, 0xb8 + (to & 7));
    return this.#word(Number(number & 0xffff_ffffn)).#word(Number((number >> 32n) & 0xffff_ffffn));
  }

  /** The eight bytes at an address. */
  load(to: X64Register, address: number): this {
    return this.#absolute(0x8b, to, address);
  }

  store(address: number, from: X64Register): this {
    return this.#absolute(0x89, from, address);
  }

  /** The address itself of the initial stack: what the kernel put there is above it. */
  storeStackPointer(address: number): this {
    return this.store(address, X64.rsp);
  }

  /** rax is the eight bytes at rax and `offset`. */
  follow(offset: number): this {
    this.#bytes.push(0x48, 0x8b, 0x80);
    return this.#word(offset);
  }

  systemCall(): this {
    this.#bytes.push(0x0f, 0x05);
    return this;
  }

  add(number: number): this {
    this.#bytes.push(0x48, 0x05);
    return this.#word(number);
  }

  /** rax and the eight bytes at an address. */
  addFrom(address: number): this {
    return this.#absolute(0x03, X64.rax, address);
  }

  compareWith(address: number): this {
    return this.#absolute(0x3b, X64.rax, address);
  }

  and(number: number): this {
    this.#bytes.push(0x48, 0x25);
    return this.#word(number);
  }

  shiftRight(bits: number): this {
    this.#bytes.push(0x48, 0xc1, 0xe8, bits);
    return this;
  }

  /** The upper half of rax, with its sign. */
  upperHalf(): this {
    this.#bytes.push(0x48, 0xc1, 0xf8, 32);
    return this;
  }

  /** rax by a number of 31 bits. */
  multiply(number: number): this {
    this.#bytes.push(0x48, 0x69, 0xc0);
    return this.#word(number);
  }

  copyRegister(to: X64Register, from: X64Register): this {
    this.#bytes.push(0x48 | (from >= 8 ? 4 : 0) | (to >= 8 ? 1 : 0), 0x89, 0xc0 | ((from & 7) << 3) | (to & 7));
    return this;
  }

  /** al is the byte at rsi, which goes on. */
  loadByte(): this {
    this.#bytes.push(0xac);
    return this;
  }

  /** Compares al. */
  compareByte(value: number): this {
    this.#bytes.push(0x3c, value);
    return this;
  }

  negate(): this {
    this.#bytes.push(0x48, 0xf7, 0xd8);
    return this;
  }

  /** rax, with a number of 32 bits. */
  compare(number: number): this {
    this.#bytes.push(0x48, 0x3d);
    return this.#word(number);
  }

  jumpIf(condition: Condition, to: CodeLabel): this {
    this.#bytes.push(0x0f, CONDITIONS[condition]);
    return this.#distance(to);
  }

  jump(to: CodeLabel): this {
    this.#bytes.push(0xe9);
    return this.#distance(to);
  }

  /** Calls a routine of this code, which ends with `ret`. */
  routine(to: CodeLabel): this {
    this.#bytes.push(0xe8);
    return this.#distance(to);
  }

  ret(): this {
    this.#bytes.push(0xc3);
    return this;
  }

  /** A byte from rsi to rdi, both of which go on; it is in al too. */
  copyByte(): this {
    this.#bytes.push(0xac, 0xaa);
    return this;
  }

  /** One less of rdi. */
  stepBack(): this {
    this.#bytes.push(0x48, 0xff, 0xcf);
    return this;
  }

  /** Compares rdi with a number. */
  compareTarget(number: number): this {
    this.#bytes.push(0x48, 0x81, 0xff);
    return this.#word(number);
  }

  /** Compares al with 0. */
  testByte(): this {
    this.#bytes.push(0x84, 0xc0);
    return this;
  }

  /** The low digit of rax to base 10, as a character in dl; rax without it. */
  digit(): this {
    this.move(X64.rdx, 0).move(X64.rcx, 10);
    this.#bytes.push(0x48, 0xf7, 0xf1, 0x80, 0xc2, 0x30);
    return this;
  }

  /** dl, in front of what rdi points to. */
  storeDigit(): this {
    this.stepBack().#bytes.push(0x88, 0x17);
    return this;
  }

  here(label: CodeLabel): this {
    assert(label.place === undefined, 'a label has one place');
    label.place = this.#bytes.length;
    return this;
  }

  finish(labels: Iterable<CodeLabel>): Uint8Array {
    const bytes = Uint8Array.from(this.#bytes);
    const view = new DataView(bytes.buffer);
    for (const { place, jumps } of labels) {
      assert(place !== undefined || jumps.length === 0, 'a label that is jumped to has a place');
      for (const at of jumps) view.setInt32(at, place! - (at + 4), true);
    }
    return bytes;
  }

  #distance(to: CodeLabel): this {
    to.jumps.push(this.#bytes.length);
    return this.#word(0);
  }

  /** ModRM 00 reg 100 and SIB 25: an address of 32 bits and nothing else. */
  #absolute(opcode: number, register: X64Register, address: number): this {
    assert(address > 0 && address < 2 ** 31, 'data lie low');
    this.#bytes.push(register >= 8 ? 0x4c : 0x48, opcode, 0x04 | ((register & 7) << 3), 0x25);
    return this.#word(address);
  }

  #word(value: number): this {
    this.#bytes.push(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >>> 24) & 0xff);
    return this;
  }
}
