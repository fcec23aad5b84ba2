// SPDX-License-Identifier: Apache-2.0
// Translation with short descriptors (B3.5), faults (B3.13), and TLB maintenance as the shadow tables keep it (B3.10).
import { expect, it } from 'vitest';
import { CODE, cpu, DATA, describeEngines, RAM, TABLES, VECTORS } from '../testing/contract.js';
import { a32, b, bx, ldr, mcr, mov, mrc, nop, str } from '../testing/mnemonics.js';
import { type Mapping, PageTables } from '../testing/page-tables.js';

const VIRTUAL = 0x2000_0000;
const PAGE_2 = DATA + 0x1000;
const AFE = 0x2000_0000;
const TRE = 0x1000_0000;
const EE = 0x200_0000;
const base = (): PageTables => new PageTables(TABLES).section(RAM, RAM);

/** Status of a domain, by DACR value: no access, client, manager. */
const dacr = (domain: number, access: number): number =>
  ((0x5555_5555 & ~(3 << (2 * domain))) | (access << (2 * domain))) >>> 0;

describeEngines('faults of data accesses', (engine) => {
  const cases: readonly [string, (tables: PageTables) => unknown, number, { dacr?: number; control?: number }][] = [
    ['translation, section', () => {}, 0x005, {}],
    ['translation, page', (t) => t.table(VIRTUAL, { domain: 3 }), 0x037, {}],
    ['domain, section', (t) => t.section(VIRTUAL, RAM, { domain: 4 }), 0x049, { dacr: dacr(4, 0) }],
    ['domain, page', (t) => t.page(VIRTUAL, DATA, { domain: 5 }), 0x05b, { dacr: dacr(5, 0) }],
    ['permission, section', (t) => t.section(VIRTUAL, RAM, { domain: 6, ap: 0 }), 0x06d, {}],
    ['permission, page', (t) => t.page(VIRTUAL, DATA, { domain: 7, ap: 0 }), 0x07f, {}],
    ['permission, large page', (t) => t.largePage(VIRTUAL, RAM, { domain: 7, ap: 0 }), 0x07f, {}],
    ['access flag, section', (t) => t.section(VIRTUAL, RAM, { domain: 8, ap: 2 }), 0x083, { control: AFE }],
    ['access flag, page', (t) => t.page(VIRTUAL, DATA, { domain: 9, ap: 2 }), 0x096, { control: AFE }],
    ['external, on the second level of the walk', (t) => t.raw(t.firstLevel(VIRTUAL), 0x1000_0001), 0x00e, {}],
  ];
  it.each(cases)('%s: exact status and address, for reads and writes', (_, map, status, options) => {
    for (const [instruction, write] of [
      [ldr(0, 1), 0],
      [str(0, 1), 0x800],
    ] as const) {
      const tables = base();
      map(tables);
      cpu(engine)
        .code([nop(), instruction])
        .regs({ r1: VIRTUAL + 4 })
        .mmu(tables, options)
        .steps(2)
        .expectException('data', CODE + 12)
        .expectSystem({ DFSR: status | write, DFAR: VIRTUAL + 4 });
    }
  });

  it('come in the order of B3.12: alignment, translation, access flag, domain, permission', () => {
    const run = (tables: PageTables, address: number, options = {}) =>
      cpu(engine)
        .code([a32('LDMIA', { Rn: 1, list: 0b1100 })])
        .regs({ r1: address })
        .mmu(tables, options)
        .steps(1);
    run(base(), VIRTUAL + 2).expectSystem({ DFSR: 0x001 });
    run(base().page(VIRTUAL, DATA, { domain: 1, ap: 0 }), VIRTUAL, { dacr: dacr(1, 0), control: AFE }).expectSystem({
      DFSR: 0x016,
    });
    run(base().page(VIRTUAL, DATA, { domain: 1, ap: 1 }), VIRTUAL, { dacr: dacr(1, 0), control: AFE }).expectSystem({
      DFSR: 0x01b,
    });
  });

  it('are external aborts where nothing is on the bus', () => {
    cpu(engine)
      .code([ldr(0, 1)])
      .regs({ r1: 0x1000_0000 })
      .steps(1)
      .expectException('data', CODE + 8)
      .expectSystem({ DFSR: 0x008, DFAR: 0x1000_0000 });
    cpu(engine)
      .code([str(0, 1)])
      .regs({ r1: 0x1000_0000 })
      .steps(1)
      .expectSystem({ DFSR: 0x808, DFAR: 0x1000_0000 });
  });
});

