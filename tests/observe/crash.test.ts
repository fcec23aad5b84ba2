// SPDX-License-Identifier: Apache-2.0
// Guests that hang, that can get nowhere and that fault for ever, and guests that only look so: what is found is the same to
// the letter in every engine and however the run is cut into slices.

import { type Finding, Sections } from '@plinth/core';
import { type DriverStop, type EngineKind, Machine } from '@plinth/machine';
import { CrashWatch, GuestSymbols, ObservedDriver, SymbolTable } from '@plinth/observe';
import { describe, expect, it } from 'vitest';
import {
  CODE,
  CpuTest,
  DATA,
  EngineUnderTest,
  ENGINES,
  RAM_SIZE,
  VECTORS,
} from '../../packages/machine/src/testing/contract.js';
import {
  a32,
  add,
  b,
  cmp,
  EQ,
  ldr,
  mcr,
  mov,
  mov32,
  mrc,
  NE,
  str,
  subs,
  subsPcLr,
  udf,
  wfi,
} from '../../packages/machine/src/testing/mnemonics.js';
import { codeOf, severalCpus, sleep, to } from '../../packages/machine/src/testing/several-cpus.js';
import { faultProgram, timerGuest } from '../../packages/machine/src/testing/timer-program.js';
import { BareDriver } from '../../packages/observe/src/testing/bare-driver.js';

const NOTHING_THERE = 0x2000_0000;
const UART = 0x0900_0000;
const MASK = a32('CPS', { imod: 3, I: 1, F: 1 });
/** Where the timer's guest lets interrupts come. */
const AT_THE_END_OF_SET_UP = CODE + 4 * 18;
const PATIENCE = 0.02;
/** Ends well behind the time that an interrupt may wait. */
const END = 8_000_000;

interface Guest {
  readonly saved: ReturnType<Machine['save']>;
  readonly cpus: number;
}

const model = new EngineUnderTest('interpreter');

function guest(put: (test: CpuTest) => CpuTest): Guest {
  const { machine } = put(new CpuTest(model.machine())).start();
  return { saved: machine.save(), cpus: 1 };
}

function guestOfSeveral(...programs: Parameters<typeof severalCpus>[1]): Guest {
  return { saved: severalCpus(model, programs).start().machine.save(), cpus: programs.length };
}

interface Outcome {
  readonly findings: readonly Finding[];
  readonly stop: DriverStop;
  readonly count: number;
}

interface Watching {
  readonly engine?: EngineKind;
  readonly slice?: number;
  readonly asked?: boolean;
  readonly action?: 'report' | 'stop';
  readonly until?: number;
}

function watch({ saved, cpus }: Guest, options: Watching = {}): Outcome {
  const { engine = 'translator', slice = 5_000_000, asked = false, action = 'report', until = END } = options;
  const machine = new Machine({ ramSize: RAM_SIZE, engine, cpus });
  machine.restore(new Sections('guest', saved));
  const symbols = new GuestSymbols(machine, new SymbolTable([]));
  const driver = new BareDriver(machine);
  const source = { machine, symbols, guest: () => undefined };
  const crashes = new CrashWatch({ ...source, driver, action, asked, hangSeconds: PATIENCE, asksHost: false });
  const observed = new ObservedDriver(driver, [crashes]);
  let stop: DriverStop = { kind: 'slice' };
  while (stop.kind === 'slice' && machine.count < until) {
    stop = observed.runSlice(Math.min(slice, until - machine.count), false);
  }
  crashes.close();
  return { findings: observed.takeFindings(), stop, count: machine.count };
}

/** The findings, after they were seen to be the same in every engine and for every slicing. */
function everywhere(one: Guest, options: Watching = {}): readonly Finding[] {
  const outcomes = ENGINES.map((engine, n) =>
    watch(one, { ...options, engine, slice: [5_000_000, 333_333, 7919][n]! }),
  );
  for (const { findings } of outcomes) expect(findings).toEqual(outcomes[0]!.findings);
  return outcomes[0]!.findings;
}

/** Until some interrupts have come. */
const waitForInterrupts = [ldr(0, 10), cmp(0, 5), b(-8, NE)];

