// SPDX-License-Identifier: Apache-2.0
// Draws fuzz cases from instruction rows. Fields are drawn by what their names mean in the manual (ARM DDI 0406C): a
// register that addresses memory gets an address in the window, destinations are seldom SP or PC, conditions are
// mostly AL. Same rows and same seed, same cases. What is UNPREDICTABLE it knows only from the rows.

import { FPEXC_EN, MEMORY_BYTES, MODE, RUNNER_PAGES, SCTLR_A } from './layout.js';
import { encode, instructionBytes, parsePattern, type Field, type Pattern, type Row } from './pattern.js';
import { Random } from './random.js';
import { effectiveCpsr, type TestCase, type TestState } from './test-case.js';
import { branchTarget, interestingDoubleword, interestingWord, savedStatus, windowAddress } from './values.js';

export type { Row } from './pattern.js';

/** An instruction that was drawn, before its state is. */
export interface Draw {
  readonly row: Row;
  readonly word: number;
  readonly fields: Readonly<Record<string, number>>;
}

export interface GenerateOptions {
  readonly seed: number;
  readonly count: number;
  /** Modes to run in; by default User mode half of the time, then System and Supervisor, the others seldom. */
  readonly modes?: readonly number[];
  /** Draws again while this is false; `isPredictable` and `isHarmless` unless given. A row never kept is an error. */
  readonly keep?: (draw: Draw, mode: number) => boolean;
  /** Share of cases in which the should-be bits are drawn at random (UNPREDICTABLE); 0 unless given. */
  readonly violateShouldBe?: number;
}

const PRIVILEGED_MODES = [MODE.sys, MODE.sys, MODE.sys, MODE.svc, MODE.svc, MODE.svc, MODE.fiq, MODE.irq, MODE.und];
const MAX_ATTEMPTS = 10_000;

/** `count` cases, the rows taken in turn. */
export function generate(rows: readonly Row[], options: GenerateOptions): TestCase[] {
  const random = new Random(options.seed);
  const usable = options.keep ? rows : rows.filter((row) => !WAITING_ROW.test(row.name));
  if (usable.length === 0) throw new RangeError('no rows to draw cases from');
  const patterns = usable.map((row) => parsePattern(row));
  const cases: TestCase[] = [];
  while (cases.length < options.count)
    cases.push(generateCase(patterns[cases.length % patterns.length]!, random, options));
  return cases;
}

function generateCase(pattern: Pattern, random: Random, options: GenerateOptions): TestCase {
  const keep = options.keep ?? ((draw, drawn) => isPredictable(draw) && isHarmless(draw, drawn));
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const mode = random.pick(options.modes ?? drawModes(random));
    const draw = drawInstruction(pattern, random, options.violateShouldBe);
    if (keep(draw, mode)) return finishCase(instructionBytes(pattern, draw.word), draw, mode, random);
  }
  throw new RangeError(`row ${pattern.row.name}: no instruction kept in ${MAX_ATTEMPTS} draws`);
}

/** Modes to pick one from. */
export function drawModes(random: Random): readonly number[] {
  return random.chance(0.5) ? [MODE.usr] : PRIVILEGED_MODES;
}

/** One instruction of the pattern, predictable or not. */
export function drawInstruction(pattern: Pattern, random: Random, violateShouldBe = 0): Draw {
  const values = pattern.fields.map((field) => drawField(field, pattern, random));
  evenRegisters(pattern, values, random);
  let word = encode(pattern, values);
  if (random.chance(violateShouldBe)) word = (word ^ (random.word() & pattern.shouldBeMask)) >>> 0;
  const fields = Object.fromEntries(pattern.fields.map(({ name }, index) => [name, values[index]!]));
  return { row: pattern.row, word, fields };
}

/** The draw is its row's instruction, and the row does not call it UNPREDICTABLE. */
export function isPredictable({ row, fields }: Draw): boolean {
  return row.where?.(fields) !== false && row.unpredictable?.(fields) !== true;
}

/**
 * False for what would take the runner itself apart: privileged writes to CP14 and CP15, and waiting for interrupts.
 * A caller's own `keep` should ask this one too.
 */
export function isHarmless({ row: { name } }: Draw, mode: number): boolean {
  if (mode !== MODE.usr && /^(MCR|MCRR|LDC|STC|CDP)/.test(name)) return false;
  return !WAITING_ROW.test(name);
}

const WAITING_ROW = /^(WFI|WFE)/;
const MEMORY_ROW = /^(LD|ST|PLD|PLI|PUSH|POP|VLD|VST|VPUSH|VPOP|SWP|TBB|TBH|RFE|SRS)/;
/** The row reaches memory, or could. */
export function isMemoryRow({ name }: Row): boolean {
  return MEMORY_ROW.test(name);
}

