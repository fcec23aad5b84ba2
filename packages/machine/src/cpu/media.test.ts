// SPDX-License-Identifier: Apache-2.0
import { it } from 'vitest';
import { cpu, describeEngines } from '../testing/contract.js';
import { a32, t32 } from '../testing/mnemonics.js';

describeEngines('multiplication and division', (engine) => {
  it('multiplies, accumulates and subtracts', () => {
    cpu(engine)
      .code([
        a32('MUL', { S: 1, Rd: 0, Rn: 1, Rm: 2 }),
        a32('MLA', { Rd: 4, Rn: 1, Rm: 2, Ra: 3 }),
        a32('MLS', { Rd: 5, Rn: 1, Rm: 2, Ra: 3 }),
      ])
      .regs({ r1: 0xffff_fffe, r2: 3, r3: 100 })
      .flags('CV')
      .steps(3)
      .expectRegs({ r0: 0xffff_fffa, r4: 94, r5: 106 })
      .expectFlags('NzCV');
  });

  it('makes 64-bit products', () => {
    const long = (name: string, fields = {}) => a32(name, { RdLo: 2, RdHi: 3, Rn: 0, Rm: 1, ...fields });
    const run = (name: string, fields = {}) =>
      cpu(engine)
        .code([long(name, fields)])
        .regs({ r0: 0xffff_ffff, r1: 0xffff_fffe, r2: 5, r3: 7 })
        .steps(1);
    run('UMULL').expectRegs({ r2: 2, r3: 0xffff_fffd });
    run('SMULL', { S: 1 }).expectRegs({ r2: 2, r3: 0 }).expectFlags('nzcv');
    run('UMLAL').expectRegs({ r2: 7, r3: 4 });
    run('SMLAL').expectRegs({ r2: 7, r3: 7 });
    run('UMAAL').expectRegs({ r2: 0xe, r3: 0xffff_fffd });
  });

  it('divides towards zero, and by zero to zero', () => {
    const run = (name: string, r1: number, r2: number) =>
      cpu(engine)
        .code([a32(name, { Rd: 0, Rn: 1, Rm: 2 })])
        .regs({ r1, r2 })
        .steps(1);
    run('SDIV', -7 >>> 0, 2).expectRegs({ r0: -3 });
    run('UDIV', 0xffff_fff9, 2).expectRegs({ r0: 0x7fff_fffc });
    run('SDIV', 0x8000_0000, 0xffff_ffff).expectRegs({ r0: 0x8000_0000 });
    run('SDIV', 5, 0).expectRegs({ r0: 0 });
    run('UDIV', 5, 0).expectRegs({ r0: 0 });
  });

  it('multiplies halves and sets Q when the sum overflows', () => {
    cpu(engine)
      .code([
        a32('SMULxy', { Rd: 0, Rn: 1, Rm: 2, M: 1, N: 0 }),
        a32('SMLAxy', { Rd: 3, Rn: 1, Rm: 2, Ra: 4, M: 0, N: 1 }),
      ])
      .regs({ r1: 0x4000_fffe, r2: 0x0003_4000, r4: 0x7fff_ffff })
      .steps(1)
      .expectRegs({ r0: -6 })
      .expectFlags('nzcvq')
      .steps(1)
      .expectRegs({ r3: 0x8fff_ffff })
      .expectFlags('nzcvQ');
    cpu(engine)
      .code([a32('SMLAD', { Rd: 0, Rn: 1, Rm: 2, Ra: 3 }), a32('SMUSD', { Rd: 4, Rn: 1, Rm: 2 })])
      .regs({ r1: 0x0002_0003, r2: 0x0005_0007, r3: 1 })
      .steps(2)
      .expectRegs({ r0: 32, r4: 11 });
    cpu(engine)
      .code([a32('SMMUL', { Rd: 0, Rn: 1, Rm: 2 }), a32('SMMUL', { Rd: 3, Rn: 1, Rm: 2, R: 1 })])
      .regs({ r1: 0x4000_0000, r2: 6 })
      .steps(2)
      .expectRegs({ r0: 1, r3: 2 });
  });
});

describeEngines('saturation', (engine) => {
  it('saturates sums and differences and sets Q, which stays', () => {
    cpu(engine)
      .code([
        a32('QADD', { Rd: 0, Rm: 1, Rn: 2 }),
        a32('QSUB', { Rd: 3, Rm: 4, Rn: 2 }),
        a32('QADD', { Rd: 5, Rm: 2, Rn: 2 }),
        a32('QDADD', { Rd: 6, Rm: 2, Rn: 1 }),
      ])
      .regs({ r1: 0x7fff_ffff, r2: 1, r4: 0x8000_0000 })
      .steps(1)
      .expectRegs({ r0: 0x7fff_ffff })
      .expectFlags('nzcvQ')
      .steps(3)
      .expectRegs({ r3: 0x8000_0000, r5: 2, r6: 0x7fff_ffff })
      .expectFlags('nzcvQ');
  });

  it('saturates to a width', () => {
    const ssat = (r1: number) =>
      cpu(engine)
        .code([a32('SSAT', { Rd: 0, Rn: 1, sat_imm: 7 })])
        .regs({ r1 })
        .steps(1);
    ssat(127).expectRegs({ r0: 127 }).expectFlags('nzcvq');
    ssat(128).expectRegs({ r0: 127 }).expectFlags('nzcvQ');
    ssat(-129 >>> 0)
      .expectRegs({ r0: -128 })
      .expectFlags('nzcvQ');
    const usat = (r1: number) =>
      cpu(engine)
        .code([a32('USAT', { Rd: 0, Rn: 1, sat_imm: 8, imm5: 1, sh: 0 })])
        .regs({ r1 })
        .steps(1);
    usat(127).expectRegs({ r0: 254 }).expectFlags('nzcvq');
    usat(128).expectRegs({ r0: 255 }).expectFlags('nzcvQ');
    usat(-1 >>> 0)
      .expectRegs({ r0: 0 })
      .expectFlags('nzcvQ');
    cpu(engine)
      .code([a32('USAT16', { Rd: 0, Rn: 1, sat_imm: 8 })])
      .regs({ r1: 0xffff_0180 })
      .steps(1)
      .expectRegs({ r0: 0xff })
      .expectFlags('nzcvQ');
  });
});

