// SPDX-License-Identifier: Apache-2.0
// Several CPUs in one machine: turns, the firmware's power functions, interrupts and events between CPUs, exclusives, and
// what one CPU changes under another: code, translation tables. Every engine must do the same, however a run is sliced.

import { CPU } from '@plinth/arm';
import type { SectionCodec } from '@plinth/core';
import { describe, expect, it } from 'vitest';
import type { Instruction } from '../testing/assemble.js';
import { Machine } from '../machine.js';
import { saveSnapshot, Snapshot } from '../snapshot/snapshot.js';
import {
  CODE,
  type CpuTest,
  DATA,
  describeEngines,
  EngineUnderTest,
  RAM,
  RAM_SIZE,
  TABLES,
  VECTORS,
} from '../testing/contract.js';
import {
  a32,
  add,
  bx,
  cmp,
  EQ,
  ldr,
  ldrex,
  mcr,
  mov,
  mov32,
  mrc,
  NE,
  sev,
  str,
  strex,
  subs,
  subsPcLr,
  wfe,
} from '../testing/mnemonics.js';
import { PageTables } from '../testing/page-tables.js';
import { codeOf, hvc, labelled, type Part, severalCpus, sleep, to, turnOn } from '../testing/several-cpus.js';
import { QUANTUM } from './turns.js';

const GICD = 0x0800_0000;
const GICC = 0x0801_0000;
const FOREVER = 100_000_000;
const asIs: SectionCodec = { deflate: async (bytes) => bytes, inflate: async (bytes) => bytes };

/** Takes about `turns` turns: two instructions a round. */
const delay = (turns: number, label: string): Part[] => [
  ...mov32(12, (turns * QUANTUM) / 2),
  label,
  subs(12, 12, 1),
  to(label, NE),
];

const psci = (number: number, r1 = 0, r2 = 0): Instruction[] => [
  ...mov32(0, 0x8400_0000 + number),
  ...mov32(1, r1),
  ...mov32(2, r2),
  hvc(),
];

/** r4 points to a word that this adds one to, `rounds` times. */
const countUp = (rounds: number, exclusive: boolean): Part[] => [
  ...mov32(4, DATA),
  ...mov32(5, rounds),
  'again',
  exclusive ? ldrex(6, 4) : ldr(6, 4),
  add(6, 6, 1),
  exclusive ? strex(7, 6, 4) : str(6, 4),
  ...(exclusive ? [cmp(7, 0), to('again', NE)] : []),
  subs(5, 5, 1),
  to('again', NE),
];

function idle(test: CpuTest): CpuTest {
  return test.steps(FOREVER);
}

describeEngines('exclusives of several CPUs', (engine) => {
  const rounds = 6000;

  it.each([2, 4, 8])('add up: %i CPUs', (cpus) => {
    const test = severalCpus(engine, Array<Part[]>(cpus).fill([...countUp(rounds, true), ...sleep]));
    expect(idle(test).stop).toEqual({ kind: 'idle' });
    test.expectWords(DATA, cpus * rounds);
  });

  it('are needed for it: plain loads and stores lose counts', () => {
    const test = severalCpus(engine, Array<Part[]>(3).fill([...countUp(rounds, false), ...sleep]));
    idle(test);
    expect(test.machine.memory.peek(DATA, 4)).toBeLessThan(3 * rounds);
  });

  it('fail after another CPU has stored and stored back', () => {
    const test = severalCpus(engine, [
      [...mov32(4, DATA), ldrex(6, 4), ...delay(2, 'wait'), strex(7, 6, 4), ...sleep],
      [...mov32(4, DATA), mov(5, 9), str(5, 4), mov(5, 0), str(5, 4), ...sleep],
    ]);
    idle(test).expectRegs({ r7: 1 });
    test.expectWords(DATA, 0);
  });

  it('do not fail at the end of a turn when no other CPU executes', () => {
    const test = severalCpus(engine, [
      [...mov32(4, DATA), ldrex(6, 4), ...delay(2, 'wait'), strex(7, 6, 4), ...sleep],
      sleep,
    ]);
    // CPU 1 gets its first turn, in which it falls asleep, before the loop of CPU 0 would have ended.
    test.code([...turnOn(1), ...labelled([...delay(2, 'first'), ...mov32(4, DATA), ldrex(6, 4), ...delay(2, 'wait')])]);
    const end = CODE + 4 * (7 + 4 + 2 + 1 + 4);
    test.code(labelled([strex(7, 6, 4), ...sleep]), end);
    idle(test).expectRegs({ r7: 0 });
  });
});

