// SPDX-License-Identifier: Apache-2.0
// The instruction table's rows. One row is one encoding of the manual: a name, an instruction set, a bit pattern whose
// fields bear the manual's names, and the semantic function that every engine is made from.
//
// A pattern is a list of tokens: literal bits (`0101`), should-be bits (`(0)`, `(1)`: any value is accepted) and
// fields (`Rd:4`). 32 bits for A32 and T32 (a T32 word has its first halfword on top), 16 for T16. A field that comes
// in pieces has a name for each piece (`i:1 … imm3:3 … imm8:8`).

import type { Builder } from '../ir/builder.js';
import type { Node } from '../ir/node.js';

export type RowIsa = 'A32' | 'T32' | 'T16';

type TokenField<T extends string> = T extends `${infer Name}:${string}` ? Name : never;
/** The field names of a pattern. */
export type FieldNames<P extends string> = P extends `${infer Head} ${infer Tail}`
  ? TokenField<Head> | FieldNames<Tail>
  : TokenField<P>;

export type Fields<P extends string> = { readonly [K in FieldNames<P>]: Node };
export type Numbers<P extends string> = { readonly [K in FieldNames<P>]: number };
type AnyFields = Readonly<Record<string, Node>>;
type AnyNumbers = Readonly<Record<string, number>>;

/**
 * How the instruction ends, for whoever forms regions:
 * - `plain`: goes on with the next instruction, or leaves by a jump inside it
 * - `branch`: a direct branch to pc-relative `target`, if its condition (and `taken`) holds
 * - `call`: the same, with the link register set
 * - `system`: changes what later instructions mean (mode, tables, masks); run by the interpreter only
 */
export type RowKind = 'plain' | 'branch' | 'call' | 'system';

export interface Row {
  readonly name: string;
  readonly isa: RowIsa;
  readonly pattern: string;
  readonly kind: RowKind;
  /** Fields whose every value gets an interpreter handler of its own; `Rd=15` makes one for 15 and one for the rest. */
  readonly specialize: readonly string[];
  /** Further decode conditions ("see …" in the manual): the row is not this instruction when false. */
  readonly where: ((f: AnyNumbers) => boolean) | undefined;
  /** UNPREDICTABLE encodings: Plinth treats them as undefined instructions. */
  readonly unpredictable: ((f: AnyNumbers) => boolean) | undefined;
  /** 16-bit forms whose effect differs inside an IT block (they leave the flags alone there). */
  readonly variesInIt: boolean;
  /**
   * UNPREDICTABLE inside an IT block (`never`), which makes it undefined there, or anywhere but at its end (`last`).
   * The latter are executed all the same, and a branch takes ITSTATE along to its target: QEMU does so too. `last` is
   * for those who make code, and want it predictable.
   */
  readonly it: 'any' | 'never' | 'last';
  /** Assembly syntax; see disassemble/. */
  readonly syntax: string | ((f: AnyNumbers) => string);
  readonly lift: (b: Builder, f: AnyFields) => void;
  /** Offset of a direct branch's target from the value that the PC reads, for `branch` and `call`. */
  readonly target: ((f: AnyNumbers) => number) | undefined;
  /** For a `branch` whose condition is part of the instruction itself (B<c>, CBZ): 0 or not 0. */
  readonly branchCondition: ((b: Builder, f: AnyFields) => Node) | undefined;

  // Worked out from the pattern:
  readonly mask: number;
  readonly value: number;
  readonly fields: readonly FieldPlace[];
  /** An A32 row that obeys the condition field, and does not match condition 1111. */
  readonly conditional: boolean;
}

export interface FieldPlace {
  readonly name: string;
  readonly shift: number;
  readonly width: number;
}

export interface RowOptions<P extends string> {
  kind?: RowKind;
  specialize?: readonly (FieldNames<P> | `${FieldNames<P>}=15`)[];
  where?: (f: Numbers<P>) => boolean;
  unpredictable?: (f: Numbers<P>) => boolean;
  variesInIt?: boolean;
  it?: 'any' | 'never' | 'last';
  syntax?: string | ((f: Numbers<P>) => string);
  target?: (f: Numbers<P>) => number;
  branchCondition?: (b: Builder, f: Fields<P>) => Node;
}

/** Mask, value and field places of a pattern. */
export function parsePattern(pattern: string, width: number): { mask: number; value: number; fields: FieldPlace[] } {
  let mask = 0;
  let value = 0;
  let at = width;
  const fields: FieldPlace[] = [];
  for (const token of pattern.split(' ')) {
    const field = /^([A-Za-z]\w*):(\d+)$/.exec(token);
    if (field !== null) {
      at -= Number(field[2]);
      fields.push({ name: field[1]!, shift: at, width: Number(field[2]) });
    } else if (/^(\([01]\))+$/.test(token)) {
      at -= token.length / 3;
    } else if (/^[01]+$/.test(token)) {
      for (const bit of token) {
        at--;
        mask |= 1 << at;
        if (bit === '1') value |= 1 << at;
      }
    } else throw new RangeError(`bad token "${token}" in pattern "${pattern}"`);
  }
  if (at !== 0) throw new RangeError(`pattern "${pattern}" has ${width - at} bits, not ${width}`);
  return { mask: mask >>> 0, value: value >>> 0, fields };
}

function row<P extends string>(
  isa: RowIsa,
  name: string,
  pattern: P,
  options: RowOptions<P>,
  lift: (b: Builder, f: Fields<P>) => void,
): Row {
  return {
    name,
    isa,
    pattern,
    kind: options.kind ?? 'plain',
    specialize: options.specialize ?? [],
    where: options.where as Row['where'],
    unpredictable: options.unpredictable as Row['unpredictable'],
    variesInIt: options.variesInIt ?? false,
    it: options.it ?? 'any',
    syntax: (options.syntax as Row['syntax'] | undefined) ?? '',
    lift: lift as Row['lift'],
    target: options.target as Row['target'],
    branchCondition: options.branchCondition as Row['branchCondition'],
    conditional: isa === 'A32' && pattern.startsWith('cond:4 '),
    ...parsePattern(pattern, isa === 'T16' ? 16 : 32),
  };
}

/** A32 encoding; a pattern that begins with `cond:4` is conditional (and does not match cond 1111). */
export function a32<P extends string>(
  name: string,
  pattern: P,
  options: RowOptions<P>,
  lift: (b: Builder, f: Fields<P>) => void,
): Row {
  return row('A32', name, pattern, options, lift);
}

/** 32-bit T32 encoding, first halfword on top. */
export function t32<P extends string>(
  name: string,
  pattern: P,
  options: RowOptions<P>,
  lift: (b: Builder, f: Fields<P>) => void,
): Row {
  return row('T32', name, pattern, options, lift);
}

/** 16-bit T32 encoding. */
export function t16<P extends string>(
  name: string,
  pattern: P,
  options: RowOptions<P>,
  lift: (b: Builder, f: Fields<P>) => void,
): Row {
  return row('T16', name, pattern, options, lift);
}

/** The numbers in the fields of `word`. */
export function extractFields(row: Row, word: number): Record<string, number> {
  const f: Record<string, number> = {};
  for (const { name, shift, width } of row.fields) f[name] = (word >>> shift) & (2 ** width - 1);
  return f;
}
