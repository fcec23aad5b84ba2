// SPDX-License-Identifier: Apache-2.0
import { MODE } from '@plinth/arm';
import { describe, it } from 'vitest';
import { CODE, cpu, DATA, describeEngines, RAM, TABLES } from '../testing/contract.js';
import { a32, ldr, ldrb, ldrh, str, strb, strh, t16, t32 } from '../testing/mnemonics.js';
import { PageTables } from '../testing/page-tables.js';

const NEXT_PAGE = DATA + 0x1000;
const A = 2;

describeEngines('loads and stores', (engine) => {
  it('moves words, halfwords and bytes, signed and unsigned', () => {
    const half = (name: string, rt: number) => a32(`${name} (immediate)`, { P: 1, U: 1, Rn: 1, Rt: rt });
    cpu(engine)
      .words(DATA, 0x8081_82f3)
      .code([ldr(2, 1), ldrh(3, 1), ldrb(4, 1), half('LDRSH', 5), half('LDRSB', 6)])
      .regs({ r1: DATA })
      .steps(5)
      .expectRegs({ r2: 0x8081_82f3, r3: 0x82f3, r4: 0xf3, r5: 0xffff_82f3, r6: 0xffff_fff3 });
    cpu(engine)
      .words(DATA, 0, 0, 0)
      .code([str(0, 1), strh(0, 2), strb(0, 3)])
      .regs({ r0: 0x1234_5678, r1: DATA, r2: DATA + 6, r3: DATA + 11 })
      .steps(3)
      .expectWords(DATA, 0x1234_5678, 0x5678_0000, 0x7800_0000);
  });

  it('indexes before and after, up and down', () => {
    const load = (P: number, U: number, W: number) => a32('LDR (immediate)', { P, U, W, Rn: 1, Rt: 0, imm12: 8 });
    const run = (...bits: [number, number, number]) =>
      cpu(engine)
        .words(DATA - 8, 1, 2, 3, 4, 5)
        .code([load(...bits)])
        .regs({ r1: DATA })
        .steps(1);
    run(1, 1, 0).expectRegs({ r0: 5, r1: DATA });
    run(1, 0, 0).expectRegs({ r0: 1, r1: DATA });
    run(1, 1, 1).expectRegs({ r0: 5, r1: DATA + 8 });
    run(1, 0, 1).expectRegs({ r0: 1, r1: DATA - 8 });
    run(0, 1, 0).expectRegs({ r0: 3, r1: DATA + 8 });
    run(0, 0, 0).expectRegs({ r0: 3, r1: DATA - 8 });
  });

  it('takes a shifted register as offset', () => {
    const load = (type: number, imm5: number) => a32('LDR (register)', { P: 1, U: 1, Rn: 1, Rt: 0, Rm: 2, type, imm5 });
    const run = (type: number, imm5: number, r2: number) =>
      cpu(engine)
        .words(DATA, 1, 2, 3, 4, 5)
        .code([load(type, imm5)])
        .regs({ r1: DATA, r2 })
        .flags('C')
        .steps(1);
    run(0, 2, 3).expectRegs({ r0: 4 });
    run(1, 4, 0x80).expectRegs({ r0: 3 });
    run(1, 0, 0xffff_ffff).expectRegs({ r0: 1 });
    run(2, 2, 0x30).expectRegs({ r0: 4 });
    run(3, 4, 0x40).expectRegs({ r0: 2 });
    // RRX with C set: the offset is 0x80000008.
    cpu(engine)
      .words(DATA, 1, 2, 3, 4)
      .code([load(3, 0)])
      .regs({ r1: DATA - 0x8000_0000, r2: 16 })
      .flags('C')
      .steps(1)
      .expectRegs({ r0: 3 });
  });

  it('reads and writes at any alignment', () => {
    for (let offset = 0; offset < 4; offset++) {
      cpu(engine)
        .memory(DATA, [1, 2, 3, 4, 5, 6, 7, 8])
        .code([ldr(2, 1), ldrh(3, 1), str(4, 1, 16), strh(4, 5)])
        .regs({ r1: DATA + offset, r4: 0xa1b2_c3d4, r5: DATA + 32 + offset })
        .steps(4)
        .expectRegs({
          r2: (offset + 1) | ((offset + 2) << 8) | ((offset + 3) << 16) | ((offset + 4) << 24),
          r3: (offset + 1) | ((offset + 2) << 8),
        })
        .expectBytes(DATA + 16 + offset, 0xd4, 0xc3, 0xb2, 0xa1)
        .expectBytes(DATA + 32 + offset, 0xd4, 0xc3);
    }
  });

  it('faults on misaligned accesses when SCTLR.A is set', () => {
    const run = (instruction: ReturnType<typeof ldr>, address: number) =>
      cpu(engine).code([instruction]).regs({ r0: 9, r1: address }).control(A).steps(1);
    run(ldr(0, 1), DATA + 2)
      .expectException('data', CODE + 8)
      .expectSystem({ DFSR: 0x001, DFAR: DATA + 2 });
    run(str(0, 1), DATA + 1).expectSystem({ DFSR: 0x801, DFAR: DATA + 1 });
    run(ldrh(0, 1), DATA + 1).expectSystem({ DFSR: 0x001, DFAR: DATA + 1 });
    run(ldrh(0, 1), DATA + 2).expectPc(CODE + 4);
    run(ldrb(0, 1), DATA + 3).expectPc(CODE + 4);
  });

  it('writes the base back only when nothing faulted', () => {
    const tables = new PageTables(TABLES).section(RAM, RAM);
    const post = a32('LDR (immediate)', { P: 0, U: 1, Rn: 1, Rt: 0, imm12: 4 });
    cpu(engine)
      .code([post])
      .regs({ r0: 7, r1: 0x2000_0000 })
      .mmu(tables)
      .steps(1)
      .expectException('data', CODE + 8)
      .expectRegs({ r0: 7, r1: 0x2000_0000 });
  });

  it('loads and stores pairs', () => {
    const pair = (name: string, fields = {}) => a32(`${name} (immediate)`, { P: 1, U: 1, Rn: 1, Rt: 2, ...fields });
    cpu(engine)
      .words(DATA, 1, 2, 3, 4)
      .code([pair('LDRD', { L: 4, W: 1 }), pair('STRD', { L: 8 })])
      .regs({ r1: DATA })
      .steps(2)
      .expectRegs({ r1: DATA + 4, r2: 2, r3: 3 })
      .expectWords(DATA + 12, 2, 3);
    cpu(engine)
      .thumb()
      .words(DATA, 1, 2, 3, 4)
      .code([t32('LDRD (immediate)', { P: 0, U: 1, W: 1, Rn: 1, Rt: 5, Rt2: 3, imm8: 2 })])
      .regs({ r1: DATA })
      .steps(1)
      .expectRegs({ r1: DATA + 8, r5: 1, r3: 2 });
    cpu(engine)
      .code([pair('LDRD')])
      .regs({ r1: DATA + 2 })
      .steps(1)
      .expectSystem({ DFSR: 1, DFAR: DATA + 2 });
  });

  it('swaps bytes of data in big-endian state, and of nothing else', () => {
    cpu(engine)
      .bigEndian()
      .words(DATA, 0x1122_3344, 0x5566_7788)
      .code([ldr(0, 1), ldrh(2, 1), ldrb(3, 1), str(0, 1, 8), strh(2, 4), strb(3, 1, 16), ldr(5, 1, 1)])
      .regs({ r1: DATA, r4: DATA + 12 })
      .steps(7)
      .expectRegs({ r0: 0x4433_2211, r2: 0x4433, r3: 0x44, r5: 0x3322_1188 })
      .expectWords(DATA + 8, 0x1122_3344)
      .expectBytes(DATA + 12, 0x44, 0x33)
      .expectBytes(DATA + 16, 0x44);
  });

  it('changes endianness by SETEND', () => {
    cpu(engine)
      .words(DATA, 0x1122_3344)
      .code([ldr(0, 1), a32('SETEND', { E: 1 }), ldr(2, 1), a32('SETEND', { E: 0 }), ldr(3, 1)])
      .regs({ r1: DATA })
      .steps(5)
      .expectRegs({ r0: 0x1122_3344, r2: 0x4433_2211, r3: 0x1122_3344 });
  });

  it('checks LDRT and STRT as User mode', () => {
    const tables = () =>
      new PageTables(TABLES)
        .section(RAM, RAM)
        .page(0x2000_0000, DATA, { ap: 1 })
        .page(0x2000_1000, NEXT_PAGE, { ap: 2 });
    const run = (name: string, r1: number) =>
      cpu(engine)
        .words(DATA, 5)
        .words(NEXT_PAGE, 6)
        .code([ldr(2, 1), str(2, 1, 4), a32(`${name} (immediate)`, { U: 1, Rn: 1, Rt: 0 })])
        .regs({ r0: 1, r1 })
        .mmu(tables())
        .steps(3);
    run('LDRT', 0x2000_0000)
      .expectException('data', CODE + 16)
      .expectSystem({ DFSR: 0x00f, DFAR: 0x2000_0000 });
    run('STRT', 0x2000_0000).expectSystem({ DFSR: 0x80f, DFAR: 0x2000_0000 });
    run('LDRT', 0x2000_1000)
      .expectRegs({ r0: 6 })
      .expectPc(CODE + 12);
    run('STRT', 0x2000_1000)
      .expectException('data', CODE + 16)
      .expectSystem({ DFSR: 0x80f, DFAR: 0x2000_1000 });
  });
});

