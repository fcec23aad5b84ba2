// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { CODE, cpu, describeEngines } from '../testing/contract.js';
import { a32, add, mov, nop, t16, t32 } from '../testing/mnemonics.js';

const LSL = 0;
const LSR = 1;
const ASR = 2;
const ROR = 3;

describeEngines('shifter operands', (engine) => {
  // [type, imm5, Rm, C in] -> [result, C out]: A8.4.3 and table A8-3.
  const byImmediate: readonly [string, number, number, number, boolean, number, boolean][] = [
    ['lsl #0 keeps C', LSL, 0, 0x8000_0001, true, 0x8000_0001, true],
    ['lsl #1', LSL, 1, 0x8000_0001, false, 2, true],
    ['lsl #31', LSL, 31, 3, false, 0x8000_0000, true],
    ['lsr #1', LSR, 1, 3, false, 1, true],
    ['lsr #32', LSR, 0, 0x8000_0000, false, 0, true],
    ['asr #4', ASR, 4, 0x8000_0008, false, 0xf800_0000, true],
    ['asr #32, negative', ASR, 0, 0x8000_0000, false, 0xffff_ffff, true],
    ['asr #32, positive', ASR, 0, 0x7fff_ffff, true, 0, false],
    ['ror #8', ROR, 8, 0x1234_5680, false, 0x8012_3456, true],
    ['rrx, C set', ROR, 0, 2, true, 0x8000_0001, false],
    ['rrx, C clear', ROR, 0, 3, false, 1, true],
  ];
  it.each(byImmediate)('%s', (_, type, imm5, rm, carry, result, carryOut) => {
    cpu(engine)
      .code([a32('MOV (register)', { S: 1, Rd: 0, Rm: 1, type, imm5 })])
      .regs({ r1: rm })
      .flags(carry ? 'nzCV' : 'nzcV')
      .steps(1)
      .expectRegs({ r0: result })
      .expectFlags(`${result >>> 31 ? 'N' : 'n'}${result === 0 ? 'Z' : 'z'}${carryOut ? 'C' : 'c'}V`);
  });

  const byRegister: readonly [string, number, number, number, boolean, number, boolean][] = [
    ['lsl by 0 keeps C', LSL, 0x100, 5, true, 5, true],
    ['lsl by 31', LSL, 31, 3, false, 0x8000_0000, true],
    ['lsl by 32', LSL, 32, 1, false, 0, true],
    ['lsl by 33', LSL, 33, 0xffff_ffff, true, 0, false],
    ['lsl by 255', LSL, 255, 0xffff_ffff, true, 0, false],
    ['lsr by 32', LSR, 32, 0x8000_0000, false, 0, true],
    ['lsr by 33', LSR, 33, 0xffff_ffff, true, 0, false],
    ['asr by 32', ASR, 32, 0x8000_0000, false, 0xffff_ffff, true],
    ['asr by 200', ASR, 200, 0x4000_0000, true, 0, false],
    ['ror by 0 keeps C', ROR, 0, 0x8000_0000, false, 0x8000_0000, false],
    ['ror by 32', ROR, 32, 0x8000_0000, false, 0x8000_0000, true],
    ['ror by 36', ROR, 36, 0x1f, false, 0xf000_0001, true],
  ];
  it.each(byRegister)('%s', (_, type, rs, rm, carry, result, carryOut) => {
    cpu(engine)
      .code([a32('MOV (register-shifted register)', { S: 1, Rd: 0, Rm: 1, Rs: 2, type })])
      .regs({ r1: rm, r2: rs })
      .flags(carry ? 'C' : '')
      .steps(1)
      .expectRegs({ r0: result })
      .expectFlags(`${result >>> 31 ? 'N' : 'n'}${result === 0 ? 'Z' : 'z'}${carryOut ? 'C' : 'c'}v`);
  });

  it('takes the carry of a rotated immediate from its top bit', () => {
    const movs = (imm12: number) => a32('MOV (immediate)', { S: 1, Rd: 0, imm12 });
    cpu(engine)
      .code([movs(0x4ff)])
      .steps(1)
      .expectRegs({ r0: 0xff00_0000 })
      .expectFlags('NzCv');
    cpu(engine)
      .code([movs(0xf01)])
      .flags('C')
      .steps(1)
      .expectRegs({ r0: 4 })
      .expectFlags('nzcv');
    cpu(engine)
      .code([movs(0x001)])
      .flags('C')
      .steps(1)
      .expectRegs({ r0: 1 })
      .expectFlags('nzCv');
  });

  it('expands T32 modified immediates', () => {
    const movs = (i: number, imm3: number, imm8: number) => t32('MOV (immediate)', { S: 1, i, imm3, imm8, Rd: 0 });
    const run = (word: ReturnType<typeof movs>) => cpu(engine).thumb().code([word]).flags('C').steps(1);
    run(movs(0, 0, 0xab))
      .expectRegs({ r0: 0xab })
      .expectFlags('nzCv');
    run(movs(0, 1, 0xab))
      .expectRegs({ r0: 0x00ab_00ab })
      .expectFlags('nzCv');
    run(movs(0, 2, 0xab))
      .expectRegs({ r0: 0xab00_ab00 })
      .expectFlags('NzCv');
    run(movs(0, 3, 0xab))
      .expectRegs({ r0: 0xabab_abab })
      .expectFlags('NzCv');
    run(movs(0, 4, 0x2b))
      .expectRegs({ r0: 0xab00_0000 })
      .expectFlags('NzCv');
    run(movs(1, 7, 0xff))
      .expectRegs({ r0: 0x1fe })
      .expectFlags('nzcv');
  });
});

