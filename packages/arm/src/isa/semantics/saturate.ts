// SPDX-License-Identifier: Apache-2.0
// Saturating arithmetic (A2.2.1, A4.4.4): QADD and its kin, SSAT and USAT. Saturation sets the cumulative flag Q.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { CPU } from '../../state/layout.js';
import { SHIFT, shiftImmediate } from './alu.js';

/** Q := 1 if `condition` is not 0. */
export function setSaturated(b: Builder, condition: Node): void {
  b.if(condition, () => b.setState(CPU.flagQ, 1));
}

interface Saturated {
  readonly value: Node;
  /** Not 0 if the value was outside the range. */
  readonly saturated: Node;
}

/** x + y or x - y, kept within 32 signed bits. */
function saturatingSum(b: Builder, x: Node, y: Node, subtract: boolean): Saturated {
  const wrapped = subtract ? b.sub(x, y) : b.add(x, y);
  const signs = subtract ? b.xor(x, y) : b.xor(y, wrapped);
  const saturated = b.ltS(b.and(signs, b.xor(x, wrapped)), 0);
  // An overflow goes beyond the limit that has the sign of x.
  const limit = b.xor(b.shrS(x, 31), 0x7fff_ffff);
  return { value: b.select(saturated, limit, wrapped), saturated };
}

/** QADD, QSUB, and with `doubling` QDADD and QDSUB: Rm +/- (2 *) Rn. */
export function saturatingAdd(
  b: Builder,
  f: { readonly Rd: Node; readonly Rn: Node; readonly Rm: Node },
  options: { subtract: boolean; doubling: boolean },
): void {
  const n = b.reg(f.Rn);
  const doubled = options.doubling ? saturatingSum(b, n, n, false) : undefined;
  const result = saturatingSum(b, b.reg(f.Rm), doubled?.value ?? n, options.subtract);
  setSaturated(b, doubled === undefined ? result.saturated : b.or(doubled.saturated, result.saturated));
  b.setReg(f.Rd, result.value);
}

/** `value` kept within -(max + 1)..max or, unsigned, 0..max. */
function clamp(b: Builder, value: Node, max: Node, unsigned: boolean): Saturated {
  const min = unsigned ? b.const(0) : b.not(max);
  const lowered = b.select(b.op('i32.gt_s', value, max), max, value);
  const result = b.select(b.ltS(value, min), min, lowered);
  return { value: result, saturated: b.ne(result, value) };
}

/** 2^bits - 1 for 0 to 31 bits. */
const ones = (b: Builder, bits: Node): Node => b.sub(b.shl(1, bits), 1);

/**
 * SSAT, USAT: Rn shifted by imm5, saturated. The field `sat_imm` is one less than the width for the signed form, so in
 * both it is the number of magnitude bits. `sh` must be a known constant.
 */
export function saturateShifted(
  b: Builder,
  f: { readonly Rd: Node; readonly Rn: Node; readonly sh: Node; readonly imm5: Node; readonly sat_imm: Node },
  unsigned: boolean,
): void {
  const type = b.known(f.sh) === 1 ? SHIFT.asr : SHIFT.lsl;
  const operand = shiftImmediate(b, b.reg(f.Rn), type, f.imm5).value;
  const result = clamp(b, operand, ones(b, f.sat_imm), unsigned);
  setSaturated(b, result.saturated);
  b.setReg(f.Rd, result.value);
}

/** SSAT16, USAT16: both halves, as signed numbers. */
export function saturateHalves(
  b: Builder,
  f: { readonly Rd: Node; readonly Rn: Node; readonly sat_imm: Node },
  unsigned: boolean,
): void {
  const value = b.reg(f.Rn);
  const max = ones(b, f.sat_imm);
  const low = clamp(b, b.extend16S(value), max, unsigned);
  const high = clamp(b, b.shrS(value, 16), max, unsigned);
  setSaturated(b, b.or(low.saturated, high.saturated));
  b.setReg(f.Rd, b.or(b.and(low.value, 0xffff), b.shl(high.value, 16)));
}
