// SPDX-License-Identifier: Apache-2.0
// Loads and stores of one register or two (A8.8.62 and following): addressing and the order of effects. Shared by the
// A32 and T32 encodings. The base register is written only after every access has succeeded.

import type { AccessSize, Builder, Operand } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { ACCESS } from '../../state/layout.js';
import { SHIFT } from './alu.js';

/** What is transferred; `flags` are of `ACCESS`. */
export interface Transfer {
  readonly load: boolean;
  readonly size: AccessSize;
  readonly flags: number;
}

/** Where an access goes, and what then happens to its base register. */
export interface Place {
  readonly address: Node;
  readonly writeback: { readonly rn: Node; readonly value: Node } | undefined;
}

/** `[Rn, ±offset]`, `[Rn, ±offset]!` and `[Rn], ±offset`; P, U and W must be known constants. */
export function indexed(b: Builder, rn: Node, offset: Operand, f: { P: Operand; U: Operand; W: Operand }): Place {
  const base = b.reg(rn);
  const before = b.known(f.P) === 1;
  const moved = b.known(f.U) === 1 ? b.add(base, offset) : b.sub(base, offset);
  const writes = !before || b.known(f.W) === 1;
  return { address: before ? moved : base, writeback: writes ? { rn, value: moved } : undefined };
}

/** Align(PC, 4) ± offset; U need not be known. */
export function literal(b: Builder, offset: Node, u: Node): Place {
  const base = b.isa === 'A32' ? b.readPc() : b.and(b.readPc(), ~3);
  return { address: b.add(base, b.select(u, offset, b.sub(0, offset))), writeback: undefined };
}

/** A register index shifted by an immediate: Shift without its carry; `type` must be a known constant. */
export function shiftedIndex(b: Builder, value: Node, type: Node, imm5: Node): Node {
  const zero = b.eqz(imm5);
  switch (b.known(type)) {
    case SHIFT.lsl:
      return b.shl(value, imm5);
    case SHIFT.lsr:
      return b.select(zero, 0, b.shrU(value, imm5));
    case SHIFT.asr:
      return b.shrS(value, b.select(zero, 31, imm5));
    default: {
      if (b.known(zero) === 0) return b.rotr(value, imm5);
      return b.select(zero, b.or(b.shrU(value, 1), b.shl(b.carry(), 31)), b.rotr(value, imm5));
    }
  }
}

function writeBack(b: Builder, place: Place): void {
  if (place.writeback !== undefined) b.setReg(place.writeback.rn, place.writeback.value);
}

/** Rt := memory, or memory := Rt. A word loaded to the PC is an interworking branch. */
export function transfer(b: Builder, { load, size, flags }: Transfer, rt: Node, place: Place): void {
  if (!load) {
    b.store(size, place.address, b.reg(rt), flags);
    writeBack(b, place);
    return;
  }
  const value = b.load(size, place.address, flags);
  writeBack(b, place);
  if (size === 4) b.writeLoaded(rt, value);
  else b.setReg(rt, value);
}

/** LDRD and STRD: two words, which are word-aligned or fault. */
export function transferTwo(b: Builder, load: boolean, rt: Node, rt2: Node, place: Place): void {
  const second = b.add(place.address, 4);
  if (load) {
    const low = b.load(4, place.address, ACCESS.wordAligned);
    const high = b.load(4, second, ACCESS.wordAligned);
    writeBack(b, place);
    b.setReg(rt, low);
    b.setReg(rt2, high);
    return;
  }
  b.store(4, place.address, b.reg(rt), ACCESS.wordAligned);
  b.store(4, second, b.reg(rt2), ACCESS.wordAligned);
  writeBack(b, place);
}