describeEngines('accesses over a page border', (engine) => {
  const low = 0x2000_0000;
  /** Two neighbouring virtual pages, the physical ones in the opposite order. */
  const both = () =>
    new PageTables(TABLES)
      .section(RAM, RAM)
      .page(low, NEXT_PAGE)
      .page(low + 0x1000, DATA);
  const firstOnly = () => new PageTables(TABLES).section(RAM, RAM).page(low, NEXT_PAGE);

  it.each([1, 2, 3])('reads and writes both pages, %i bytes in the first', (inFirst) => {
    const address = low + 0x1000 - inFirst;
    const bytes = [0x11, 0x22, 0x33, 0x44];
    cpu(engine)
      .memory(NEXT_PAGE + 0x1000 - inFirst, bytes.slice(0, inFirst))
      .memory(DATA, bytes.slice(inFirst))
      .code([ldr(0, 1), str(2, 1), ldr(3, 1)])
      .regs({ r1: address, r2: 0xa1b2_c3d4 })
      .mmu(both())
      .steps(3)
      .expectRegs({ r0: 0x4433_2211, r3: 0xa1b2_c3d4 })
      .expectBytes(NEXT_PAGE + 0x1000 - inFirst, ...[0xd4, 0xc3, 0xb2, 0xa1].slice(0, inFirst))
      .expectBytes(DATA, ...[0xd4, 0xc3, 0xb2, 0xa1].slice(inFirst));
  });

  it('faults at the first byte of the second page and changes nothing', () => {
    cpu(engine)
      .code([str(2, 1)])
      .regs({ r1: low + 0xffe, r2: 0xa1b2_c3d4 })
      .mmu(firstOnly())
      .steps(1)
      .expectException('data', CODE + 8)
      .expectSystem({ DFSR: 0x807, DFAR: low + 0x1000 })
      .expectWords(NEXT_PAGE + 0xffc, 0);
    cpu(engine)
      .code([ldr(2, 1)])
      .regs({ r1: low + 0xffd, r2: 5 })
      .mmu(firstOnly())
      .steps(1)
      .expectException('data', CODE + 8)
      .expectSystem({ DFSR: 0x007, DFAR: low + 0x1000 })
      .expectRegs({ r2: 5 });
  });

  it('restarts a block transfer that faulted in the middle', () => {
    const stm = a32('STMIA', { W: 1, Rn: 1, list: 0b11_1100 });
    const test = cpu(engine)
      .code([stm])
      .regs({ r1: low + 0xff8, r2: 2, r3: 3, r4: 4, r5: 5 })
      .mmu(firstOnly())
      .steps(1)
      .expectException('data', CODE + 8)
      .expectSystem({ DFSR: 0x807, DFAR: low + 0x1000 })
      .expectRegs({ r1: low + 0xff8 });
    test.expectWords(NEXT_PAGE + 0xff8, 2, 3);
    const ldm = a32('LDMIA', { W: 1, Rn: 1, list: 0b11_1100 });
    cpu(engine)
      .words(NEXT_PAGE + 0xff8, 12, 13)
      .code([ldm])
      .regs({ r1: low + 0xff8, r4: 4 })
      .mmu(firstOnly())
      .steps(1)
      .expectException('data', CODE + 8)
      .expectSystem({ DFSR: 0x007, DFAR: low + 0x1000 })
      .expectRegs({ r1: low + 0xff8, r4: 4 });
  });
});

