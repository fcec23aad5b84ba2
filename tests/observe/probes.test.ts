// SPDX-License-Identifier: Apache-2.0
// Probes on small programs: each kind in every engine, what it is told and what it may do; and that no watched access is
// missed, against a model that knows every access of a random program.

import type { Machine } from '@plinth/machine';
import { Probes } from '@plinth/observe';
import { expect, it } from 'vitest';
import {
  CODE,
  cpu,
  type CpuTest,
  DATA,
  describeEngines,
  VECTOR,
  VECTORS,
} from '../../packages/machine/src/testing/contract.js';
import {
  a32,
  add,
  b,
  bl,
  bx,
  here,
  ldr,
  mov,
  mov32,
  movsPcLr,
  NE,
  str,
  subs,
  svc,
} from '../../packages/machine/src/testing/mnemonics.js';
import { timerProgram } from '../../packages/machine/src/testing/timer-program.js';

const UART = 0x0900_0000;
const PUSH_LR = a32('STMDB', { W: 1, Rn: 13, list: 0x4010 });
const POP_PC = a32('LDMIA', { W: 1, Rn: 13, pc: 1, list: 0x10 });

/** The scenes are of the machine's sources, probes of the built room. */
const probesOn = ({ machine }: CpuTest): Probes => new Probes(machine as unknown as Machine);

