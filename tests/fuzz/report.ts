// SPDX-License-Identifier: Apache-2.0
// A difference between two results as one line of text. It names registers by every field an encoding might have, so
// it may print an input that the instruction does not read; it never leaves one out.

import { CODE_END } from './layout.js';
import type { TestCase, TestResult } from './test-case.js';

/** One place where two results differ. */
export interface Field {
  readonly name: string;
  readonly expected: string;
  readonly got: string;
}

/** Text for a case's instructions; engines give their disassembler. */
export type Disassemble = (isa: TestCase['isa'], code: Uint8Array) => string;

/** The line for one case: row, instruction, the inputs that matter, the reference's outcome, then every difference. */
export function describe(
  testCase: TestCase,
  expected: TestResult,
  fields: readonly Field[],
  disassemble: Disassemble | undefined,
): string {
  const { state, code, isa } = testCase;
  const text = disassemble?.(isa, code);
  const parts = [`${testCase.row ?? isa}: ${codeText(isa, code)}${text === undefined ? '' : ` "${text}"`}`];
  const inputs = relevantRegisters(testCase).map((n) => `r${n}=${hex(state.registers[n]!)}`);
  inputs.push(`cpsr=${hex(state.cpsr)}`);
  if (isFloating(testCase)) {
    inputs.push(`fpscr=${hex(state.fpscr)}`);
    for (let n = 0; n < 32; n++)
      if (changedOrNamed(testCase, expected, n)) inputs.push(`d${n}=${doubleword(state.d, n)}`);
  }
  if (state.sctlrToggle !== 0) inputs.push(`sctlr^${hex(state.sctlrToggle)}`);
  parts.push(`in ${inputs.join(' ')}`);
  parts.push(`outcome ${expected.outcome}`);
  parts.push(fields.map((field) => `${field.name} ${field.expected}->${field.got}`).join(', '));
  return parts.join(' | ');
}

/** The instructions as the manual writes them: A32 words, T32 halfwords. */
export function codeText(isa: TestCase['isa'], code: Uint8Array): string {
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  const texts: string[] = [];
  if (isa === 'A32') for (let at = 0; at < code.length; at += 4) texts.push(hex(view.getUint32(at, true)));
  else for (let at = 0; at < code.length; at += 2) texts.push(view.getUint16(at, true).toString(16).padStart(4, '0'));
  return `${isa} ${texts.join(' ')} @${hex(CODE_END - code.length)}`;
}

/** Registers whose number appears in any 4-bit field of the first instruction (and the low ones for T16). */
function relevantRegisters({ isa, code }: TestCase): number[] {
  const named = new Set<number>();
  for (const byte of code) {
    named.add(byte & 15);
    named.add(byte >> 4);
  }
  if (isa === 'T32') {
    const halfword = code[0]! | (code[1]! << 8);
    for (const shift of [0, 3, 6, 8]) named.add((halfword >> shift) & 7);
  }
  named.delete(15);
  return [...named].sort((a, b) => a - b);
}

/** Coprocessor 10 or 11, or Advanced SIMD: anywhere in the case. */
function isFloating({ isa, code }: TestCase): boolean {
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  for (let at = 0; at + 4 <= code.length; at += isa === 'A32' ? 4 : 2) {
    const word =
      isa === 'A32'
        ? view.getUint32(at, true)
        : ((view.getUint16(at, true) << 16) | view.getUint16(at + 2, true)) >>> 0;
    const coprocessor = (word >>> 8) & 14;
    if ((word >>> 26) % 4 === 3 && coprocessor === 10) return true;
    if (isa === 'A32' ? word >>> 25 === 0x79 || word >>> 24 === 0xf4 : word >>> 24 === 0xef || word >>> 24 === 0xff)
      return true;
    if (isa === 'T32' && word >>> 24 === 0xf9) return true;
  }
  return false;
}

/** D registers in any reading of the first instruction's Vd, Vn, Vm fields, for the report only. */
function changedOrNamed({ isa, code, state }: TestCase, expected: TestResult, register: number): boolean {
  if (doubleword(state.d, register) !== doubleword(expected.d, register)) return true;
  if (code.length < 4) return false;
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  const word =
    isa === 'A32' ? view.getUint32(0, true) : ((view.getUint16(0, true) << 16) | view.getUint16(2, true)) >>> 0;
  const fields: [number, number][] = [
    [(word >>> 12) & 15, (word >>> 22) & 1],
    [(word >>> 16) & 15, (word >>> 7) & 1],
    [word & 15, (word >>> 5) & 1],
  ];
  const single = (word & 0x100) === 0 && (word & 0xe00) === 0xa00;
  return fields.some(
    ([low, high]) =>
      (single ? low >> 0 === register * 2 + high || low === register : false) || (high << 4) + low === register,
  );
}

export function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}

/** A D register, high word first. */
export function doubleword(d: Uint32Array, register: number): string {
  return `${hex(d[2 * register + 1]!)}_${hex(d[2 * register]!)}`;
}