describeEngines('access permissions', (engine) => {
  // AP[2:0] -> what privileged and User accesses may do (table B3-8).
  const matrix: readonly [number, string, string][] = [
    [0, '', ''],
    [1, 'rw', ''],
    [2, 'rw', 'r'],
    [3, 'rw', 'rw'],
    [5, 'r', ''],
    [6, 'r', 'r'],
    [7, 'r', 'r'],
  ];
  const cases = matrix.flatMap(([ap, svc, usr]) => [[ap, 'svc', svc] as const, [ap, 'usr', usr] as const]);
  it.each(cases)('AP %i in %s allow "%s"', (ap, mode, allowed) => {
    for (const [kind, instruction] of [
      ['r', ldr(0, 1)],
      ['w', str(0, 1)],
    ] as const) {
      for (const section of [false, true]) {
        const tables = section ? base().section(VIRTUAL, RAM, { ap }) : base().page(VIRTUAL, DATA, { ap });
        const test = cpu(engine).mode(mode).code([instruction]).regs({ r1: VIRTUAL }).mmu(tables).steps(1);
        if (allowed.includes(kind)) test.expectPc(CODE + 4);
        else test.expectException('data', CODE + 8);
      }
    }
  });

  it('are three with the access flag: AP[0] is not one', () => {
    const run = (ap: number, mode: 'svc' | 'usr', instruction: ReturnType<typeof ldr>) =>
      cpu(engine)
        .mode(mode)
        .code([instruction])
        .regs({ r1: VIRTUAL })
        .mmu(new PageTables(TABLES).section(RAM, RAM).page(VIRTUAL, DATA, { ap }), { control: AFE })
        .steps(1);
    run(1, 'svc', str(0, 1)).expectPc(CODE + 4);
    run(1, 'usr', ldr(0, 1)).expectException('data', CODE + 8);
    run(3, 'usr', str(0, 1)).expectPc(CODE + 4);
    run(5, 'svc', str(0, 1)).expectException('data', CODE + 8);
    run(7, 'usr', ldr(0, 1)).expectPc(CODE + 4);
  });

  it('do not bind a manager, and nobody reaches a domain without access', () => {
    const run = (access: number) =>
      cpu(engine)
        .mode('usr')
        .words(DATA, 5)
        .code([ldr(0, 1), str(2, 1)])
        .regs({ r1: VIRTUAL, r2: 6 })
        .mmu(base().page(VIRTUAL, DATA, { domain: 2, ap: 0, xn: true }), { dacr: dacr(2, access) })
        .steps(2);
    run(3).expectRegs({ r0: 5 }).expectWords(DATA, 6);
    run(1).expectSystem({ DFSR: 0x02f });
    run(0).expectSystem({ DFSR: 0x02b });
  });

  it('are told apart by TEX remap or not in nothing', () => {
    const run = (control: number) =>
      cpu(engine)
        .words(DATA, 5)
        .code([ldr(0, 1)])
        .regs({ r1: VIRTUAL })
        .mmu(base().page(VIRTUAL, DATA), { control })
        .steps(1)
        .expectRegs({ r0: 5 });
    run(0);
    run(TRE);
  });
});

describeEngines('execution', (engine) => {
  const jump = (m: Mapping, options: { mode?: 'usr' | 'svc'; section?: boolean; dacr?: number } = {}) => {
    const tables = options.section ? base().section(VIRTUAL, RAM, m) : base().page(VIRTUAL + 0x8000, DATA, m);
    return cpu(engine)
      .mode(options.mode ?? 'svc')
      .code([bx(0)])
      .code([mov(1, 7)], DATA)
      .regs({ r0: VIRTUAL + 0x8000 })
      .mmu(tables, { dacr: options.dacr ?? 0x5555_5555 })
      .steps(2);
  };
  const AT = VIRTUAL + 0x8000;

  it('needs read permission', () => {
    jump({ ap: 1 }).expectRegs({ r1: 7 });
    jump({ ap: 1 }, { mode: 'usr' })
      .expectException('prefetch', AT + 4)
      .expectSystem({ IFSR: 0x00f, IFAR: AT });
    jump({ ap: 0, domain: 1 }, { section: true }).expectSystem({ IFSR: 0x00d, IFAR: AT });
  });

  it('needs XN clear, and PXN in privileged modes, unless the domain is managed', () => {
    jump({ xn: true })
      .expectException('prefetch', AT + 4)
      .expectSystem({ IFSR: 0x00f, IFAR: AT });
    jump({ xn: true }, { section: true }).expectSystem({ IFSR: 0x00d, IFAR: AT });
    jump({ pxn: true }).expectSystem({ IFSR: 0x00f, IFAR: AT });
    jump({ pxn: true }, { section: true }).expectSystem({ IFSR: 0x00d, IFAR: AT });
    jump({ pxn: true }, { mode: 'usr' }).expectRegs({ r1: 7 });
    jump({ pxn: true }, { mode: 'usr', section: true }).expectRegs({ r1: 7 });
    jump({ xn: true, pxn: true, ap: 0, domain: 3 }, { dacr: dacr(3, 3) }).expectRegs({ r1: 7 });
  });

  it('faults as data accesses do', () => {
    jump({ domain: 3 }, { dacr: dacr(3, 0) }).expectSystem({ IFSR: 0x00b, IFAR: AT });
    jump({ domain: 3 }, { dacr: dacr(3, 0), section: true }).expectSystem({ IFSR: 0x009, IFAR: AT });
    cpu(engine)
      .code([bx(0)])
      .regs({ r0: 0x1000_0000 })
      .steps(2)
      .expectException('prefetch', 0x1000_0004)
      .expectSystem({ IFSR: 0x008, IFAR: 0x1000_0000 });
    // A device is no memory to run from.
    cpu(engine)
      .code([bx(0)])
      .regs({ r0: 0x0900_0000 })
      .steps(2)
      .expectSystem({ IFSR: 0x008, IFAR: 0x0900_0000 });
  });
});

