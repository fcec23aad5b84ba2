// SPDX-License-Identifier: Apache-2.0
// Values of saved state as bytes, little-endian and without alignment. The writer grows as needed; the reader is total: whatever the
// bytes are, it gives a value or one input error that names the section and the offset in it.

import { PlinthError } from './errors.js';
import type { Alarm, EventQueue, VirtualNanoseconds } from './event-queue.js';
import { fromUtf8, utf8 } from './text.js';

/** What typed arrays have in common that are saved as a row of 32-bit or 8-bit numbers. */
export type StateArray = Uint8Array | Uint32Array | Int32Array;

export class StateWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity: number = 256) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  #claim(size: number): number {
    const at = this.#length;
    if (at + size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, at + size));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = at + size;
    return at;
  }

  u8(value: number): void {
    const at = this.#claim(1);
    this.#view.setUint8(at, value);
  }

  bool(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  u16(value: number): void {
    const at = this.#claim(2);
    this.#view.setUint16(at, value, true);
  }

  u32(value: number): void {
    const at = this.#claim(4);
    this.#view.setUint32(at, value, true);
  }

  i32(value: number): void {
    const at = this.#claim(4);
    this.#view.setInt32(at, value, true);
  }

  /** A finite number: virtual times, counts of instructions and others beyond 32 bits. */
  f64(value: number): void {
    const at = this.#claim(8);
    this.#view.setFloat64(at, value, true);
  }

  u64(value: bigint): void {
    const at = this.#claim(8);
    this.#view.setBigUint64(at, value, true);
  }

  /** A count of up to 53 bits, seven in a byte from the lowest on, as LEB128 has them. */
  varint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.u8((rest % 0x80) | 0x80);
    this.u8(rest);
  }

  /** Bytes without their length. */
  raw(bytes: Uint8Array): void {
    const at = this.#claim(bytes.length);
    this.#bytes.set(bytes, at);
  }

  bytes(bytes: Uint8Array): void {
    this.u32(bytes.length);
    this.raw(bytes);
  }

  string(text: string): void {
    this.bytes(utf8(text));
  }

  list<T>(items: readonly T[], write: (item: T) => void): void {
    this.u32(items.length);
    for (const item of items) write(item);
  }

  /** A typed array whose length the reader knows. */
  array(values: StateArray): void {
    this.u32(values.length);
    const bytes = values instanceof Uint8Array;
    for (const value of values) {
      if (bytes) this.u8(value);
      else this.u32(value);
    }
  }

  /** An alarm that its owner makes anew when it is restored: its time, and its place among equal times. */
  alarm(alarm: Alarm | undefined): void {
    const pending = alarm !== undefined && alarm.pending;
    this.bool(pending);
    if (!pending) return;
    this.f64(alarm.time);
    this.f64(alarm.sequence);
  }

  /** A view of what was written; the next write may move it. */
  take(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

export class StateReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  readonly #advice: string;
  #offset = 0;

  /**
   * `what` names the input and the section in error messages, for example `F: section rtc`; `advice` says how to mend a
   * damaged one.
   */
  constructor(bytes: Uint8Array, what: string, advice: string = 'take a new snapshot') {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
    this.#advice = advice;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** Raises the input error for what was read last and makes no sense. */
  fail(detail: string): never {
    throw new PlinthError(
      'input',
      'state-invalid',
      `${this.#what} is not valid at byte ${this.#offset}: ${detail}; ${this.#advice}`,
    );
  }

  /** As `assert`, for what outside input says. */
  check(condition: boolean, detail: string): asserts condition {
    if (!condition) this.fail(detail);
  }

  #take(size: number): number {
    const at = this.#offset;
    if (size > this.#bytes.length - at) this.fail(`${size} bytes are needed, ${this.remaining} are left`);
    this.#offset = at + size;
    return at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  bool(): boolean {
    const value = this.u8();
    this.check(value <= 1, `${value} is neither true nor false`);
    return value === 1;
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  f64(): number {
    const value = this.#view.getFloat64(this.#take(8), true);
    this.check(Number.isFinite(value), 'a finite number is needed');
    return value;
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /** A view of the next `size` bytes, not a copy. */
  raw(size: number): Uint8Array {
    const at = this.#take(size);
    return this.#bytes.subarray(at, at + size);
  }

  /** A view, not a copy. */
  bytes(): Uint8Array {
    return this.raw(this.u32());
  }

  string(): string {
    return fromUtf8(this.bytes());
  }

  /** Every item takes one byte at least, so that a damaged length ends with the section. */
  list<T>(read: () => T): T[] {
    const length = this.u32();
    this.check(length <= this.remaining, `a list of ${length} items`);
    return Array.from({ length }, read);
  }

  /** Fills a typed array; its length must be what was saved. */
  array(into: StateArray): void {
    const length = this.u32();
    this.check(length === into.length, `${length} values where ${into.length} are needed`);
    const bytes = into instanceof Uint8Array;
    for (let i = 0; i < length; i++) into[i] = bytes ? this.u8() : this.u32();
  }

  /** A virtual time: not negative, and exact. */
  time(): VirtualNanoseconds {
    const time = this.f64();
    this.check(time >= 0 && time <= Number.MAX_SAFE_INTEGER, `${time} is no virtual time`);
    return time;
  }

  /** A count: a whole number from zero on. */
  count(): number {
    const count = this.f64();
    this.check(Number.isSafeInteger(count) && count >= 0, `${count} is no count`);
    return count;
  }

  alarm(events: EventQueue, action: () => void): Alarm | undefined {
    if (!this.bool()) return undefined;
    const time = this.time();
    return events.reschedule(time, this.count(), action);
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      this.check(Number.isSafeInteger(value) && scale <= 2 ** 49, 'a count that is too large');
      if (byte < 0x80) return value;
    }
  }

  /** All must have been read: what is left over was written by somebody else. */
  end(): void {
    if (this.remaining > 0) this.fail(`${this.remaining} bytes are left over`);
  }
}