describeEngines('arithmetic and its flags', (engine) => {
  const op = (name: string) => a32(`${name} (register)`, { S: 1, Rd: 0, Rn: 1, Rm: 2 });
  const cases: readonly [string, number, number, string, number, string][] = [
    ['ADD', 0x7fff_ffff, 1, '', 0x8000_0000, 'NzcV'],
    ['ADD', 0xffff_ffff, 1, '', 0, 'nZCv'],
    ['ADD', 0x8000_0000, 0x8000_0000, '', 0, 'nZCV'],
    ['ADC', 0xffff_ffff, 0xffff_ffff, 'C', 0xffff_ffff, 'NzCv'],
    ['ADC', 0xffff_ffff, 0, 'C', 0, 'nZCv'],
    ['ADC', 0x7fff_ffff, 0, 'C', 0x8000_0000, 'NzcV'],
    ['ADC', 1, 2, 'c', 3, 'nzcv'],
    ['SUB', 0, 0, '', 0, 'nZCv'],
    ['SUB', 0, 1, '', 0xffff_ffff, 'Nzcv'],
    ['SUB', 0x8000_0000, 1, '', 0x7fff_ffff, 'nzCV'],
    ['SUB', 0, 0x8000_0000, '', 0x8000_0000, 'NzcV'],
    ['SBC', 0, 0, 'c', 0xffff_ffff, 'Nzcv'],
    ['SBC', 0, 0, 'C', 0, 'nZCv'],
    ['SBC', 0, 0xffff_ffff, 'c', 0, 'nZcv'],
    ['SBC', 0x8000_0000, 0, 'c', 0x7fff_ffff, 'nzCV'],
    ['RSB', 1, 0, '', 0xffff_ffff, 'Nzcv'],
    ['RSC', 0, 0, 'c', 0xffff_ffff, 'Nzcv'],
    ['AND', 0xf0, 0x0f, 'CV', 0, 'nZCV'],
    ['EOR', 0xff, 0x8000_00ff, 'CV', 0x8000_0000, 'NzCV'],
    ['ORR', 0xf0, 0x0f, 'c', 0xff, 'nzcv'],
    ['BIC', 0xff, 0x0f, 'c', 0xf0, 'nzcv'],
    ['MVN', 0, 0, 'C', 0xffff_ffff, 'NzCv'],
  ];
  it.each(cases)('%sS of %i and %i with %s', (name, r1, r2, flags, r0, after) => {
    const instruction = name === 'MVN' ? a32('MVN (register)', { S: 1, Rd: 0, Rm: 2 }) : op(name);
    cpu(engine).code([instruction]).regs({ r1, r2 }).flags(flags).steps(1).expectRegs({ r0 }).expectFlags(after);
  });

  it('compares and tests without a result', () => {
    const run = (name: string, r1: number, r2: number) =>
      cpu(engine)
        .code([a32(`${name} (register)`, { Rn: 1, Rm: 2 })])
        .regs({ r0: 77, r1, r2 })
        .flags('C')
        .steps(1)
        .expectRegs({ r0: 77, r1, r2 });
    run('CMP', 5, 5).expectFlags('nZCv');
    run('CMP', 5, 6).expectFlags('Nzcv');
    run('CMN', 1, 0xffff_ffff).expectFlags('nZCv');
    run('TST', 1, 2).expectFlags('nZCv');
    run('TEQ', 0x8000_0000, 0).expectFlags('NzCv');
  });

  it('leaves the flags alone without S', () => {
    cpu(engine)
      .code([add(0, 0, 1)])
      .regs({ r0: 0xffff_ffff })
      .flags('NzcV')
      .steps(1)
      .expectFlags('NzcV');
  });
});