describeEngines('block transfers', (engine) => {
  const words = [10, 11, 12, 13, 14, 15, 16, 17] as const;
  const block = (name: string, fields: Record<string, number>) =>
    cpu(engine)
      .words(DATA, ...words)
      .code([a32(name, { Rn: 1, ...fields })])
      .regs({ r0: 100, r1: DATA + 12, r2: 102, r3: 103, r4: 104 });
  const list = 0b1_1100;

  it('goes up and down, before and after', () => {
    block('LDMIA', { W: 1, list })
      .steps(1)
      .expectRegs({ r1: DATA + 24, r2: 13, r3: 14, r4: 15 });
    block('LDMIB', { W: 1, list })
      .steps(1)
      .expectRegs({ r1: DATA + 24, r2: 14, r3: 15, r4: 16 });
    block('LDMDA', { W: 1, list }).steps(1).expectRegs({ r1: DATA, r2: 11, r3: 12, r4: 13 });
    block('LDMDB', { W: 1, list }).steps(1).expectRegs({ r1: DATA, r2: 10, r3: 11, r4: 12 });
    block('STMIA', { W: 1, list })
      .steps(1)
      .expectRegs({ r1: DATA + 24 })
      .expectWords(DATA + 12, 102, 103, 104, 16);
    block('STMIB', { W: 0, list })
      .steps(1)
      .expectRegs({ r1: DATA + 12 })
      .expectWords(DATA + 12, 13, 102, 103, 104);
    block('STMDA', { W: 1, list }).steps(1).expectRegs({ r1: DATA }).expectWords(DATA, 10, 102, 103, 104, 14);
    block('STMDB', { W: 1, list }).steps(1).expectRegs({ r1: DATA }).expectWords(DATA, 102, 103, 104, 13);
  });

  it('keeps what was loaded when the base is in the list', () => {
    block('LDMIA', { W: 0, list: 0b111 }).steps(1).expectRegs({ r0: 13, r1: 14, r2: 15 });
  });

  it('stores the old base when it is the lowest in the list', () => {
    block('STMIA', { W: 1, list: 0b110 })
      .steps(1)
      .expectWords(DATA + 12, DATA + 12, 102)
      .expectRegs({ r1: DATA + 20 });
  });

  it('loads and stores the PC', () => {
    block('LDMIA', { W: 1, pc: 1, list: 0b100 })
      .words(DATA + 16, CODE + 0x101)
      .steps(1)
      .expectPc(CODE + 0x100)
      .expectThumb(true)
      .expectRegs({ r2: 13, r1: DATA + 20 });
    block('STMIA', { list: 0x8004 })
      .steps(1)
      .expectWords(DATA + 12, 102, CODE + 8);
  });

  it('pushes and pops in T32', () => {
    cpu(engine)
      .thumb()
      .code([t16('PUSH', { M: 1, list: 0b11 }), t16('POP', { P: 1, list: 0b1100 })])
      .regs({ r0: 5, r1: 6, lr: CODE + 0x41, sp: DATA + 0x100 })
      .steps(2)
      .expectRegs({ r2: 5, r3: 6, sp: DATA + 0x100 })
      .expectPc(CODE + 0x40)
      .expectThumb(true)
      .expectWords(DATA + 0xf4, 5, 6, CODE + 0x41);
  });

  it('needs word-aligned addresses whatever SCTLR.A says', () => {
    cpu(engine)
      .code([a32('LDMIA', { Rn: 1, list: 0b1100 })])
      .regs({ r1: DATA + 2 })
      .steps(1)
      .expectException('data', CODE + 8)
      .expectSystem({ DFSR: 0x001, DFAR: DATA + 2 });
    cpu(engine)
      .code([a32('STMDB', { W: 1, Rn: 1, list: 0b1100 })])
      .regs({ r1: DATA + 9 })
      .steps(1)
      .expectSystem({ DFSR: 0x801, DFAR: DATA + 1 })
      .expectException('data', CODE + 8);
  });

  it('reaches the User registers from other modes', () => {
    cpu(engine)
      .banked('usr', { sp: 0x111, lr: 0x222 })
      .code([
        a32('STMIA (User registers)', { Rn: 1, list: 0x6001 }),
        a32('LDMIA (User registers)', { Rn: 2, list: 0x6001 }),
      ])
      .regs({ r0: 7, r1: DATA, r2: DATA + 16, sp: 0x333, lr: 0x444 })
      .words(DATA + 16, 21, 22, 23)
      .steps(2)
      .expectWords(DATA, 7, 0x111, 0x222)
      .expectRegs({ r0: 21, sp: 0x333, lr: 0x444, r1: DATA, r2: DATA + 16 })
      .expectBanked('usr', { sp: 22, lr: 23 });
    cpu(engine)
      .mode('fiq')
      .banked('usr', { r8: 0x88, r12: 0x1212 })
      .code([
        a32('STMIA (User registers)', { Rn: 1, list: 0x1100 }),
        a32('LDMIA (User registers)', { Rn: 1, list: 0x0100 }),
      ])
      .regs({ r1: DATA, r8: 1, r12: 2 })
      .steps(1)
      .words(DATA, 0x99)
      .steps(1)
      .expectWords(DATA + 4, 0x1212)
      .expectRegs({ r8: 1, r12: 2 })
      .expectBanked('usr', { r8: 0x99, r12: 0x1212 });
  });

  it('returns from an exception', () => {
    cpu(engine)
      .mode('irq')
      .banked('irq', { spsr: 0x2000_0030 | MODE.usr })
      .banked('usr', { sp: 0x777 })
      .words(DATA, 5, CODE + 0x81)
      .code([a32('LDMIA (exception return)', { W: 1, Rn: 13, list: 1 })])
      .regs({ sp: DATA })
      .steps(1)
      .expectPc(CODE + 0x80)
      .expectThumb(true)
      .expectMode('usr')
      .expectFlags('nzCv')
      .expectMasked('')
      .expectRegs({ r0: 5, sp: 0x777 })
      .expectBanked('irq', { sp: DATA + 8 });
  });
});

