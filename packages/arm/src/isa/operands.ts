// SPDX-License-Identifier: Apache-2.0
// Small things that many rows share: decode checks on register fields, and the text of operands in assembly syntax
// (UAL, as GNU objdump prints it with standard register names).

/** A decode check: whether any of the named fields is 15. */
export function any15(...names: readonly string[]): (f: Readonly<Record<string, number>>) => boolean {
  return (f) => names.some((name) => f[name] === 15);
}

/** r0 to r12, sp, lr, pc. */
export function registerName(index: number): string {
  return index === 15 ? 'pc' : index === 14 ? 'lr' : index === 13 ? 'sp' : `r${index}`;
}

/** `{r0, r4, lr}` of a 16-bit register mask. */
export function registerList(mask: number): string {
  const names: string[] = [];
  for (let i = 0; i < 16; i++) if ((mask >>> i) & 1) names.push(registerName(i));
  return `{${names.join(', ')}}`;
}

const SHIFT_NAMES = ['lsl', 'lsr', 'asr', 'ror'] as const;

/** `, lsl #3` and the like for a shift by an immediate; empty for none. */
export function shiftText(type: number, imm5: number): string {
  if (type === 0 && imm5 === 0) return '';
  if (type === 3 && imm5 === 0) return ', rrx';
  return `, ${SHIFT_NAMES[type]} #${imm5 === 0 ? 32 : imm5}`;
}

/** The mnemonic of a shift type. */
export function shiftName(type: number): string {
  return SHIFT_NAMES[type & 3]!;
}
