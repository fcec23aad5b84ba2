// SPDX-License-Identifier: Apache-2.0
// Runs a program instruction by instruction, by the letter of RFC 9669 and slowly: the one that others are compared with.
// Every access is looked up; one that the verifier would have refused is a typed error with its instruction.

import { PlinthError } from '@plinth/core';
import { helperName, HELPERS } from '../helpers.js';
import {
  ALU,
  ATOMIC,
  CLASS,
  FRAME_POINTER,
  JUMP,
  LOAD_IMMEDIATE_64,
  MODE,
  REGISTERS,
  SIZE,
  SOURCE_REGISTER,
} from '../instruction.js';
import type { Environment } from './environment.js';

/** Instructions after which a program is taken to run for ever. */
const MOST_INSTRUCTIONS = 100_000_000;
/** How often the kernel lets may_goto go on (BPF_MAX_LOOPS). */
export const MOST_LOOPS = 0x80_0000;

const BYTES: Readonly<Record<number, 1 | 2 | 4 | 8>> = { [SIZE[1]]: 1, [SIZE[2]]: 2, [SIZE[4]]: 4, [SIZE[8]]: 8 };

/** Runs over the packet that is present; gives the lower half of R0. */
export function interpret(environment: Environment): number {
  return Number(BigInt.asUintN(32, new Run(environment).run()));
}

