// SPDX-License-Identifier: Apache-2.0
// Programs of random arithmetic, jumps ahead and accesses to the stack, which the verifier takes and whose result hangs on each
// of their instructions.

import {
  type AluName,
  Assembler,
  type ConditionName,
  FP,
  type Label,
  type Program,
  R0,
  R6,
  R7,
  R8,
  R9,
  type Register,
  type Size,
} from '@plinth/ebpf';

export interface Numbers {
  below(below: number): number;
  pick<T>(values: readonly T[]): T;
}

const TWO_OPERANDS: readonly Exclude<AluName, 'neg' | 'end'>[] = [
  'add',
  'sub',
  'mul',
  'div',
  'or',
  'and',
  'lsh',
  'rsh',
  'mod',
  'xor',
  'mov',
  'arsh',
];
const CONDITIONS: readonly ConditionName[] = ['eq', 'ne', 'gt', 'ge', 'lt', 'le', 'sgt', 'sge', 'slt', 'sle', 'set'];
const REGISTERS: readonly Register[] = [R0, R6, R7, R8, R9];
const INTERESTING = [
  0n,
  1n,
  2n,
  31n,
  63n,
  0x7fn,
  0x80n,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  2n ** 63n,
  2n ** 64n - 1n,
];
/** Bytes of the stack that are used. */
const STACK = 64;

export function randomProgram(random: Numbers, length: number): Program {
  const a = new Assembler('random', 'schedCls');
  const value = (): bigint =>
    random.below(2) === 0
      ? random.pick(INTERESTING)
      : (BigInt(random.below(0x1_0000_0000)) << 32n) | BigInt(random.below(0x1_0000_0000));
  for (const register of REGISTERS) a.loadImmediate64(register, value());
  for (let at = 8; at <= STACK; at += 8) a.store(8, FP, -at, random.pick(REGISTERS));
  const open: { label: Label; at: number }[] = [];
  for (let n = 0; n < length; n++) {
    for (const { label } of open.filter(({ at }) => at === n)) a.here(label);
    one(a, random, (ahead) => {
      const label = a.label();
      open.push({ label, at: Math.min(length, n + 1 + ahead) });
      return label;
    });
  }
  for (const { label } of open.filter(({ at }) => at === length)) a.here(label);
  for (const register of [R6, R7, R8, R9]) a.alu('xor', R0, register).alu('mul', R0, 0x1000193);
  for (let at = 8; at <= STACK; at += 8) a.load(8, R6, FP, -at).alu('xor', R0, R6).alu('mul', R0, 0x1000193);
  // The kernel gives back 32 bits of it.
  a.mov(R6, R0).alu('rsh', R6, 32).alu('xor', R0, R6).exit();
  return a.finish();
}

function one(a: Assembler, random: Numbers, ahead: (by: number) => Label): void {
  const target = random.pick(REGISTERS);
  const source = random.pick(REGISTERS);
  switch (random.below(8)) {
    case 0:
      a.neg(target);
      return;
    case 1:
      a.toBigEndian(target, random.pick([16, 32, 64] as const));
      return;
    case 2: {
      const size = random.pick([1, 2, 4, 8] as const satisfies readonly Size[]);
      const at = -size * (1 + random.below(STACK / size));
      if (random.below(2) === 0) a.load(size, target, FP, at);
      else a.store(size, FP, at, random.below(2) === 0 ? source : random.below(0x7fff_ffff));
      return;
    }
    case 3: {
      const condition = random.pick(CONDITIONS);
      const operand = random.below(2) === 0 ? source : random.below(0x7fff_ffff) - 0x3fff_ffff;
      const label = ahead(random.below(6));
      if (random.below(2) === 0) a.jumpIf(condition, target, operand, label);
      else a.jumpIf32(condition, target, operand, label);
      return;
    }
    default: {
      const name = random.pick(TWO_OPERANDS);
      const wide = random.below(2) === 0;
      let operand: Register | number = source;
      if (random.below(2) === 0) {
        const shift = name === 'lsh' || name === 'rsh' || name === 'arsh';
        // The verifier refuses constants by which no shift and no division is defined.
        operand = shift ? random.below(wide ? 64 : 32) : random.below(0x7fff_fffe) + 1;
      }
      if (wide) a.alu(name, target, operand);
      else a.alu32(name, target, operand);
    }
  }
}
