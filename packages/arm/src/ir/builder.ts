// SPDX-License-Identifier: Apache-2.0
// Builds the intermediate representation of instructions. Semantic functions are written against this class only; it
// folds constants, so a semantic function need not know whether it describes one instruction or all of a form.

import { opcode, type ValueType } from '@plinth/wasmgen';
import { ACCESS, CPU, PSR } from '../state/layout.js';
import { EXCEPTION } from '../system/exception.js';
import { foldBinary, foldUnary } from './fold.js';
import { HELPERS } from './helpers.js';
import type { Block, Node, NodeExtra } from './node.js';

export type Operand = Node | number;
/** Sizes of one guest memory access in bytes; wider ones are made of several. */
export type AccessSize = 1 | 2 | 4;
export type Isa = 'A32' | 'T32';

export class Builder {
  /** The instruction set of the instruction in hand: decides what a PC read gives. */
  readonly isa: Isa;
  /** Whether the instruction stands in an IT block: 16-bit forms then leave the flags alone. */
  readonly inIt: boolean;
  /** Size of the instruction in bytes. */
  readonly size: number;
  #block: Block = [];
  #temporaries: ValueType[] = [];

  constructor(options: { isa: Isa; inIt: boolean; size: number }) {
    this.isa = options.isa;
    this.inIt = options.inIt;
    this.size = options.size;
  }

  /** The nodes built so far, in order. */
  get block(): Block {
    return this.#block;
  }

  /** Types of the temporaries, by number. */
  get temporaries(): readonly ValueType[] {
    return this.#temporaries;
  }

