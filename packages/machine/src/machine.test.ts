// SPDX-License-Identifier: Apache-2.0
import { CPU, MODE, SYSTEM } from '@plinth/arm';
import { PlinthError, VirtualTime } from '@plinth/core';
import { describe, expect, it } from 'vitest';
import { Machine } from './machine.js';
import {
  CODE,
  cpu,
  CpuTest,
  DATA,
  describeEngines,
  type EngineUnderTest,
  RAM,
  RAM_SIZE,
  TABLES,
} from './testing/contract.js';
import { add, b, cmp, here, mcr, mov, mov32, NE, str, wfi } from './testing/mnemonics.js';
import { PageTables } from './testing/page-tables.js';
import { faultProgram, timerProgram } from './testing/timer-program.js';

type Scene = (engine: EngineUnderTest) => CpuTest;

const mapped = (): PageTables => new PageTables(TABLES).section(RAM, RAM).section(0x0800_0000, 0x0800_0000);

const scenes: readonly [string, number, Scene][] = [
  ['timer interrupts, loops and IT blocks', 400, (engine) => timerProgram(cpu(engine))],
  ['waits for interrupts', 400, (engine) => timerProgram(cpu(engine), true)],
  ['aborts, undefined instructions and calls', 400, (engine) => faultProgram(cpu(engine)).mmu(mapped())],
];

/** A scene on the shared machine, begun at a tick of the 62.5 MHz counter, for its timer must not show when that was. */
function begin(engine: EngineUnderTest, scene: Scene): CpuTest {
  const test = scene(engine).start();
  const { machine } = test;
  machine.time.elapsed += 16 - (machine.clock.now() % 16);
  return test;
}

/** Hash of the state after each count, by single steps. */
function singleSteps(test: CpuTest, count: number): string[] {
  const hashes = [];
  for (let n = 0; n <= count; n++) {
    hashes.push(test.machine.stateHash());
    test.steps(1);
  }
  return hashes;
}

const reference = new Map<string, string[]>();
const hotReference = new Map<string, string[]>();

describeEngines('run until a count', (engine) => {
  it.each(scenes)('stops exactly: %s', (name, count, scene) => {
    const stepped = singleSteps(begin(engine, scene), count);
    // All engines against the first, which is the interpreter.
    const expected = reference.get(name) ?? stepped;
    reference.set(name, expected);
    expect(stepped).toEqual(expected);
    const stride = 7;
    for (let n = 0; n <= count; n += n < 60 ? 1 : stride) {
      const test = begin(engine, scene);
      const { machine } = test;
      const before = machine.count;
      test.steps(n);
      expect(test.stop).toEqual({ kind: 'until' });
      expect(machine.count - before).toBe(n);
      expect([n, machine.stateHash()]).toEqual([n, expected[n]]);
      // And once more from there, to the end.
      test.steps(count - n);
      expect([n, machine.stateHash()]).toEqual([n, expected[count]]);
    }
  });

  it.each(scenes)('stops exactly in hot code: %s', (name, _, scene) => {
    // Far enough for the translator to have translated the loops; then in uneven strides.
    const test = begin(engine, scene).steps(2_500_000);
    const seen: string[] = [];
    for (let i = 0, stride = 1; i < 250; i++, stride = (stride * 7 + 3) % 41) {
      const before = test.machine.count;
      test.steps(stride);
      seen.push(`${test.machine.count - before === stride} ${test.machine.stateHash()}`);
    }
    const expected = hotReference.get(name) ?? seen;
    hotReference.set(name, expected);
    expect(seen).toEqual(expected);
    if (engine.kind !== 'interpreter') expect(test.machine.engine.translator!.regions).toBeGreaterThan(0);
  });

  it('does not move for a count that has passed, or that is none', () => {
    const test = cpu(engine).code([here()]).steps(10);
    const { machine } = test;
    const { count } = machine;
    for (const until of [count, count - 5, 0, -1, NaN]) expect(machine.run({ until })).toEqual({ kind: 'until' });
    expect(machine.run({ until: count + 0.9 })).toEqual({ kind: 'until' });
    expect(machine.count).toBe(count);
  });

  it('does not depend on the slices', () => {
    const total = 20_000;
    const run = (slice: number, wait: boolean): [string, number] => {
      const test = timerProgram(new CpuTest(engine.machine()), wait).start();
      const { machine } = test;
      const end = machine.count + total;
      while (machine.count < end) machine.run({ until: Math.min(end, machine.count + slice) });
      return [machine.stateHash(), machine.clock.now()];
    };
    for (const wait of [false, true]) {
      const whole = run(total, wait);
      expect(whole).toEqual(run(total, wait));
      for (const slice of [1, 13, 997]) expect([slice, ...run(slice, wait)]).toEqual([slice, ...whole]);
    }
    const test = timerProgram(new CpuTest(engine.machine())).steps(total);
    expect(test.machine.memory.peek(DATA, 4)).toBeGreaterThan(50);
  });

  it('stops before the next instruction when asked to, whatever else comes up', () => {
    const seen: number[] = [];
    const machine = engine.machine({
      onConsole: (byte) => {
        seen.push(byte);
        machine.stop();
      },
    });
    const test = new CpuTest(machine).code([str(0, 1), add(2, 2, 1), here()]).regs({ r0: 65, r1: 0x0900_0000 });
    test
      .steps(10)
      .expectPc(CODE + 4)
      .expectRegs({ r2: 0 });
    expect(test.stop).toEqual({ kind: 'requested' });
    expect(seen).toEqual([65]);
    test.steps(1).expectRegs({ r2: 1 });
    expect(test.stop).toEqual({ kind: 'until' });
    // On the very last instruction of the run as well.
    new CpuTest(machine)
      .code([str(0, 1), here()])
      .regs({ r0: 66, r1: 0x0900_0000 })
      .steps(1);
    machine.stop();
    expect(machine.run({ until: machine.count + 5 })).toEqual({ kind: 'requested' });
    expect(machine.run({ until: machine.count + 5 })).toEqual({ kind: 'until' });
  });

  it('refuses to be called from inside itself', () => {
    const machine = engine.machine({ onConsole: () => machine.run({ until: Infinity }) });
    const test = new CpuTest(machine).code([str(0, 1), here()]).regs({ r1: 0x0900_0000 });
    expect(() => test.steps(5)).toThrow('not called from inside run');
  });
});