describeEngines('mappings', (engine) => {
  it('of every size lead to their bytes', () => {
    const tables = base().page(VIRTUAL, PAGE_2).largePage(0x2010_0000, RAM).supersection(0x3000_0000, 0x4000_0000);
    cpu(engine)
      .words(PAGE_2 + 0x10, 1)
      .words(DATA + 0x20, 2)
      .words(DATA + 0x30, 3)
      .code([ldr(0, 4), ldr(1, 5), ldr(2, 6)])
      .regs({ r4: VIRTUAL + 0x10, r5: 0x2010_8020, r6: 0x3000_8030 })
      .mmu(tables)
      .steps(3)
      .expectRegs({ r0: 1, r1: 2, r2: 3 });
  });

  it('below and above the split of TTBCR.N come from two tables', () => {
    // N = 2: the lowest quarter of the address space is TTBR0's, whose table has 4 KiB then.
    const low = new PageTables(TABLES + 0x8000 + 0x1000).section(VIRTUAL, RAM);
    const high = base().page(0x8000_0000, PAGE_2);
    const test = cpu(engine).words(DATA, 5).words(PAGE_2, 6).mmu(high);
    for (const [address, word] of low.entries()) test.words(address, word);
    test
      .system({ TTBR1: TABLES, TTBR0: low.base, TTBCR: 2 })
      .code([ldr(0, 1), ldr(2, 3), ldr(4, 5)])
      .regs({ r1: VIRTUAL + 0x8000, r3: 0x8000_0000, r5: 0x3ff0_0000 })
      .steps(3)
      .expectRegs({ r0: 5, r2: 6 })
      .expectException('data', CODE + 16)
      .expectSystem({ DFSR: 0x005, DFAR: 0x3ff0_0000 });
  });

  it('of a table that TTBCR.PD0 or PD1 closes do not exist', () => {
    const run = (ttbcr: number, address: number) =>
      cpu(engine)
        .code([ldr(0, 1)])
        .regs({ r1: address })
        .mmu(base().section(VIRTUAL, RAM))
        .system({ TTBR1: TABLES, TTBCR: ttbcr })
        .steps(1);
    run(2 | 0x10, VIRTUAL)
      .expectException('data', CODE + 8)
      .expectSystem({ DFSR: 0x005 });
    run(2 | 0x20, VIRTUAL).expectSystem({ IFSR: 0x005, IFAR: CODE });
  });

  it('are read big-endian with SCTLR.EE', () => {
    const tables = base().page(VIRTUAL, DATA);
    const test = cpu(engine)
      .words(DATA, 5)
      .code([ldr(0, 1)])
      .regs({ r1: VIRTUAL })
      .mmu(tables, { control: EE });
    const swapped = (word: number) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255];
    for (const [address, word] of tables.entries()) test.memory(address, swapped(word));
    test.steps(1).expectRegs({ r0: 5 });
  });

  it('can be asked for by address translation operations', () => {
    const ask = (operation: 'ATS1CPR' | 'ATS1CPW' | 'ATS1CUR' | 'ATS1CUW', m: Mapping) =>
      cpu(engine)
        .code([mcr(operation, 1), mrc('PAR', 0)])
        .regs({ r1: VIRTUAL + 0x123 })
        .mmu(base().page(VIRTUAL, DATA, m))
        .steps(2);
    ask('ATS1CPR', {}).expectRegs({ r0: DATA });
    ask('ATS1CPW', { ap: 5 }).expectRegs({ r0: 0x1f });
    ask('ATS1CUR', { ap: 1 }).expectRegs({ r0: 0x1f });
    ask('ATS1CUW', { ap: 3 }).expectRegs({ r0: DATA });
  });
});

