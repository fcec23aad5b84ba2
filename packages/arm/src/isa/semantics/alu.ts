// SPDX-License-Identifier: Apache-2.0
// What the data-processing instructions compute (A8.8, A2.2.1): shifter operands, addition with carry, flags. Shared
// by the A32 and T32 encodings.

import type { Builder, Operand } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';

/** A shifter operand with its carry-out; `carry` is undefined where the shift leaves C as it is. */
export interface Shifted {
  readonly value: Node;
  readonly carry: Node | undefined;
}

/** ARMExpandImm_C (A5.2.4): imm12 = rotate:imm8. */
export function armExpandImm(b: Builder, imm12: Node): Shifted {
  const rotation = b.shl(b.shrU(imm12, 8), 1);
  const value = b.rotr(b.and(imm12, 0xff), rotation);
  const rotated = b.ne(rotation, 0);
  if (b.known(rotated) === 0) return { value, carry: undefined };
  return { value, carry: b.select(rotated, b.shrU(value, 31), b.carry()) };
}

export const SHIFT = { lsl: 0, lsr: 1, asr: 2, ror: 3 } as const;

/** Shift by an immediate: DecodeImmShift and Shift_C (A8.4.3). `type` must be a known constant. */
export function shiftImmediate(b: Builder, value: Node, type: number, imm5: Node): Shifted {
  const zero = b.eqz(imm5);
  switch (type) {
    case SHIFT.lsl: {
      if (b.known(zero) === 1) return { value, carry: undefined };
      const out = b.and(b.shrU(value, b.sub(32, imm5)), 1);
      return { value: b.shl(value, imm5), carry: b.select(zero, b.carry(), out) };
    }
    case SHIFT.lsr: {
      // imm5 = 0 means a shift by 32.
      const carry = b.and(b.shrU(value, b.sub(imm5, 1)), 1);
      return { value: b.select(zero, 0, b.shrU(value, imm5)), carry };
    }
    case SHIFT.asr: {
      const carry = b.and(b.shrU(value, b.sub(imm5, 1)), 1);
      return { value: b.shrS(value, b.select(zero, 31, imm5)), carry };
    }
    default: {
      // imm5 = 0 means RRX.
      if (b.known(zero) === 0) {
        const rotated = b.rotr(value, imm5);
        return { value: rotated, carry: b.shrU(rotated, 31) };
      }
      const extended = b.or(b.shrU(value, 1), b.shl(b.carry(), 31));
      if (b.known(zero) === 1) return { value: extended, carry: b.and(value, 1) };
      const result = b.select(zero, extended, b.rotr(value, imm5));
      return { value: result, carry: b.select(zero, b.and(value, 1), b.shrU(result, 31)) };
    }
  }
}

/** Shift by the low byte of a register (A8.4.3); `type` must be a known constant. */
export function shiftRegister(b: Builder, value: Node, type: number, amount: Node): Shifted {
  const n = b.and(amount, 0xff);
  const zero = b.eqz(n);
  const small = b.ltU(n, 32);
  switch (type) {
    case SHIFT.lsl: {
      const out = b.and(b.shrU(value, b.sub(32, n)), 1);
      const carry = b.select(b.op('i32.gt_u', n, 32), 0, out);
      return { value: b.select(small, b.shl(value, n), 0), carry: b.select(zero, b.carry(), carry) };
    }
    case SHIFT.lsr: {
      const out = b.and(b.shrU(value, b.sub(n, 1)), 1);
      const carry = b.select(b.op('i32.gt_u', n, 32), 0, out);
      return { value: b.select(small, b.shrU(value, n), 0), carry: b.select(zero, b.carry(), carry) };
    }
    case SHIFT.asr: {
      const clamped = b.select(small, n, 31);
      const out = b.and(b.shrU(value, b.sub(n, 1)), 1);
      const carry = b.select(small, out, b.shrU(value, 31));
      return { value: b.shrS(value, clamped), carry: b.select(zero, b.carry(), carry) };
    }
    default: {
      const rotated = b.rotr(value, n);
      return { value: rotated, carry: b.select(zero, b.carry(), b.shrU(rotated, 31)) };
    }
  }
}

/** AddWithCarry (A2.2.1), setting NZCV when asked. */
export function addWithCarry(b: Builder, x: Node, y: Node, carryIn: Operand, setFlags: boolean): Node {
  const carry = b.node(carryIn);
  const known = b.known(carry);
  const result = b.add(b.add(x, y), carry);
  if (setFlags) {
    b.setNZ(result);
    if (known === 0) b.setC(b.ltU(result, x));
    else if (known === 1) b.setC(b.op('i32.le_u', result, x));
    else b.setC(b.or(b.ltU(result, x), b.and(carry, b.eq(result, x))));
    b.setVFromSign(b.and(b.xor(x, result), b.xor(y, result)));
  }
  return result;
}

/** x - y with the flags of a subtraction: C is "no borrow". */
export function subtract(b: Builder, x: Node, y: Node, setFlags: boolean): Node {
  const result = b.sub(x, y);
  if (setFlags) {
    b.setNZ(result);
    b.setC(b.geU(x, y));
    b.setVFromSign(b.and(b.xor(x, y), b.xor(x, result)));
  }
  return result;
}

/** Data-processing operations, numbered as A32 bits 24:21. */
export const ALU_NAMES = [
  'AND', 'EOR', 'SUB', 'RSB', 'ADD', 'ADC', 'SBC', 'RSC', 'TST', 'TEQ', 'CMP', 'CMN', 'ORR', 'MOV', 'BIC', 'MVN', 'ORN',
] as const; // prettier-ignore
export type AluName = (typeof ALU_NAMES)[number];

/** Whether an operation only sets flags. */
export function isComparison(name: AluName): boolean {
  return name === 'TST' || name === 'TEQ' || name === 'CMP' || name === 'CMN';
}

/**
 * The result of `name` on Rn and a shifter operand. Arithmetic takes its carry from the flags, logic from the shifter.
 * Flags are written after everything has been read.
 */
export function alu(b: Builder, name: AluName, rn: Node, operand: Shifted, setFlags: boolean): Node {
  const y = operand.value;
  switch (name) {
    case 'ADD':
    case 'CMN':
      return addWithCarry(b, rn, y, 0, setFlags);
    case 'SUB':
    case 'CMP':
      return subtract(b, rn, y, setFlags);
    case 'RSB':
      return subtract(b, y, rn, setFlags);
    case 'ADC':
      return addWithCarry(b, rn, y, b.carry(), setFlags);
    case 'SBC':
      return addWithCarry(b, rn, b.not(y), b.carry(), setFlags);
    case 'RSC':
      return addWithCarry(b, y, b.not(rn), b.carry(), setFlags);
    default: {
      const result = logic(b, name, rn, y);
      if (setFlags) {
        b.setNZ(result);
        if (operand.carry !== undefined) b.setC(operand.carry);
      }
      return result;
    }
  }
}

function logic(b: Builder, name: AluName, rn: Node, y: Node): Node {
  switch (name) {
    case 'AND':
    case 'TST':
      return b.and(rn, y);
    case 'EOR':
    case 'TEQ':
      return b.xor(rn, y);
    case 'ORR':
      return b.or(rn, y);
    case 'ORN':
      return b.or(rn, b.not(y));
    case 'BIC':
      return b.and(rn, b.not(y));
    case 'MVN':
      return b.not(y);
    default:
      return y;
  }
}
