// SPDX-License-Identifier: Apache-2.0
// Access to the program status registers (B1.3.3, B9.3.8 to B9.3.13): MRS, MSR, CPS, SRS, RFE. Shared by A32 and T32.
// What changes the mode or the endianness goes to a helper; flags and interrupt masks are written here.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { ACCESS, CPU, PSR } from '../../state/layout.js';
import { EXCEPTION } from '../../system/exception.js';
import { requireBankedMode, type Direction } from './multiple.js';

const MASKS = PSR.A | PSR.I | PSR.F;

/** What MRS reads of CPSR: all but the execution state bits IT, J and T. */
export function readCpsr(b: Builder): Node {
  const control = b.and(b.state(CPU.control), MASKS | PSR.E | 0x1f);
  const flags = b.or(b.getNZCV(), b.shl(b.state(CPU.flagQ), 27));
  return b.or(b.or(flags, b.shl(b.state(CPU.flagGE), 16)), control);
}

/** The flag bytes of MSR CPSR: mask bit 3 for NZCVQ, bit 2 for GE. */
export function writeFlags(b: Builder, value: Node, mask: Node): void {
  b.if(b.and(mask, 8), () => {
    b.setNZCV(value);
    b.setState(CPU.flagQ, b.bits(value, 27, 27));
  });
  b.if(b.and(mask, 4), () => b.setState(CPU.flagGE, b.bits(value, 19, 16)));
}

/** Flips bits of A, I and F, and looks for interrupts that this lets through. */
function changeMasks(b: Builder, control: Node, changed: Node): void {
  const result = b.xor(control, changed);
  b.setState(CPU.control, result);
  b.attendInterrupts(result);
}

/**
 * MSR CPSR, any bytes. In User mode the control bits but E are left alone. Only a change of mode or endianness needs
 * the helper, which then does all of it.
 */
export function writeCpsr(b: Builder, value: Node, mask: Node): void {
  const control = b.state(CPU.control);
  const low = b.select(b.and(mask, 1), PSR.I | PSR.F | 0x1f, 0);
  const high = b.select(b.and(mask, 2), PSR.A | PSR.E, 0);
  const writable = b.and(b.or(low, high), b.select(b.privileged(), -1, PSR.E));
  const changed = b.and(b.xor(value, control), writable);
  b.if(
    b.and(changed, ~MASKS),
    () => void b.callChecked('writeCpsr', value, mask),
    () => {
      writeFlags(b, value, mask);
      changeMasks(b, control, changed);
    },
  );
}

/** MSR SPSR: bytes that the mask selects; bits 23:20 are no part of it. Undefined where there is no SPSR. */
export function writeSpsr(b: Builder, value: Node, mask: Node): void {
  requireBankedMode(b);
  const byte = (bit: number, bits: number): Node => b.select(b.and(mask, bit), bits, 0);
  const bits = b.or(b.or(byte(8, 0xff00_0000), byte(4, 0x000f_0000)), b.or(byte(2, 0xff00), byte(1, 0xff)));
  const old = b.state(CPU.spsr);
  b.setState(CPU.spsr, b.xor(old, b.and(b.xor(old, value), bits)));
}

/** MRS SPSR. */
export function readSpsr(b: Builder): Node {
  requireBankedMode(b);
  return b.state(CPU.spsr);
}

/** CPS: nothing in User mode. `imod` 2 enables and 3 disables the exceptions in A:I:F; M writes the mode. */
export function changeProcessorState(
  b: Builder,
  f: {
    readonly imod: Node;
    readonly M: Node;
    readonly A: Node;
    readonly I: Node;
    readonly F: Node;
    readonly mode: Node;
  },
): void {
  b.if(b.privileged(), () => {
    const control = b.state(CPU.control);
    const named = b.or(b.or(b.shl(f.A, 8), b.shl(f.I, 7)), b.shl(f.F, 6));
    const selected = b.select(b.and(f.imod, 2), named, 0);
    const changed = b.and(b.xor(control, b.select(b.and(f.imod, 1), -1, 0)), selected);
    b.if(
      f.M,
      () => {
        const value = b.or(b.and(b.xor(control, changed), ~0x1f), f.mode);
        b.callChecked('writeCpsr', value, 3);
      },
      () => changeMasks(b, control, changed),
    );
  });
}

/** Offset from the base of the lower of two words. */
function pairOffset({ before, up }: Direction): number {
  if (up) return before ? 4 : 0;
  return before ? -8 : -4;
}

/** SRS: stores LR and SPSR of this mode on the stack of another. */
export function storeReturnState(b: Builder, mode: Node, direction: Direction, writeback: boolean): void {
  requireBankedMode(b);
  const base = b.callChecked('readBankedSp', mode);
  const address = b.add(base, pairOffset(direction));
  b.store(4, address, b.reg(14), ACCESS.wordAligned);
  b.store(4, b.add(address, 4), b.state(CPU.spsr), ACCESS.wordAligned);
  if (writeback) b.callChecked('writeBankedSp', mode, b.add(base, direction.up ? 8 : -8));
}

/** RFE: loads PC and CPSR. */
export function returnFromException(b: Builder, rn: Node, direction: Direction, writeback: boolean): void {
  b.if(b.eqz(b.privileged()), () => b.exception(EXCEPTION.undefined));
  const base = b.reg(rn);
  const address = b.add(base, pairOffset(direction));
  const target = b.load(4, address, ACCESS.wordAligned);
  const psr = b.load(4, b.add(address, 4), ACCESS.wordAligned);
  if (writeback) b.setReg(rn, b.add(base, direction.up ? 8 : -8));
  b.callChecked('returnFromException', target, psr);
}
