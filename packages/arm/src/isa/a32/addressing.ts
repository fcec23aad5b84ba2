// SPDX-License-Identifier: Apache-2.0
// Operands of A32 loads, stores and MSR in assembly syntax, as GNU objdump prints them.

import { registerName } from '../operands.js';

/** `ldr{c} r0, [r1, #4]!` and the like; `offset` comes with its sign. A zero offset is only said if it is negative. */
export function indexedText(
  mnemonic: string,
  f: { readonly P: number; readonly W: number; readonly Rn: number; readonly Rt?: number },
  offset: string,
): string {
  const head = `${mnemonic}{c} ${f.Rt === undefined ? '' : `${registerName(f.Rt)}, `}`;
  const base = registerName(f.Rn);
  if (f.P === 0) return `${head}[${base}], ${offset}`;
  if (offset === '#0' && f.W === 0) return `${head}[${base}]`;
  return `${head}[${base}, ${offset}]${f.W === 1 ? '!' : ''}`;
}

/** `ldr{c} r0, [pc, #4]`. */
export function literalText(mnemonic: string, f: { readonly U: number; readonly Rt: number }, offset: number): string {
  return indexedText(mnemonic, { P: 1, W: 0, Rn: 15, Rt: f.Rt }, `#${f.U === 1 ? '' : '-'}${offset}`);
}

/** A modified immediate (A5.2.4): its value, or the byte and its rotation if that is not the shortest encoding of it. */
export function modifiedText(imm12: number): string {
  const byte = imm12 & 0xff;
  const rotation = (imm12 >>> 8) << 1;
  const rotate = (value: number, by: number): number => (value >>> by) | (value << (32 - by));
  const value = rotate(byte, rotation);
  for (let shorter = 0; shorter < rotation; shorter += 2) {
    if (rotate(value, 32 - shorter) >>> 0 <= 0xff) return `#${byte}, ${rotation}`;
  }
  return `#${value}`;
}
