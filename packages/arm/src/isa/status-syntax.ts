// SPDX-License-Identifier: Apache-2.0
// Operands of barriers, CPS and MSR as A32 and T32 write them alike (A8.8.43, A8.8.44, A8.8.53, B9.3.2, B9.3.12).

/** DSB and DMB option names; the others are numbers. */
const BARRIER_OPTIONS: Readonly<Record<number, string>> = {
  0b1111: 'sy',
  0b1110: 'st',
  0b1011: 'ish',
  0b1010: 'ishst',
  0b0111: 'un',
  0b0110: 'unst',
  0b0011: 'osh',
  0b0010: 'oshst',
};

/** The barriers, and bits 7:4 of either encoding. */
export const BARRIERS = [
  { name: 'DSB', op: '0100' },
  { name: 'DMB', op: '0101' },
  { name: 'ISB', op: '0110' },
] as const;

/** Option names; an ISB has but one. */
export function barrierOption(name: (typeof BARRIERS)[number]['name'], option: number): string {
  return (name === 'ISB' && option !== 0b1111 ? undefined : BARRIER_OPTIONS[option]) ?? `#${option}`;
}

/** CPS: the exceptions that it masks or lets through. */
export function iflags(f: { readonly A: number; readonly I: number; readonly F: number }): string {
  return (f.A === 1 ? 'a' : '') + (f.I === 1 ? 'i' : '') + (f.F === 1 ? 'f' : '');
}

/** MSR's `CPSR_fc`: fields f, s, x and c are mask bits 3 to 0. */
export function maskedRegister(register: 'CPSR' | 'SPSR', mask: number): string {
  return `${register}_${['f', 's', 'x', 'c'].filter((_, i) => ((mask >>> (3 - i)) & 1) === 1).join('')}`;
}