describeEngines('several machines in one process', (engine) => {
  it('do not know of each other', () => {
    const alone = timerProgram(new CpuTest(engine.machine())).steps(5000).machine.stateHash();
    const first = timerProgram(new CpuTest(engine.machine())).start();
    const second = faultProgram(new CpuTest(engine.machine())).mmu(mapped()).start();
    for (let i = 0; i < 50; i++) {
      first.steps(100);
      second.steps(77);
    }
    expect(first.machine.stateHash()).toBe(alone);
    expect(first.machine.count).toBe(second.machine.count + 50 * 23);
  });

  it('share the time of one scheduler', () => {
    const time = new VirtualTime();
    const machines = [engine.machine({ time }), engine.machine({ time, nanosecondsPerInstruction: 10 })] as const;
    const counting = () => [add(0, 0, 1), b(-4)];
    const [first, second] = machines.map((machine) => new CpuTest(machine).code(counting()).start()) as [
      CpuTest,
      CpuTest,
    ];
    const fired: [number, number, number][] = [];
    const note = () => void fired.push([machines[0].clock.now(), machines[0].count, machines[1].count]);
    time.events.schedule(100, note);
    time.events.schedule(1000, note);
    first.steps(20);
    second.steps(50);
    first.steps(200);
    expect(time.elapsed).toBe(20 * 4 + 50 * 10 + 200 * 4);
    expect(fired).toEqual([
      [100, 20, 2],
      [1000, 125, 50],
    ]);
    expect(first.reg('r0') + second.reg('r0')).toBe((20 + 200 + 50) / 2);
  });

  it('get their timer interrupts while another runs', () => {
    const time = new VirtualTime();
    const first = new CpuTest(engine.machine({ time })).code([here()]).start();
    const second = timerProgram(new CpuTest(engine.machine({ time })), true).steps(60);
    const rounds = second.machine.memory.peek(DATA, 4)!;
    first.steps(10_000);
    second.steps(11);
    expect(second.machine.memory.peek(DATA, 4)).toBe(rounds + 1);
  });
});

describeEngines('the state hash', (engine) => {
  it('sees registers of every bank, system registers and every byte of RAM', () => {
    const test = cpu(engine).start();
    const { machine } = test;
    const seen = new Set([machine.stateHash()]);
    const changes: (() => void)[] = [
      () => test.state.setReg(3, 1),
      () => test.state.setReg(15, CODE + 4),
      () => test.state.setBanked(MODE.fiq, 8, 1),
      () => test.state.setBanked(MODE.usr, 13, 1),
      () => test.state.setBanked(MODE.und, 14, 1),
      () => test.state.set(SYSTEM.TTBR0, 1),
      () => test.state.set(CPU.vectors + 252, 1),
      () => test.state.set(CPU.flagC, 1),
      () => test.memory(RAM, [1]),
      () => test.memory(RAM + RAM_SIZE - 1, [1]),
    ];
    for (const change of changes) {
      change();
      seen.add(machine.stateHash());
    }
    expect(seen.size).toBe(changes.length + 1);
  });

  it('does not see how an engine keeps a flag', () => {
    const test = cpu(engine).start();
    const { machine } = test;
    const before = machine.stateHash();
    test.state.set(CPU.flagN, 0x1234);
    test.state.set(CPU.flagZ, 0x4321);
    expect(machine.stateHash()).toBe(before);
  });
});

