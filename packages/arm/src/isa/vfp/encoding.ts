// SPDX-License-Identifier: Apache-2.0
// The two encodings of the extension instructions (A7.1, A7.2): A32 and T32 words differ in their top bits only, so
// each row is written once. Also how register numbers are put together from their fields (A7.3).

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import {
  a32,
  t32,
  type FieldNames,
  type Fields,
  type Numbers,
  type Row,
  type RowKind,
  type RowOptions,
} from '../row.js';

/** Field nodes of a pattern that was put together at run time. */
export type FieldNodes = Readonly<Record<string, Node>>;
/** Field values of such a pattern. */
export type FieldNumbers = Readonly<Record<string, number>>;

// A pattern that is put together at run time has the type `string`, which says nothing of its fields.
type NodesOf<P extends string> = string extends P ? FieldNodes : Fields<P>;
type NumbersOf<P extends string> = string extends P ? FieldNumbers : Numbers<P>;
type NamesOf<P extends string> = string extends P ? string : FieldNames<P> | `${FieldNames<P>}=15`;
type Lift<P extends string> = (b: Builder, f: NodesOf<P>) => void;

/** RowOptions for patterns with literal or computed text. */
export interface ExtensionOptions<P extends string> {
  kind?: RowKind;
  specialize?: readonly NamesOf<P>[];
  where?: (f: NumbersOf<P>) => boolean;
  unpredictable?: (f: NumbersOf<P>) => boolean;
  syntax?: (f: NumbersOf<P>) => string;
}

function pair<P extends string>(
  name: string,
  patterns: { a32: string; t32: string },
  options: ExtensionOptions<P>,
  lift: Lift<P>,
): Row[] {
  const untyped = options as RowOptions<string>;
  const body = lift as (b: Builder, f: Fields<string>) => void;
  return [a32(name, patterns.a32, untyped, body), t32(name, patterns.t32, untyped, body)];
}

/** Floating-point data processing and register transfers: `pattern` is bits 27 to 0. */
export function vfp<P extends string>(name: string, pattern: P, options: ExtensionOptions<P>, lift: Lift<P>): Row[] {
  return pair(name, { a32: `cond:4 ${pattern}`, t32: `1110 ${pattern}` }, options, lift);
}

/** Advanced SIMD data processing: `pattern` is the U bit (a literal or a field), then bits 23 to 0. */
export function simd<P extends string>(name: string, pattern: P, options: ExtensionOptions<P>, lift: Lift<P>): Row[] {
  const space = pattern.indexOf(' ');
  const u = pattern.slice(0, space);
  const rest = pattern.slice(space + 1);
  return pair(name, { a32: `1111001 ${u} ${rest}`, t32: `111 ${u} 1111 ${rest}` }, options, lift);
}

/** Advanced SIMD element and structure loads and stores: `pattern` is bits 23 to 0. */
export function simdMemory<P extends string>(
  name: string,
  pattern: P,
  options: ExtensionOptions<P>,
  lift: Lift<P>,
): Row[] {
  return pair(name, { a32: `11110100 ${pattern}`, t32: `11111001 ${pattern}` }, options, lift);
}

/** Number of a doubleword register from its one-bit and its four-bit field; a quadword's is that of its first half. */
export function doubleIndex(b: Builder, high: Node, low: Node): Node {
  return b.or(b.shl(high, 4), low);
}

/** Number of a singleword register. */
export function singleIndex(b: Builder, high: Node, low: Node): Node {
  return b.or(b.shl(high, 1), low);
}

/** Register names in assembly text. */
export function dName(high: number, low: number): string {
  return `d${(high << 4) | low}`;
}
export function sName(high: number, low: number): string {
  return `s${(high << 1) | low}`;
}
export function qName(high: number, low: number): string {
  return `q${((high << 4) | low) >> 1}`;
}
export function coreName(register: number): string {
  return ['sp', 'lr', 'pc'][register - 13] ?? `r${register}`;
}
/** A doubleword or quadword register by the Q bit. */
export function vectorName(q: number, high: number, low: number): string {
  return q === 1 ? qName(high, low) : dName(high, low);
}
/** A singleword or doubleword register, the three fields given as the instruction has them: `sz`, one bit, four bits. */
export function floatName(sz: number, bit: number, four: number): string {
  return sz === 1 ? dName(bit, four) : sName(four, bit);
}
