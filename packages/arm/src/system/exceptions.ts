// SPDX-License-Identifier: Apache-2.0
// Exception entry and return (B1.8, B1.9), and what instructions may do to the program status registers (B1.3.3).

import { type CpuState, isMode } from '../state/cpu-state.js';
import { CPU, MODE, PSR } from '../state/layout.js';
import { EXCEPTION } from './exception.js';
import { SCTLR, SYSTEM } from './registers.js';

interface Entry {
  readonly mode: number;
  readonly vector: number;
  /** Return address less the address of the instruction (synchronous) or of the next one (interrupts). */
  readonly a32: number;
  readonly t32: number;
  readonly masks: number;
}

/** Vector offsets and return addresses (tables B1-3, B1-6, B1-7). */
const ENTRIES: Readonly<Record<number, Entry>> = {
  [EXCEPTION.undefined]: { mode: MODE.und, vector: 0x04, a32: 4, t32: 2, masks: PSR.I },
  [EXCEPTION.supervisorCall]: { mode: MODE.svc, vector: 0x08, a32: 4, t32: 2, masks: PSR.I },
  [EXCEPTION.prefetchAbort]: { mode: MODE.abt, vector: 0x0c, a32: 4, t32: 4, masks: PSR.I | PSR.A },
  [EXCEPTION.dataAbort]: { mode: MODE.abt, vector: 0x10, a32: 8, t32: 8, masks: PSR.I | PSR.A },
  [EXCEPTION.interrupt]: { mode: MODE.irq, vector: 0x18, a32: 4, t32: 4, masks: PSR.I | PSR.A },
  [EXCEPTION.fastInterrupt]: { mode: MODE.fiq, vector: 0x1c, a32: 4, t32: 4, masks: PSR.I | PSR.A | PSR.F },
};

/** The ITSTATE after an instruction of its block (A2.5.2). */
export function advanceIt(it: number): number {
  return (it & 7) === 0 ? 0 : (it & 0xe0) | ((it << 1) & 0x1f);
}

/**
 * Enters an exception at the instruction at `pc` and returns the vector's address. The caller makes the engine look at
 * the context again: mode and instruction set may have changed.
 */
export function enterException(state: CpuState, kind: number, pc: number): number {
  const entry = ENTRIES[kind]!;
  // The return address of a supervisor call is the next instruction, so its IT state has moved on.
  if (kind === EXCEPTION.supervisorCall) state.set(CPU.itState, advanceIt(state.get(CPU.itState)));
  const cpsr = state.cpsr;
  const sctlr = state.get(SYSTEM.SCTLR);
  const link = pc + (state.thumb ? entry.t32 : entry.a32);
  let control = (state.get(CPU.control) & ~(0x1f | PSR.T | PSR.E | PSR.J)) | entry.mode | entry.masks;
  if ((sctlr & SCTLR.TE) !== 0) control |= PSR.T;
  if ((sctlr & SCTLR.EE) !== 0) control |= PSR.E;
  state.setControl(control);
  state.set(CPU.spsr, cpsr);
  state.setReg(14, link);
  state.set(CPU.itState, 0);
  const base = (sctlr & SCTLR.V) !== 0 ? 0xffff0000 : state.get(SYSTEM.VBAR);
  return (base + entry.vector) | 0;
}

/** IT[1:0] and IT[7:2] of a program status register. */
const IT_BITS = 0x0600_fc00;

/**
 * CPSR := psr, as an exception return or RFE does. A mode that does not exist leaves the mode as it is; a state with J
 * does not exist either, and A32 state has no use for ITSTATE.
 */
export function writeWholeCpsr(state: CpuState, psr: number): void {
  const execution = psr & ~((psr & PSR.T) === 0 ? PSR.J | IT_BITS : PSR.J);
  state.cpsr = isMode(psr & 0x1f) ? execution : (execution & ~0x1f) | state.mode;
}

/** CPSRWriteByInstr (B1.3.3) for MSR and CPS: mask bit n allows byte n; execution-state bits are not writable. */
export function writeCpsrByInstruction(state: CpuState, value: number, mask: number): void {
  if ((mask & 8) !== 0) {
    state.setFlags(value);
    state.set(CPU.flagQ, (value >>> 27) & 1);
  }
  if ((mask & 4) !== 0) state.set(CPU.flagGE, (value >>> 16) & 0xf);
  let allowed = 0;
  if ((mask & 2) !== 0) allowed |= PSR.E | (state.privileged ? PSR.A : 0);
  if ((mask & 1) !== 0 && state.privileged) {
    allowed |= PSR.I | PSR.F;
    if (isMode(value & 0x1f)) allowed |= 0x1f;
  }
  const control = state.get(CPU.control);
  state.setControl((control & ~allowed) | (value & allowed));
}
