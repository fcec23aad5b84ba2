// SPDX-License-Identifier: Apache-2.0
// What is not compared with QEMU, each under its reason: what the manual (ARM DDI 0406C) calls UNPREDICTABLE by the state
// that an instruction finds, where QEMU takes another of the choices that the manual leaves, and where it falls short.

import type { Mask, MaskOf } from './cpu-under-test.js';
import { CODE_END, CODE_PAGE, MODE, bankedLr } from './layout.js';
import { firstOf, unknownAfterAbort } from './masks.js';
import type { TestCase, TestResult } from './test-case.js';

/** The row of a word that no row takes. */
export const NO_INSTRUCTION = 'no instruction';

const everything = (why: string): Mask => ({ why, everything: true });
/** CPSR bits 23:20, which ARMv7 does not have; J; and the IT bits. */
const PSR_RESERVED = 0x00f0_0000;
const PSR_J = 0x0100_0000;
const PSR_IT = 0x0600_fc00;
/** Changed words that the oracle has room for. */
const MAX_CHANGES = 94;

function isPrivileged({ state }: TestCase): boolean {
  return (state.cpsr & 0x1f) !== MODE.usr;
}

/** The case's instruction, past an IT instruction; T16 in the high half. */
export function wordOf({ isa, code }: TestCase): number {
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  if (isa === 'A32') return view.getUint32(0, true);
  const at = code[1] === 0xbf && (code[0]! & 15) !== 0 && code.length > 2 ? 2 : 0;
  const second = at + 4 <= code.length ? view.getUint16(at + 2, true) : 0;
  return ((view.getUint16(at, true) << 16) | second) >>> 0;
}

/** Whether the case's instruction is under a condition that fails. */
function conditionFails(testCase: TestCase): boolean {
  const { isa, code, state } = testCase;
  const { cpsr } = state;
  const isIt = isa === 'T32' && code[1] === 0xbf && (code[0]! & 15) !== 0;
  const condition =
    isa === 'A32' ? wordOf(testCase) >>> 28 : isIt ? code[0]! >> 4 : (cpsr & PSR_IT) !== 0 ? (cpsr >>> 12) & 15 : 14;
  const [n, z, c, v] = [31, 30, 29, 28].map((bit) => ((cpsr >>> bit) & 1) !== 0);
  const holds = [z!, c!, n!, v!, c! && !z!, n === v, n === v && !z!, true][condition >> 1]!;
  return condition < 14 && holds === ((condition & 1) !== 0);
}

function unpredictable(testCase: TestCase, expected: TestResult): Mask | undefined {
  // What lies there may also run on to a fault of its own.
  if (expected.outcome === 'unexpected-exception' || expected.pc >>> 12 === 0xffff0)
    return everything("a branch to the oracle's own vectors");
  const row = testCase.row ?? '';
  const mode = testCase.state.cpsr & 0x1f;
  if (mode === MODE.usr || mode === MODE.sys) {
    if (/SPSR|User registers|exception return|^SUBS PC|^SRS/.test(row)) return everything('there is no SPSR');
  }
  if (/completed|prefetch/.test(expected.outcome) && (expected.cpsr & 0x20) === 0 && (expected.pc & 2) !== 0)
    return everything('an A32 target that is not a word');
  // Whether it is undefined all the same is IMPLEMENTATION DEFINED ("Conditional execution of undefined instructions").
  if (row === NO_INSTRUCTION && conditionFails(testCase))
    return everything('an undefined instruction whose condition fails');
  // The filler of T32 code is such an instruction.
  if (testCase.isa === 'T32' && (expected.cpsr & 0x20) === 0 && expected.pc >= CODE_PAGE && expected.pc <= CODE_END)
    return everything('T32 code, run as A32');
  return undefined;
}

