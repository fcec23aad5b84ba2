// SPDX-License-Identifier: Apache-2.0
// Draws fuzz cases of several instructions: straight runs, branches among them, counted loops, IT blocks. What a
// comparison would have to mask anywhere but at the end of a case is not drawn: system instructions, mostly.

import {
  aimRegisters,
  drawInstruction,
  drawModes,
  drawState,
  isHarmless,
  isMemoryRow,
  isPredictable,
  type Draw,
} from './generate.js';
import { CODE_END, CODE_PAGE, MAX_CODE_BYTES, MODE } from './layout.js';
import type { Mask, MaskOf } from './cpu-under-test.js';
import { instructionBytes, parsePattern, type Pattern, type Row } from './pattern.js';
import { Random } from './random.js';
import { effectiveCpsr, type Isa, type TestCase, type TestResult } from './test-case.js';

/** An instruction of a sequence, by its place in the code. */
interface Part {
  readonly row: string;
  readonly offset: number;
  readonly length: number;
}

export interface SequenceCase extends TestCase {
  readonly parts: readonly Part[];
}

const LEFT_OUT =
  /^(B T|CBN?Z|TB|BL |BLX \(immediate|MSR|RFE|SRS|CPS|SUBS PC|STREX|SVC|BKPT|HVC|SMC|UDF|IT|WF|MCR|MRC|MCRR|MRRC|CDP|LDC|STC|SWP)|User registers|exception return|SPSR|FPSID|MVFR|FPEXC|unallocated hint/;

/** Rows that sequences are drawn from. */
export function isSequenceRow(row: Row): boolean {
  return !LEFT_OUT.test(row.name);
}

/** What `oracle-masks.ts` leaves out wherever it stands. */
function isComparable({ row, word, fields }: Draw): boolean {
  // A change to A32 state in the midst of T32 code.
  if (row.isa === 'T16' && row.name === 'BX' && fields['Rm'] === 15) return false;
  if (row.isa === 'A32' && (word & 0x0e10_f000) >>> 0 === 0x0010_f000) return false;
  if (row.isa === 'A32' && (word & 0x0e10_f000) >>> 0 === 0x0210_f000) return false;
  if (row.name.includes('multiple') && (word & 0x30) !== 0) return false;
  if (/^V(TRN|ZIP|UZP)/.test(row.name)) {
    const same = ((word >>> 12) & 15) === (word & 15) && ((word >>> 22) & 1) === ((word >>> 5) & 1);
    if (same) return false;
  }
  return true;
}

/** The register that counts a loop: no other instruction of the loop may name it. */
const COUNTER = { A32: 11, T32: 7 } as const;

function names(draw: Draw, register: number): boolean {
  return Object.entries(draw.fields).some(([name, value]) => {
    if (name.startsWith('R'))
      return value === register || (/^(LDRD|STRD|LDREXD)/.test(draw.row.name) && value === register - 1);
    return /list/.test(name) && ((value >>> register) & 1) !== 0;
  });
}

/** `isItself` says that a draw is not another row's instruction. `count` cases of 3 to 6 instructions of one instruction set. */
export function generateSequences(
  rows: readonly Row[],
  options: { seed: number; count: number; isItself: (draw: Draw) => boolean },
): SequenceCase[] {
  const random = new Random(options.seed);
  const patterns = rows.filter(isSequenceRow).map((row) => parsePattern(row));
  return Array.from({ length: options.count }, () => new Sequence(patterns, random, options.isItself).build());
}

class Sequence {
  readonly #patterns: readonly Pattern[];
  readonly #random: Random;
  readonly #isa: Isa;
  readonly #code: number[] = [];
  readonly #parts: Part[] = [];
  readonly #draws: Draw[] = [];
  /** Offsets that a branch may lead to: not into an IT block. */
  readonly #places: number[] = [];
  /** Branches to encode when all places are known. */
  readonly #branches: { offset: number; kind: 'always' | 'condition' | 'loop' }[] = [];
  readonly #loop: boolean;
  readonly #isItself: (draw: Draw) => boolean;

  constructor(patterns: readonly Pattern[], random: Random, isItself: (draw: Draw) => boolean) {
    this.#patterns = patterns;
    this.#isItself = isItself;
    this.#random = random;
    this.#isa = patterns[0]!.row.isa === 'A32' ? 'A32' : 'T32';
    this.#loop = random.chance(0.35);
  }

  build(): SequenceCase {
    const random = this.#random;
    const branchBytes = this.#isa === 'A32' ? 4 : 2;
    const reserved = this.#loop ? 2 * branchBytes : 0;
    const wanted = 3 + random.below(4) - (this.#loop ? 2 : 0);
    for (let n = 0; n < Math.max(1, wanted); n++) {
      const room = MAX_CODE_BYTES - reserved - this.#code.length;
      if (room < 4) break;
      this.#places.push(this.#code.length);
      if (this.#isa === 'T32' && room >= 10 && random.chance(0.2)) this.#block(room);
      else if (!this.#loop && n > 0 && random.chance(0.2)) this.#branch(random.chance(0.3) ? 'always' : 'condition');
      else this.#plain(() => true);
    }
    const loop = this.#random.pick(this.#places);
    if (this.#loop) {
      this.#place('SUB (immediate)', this.#isa === 'A32' ? [0x01, 0xb0, 0x5b, 0xe2] : [0x01, 0x3f]);
      this.#branch('loop');
    }
    this.#places.push(this.#code.length);
    for (const branch of this.#branches) {
      // Few lead back, for most of these never end.
      const forward = this.#places.filter((place) => place > branch.offset);
      const place = random.pick(branch.kind === 'condition' && random.chance(0.1) ? this.#places : forward);
      this.#encode(branch, branch.kind === 'loop' ? loop : place);
    }
    return this.#finish();
  }

  #place(row: string, bytes: readonly number[]): void {
    this.#parts.push({ row, offset: this.#code.length, length: bytes.length });
    this.#code.push(...bytes);
  }

  #plain(keep: (row: Row) => boolean): void {
    for (;;) {
      const pattern = this.#random.pick(this.#patterns);
      if (!keep(pattern.row)) continue;
      const draw = drawInstruction(pattern, this.#random);
      if (!this.#isItself(draw) || !isPredictable(draw) || !isHarmless(draw, MODE.usr) || !isComparable(draw)) continue;
      if (this.#loop && names(draw, COUNTER[this.#isa])) continue;
      this.#draws.push(draw);
      this.#place(pattern.row.name, instructionBytes(pattern, draw.word));
      return;
    }
  }

  /** An IT block of one to four instructions, as far as there is room. */
  #block(room: number): void {
    const random = this.#random;
    const size = 1 + random.below(Math.min(4, (room - 2) >> 2));
    const condition = random.below(14);
    let mask = 1 << (4 - size);
    for (let n = 1; n < size; n++) mask |= ((condition & 1) ^ random.below(2)) << (4 - n);
    this.#place('IT', [(condition << 4) | mask, 0xbf]);
    for (let n = 1; n <= size; n++) this.#plain(({ it }) => it === 'any' || (it === 'last' && n === size));
  }

  #branch(kind: 'always' | 'condition' | 'loop'): void {
    this.#branches.push({ offset: this.#code.length, kind });
    this.#place('B', this.#isa === 'A32' ? [0, 0, 0, 0] : [0, 0]);
  }

  #encode({ offset, kind }: { offset: number; kind: 'always' | 'condition' | 'loop' }, target: number): void {
    const condition = kind === 'always' ? 14 : kind === 'loop' ? 1 : this.#random.below(14);
    if (this.#isa === 'A32') {
      const distance = (target - offset - 8) >> 2;
      const word = (condition << 28) | 0x0a00_0000 | (distance & 0xff_ffff);
      for (let n = 0; n < 4; n++) this.#code[offset + n] = (word >>> (8 * n)) & 0xff;
      return;
    }
    const distance = (target - offset - 4) >> 1;
    if (kind === 'condition' && distance >= 0 && this.#random.chance(0.3)) {
      // CBZ or CBNZ
      const halfword = 0xb100 | (this.#random.below(2) << 11) | (distance << 3) | this.#random.below(8);
      this.#code[offset] = halfword & 0xff;
      this.#code[offset + 1] = halfword >>> 8;
      return;
    }
    const halfword = condition === 14 ? 0xe000 | (distance & 0x7ff) : 0xd000 | (condition << 8) | (distance & 0xff);
    this.#code[offset] = halfword & 0xff;
    this.#code[offset + 1] = halfword >>> 8;
  }

  #finish(): SequenceCase {
    const random = this.#random;
    // A computed address could reach the runner's pages, which only privileged modes may.
    const mode = this.#draws.some(({ row }) => isMemoryRow(row)) ? MODE.usr : random.pick(drawModes(random));
    const state = drawState(this.#draws[0]!, mode, random);
    for (const draw of this.#draws.slice(1)) aimRegisters(draw, state.registers, random);
    if (this.#loop) state.registers[COUNTER[this.#isa]] = 1 + random.below(20);
    if (this.#isa === 'T32') {
      state.cpsr |= 0x20;
      // A branch to the code goes on in T32 state.
      for (let n = 0; n < 15; n++) if (state.registers[n]! >>> 12 === CODE_PAGE >>> 12) state.registers[n]! |= 1;
    }
    state.cpsr = effectiveCpsr(state.cpsr);
    const rows = this.#parts.map(({ row }) => row);
    return { isa: this.#isa, code: Uint8Array.from(this.#code), state, row: rows.join('; '), parts: this.#parts };
  }
}

/** Masks of sequences: those of the instruction that a data abort was taken from, and for sequences that never end. */
export function sequenceMask(single: MaskOf): MaskOf {
  return (testCase: TestCase, expected: TestResult): Mask | undefined => {
    if (expected.outcome === 'endless') return { why: 'a sequence that does not end', everything: true };
    if (expected.outcome !== 'data-abort') return single({ ...testCase, row: '' }, expected);
    const offset = expected.pc - (CODE_END - testCase.code.length);
    const part = (testCase as SequenceCase).parts.find((one) => one.offset === offset);
    if (part === undefined) return { why: 'an abort of an instruction that was jumped into', everything: true };
    const code = testCase.code.slice(part.offset, part.offset + part.length);
    return single({ ...testCase, code, row: part.row }, expected);
  };
}