class Run {
  readonly #environment: Environment;
  readonly #registers = new BigUint64Array(REGISTERS);
  #at = 0;
  #loops = MOST_LOOPS;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#registers[1] = BigInt(environment.context);
    this.#registers[FRAME_POINTER] = BigInt(environment.frame);
  }

  run(): bigint {
    const { instructions } = this.#environment;
    const registers = this.#registers;
    for (let count = 0; count < MOST_INSTRUCTIONS; count++) {
      const instruction = instructions[this.#at];
      if (instruction === undefined) this.#fail('the program ends here without an exit');
      const { opcode, destination, source, offset, immediate } = instruction;
      const kind = opcode & 7;
      const operand = (opcode & SOURCE_REGISTER) === 0 ? BigInt.asUintN(64, BigInt(immediate)) : registers[source]!;
      switch (kind) {
        case CLASS.alu:
        case CLASS.alu64:
          registers[destination] = this.#arithmetic(opcode, registers[destination]!, operand, offset, immediate);
          break;
        case CLASS.ld: {
          if (opcode !== LOAD_IMMEDIATE_64) this.#fail('a load that is not simulated');
          const high = instructions[this.#at + 1]?.immediate ?? 0;
          registers[destination] = (BigInt.asUintN(32, BigInt(high)) << 32n) | BigInt.asUintN(32, BigInt(immediate));
          this.#at++;
          break;
        }
        case CLASS.ldx:
          registers[destination] = this.#load(opcode, registers[source]!, offset);
          break;
        case CLASS.st:
          this.#store(opcode, registers[destination]!, offset, BigInt(immediate));
          break;
        case CLASS.stx:
          if ((opcode & 0xe0) === MODE.atomic) this.#atomic(opcode, destination, source, offset, immediate);
          else this.#store(opcode, registers[destination]!, offset, registers[source]!);
          break;
        default: {
          const jump = opcode & 0xf0;
          if (jump === JUMP.exit) return registers[0]!;
          if (jump === JUMP.call) this.#call(immediate);
          else if (this.#taken(opcode, registers[destination]!, operand)) {
            // A long jump has its distance in the immediate.
            this.#at += kind === CLASS.jmp32 && jump === JUMP.always ? immediate : offset;
          }
        }
      }
      this.#at++;
    }
    return this.#fail(`more than ${MOST_INSTRUCTIONS} instructions`);
  }

  #call(id: number): void {
    const name = helperName(id);
    if (name === undefined) this.#fail(`helper function ${id} is not simulated`);
    for (const n of HELPERS[name].pointers) {
      const pointer = this.#registers[1 + n]!;
      if (pointer >> 32n !== 0n) this.#fail(`argument ${n + 1} of ${name} is no address: 0x${pointer.toString(16)}`);
    }
    const [a, b, c, d] = [1, 2, 3, 4].map((n) => Number(BigInt.asUintN(32, this.#registers[n]!)));
    this.#registers[0] = BigInt.asUintN(64, BigInt(this.#environment.call(name, a!, b!, c!, d!)));
  }

  #arithmetic(opcode: number, left: bigint, right: bigint, offset: number, immediate: number): bigint {
    const wide = (opcode & 7) === CLASS.alu64;
    const bits = wide ? 64 : 32;
    const operation = opcode & 0xf0;
    if (operation === ALU.end) return swap(left, immediate, wide, (opcode & SOURCE_REGISTER) !== 0);
    const a = BigInt.asUintN(bits, left);
    const b = BigInt.asUintN(bits, right);
    return BigInt.asUintN(bits, this.#operate(operation, a, b, bits, offset));
  }

  #operate(operation: number, a: bigint, b: bigint, bits: number, offset: number): bigint {
    const signed = (value: bigint): bigint => BigInt.asIntN(bits, value);
    const shift = b & BigInt(bits - 1);
    switch (operation) {
      case ALU.add:
        return a + b;
      case ALU.sub:
        return a - b;
      case ALU.mul:
        return a * b;
      case ALU.div:
        if (b === 0n) return 0n;
        return offset === 1 ? signed(a) / signed(b) : a / b;
      case ALU.mod:
        if (b === 0n) return a;
        return offset === 1 ? signed(a) % signed(b) : a % b;
      case ALU.or:
        return a | b;
      case ALU.and:
        return a & b;
      case ALU.xor:
        return a ^ b;
      case ALU.lsh:
        return a << shift;
      case ALU.rsh:
        return a >> shift;
      case ALU.arsh:
        return signed(a) >> shift;
      case ALU.neg:
        return -a;
      case ALU.mov:
        return offset === 0 ? b : BigInt.asIntN(offset, b);
      default:
        return this.#fail('an arithmetic operation that does not exist');
    }
  }

  #taken(opcode: number, left: bigint, right: bigint): boolean {
    const bits = (opcode & 7) === CLASS.jmp32 ? 32 : 64;
    const [a, b] = [BigInt.asUintN(bits, left), BigInt.asUintN(bits, right)];
    const [x, y] = [BigInt.asIntN(bits, left), BigInt.asIntN(bits, right)];
    switch (opcode & 0xf0) {
      case JUMP.always:
        return true;
      case JUMP.eq:
        return a === b;
      case JUMP.ne:
        return a !== b;
      case JUMP.gt:
        return a > b;
      case JUMP.ge:
        return a >= b;
      case JUMP.lt:
        return a < b;
      case JUMP.le:
        return a <= b;
      case JUMP.set:
        return (a & b) !== 0n;
      case JUMP.sgt:
        return x > y;
      case JUMP.sge:
        return x >= y;
      case JUMP.slt:
        return x < y;
      case JUMP.sle:
        return x <= y;
      case JUMP.mayGoto:
        return this.#loops-- <= 0;
      default:
        return this.#fail('a jump that does not exist');
    }
  }

  /** The address, if the program may access as many bytes there. */
  #address(base: bigint, offset: number, size: number): number {
    const address = Number(BigInt.asUintN(64, base + BigInt(offset)));
    if (!this.#environment.memory.holds(address, size)) {
      this.#fail(`${size} bytes at 0x${address.toString(16)}, which the program does not have`);
    }
    return address;
  }

  #load(opcode: number, base: bigint, offset: number): bigint {
    const size = BYTES[opcode & 0x18]!;
    const address = this.#address(base, offset, size);
    const { view } = this.#environment.memory;
    const signed = (opcode & 0xe0) === MODE.memsx;
    const value =
      size === 8
        ? view.getBigUint64(address, true)
        : BigInt(
            size === 4
              ? view.getUint32(address, true)
              : size === 2
                ? view.getUint16(address, true)
                : view.getUint8(address),
          );
    return signed ? BigInt.asUintN(64, BigInt.asIntN(size * 8, value)) : value;
  }

  #store(opcode: number, base: bigint, offset: number, value: bigint): void {
    const size = BYTES[opcode & 0x18]!;
    const address = this.#address(base, offset, size);
    const { view } = this.#environment.memory;
    if (size === 8) view.setBigUint64(address, BigInt.asUintN(64, value), true);
    else if (size === 4) view.setUint32(address, Number(BigInt.asUintN(32, value)), true);
    else if (size === 2) view.setUint16(address, Number(BigInt.asUintN(16, value)), true);
    else view.setUint8(address, Number(BigInt.asUintN(8, value)));
  }

  #atomic(opcode: number, destination: number, source: number, offset: number, operation: number): void {
    const registers = this.#registers;
    const base = registers[destination]!;
    const bits = BYTES[opcode & 0x18]! * 8;
    const before = this.#load(opcode, base, offset);
    const operand = BigInt.asUintN(bits, registers[source]!);
    if (operation === ATOMIC.cmpxchg) {
      if (before === BigInt.asUintN(bits, registers[0]!)) this.#store(opcode, base, offset, operand);
      registers[0] = before;
      return;
    }
    const kind = operation & ~ATOMIC.fetch;
    const after =
      operation === ATOMIC.xchg
        ? operand
        : kind === ATOMIC.add
          ? before + operand
          : kind === ATOMIC.or
            ? before | operand
            : kind === ATOMIC.and
              ? before & operand
              : before ^ operand;
    this.#store(opcode, base, offset, after);
    if ((operation & ATOMIC.fetch) !== 0) registers[source] = before;
  }

  #fail(what: string): never {
    throw new PlinthError('input', 'ebpf-run', `${this.#environment.program.name}: instruction ${this.#at}: ${what}`);
  }
}

/** Byte order: to little-endian is a cut, to big-endian and `bswap` (in the 64-bit class) turn the bytes round. */
function swap(value: bigint, bits: number, always: boolean, toBig: boolean): bigint {
  const cut = BigInt.asUintN(bits, value);
  if (!always && !toBig) return cut;
  let turned = 0n;
  for (let n = 0; n < bits; n += 8) turned = (turned << 8n) | ((cut >> BigInt(n)) & 0xffn);
  return turned;
}
