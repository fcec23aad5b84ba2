// SPDX-License-Identifier: Apache-2.0
// A filter of system calls as seccomp(2) takes it: instructions of classic BPF, made of what becomes of each call. Calls that are not
// named are refused; numbers that are not known do not exist. (Documentation/userspace-api/seccomp_filter.rst of Linux 6.16.)

import { CALL, type CallName } from './x64-calls.js';

export type CallVerdict = 'allow' | { readonly error: number } | 'notify';

/** What an argument has to be for a verdict; of all that are asked, the first one that holds decides. */
export interface ArgumentTest {
  /** From 0 on. Only its lower 32 bits are looked at. */
  readonly argument: number;
  readonly is: 'equal' | 'any-bit-of';
  readonly value: number;
  readonly verdict: CallVerdict;
}

export interface CallRule {
  readonly verdict: CallVerdict;
  /** A call that is allowed without any never runs the filter: the kernel remembers it by its number (from Linux 5.11 on). */
  readonly unless?: readonly ArgumentTest[];
}

export interface CallFilter {
  readonly rules: ReadonlyMap<CallName, CallRule>;
  /** Of a call that the kernel may know and that has no rule. */
  readonly others: CallVerdict;
}

const INSTRUCTION_SIZE = 8;
/** BPF_LD | BPF_W | BPF_ABS, BPF_JMP | {JEQ, JGE, JSET, JA} | BPF_K, BPF_RET | BPF_K. */
const OP = { load: 0x20, equal: 0x15, greaterOrEqual: 0x35, anyBit: 0x45, jump: 0x05, give: 0x06 } as const;
/** Of struct seccomp_data: the number, the architecture, the arguments. */
const DATA = { number: 0, architecture: 4, arguments: 16, argument: 8 } as const;
const ARCHITECTURE_X64 = 0xc000_003e;
/** Numbers of the x32 ABI. */
const X32 = 0x4000_0000;
const RETURN = { killProcess: 0x8000_0000, error: 0x0005_0000, notify: 0x7fc0_0000, allow: 0x7fff_0000 } as const;
/** ENOSYS. */
const NO_SUCH_CALL = 38;

interface Instruction {
  readonly op: number;
  readonly value: number;
  readonly ifTrue: number;
  readonly ifFalse: number;
}

/** @returns instructions of 8 bytes, little-endian */
export function buildCallFilter(filter: CallFilter): Uint8Array {
  const code: Instruction[] = [];
  const emit = (op: number, value: number, ifTrue = 0, ifFalse = 0): void =>
    void code.push({ op, value, ifTrue, ifFalse });
  emit(OP.load, DATA.architecture);
  emit(OP.equal, ARCHITECTURE_X64, 1, 0);
  emit(OP.give, RETURN.killProcess);
  emit(OP.load, DATA.number);
  emit(OP.greaterOrEqual, X32, 0, 1);
  emit(OP.give, answer({ error: NO_SUCH_CALL }));
  code.push(...search(ranges(filter)));
  const bytes = new Uint8Array(INSTRUCTION_SIZE * code.length);
  const view = new DataView(bytes.buffer);
  code.forEach(({ op, value, ifTrue, ifFalse }, n) => {
    const at = INSTRUCTION_SIZE * n;
    view.setUint16(at, op, true);
    view.setUint8(at + 2, ifTrue);
    view.setUint8(at + 3, ifFalse);
    view.setUint32(at + 4, value, true);
  });
  return bytes;
}

/** Numbers from `from` on, up to the next range, which are all treated alike. */
interface Range {
  readonly from: number;
  readonly rule: CallRule;
}

function ranges({ rules, others }: CallFilter): Range[] {
  const byNumber = new Map(Object.entries(CALL).map(([name, number]) => [number, name as CallName]));
  const last = Math.max(...byNumber.keys());
  const unknown: CallRule = { verdict: { error: NO_SUCH_CALL } };
  const all: Range[] = [];
  for (let number = 0; number <= last + 1; number++) {
    const name = byNumber.get(number);
    const rule = name === undefined ? unknown : (rules.get(name) ?? { verdict: others });
    const before = all.at(-1)?.rule;
    const alike =
      before !== undefined &&
      before.unless === undefined &&
      rule.unless === undefined &&
      answer(before.verdict) === answer(rule.verdict);
    if (!alike) all.push({ from: number, rule });
  }
  return all;
}

/** Halves the ranges until one is left, so that a call is found in a few steps. */
function search(all: readonly Range[]): Instruction[] {
  if (all.length === 1) return decide(all[0]!.rule);
  const middle = all.length >> 1;
  const [lower, upper] = [search(all.slice(0, middle)), search(all.slice(middle))];
  // Conditional jumps reach 255 instructions, the other kind any.
  return [
    { op: OP.greaterOrEqual, value: all[middle]!.from, ifTrue: 0, ifFalse: 1 },
    { op: OP.jump, value: lower.length, ifTrue: 0, ifFalse: 0 },
    ...lower,
    ...upper,
  ];
}

function decide({ verdict, unless = [] }: CallRule): Instruction[] {
  const tests = unless.flatMap((test): Instruction[] => [
    { op: OP.load, value: DATA.arguments + DATA.argument * test.argument, ifTrue: 0, ifFalse: 0 },
    { op: test.is === 'equal' ? OP.equal : OP.anyBit, value: test.value, ifTrue: 0, ifFalse: 1 },
    { op: OP.give, value: answer(test.verdict), ifTrue: 0, ifFalse: 0 },
  ]);
  return [...tests, { op: OP.give, value: answer(verdict), ifTrue: 0, ifFalse: 0 }];
}

function answer(verdict: CallVerdict): number {
  if (verdict === 'allow') return RETURN.allow;
  return verdict === 'notify' ? RETURN.notify : RETURN.error + verdict.error;
}