describeEngines('TLB maintenance', (engine) => {
  /** Reads at VIRTUAL, changes the tables, does the operation, reads again. */
  function remap(operation: 'TLBIALL' | 'TLBIMVA' | 'TLBIASID', value: number, m: Mapping = {}) {
    const tables = base().page(VIRTUAL, DATA, m);
    return cpu(engine)
      .words(DATA, 5)
      .words(PAGE_2, 6)
      .code([ldr(0, 1), ldr(2, 1, 4), str(3, 4), mcr(operation, 5), ldr(6, 1)])
      .regs({ r1: VIRTUAL, r3: PageTables.pageDescriptor(PAGE_2, m), r4: tables.secondLevel(VIRTUAL), r5: value })
      .system({ CONTEXTIDR: 7 })
      .mmu(tables)
      .steps(5);
  }

  it('makes a new mapping seen, by everything, by address and by ASID', () => {
    remap('TLBIALL', 0).expectRegs({ r0: 5, r6: 6 });
    remap('TLBIMVA', VIRTUAL | 7, { nG: true }).expectRegs({ r0: 5, r6: 6 });
    remap('TLBIMVA', VIRTUAL | 0x99).expectRegs({ r0: 5, r6: 6 });
    remap('TLBIASID', 7, { nG: true }).expectRegs({ r0: 5, r6: 6 });
  });

  it('ends a mapping: the next access faults', () => {
    const tables = base().page(VIRTUAL, DATA);
    cpu(engine)
      .code([str(0, 1), str(0, 4), mcr('TLBIMVA', 1), str(0, 1)])
      .regs({ r1: VIRTUAL, r4: tables.secondLevel(VIRTUAL) })
      .mmu(tables)
      .steps(4)
      .expectException('data', CODE + 20)
      .expectSystem({ DFSR: 0x807, DFAR: VIRTUAL });
  });

  it('lets a stale mapping do until then, but never something else', () => {
    const tables = base().page(VIRTUAL, DATA);
    const test = cpu(engine)
      .words(DATA, 5)
      .words(PAGE_2, 6)
      .code([ldr(0, 1), str(3, 4), ldr(2, 1)])
      .regs({ r1: VIRTUAL, r3: PageTables.pageDescriptor(PAGE_2), r4: tables.secondLevel(VIRTUAL) })
      .mmu(tables)
      .steps(3);
    expect([5, 6]).toContain(test.reg('r2'));
  });

  it('by one address drops all of a large mapping', () => {
    for (const [tables, at, other, change] of [
      [base().section(VIRTUAL, RAM), VIRTUAL + 0x8000, VIRTUAL + 0x9000, 1],
      [base().supersection(VIRTUAL, 0x4000_0000), VIRTUAL + 0x8000, VIRTUAL + 0x50_0000, 16],
    ] as const) {
      const test = cpu(engine)
        .words(DATA, 5)
        .code([ldr(0, 1), nop(), mcr('TLBIMVA', 2), ldr(3, 1)])
        .regs({ r1: at, r2: other })
        .mmu(tables)
        .steps(1)
        .expectRegs({ r0: 5 });
      for (let i = 0; i < change; i++) test.words(tables.firstLevel(VIRTUAL) + 4 * i, 0);
      test
        .steps(3)
        .expectException('data', CODE + 20)
        .expectSystem({ DFSR: 0x005, DFAR: at });
    }
  });

  it('of instruction fetches makes new code seen, and a stale one does until then', () => {
    const tables = base().page(VIRTUAL, DATA);
    const test = cpu(engine)
      .code([mov(0, 1), bx(7)], DATA)
      .code([mov(0, 2), mov(6, 9), bx(7)], PAGE_2)
      .code([bx(1), str(3, 4), bx(1), mcr('TLBIMVA', 1), bx(1)])
      .regs({ r1: VIRTUAL, r3: PageTables.pageDescriptor(PAGE_2), r4: tables.secondLevel(VIRTUAL), r7: CODE + 4 })
      .mmu(tables)
      .steps(5);
    expect([1, 2]).toContain(test.reg('r0'));
    test.state.setReg(15, CODE + 12);
    test.steps(3).expectRegs({ r0: 2 }).steps(1).expectRegs({ r6: 9 });
  });

  it('survives decoding more of a page whose mapping has changed without it', () => {
    const tables = base().page(VIRTUAL, DATA);
    const test = cpu(engine)
      .code([mov(0, 1), str(3, 4), mov(0, 3), b(0)], DATA)
      .code([bx(1)])
      .regs({ r1: VIRTUAL, r3: 0, r4: tables.secondLevel(VIRTUAL) })
      .mmu(tables)
      .steps(6);
    if (test.pc === VIRTUAL + 12) test.expectRegs({ r0: 3 });
    else test.expectMode('abt');
  });
});