  #node(
    op: string,
    type: ValueType | 'void',
    args: readonly Node[],
    immediate: number | bigint = 0,
    pure = false,
    extra?: NodeExtra,
  ): Node {
    for (const arg of args) arg.uses++;
    const node: Node = { op, type, args, immediate, extra, pure, uses: 0, local: -1 };
    this.#block.push(node);
    return node;
  }

  // ---- values -------------------------------------------------------------------------------------------------

  const(value: number): Node {
    return {
      op: 'const',
      type: 'i32',
      args: [],
      immediate: value | 0,
      extra: undefined,
      pure: true,
      uses: 0,
      local: -1,
    };
  }

  const64(value: bigint): Node {
    const immediate = BigInt.asIntN(64, value);
    return { op: 'const', type: 'i64', args: [], immediate, extra: undefined, pure: true, uses: 0, local: -1 };
  }

  constV128(lanes: readonly number[]): Node {
    return { op: 'v128.const', type: 'v128', args: [], immediate: 0, extra: { lanes }, pure: true, uses: 0, local: -1 };
  }

  node(value: Operand): Node {
    return typeof value === 'number' ? this.const(value) : value;
  }

  /** A bit field of the instruction word; 32-bit T32 words have their first halfword on top. */
  field(shift: number, width: number, not15: boolean): Node {
    return this.#node('field', 'i32', [], shift | (width << 8), true, not15 ? { not15 } : undefined);
  }

  /** The value of `node` if it is a known 32-bit constant. */
  known(node: Operand): number | undefined {
    if (typeof node === 'number') return node | 0;
    return node.op === 'const' && node.type === 'i32' ? (node.immediate as number) : undefined;
  }

  /** Any WebAssembly instruction without immediate, folded where its operands are 32-bit constants. */
  op(name: string, ...operands: Operand[]): Node {
    const args = operands.map((o) => this.node(o));
    if (args.length === 2) {
      const folded = foldBinary(this, name, args[0]!, args[1]!);
      if (folded !== undefined) return folded;
    } else if (args.length === 1) {
      const folded = foldUnary(this, name, args[0]!);
      if (folded !== undefined) return folded;
    }
    const info = opcode(name);
    return this.#node(name, info.result ?? 'void', args, 0, true);
  }

  /** A lane instruction (extract, replace) with its constant lane. */
  lane(name: string, lane: number, ...operands: Operand[]): Node {
    return this.#node(
      name,
      opcode(name).result ?? 'void',
      operands.map((o) => this.node(o)),
      lane,
      true,
    );
  }

  shuffle(a: Node, b: Node, lanes: readonly number[]): Node {
    return this.#node('i8x16.shuffle', 'v128', [a, b], 0, true, { lanes });
  }

  add(a: Operand, b: Operand): Node {
    return this.op('i32.add', a, b);
  }
  sub(a: Operand, b: Operand): Node {
    return this.op('i32.sub', a, b);
  }
  mul(a: Operand, b: Operand): Node {
    return this.op('i32.mul', a, b);
  }
  and(a: Operand, b: Operand): Node {
    return this.op('i32.and', a, b);
  }
  or(a: Operand, b: Operand): Node {
    return this.op('i32.or', a, b);
  }
  xor(a: Operand, b: Operand): Node {
    return this.op('i32.xor', a, b);
  }
  not(a: Operand): Node {
    return this.op('i32.xor', a, -1);
  }
  shl(a: Operand, b: Operand): Node {
    return this.op('i32.shl', a, b);
  }
  shrU(a: Operand, b: Operand): Node {
    return this.op('i32.shr_u', a, b);
  }
  shrS(a: Operand, b: Operand): Node {
    return this.op('i32.shr_s', a, b);
  }
  rotr(a: Operand, b: Operand): Node {
    return this.op('i32.rotr', a, b);
  }
  eq(a: Operand, b: Operand): Node {
    return this.op('i32.eq', a, b);
  }
  ne(a: Operand, b: Operand): Node {
    return this.op('i32.ne', a, b);
  }
  eqz(a: Operand): Node {
    return this.op('i32.eqz', a);
  }
  ltU(a: Operand, b: Operand): Node {
    return this.op('i32.lt_u', a, b);
  }
  geU(a: Operand, b: Operand): Node {
    return this.op('i32.ge_u', a, b);
  }
  ltS(a: Operand, b: Operand): Node {
    return this.op('i32.lt_s', a, b);
  }
  geS(a: Operand, b: Operand): Node {
    return this.op('i32.ge_s', a, b);
  }
  /** Bits `high..low` of `a`, zero-extended. */
  bits(a: Operand, high: number, low: number): Node {
    const shifted = this.shrU(a, low);
    return high === 31 ? shifted : this.and(shifted, 2 ** (high - low + 1) - 1);
  }
  extend8S(a: Operand): Node {
    return this.op('i32.extend8_s', a);
  }
  extend16S(a: Operand): Node {
    return this.op('i32.extend16_s', a);
  }
  extendS64(a: Operand): Node {
    return this.op('i64.extend_i32_s', a);
  }
  extendU64(a: Operand): Node {
    return this.op('i64.extend_i32_u', a);
  }
  /** Low or high word of a 64-bit value. */
  low(a: Node): Node {
    return this.op('i32.wrap_i64', a);
  }
  high(a: Node): Node {
    return this.op('i32.wrap_i64', this.op('i64.shr_u', a, this.const64(32n)));
  }
  /** high:low as one 64-bit value. */
  join(high: Operand, low: Operand): Node {
    return this.op('i64.or', this.op('i64.shl', this.extendU64(high), this.const64(32n)), this.extendU64(low));
  }

  /** `condition ? a : b`, both evaluated. */
  select(condition: Operand, a: Operand, b: Operand): Node {
    const known = this.known(condition);
    if (known !== undefined) return this.node(known !== 0 ? a : b);
    const yes = this.node(a);
    return this.#node('select', yes.type, [yes, this.node(b), this.node(condition)], 0, true);
  }

  // ---- processor state ----------------------------------------------------------------------------------------

  /** Address of the instruction. */
  pc(): Node {
    return this.#node('pc', 'i32', [], 0, true);
  }

  /** What a read of R15 gives: the address plus 8 (A32) or 4 (T32). */
  readPc(): Node {
    return this.add(this.pc(), this.isa === 'A32' ? 8 : 4);
  }

  /** R[index]; 15 reads ahead as the architecture has it. */
  reg(index: Operand): Node {
    const known = this.known(index);
    if (known === 15) return this.readPc();
    return this.#node('reg', 'i32', [this.node(index)]);
  }

  /** R[index] := value, index not 15; see `writePc` and `writeReg`. */
  setReg(index: Operand, value: Operand): void {
    this.#node('setReg', 'void', [this.node(index), this.node(value)]);
  }

  /** N, Z, C or V as the layout represents it: by sign, by being zero, by 0 or 1, by sign. */
  #flag(offset: number): Node {
    return this.#node('flag', 'i32', [], offset);
  }
  #setFlag(offset: number, value: Operand): void {
    this.#node('setFlag', 'void', [this.node(value)], offset);
  }
  /** Carry as 0 or 1. */
  carry(): Node {
    return this.#flag(CPU.flagC);
  }
  negative(): Node {
    return this.shrU(this.#flag(CPU.flagN), 31);
  }
  zero(): Node {
    return this.eqz(this.#flag(CPU.flagZ));
  }
  overflow(): Node {
    return this.shrU(this.#flag(CPU.flagV), 31);
  }
  /** N and Z from a 32-bit result. */
  setNZ(result: Operand): void {
    const value = this.node(result);
    this.#setFlag(CPU.flagN, value);
    this.#setFlag(CPU.flagZ, value);
  }
  /** N and Z from a 64-bit result. */
  setNZ64(result: Node): void {
    this.#setFlag(CPU.flagN, this.high(result));
    this.#setFlag(CPU.flagZ, this.or(this.high(result), this.low(result)));
  }
  /** C from 0 or 1. */
  setC(bit: Operand): void {
    this.#setFlag(CPU.flagC, bit);
  }
  /** V from the sign of a word. */
  setVFromSign(word: Operand): void {
    this.#setFlag(CPU.flagV, word);
  }
  /** All four from a word that has NZCV in bits 31:28. */
  setNZCV(word: Operand): void {
    const value = this.node(word);
    this.#setFlag(CPU.flagN, value);
    this.#setFlag(CPU.flagZ, this.xor(this.and(this.shrU(value, 30), 1), 1));
    this.#setFlag(CPU.flagC, this.and(this.shrU(value, 29), 1));
    this.#setFlag(CPU.flagV, this.shl(value, 3));
  }
  /** NZCV in bits 31:28 of a word. */
  getNZCV(): Node {
    return this.or(
      this.or(this.shl(this.negative(), 31), this.shl(this.zero(), 30)),
      this.or(this.shl(this.carry(), 29), this.shl(this.overflow(), 28)),
    );
  }

  /** The condition `cond` (A8.3) as 0 or not 0; it must be a known constant. */
  condition(cond: number): Node {
    const n = (): Node => this.#flag(CPU.flagN);
    const z = (): Node => this.#flag(CPU.flagZ);
    const v = (): Node => this.#flag(CPU.flagV);
    const positive = (): Node => {
      switch (cond >> 1) {
        case 0:
          return this.eqz(z());
        case 1:
          return this.carry();
        case 2:
          return this.ltS(n(), 0);
        case 3:
          return this.ltS(v(), 0);
        case 4:
          return this.and(this.carry(), this.ne(z(), 0));
        case 5:
          return this.geS(this.xor(n(), v()), 0);
        case 6:
          return this.and(this.geS(this.xor(n(), v()), 0), this.ne(z(), 0));
        default:
          return this.const(1);
      }
    };
    return (cond & 1) !== 0 && cond < 14 ? this.eqz(positive()) : positive();
  }

  /** Loads from the CPU block: `name` is a WebAssembly load, `displacement` is added to the fixed offset. */
  loadState(name: string, offset: number, displacement: Operand = 0): Node {
    const type = opcode(name).result ?? 'i32';
    const known = this.known(displacement);
    const rest = known === undefined ? this.node(displacement) : this.const(0);
    return this.#node('cpu.load', type, [rest], offset + (known ?? 0), false, { name });
  }
  storeState(name: string, offset: number, value: Operand, displacement: Operand = 0): void {
    const known = this.known(displacement);
    const rest = known === undefined ? this.node(displacement) : this.const(0);
    this.#node('cpu.store', 'void', [rest, this.node(value)], offset + (known ?? 0), false, { name });
  }
  state(offset: number): Node {
    return this.loadState('i32.load', offset);
  }
  setState(offset: number, value: Operand): void {
    this.storeState('i32.store', offset, value);
  }

  /** 64-bit register D[index], as i64 (`name` may be f64.load and the like). */
  d(index: Operand, name = 'i64.load'): Node {
    return this.loadState(name, CPU.vectors, this.shl(index, 3));
  }
  setD(index: Operand, value: Operand, name = 'i64.store'): void {
    this.storeState(name, CPU.vectors, value, this.shl(index, 3));
  }
  /** 32-bit register S[index], as i32 bits (or f32 with `f32.load`). */
  s(index: Operand, name = 'i32.load'): Node {
    return this.loadState(name, CPU.vectors, this.shl(index, 2));
  }
  setS(index: Operand, value: Operand, name = 'i32.store'): void {
    this.storeState(name, CPU.vectors, value, this.shl(index, 2));
  }

  /** Raises Undefined Instruction unless CPACR and FPEXC enable the floating-point registers in this mode. */
  requireFloatingPoint(): void {
    this.if(this.eqz(this.state(CPU.fpEnabled)), () => this.exception(EXCEPTION.undefined));
  }

  /** Non-zero in every mode but User. */
  privileged(): Node {
    return this.ne(this.and(this.state(CPU.control), 0xf), 0);
  }

  // ---- temporaries and control --------------------------------------------------------------------------------

  /** A mutable variable for values that come from two branches. */
  temp(type: ValueType, initial?: Operand): number {
    const number = this.#temporaries.push(type) - 1;
    if (initial !== undefined) this.setTemp(number, initial);
    return number;
  }
  getTemp(number: number): Node {
    return this.#node('temp', this.#temporaries[number]!, [], number);
  }
  setTemp(number: number, value: Operand): void {
    this.#node('setTemp', 'void', [this.node(value)], number);
  }

  /** Builds only the taken side when the condition is known. */
  if(condition: Operand, then: () => void, otherwise?: () => void): void {
    const known = this.known(condition);
    if (known !== undefined) {
      if (known !== 0) then();
      else otherwise?.();
      return;
    }
    const outer = this.#block;
    const thenBlock: Block = (this.#block = []);
    then();
    const otherwiseBlock: Block = (this.#block = []);
    otherwise?.();
    this.#block = outer;
    this.#node('if', 'void', [this.node(condition)], 0, false, { then: thenBlock, otherwise: otherwiseBlock });
  }

  // ---- memory -------------------------------------------------------------------------------------------------

  /** A guest load, zero-extended unless `ACCESS.signed`; the instruction ends here if it faults. */
  load(size: AccessSize, address: Operand, flags = 0): Node {
    return this.#node('guest.load', 'i32', [this.node(address)], size | flags);
  }
  store(size: AccessSize, address: Operand, value: Operand, flags = 0): void {
    this.#node('guest.store', 'void', [this.node(address), this.node(value)], size | flags);
  }
  /** 64 bits as two word accesses, low word first; word alignment is checked. */
  load64(address: Operand): Node {
    const low = this.load(4, address, ACCESS.wordAligned);
    const high = this.load(4, this.add(address, 4), ACCESS.wordAligned);
    return this.join(high, low);
  }
  store64(address: Operand, value: Node): void {
    this.store(4, address, this.low(value), ACCESS.wordAligned);
    this.store(4, this.add(address, 4), this.high(value), ACCESS.wordAligned);
  }

  /**
   * Host address of a guest address whose `bytes` (at most 255) can all be reached directly and which is a multiple of
   * `alignment`; else 0, and the access must be done by `load` and `store`. Valid until something is stored or called.
   */
  hostAddress(address: Operand, bytes: Operand, alignment: number, isStore: boolean): Node {
    const known = this.known(bytes);
    const args = known === undefined ? [this.node(address), this.node(bytes)] : [this.node(address)];
    return this.#node('guest.host', 'i32', args, (known ?? 0) | (alignment << 8) | (isStore ? 0x1_0000 : 0));
  }
  /** The rest of this block is rare: a translated region leaves it to the interpreter, undone. */
  rare(): void {
    this.#node('rare', 'void', []);
  }
  /** `name` is a WebAssembly load or store of guest memory at a host address from `hostAddress`. */
  loadHost(name: string, host: Node, offset: number): Node {
    return this.#node('host.load', opcode(name).result ?? 'i32', [host], offset, false, { name });
  }
  storeHost(name: string, host: Node, offset: number, value: Node): void {
    this.#node('host.store', 'void', [host, value], offset, false, { name });
  }

  // ---- leaving ------------------------------------------------------------------------------------------------

  /** Goes on at `target` in the same instruction set (bits below the alignment must be clear). */
  jump(target: Operand): void {
    this.#node('jump', 'void', [this.node(target)]);
  }

  /** BranchWritePC (A2.3.1): no change of instruction set. */
  branchWritePc(target: Operand): void {
    this.jump(this.and(target, this.isa === 'A32' ? ~3 : ~1));
  }

  /** BXWritePC: bit 0 chooses the instruction set. */
  bxWritePc(target: Operand): void {
    const value = this.node(target);
    const thumb = this.and(value, 1);
    if (this.isa === 'T32') {
      this.if(this.eqz(thumb), () => {
        this.setState(CPU.control, this.and(this.state(CPU.control), ~PSR.T));
        this.#attendFetch();
      });
    } else {
      this.if(thumb, () => {
        this.setState(CPU.control, this.or(this.state(CPU.control), PSR.T));
        this.#attendFetch();
      });
    }
    // An address ending in 10 is UNPREDICTABLE for A32; bit 1 is then ignored.
    this.jump(this.and(value, this.select(thumb, ~1, ~3)));
  }

  /** ALUWritePC: interworking only in A32 state (ARMv7). */
  aluWritePc(target: Operand): void {
    if (this.isa === 'A32') this.bxWritePc(target);
    else this.branchWritePc(target);
  }

  /** Rd := value, or a branch by ALUWritePC when Rd is 15. */
  writeReg(index: Operand, value: Operand): void {
    this.if(
      this.eq(index, 15),
      () => this.aluWritePc(value),
      () => this.setReg(index, value),
    );
  }

  /** Rt := value, or a branch by LoadWritePC when Rt is 15. */
  writeLoaded(index: Operand, value: Operand): void {
    this.if(
      this.eq(index, 15),
      () => this.bxWritePc(value),
      () => this.setReg(index, value),
    );
  }

  /** Makes the engine look the fetch page up again before the next instruction. */
  #attendFetch(): void {
    this.setState(CPU.fetchPage, 1);
  }

  /** Leaves the run loop before the next instruction if an interrupt that is now unmasked is pending. */
  attendInterrupts(control: Node): void {
    this.if(this.and(this.state(CPU.interruptLines), this.not(control)), () => {
      this.setState(CPU.attention, 1);
      this.#attendFetch();
    });
  }

  /** Calls a helper; see `HELPERS`. */
  call(name: string, ...operands: Operand[]): Node {
    const helper = HELPERS[name];
    if (helper === undefined) throw new RangeError(`no helper is called ${name}`);
    return this.#node(
      'call',
      helper.result ?? 'void',
      operands.map((o) => this.node(o)),
      0,
      false,
      { name },
    );
  }

  /** Calls a helper that may give the instruction up (an exception): nothing after it runs then. */
  callChecked(name: string, ...operands: Operand[]): Node {
    const result = this.call(name, ...operands);
    this.#node('abortCheck', 'void', []);
    return result;
  }

  /** Takes an exception of the given kind; see EXCEPTION. */
  exception(kind: number, immediate: Operand = 0): void {
    this.callChecked('exception', kind, immediate);
  }
}
