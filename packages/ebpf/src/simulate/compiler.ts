// SPDX-License-Identifier: Apache-2.0
// Compiles a program to WebAssembly: registers are locals, jumps become blocks and loops, memory is the environment's. It
// takes the program to be one that the verifier would take: an access that it would refuse reads or writes other
// memory of the environment, never any of the host.

import { PlinthError } from '@plinth/core';
import { analyseGraph, type Code, type FlowGraph, type Label, ModuleBuilder } from '@plinth/wasmgen';
import { type BasicBlock, basicBlocks } from '../blocks.js';
import { HELPERS, type HelperName, helperName } from '../helpers.js';
import {
  ALU,
  ATOMIC,
  CLASS,
  FRAME_POINTER,
  type Instruction,
  JUMP,
  MODE,
  REGISTERS,
  SIZE,
  SOURCE_REGISTER,
} from '../instruction.js';
import type { Environment } from './environment.js';
import { MOST_LOOPS } from './interpreter.js';

/** Runs over the packet that is present; gives the lower half of R0. */
export type Compiled = () => number;

/** Raises a typed error for a program that could not be loaded anywhere, or whose loops have several entries. */
export function compile(environment: Environment): Compiled {
  const { program, instructions, memory } = environment;
  const blocks = basicBlocks(program.name, instructions);
  const graph = analyseGraph(blocks.map(({ successors }) => successors));
  if (!graph.reducible) {
    throw new PlinthError('input', 'ebpf-loops', `program ${program.name}: a loop that is entered at several places`);
  }
  const builder = new ModuleBuilder();
  builder.importMemory('env', 'memory', { initialPages: 2, maximumPages: 0xffff, shared: false });
  const imports: Record<string, unknown> = { memory: memory.wasm };
  const helpers = new Map<HelperName, number>();
  for (const name of new Set(blocks.flatMap((block) => calls(program.name, instructions, block)))) {
    const wide = WIDE.has(name);
    const parameters = Array.from({ length: HELPERS[name].arguments }, () => 'i32' as const);
    helpers.set(name, builder.importFunction('env', name, { parameters, results: [wide ? 'i64' : 'i32'] }));
    imports[name] = (a: number, b: number, c: number, d: number) =>
      environment.call(name, a >>> 0, b >>> 0, c >>> 0, d >>> 0);
  }
  const { index, code } = builder.function({ parameters: [], results: ['i32'] }, program.name);
  new Emitter(code, environment, blocks, graph, helpers).emit();
  builder.exportFunction('run', index);
  const module = new WebAssembly.Module(builder.finish());
  const run = new WebAssembly.Instance(module, { env: imports }).exports['run'] as () => number;
  return () => run() >>> 0;
}

function calls(program: string, instructions: readonly Instruction[], { first, end }: BasicBlock): HelperName[] {
  return instructions.slice(first, end).flatMap(({ opcode, immediate }) => {
    if (opcode !== (CLASS.jmp | JUMP.call)) return [];
    const name = helperName(immediate);
    if (name !== undefined) return [name];
    throw new PlinthError('input', 'ebpf-helper', `program ${program}: helper function ${immediate} is not simulated`);
  });
}

/** What gives 64 bits, and 32 bits without a sign. */
const WIDE: ReadonlySet<HelperName> = new Set(['ktimeGetNs', 'ktimeGetCoarseNs']);
const UNSIGNED: ReadonlySet<HelperName> = new Set(['mapLookup', 'getPrandomU32', 'ringbufReserve']);