describe('a CPU that hangs', () => {
  const spinning = guest((test) => timerGuest(test, [...waitForInterrupts, MASK, add(2, 2, 1), b(-4)]));

  it('is one that masks an interrupt for too long', () => {
    const [finding, ...more] = everywhere(spinning);
    expect(more).toEqual([]);
    expect(finding).toMatchObject({
      guard: 'crash',
      rule: 'hang',
      severity: 'high',
      verdict: 'report',
      subject: { cpu: 0 },
      evidence: { mode: 'svc', lastException: { kind: 'irq' } },
    });
    expect(finding!.message).toMatch(
      /^CPU 0 hangs: an interrupt has waited for 0\.0 s of virtual time and is masked, at 0x4000/,
    );
    // By virtual time: 4 ns an instruction.
    expect(finding!.time.instruction! * 4e-9).toBeGreaterThan(PATIENCE);
    expect(finding!.time.instruction! * 4e-9).toBeLessThan(PATIENCE + 3 * 720_720 * 4e-9);
  });

  it('ends the run at that instruction, if that is wanted', () => {
    const [found] = watch(spinning).findings;
    const { findings, stop, count } = watch(spinning, { action: 'stop', slice: 1_000_003 });
    expect([stop, count]).toEqual([{ kind: 'finding' }, found!.time.instruction]);
    expect(findings).toEqual([{ ...found, verdict: 'stop' }]);
  });

  it('is none while it takes interrupts, or never takes any', () => {
    const taking = guest((test) => timerGuest(test, [add(2, 2, 1), b(-4)]));
    // An interrupt waits, and the program masks it from its beginning.
    const never = guest((test) => timerGuest(test, []).code([add(2, 2, 1), b(-4)], AT_THE_END_OF_SET_UP));
    for (const one of [taking, never]) expect(everywhere(one)).toEqual([]);
  });

  it('is told of one of several, while the others work', () => {
    const gicAndTimer = [
      ...mov32(8, 0x0800_0000),
      ...mov32(9, 0x0801_0000),
      mov(0, 1),
      str(0, 8),
      str(0, 9),
      mov(0, 0xff),
      str(0, 9, 4),
      ...mov32(0, 1 << 27),
      str(0, 8, 0x100),
      mov(0, 37),
      mcr('CNTV_TVAL', 0),
      mov(0, 1),
      mcr('CNTV_CTL', 0),
    ];
    // It says of itself that it has been in IRQ mode.
    const used = [
      a32('CPS', { imod: 3, I: 1, M: 1, mode: 0x12 }),
      a32('MSR (immediate, SPSR)', { mask: 9, imm12: 0x13 }),
    ];
    const two = guestOfSeveral(
      ['work', add(2, 2, 1), to('work')],
      [...gicAndTimer, ...used, 'spin', add(2, 2, 1), to('spin')],
    );
    const [finding, ...more] = everywhere(two);
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ rule: 'hang', subject: { cpu: 1 }, evidence: { cpu: 1, mode: 'irq' } });
  });
});

describe('a CPU that can get nowhere', () => {
  it('branches to itself with interrupts masked', () => {
    const [finding, ...more] = everywhere(guest((test) => timerGuest(test, [...waitForInterrupts, MASK, b(0)])));
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ rule: 'wedged', severity: 'high', evidence: { lastException: { kind: 'irq' } } });
  });

  it('is in the handler of a fault that does nothing', () => {
    const crashed = guest((test) => test.code([...mov32(1, NOTHING_THERE), ldr(0, 1)]));
    expect(everywhere(crashed)).toMatchObject([
      {
        rule: 'wedged',
        severity: 'high',
        subject: { cpu: 0, address: VECTORS + 16 },
        evidence: {
          mode: 'abt',
          lastException: { kind: 'data-abort', from: `0x${(CODE + 8).toString(16)}`, instruction: 3 },
        },
      },
    ]);
  });

  it('has come to its end, if it is a program that never took an interrupt', () => {
    const ended = guest((test) => test.code([add(0, 0, 1), b(0)]));
    expect(everywhere(ended)).toMatchObject([{ rule: 'wedged', severity: 'info', verdict: 'report' }]);
    const { findings, stop } = watch(ended, { asked: true, action: 'stop' });
    expect(findings).toMatchObject([{ rule: 'wedged', severity: 'low', verdict: 'stop' }]);
    expect(stop).toEqual({ kind: 'finding' });
  });

  it('looks for ever at what nobody changes', () => {
    const loop = guest((test) => test.code([ldr(1, 10), cmp(1, 0), b(-8, EQ)]).regs({ r10: DATA }));
    const [finding, ...more] = everywhere(loop);
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ rule: 'wedged', severity: 'info' });
    expect(finding!.message).toContain('it is in an endless loop with interrupts masked');
  });

  it('is none that counts, asks a device, waits for a timer, or may be interrupted', () => {
    const counting = [ldr(1, 10), add(1, 1, 1), str(1, 10), mov(1, 0), b(-16)];
    const seldom = Array.from({ length: 14 }, () => add(3, 1, 0));
    const asking = [...mov32(2, UART), ldr(1, 2, 0x18), ...seldom, b(-60)];
    const timer = [...mov32(0, 2_000_000_000), mcr('CNTV_TVAL', 0), mov(0, 3), mcr('CNTV_CTL', 0)];
    const waiting = [...timer, mrc('CNTV_CTL', 1), b(-4)];
    for (const code of [counting, asking, waiting]) {
      expect(everywhere(guest((test) => test.code(code).regs({ r10: DATA })))).toEqual([]);
    }
    expect(everywhere(guest((test) => test.masked('f').code([b(0)])))).toEqual([]);
  });

  it('waits for an interrupt when none is enabled', () => {
    const off = guest((test) => test.code([wfi(), b(-4)]));
    expect(watch(off)).toMatchObject({ findings: [{ rule: 'wedged', severity: 'info' }], stop: { kind: 'idle' } });
    const enabled = [...mov32(8, 0x0800_0000), ...mov32(9, 0x0801_0000), mov(0, 1), str(0, 8), str(0, 9), mov(0, 0xff)];
    const serial = [str(0, 9, 4), mov(0, 2), str(0, 8, 0x104), wfi(), b(-4)];
    expect(watch(guest((test) => test.code([...enabled, ...serial])))).toMatchObject({
      findings: [],
      stop: { kind: 'idle' },
    });
  });

  it('may be parked among several', () => {
    expect(everywhere(guestOfSeveral(['work', add(2, 2, 1), to('work')], ['parked', to('parked')]))).toEqual([]);
    const all = everywhere(guestOfSeveral(['here', to('here')], ['parked', to('parked')]));
    expect(all.map(({ rule, subject }) => [rule, subject['cpu'], subject['address']])).toEqual([
      ['wedged', 0, codeOf(0) + 4 * 7],
      ['wedged', 1, codeOf(1)],
    ]);
    expect(everywhere(guestOfSeveral([...sleep], ['parked', to('parked')]))).toEqual([]);
  });
});

