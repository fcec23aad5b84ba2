// SPDX-License-Identifier: Apache-2.0
// What a register holds, as an expression over what a function was called with: for reading offsets of structures out of
// code. Equal values have equal keys.

export type Value =
  | { readonly kind: 'constant'; readonly key: string; readonly value: number }
  /** r0 to r3 at the entry. */
  | { readonly kind: 'argument'; readonly key: string; readonly index: number }
  /** `stack`: SP at the entry. `current`: TPIDRURO, the task. `per-cpu`: TPIDRPRW, the CPU's offset. */
  | { readonly kind: 'stack' | 'current' | 'per-cpu'; readonly key: string }
  | { readonly kind: 'load'; readonly key: string; readonly address: Value; readonly size: number }
  /** r0 after a call of the function at `target`; undefined if it was called by a pointer. */
  | { readonly kind: 'result'; readonly key: string; readonly target: number | undefined }
  | { readonly kind: 'sum'; readonly key: string; readonly base: Value; readonly offset: number }
  | { readonly kind: 'plus'; readonly key: string; readonly left: Value; readonly right: Value }
  | {
      readonly kind: 'shifted';
      readonly key: string;
      readonly of: Value;
      readonly type: number;
      readonly amount: number;
    }
  | { readonly kind: 'unknown'; readonly key: string };

export const STACK: Value = { kind: 'stack', key: 'stack' };
export const CURRENT: Value = { kind: 'current', key: 'current' };
export const PER_CPU: Value = { kind: 'per-cpu', key: 'per-cpu' };

export function constant(value: number): Value {
  return { kind: 'constant', key: `#${value >>> 0}`, value: value >>> 0 };
}

export function argument(index: number): Value {
  return { kind: 'argument', key: `argument${index}`, index };
}

export function load(address: Value, size: number): Value {
  return { kind: 'load', key: `[${address.key}]${size}`, address, size };
}

/** `number` tells one call or unknown value from another. */
export function result(target: number | undefined, number: number): Value {
  return { kind: 'result', key: `result${number}`, target };
}

export function unknown(number: number): Value {
  return { kind: 'unknown', key: `unknown${number}` };
}

export function add(value: Value, offset: number): Value {
  if (value.kind === 'constant') return constant(value.value + offset);
  const [base, whole] = value.kind === 'sum' ? [value.base, (value.offset + offset) | 0] : [value, offset | 0];
  return whole === 0 ? base : { kind: 'sum', key: `(${base.key}+${whole})`, base, offset: whole };
}

export function plus(left: Value, right: Value): Value {
  if (right.kind === 'constant') return add(left, right.value);
  if (left.kind === 'constant') return add(right, left.value);
  return { kind: 'plus', key: `(${left.key}+${right.key})`, left, right };
}

/** `type` as in the instruction: 0 LSL, 1 LSR, 2 ASR, 3 ROR. */
export function shifted(of: Value, type: number, amount: number): Value {
  return { kind: 'shifted', key: `(${of.key}<${type},${amount})`, of, type, amount };
}

/** Base and offset of any value; a value without one has 0. */
export function split(value: Value): { readonly base: Value; readonly offset: number } {
  return value.kind === 'sum' ? value : { base: value, offset: 0 };
}

/** Where a loaded value was loaded from; undefined for other values. */
export function loadedFrom(value: Value): { readonly base: Value; readonly offset: number } | undefined {
  return value.kind === 'load' ? split(value.address) : undefined;
}