const LOADS: Readonly<Record<number, string>> = {
  [SIZE[1]]: 'i64.load8',
  [SIZE[2]]: 'i64.load16',
  [SIZE[4]]: 'i64.load32',
  [SIZE[8]]: 'i64.load',
};
const STORES: Readonly<Record<number, string>> = {
  [SIZE[1]]: 'i64.store8',
  [SIZE[2]]: 'i64.store16',
  [SIZE[4]]: 'i64.store32',
  [SIZE[8]]: 'i64.store',
};
const SIMPLE: Readonly<Record<number, string>> = {
  [ALU.add]: 'add',
  [ALU.sub]: 'sub',
  [ALU.mul]: 'mul',
  [ALU.or]: 'or',
  [ALU.and]: 'and',
  [ALU.xor]: 'xor',
  [ALU.lsh]: 'shl',
  [ALU.rsh]: 'shr_u',
  [ALU.arsh]: 'shr_s',
};
const COMPARE: Readonly<Record<number, string>> = {
  [JUMP.eq]: 'eq',
  [JUMP.ne]: 'ne',
  [JUMP.gt]: 'gt_u',
  [JUMP.ge]: 'ge_u',
  [JUMP.lt]: 'lt_u',
  [JUMP.le]: 'le_u',
  [JUMP.sgt]: 'gt_s',
  [JUMP.sge]: 'ge_s',
  [JUMP.slt]: 'lt_s',
  [JUMP.sle]: 'le_s',
};

class Emitter {
  readonly #code: Code;
  readonly #environment: Environment;
  readonly #blocks: readonly BasicBlock[];
  readonly #graph: FlowGraph;
  readonly #helpers: ReadonlyMap<HelperName, number>;
  readonly #registers: readonly number[];
  readonly #loops: number;
  readonly #scratch: number;
  /** Where a jump to a block goes: its loop's start, or the end before it. */
  readonly #labels = new Map<number, Label>();

  constructor(
    code: Code,
    environment: Environment,
    blocks: readonly BasicBlock[],
    graph: FlowGraph,
    helpers: ReadonlyMap<HelperName, number>,
  ) {
    this.#code = code;
    this.#environment = environment;
    this.#blocks = blocks;
    this.#graph = graph;
    this.#helpers = helpers;
    this.#registers = Array.from({ length: REGISTERS }, () => code.local('i64'));
    this.#loops = code.local('i32');
    this.#scratch = code.local('i64');
  }

