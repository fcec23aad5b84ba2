// SPDX-License-Identifier: Apache-2.0
// The basic blocks of a program, and what any program has to hold to: what the kernel checks first.

import { PlinthError } from '@plinth/core';
import { CLASS, type Instruction, JUMP, LOAD_IMMEDIATE_64 } from './instruction.js';

export interface BasicBlock {
  /** Instructions [first, end). */
  readonly first: number;
  readonly end: number;
  /** Blocks that may come next: of a conditional jump the one behind it, then the one it leads to. */
  readonly successors: readonly number[];
}

/** What the instruction does to the flow. */
export function flowOf({ opcode, offset, immediate }: Instruction): {
  kind: 'next' | 'jump' | 'branch' | 'exit';
  by: number;
} {
  const kind = opcode & 7;
  if (kind !== CLASS.jmp && kind !== CLASS.jmp32) return { kind: 'next', by: 0 };
  const jump = opcode & 0xf0;
  if (jump === JUMP.exit) return { kind: 'exit', by: 0 };
  if (jump === JUMP.call) return { kind: 'next', by: 0 };
  // A long jump has its distance in the immediate.
  if (jump === JUMP.always) return { kind: 'jump', by: kind === CLASS.jmp32 ? immediate : offset };
  return { kind: 'branch', by: offset };
}

/** Raises a typed error for a jump that leaves the program or leads into a 64-bit load, and for an end without an exit. */
export function basicBlocks(program: string, instructions: readonly Instruction[]): BasicBlock[] {
  const fail = (at: number, what: string): never => {
    const message = `program ${program}: instruction ${at}: ${what}`.replace(/\p{Cc}/gu, '?');
    throw new PlinthError('input', 'ebpf-flow', message);
  };
  const second = new Uint8Array(instructions.length + 1);
  for (let at = 0; at < instructions.length; at++) {
    if (instructions[at]!.opcode !== LOAD_IMMEDIATE_64) continue;
    if (at + 1 === instructions.length) fail(at, 'a 64-bit load without its second half');
    second[++at] = 1;
  }
  const leads = new Uint8Array(instructions.length + 1);
  leads[0] = 1;
  instructions.forEach((instruction, at) => {
    if (second[at] === 1) return;
    const { kind, by } = flowOf(instruction);
    if (kind === 'next') return;
    leads[at + 1] = 1;
    if (kind === 'exit') return;
    const to = at + 1 + by;
    if (to < 0 || to >= instructions.length || second[to] === 1) fail(at, `it jumps to ${to}, where no instruction is`);
    leads[to] = 1;
  });
  const starts = instructions.flatMap((_, at) => (leads[at] === 1 ? [at] : []));
  const blockAt = new Map(starts.map((at, block) => [at, block]));
  return starts.map((first, block) => {
    const end = starts[block + 1] ?? instructions.length;
    const last = end - 1;
    const { kind, by } = second[last] === 1 ? { kind: 'next' as const, by: 0 } : flowOf(instructions[last]!);
    if (kind !== 'exit' && kind !== 'jump' && end === instructions.length)
      fail(last, 'the program ends without an exit');
    const target = blockAt.get(end + by)!;
    const successors =
      kind === 'exit' ? [] : kind === 'jump' ? [target] : kind === 'branch' ? [block + 1, target] : [block + 1];
    return { first, end, successors };
  });
}
