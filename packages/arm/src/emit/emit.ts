// SPDX-License-Identifier: Apache-2.0
// Turns intermediate representation into WebAssembly. What is the same for every engine is here: order of evaluation,
// locals for values, plain operations, guest memory through the shadow page tables. What differs (where registers
// live, how an instruction is left) is asked of a `Lowering`.

import { opcode, type Code, type ValueType } from '@plinth/wasmgen';
import { HELPERS } from '../ir/helpers.js';
import type { Block, Node } from '../ir/node.js';
import { ACCESS, CPU } from '../state/layout.js';

/** Hands out WebAssembly locals and takes them back, so that long functions do not pile them up. */
export class LocalPool {
  readonly #code: Code;
  readonly #free = new Map<ValueType, number[]>();

  constructor(code: Code) {
    this.#code = code;
  }

  take(type: ValueType): number {
    return this.#free.get(type)?.pop() ?? this.#code.local(type);
  }

  give(type: ValueType, local: number): void {
    const list = this.#free.get(type);
    if (list === undefined) this.#free.set(type, [local]);
    else list.push(local);
  }
}

/** What an engine decides for itself. Each method writes code; `operand` writes an operand's value to the stack. */
export interface Lowering {
  /** Local that holds the address of the CPU block. */
  readonly cpu: number;
  field(node: Node): void;
  pc(): void;
  reg(index: Node, operand: (node: Node) => void): void;
  setReg(index: Node, value: Node, operand: (node: Node) => void): void;
  flag(offset: number): void;
  setFlag(offset: number, value: Node, operand: (node: Node) => void): void;
  jump(target: Node, operand: (node: Node) => void): void;
  abortCheck(): void;
  /** Function index of a helper. */
  helper(name: string): number;
  /** Leaves the instruction undone, if that is how this engine serves `runtime` helpers; else false: it calls them. */
  leaveForHelper(): boolean;
  /** Base of the shadow table for reads or writes, on the stack. */
  table(write: boolean, unprivileged: boolean): void;
  /**
   * Does the access. On the stack is zero if the table entry can be used as it is; if not, it is done the slow way, or
   * the instruction is left. Address, value and entry (valid bit flipped) are in locals; a load's value is left on the
   * stack.
   */
  load(access: number, address: number, entry: number): void;
  store(access: number, address: number, entry: number, value: number): void;
}

const LOAD: Readonly<Record<number, string>> = {
  1: 'i32.load8_u',
  2: 'i32.load16_u',
  4: 'i32.load',
  0x11: 'i32.load8_s',
  0x12: 'i32.load16_s',
};
const STORE: Readonly<Record<number, string>> = { 1: 'i32.store8', 2: 'i32.store16', 4: 'i32.store' };

/** WebAssembly instruction for a guest access of this description. */
export function loadName(access: number): string {
  return LOAD[access & (ACCESS.sizeMask | ACCESS.signed)]!;
}
export function storeName(access: number): string {
  return STORE[access & ACCESS.sizeMask]!;
}

/** Drops uses that only dead pure nodes make; afterwards a pure node with no uses is dead. */
function countDead(block: Block): void {
  for (let i = block.length - 1; i >= 0; i--) {
    const node = block[i]!;
    if (node.extra?.then !== undefined) {
      countDead(node.extra.otherwise!);
      countDead(node.extra.then);
    }
    if (node.pure && node.uses === 0) for (const arg of node.args) arg.uses--;
  }
}

export class Emitter {
  readonly #code: Code;
  readonly #pool: LocalPool;
  readonly #lowering: Lowering;
  #temporaries: number[] = [];
  #taken: { type: ValueType; local: number }[] = [];

  constructor(code: Code, pool: LocalPool, lowering: Lowering) {
    this.#code = code;
    this.#pool = pool;
    this.#lowering = lowering;
  }

