// SPDX-License-Identifier: Apache-2.0
// The interpreter's handlers: for every row of the instruction table one WebAssembly function per combination of its
// specialised fields. Which handler an instruction word gets is decided once, in TypeScript, when it is first met.

import type { Code, FunctionType } from '@plinth/wasmgen';
import {
  Emitter,
  LocalPool,
  loadCpu,
  loadName,
  returnIfAborted,
  storeName,
  tableOffset,
  type Lowering,
} from '../emit/emit.js';
import { Builder } from '../ir/builder.js';
import type { Node } from '../ir/node.js';
import type { Row } from '../isa/row.js';
import { CPU } from '../state/layout.js';

/** Handler numbers below the table's own. Zero marks a slot that has not been decoded. */
export const HANDLER = {
  undecoded: 0,
  /** A 32-bit T32 instruction that continues on the next page. */
  crossing: 1,
  /** Somebody is told before the instruction here executes, and whether its condition holds or not. */
  hooked: 2,
  /** Numbers below this one are called whatever the condition of an IT block says. */
  undefined: 3,
  first: 4,
  /** Set in a slot whose instruction has a condition to test; the interpreter loop does that. */
  conditional: 0x8000,
} as const;

/** One dimension of a row's handlers. */
interface Dimension {
  /** A handler for each value, or one for 15 and one for all others. */
  readonly kind: 'value' | 'is15';
  readonly field: string;
  readonly shift: number;
  readonly mask: number;
  readonly count: number;
}

export interface RowHandlers {
  readonly row: Row;
  readonly first: number;
  readonly dimensions: readonly Dimension[];
  /** Handlers outside IT blocks; as many again follow for inside, where the row differs there. */
  readonly count: number;
}

function dimensionsOf(row: Row): Dimension[] {
  return row.specialize.map((text) => {
    const field = text.replace(/=15$/, '');
    const place = row.fields.find((f) => f.name === field);
    if (place === undefined) throw new RangeError(`${row.name}: no field ${field} to specialise`);
    const { shift, width } = place;
    const isValue = !text.endsWith('=15');
    const count = isValue ? 2 ** width : 2;
    return { kind: isValue ? 'value' : 'is15', field, shift, mask: 2 ** width - 1, count };
  });
}

/** Numbers all handlers of a table, in order. */
export function planHandlers(rows: readonly Row[]): { plan: RowHandlers[]; total: number } {
  let next: number = HANDLER.first;
  const plan = rows.map((row) => {
    const dimensions = dimensionsOf(row);
    const count = dimensions.reduce((product, d) => product * d.count, 1);
    const first = next;
    next += row.variesInIt ? 2 * count : count;
    return { row, first, dimensions, count };
  });
  return { plan, total: next };
}

/** The handler of an instruction word of this row. */
export function handlerNumber(handlers: RowHandlers, word: number, inIt: boolean): number {
  let index = 0;
  for (const d of handlers.dimensions) {
    const value = (word >>> d.shift) & d.mask;
    index = d.kind === 'value' ? index * d.count + value : index * 2 + Number(value === 15);
  }
  if (inIt && handlers.row.variesInIt) index += handlers.count;
  const conditional = handlers.row.conditional && word >>> 28 !== 14;
  return (handlers.first + index) | (conditional ? HANDLER.conditional : 0);
}

/** Calls back with every combination of a row's specialised fields, in handler order. */
export function forEachVariant(
  handlers: RowHandlers,
  visit: (index: number, fixed: ReadonlyMap<string, number | 'not15'>) => void,
): void {
  for (let index = 0; index < handlers.count; index++) {
    const fixed = new Map<string, number | 'not15'>();
    let rest = index;
    for (let i = handlers.dimensions.length - 1; i >= 0; i--) {
      const d = handlers.dimensions[i]!;
      const digit = rest % d.count;
      rest = (rest - digit) / d.count;
      fixed.set(d.field, d.kind === 'value' ? digit : digit === 1 ? 15 : 'not15');
    }
    visit(index, fixed);
  }
}

/** Parameters of every handler: CPU block, instruction word, address; the result is the next address. */
export const HANDLER_TYPE: FunctionType = { parameters: ['i32', 'i32', 'i32'], results: ['i32'] };
const PARAMETER = { cpu: 0, instruction: 1, pc: 2 } as const;

