// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { Lockstep, Machine } from './index.js';

/** A loop of `add r0, r0, #1; cmp r0, r1; bne` up to 65536, then a loop of its own. */
const CODE = [0xe3a00000, 0xe3a01801, 0xe2800001, 0xe1500001, 0x1afffffc, 0xeafffffe];
const BASE = 0x4000_8000;

function machine(engine: 'interpreter' | 'translator'): Machine {
  const made = new Machine({ engine, ramSize: 1 << 20 });
  const bytes = new Uint8Array(new Int32Array(CODE).buffer);
  const registers = { r0: 0, r1: 0, r2: 0 };
  made.load({ segments: [{ address: BASE, bytes }], entry: BASE, thumb: false, registers });
  return made;
}

test('two engines agree over a loop that becomes hot', () => {
  const pair = new Lockstep(machine('interpreter'), machine('translator'));
  expect(pair.run({ until: 300_000 })).toEqual({ kind: 'until' });
  expect(pair.translator.engine.translator?.regions).toBeGreaterThan(0);
  expect(pair.interpreter.cpu.state.reg(0)).toBe(65536);
});

test('a difference in a register or in memory is found and said', () => {
  const pair = new Lockstep(machine('interpreter'), machine('translator'));
  pair.run({ until: 10_000 });
  pair.translator.cpu.state.setReg(7, 42);
  const found = pair.run({ until: 20_000 });
  expect(found).toMatchObject({ kind: 'diverged', after: 10_000, differences: ['r7: 0x00000000, 0x0000002a'] });

  const other = new Lockstep(machine('interpreter'), machine('translator'));
  other.translator.memory.writeBytes(BASE + 0x1000, Uint8Array.of(1));
  expect(other.run({ until: 1_000 })).toMatchObject({ differences: ['memory from 0x40009000 on'] });
});

test('the end of the guest is compared with all memory', () => {
  const OFF = [0xe3000008, 0xe3480400, 0xe1400070]; // movw, movt r0, #0x84000008; hvc #0: PSCI SYSTEM_OFF
  const [one, two] = (['interpreter', 'translator'] as const).map((engine) => {
    const made = machine(engine);
    made.memory.writeBytes(BASE + 0x14, new Uint8Array(new Int32Array(OFF).buffer));
    return made;
  });
  const pair = new Lockstep(one!, two!);
  expect(pair.run({ until: 1_000 })).toEqual({ kind: 'until' });
  two!.memory.writeBytes(BASE + 0x1000, Uint8Array.of(1));
  expect(pair.run({ until: 2_000 })).toEqual({ kind: 'until' });
  expect(pair.run({ until: 300_000 })).toMatchObject({ differences: ['memory from 0x40009000 on'] });
});