describeEngines('interrupts between CPUs', (engine) => {
  const MESSAGES = 50;
  const COUNT = DATA + 0x40;

  /** Counts, and answers the sender of SGI 1 with the same, but for the last. */
  const handler = labelled([
    a32('STMDB', { W: 1, Rn: 13, list: 0b1_1111 }),
    ...mov32(4, GICC),
    ldr(0, 4, 12),
    a32('UBFX', { Rd: 1, Rn: 0, lsb: 10, widthm1: 2 }),
    ldr(2, 10),
    add(2, 2, 1),
    str(2, 10),
    str(0, 4, 16),
    cmp(2, MESSAGES),
    to('last', EQ),
    ...mov32(3, 0x1_0000),
    mov(2, 1),
    a32('ADD (register-shifted register)', { Rd: 2, Rn: 2, Rm: 3, Rs: 1 }),
    ...mov32(4, GICD),
    a32('ADD (immediate)', { Rd: 4, Rn: 4, imm12: 0xc0f }),
    str(2, 4),
    'last',
    a32('LDMIA', { W: 1, Rn: 13, list: 0b1_1111 }),
    subsPcLr(4),
  ]);

  /** Interrupts on; r10 points to this CPU's count. */
  const receive = (cpu: number): Part[] => [
    ...mov32(0, VECTORS),
    mcr('VBAR', 0),
    ...mov32(10, COUNT + 4 * cpu),
    a32('CPS', { imod: 0, M: 1, mode: 0x12 }),
    ...mov32(13, DATA + 0x400 + 0x100 * cpu),
    a32('CPS', { imod: 0, M: 1, mode: 0x13 }),
    ...mov32(9, GICC),
    mov(0, 1),
    str(0, 9),
    mov(0, 0xff),
    str(0, 9, 4),
    a32('CPS', { imod: 2, I: 1 }),
  ];

  /** Turns the distributor on and sends SGI 1 to CPU 1. */
  const send: Part[] = [
    ...mov32(8, GICD),
    mov(0, 1),
    str(0, 8),
    ...mov32(0, 0x2_0001),
    a32('ADD (immediate)', { Rd: 8, Rn: 8, imm12: 0xc0f }),
    str(0, 8),
  ];

  const scene = (loop: readonly Part[], last: readonly Part[] = [], on = engine): CpuTest =>
    severalCpus(on, [[...receive(0), ...send, ...loop], [...receive(1), ...loop], ...(last.length > 0 ? [last] : [])])
      .code([a32('B', { imm24: (0x100 - 24 - 8) >> 2 })], VECTORS + 24)
      .code(handler, VECTORS + 0x100);

  it('go to and fro between sleeping CPUs', () => {
    const test = scene(sleep);
    expect(idle(test).stop).toEqual({ kind: 'idle' });
    test.expectWords(COUNT, MESSAGES - 1, MESSAGES);
    // Nobody waits for a turn to end.
    expect(test.machine.count).toBeLessThan(MESSAGES * 80);
  });

  it('reach CPUs that compute', () => {
    const test = scene(['forever', add(7, 7, 1), to('forever')]);
    test.steps(2 * MESSAGES * 2 * QUANTUM + 8 * QUANTUM).expectWords(COUNT, MESSAGES - 1, MESSAGES);
  });

  it('and everything else is the same in every slicing, and after a restore', async () => {
    const make = (on = engine): Machine =>
      scene(
        ['forever', ...countUp(200, true), to('forever')],
        [...countUp(1, true), wfe(), ...countUp(7000, true), ...sleep],
        on,
      ).start().machine;
    const end = 9 * QUANTUM + 17;
    const whole = make();
    whole.run({ until: end });
    expect(whole.memory.peek(COUNT, 4)).toBeGreaterThan(2);
    const hash = whole.stateHash();
    for (const slice of [1, 97, QUANTUM]) {
      const machine = make();
      while (machine.count < end) machine.run({ until: Math.min(end, machine.count + slice) });
      expect([slice, machine.stateHash()]).toEqual([slice, hash]);
    }
    for (const stop of [5, 3 * QUANTUM + 4711, 4 * QUANTUM]) {
      const machine = make();
      machine.run({ until: stop });
      const restored = new Machine({ ramSize: RAM_SIZE, engine: engine.kind, cpus: 3 });
      const file = Buffer.concat(await saveSnapshot(machine, asIs));
      (await Snapshot.open(file, 'F', asIs)).restore(restored);
      restored.run({ until: end });
      expect([stop, restored.stateHash()]).toEqual([stop, hash]);
    }
    const interpreter = make(new EngineUnderTest('interpreter'));
    interpreter.run({ until: end });
    expect(interpreter.stateHash()).toBe(hash);
  });
});

