// SPDX-License-Identifier: Apache-2.0
// The runner's records in RAM: cases in, results out, as little-endian words. runner/start.S and runner/runner.c have
// the same numbers.

import {
  BANK,
  CODE_END,
  MAX_CODE_BYTES,
  MEMORY_BYTES,
  MODE,
  bankedLr,
  registersIn,
  windowBackground,
} from './layout.js';
import { effectiveCpsr, type Outcome, type TestCase, type TestResult } from './test-case.js';

export const RAM_BASE = 0x40000000;
export const RAM_BYTES = 0x08000000;
export const HEADER_ADDRESS = 0x41000000;
export const CASES_ADDRESS = 0x41010000;
export const RESULTS_ADDRESS = 0x44000000;
export const CASE_BYTES = 768;
export const RESULT_BYTES = 1280;
/** What fits into RAM between the cases' and the results' address, rounded down. */
export const MAX_CASES = 50_000;

const HEADER_BYTES = 16 + 0x2000;
const STATE_BYTES = 384;
const CODE_OFFSET = 96;
const MAX_CHANGES = 94;
const DONE = 0x600d0000;

/** The header: how many cases there are and which is the first to run; the runner notes the case it is at. */
export function encodeHeader(count: number, first: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, count, true);
  view.setUint32(4, first, true);
  view.setUint32(8, first, true);
  bytes.set(windowBackground(), 16);
  return bytes;
}

/** Number of the case the runner is at, from a header it has written; equal to the count when all are done. */
export function decodeProgress(header: Uint8Array): number {
  return new DataView(header.buffer, header.byteOffset).getUint32(8, true);
}

/** All cases as the runner reads them. */
export function encodeCases(cases: readonly TestCase[]): Uint8Array {
  const words = new Uint32Array((cases.length * CASE_BYTES) / 4);
  const bytes = new Uint8Array(words.buffer);
  cases.forEach((testCase, index) => {
    const { isa, code, state } = testCase;
    if (code.length === 0 || code.length > MAX_CODE_BYTES || code.length % (isa === 'A32' ? 4 : 2) !== 0)
      throw new RangeError(`fuzz case ${index}: ${code.length} bytes of ${isa} code`);
    const base = (index * CASE_BYTES) / 4;
    words[base] = (isa === 'T32' ? 1 : 0) | (code.length << 8);
    words[base + 1] = effectiveCpsr(state.cpsr);
    words[base + 2] = state.spsr;
    words.set(state.registers, base + 3);
    words[base + 18] = state.fpscr;
    words[base + 19] = state.fpexc;
    words[base + 20] = state.sctlrToggle;
    bytes.set(code, base * 4 + CODE_OFFSET);
    words.set(state.d, base + 32);
    bytes.set(state.memory.subarray(0, MEMORY_BYTES), base * 4 + STATE_BYTES);
  });
  return bytes;
}

const OUTCOMES: readonly Outcome[] = [
  'unexpected-exception',
  'undefined',
  'supervisor-call',
  'prefetch-abort',
  'data-abort',
  'unexpected-exception',
  'endless',
  'unexpected-exception',
];
/** The mode each exception is taken to, by vector. */
const EXCEPTION_MODE = [MODE.svc, MODE.und, MODE.svc, MODE.abt, MODE.abt, MODE.svc, MODE.irq, MODE.fiq] as const;

/** A result for a case that never came back. */
export function lostResult(): TestResult {
  return {
    outcome: 'lost',
    pc: 0,
    cpsr: 0,
    registers: new Uint32Array(15),
    banked: new Uint32Array(BANK.length),
    d: new Uint32Array(64),
    fpscr: 0,
    fpexc: 0,
    faultStatus: 0,
    faultAddress: 0,
    changes: new Map(),
  };
}

/** The results of `count` cases; the arrays in them are views of `bytes`, which must start at a multiple of 4. */
export function decodeResults(bytes: Uint8Array, count: number): TestResult[] {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, (count * RESULT_BYTES) / 4);
  const results: TestResult[] = [];
  for (let index = 0; index < count; index++) {
    const record = words.subarray((index * RESULT_BYTES) / 4, ((index + 1) * RESULT_BYTES) / 4);
    results.push(record[46] === (DONE | (index & 0xffff)) >>> 0 ? decodeResult(record) : lostResult());
  }
  return results;
}

function decodeResult(record: Uint32Array): TestResult {
  const vector = record[0]! & 7;
  const cpsr = record[1]!;
  const lr = record[2]!;
  const [dataStatus, dataAddress, fetchStatus] = [record[3]!, record[4]!, record[5]!];
  const banked = record.subarray(16, 16 + BANK.length);
  const exceptionLr = bankedLr(EXCEPTION_MODE[vector]!);
  banked[exceptionLr] = 0;
  banked[exceptionLr + 1] = 0;
  const registers = registersIn(cpsr & 0x1f, record.subarray(8, 16), banked);

  let outcome = OUTCOMES[vector]!;
  const thumb = (cpsr & 0x20) !== 0;
  let pc = lr;
  if (outcome === 'undefined' || outcome === 'supervisor-call') pc = lr - (thumb ? 2 : 4);
  else if (outcome === 'prefetch-abort' || outcome === 'endless') pc = lr - 4;
  else if (outcome === 'data-abort') pc = lr - 8;
  pc >>>= 0;
  // Status 2 is the debug event of BKPT; any other abort is the fetch after the case's last instruction.
  if (outcome === 'prefetch-abort' && (fetchStatus & 0x40f) !== 2 && !isInSlot(pc)) outcome = 'completed';

  const changes = new Map<number, number>();
  const changed = Math.min(record[45]!, MAX_CHANGES);
  for (let n = 0; n < changed; n++) changes.set(record[128 + 2 * n]!, record[129 + 2 * n]!);
  return {
    outcome,
    pc,
    cpsr,
    registers,
    banked,
    d: record.subarray(64, 128),
    fpscr: record[7]!,
    fpexc: record[43]!,
    faultStatus: outcome === 'data-abort' ? dataStatus : outcome === 'prefetch-abort' ? fetchStatus : 0,
    faultAddress: outcome === 'data-abort' ? dataAddress : 0,
    changes,
  };
}

/** A fetch inside the slot faults only if the instruction itself is cut off by the end of the page. */
function isInSlot(pc: number): boolean {
  return pc >= CODE_END - MAX_CODE_BYTES && pc < CODE_END;
}