  /** Writes one instruction's block. */
  emit(block: Block, temporaries: readonly ValueType[]): void {
    countDead(block);
    this.#temporaries = temporaries.map((type) => this.#local(type));
    this.#block(block);
    for (const { type, local } of this.#taken) this.#pool.give(type, local);
    this.#taken = [];
  }

  /** Writes a block and leaves the value of one of its nodes on the stack. */
  emitValue(block: Block, temporaries: readonly ValueType[], value: Node): void {
    value.uses++;
    countDead(block);
    this.#temporaries = temporaries.map((type) => this.#local(type));
    this.#block(block);
    this.#operand(value);
    for (const { type, local } of this.#taken) this.#pool.give(type, local);
    this.#taken = [];
  }

  #local(type: ValueType): number {
    const local = this.#pool.take(type);
    this.#taken.push({ type, local });
    return local;
  }

  #block(block: Block): void {
    for (const node of block) {
      if (node.op === 'rare' && this.#lowering.leaveForHelper()) return;
      if (node.pure) {
        if (node.uses > 1) this.#keep(node);
      } else if (node.type === 'void') this.#statement(node);
      else if (node.op === 'guest.load' || node.op === 'call' || node.uses > 0) this.#keep(node);
    }
  }

  /** Evaluates a node now and keeps it in a local for its uses. */
  #keep(node: Node): void {
    this.#value(node);
    if (node.uses === 0) {
      this.#code.drop();
      return;
    }
    node.local = this.#local(node.type as ValueType);
    this.#code.set(node.local);
  }