// CPU 0 begins with an event, for the frame of the tests starts it by an exception return.
describeEngines('WFE and SEV', (engine) => {
  const FLAG = DATA + 0x40;
  const waiter: Part[] = [...mov32(4, FLAG), 'look', wfe(), ldr(0, 4), cmp(0, 0), to('look', EQ), ...sleep];

  it('waits without executing until the event comes', () => {
    const test = severalCpus(engine, [
      [...mov32(4, FLAG), ...delay(5, 'wait'), mov(0, 1), str(0, 4), sev(), ...sleep],
      waiter,
    ]);
    expect(idle(test).stop).toEqual({ kind: 'idle' });
    expect(test.machine.count).toBeLessThan(5 * QUANTUM + 40);
    expect(test.machine.cpus[1]!.state.reg(0)).toBe(1);
  });

  it('takes an event that has come before', () => {
    const test = severalCpus(engine, [
      [...mov32(4, FLAG), mov(0, 1), str(0, 4), sev(), wfe(), add(9, 9, 1), wfe(), add(9, 9, 1), ...sleep],
      waiter,
    ]);
    expect(idle(test).stop).toEqual({ kind: 'idle' });
    // An event is taken once, by each CPU; CPU 1 began after this one.
    test.expectRegs({ r9: 1 });
    expect(test.machine.cpus[1]!.state.reg(0)).toBe(1);
  });

  it('is idle when nothing could send an event', () => {
    const test = severalCpus(engine, [
      [wfe(), ...sleep],
      [wfe(), ...sleep],
    ]);
    expect(idle(test).stop).toEqual({ kind: 'idle' });
  });

  it('goes on with the event stream of its timer', () => {
    // Events at each rise of bit 9 of the counter: every 1024 ticks of 16 ns.
    const test = severalCpus(engine, [
      [
        ...mov32(0, 4 | (9 << 4)),
        mcr('CNTKCTL', 0),
        wfe(),
        mov(9, 3),
        'again',
        wfe(),
        subs(9, 9, 1),
        to('again', NE),
        ...sleep,
      ],
      sleep,
    ]);
    expect(idle(test).stop).toEqual({ kind: 'idle' });
    const ticks = Math.floor(test.machine.clock.now() / 16);
    expect(Math.floor(ticks / 512)).toBe(5);
  });

  it('is ended by an interrupt that is not masked, and by no other', () => {
    for (const [masked, rounds] of [
      ['aif', 0],
      ['af', 1],
    ] as const) {
      const test = severalCpus(engine, [[wfe(), wfe(), add(9, 9, 1), ...sleep], sleep]).masked(masked);
      test.steps(100);
      test.code([add(8, 8, 1), subsPcLr(4)], VECTORS + 24);
      test.interrupt('irq');
      test.steps(2);
      test.interrupt('irq', false);
      test.steps(100);
      expect(test.machine.cpu.state.reg(9)).toBe(rounds);
    }
  });

  it('loses no time with one CPU', () => {
    const test = severalCpus(engine, [[wfe(), sev(), wfe(), wfe(), mov(9, 1), ...sleep]]);
    test.steps(5).expectRegs({ r9: 1 });
  });
});