function integer(testCase: TestCase, { outcome, banked, cpsr }: TestResult): Mask | undefined {
  const { isa, code, row = '', state } = testCase;
  if (outcome === 'endless')
    return { why: 'ended by an interrupt in one, by a count in the other', registers: [14, 16] };
  if (row.startsWith('RFE')) {
    const unpredictableBits = (cpsr & 0x20) === 0 ? PSR_J | PSR_IT : PSR_J;
    return {
      why: 'QEMU keeps J, IT of A32, and bits that ARMv7 does not have',
      cpsr: PSR_RESERVED | unpredictableBits,
    };
  }
  if (row.startsWith('MSR') && (banked[bankedLr(state.cpsr & 0x1f) + 1]! & PSR_RESERVED) !== 0)
    return { why: 'QEMU keeps bits of SPSR that ARMv7 does not have', registers: [16] };
  const word = wordOf(testCase);
  if (row.startsWith('STREX') && ((state.registers[(word >>> 16) & 15] ?? 0) & 7) !== 0)
    return everything('QEMU asks the monitor before the alignment');
  const writesPcAndFlags = isa === 'A32' && (word & 0x0010_f000) === 0x0010_f000;
  if (writesPcAndFlags && /^(AND|EOR|SUB|RSB|ADD|ADC|SBC|RSC|ORR|MOV|BIC|MVN) /.test(row))
    return everything('QEMU returns from exceptions by SUBS and MOVS alone, and not in User mode');
  if (row === 'SMC' && isa === 'T32' && outcome === 'undefined')
    return { why: 'QEMU clears IT before an SMC that is undefined', cpsr: PSR_IT };
  if (row.endsWith('(User registers)') && outcome === 'data-abort' && row.startsWith('LDM'))
    return { why: 'QEMU does not restore the base of LDM (User registers)', registers: listOf(word) };
  if (isa === 'A32' && row === 'BLX (immediate)' && code[0] === 0xfe) return everything('into its own second half');
  // That half is an IT block for the condition 15, which we take as undefined.
  if (row === 'B T4' && word === 0xf7ffbfff) return everything('into its own second half');
  return undefined;
}

/** Registers of the list in the low bits of an A32 instruction. */
function listOf(word: number): number[] {
  return Array.from({ length: 15 }, (_, n) => n).filter((n) => ((word >>> n) & 1) !== 0);
}

function vector(testCase: TestCase, expected: TestResult): Mask | undefined {
  const { row = '', state } = testCase;
  const word = wordOf(testCase);
  if (row === NO_INSTRUCTION && (word & 0x0f20_0f00) === 0x0d00_0900)
    return everything('QEMU loads and stores half-precision registers');
  if (!row.startsWith('V')) return undefined;
  if (row.includes('multiple')) {
    if ((word & 0x30) === 0x30) return everything('QEMU checks 256-bit alignment as 128-bit');
    if ((word & 0xc0) === 0xc0 && state.sctlrToggle !== 0) return everything('alignment of 64-bit elements');
  }
  const same = ((word >>> 12) & 15) === (word & 15) && ((word >>> 22) & 1) === ((word >>> 5) & 1);
  if (/^V(TRN|ZIP|UZP)/.test(row) && same && expected.outcome === 'completed')
    return everything('an exchange with itself is UNKNOWN');
  return undefined;
}

/** Coprocessor registers. Their values are the machine's; the tests beside `coprocessor.ts` know them. */
function system(testCase: TestCase, { outcome }: TestResult): Mask | undefined {
  const { row = '' } = testCase;
  if (row === 'MRRC' && outcome === 'completed' && (wordOf(testCase) & 0xf00) === 0xe00)
    return everything('QEMU has the 64-bit debug registers of the Large Physical Address Extension');
  if (!isPrivileged(testCase)) return undefined;
  if (/^MR(C|RC)$/.test(row)) {
    if (outcome === 'undefined') return everything('an unknown register reads as zero, and is noticed');
    return { why: 'the value of a system register', registers: transferred(testCase), cpsr: 0xf000_0000 };
  }
  return undefined;
}

/** Rt and Rt2 of a coprocessor transfer. */
function transferred(testCase: TestCase): number[] {
  const word = wordOf(testCase);
  return [(word >>> 12) & 15, ...(testCase.row === 'MRRC' ? [(word >>> 16) & 15] : [])];
}

function oracleRecord(_: TestCase, { changes }: TestResult): Mask | undefined {
  return changes.size < MAX_CHANGES ? undefined : everything('more words written than a record holds');
}

/** For comparison with QEMU of cases of one instruction, of any row. */
export const oracleMask: MaskOf = firstOf(oracleRecord, unpredictable, integer, vector, system, unknownAfterAbort);