describeEngines('probes', (engine) => {
  it('tell of functions with their arguments and results, also of recursion', () => {
    // sum(n) = n == 0 ? 0 : n + sum(n - 1)
    const sum = [
      PUSH_LR,
      a32('MOV (register)', { Rd: 4, Rm: 0 }),
      subs(0, 0, 0),
      b(16, 0),
      subs(0, 0, 1),
      bl(0x100 - 0x114),
      a32('ADD (register)', { Rd: 0, Rn: 0, Rm: 4 }),
      POP_PC,
    ];
    const test = cpu(engine)
      .code([mov(0, 3), bl(0xfc), mov(0, 2), bl(0xf4), here()])
      .code(sum, CODE + 0x100)
      .regs({ sp: DATA + 0x800 })
      .start();
    const probes = probesOn(test);
    const seen: string[] = [];
    const probe = probes.function(CODE + 0x100, {
      entry: ({ cpu: at, caller }) => void seen.push(`in ${at.argument(0)} from ${(caller - CODE).toString(16)}`),
      return: ({ result }) => void seen.push(`out ${result}`),
    });
    test.steps(200);
    expect(seen).toEqual([
      'in 3 from 8',
      'in 2 from 118',
      'in 1 from 118',
      'in 0 from 118',
      'out 0',
      'out 1',
      'out 3',
      'out 6',
      'in 2 from 10',
      'in 1 from 118',
      'in 0 from 118',
      'out 0',
      'out 1',
      'out 3',
    ]);
    expect(probe.hits).toBe(7);
    probe.remove();
    expect(probes.list).toEqual([]);
  });

  it('come and go while a hot loop runs, and count exactly', () => {
    const test = cpu(engine)
      .code([add(0, 0, 1), str(0, 1), subs(2, 2, 1), b(-12, NE), here()])
      .regs({ r1: DATA, r2: 400_000 })
      .start();
    const probes = probesOn(test);
    test.steps(200_000);
    const stores = probes.memory({ start: DATA, length: 4 });
    const places = probes.instruction({ first: CODE, last: CODE + 4 });
    const blocks = probes.countBlocks();
    const ways = probes.countEdge(CODE + 12, CODE);
    test.steps(200_000);
    // The block in which counting began was entered before.
    expect([stores.hits, places.hits, blocks.hits, ways.hits]).toEqual([50_000, 100_000, 49_999, 49_999]);
    probes.removeAll();
    test.steps(200_000);
    expect([stores.hits, places.hits, ways.hits]).toEqual([50_000, 100_000, 49_999]);
    test.expectRegs({ r0: 150_000 });
  });

  it('tell of loads and stores, virtual and physical, with what was there before', () => {
    const test = cpu(engine)
      .code([mov(0, 7), str(0, 1), ldr(3, 1), str(2, 1), here()])
      .regs({ r1: DATA, r2: 9 })
      .start();
    const probes = probesOn(test);
    const seen: string[] = [];
    for (const space of ['virtual', 'physical'] as const) {
      probes.memory({ start: DATA + 1, length: 1, space, access: 'both' }, ({ cpu: at, ...event }) => {
        seen.push(`${space} ${at.pc - CODE} ${event.write} ${event.value} ${event.before}`);
      });
    }
    test.steps(4);
    test.machine.memory.writeBytes(DATA, Uint8Array.of(1, 2));
    probes.removeAll();
    const device = test.machine.instructionAddress - CODE;
    expect(seen.toSorted()).toEqual(
      [
        'physical 4 true 7 undefined',
        'virtual 4 true 7 0',
        'physical 8 false 7 undefined',
        'virtual 8 false 7 7',
        'physical 12 true 9 undefined',
        'virtual 12 true 9 7',
        `physical ${device} true 513 undefined`,
      ].toSorted(),
    );
  });

  it('stop before or after, skip, change registers and memory, send elsewhere', () => {
    const test = cpu(engine)
      .code([mov(0, 1), str(0, 1), bl(0x100 - 8), add(4, 0, 0), here()])
      .code([mov(0, 5), bx(14)], CODE + 0x100)
      .regs({ r1: DATA })
      .start();
    const probes = probesOn(test);
    const before = probes.memory({ start: DATA, when: 'before' }, () => 'stop');
    test.steps(10).expectPc(CODE + 4);
    before.remove();
    const skipped = probes.memory({ start: DATA, when: 'before' }, ({ cpu: at }) => {
      at.write(DATA + 4, Uint8Array.of(0xaa));
      return 'skip';
    });
    const replaced = probes.function(CODE + 0x100, {
      entry: ({ cpu: at }) => {
        at.setRegister(0, 77);
        at.jump(at.lr);
      },
    });
    test
      .steps(4)
      .expectPc(CODE + 16)
      .expectRegs({ r4: 77 });
    expect([skipped.hits, replaced.hits]).toEqual([1, 1]);
    expect([test.machine.memory.peek(DATA, 4), test.machine.memory.peek(DATA + 4, 4)]).toEqual([0, 0xaa]);
    probes.removeAll();
  });

  it('tell of calls, exceptions, interrupts, devices, translations and the console', () => {
    const test = cpu(engine)
      .code([mov(7, 4), svc(0), ...mov32(1, UART), mov(0, 72), str(0, 1), a32('UDF'), here()])
      .code([movsPcLr()], VECTORS + VECTOR.svc)
      .start();
    const probes = probesOn(test);
    const seen: string[] = [];
    probes.supervisorCall(({ number, cpu: at }) => void seen.push(`call ${number} at ${at.pc - CODE}`));
    probes.exception(({ exception, from }) => void seen.push(`${exception} from ${from - CODE}`));
    probes.exceptionReturn(({ to }) => void seen.push(`return to ${to - CODE}`));
    probes.device(({ device, value, write }) => void seen.push(`${device} ${write ? 'write' : 'read'} ${value}`));
    probes.console(({ byte }) => void seen.push(`console ${String.fromCharCode(byte)}`));
    test.steps(12);
    probes.removeAll();
    const undefinedAt = 4 * (2 + mov32(1, UART).length + 2);
    expect(seen).toEqual([
      'call 4 at 4',
      'supervisor-call from 4',
      'return to 8',
      'console H',
      'uart0 write 72',
      `undefined from ${undefinedAt}`,
    ]);
  });

  it('leave the run as it is, to the last bit', () => {
    const plain = timerProgram(cpu(engine)).steps(100_000).machine.stateHash();
    const test = timerProgram(cpu(engine));
    const probes = probesOn(test);
    probes.countBlocks();
    probes.block({ first: VECTORS, last: VECTORS + 0xfff }, () => {});
    probes.instruction({ first: CODE + 0x40, last: CODE + 0x50 });
    probes.memory({ start: DATA, length: 64, access: 'both' });
    const interrupts = probes.interrupt(() => {});
    expect(test.steps(100_000).machine.stateHash()).toBe(plain);
    expect(interrupts.hits).toBeGreaterThan(100);
    probes.removeAll();
  });
});