  emit(): void {
    const code = this.#code;
    code.i64(BigInt(this.#environment.context)).set(this.#registers[1]!);
    code.i64(BigInt(this.#environment.frame)).set(this.#registers[FRAME_POINTER]!);
    code.i32(MOST_LOOPS).set(this.#loops);
    this.#tree(0);
    code.unreachable();
  }

  /** A block and all that it dominates. */
  #tree(block: number): void {
    const { loopHeader, children, forwardEdges, position } = this.#graph;
    const code = this.#code;
    const loop = loopHeader[block]! ? code.loop() : undefined;
    if (loop !== undefined) this.#labels.set(block, loop);
    // Where several ways meet lies behind the end of a WebAssembly block; the first one closes first.
    const merges = children[block]!.filter((child) => forwardEdges[child]! > 1);
    merges.sort((a, b) => position[b]! - position[a]!);
    const opened = merges.map((child) => ({ child, label: code.block() }));
    for (const { child, label } of opened) this.#labels.set(child, label);
    this.#body(block);
    for (const { child, label } of opened.toReversed()) {
      code.end(label);
      this.#tree(child);
    }
    if (loop !== undefined) code.end(loop);
  }

  #jump(from: number, to: number): void {
    const { position, forwardEdges } = this.#graph;
    const back = position[to]! <= position[from]!;
    if (back || forwardEdges[to]! > 1) this.#code.branch(this.#labels.get(to)!);
    else this.#tree(to);
  }

  #body(block: number): void {
    const { first, end, successors } = this.#blocks[block]!;
    const { instructions } = this.#environment;
    const code = this.#code;
    for (let at = first; at < end - 1; at++) at += this.#instruction(at);
    const last = instructions[end - 1]!;
    if (successors.length === 2) {
      this.#condition(last);
      const label = code.if();
      this.#jump(block, successors[1]!);
      code.end(label);
      this.#jump(block, successors[0]!);
      return;
    }
    const kind = last.opcode & 7;
    const isJump = (kind === CLASS.jmp || kind === CLASS.jmp32) && (last.opcode & 0xf0) !== JUMP.call;
    // The second half of a 64-bit load has opcode 0, which is no instruction and was emitted with the first.
    if (!isJump && last.opcode !== 0) this.#instruction(end - 1);
    if (successors.length === 1) this.#jump(block, successors[0]!);
    else code.get(this.#registers[0]!).op('i32.wrap_i64').return();
  }

  /** Emits it; gives how many more it took. */
  #instruction(at: number): number {
    const instruction = this.#environment.instructions[at]!;
    const { opcode, destination, source, offset, immediate } = instruction;
    const code = this.#code;
    const target = this.#registers[destination]!;
    switch (opcode & 7) {
      case CLASS.alu64:
        this.#arithmetic(instruction, 'i64');
        return 0;
      case CLASS.alu:
        this.#arithmetic(instruction, 'i32');
        return 0;
      case CLASS.ld: {
        const high = this.#environment.instructions[at + 1]!.immediate;
        code.i64((BigInt(high) << 32n) | BigInt.asUintN(32, BigInt(immediate))).set(target);
        return 1;
      }
      case CLASS.ldx: {
        const size = opcode & 0x18;
        const sign = size === SIZE[8] ? '' : (opcode & 0xe0) === MODE.memsx ? '_s' : '_u';
        this.#access(source, offset, (low) => code.memory(`${LOADS[size]}${sign}`, low));
        code.set(target);
        return 0;
      }
      case CLASS.st:
        this.#store(opcode, destination, offset, () => code.i64(BigInt(immediate)));
        return 0;
      case CLASS.stx:
        if ((opcode & 0xe0) === MODE.atomic) this.#atomic(instruction);
        else this.#store(opcode, destination, offset, () => code.get(this.#registers[source]!));
        return 0;
      default:
        this.#call(helperName(immediate)!);
        return 0;
    }
  }

  /** The address goes on the stack; offsets of WebAssembly are not negative. */
  #access(base: number, offset: number, then: (low: number) => void): void {
    this.#code.get(this.#registers[base]!).op('i32.wrap_i64');
    if (offset < 0) this.#code.i32(offset).op('i32.add');
    then(Math.max(0, offset));
  }

  #store(opcode: number, base: number, offset: number, value: () => void): void {
    this.#access(base, offset, (low) => {
      value();
      this.#code.memory(STORES[opcode & 0x18]!, low);
    });
  }

  #atomic({ opcode, destination, source, offset, immediate }: Instruction): void {
    const code = this.#code;
    const before = this.#scratch;
    const size = opcode & 0x18;
    this.#access(destination, offset, (low) => code.memory(`${LOADS[size]}${size === SIZE[8] ? '' : '_u'}`, low));
    code.set(before);
    const operand = this.#registers[source]!;
    const result = this.#registers[0]!;
    const narrow = (): void => {
      if (size === SIZE[4]) code.i64(0xffff_ffffn).op('i64.and');
    };
    this.#store(opcode, destination, offset, () => {
      if (immediate === ATOMIC.cmpxchg) {
        code.get(operand).get(before).get(before).get(result);
        narrow();
        code.op('i64.eq').select();
        return;
      }
      if (immediate === ATOMIC.xchg) {
        code.get(operand);
        return;
      }
      const kind = immediate & ~ATOMIC.fetch;
      const names: Readonly<Record<number, string>> = {
        [ATOMIC.add]: 'add',
        [ATOMIC.or]: 'or',
        [ATOMIC.and]: 'and',
        [ATOMIC.xor]: 'xor',
      };
      code.get(before).get(operand).op(`i64.${names[kind]!}`);
    });
    if (immediate === ATOMIC.cmpxchg) code.get(before).set(result);
    else if ((immediate & ATOMIC.fetch) !== 0) code.get(before).set(operand);
  }

  #call(name: HelperName): void {
    const code = this.#code;
    for (let n = 1; n <= HELPERS[name].arguments; n++) code.get(this.#registers[n]!).op('i32.wrap_i64');
    code.call(this.#helpers.get(name)!);
    if (!WIDE.has(name)) code.op(UNSIGNED.has(name) ? 'i64.extend_i32_u' : 'i64.extend_i32_s');
    code.set(this.#registers[0]!);
  }

  #operand({ opcode, source, immediate }: Instruction, type: 'i32' | 'i64'): void {
    const code = this.#code;
    if ((opcode & SOURCE_REGISTER) !== 0) this.#register(source, type);
    else if (type === 'i64') code.i64(BigInt(immediate));
    else code.i32(immediate);
  }

  #register(register: number, type: 'i32' | 'i64'): void {
    this.#code.get(this.#registers[register]!);
    if (type === 'i32') this.#code.op('i32.wrap_i64');
  }

  #arithmetic(instruction: Instruction, type: 'i32' | 'i64'): void {
    const { opcode, destination, offset } = instruction;
    const code = this.#code;
    const operation = opcode & 0xf0;
    if (operation === ALU.end) {
      this.#byteOrder(instruction);
      return;
    }
    if (operation === ALU.mov) {
      this.#operand(instruction, type);
      if (offset === 8 || offset === 16 || (offset === 32 && type === 'i64')) code.op(`${type}.extend${offset}_s`);
    } else if (operation === ALU.neg) {
      if (type === 'i64') code.i64(0n);
      else code.i32(0);
      this.#register(destination, type);
      code.op(`${type}.sub`);
    } else if (operation === ALU.div || operation === ALU.mod) {
      this.#divide(instruction, type);
    } else {
      this.#register(destination, type);
      this.#operand(instruction, type);
      code.op(`${type}.${SIMPLE[operation]!}`);
    }
    if (type === 'i32') code.op('i64.extend_i32_u');
    code.set(this.#registers[destination]!);
  }

  /** By zero a quotient is 0, a remainder what was to be divided; the least number by -1 is itself. */
  #divide(instruction: Instruction, type: 'i32' | 'i64'): void {
    const { opcode, destination, offset } = instruction;
    const code = this.#code;
    const quotient = (opcode & 0xf0) === ALU.div;
    const zero = (): Code => (type === 'i64' ? code.i64(0n) : code.i32(0));
    this.#operand(instruction, type);
    code.op(`${type}.eqz`);
    const byZero = code.if(type);
    if (quotient) zero();
    else this.#register(destination, type);
    code.else();
    if (quotient && offset === 1) {
      this.#operand(instruction, type);
      if (type === 'i64') code.i64(-1n).op('i64.eq');
      else code.i32(-1).op('i32.eq');
      const byMinusOne = code.if(type);
      zero();
      this.#register(destination, type);
      code.op(`${type}.sub`).else();
      this.#register(destination, type);
      this.#operand(instruction, type);
      code.op(`${type}.div_s`).end(byMinusOne);
    } else {
      this.#register(destination, type);
      this.#operand(instruction, type);
      code.op(`${type}.${quotient ? 'div' : 'rem'}_${offset === 1 ? 's' : 'u'}`);
    }
    code.end(byZero);
  }

  #byteOrder({ opcode, destination, immediate: bits }: Instruction): void {
    const code = this.#code;
    const register = this.#registers[destination]!;
    const turned = (opcode & SOURCE_REGISTER) !== 0 || (opcode & 7) === CLASS.alu64;
    code.get(register);
    if (turned) {
      // Pairs of bytes, then of halves, then of words: each step swaps neighbours of twice the size.
      for (const [shift, mask] of [
        [8n, 0x00ff_00ff_00ff_00ffn],
        [16n, 0x0000_ffff_0000_ffffn],
        [32n, 0x0000_0000_ffff_ffffn],
      ] as const) {
        if (shift >= BigInt(bits)) continue;
        code.set(this.#scratch);
        code.get(this.#scratch).i64(shift).op('i64.shr_u').i64(mask).op('i64.and');
        code.get(this.#scratch).i64(mask).op('i64.and').i64(shift).op('i64.shl').op('i64.or');
      }
    }
    if (bits < 64) code.i64((1n << BigInt(bits)) - 1n).op('i64.and');
    code.set(register);
  }

  #condition(instruction: Instruction): void {
    const { opcode, destination } = instruction;
    const code = this.#code;
    const jump = opcode & 0xf0;
    if (jump === JUMP.mayGoto) {
      code.get(this.#loops).i32(1).op('i32.sub').tee(this.#loops).i32(0).op('i32.lt_s');
      return;
    }
    const type = (opcode & 7) === CLASS.jmp32 ? 'i32' : 'i64';
    this.#register(destination, type);
    this.#operand(instruction, type);
    if (jump === JUMP.set) {
      code.op(`${type}.and`);
      if (type === 'i64') code.i64(0n).op('i64.ne');
    } else {
      code.op(`${type}.${COMPARE[jump]!}`);
    }
  }
}
