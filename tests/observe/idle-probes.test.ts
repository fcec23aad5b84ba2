// SPDX-License-Identifier: Apache-2.0
// Probes that nothing touches cost nothing, which no clock can show as surely as this: the generated code is the same, byte
// for byte, and so is the number of slow paths.

import type { Machine } from '@plinth/machine';
import { Probes } from '@plinth/observe';
import { expect, it } from 'vitest';
import { CpuTest, DATA, describeEngines, RAM, RAM_SIZE } from '../../packages/machine/src/testing/contract.js';
import { a32, add, b, ldr, NE, str, subs } from '../../packages/machine/src/testing/mnemonics.js';
import { timerProgram } from '../../packages/machine/src/testing/timer-program.js';

interface Cost {
  /** Bytes of all modules that were made. */
  readonly modules: string[];
  slowPaths: number;
  readonly state: string;
}

/** Loads and stores through two pages, in a loop that becomes hot. */
const memoryLoop = (test: CpuTest): CpuTest =>
  test
    .code([ldr(0, 1), add(0, 0, 1), str(0, 1), a32('STMIA', { Rn: 3, list: 0b11 }), subs(2, 2, 1), b(-20, NE), b(0)])
    .regs({ r1: DATA, r2: 1_000_000, r3: DATA + 0x1ff8 });

const last = RAM + RAM_SIZE - 4096;

function arm(test: CpuTest): Probes {
  const probes = new Probes(test.machine as unknown as Machine);
  probes.memory({ start: last, length: 4096, access: 'both', space: 'physical' });
  probes.memory({ start: last, length: 64, access: 'both' });
  probes.memory({ start: 0xf000_0000, length: 4096, access: 'both', when: 'before' });
  probes.instruction({ first: last, last: last + 0xfff });
  probes.function(0xf000_0000, { entry: () => {}, return: () => {} });
  probes.exception(() => {});
  probes.exceptionReturn(() => {});
  probes.supervisorCall(() => {});
  probes.device(() => {});
  probes.translation(() => {});
  probes.console(() => {});
  return probes;
}

/** What a run comes to, with `WebAssembly.Module` and the CPU's slow paths looked at on the way. */
function costOf(test: CpuTest, instructions: number): Cost {
  const modules: string[] = [];
  const { Module } = WebAssembly;
  const { data } = test.machine.cpu;
  let slowPaths = 0;
  const [load, store] = [data.load.bind(data), data.store.bind(data)];
  data.load = (...args) => {
    slowPaths++;
    return load(...args);
  };
  data.store = (...args) => {
    slowPaths++;
    store(...args);
  };
  class Spied extends Module {
    constructor(bytes: Uint8Array<ArrayBuffer>) {
      super(bytes);
      modules.push(Buffer.from(bytes).toString('hex'));
    }
  }
  WebAssembly.Module = Spied;
  try {
    test.steps(instructions);
  } finally {
    WebAssembly.Module = Module;
  }
  return { modules, slowPaths, state: test.machine.stateHash() };
}

describeEngines('probes that nothing touches', (engine) => {
  for (const [name, make] of [
    ['loads and stores', memoryLoop],
    ['interrupts and calls', timerProgram],
  ] as const) {
    it(`change no code and no slow path: ${name}`, () => {
      // A machine of its own for each, or the second would meet what the first has decoded.
      const scene = (): CpuTest => make(new CpuTest(engine.machine())).start();
      const without = costOf(scene(), 400_000);
      const probed = scene();
      const probes = arm(probed);
      const withProbes = costOf(probed, 400_000);
      probes.removeAll();
      expect(withProbes).toEqual(without);
      expect(without.slowPaths).toBeGreaterThan(2);
      if (engine.kind !== 'interpreter') expect(without.modules.length).toBeGreaterThan(0);
    });
  }
});