describeEngines('the PC as operand and result', (engine) => {
  it('reads 8 ahead in A32 and 4 ahead in T32', () => {
    cpu(engine)
      .code([nop(), add(0, 15, 0)])
      .steps(2)
      .expectRegs({ r0: CODE + 12 });
    cpu(engine)
      .thumb()
      .code([t16('NOP'), t16('MOV (register) T1', { D: 0, Rd: 0, Rm: 15 })])
      .steps(2)
      .expectRegs({ r0: CODE + 6 });
  });

  it('word-aligns the PC for ADR and literal loads in T32', () => {
    cpu(engine)
      .thumb()
      .words(CODE + 8, 0x1234_5678)
      .code([t16('NOP'), t16('ADR', { Rd: 0, imm8: 1 }), t16('NOP'), t16('LDR (literal)', { Rt: 1, imm8: 0 })])
      .steps(4)
      .expectRegs({ r0: CODE + 8, r1: 0x1234_5678 });
  });

  it('branches when an A32 instruction writes the PC, into T32 if bit 0 says so', () => {
    const jump = a32('MOV (register)', { Rd: 15, Rm: 0 });
    cpu(engine)
      .code([jump])
      .regs({ r0: CODE + 0x100 })
      .steps(1)
      .expectPc(CODE + 0x100)
      .expectThumb(false);
    cpu(engine)
      .code([jump])
      .regs({ r0: CODE + 0x101 })
      .steps(1)
      .expectPc(CODE + 0x100)
      .expectThumb(true);
    cpu(engine)
      .code([a32('ADD (register)', { Rd: 15, Rn: 15, Rm: 0, type: LSL, imm5: 2 })])
      .regs({ r0: 3 })
      .steps(1)
      .expectPc(CODE + 20);
  });

  it('stays in T32 when a T32 instruction other than BX writes the PC', () => {
    cpu(engine)
      .thumb()
      .code([t16('MOV (register) T1', { D: 1, Rd: 7, Rm: 0 })])
      .regs({ r0: CODE + 0x100 })
      .steps(1)
      .expectPc(CODE + 0x100)
      .expectThumb(true);
  });
});

describeEngines('conditions', (engine) => {
  // For each condition, whether it holds for NZCV = 0 to 15.
  const holds: readonly ((n: boolean, z: boolean, c: boolean, v: boolean) => boolean)[] = [
    (_n, z) => z,
    (_n, z) => !z,
    (_n, _z, c) => c,
    (_n, _z, c) => !c,
    (n) => n,
    (n) => !n,
    (_n, _z, _c, v) => v,
    (_n, _z, _c, v) => !v,
    (_n, z, c) => c && !z,
    (_n, z, c) => !c || z,
    (n, _z, _c, v) => n === v,
    (n, _z, _c, v) => n !== v,
    (n, z, _c, v) => !z && n === v,
    (n, z, _c, v) => z || n !== v,
    () => true,
  ];
  const flagsText = (nzcv: number): string =>
    [...'nzcv'].map((letter, i) => ((nzcv >> (3 - i)) & 1 ? letter.toUpperCase() : letter)).join('');

  it.each(holds.map((_, cond) => cond))('condition %i, A32', (cond) => {
    for (let nzcv = 0; nzcv < 16; nzcv++) {
      const [n, z, c, v] = [8, 4, 2, 1].map((bit) => (nzcv & bit) !== 0) as [boolean, boolean, boolean, boolean];
      cpu(engine)
        .code([a32('MOV (immediate)', { cond, Rd: 0, imm12: 1 }), mov(1, 1)])
        .flags(flagsText(nzcv))
        .steps(2)
        .expectRegs({ r0: Number(holds[cond]!(n, z, c, v)), r1: 1 })
        .expectFlags(flagsText(nzcv));
    }
  });

  it.each(holds.map((_, cond) => cond).filter((cond) => cond < 14))('condition %i, T32 branch', (cond) => {
    for (let nzcv = 0; nzcv < 16; nzcv++) {
      const [n, z, c, v] = [8, 4, 2, 1].map((bit) => (nzcv & bit) !== 0) as [boolean, boolean, boolean, boolean];
      const taken = holds[cond]!(n, z, c, v);
      cpu(engine)
        .thumb()
        .code([t16('B T1', { cond, imm8: 6 })])
        .flags(flagsText(nzcv))
        .steps(1)
        .expectPc(CODE + (taken ? 16 : 2));
    }
  });
});

