// SPDX-License-Identifier: Apache-2.0
// What an access's description (ACCESS) and the CPU's state say of its address and its value.

import { ACCESS, CPU, type CpuState, PSR, SCTLR, SYSTEM } from '@plinth/arm';
import { swapBytes } from './translation.js';

/** Whether the address is less aligned than the access or SCTLR.A wants it. */
export function isMisaligned(state: CpuState, address: number, access: number, size: number): boolean {
  if ((access & ACCESS.wordAligned) !== 0 && (address & 3) !== 0) return true;
  const element = (access & ACCESS.byteElements) !== 0 ? 1 : (access & ACCESS.halfwordElements) !== 0 ? 2 : size;
  if ((address & (element - 1)) === 0) return false;
  return (access & ACCESS.aligned) !== 0 || (state.get(SYSTEM.SCTLR) & SCTLR.A) !== 0;
}

/** From a register to memory or back: with CPSR.E memory is big-endian. */
export function inOrder(state: CpuState, value: number, size: number): number {
  if ((state.get(CPU.control) & PSR.E) === 0 || size === 1) return value;
  if (size === 2) return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
  return swapBytes(value);
}

/** What was loaded, as a register gets it. */
export function extended(value: number, access: number): number {
  if ((access & ACCESS.signed) === 0) return value | 0;
  return (access & 0xf) === 1 ? (value << 24) >> 24 : (value << 16) >> 16;
}