describe('a storm of exceptions', () => {
  it('is a handler that returns to the instruction that faults', () => {
    const code = (test: CpuTest): CpuTest => test.code([mov(0, 7), udf(), b(-4)]).code([subsPcLr(4)], VECTORS + 4);
    const [finding, ...more] = everywhere(guest(code), { until: 60_000 });
    expect(more).toEqual([]);
    expect(finding).toMatchObject({
      rule: 'exception-storm',
      severity: 'high',
      time: { instruction: 2 + 2 * 10_000 },
      subject: { cpu: 0, address: CODE + 4 },
      evidence: { mode: 'svc', exception: 'undefined', times: 10_000 },
    });
  });

  it('is a handler that faults itself', () => {
    const handler = [add(0, 0, 0), ldr(3, 1)];
    const [finding, ...more] = everywhere(
      guest((test) =>
        test
          .code([...mov32(1, NOTHING_THERE), ldr(3, 1)])
          .code([b(0x100 - 16)], VECTORS + 16)
          .code(handler, VECTORS + 0x100),
      ),
      { until: 60_000 },
    );
    expect(more).toEqual([]);
    expect(finding).toMatchObject({
      rule: 'exception-storm',
      subject: { address: VECTORS + 0x104 },
      evidence: { mode: 'abt', exception: 'data-abort', times: 1000 },
    });
  });

  it('ends the run behind the exception, if that is wanted', () => {
    const one = guest((test) => test.code([udf()]).code([subsPcLr(4)], VECTORS + 4));
    const { findings, stop, count } = watch(one, { action: 'stop' });
    expect([findings.length, stop.kind, count]).toEqual([1, 'finding', findings[0]!.time.instruction]);
  });

  it('is none where faults are mended, skipped or answered', () => {
    expect(everywhere(guest(faultProgram), { until: 200_000 })).toEqual([]);
    // An instruction that is emulated, always the same one, and nothing else.
    const emulated = guest((test) => test.code([udf(), b(-4)]).code([subsPcLr(0)], VECTORS + 4));
    expect(everywhere(emulated, { until: 60_000 })).toEqual([]);
    // One that its handler makes possible, and that is impossible again at the next round: VFP, on demand.
    const on = [...mov32(12, 0x4000_0000), a32('VMSR (FPEXC)', { Rt: 12 }), subsPcLr(4)];
    const lazy = guest((test) =>
      test
        .code([a32('VMSR (FPEXC)', { Rt: 11 }), a32('VMRS (FPSCR)', { Rt: 3 }), subs(4, 4, 1), b(-12)])
        .system({ CPACR: 0x00f0_0000 })
        .code([b(0x100 - 4)], VECTORS + 4)
        .code(on, VECTORS + 0x100),
    );
    expect(everywhere(lazy, { until: 200_000 })).toEqual([]);
  });
});