describeEngines('firmware calls of several CPUs', (engine) => {
  const RESULTS = DATA + 0x40;
  const keep = (slot: number): Instruction[] => [...mov32(4, RESULTS), str(0, 4, 4 * slot)];

  it('tell which CPUs there are and which are on', () => {
    const test = severalCpus(engine, [
      [
        ...keep(0), // of CPU_ON
        ...[0, 1, 2].flatMap((cpu) => [...psci(4, cpu), ...keep(1 + cpu)]),
        ...psci(3, 1, codeOf(1)),
        ...keep(4),
        ...psci(3, 7, codeOf(1)),
        ...keep(5),
        ...delay(2, 'wait'),
        ...psci(4, 1),
        ...keep(6),
        ...psci(4, 0, 1),
        ...keep(7),
        ...psci(10, 0x8400_0002),
        ...keep(8),
        ...sleep,
      ],
      [mrc('MPIDR', 9), ...psci(2), mov(9, 99)],
    ]);
    expect(idle(test).stop).toEqual({ kind: 'idle' });
    test.expectWords(RESULTS, 0, 0, 0, -2, -4, -2, 1, 0, 0);
    expect(test.machine.cpus[1]!.state.reg(9) >>> 0).toBe(0x8000_0001);
  });

  it('turn a CPU on again, from power-on state, with its context and in T32 if asked', () => {
    const thumb = CODE + 0x3000;
    const test = severalCpus(engine, [
      [...delay(2, 'wait'), ...turnOn(1, thumb + 1), ...sleep],
      [mov(5, 7), mcr('TPIDRURW', 5), a32('CPS', { imod: 2, I: 1 }), ...psci(2)],
    ]);
    // movs r6, r0; mrc p15, 0, r7, c13, c0, 2; wfi; b .
    test.memory(thumb, [0x06, 0x00, 0x1d, 0xee, 0x50, 0x7f, 0x30, 0xbf, 0xfe, 0xe7]);
    test.steps(2 * QUANTUM + 200);
    const { state } = test.machine.cpus[1]!;
    expect(state.thumb).toBe(true);
    expect([state.reg(6), state.reg(7), state.reg(5), state.cpsr & 0x1ff]).toEqual([1, 0, 0, 0x1f3]);
  });

  it('end in idleness when the last CPU turns itself off, whatever its timer is set to', () => {
    const test = severalCpus(engine, [
      [mov(0, 9), mcr('CNTV_TVAL', 0), mov(0, 1), mcr('CNTV_CTL', 0), ...psci(2), mov(9, 1), ...sleep],
    ]);
    expect(idle(test).stop).toEqual({ kind: 'idle' });
    test.expectRegs({ r9: 0 });
  });
});

describeEngines('timers of several CPUs', (engine) => {
  it('are their own', () => {
    const test = severalCpus(engine, [
      [...mov32(0, 1_000_000), mcr('CNTV_TVAL', 0), ...delay(2, 'wait'), mrc('CNTV_TVAL', 9), ...sleep],
      [...mov32(0, 5_000_000), mcr('CNTV_TVAL', 0), mrc('CNTV_TVAL', 9), ...sleep],
    ]);
    idle(test);
    const [first, second] = test.machine.cpus.map(({ state }) => state.reg(9));
    expect(first).toBeGreaterThan(990_000);
    expect(first).toBeLessThan(1_000_000);
    expect(second).toBeGreaterThan(4_999_000);
  });
});

