// SPDX-License-Identifier: Apache-2.0
// Device registers as declarations: a data sheet's register table becomes a literal, and the bank made from it decodes
// accesses of 1, 2 and 4 bytes, applies field access rules and tells of unknown offsets and unmodelled bits.
// Nothing is allocated per access. Registers are at most 32 bits wide and start at multiples of four.

import { assert, type StateReader, type StateWriter } from '@plinth/core';
import type { AccessSize } from './device.js';

/**
 * - `rw` (default) keeps what is written; `ro` ignores writes; `wo` hands writes to `onWrite` and reads as zero
 * - `tagged`: known but not modelled; keeps what is written and tells `onTagged` when that changes it
 * - `reserved`: reads as its reset value, ignores writes
 */
export type FieldAccess = 'rw' | 'ro' | 'wo' | 'tagged' | 'reserved';

export interface FieldDeclaration {
  /** A bit number, or `[high, low]` as data sheets write it. */
  readonly bits: number | readonly [number, number];
  readonly access?: FieldAccess;
  /** Computes the field when it is read, instead of the stored value. Must have no side effect: `peek` uses it too. */
  readonly value?: () => number;
  /** Called after a write to the register has been stored, with the field's new value. */
  readonly onWrite?: (value: number) => void;
}

export interface RegisterDeclaration {
  readonly offset: number;
  /** Bits that exist, 32 when left out; those above read as zero. */
  readonly width?: number;
  readonly reset?: number;
  /** For a row of `count` equal registers, four bytes apart; callbacks get the index. */
  readonly count?: number;
  /** Whole-register access; default `rw`. `wo` reads as zero. */
  readonly access?: 'rw' | 'ro' | 'wo';
  /** A narrow write leaves the other lanes alone; with `strobe` they count as zero (write-one-to-set or -clear). */
  readonly strobe?: boolean;
  /** Computes the register when it is read. Must have no side effect: `peek` uses it too. */
  readonly value?: (index: number) => number;
  /** The side effect of a read, after the value was taken (pop a FIFO, acknowledge). */
  readonly onRead?: (index: number) => void;
  /** Called after a write has been stored. `old` is the stored value before it. */
  readonly onWrite?: (value: number, old: number, index: number) => void;
  readonly fields?: Readonly<Record<string, FieldDeclaration>>;
}

export interface RegisterHooks {
  /** An access to an offset that no register has. `value` is 0 for reads. */
  readonly onUnknown?: (offset: number, write: boolean, value: number) => void;
  /** A write changed a field that is known but not modelled. */
  readonly onTagged?: (register: string, field: string, value: number) => void;
}

/** A stored field by name; `value` is right-aligned. */
export class Field {
  readonly mask: number;
  readonly shift: number;
  readonly #register: Register;

  constructor(register: Register, high: number, low: number) {
    this.#register = register;
    this.shift = low;
    this.mask = (high - low === 31 ? -1 : (1 << (high - low + 1)) - 1) << low;
  }

  get value(): number {
    return (this.#register.value & this.mask) >>> this.shift;
  }

  set value(value: number) {
    this.#register.value = (this.#register.value & ~this.mask) | ((value << this.shift) & this.mask);
  }
}

interface ActiveField {
  readonly name: string;
  readonly field: Field;
  readonly declaration: FieldDeclaration;
}

/** One register. `value` is what is stored, of any sign; devices read and set it directly, without callbacks. */
export class Register<F extends string = string> {
  readonly name: string;
  readonly index: number;
  value: number;
  readonly fields: Readonly<Record<F, Field>>;
  readonly #declaration: RegisterDeclaration;
  readonly #reset: number;
  readonly #widthMask: number;
  readonly #writable: number;
  readonly #readable: number;
  readonly #computed: readonly ActiveField[];
  readonly #watched: readonly ActiveField[];
  readonly #tagged: readonly ActiveField[];
  readonly #onTagged: RegisterHooks['onTagged'];

  constructor(name: string, index: number, declaration: RegisterDeclaration, hooks: RegisterHooks) {
    const width = declaration.width ?? 32;
    this.name = name;
    this.index = index;
    this.#declaration = declaration;
    this.#onTagged = hooks.onTagged;
    this.#widthMask = width >= 32 ? -1 : (1 << width) - 1;
    this.#reset = (declaration.reset ?? 0) & this.#widthMask;
    this.value = this.#reset;
    const all: ActiveField[] = Object.entries(declaration.fields ?? {}).map(([fieldName, field]) => {
      const [high, low] = typeof field.bits === 'number' ? [field.bits, field.bits] : field.bits;
      return { name: fieldName, field: new Field(this, high, low), declaration: field };
    });
    this.fields = Object.fromEntries(all.map((entry) => [entry.name, entry.field])) as Record<F, Field>;
    const mask = (...kinds: FieldAccess[]): number =>
      all.reduce((bits, e) => (kinds.includes(e.declaration.access ?? 'rw') ? bits | e.field.mask : bits), 0);
    const hidden = declaration.access === 'wo' ? -1 : mask('wo');
    const frozen = declaration.access === 'ro' ? -1 : mask('ro', 'reserved');
    this.#readable = this.#widthMask & ~hidden;
    this.#writable = this.#widthMask & ~frozen;
    this.#computed = all.filter((entry) => entry.declaration.value !== undefined);
    this.#watched = all.filter((entry) => entry.declaration.onWrite !== undefined);
    this.#tagged = all.filter((entry) => entry.declaration.access === 'tagged');
  }

  reset(): void {
    this.value = this.#reset;
  }

