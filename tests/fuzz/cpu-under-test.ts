// SPDX-License-Identifier: Apache-2.0
// The interface that every engine under test and the QEMU oracle implement, and the comparison of two results of one
// case, with masks for what the architecture leaves UNKNOWN.

import { BANK, MODE, WINDOW } from './layout.js';
import { describe, doubleword, hex, type Disassemble, type Field } from './report.js';
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

export interface Difference {
  readonly index: number;
  readonly testCase: TestCase;
  readonly fields: readonly Field[];
  /** One line: row, instruction words, the inputs that matter, then each field as `name expected->got`. */
  readonly report: string;
}

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
    const [a, b] = [expected.banked[index]!, got.banked[index]!];
    if (a === b) continue;
    const { name, register } = bankName(index);
    if (!unknown.has(register) && !isCurrent(expected, index)) word(name, a, b);
  }
  if (!mask?.d) {
    for (let register = 0; register < 32; register++) {
      if (expected.d[2 * register] === got.d[2 * register] && expected.d[2 * register + 1] === got.d[2 * register + 1])
        continue;
      const texts = { expected: doubleword(expected.d, register), got: doubleword(got.d, register) };
      fields.push({ name: `d${register}`, ...texts });
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

function change(value: number | undefined): string {
  return value === undefined ? 'unchanged' : hex(value);
}
