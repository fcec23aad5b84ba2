// SPDX-License-Identifier: Apache-2.0
// Addresses of A32 loads and stores in assembly syntax, as GNU objdump prints them.

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