/** Registers and flags live in memory; leaving an instruction is returning the next address. */
export class InterpreterLowering implements Lowering {
  readonly cpu: number = PARAMETER.cpu;
  readonly #code: Code;
  readonly #functions: ReadonlyMap<string, number>;

  constructor(code: Code, functions: ReadonlyMap<string, number>) {
    this.#code = code;
    this.#functions = functions;
  }

  field(node: Node): void {
    const shift = (node.immediate as number) & 0xff;
    const width = (node.immediate as number) >> 8;
    this.#code.get(PARAMETER.instruction);
    if (shift > 0) this.#code.i32(shift).op('i32.shr_u');
    if (shift + width < 32) this.#code.i32(2 ** width - 1).op('i32.and');
  }

  pc(): void {
    this.#code.get(PARAMETER.pc);
  }

  #registerAddress(index: Node, operand: (node: Node) => void): number {
    this.#code.get(this.cpu);
    if (index.op === 'const') return CPU.registers + 4 * (index.immediate as number);
    operand(index);
    this.#code.i32(2).op('i32.shl').op('i32.add');
    return CPU.registers;
  }

  reg(index: Node, operand: (node: Node) => void): void {
    const offset = this.#registerAddress(index, operand);
    this.#code.memory('i32.load', offset);
  }

  setReg(index: Node, value: Node, operand: (node: Node) => void): void {
    const offset = this.#registerAddress(index, operand);
    operand(value);
    this.#code.memory('i32.store', offset);
  }

  flag(offset: number): void {
    loadCpu(this.#code, this.cpu, offset);
  }

  setFlag(offset: number, value: Node, operand: (node: Node) => void): void {
    this.#code.get(this.cpu);
    operand(value);
    this.#code.memory('i32.store', offset);
  }

  jump(target: Node, operand: (node: Node) => void): void {
    operand(target);
    this.#code.return();
  }

  abortCheck(): void {
    returnIfAborted(this.#code, this.cpu);
  }

  helper(name: string): number {
    const index = this.#functions.get(name);
    if (index === undefined) throw new RangeError(`helper ${name} is not imported`);
    return index;
  }

  leaveForHelper(): boolean {
    return false;
  }

  table(write: boolean, unprivileged: boolean): void {
    loadCpu(this.#code, this.cpu, tableOffset(write, unprivileged));
  }

  load(access: number, address: number, entry: number): void {
    const code = this.#code;
    const slow = code.if('i32');
    code.get(this.cpu).get(address).i32(access).call(this.helper('slowLoad'));
    returnIfAborted(code, this.cpu);
    code.else();
    code.get(address).get(entry).op('i32.add').memory(loadName(access), 0);
    code.end(slow);
  }

  store(access: number, address: number, entry: number, value: number): void {
    const code = this.#code;
    const slow = code.if();
    code.get(this.cpu).get(address).get(value).i32(access).call(this.helper('slowStore'));
    returnIfAborted(code, this.cpu);
    code.else();
    code.get(address).get(entry).op('i32.add').get(value).memory(storeName(access), 0);
    code.end(slow);
  }
}

/** Writes the body of one handler. */
export function writeHandler(
  code: Code,
  functions: ReadonlyMap<string, number>,
  row: Row,
  fixed: ReadonlyMap<string, number | 'not15'>,
  inIt: boolean,
): void {
  const size = row.isa === 'T16' ? 2 : 4;
  const b = new Builder({ isa: row.isa === 'A32' ? 'A32' : 'T32', inIt, size });
  const fields: Record<string, Node> = {};
  for (const { name, shift, width } of row.fields) {
    const known = fixed.get(name);
    fields[name] = typeof known === 'number' ? b.const(known) : b.field(shift, width, known === 'not15');
  }
  // The word comes as it lies in memory; the table has a T32 instruction's first halfword on top.
  if (row.isa === 'T32') code.get(PARAMETER.instruction).i32(16).op('i32.rotl').set(PARAMETER.instruction);
  row.lift(b, fields);
  new Emitter(code, new LocalPool(code), new InterpreterLowering(code, functions)).emit(b.block, b.temporaries);
  code.get(PARAMETER.pc).i32(size).op('i32.add');
}