  /** An operand on the stack. */
  readonly #operand = (node: Node): void => {
    if (node.local >= 0) this.#code.get(node.local);
    else this.#value(node);
  };

  #value(node: Node): void {
    const code = this.#code;
    const lowering = this.#lowering;
    switch (node.op) {
      case 'const':
        if (node.type === 'i64') code.i64(node.immediate as bigint);
        else code.i32(node.immediate as number);
        return;
      case 'v128.const':
        code.v128(Uint8Array.from(node.extra!.lanes!));
        return;
      case 'field':
        lowering.field(node);
        return;
      case 'pc':
        lowering.pc();
        return;
      case 'reg':
        lowering.reg(node.args[0]!, this.#operand);
        return;
      case 'flag':
        lowering.flag(node.immediate as number);
        return;
      case 'temp':
        code.get(this.#temporaries[node.immediate as number]!);
        return;
      case 'cpu.load':
        this.#cpuAddress(node.args[0]!);
        code.memory(node.extra!.name!, node.immediate as number);
        return;
      case 'guest.load':
        this.#load(node);
        return;
      case 'guest.host':
        this.#hostAddress(node);
        return;
      case 'host.load':
        this.#operand(node.args[0]!);
        code.memory(node.extra!.name!, node.immediate as number);
        return;
      case 'call':
        this.#call(node);
        return;
      case 'select':
        for (const arg of node.args) this.#operand(arg);
        code.select();
        return;
      default:
        this.#plain(node);
    }
  }

  #plain(node: Node): void {
    for (const arg of node.args) this.#operand(arg);
    if (node.op === 'i8x16.shuffle') {
      this.#code.shuffle(node.extra!.lanes!);
      return;
    }
    if (opcode(node.op).immediate === 'lane') this.#code.lane(node.op, node.immediate as number);
    else this.#code.op(node.op);
  }

  #cpuAddress(displacement: Node): void {
    this.#code.get(this.#lowering.cpu);
    if (displacement.op === 'const' && displacement.immediate === 0) return;
    this.#operand(displacement);
    this.#code.op('i32.add');
  }

  #call(node: Node): void {
    const name = node.extra!.name!;
    if (HELPERS[name]!.kind === 'runtime' && this.#lowering.leaveForHelper()) {
      this.#code.unreachable();
      return;
    }
    this.#code.get(this.#lowering.cpu);
    for (const arg of node.args) this.#operand(arg);
    this.#code.call(this.#lowering.helper(name));
  }

  #statement(node: Node): void {
    const code = this.#code;
    const lowering = this.#lowering;
    switch (node.op) {
      case 'setReg':
        lowering.setReg(node.args[0]!, node.args[1]!, this.#operand);
        return;
      case 'setFlag':
        lowering.setFlag(node.immediate as number, node.args[0]!, this.#operand);
        return;
      case 'cpu.store':
        this.#cpuAddress(node.args[0]!);
        this.#operand(node.args[1]!);
        code.memory(node.extra!.name!, node.immediate as number);
        return;
      case 'setTemp':
        this.#operand(node.args[0]!);
        code.set(this.#temporaries[node.immediate as number]!);
        return;
      case 'guest.store':
        this.#store(node);
        return;
      case 'host.store':
        for (const arg of node.args) this.#operand(arg);
        code.memory(node.extra!.name!, node.immediate as number);
        return;
      case 'call':
        this.#call(node);
        return;
      case 'jump':
        lowering.jump(node.args[0]!, this.#operand);
        return;
      case 'abortCheck':
        lowering.abortCheck();
        return;
      case 'rare':
        return;
      case 'if': {
        this.#operand(node.args[0]!);
        const label = code.if();
        this.#block(node.extra!.then!);
        if (node.extra!.otherwise!.length > 0) {
          code.else();
          this.#block(node.extra!.otherwise!);
        }
        code.end(label);
        return;
      }
      default:
        throw new RangeError(`the intermediate representation has no statement ${node.op}`);
    }
  }

  /**
   * Looks up the shadow table; leaves the entry with its valid bit flipped in the returned local, and on the stack
   * zero if the access may go ahead. An entry is (host page - virtual page) | 1, or 0 for none, so that after the flip
   * one test of the low bits covers "valid" and "aligned". Without the 1 an entry asks for a second look: see
   * interpreter/usable.ts.
   */
  #lookUp(write: boolean, address: number, access: number): number {
    const code = this.#code;
    const size = access & ACCESS.sizeMask;
    const entry = this.#local('i32');
    this.#lowering.table(write, (access & ACCESS.unprivileged) !== 0);
    code.get(address).i32(12).op('i32.shr_u').i32(2).op('i32.shl').op('i32.add');
    code.memory('i32.load', 0).i32(1).op('i32.xor').tee(entry);
    if (size > 1) code.get(address).op('i32.or');
    code.i32(size > 1 ? size - 1 : 1).op('i32.and');
    return entry;
  }

  /** The host address if the page has an entry, the bytes lie inside it and the address is aligned; else 0. */
  #hostAddress(node: Node): void {
    const code = this.#code;
    const description = node.immediate as number;
    const alignment = (description >> 8) & 0xff;
    const address = this.#addressLocal(node.args[0]!);
    const entry = this.#local('i32');
    this.#lowering.table((description & 0x1_0000) !== 0, false);
    code.get(address).i32(12).op('i32.shr_u').i32(2).op('i32.shl').op('i32.add');
    code.memory('i32.load', 0).tee(entry).get(address).op('i32.add').i32(1).op('i32.sub');
    code.i32(0);
    // An entry has bit 0 set.
    code.get(address).i32(0xfff).op('i32.and');
    const bytes = node.args[1];
    if (bytes === undefined) code.i32(0x1000 - (description & 0xff));
    else {
      code.i32(0x1000);
      this.#operand(bytes);
      code.op('i32.sub');
    }
    code.op('i32.le_u').get(entry).op('i32.and');
    if (alignment > 1)
      code
        .get(address)
        .i32(alignment - 1)
        .op('i32.and')
        .op('i32.eqz')
        .op('i32.and');
    code.select();
  }

  #addressLocal(node: Node): number {
    if (node.local >= 0) return node.local;
    const local = this.#local('i32');
    this.#value(node);
    this.#code.set(local);
    return local;
  }

  #load(node: Node): void {
    const access = node.immediate as number;
    const address = this.#addressLocal(node.args[0]!);
    const entry = this.#lookUp(false, address, access);
    this.#lowering.load(access, address, entry);
  }

  #store(node: Node): void {
    const code = this.#code;
    const access = node.immediate as number;
    const address = this.#addressLocal(node.args[0]!);
    const valueNode = node.args[1]!;
    let value = valueNode.local;
    if (value < 0) {
      value = this.#local('i32');
      this.#operand(valueNode);
      code.set(value);
    }
    const entry = this.#lookUp(true, address, access);
    this.#lowering.store(access, address, entry, value);
  }
}

/** Loads a word of the CPU block onto the stack. */
export function loadCpu(code: Code, cpu: number, offset: number): void {
  code.get(cpu).memory('i32.load', offset);
}

/** Leaves a function with `nextPc` if the last helper gave the instruction up. */
export function returnIfAborted(code: Code, cpu: number): void {
  loadCpu(code, cpu, CPU.aborted);
  const label = code.if();
  loadCpu(code, cpu, CPU.nextPc);
  code.return();
  code.end(label);
}

/** Where the CPU block keeps the base of a shadow table for data. */
export function tableOffset(write: boolean, unprivileged: boolean): number {
  if (unprivileged) return write ? CPU.tableUserWrite : CPU.tableUserRead;
  return write ? CPU.tableWrite : CPU.tableRead;
}