describeEngines('waiting for an interrupt', (engine) => {
  it('skips the time to the next event and takes its interrupt', () => {
    const test = timerProgram(new CpuTest(engine.machine()), true).steps(2000);
    const { machine } = test;
    expect(machine.memory.peek(DATA, 4)).toBeGreaterThan(10);
    expect(machine.clock.now()).toBeGreaterThan(2000 * 4);
  });

  it('comes back instead when the caller wants to pass the time, and waits on until an interrupt comes', () => {
    const test = cpu(engine)
      .masked('')
      .code([...mov32(0, 1000), mcr('CNTV_TVAL', 0), mov(0, 1), mcr('CNTV_CTL', 0), wfi(), mov(1, 1), here()])
      .start();
    const { machine } = test;
    const started = machine.clock.now();
    const stop = machine.run({ until: Infinity, waitForEvents: true });
    expect(stop).toEqual({ kind: 'waiting', until: expect.any(Number) as number });
    expect((stop as { until: number }).until - started).toBeGreaterThanOrEqual(16_000);
    machine.passTime(1000);
    expect(machine.run({ until: Infinity, waitForEvents: true })).toEqual(stop);
    test.expectRegs({ r1: 0 });
    test.interrupt('irq');
    test.steps(1).expectMode('irq');
  });

  it('says that it is idle when nothing can ever come', () => {
    const test = cpu(engine)
      .code([wfi(), mov(1, 1), here()])
      .steps(100);
    expect(test.stop).toEqual({ kind: 'idle' });
    test.expectPc(CODE + 4).steps(100);
    expect(test.stop).toEqual({ kind: 'idle' });
    test.interrupt('irq').steps(1).expectRegs({ r1: 1 });
  });

  it('is over at once when an interrupt is pending, masked or not', () => {
    cpu(engine)
      .code([wfi(), mov(1, 1), here()])
      .interrupt('fiq')
      .steps(2)
      .expectRegs({ r1: 1 });
  });

  it('ends by an interrupt only, not by any event', () => {
    const test = cpu(engine)
      .masked('if')
      .code([wfi(), mov(1, 1), here()])
      .start();
    const { machine } = test;
    machine.events.schedule(machine.clock.now() + 500, () => {});
    test.steps(100).expectRegs({ r1: 0 });
    expect(test.stop).toEqual({ kind: 'idle' });
  });

  it('outlasts a stop at exactly its count', () => {
    const test = cpu(engine)
      .masked('')
      .code([
        ...mov32(0, 1000),
        mcr('CNTV_TVAL', 0),
        mov(0, 1),
        mcr('CNTV_CTL', 0),
        wfi(),
        mov(1, 1),
        cmp(1, 0),
        b(-4, NE),
      ])
      .steps(6)
      .expectPc(CODE + 24);
    const { machine } = test;
    const { count } = machine;
    machine.stop();
    expect(machine.run({ until: count + 1 })).toEqual({ kind: 'requested' });
    expect(machine.run({ until: count + 1 })).toEqual({ kind: 'idle' });
    expect(machine.count).toBe(count);
  });

  it('does not hang on a timer set to the end of days', () => {
    const test = cpu(engine).code([wfi(), here()]).start();
    test.machine.timer(test.machine.cpu).write64(3, 1n << 62n);
    test.machine.timer(test.machine.cpu).write(3, 1, 1);
    test.steps(100);
    expect(test.stop).toEqual({ kind: 'idle' });
  });
});

describe('a size of RAM that cannot be', () => {
  it.each([5000, 1_000_001, 0, -4096, 4096.5, NaN, Infinity])('is refused in one line: %d', (ramSize) => {
    const why = `memory: ${ramSize} bytes are no whole number of 4096-byte pages; give for example 268435456`;
    expect(() => new Machine({ ramSize })).toThrow(new PlinthError('input', 'ram-size', why));
  });

  it('is refused where it is more than the board takes', () => {
    const why = 'memory: the board virt takes 3072 MiB at most';
    expect(() => new Machine({ ramSize: 2 ** 32 })).toThrow(new PlinthError('input', 'ram-too-large', why));
  });
});