const BRANCH_ROW = /^(BX|BLX|BXJ)/;
const DESTINATION = /^(Rd|Rdn|Rt|Rt2|RdLo|RdHi|Rdm)$/;
/** Rows that may not stand in an IT block, or only in ways that are UNPREDICTABLE. */
const NO_IT_ROW = /^(IT|CBZ|CBNZ|CPS|SETEND|B$|B_|B \(|BKPT|HLT|HVC|SRS|RFE|UDF)/;

function drawField({ name, width }: Field, pattern: Pattern, random: Random): number {
  const limit = 2 ** width;
  if (name === 'cond' && width === 4) return drawCondition(pattern.row, random);
  if (name === 'register_list' || name === 'registers' || name === 'reglist') return drawList(width, random);
  if (/^R[a-z]/.test(name) && width === 4) return drawRegister(DESTINATION.test(name), random);
  if (name.startsWith('imm') && MEMORY_ROW.test(pattern.row.name) && width >= 7 && random.chance(0.6))
    return random.below(64);
  if (name.startsWith('imm') && random.chance(0.4))
    return random.pick(
      [0, 1, 2, limit - 1, limit - 2, limit / 2, limit / 2 - 1].filter((value) => value >= 0 && value < limit),
    );
  return random.below(limit);
}

/** In T32 a condition is a branch's; 14 and 15 are then other instructions. */
function drawCondition(row: Row, random: Random): number {
  if (row.isa !== 'A32') return random.below(14);
  return random.chance(0.85) ? 14 : random.below(15);
}

/** Makes registers even where an odd one is mostly UNDEFINED or UNPREDICTABLE: quadwords, and pairs in A32. */
function evenRegisters(pattern: Pattern, values: number[], random: Random): void {
  if (random.chance(0.05)) return;
  const at = (name: string): number => pattern.fields.findIndex((field) => field.name === name);
  const isQuad = at('Q') >= 0 && values[at('Q')] === 1;
  if (isQuad) for (const name of ['Vd', 'Vn', 'Vm']) if (at(name) >= 0) values[at(name)]! &= 14;
  if (pattern.row.isa === 'A32' && /^(LDRD|STRD|LDREXD|STREXD)/.test(pattern.row.name))
    if (at('Rt') >= 0) values[at('Rt')]! &= 14;
}

function drawRegister(isDestination: boolean, random: Random): number {
  if (random.chance(isDestination ? 0.94 : 0.86)) return random.below(13);
  return isDestination ? random.pick([13, 14, 14, 15]) : random.pick([13, 13, 14, 14, 14, 15]);
}

function drawList(width: number, random: Random): number {
  let list = random.word() & (2 ** width - 1);
  if (random.chance(0.5)) list &= random.word();
  if (width === 16) {
    if (random.chance(0.85)) list &= 0x7fff;
    if (random.chance(0.85)) list &= 0xdfff;
  }
  return list === 0 && random.chance(0.95) ? 1 << random.below(width > 13 ? 13 : width) : list;
}

/** A case of this one instruction, which may get an IT instruction before it. */
export function finishCase(code: number[], draw: Draw, mode: number, random: Random): TestCase {
  const { row } = draw;
  const isa = row.isa === 'A32' ? 'A32' : 'T32';
  const state = drawState(draw, mode, random);
  if (isa === 'T32') {
    state.cpsr |= 0x20;
    if (row.it !== 'never' && !NO_IT_ROW.test(row.name) && random.chance(0.15)) {
      const condition = random.below(15);
      if (random.chance(0.5)) {
        code.unshift(8 | (condition << 4), 0xbf); // IT <condition>
      } else {
        // ITSTATE of a block's last instruction: IT[7:4] is the condition, IT[3:0] 1000.
        state.cpsr |= (condition << 12) | 0x800;
      }
    }
    // A no-operation after the instruction moves it to the other alignment.
    if (random.chance(0.3)) code.push(0x00, 0xbf);
  }
  state.cpsr = effectiveCpsr(state.cpsr);
  return { isa, code: Uint8Array.from(code), state, row: row.name };
}

/** Gives the registers that a branch or a memory access names somewhere to lead to. */
export function aimRegisters({ row, fields }: Draw, registers: Uint32Array, random: Random): void {
  const branches = BRANCH_ROW.test(row.name);
  const named = (name: string, value: number): void => {
    const register = fields[name];
    if (register !== undefined && register < 15) registers[register] = value;
  };
  if (branches || random.chance(0.1)) named('Rm', branchTarget(random));
  if (!MEMORY_ROW.test(row.name)) return;
  if (random.chance(0.9)) named('Rm', (random.below(129) - (random.chance(0.5) ? 64 : 0)) >>> random.below(4));
  if (random.chance(0.95)) named('Rn', windowAddress(random));
  if (fields['Rn'] === undefined || random.chance(0.5)) registers[13] = windowAddress(random);
  for (let n = 0; n < 15; n++) if (isRunnerAddress(registers[n]!)) registers[n] = windowAddress(random);
}

export function drawState(draw: Draw, mode: number, random: Random): TestState {
  const isMemory = MEMORY_ROW.test(draw.row.name);
  const registers = Uint32Array.from({ length: 15 }, () => interestingWord(random));
  aimRegisters(draw, registers, random);
  const d = new Uint32Array(64);
  for (let n = 0; n < 64; n += 2) d.set(interestingDoubleword(random), n);
  // Flags, then cumulative flags, rounding mode, flush-to-zero, default NaN, QC; length and stride stay 0.
  let fpscr = random.word() & 0xf0000000;
  if (random.chance(0.5)) fpscr |= random.word() & 0x0800009f;
  if (random.chance(0.5)) fpscr |= random.word() & 0x03c00000;
  const memory = new Uint8Array(MEMORY_BYTES);
  const memoryWords = new Uint32Array(memory.buffer);
  for (let n = 0; n < memoryWords.length; n++)
    memoryWords[n] = random.chance(0.5) ? random.word() : interestingWord(random);
  let cpsr = mode | (random.below(32) << 27) | (random.below(16) << 16);
  if (random.chance(0.03)) cpsr |= 0x200;
  return {
    registers,
    cpsr: cpsr >>> 0,
    spsr: savedStatus(random),
    d,
    fpscr: fpscr >>> 0,
    fpexc: random.chance(0.98) ? FPEXC_EN : 0,
    sctlrToggle: isMemory && random.chance(0.1) ? SCTLR_A : 0,
    memory,
  };
}

/** Addresses from which a small offset could reach the runner's own pages in a privileged mode. */
function isRunnerAddress(address: number): boolean {
  return address >= RUNNER_PAGES.address - 0x2000 && address < RUNNER_PAGES.address + 0x4000;
}