describeEngines('branches', (engine) => {
  it('links and comes back', () => {
    cpu(engine)
      .code([a32('BL (immediate)', { imm24: 2 }), mov(1, 1), nop(), nop(), a32('BX', { Rm: 14 })])
      .steps(3)
      .expectRegs({ lr: CODE + 4, r1: 1 })
      .expectPc(CODE + 8);
  });

  it('goes backwards', () => {
    cpu(engine)
      .at(CODE + 8)
      .code([mov(0, 1), nop(), a32('B', { imm24: 0xff_fffc })])
      .steps(2)
      .expectRegs({ r0: 1 })
      .expectPc(CODE + 4);
  });

  it('changes state by BX, BLX and loads of the PC', () => {
    cpu(engine)
      .code([a32('BX', { Rm: 0 })])
      .regs({ r0: CODE + 0x41 })
      .steps(1)
      .expectPc(CODE + 0x40)
      .expectThumb(true);
    cpu(engine)
      .code([a32('BLX (immediate)', { H: 1, imm24: 1 })])
      .steps(1)
      .expectPc(CODE + 14)
      .expectThumb(true)
      .expectRegs({ lr: CODE + 4 });
    cpu(engine)
      .thumb()
      .code([t16('NOP'), t32('BLX (immediate)', { J1: 1, J2: 1, imm11: 4 })])
      .steps(2)
      .expectPc(CODE + 12)
      .expectThumb(false)
      .expectRegs({ lr: CODE + 7 });
    cpu(engine)
      .thumb()
      .code([t16('BLX (register)', { Rm: 14 })])
      .regs({ lr: CODE + 0x20 })
      .steps(1)
      .expectPc(CODE + 0x20)
      .expectThumb(false)
      .expectRegs({ lr: CODE + 3 });
    cpu(engine)
      .words(CODE + 0x80, CODE + 0x101)
      .code([a32('LDR (literal)', { U: 1, Rt: 15, imm12: 0x78 })])
      .steps(1)
      .expectPc(CODE + 0x100)
      .expectThumb(true);
  });

  it('branches through tables', () => {
    const run = (H: number, index: number) =>
      cpu(engine)
        .thumb()
        .code([t32('TBB, TBH', { Rn: 15, H, Rm: 0 })])
        .memory(CODE + 4, [3, 5, 7, 0])
        .regs({ r0: index })
        .steps(1);
    run(0, 1).expectPc(CODE + 4 + 10);
    run(1, 1).expectPc(CODE + 4 + 14);
  });

  it('compares with zero', () => {
    const cbz = (name: string, r0: number) =>
      cpu(engine)
        .thumb()
        .code([t16(name, { Rn: 0, imm5: 5 })])
        .regs({ r0 })
        .flags('NzCv')
        .steps(1)
        .expectFlags('NzCv');
    cbz('CBZ', 0).expectPc(CODE + 14);
    cbz('CBZ', 1).expectPc(CODE + 2);
    cbz('CBNZ', 0).expectPc(CODE + 2);
    cbz('CBNZ', 1).expectPc(CODE + 14);
  });

  it('counts a taken branch to itself as one instruction each time', () => {
    const test = cpu(engine).code([a32('B', { imm24: 0xff_fffe })]);
    const before = test.machine.count;
    test.steps(1000).expectPc(CODE);
    expect(test.machine.count - before).toBe(1000);
  });
});
