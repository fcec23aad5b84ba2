// SPDX-License-Identifier: Apache-2.0
// The intermediate representation: what one instruction does, as an ordered list of typed nodes. A node whose operands
// are all known when it is built is folded to a constant; so the same semantic function describes an instruction in
// general (interpreter: fields are values) and one instruction in particular (translator: fields are constants).

import type { ValueType } from '@plinth/wasmgen';

export interface Node {
  /** A WebAssembly instruction name for pure operations, else one of the names in `Special`. */
  readonly op: string;
  readonly type: ValueType | 'void';
  readonly args: readonly Node[];
  /** Constant, offset, size or description, by `op`. */
  readonly immediate: number | bigint;
  /** Text immediate (helper name), lane list or nested blocks, by `op`. */
  readonly extra: NodeExtra | undefined;
  /** Pure nodes may be dropped when unused, moved to their only use, and folded. */
  readonly pure: boolean;
  /** How many other nodes take this one as operand. */
  uses: number;
  /** Local that holds the value once emitted, or -1. */
  local: number;
}

export interface NodeExtra {
  readonly name?: string;
  readonly lanes?: readonly number[];
  readonly then?: Block;
  readonly otherwise?: Block;
  /** A field that is known not to be 15, so that comparisons with 15 fold to false. */
  readonly not15?: boolean;
}

export type Block = Node[];

/*
 * The operations that are not WebAssembly instructions, with their immediates and operands.
 * values:
 * - `const`: i32, i64 (bigint immediate)
 * - `v128.const`: lanes: 16 bytes
 * - `field`: instruction bits: immediate = shift | width << 8
 * - `pc`: address of the instruction
 * - `reg`: [index]: r0-r14; 15 reads the slot
 * - `flag`: immediate = state offset of N, Z, C or V word
 * - `cpu.load`: extra.name = load instruction, immediate = offset, [displacement]
 * - `temp`: immediate = temporary's number
 * - `guest.load`: immediate = access description, [address]
 * - `guest.host`: immediate = bytes | alignment << 8 | write << 16, [address, bytes if not known]: host address or 0
 * - `host.load`: extra.name = load instruction, immediate = offset, [host address]
 * - `call`: extra.name = helper, args
 * statements:
 * - `setReg`: [index, value]
 * - `setFlag`: immediate = state offset, [value]
 * - `cpu.store`: extra.name = store instruction, immediate = offset, [displacement, value]
 * - `setTemp`: immediate = temporary's number, [value]
 * - `guest.store`: immediate = access description, [address, value]
 * - `host.store`: extra.name = store instruction, immediate = offset, [host address, value]
 * - `if`: [condition], extra.then, extra.otherwise
 * - `rare`: the rest of the block may be left to the interpreter
 * - `jump`: [target]: leave the instruction, go on at the target in the same instruction set
 * - `abortCheck`: leave the instruction if the last helper gave it up
 */
