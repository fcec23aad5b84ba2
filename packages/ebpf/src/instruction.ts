// SPDX-License-Identifier: Apache-2.0
// eBPF instructions as the kernel reads them (RFC 9669; may_goto from include/uapi/linux/bpf.h of Linux 6.9).
//
//   bits 7:0 opcode | 11:8 destination | 15:12 source | 31:16 offset, signed | 63:32 immediate, signed
//
// One instruction is 8 bytes, little-endian; a load of a 64-bit immediate is two of them.

export const CLASS = { ld: 0, ldx: 1, st: 2, stx: 3, alu: 4, jmp: 5, jmp32: 6, alu64: 7 } as const;

/** In bits 7:4 of arithmetic opcodes. */
export const ALU = {
  add: 0x00,
  sub: 0x10,
  mul: 0x20,
  div: 0x30,
  or: 0x40,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  neg: 0x80,
  mod: 0x90,
  xor: 0xa0,
  mov: 0xb0,
  arsh: 0xc0,
  end: 0xd0,
} as const;
export type AluName = keyof typeof ALU;

/** In bits 7:4 of jumps. `mayGoto` is a jump that the kernel takes when a loop has run for too long. */
export const JUMP = {
  always: 0x00,
  eq: 0x10,
  gt: 0x20,
  ge: 0x30,
  set: 0x40,
  ne: 0x50,
  sgt: 0x60,
  sge: 0x70,
  call: 0x80,
  exit: 0x90,
  lt: 0xa0,
  le: 0xb0,
  slt: 0xc0,
  sle: 0xd0,
  mayGoto: 0xe0,
} as const;

export type ConditionName = Exclude<keyof typeof JUMP, 'always' | 'call' | 'exit' | 'mayGoto'>;

/** The source operand is a register. */
export const SOURCE_REGISTER = 0x08;

/** In bits 4:3 of loads and stores, by the number of bytes. */
export const SIZE = { 4: 0x00, 2: 0x08, 1: 0x10, 8: 0x18 } as const;
export type Size = keyof typeof SIZE;

/** In bits 7:5 of loads and stores. */
export const MODE = { imm: 0x00, mem: 0x60, memsx: 0x80, atomic: 0xc0 } as const;

/** The immediate of an atomic store. `fetch` gives back what was there. */
export const ATOMIC = { add: 0x00, or: 0x40, and: 0x50, xor: 0xa0, fetch: 0x01, xchg: 0xe1, cmpxchg: 0xf1 } as const;

/** What the 64-bit immediate of a load stands for, in its source field. */
export const PSEUDO = { none: 0, mapFd: 1, mapValue: 2 } as const;

/** A load of a 64-bit immediate: its first instruction; the second has the upper half and opcode 0. */
export const LOAD_IMMEDIATE_64: number = CLASS.ld | SIZE[8] | MODE.imm;

export const INSTRUCTION_SIZE = 8;
export const REGISTERS = 11;
/** The frame pointer, which only reads: the stack lies below it. */
export const FRAME_POINTER = 10;
export const STACK_SIZE = 512;

export interface Instruction {
  readonly opcode: number;
  readonly destination: number;
  readonly source: number;
  /** Signed, 16 bits. Of a jump, in instructions from the next one. */
  readonly offset: number;
  /** Signed, 32 bits. */
  readonly immediate: number;
}

export function encode(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * INSTRUCTION_SIZE);
  const view = new DataView(bytes.buffer);
  instructions.forEach(({ opcode, destination, source, offset, immediate }, n) => {
    const at = n * INSTRUCTION_SIZE;
    view.setUint8(at, opcode);
    view.setUint8(at + 1, destination | (source << 4));
    view.setInt16(at + 2, offset, true);
    view.setInt32(at + 4, immediate, true);
  });
  return bytes;
}

/** `bytes` has a whole number of instructions. */
export function decode(bytes: Uint8Array): Instruction[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / INSTRUCTION_SIZE) }, (_, n) => {
    const at = n * INSTRUCTION_SIZE;
    const registers = view.getUint8(at + 1);
    return {
      opcode: view.getUint8(at),
      destination: registers & 15,
      source: registers >> 4,
      offset: view.getInt16(at + 2, true),
      immediate: view.getInt32(at + 4, true),
    };
  });
}