  /** Appends what is stored, if it is not what a reset gives. */
  saveTo(slot: number, list: [slot: number, value: number][]): void {
    if (this.value !== this.#reset) list.push([slot, this.value]);
  }

  restore(value: number): void {
    this.value = value & this.#widthMask;
  }

  peek(): number {
    const { value } = this.#declaration;
    let bits = value === undefined ? this.value : value(this.index);
    for (const { field, declaration } of this.#computed) {
      bits = (bits & ~field.mask) | ((declaration.value!() << field.shift) & field.mask);
    }
    return bits & this.#readable;
  }

  read(): number {
    const bits = this.peek();
    this.#declaration.onRead?.(this.index);
    return bits;
  }

  /** `lanes` has ones where the access writes. */
  write(value: number, lanes: number): void {
    const declaration = this.#declaration;
    const old = this.value;
    const rest = declaration.strobe === true ? 0 : declaration.value === undefined ? old : this.peek();
    const written = (value & lanes) | (rest & ~lanes);
    this.value = (old & ~this.#writable) | (written & this.#writable);
    for (const { name, field } of this.#tagged) {
      if (((old ^ this.value) & field.mask) !== 0) this.#onTagged?.(this.name, name, field.value);
    }
    if (declaration.access === 'ro') return;
    for (const entry of this.#watched) entry.declaration.onWrite!(entry.field.value);
    declaration.onWrite?.(this.value, old, this.index);
  }
}

export type FieldNames<D extends RegisterDeclaration> =
  D['fields'] extends Readonly<Record<string, FieldDeclaration>> ? keyof D['fields'] & string : never;

/** Registers by name; a row (`count`) is an array. */
export type RegistersOf<T extends Readonly<Record<string, RegisterDeclaration>>> = {
  readonly [N in keyof T]: T[N] extends { readonly count: number }
    ? readonly Register<FieldNames<T[N]>>[]
    : Register<FieldNames<T[N]>>;
};

/** All registers of one device window. */
export class RegisterBank<T extends Readonly<Record<string, RegisterDeclaration>>> {
  readonly registers: RegistersOf<T>;
  /** By `offset / 4`. */
  readonly #slots: (Register | undefined)[];
  readonly #hooks: RegisterHooks;

  constructor(declarations: T, size: number, hooks: RegisterHooks = {}) {
    this.#hooks = hooks;
    this.#slots = Array.from({ length: size >>> 2 }, () => undefined);
    const named: Record<string, Register | Register[]> = {};
    for (const [name, declaration] of Object.entries(declarations)) {
      const row = Array.from(
        { length: declaration.count ?? 1 },
        (_, index) => new Register(name, index, declaration, hooks),
      );
      row.forEach((register, index) => {
        const slot = (declaration.offset >>> 2) + index;
        const free = slot < this.#slots.length && this.#slots[slot] === undefined;
        assert(free && (declaration.offset & 3) === 0, `register ${name} is misplaced at offset ${declaration.offset}`);
        this.#slots[slot] = register;
      });
      named[name] = declaration.count === undefined ? row[0]! : row;
    }
    this.registers = named as RegistersOf<T>;
  }

  read(offset: number, size: AccessSize): number {
    const register = this.#slots[offset >>> 2];
    if (register === undefined) {
      this.#hooks.onUnknown?.(offset, false, 0);
      return 0;
    }
    return lanesOf(register.read(), offset, size);
  }

  peek(offset: number, size: AccessSize): number {
    const register = this.#slots[offset >>> 2];
    return register === undefined ? 0 : lanesOf(register.peek(), offset, size);
  }

  write(offset: number, size: AccessSize, value: number): void {
    const register = this.#slots[offset >>> 2];
    if (register === undefined) {
      this.#hooks.onUnknown?.(offset, true, value >>> 0);
      return;
    }
    if (size === 4) register.write(value, -1);
    else {
      const shift = (offset & 3) * 8;
      register.write(value << shift, (size === 1 ? 0xff : 0xffff) << shift);
    }
  }

  reset(): void {
    for (const register of this.#slots) register?.reset();
  }

  /** What is stored; registers that are as after a reset take no room. */
  save(writer: StateWriter): void {
    const changed: [number, number][] = [];
    this.#slots.forEach((register, slot) => register?.saveTo(slot, changed));
    writer.list(changed, ([slot, value]) => {
      writer.u16(slot);
      writer.i32(value);
    });
  }

  /** Without callbacks. */
  restore(reader: StateReader): void {
    this.reset();
    reader.list(() => {
      const slot = reader.u16();
      const register = this.#slots[slot];
      reader.check(register !== undefined, `there is no register at offset 0x${(slot * 4).toString(16)}`);
      register.restore(reader.i32());
    });
  }
}

function lanesOf(value: number, offset: number, size: AccessSize): number {
  if (size === 4) return value >>> 0;
  return (value >>> ((offset & 3) * 8)) & (size === 1 ? 0xff : 0xffff);
}

/** Makes the bank of a window of `size` bytes. Declarations outside it or on top of each other are a bug. */
export function defineRegisters<const T extends Readonly<Record<string, RegisterDeclaration>>>(
  declarations: T,
  size: number,
  hooks?: RegisterHooks,
): RegisterBank<T> {
  return new RegisterBank(declarations, size, hooks);
}

/** The eight identification registers that end the window of every Arm PrimeCell, from PeriphID0 to PCellID3. */
export function primeCellId(ids: readonly number[]): {
  offset: number;
  count: number;
  access: 'ro';
  width: number;
  value: (index: number) => number;
} {
  return { offset: 0xfe0, count: 8, access: 'ro', width: 8, value: (index) => ids[index] ?? 0 };
}
