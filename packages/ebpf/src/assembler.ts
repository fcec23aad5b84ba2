// SPDX-License-Identifier: Apache-2.0
// Writes a program, instruction by instruction, with labels. A combination that no instruction has is an error here, at
// the line that asked for it, and nothing that the kernel has to refuse.

import { assert } from '@plinth/core';
import { HELPERS, type HelperName } from './helpers.js';
import {
  ALU,
  type AluName,
  ATOMIC,
  CLASS,
  type ConditionName,
  FRAME_POINTER,
  type Instruction,
  JUMP,
  LOAD_IMMEDIATE_64,
  MODE,
  PSEUDO,
  SIZE,
  type Size,
  SOURCE_REGISTER,
} from './instruction.js';
import type { MapDefinition, MapReference, Program, ProgramType } from './program.js';

/** A register as an operand; a number stands for itself. */
export interface Register {
  readonly register: number;
}

export type Operand = Register | number;

const register = (n: number): Register => ({ register: n });
/** Result of calls and of the program. */
export const R0: Register = register(0);
/** Arguments of calls, which keep none of them; R1 is the context at the start. */
export const R1: Register = register(1);
export const R2: Register = register(2);
export const R3: Register = register(3);
export const R4: Register = register(4);
export const R5: Register = register(5);
/** Kept over calls. */
export const R6: Register = register(6);
export const R7: Register = register(7);
export const R8: Register = register(8);
export const R9: Register = register(9);
/** The end of the stack, 512 bytes, which only reads. */
export const FP: Register = register(FRAME_POINTER);

export interface Label {
  /** Index of the instruction at which it stands, once it does. */
  at: number | undefined;
}

export class Assembler {
  readonly #name: string;
  readonly type: ProgramType;
  readonly #instructions: Instruction[] = [];
  readonly #jumps: { at: number; to: Label }[] = [];
  readonly #references: MapReference[] = [];
  readonly #maps = new Map<string, MapDefinition>();

  constructor(name: string, type: ProgramType) {
    this.#name = name;
    this.type = type;
  }

  /** Index of the next instruction. */
  get position(): number {
    return this.#instructions.length;
  }

  /** A label that stands nowhere yet. */
  label(): Label {
    return { at: undefined };
  }

  /** Puts a label here, a new one if none is given. */
  here(label: Label = this.label()): Label {
    assert(label.at === undefined, 'a label stands at one place');
    label.at = this.position;
    return label;
  }