describeEngines('address spaces', (engine) => {
  it('keep their pages apart by ASID', () => {
    // Two address spaces by TTBR0 with the same addresses; the switch is TTBR0 and CONTEXTIDR.
    const first = base().page(VIRTUAL, DATA, { nG: true });
    const second = new PageTables(TABLES + 0x8000).section(RAM, RAM).page(VIRTUAL, PAGE_2, { nG: true });
    const test = cpu(engine).words(DATA, 5).words(PAGE_2, 6).mmu(first);
    for (const [address, word] of second.entries()) test.words(address, word);
    const change = [mcr('CONTEXTIDR', 8), mcr('TTBR0', 9), mcr('CONTEXTIDR', 10)];
    const back = [mcr('CONTEXTIDR', 8), mcr('TTBR0', 11), mcr('CONTEXTIDR', 12)];
    test
      .system({ CONTEXTIDR: 1 })
      .code([ldr(0, 1), ...change, ldr(2, 1), ...back, ldr(3, 1), ...change, ldr(4, 1)])
      .regs({ r1: VIRTUAL, r9: second.base, r10: 2, r11: first.base, r12: 1 })
      .steps(13)
      .expectRegs({ r0: 5, r2: 6, r3: 5, r4: 6 });
  });

  it('number more than the engine keeps tables for', () => {
    const tables = base().page(VIRTUAL, DATA, { nG: true });
    const body = [mcr('CONTEXTIDR', 5), ldr(0, 1), add1(0), str(0, 1), add1(5)];
    cpu(engine)
      .code([...body, b(-20)])
      .regs({ r1: VIRTUAL })
      .mmu(tables)
      .steps(6 * 100)
      .expectRegs({ r5: 100 })
      .expectWords(DATA, 100);
  });

  it('change rights with DACR at once, both ways', () => {
    const tables = base().page(VIRTUAL, DATA, { domain: 1 });
    const test = cpu(engine)
      .code([str(0, 1), mcr('DACR', 2), str(0, 1), mcr('DACR', 3), str(4, 1)])
      .regs({ r0: 1, r1: VIRTUAL, r2: dacr(1, 0), r3: dacr(1, 1), r4: 9 })
      .mmu(tables)
      .words(VECTORS + 16, 0xe25e_f004)
      .steps(6)
      .expectSystem({ DFSR: 0x81b })
      .expectWords(DATA, 9);
    test.expectMode('svc');
  });

  it('change with the mode: what User mode may not see, the kernel may', () => {
    const tables = base().page(VIRTUAL, DATA, { ap: 1 });
    cpu(engine)
      .mode('usr')
      .masked('')
      .words(DATA, 5)
      .code([a32('SVC'), ldr(0, 1)])
      .words(VECTORS + 8, 0xe591_2000, 0xe1b0_f00e)
      .regs({ r1: VIRTUAL })
      .mmu(tables)
      .steps(4)
      .expectRegs({ r2: 5, r0: 0 })
      .expectException('data', CODE + 12);
  });

  it('turn on and off with SCTLR.M', () => {
    const tables = new PageTables(TABLES).section(RAM, RAM).section(VIRTUAL, RAM);
    cpu(engine)
      .words(DATA, 5)
      .code([
        ldr(0, 1),
        mrc('SCTLR', 2),
        a32('BIC (immediate)', { Rd: 2, Rn: 2, imm12: 1 }),
        mcr('SCTLR', 2),
        ldr(3, 4),
        ldr(3, 1),
      ])
      .regs({ r1: VIRTUAL + 0x8000, r4: DATA })
      .mmu(tables)
      .steps(6)
      .expectRegs({ r0: 5, r3: 5 })
      .expectException('data', CODE + 28)
      .expectSystem({ DFSR: 0x008 });
  });
});

const add1 = (r: number) => a32('ADD (immediate)', { Rd: r, Rn: r, imm12: 1 });
