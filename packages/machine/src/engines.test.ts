// SPDX-License-Identifier: Apache-2.0
// Random programs with loops, faults, stores into their own code and mode changes run on every engine; state and count
// must be equal at every stop. PLINTH_PROGRAMS and PLINTH_SEED change how many, and which.
import { CPU, type Row, ROWS } from '@plinth/arm';
import { expect, it } from 'vitest';
import { assemble, type Instruction } from './testing/assemble.js';
import { CODE, CpuTest, DATA, EngineUnderTest, ENGINES, RAM, TABLES, VECTORS } from './testing/contract.js';
import { b, mov32, movReg, movsPcLr, NE, subs, subsPcLr, t16, t32 } from './testing/mnemonics.js';
import { PageTables } from './testing/page-tables.js';

const PROGRAMS = Number(process.env['PLINTH_PROGRAMS'] ?? 60);
const SEED = Number(process.env['PLINTH_SEED'] ?? 1);
/** Where states are compared: in the first round and in the midst. */
const STOPS = [7, 90, 701, 2500];
/** Of one program in so many also when its loop has become hot. */
const HOT_EVERY = 11;
const HOT_STOPS = [2_500_000, 2_500_013];

/** xorshift32. */
function randomSource(seed: number): (below: number) => number {
  let x = (seed * 0x9e3779b1) | 1;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}

const rowsOf = (thumb: boolean): readonly Row[] =>
  ROWS.filter((row) => (row.isa === 'A32') !== thumb && !['WFI', 'HVC', 'SMC'].includes(row.name));

/** A random instruction; registers are low ones mostly, so that values meet, and r11 as a base points to data. */
function instruction(random: (below: number) => number, rows: readonly Row[]): Instruction {
  const row = rows[random(rows.length)]!;
  if (row.kind === 'system' && random(4) !== 0) return instruction(random, rows);
  const fields: Record<string, number> = {};
  const memory = /^(V?LD|V?ST|PUSH|POP|SWP|TB)/.test(row.name);
  for (const { name, width } of row.fields) {
    let value = random(2 ** width);
    if (name.startsWith('R') && width === 4 && random(8) !== 0) value = random(8);
    if (name === 'Rn' && width === 4 && memory && random(8) !== 0) value = 11;
    if (name === 'cond' && row.isa === 'A32' && random(2) === 0) value = 14;
    // Branches stay near.
    if (name === 'imm24') value = (random(12) - 4) & 0xffffff;
    if (row.isa !== 'A32' && (name === 'imm11' || name === 'imm10') && row.kind !== 'plain') value = random(16);
    fields[name] = value;
  }
  return assemble(row.name, fields, row.isa);
}

function program(test: CpuTest, seed: number): CpuTest {
  const random = randomSource(seed);
  const thumb = seed % 2 === 1;
  const rows = rowsOf(thumb);
  const body: Instruction[] = [];
  for (let i = 0; i < 10 + random(30); i++) {
    // Where stores go: data, the border of two pages, or now and then the program itself.
    const base = [DATA + 0x800, DATA + 0xffc, DATA + 0x7fe, random(6) === 0 ? CODE : DATA + 0x400][random(4)]!;
    if (random(3) === 0) {
      const half = (name: string, bits: number): Instruction =>
        t32(name, { Rd: 11, imm4: bits >>> 12, i: (bits >>> 11) & 1, imm3: (bits >>> 8) & 7, imm8: bits & 0xff });
      body.push(...(thumb ? [half('MOVW', base & 0xffff), half('MOVT', base >>> 16)] : mov32(11, base)));
    }
    body.push(instruction(random, rows));
  }
  const size = body.reduce((sum, { bytes }) => sum + bytes.length, 0);
  // r12 counts the rounds.
  const end: Instruction[] = thumb
    ? [t32('SUB (immediate)', { S: 1, Rd: 12, Rn: 12, imm8: 1 }), t16('B T2', { imm11: ((-size - 8) >> 1) & 0x7ff })]
    : [subs(12, 12, 1), b(-size - 4, NE), b(-size - 8)];
  const registers = Object.fromEntries(
    Array.from({ length: 11 }, (_, n) => [`r${n}`, (random(2 ** 32) >>> 0) >>> random(32)]),
  );
  if (thumb) test.thumb();
  return (
    test
      .code([...body, ...end])
      .regs({ ...registers, r11: DATA + 0x800, r12: 1000, sp: DATA + 0xc00 })
      .memory(
        DATA,
        Array.from({ length: 0x1000 }, () => random(256)),
      )
      .code([movsPcLr()], VECTORS + 4)
      .code([movsPcLr()], VECTORS + 8)
      .code([b(0x40)], VECTORS + 12)
      .code([subsPcLr(4)], VECTORS + 16)
      // A fetch that aborted: back to the program's begin, in the state that it had.
      .code([...mov32(14, CODE), movReg(13, 14), movsPcLr()], VECTORS + 12 + 0x40)
      .system({ CPACR: 0xf << 20 })
      .mmu(new PageTables(TABLES).section(RAM, RAM).page(0x2000_0000, DATA))
  );
}

const engines = ENGINES.map((kind) => new EngineUnderTest(kind));

it(`${PROGRAMS} random programs from seed ${SEED} run alike on all engines`, { timeout: 600_000 }, () => {
  for (let seed = SEED; seed < SEED + PROGRAMS; seed++) {
    const seen = engines.map((engine) => {
      const test = program(new CpuTest(engine.shared), seed).start();
      test.state.set(CPU.fpexc, 0x4000_0000);
      test.machine.cpu.system.updateFloatingPointAccess();
      const { machine } = test;
      const { count } = machine;
      const states: string[] = [];
      for (const stop of seed % HOT_EVERY === 0 ? [...STOPS, ...HOT_STOPS] : STOPS) {
        const reason = machine.run({ until: count + stop });
        states.push(
          `${reason.kind} ${machine.count - count} pc ${(test.pc >>> 0).toString(16)} ${machine.stateHash()}`,
        );
      }
      return states;
    });
    for (const states of seen.slice(1)) expect([seed, ...states]).toEqual([seed, ...seen[0]!]);
  }
});