describeEngines('parallel operations', (engine) => {
  const run = (name: string, r1: number, r2: number) =>
    cpu(engine)
      .code([a32(name, { Rd: 0, Rn: 1, Rm: 2 })])
      .regs({ r1, r2 })
      .steps(1);

  it('adds and subtracts lanes and sets GE', () => {
    run('UADD8', 0xff01_80ff, 0x0101_8000).expectRegs({ r0: 0x0002_00ff }).expectGe(0b1010);
    run('SADD16', 0x7fff_8000, 0x0001_7fff).expectRegs({ r0: 0x8000_ffff }).expectGe(0b1100);
    run('USUB8', 0x0005_0a00, 0x0106_0a00).expectRegs({ r0: 0xffff_0000 }).expectGe(0b0011);
    run('SASX', 0x0005_0003, 0x0001_0002).expectRegs({ r0: 0x0007_0002 }).expectGe(0b1111);
    run('UQADD8', 0xff01_80ff, 0x0101_8000).expectRegs({ r0: 0xff02_ffff });
    run('QSUB16', 0x8000_7fff, 0x0001_ffff).expectRegs({ r0: 0x8000_7fff });
    run('SHADD8', 0x7f80_0000, 0x7f80_0100).expectRegs({ r0: 0x7f80_0000 });
    run('UHSUB16', 0x0000_0004, 0x0002_0000).expectRegs({ r0: 0xffff_0002 });
  });

  it('selects by GE', () => {
    cpu(engine)
      .code([a32('UADD8', { Rd: 0, Rn: 1, Rm: 2 }), a32('SEL', { Rd: 3, Rn: 4, Rm: 5 })])
      .regs({ r1: 0xff01_80ff, r2: 0x0101_8000, r4: 0x1122_3344, r5: 0xaabb_ccdd })
      .steps(2)
      .expectRegs({ r3: 0x11bb_33dd });
  });

  it('packs, extends, reverses and moves bit fields', () => {
    cpu(engine)
      .code([
        a32('PKH', { Rd: 2, Rn: 0, Rm: 1, tb: 0, imm5: 8 }),
        a32('SXTAB', { Rd: 3, Rn: 0, Rm: 1, rotate: 1 }),
        a32('UXTB16', { Rd: 4, Rm: 1, rotate: 3 }),
        a32('REV', { Rd: 5, Rm: 1 }),
        a32('RBIT', { Rd: 6, Rm: 0 }),
        a32('CLZ', { Rd: 7, Rm: 0 }),
        a32('SBFX', { Rd: 8, Rn: 1, lsb: 4, widthm1: 7 }),
        a32('BFI', { Rd: 9, Rn: 1, lsb: 8, msb: 15 }),
        a32('REVSH', { Rd: 10, Rm: 1 }),
        a32('USAD8', { Rd: 11, Rn: 0, Rm: 1 }),
      ])
      .regs({ r0: 0x0000_1001, r1: 0x1122_f384, r9: 0xffff_ffff })
      .steps(10)
      .expectRegs({
        r2: 0x22f3_1001,
        r3: 0x0000_0ff4,
        r4: 0x00f3_0011,
        r5: 0x84f3_2211,
        r6: 0x8008_0000,
        r7: 19,
        r8: 0x38,
        r9: 0xffff_84ff,
        r10: 0xffff_84f3,
        r11: 0x11 + 0x22 + 0xe3 + 0x83,
      });
  });

  it('does the same in T32', () => {
    cpu(engine)
      .thumb()
      .code([
        t32('UADD8', { Rd: 0, Rn: 1, Rm: 2 }),
        t32('SEL', { Rd: 3, Rn: 4, Rm: 5 }),
        t32('UBFX', { Rd: 6, Rn: 4, imm3: 2, imm2: 0, widthm1: 7 }),
        t32('SDIV', { Rd: 7, Rn: 4, Rm: 2 }),
        t32('SMULL', { RdLo: 8, RdHi: 9, Rn: 1, Rm: 2 }),
      ])
      .regs({ r1: 0xff01_80ff, r2: 0x0101_8000, r4: 0x1122_3344, r5: 0xaabb_ccdd })
      .steps(5)
      .expectGe(0b1010)
      .expectRegs({ r0: 0x0002_00ff, r3: 0x11bb_33dd, r6: 0x33, r7: 17, r8: 0x407e_8000, r9: 0xffff_0003 });
  });
});
