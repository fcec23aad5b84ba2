// SPDX-License-Identifier: Apache-2.0
// What branches do (A8.8.18, A8.8.25 to A8.8.28). Shared by the A32 and T32 encodings.

import type { Builder, Isa, Operand } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { CPU, PSR } from '../../state/layout.js';

/** LR := the return address, with bit 0 set in T32. */
export function link(b: Builder): void {
  const next = b.add(b.pc(), b.size);
  b.setReg(14, b.isa === 'A32' ? next : b.or(next, 1));
}

/** Goes to an aligned address in a known instruction set. */
export function branchTo(b: Builder, isa: Isa, target: Operand): void {
  if (isa !== b.isa) {
    const control = b.state(CPU.control);
    b.setState(CPU.control, isa === 'T32' ? b.or(control, PSR.T) : b.and(control, ~PSR.T));
    b.setState(CPU.fetchPage, 1);
  }
  b.jump(target);
}

/** BL and BLX (immediate): the offset counts from what the PC reads, word-aligned for a target in A32. */
export function branchWithLink(b: Builder, isa: Isa, offset: Operand): void {
  const base = isa === 'A32' && b.isa === 'T32' ? b.and(b.readPc(), ~3) : b.readPc();
  const target = b.add(base, offset);
  link(b);
  branchTo(b, isa, target);
}

/** BLX (register): the target is read before LR changes, for it may be LR. */
export function branchWithLinkExchange(b: Builder, target: Node): void {
  link(b);
  b.bxWritePc(target);
}