describeEngines('what one CPU does to another', (engine) => {
  it('is code that it writes: the other executes it', () => {
    const callee = CODE + 0x3000;
    const test = severalCpus(engine, [
      [
        ...mov32(4, callee),
        ...delay(8, 'wait'),
        ...mov32(5, 0xe3a0_0002), // mov r0, #2
        str(5, 4),
        mcr('DCCMVAU', 4),
        a32('DSB', { option: 15 }),
        mcr('ICIMVAU', 4),
        sev(),
        ...sleep,
      ],
      [
        ...mov32(4, callee),
        'again',
        a32('BLX (register)', { Rm: 4 }),
        add(6, 6, 1),
        cmp(0, 2),
        to('again', NE),
        mov(9, 1),
        ...sleep,
      ],
    ]).code([mov(0, 1), bx(14)], callee);
    expect(idle(test).stop).toEqual({ kind: 'idle' });
    const { state } = test.machine.cpus[1]!;
    expect(state.reg(9)).toBe(1);
    expect(state.reg(6)).toBeGreaterThan(QUANTUM);
  });

  const WINDOW = 0x5000_0000;
  const [FIRST, SECOND] = [RAM + 0x9000, RAM + 0xa000];
  const mmuOn = (tables: number): Instruction[] => [
    ...mov32(0, tables),
    mcr('TTBR0', 0),
    ...mov32(0, 0x5555_5555),
    mcr('DACR', 0),
    mrc('SCTLR', 0),
    a32('ORR (immediate)', { Rd: 0, Rn: 0, imm12: 1 }),
    mcr('SCTLR', 0),
  ];
  const put = (test: CpuTest, tables: PageTables): CpuTest => {
    for (const [address, word] of tables.entries()) test.words(address, word);
    return test;
  };

  it('is a mapping that it changes and tells all', () => {
    const tables = new PageTables(TABLES).section(RAM, RAM).page(WINDOW, FIRST);
    const test = severalCpus(engine, [
      [
        ...mmuOn(TABLES),
        ...delay(6, 'wait'),
        ...mov32(4, tables.secondLevel(WINDOW)),
        ...mov32(5, PageTables.pageDescriptor(SECOND)),
        str(5, 4),
        ...mov32(4, WINDOW),
        mcr('TLBIMVAIS', 4),
        ...sleep,
      ],
      [...mmuOn(TABLES), ...mov32(4, WINDOW), 'again', ldr(0, 4), str(0, 4, 4), cmp(0, 2), to('again', NE), ...sleep],
    ]);
    put(test, tables).words(FIRST, 1, 0).words(SECOND, 2, 0);
    expect(idle(test).stop).toEqual({ kind: 'idle' });
    test.expectWords(FIRST, 1, 1).expectWords(SECOND, 2, 2);
  });

  it('is not its own choice of tables, however many it makes', () => {
    const mine = new PageTables(TABLES).section(RAM, RAM).page(WINDOW, FIRST);
    const other = new PageTables(TABLES + 0x8000).section(RAM, RAM).page(WINDOW, SECOND);
    const test = severalCpus(engine, [
      [
        ...mmuOn(mine.base),
        ...mov32(4, WINDOW),
        ...mov32(7, 6000),
        'again',
        add(8, 8, 1),
        a32('AND (immediate)', { Rd: 8, Rn: 8, imm12: 31 }),
        mcr('CONTEXTIDR', 8),
        ldr(0, 4),
        cmp(0, 1),
        to('wrong', NE),
        str(7, 4, 4),
        subs(7, 7, 1),
        to('again', NE),
        mov(9, 1),
        'wrong',
        ...sleep,
      ],
      [
        ...mmuOn(other.base),
        ...mov32(4, WINDOW),
        ...mov32(7, 9000),
        'again',
        ldr(0, 4),
        cmp(0, 2),
        to('wrong', NE),
        str(7, 4, 4),
        subs(7, 7, 1),
        to('again', NE),
        mov(9, 1),
        'wrong',
        ...sleep,
      ],
    ]);
    put(put(test, mine), other).words(FIRST, 1, 0).words(SECOND, 2, 0);
    expect(idle(test).stop).toEqual({ kind: 'idle' });
    expect(test.machine.cpus.map(({ state }) => state.reg(9))).toEqual([1, 1]);
    test.expectWords(FIRST, 1, 1).expectWords(SECOND, 2, 1);
  });

  it('is no share in its registers', () => {
    const test = severalCpus(engine, [
      [mov(5, 1), ...sleep],
      [mov(5, 2), ...sleep],
      [mov(5, 3), ...sleep],
    ]);
    idle(test);
    expect(test.machine.cpus.map(({ state }) => state.reg(5))).toEqual([1, 2, 3]);
    expect(test.machine.cpus.map(({ state }) => state.get(CPU.control) & 0x1f)).toEqual([0x13, 0x13, 0x13]);
  });
});

describe('turns', () => {
  it('are of one size for CPUs that compute', () => {
    const test = severalCpus(new EngineUnderTest('interpreter'), Array<Part[]>(4).fill(['on', add(7, 7, 1), to('on')]));
    test.steps(40 * QUANTUM + 123);
    const counts = test.machine.cpus.map(({ state }) => state.reg(7));
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(QUANTUM);
    expect(Math.min(...counts)).toBeGreaterThan(4 * QUANTUM);
  });

  it('are refused to more CPUs than the board has room for', () => {
    expect(() => new Machine({ cpus: 9 })).toThrow('cpus: the board virt takes 1 to 8 CPUs, not 9');
    expect(() => new Machine({ cpus: 0 })).toThrow('cpus: the board virt takes 1 to 8 CPUs, not 0');
  });
});