  #emit(opcode: number, destination: number, source: number, offset: number, immediate: number): this {
    assert(offset >= -0x8000 && offset <= 0x7fff, `offset ${offset} does not fit into 16 bits`);
    assert(immediate >= -(2 ** 31) && immediate < 2 ** 32, `immediate ${immediate} does not fit into 32 bits`);
    this.#instructions.push({ opcode, destination, source, offset, immediate: immediate | 0 });
    return this;
  }

  #operand(opcode: number, destination: Register, operand: Operand, offset = 0): this {
    const target = destination.register;
    if (typeof operand !== 'number') return this.#emit(opcode | SOURCE_REGISTER, target, operand.register, offset, 0);
    // 64-bit operations extend the immediate by its sign: what is written has to be what is meant.
    const narrow = (opcode & 7) === CLASS.alu || (opcode & 7) === CLASS.jmp32;
    assert(operand < 2 ** (narrow ? 32 : 31), `immediate ${operand} would be extended by its sign`);
    return this.#emit(opcode, target, 0, offset, operand);
  }

  #arithmetic(kind: number, name: AluName, destination: Register, operand: Operand): this {
    assert(destination.register !== FRAME_POINTER, 'the frame pointer is not written');
    return this.#operand(kind | ALU[name], destination, operand);
  }

  /** 64 bits. */
  alu(name: Exclude<AluName, 'neg' | 'end'>, destination: Register, operand: Operand): this {
    return this.#arithmetic(CLASS.alu64, name, destination, operand);
  }

  /** The lower 32 bits; the upper half becomes zero. */
  alu32(name: Exclude<AluName, 'neg' | 'end'>, destination: Register, operand: Operand): this {
    return this.#arithmetic(CLASS.alu, name, destination, operand);
  }

  mov(destination: Register, operand: Operand): this {
    return this.alu('mov', destination, operand);
  }

  mov32(destination: Register, operand: Operand): this {
    return this.alu32('mov', destination, operand);
  }

  add(destination: Register, operand: Operand): this {
    return this.alu('add', destination, operand);
  }

  and(destination: Register, operand: Operand): this {
    return this.alu('and', destination, operand);
  }

  neg(destination: Register): this {
    return this.#emit(CLASS.alu64 | ALU.neg, destination.register, 0, 0, 0);
  }

  /** From or to network order: `bits` of the register, the others become zero. */
  toBigEndian(destination: Register, bits: 16 | 32 | 64): this {
    return this.#emit(CLASS.alu | ALU.end | SOURCE_REGISTER, destination.register, 0, 0, bits);
  }

  /** Unsigned. */
  load(size: Size, destination: Register, base: Register, offset: number): this {
    return this.#emit(CLASS.ldx | SIZE[size] | MODE.mem, destination.register, base.register, offset, 0);
  }

  store(size: Size, base: Register, offset: number, operand: Operand): this {
    if (typeof operand === 'number') {
      return this.#emit(CLASS.st | SIZE[size] | MODE.mem, base.register, 0, offset, operand);
    }
    return this.#emit(CLASS.stx | SIZE[size] | MODE.mem, base.register, operand.register, offset, 0);
  }

  /** Changes memory as one operation. */
  atomic(name: 'add' | 'or' | 'and' | 'xor', size: 4 | 8, base: Register, offset: number, source: Register): this {
    return this.#emit(CLASS.stx | SIZE[size] | MODE.atomic, base.register, source.register, offset, ATOMIC[name]);
  }

  loadImmediate64(destination: Register, value: bigint): this {
    const low = Number(BigInt.asIntN(32, value));
    const high = Number(BigInt.asIntN(32, value >> 32n));
    return this.#wide(destination, PSEUDO.none, low, high);
  }

  /** The map itself, as helpers want it. */
  loadMap(destination: Register, map: MapDefinition): this {
    this.#refer(map, {});
    return this.#wide(destination, PSEUDO.mapFd, 0, 0);
  }

  /** The address of a byte of the value at key 0 of an array, without a call and without a check. */
  loadMapValue(destination: Register, map: MapDefinition, valueOffset = 0): this {
    assert(map.type === 'array', `${map.name}: only the value of an array has a fixed address`);
    this.#refer(map, { valueOffset });
    return this.#wide(destination, PSEUDO.mapValue, 0, valueOffset);
  }

  #refer(map: MapDefinition, where: { valueOffset?: number }): void {
    const known = this.#maps.get(map.name);
    assert(known === undefined || known === map, `two maps are called ${map.name}`);
    this.#maps.set(map.name, map);
    this.#references.push({ instruction: this.position, map: map.name, ...where });
  }

  #wide(destination: Register, pseudo: number, low: number, high: number): this {
    this.#emit(LOAD_IMMEDIATE_64, destination.register, pseudo, 0, low);
    return this.#emit(0, 0, 0, 0, high);
  }

  #jump(opcode: number, destination: number, source: number, immediate: number, to: Label): this {
    this.#jumps.push({ at: this.position, to });
    return this.#emit(opcode, destination, source, 0, immediate);
  }

  jump(to: Label): this {
    return this.#jump(CLASS.jmp | JUMP.always, 0, 0, 0, to);
  }

  /** Compares 64 bits. */
  jumpIf(condition: ConditionName, left: Register, right: Operand, to: Label): this {
    return this.#conditional(CLASS.jmp, condition, left, right, to);
  }

  /** Compares the lower 32 bits. */
  jumpIf32(condition: ConditionName, left: Register, right: Operand, to: Label): this {
    return this.#conditional(CLASS.jmp32, condition, left, right, to);
  }

  #conditional(kind: number, condition: ConditionName, left: Register, right: Operand, to: Label): this {
    this.#jumps.push({ at: this.position, to });
    return this.#operand(kind | JUMP[condition], left, right);
  }

  /** Goes on, until the kernel has had enough of the loop; then it jumps. */
  mayGoto(to: Label): this {
    return this.#jump(CLASS.jmp | JUMP.mayGoto, 0, 0, 0, to);
  }

  call(helper: HelperName): this {
    return this.#emit(CLASS.jmp | JUMP.call, 0, 0, 0, HELPERS[helper].id);
  }

  exit(): this {
    return this.#emit(CLASS.jmp | JUMP.exit, 0, 0, 0, 0);
  }

  /** The program; all labels that are jumped to stand somewhere. */
  finish(): Program {
    for (const { at, to } of this.#jumps) {
      assert(to.at !== undefined, `instruction ${at} jumps to a label that stands nowhere`);
      const offset = to.at - at - 1;
      assert(offset >= -0x8000 && offset <= 0x7fff, `instruction ${at} jumps too far: ${offset} instructions`);
      this.#instructions[at] = { ...this.#instructions[at]!, offset };
    }
    return {
      name: this.#name,
      type: this.type,
      instructions: [...this.#instructions],
      references: [...this.#references],
      maps: [...this.#maps.values()],
    };
  }
}
