// SPDX-License-Identifier: Apache-2.0
// The interface that every engine under test and the QEMU oracle implement, and the comparison of two results of one
// case, with masks for what the architecture leaves UNKNOWN.

import { BANK, CODE_END, MODE, WINDOW } from './layout.js';
import type { TestCase, TestResult } from './test-case.js';

export interface CpuUnderTest {
  readonly name: string;
  /** Runs each case from its own state in the world of layout.ts; one result per case, in the same order. */
  run(cases: readonly TestCase[]): TestResult[];
}

/** What of a row's result is UNKNOWN in the manual, or not promised by the oracle; a bit set is not compared. */
export interface Mask {
  /** The reason, for the report of what was left out. */
  readonly why: string;
  readonly cpsr?: number;
  readonly fpscr?: number;
  /** Numbers of core registers that are not compared (and the banked copies of r8-r14 with them). */
  readonly registers?: readonly number[];
  /** Leaves out the D registers. */
  readonly d?: boolean;
  /** Leaves out the window. */
  readonly memory?: boolean;
  /** Leaves out fault status and address. */
  readonly fault?: boolean;
  /** Leaves out the whole case: its behaviour is UNPREDICTABLE and engines may differ in all. */
  readonly everything?: boolean;
}

/** The mask for a case, if any; for masks by row, give a function that looks up `testCase.row`. */
export type MaskOf = (testCase: TestCase, expected: TestResult) => Mask | undefined;

/** One place where two results differ. */
export interface Field {
  readonly name: string;
  readonly expected: string;
  readonly got: string;
}

export interface Difference {
  readonly index: number;
  readonly testCase: TestCase;
  readonly fields: readonly Field[];
  /** One line: row, instruction words, the inputs that matter, then each field as `name expected->got`. */
  readonly report: string;
}

/** Text for a case's instructions; engines give their disassembler. */
export type Disassemble = (isa: TestCase['isa'], code: Uint8Array) => string;

export interface CompareOptions {
  readonly mask?: MaskOf;
  readonly disassemble?: Disassemble;
}

/** Compares results case by case; `expected` is the reference's. Cases that the reference lost are left out. */
export function compare(
  cases: readonly TestCase[],
  expected: readonly TestResult[],
  got: readonly TestResult[],
  options: CompareOptions = {},
): Difference[] {
  if (expected.length !== cases.length || got.length !== cases.length)
    throw new RangeError(`${cases.length} cases, ${expected.length} expected results, ${got.length} results`);
  const differences: Difference[] = [];
  cases.forEach((testCase, index) => {
    const reference = expected[index]!;
    if (reference.outcome === 'lost') return;
    const mask = options.mask?.(testCase, reference);
    if (mask?.everything) return;
    const fields = differingFields(reference, got[index]!, mask);
    if (fields.length === 0) return;
    differences.push({ index, testCase, fields, report: describe(testCase, reference, fields, options.disassemble) });
  });
  return differences;
}

function differingFields(expected: TestResult, got: TestResult, mask: Mask | undefined): Field[] {
  const fields: Field[] = [];
  const word = (name: string, a: number, b: number, ignored = 0): void => {
    if (((a ^ b) & ~ignored) !== 0) fields.push({ name, expected: hex(a), got: hex(b) });
  };
  if (expected.outcome !== got.outcome) fields.push({ name: 'outcome', expected: expected.outcome, got: got.outcome });
  word('pc', expected.pc, got.pc);
  word('cpsr', expected.cpsr, got.cpsr, mask?.cpsr);
  const unknown = new Set(mask?.registers);
  for (let register = 0; register < 15; register++)
    if (!unknown.has(register)) word(`r${register}`, expected.registers[register]!, got.registers[register]!);
  for (let index = 0; index < BANK.length; index++) {
    const { name, register } = bankName(index);
    if (!unknown.has(register) && !isCurrent(expected, index)) word(name, expected.banked[index]!, got.banked[index]!);
  }
  if (!mask?.d) {
    for (let register = 0; register < 32; register++) {
      const [a, b] = [doubleword(expected.d, register), doubleword(got.d, register)];
      if (a !== b) fields.push({ name: `d${register}`, expected: a, got: b });
    }
  }
  word('fpscr', expected.fpscr, got.fpscr, mask?.fpscr);
  word('fpexc', expected.fpexc, got.fpexc);
  if (!mask?.fault) {
    word('fault status', expected.faultStatus, got.faultStatus);
    word('fault address', expected.faultAddress, got.faultAddress);
  }
  if (!mask?.memory) {
    for (const offset of new Set([...expected.changes.keys(), ...got.changes.keys()])) {
      const [a, b] = [expected.changes.get(offset), got.changes.get(offset)];
      if (a !== b) fields.push({ name: `[${hex(WINDOW + offset)}]`, expected: change(a), got: change(b) });
    }
  }
  return fields;
}

const BANK_OWNERS = Object.entries(BANK).filter(([name]) => name !== 'length') as [keyof typeof MODE, number][];

/** Name of an index of `banked`, and the register number it stands for (16 = SPSR). */
function bankName(index: number): { name: string; register: number } {
  let [owner, start] = BANK_OWNERS[0]!;
  for (const [name, first] of BANK_OWNERS) if (index >= first) [owner, start] = [name, first];
  const register = owner === 'usr' || owner === 'fiq' ? index - start + 8 : index - start + 13;
  const effective = register === 15 ? 16 : register;
  return { name: `${effective === 16 ? 'spsr' : `r${effective}`}_${owner}`, register: effective };
}

/** True for the banked copies of r8-r14 that the expected result's mode sees: they are compared as registers. */
function isCurrent(result: TestResult, index: number): boolean {
  const mode = result.cpsr & 0x1f;
  const { name, register } = bankName(index);
  if (register === 16) return false;
  const owner = name.slice(name.indexOf('_') + 1) as keyof typeof MODE;
  if (register < 13) return owner === 'usr' ? mode !== MODE.fiq : mode === MODE.fiq;
  return owner === 'usr' ? mode === MODE.usr || mode === MODE.sys : MODE[owner] === mode;
}

/** r8-r14 of the case that are printed only when the encoding may name them; all of r0-r14 that are not zero. */
function describe(
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

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}

function doubleword(d: Uint32Array, register: number): string {
  return `${hex(d[2 * register + 1]!)}_${hex(d[2 * register]!)}`;
}

function change(value: number | undefined): string {
  return value === undefined ? 'unchanged' : hex(value);
}