describeEngines('exclusive accesses', (engine) => {
  const ldrex = a32('LDREX', { Rn: 1, Rt: 2 });
  const strex = a32('STREX', { Rn: 1, Rd: 3, Rt: 4 });

  it('stores if nothing came between', () => {
    cpu(engine)
      .words(DATA, 5)
      .code([ldrex, strex, strex])
      .regs({ r1: DATA, r3: 9, r4: 6 })
      .steps(2)
      .expectRegs({ r2: 5, r3: 0 })
      .expectWords(DATA, 6)
      .steps(1)
      .expectRegs({ r3: 1 });
  });

  it('fails without a reservation, after CLREX and for another address', () => {
    cpu(engine).code([strex]).regs({ r1: DATA, r4: 6 }).steps(1).expectRegs({ r3: 1 }).expectWords(DATA, 0);
    cpu(engine)
      .code([ldrex, a32('CLREX'), strex])
      .regs({ r1: DATA, r4: 6 })
      .steps(3)
      .expectRegs({ r3: 1 })
      .expectWords(DATA, 0);
    cpu(engine)
      .code([ldrex, a32('STREX', { Rn: 5, Rd: 3, Rt: 4 })])
      .regs({ r1: DATA, r4: 6, r5: DATA + 4 })
      .steps(2)
      .expectRegs({ r3: 1 })
      .expectWords(DATA + 4, 0);
  });

  it('works for bytes, halfwords and pairs', () => {
    for (const [suffix, before, after] of [
      ['B', 0x1234_56ff, 0x1234_5678],
      ['H', 0x1234_ffff, 0x1234_5678],
    ] as const) {
      cpu(engine)
        .words(DATA, before)
        .code([a32(`LDREX${suffix}`, { Rn: 1, Rt: 2 }), a32(`STREX${suffix}`, { Rn: 1, Rd: 3, Rt: 4 })])
        .regs({ r1: DATA, r3: 9, r4: 0x9999_5678 })
        .steps(2)
        .expectRegs({ r3: 0 })
        .expectWords(DATA, after);
    }
    cpu(engine)
      .words(DATA, 1, 2)
      .code([a32('LDREXD', { Rn: 1, Rt: 2 }), a32('STREXD', { Rn: 1, Rd: 6, Rt: 4 })])
      .regs({ r1: DATA, r4: 8, r5: 9 })
      .steps(2)
      .expectRegs({ r2: 1, r3: 2, r6: 0 })
      .expectWords(DATA, 8, 9);
  });

  it('faults on misalignment', () => {
    cpu(engine)
      .code([ldrex])
      .regs({ r1: DATA + 2 })
      .steps(1)
      .expectSystem({ DFSR: 0x001, DFAR: DATA + 2 });
    cpu(engine)
      .code([strex])
      .regs({ r1: DATA + 2 })
      .steps(1)
      .expectSystem({ DFSR: 0x801, DFAR: DATA + 2 });
    cpu(engine)
      .code([a32('LDREXD', { Rn: 1, Rt: 2 })])
      .regs({ r1: DATA + 4 })
      .steps(1)
      .expectException('data', CODE + 8)
      .expectSystem({ DFSR: 0x001, DFAR: DATA + 4 });
  });
});

describe('the runner', () => {
  it('refuses fields that an instruction does not have', ({ expect }) => {
    expect(() => a32('ADD (register)', { Rx: 1 })).toThrow('has no field Rx');
    expect(() => a32('ADD (register)', { Rd: 16 })).toThrow('Rd has 4 bits');
    expect(() => a32('ADDD')).toThrow('no A32 row');
  });
});
