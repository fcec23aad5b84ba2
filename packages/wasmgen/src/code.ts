// SPDX-License-Identifier: Apache-2.0
// Writes the body of one WebAssembly function: locals and instructions as bytes, in order (binary format, section 5.4).
// Branches are written with labels; the depth that the format wants is worked out here.

import { opcode, type ValueType } from './opcodes.js';

const TYPE_CODE: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };
export function typeCode(type: ValueType): number {
  return TYPE_CODE[type];
}

/** A growing byte string with the format's integer encodings. */
export class Bytes {
  #data = new Uint8Array(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  #room(size: number): void {
    if (this.#length + size <= this.#data.length) return;
    const grown = new Uint8Array(Math.max(this.#data.length * 2, this.#length + size));
    grown.set(this.#data.subarray(0, this.#length));
    this.#data = grown;
  }

  byte(value: number): void {
    if (this.#length === this.#data.length) this.#room(1);
    this.#data[this.#length++] = value;
  }

  bytes(values: Uint8Array): void {
    this.#room(values.length);
    this.#data.set(values, this.#length);
    this.#length += values.length;
  }

  /** Unsigned LEB128 of a 32-bit number. */
  unsigned(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** Signed LEB128 of a 32-bit number. */
  signed(value: number): void {
    let rest = value | 0;
    for (;;) {
      const part = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && (part & 0x40) === 0) || (rest === -1 && (part & 0x40) !== 0)) {
        this.byte(part);
        return;
      }
      this.byte(part | 0x80);
    }
  }

  signed64(value: bigint): void {
    let rest = BigInt.asIntN(64, value);
    for (;;) {
      const part = Number(rest & 0x7fn);
      rest >>= 7n;
      if ((rest === 0n && (part & 0x40) === 0) || (rest === -1n && (part & 0x40) !== 0)) {
        this.byte(part);
        return;
      }
      this.byte(part | 0x80);
    }
  }

  name(text: string): void {
    this.unsigned(text.length);
    for (let i = 0; i < text.length; i++) this.byte(text.charCodeAt(i) & 0x7f);
  }

  /** A view of what has been written; valid until the next write. */
  view(): Uint8Array {
    return this.#data.subarray(0, this.#length);
  }
}

/** A branch target: a block's end or a loop's start. */
export interface Label {
  /** Nesting depth at which the block stands; -1 once it is closed. */
  depth: number;
}

export class Code {
  readonly body: Bytes = new Bytes();
  readonly parameters: readonly ValueType[];
  readonly #locals: ValueType[] = [];
  #depth = 0;

  constructor(parameters: readonly ValueType[]) {
    this.parameters = parameters;
  }

  /** A new local of the given type; its index counts the parameters. */
  local(type: ValueType): number {
    this.#locals.push(type);
    return this.parameters.length + this.#locals.length - 1;
  }

  /** A plain instruction without immediate. */
  op(name: string): this {
    const info = opcode(name);
    if (info.prefix !== 0) this.body.byte(info.prefix);
    if (info.prefix !== 0) this.body.unsigned(info.code);
    else this.body.byte(info.code);
    return this;
  }

  /** A memory access at `offset` from the address on the stack; alignment is a hint, left at a byte. */
  memory(name: string, offset: number, lane?: number): this {
    this.op(name);
    this.body.byte(0);
    this.body.unsigned(offset);
    if (lane !== undefined) this.body.byte(lane);
    return this;
  }

  lane(name: string, lane: number): this {
    this.op(name);
    this.body.byte(lane);
    return this;
  }

  shuffle(lanes: readonly number[]): this {
    this.op('i8x16.shuffle');
    for (const lane of lanes) this.body.byte(lane);
    return this;
  }

  i32(value: number): this {
    this.body.byte(0x41);
    this.body.signed(value);
    return this;
  }

  i64(value: bigint): this {
    this.body.byte(0x42);
    this.body.signed64(value);
    return this;
  }

  v128(bytes: Uint8Array): this {
    this.body.byte(0xfd);
    this.body.unsigned(12);
    this.body.bytes(bytes);
    return this;
  }

  get(local: number): this {
    this.body.byte(0x20);
    this.body.unsigned(local);
    return this;
  }

  set(local: number): this {
    this.body.byte(0x21);
    this.body.unsigned(local);
    return this;
  }

  tee(local: number): this {
    this.body.byte(0x22);
    this.body.unsigned(local);
    return this;
  }

  drop(): this {
    this.body.byte(0x1a);
    return this;
  }

  select(): this {
    this.body.byte(0x1b);
    return this;
  }

  #open(code: number, result: ValueType | undefined): Label {
    this.body.byte(code);
    this.body.byte(result === undefined ? 0x40 : TYPE_CODE[result]);
    this.#depth++;
    return { depth: this.#depth };
  }

  block(result?: ValueType): Label {
    return this.#open(0x02, result);
  }

  loop(result?: ValueType): Label {
    return this.#open(0x03, result);
  }

  if(result?: ValueType): Label {
    return this.#open(0x04, result);
  }

  else(): this {
    this.body.byte(0x05);
    return this;
  }

  end(label: Label): this {
    if (label.depth !== this.#depth) throw new RangeError('WebAssembly blocks are closed in the wrong order');
    this.body.byte(0x0b);
    this.#depth--;
    label.depth = -1;
    return this;
  }

  #distance(label: Label): number {
    if (label.depth < 0) throw new RangeError('a branch leads to a block that is closed');
    return this.#depth - label.depth;
  }

  branch(label: Label): this {
    this.body.byte(0x0c);
    this.body.unsigned(this.#distance(label));
    return this;
  }

  branchIf(label: Label): this {
    this.body.byte(0x0d);
    this.body.unsigned(this.#distance(label));
    return this;
  }

  branchTable(labels: readonly Label[], otherwise: Label): this {
    this.body.byte(0x0e);
    this.body.unsigned(labels.length);
    for (const label of labels) this.body.unsigned(this.#distance(label));
    this.body.unsigned(this.#distance(otherwise));
    return this;
  }

  return(): this {
    this.body.byte(0x0f);
    return this;
  }

  unreachable(): this {
    this.body.byte(0x00);
    return this;
  }

  call(functionIndex: number): this {
    this.body.byte(0x10);
    this.body.unsigned(functionIndex);
    return this;
  }

  callIndirect(typeIndex: number, table = 0): this {
    this.body.byte(0x11);
    this.body.unsigned(typeIndex);
    this.body.unsigned(table);
    return this;
  }

  /** `memory.fill` of (address, value, size) on the stack. */
  memoryFill(): this {
    this.body.byte(0xfc);
    this.body.byte(0x0b);
    this.body.byte(0);
    return this;
  }

  /** Code-section entry: size, locals in runs of one type, body, end. */
  encode(out: Bytes): void {
    const head = new Bytes();
    const runs: { type: ValueType; count: number }[] = [];
    for (const type of this.#locals) {
      const last = runs[runs.length - 1];
      if (last !== undefined && last.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    head.unsigned(runs.length);
    for (const { type, count } of runs) {
      head.unsigned(count);
      head.byte(TYPE_CODE[type]);
    }
    out.unsigned(head.length + this.body.length + 1);
    out.bytes(head.view());
    out.bytes(this.body.view());
    out.byte(0x0b);
  }
}
