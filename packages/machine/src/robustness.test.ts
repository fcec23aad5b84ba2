// SPDX-License-Identifier: Apache-2.0
// A guest may crash itself; it never makes `run` throw or hang.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { MachineNotice } from './machine.js';
import { CODE, cpu, CpuTest, DATA, describeEngines, RAM, TABLES, VECTORS } from './testing/contract.js';
import { a32, add, b, bx, ldr, mcr, mov, nop, str, svc, udf } from './testing/mnemonics.js';
import { PageTables } from './testing/page-tables.js';

describeEngines('a guest that goes wrong', (engine) => {
  it('by jumping to nowhere ends in a fault loop, and says where', () => {
    const notices: MachineNotice[] = [];
    const machine = engine.machine({ onNotice: (notice) => notices.push(notice) });
    const test = new CpuTest(machine)
      .system({ VBAR: 0 })
      .code([bx(0)])
      .regs({ r0: 0x1000_0000 })
      .steps(1_000_000);
    expect(test.stop).toEqual({ kind: 'fault-loop', address: 0xc });
    expect(notices.map(({ message }) => message)).toEqual([
      'access to 0x10000000, where nothing is on the bus',
      'access to 0x0000000c, where nothing is on the bus',
    ]);
    // Asked again, it says so again.
    test.steps(1000);
    expect(test.stop).toEqual({ kind: 'fault-loop', address: 0xc });
  });

  it('in ever new ways is told of a thousand', () => {
    const notices: MachineNotice[] = [];
    const machine = engine.machine({ onNotice: (notice) => notices.push(notice) });
    // Writes that grow, to a register of the UART that is not there.
    const loop = [str(0, 1), add(0, 0, 1), b(-8)];
    const test = new CpuTest(machine).code(loop).regs({ r1: 0x0900_0f00 }).steps(3000);
    expect(notices).toHaveLength(1000);
    expect(new Set(notices.map(({ message }) => message)).size).toBe(1000);
    expect(notices.filter(({ kind }) => kind === 'too-many-notices')).toEqual([notices.at(-1)]);
    test.steps(3000);
    expect(notices).toHaveLength(1000);
  });

  it('by vectors that are not mapped', () => {
    for (const instruction of [udf(), svc(), ldr(0, 1), a32('BKPT')]) {
      const tables = new PageTables(TABLES).section(RAM, RAM);
      const test = cpu(engine).system({ VBAR: 0 }).code([instruction]).mmu(tables).steps(1_000_000);
      expect(test.stop).toEqual({ kind: 'fault-loop', address: 0xc });
    }
  });

  it('by an undefined instruction at the vector', () => {
    const test = cpu(engine)
      .words(VECTORS + 4, 0xe7f0_00f0)
      .code([udf()])
      .steps(1_000_000);
    expect(test.stop).toEqual({ kind: 'fault-loop', address: VECTORS + 4 });
  });

  it('by a data abort at its vector', () => {
    const test = cpu(engine)
      .words(VECTORS + 16, 0xe591_0000)
      .code([ldr(0, 1)])
      .regs({ r1: 0x1000_0000 })
      .steps(1_000_000);
    expect(test.stop).toEqual({ kind: 'fault-loop', address: VECTORS + 16 });
  });

  it('by tables that are nowhere', () => {
    const test = cpu(engine)
      .code([mcr('TTBR0', 0), mcr('SCTLR', 1)])
      .regs({ r0: 0x1000_0000, r1: 0xc5_0079 })
      .steps(1_000_000);
    expect(test.stop).toEqual({ kind: 'fault-loop', address: VECTORS + 12 });
    test.expectSystem({ IFSR: 0x00c, IFAR: VECTORS + 12 });
  });

  it('in a loop of faults longer than one instruction is bounded by the count alone', () => {
    const test = cpu(engine)
      .words(VECTORS + 4, 0xeaff_effd)
      .code([udf()]);
    const { count } = test.start().machine;
    test.steps(100_000);
    expect(test.stop).toEqual({ kind: 'until' });
    expect(test.machine.count - count).toBe(100_000);
  });

  it('by running off the end of its memory', () => {
    const test = cpu(engine)
      .at(RAM + 0x10_0000 - 8)
      .code([nop(), nop()], RAM + 0x10_0000 - 8)
      .steps(3)
      .expectException('prefetch', RAM + 0x10_0004);
    test.expectSystem({ IFSR: 0x008, IFAR: RAM + 0x10_0000 });
  });

  it('by wrapping around the address space', () => {
    const tables = new PageTables(TABLES)
      .section(RAM, RAM)
      .page(0xffff_f000, DATA)
      .page(0, DATA + 0x1000);
    cpu(engine)
      .code([mov(0, 1), mov(1, 2)], DATA + 0xff8)
      .code([mov(2, 3)], DATA + 0x1000)
      .at(0xffff_fff8)
      .mmu(tables)
      .steps(3)
      .expectRegs({ r0: 1, r1: 2, r2: 3 })
      .expectPc(4);
  });

  it('with accesses that wrap around it', () => {
    const tables = new PageTables(TABLES)
      .section(RAM, RAM)
      .page(0xffff_f000, DATA)
      .page(0, DATA + 0x1000);
    cpu(engine)
      .memory(DATA + 0xffe, [1, 2, 3, 4])
      .code([ldr(0, 1)])
      .regs({ r1: 0xffff_fffe })
      .mmu(tables)
      .steps(1)
      .expectRegs({ r0: 0x0403_0201 });
  });

  it('by any bytes at all', () => {
    const machine = engine.machine();
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 0xe000_0000, max: 0xefff_ffff })),
          {
            minLength: 16,
            maxLength: 64,
          },
        ),
        fc.boolean(),
        (words, thumb) => {
          const test = new CpuTest(machine).words(CODE, ...words);
          if (thumb) test.thumb();
          const { count } = test.start().machine;
          test.steps(500);
          expect(machine.count - count).toBeLessThanOrEqual(500);
          expect(['until', 'fault-loop', 'idle', 'shutdown', 'reset']).toContain(test.stop?.kind);
        },
      ),
      { numRuns: 60, seed: 20260 },
    );
  });
});

describeEngines('memory of 1 MiB and less', (engine) => {
  it.each([4096, 0x1_0000, 0x10_0000])('runs with %i bytes', (ramSize) => {
    const machine = engine.machine({ ramSize });
    machine.memory.writeBytes(RAM, Uint8Array.of(1, 0x00, 0xa0, 0xe3, 0xfe, 0xff, 0xff, 0xea));
    expect(machine.run({ until: 100 })).toEqual({ kind: 'until' });
    expect(machine.cpu.state.reg(0)).toBe(1);
  });
});
