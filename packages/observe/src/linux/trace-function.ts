// SPDX-License-Identifier: Apache-2.0
// Follows the A32 code of one function along its paths, without executing it, and tells what it loads, stores, compares,
// calls and returns, as expressions over its arguments. Memory is not modelled but for the stack; loops are gone through
// twice. A kernel built as Thumb code is not followed.

import { type Decoded, Decoder, ROWS } from '@plinth/arm';
import {
  add,
  argument,
  constant,
  CURRENT,
  load,
  PER_CPU,
  plus,
  result,
  shifted,
  split,
  STACK,
  unknown,
  type Value,
} from './value.js';

export type TraceEvent =
  | { readonly kind: 'load'; readonly address: Value; readonly size: number }
  | { readonly kind: 'store'; readonly address: Value; readonly size: number; readonly value: Value }
  | { readonly kind: 'compare'; readonly left: Value; readonly right: Value }
  | { readonly kind: 'test'; readonly value: Value; readonly mask: Value }
  /** `stack(n)` is the n-th word that is passed on the stack. */
  | {
      readonly kind: 'call';
      readonly target: number | undefined;
      readonly args: readonly Value[];
      readonly stack: (n: number) => Value | undefined;
    }
  | { readonly kind: 'return'; readonly value: Value; readonly second: Value }
  /** TPIDRURO is written. */
  | { readonly kind: 'set-current'; readonly value: Value };

export interface TracedCode {
  /** Where the function begins, and the first address behind it. */
  readonly start: number;
  readonly end: number;
  /** A word of code; undefined where none is. */
  word(address: number): number | undefined;
}

/** Instructions followed, on all paths together. */
const MAX_STEPS = 20_000;
const MAX_PATHS = 400;
/** How often a path may come by an instruction. */
const MAX_VISITS = 2;
const ALWAYS = 14;

interface Path {
  pc: number;
  readonly registers: Value[];
  readonly stack: Map<number, Value>;
  readonly visits: Map<number, number>;
  /** By condition without its lowest bit, since the flags were set: whether the even one holds. */
  conditions: Map<number, boolean>;
}

const DECODER = new Decoder(ROWS, 'A32');

/** The events of all paths, each path's in order. */
export function traceFunction(code: TracedCode): readonly TraceEvent[] {
  return new Tracer(code).run();
}

function expandImmediate(imm12: number): number {
  const rotation = (imm12 >>> 8) * 2;
  const value = imm12 & 0xff;
  return rotation === 0 ? value : ((value >>> rotation) | (value << (32 - rotation))) >>> 0;
}

class Tracer {
  readonly #code: TracedCode;
  readonly #events: TraceEvent[] = [];
  readonly #waiting: Path[] = [];
  #numbers = 0;
  #paths = 1;

  constructor(code: TracedCode) {
    this.#code = code;
  }

  run(): readonly TraceEvent[] {
    const registers = Array.from({ length: 16 }, (_, n) => (n < 4 ? argument(n) : n === 13 ? STACK : this.#unknown()));
    this.#waiting.push({ pc: this.#code.start, registers, stack: new Map(), visits: new Map(), conditions: new Map() });
    let steps = 0;
    for (let path = this.#waiting.shift(); path !== undefined; path = this.#waiting.shift()) {
      while (this.#step(path)) if (++steps > MAX_STEPS) return this.#events;
    }
    return this.#events;
  }

  #unknown(): Value {
    return unknown(this.#numbers++);
  }

  /** Executes one instruction; false at the end of the path. */
  #step(path: Path): boolean {
    const { pc } = path;
    const visits = path.visits.get(pc) ?? 0;
    const word = this.#code.word(pc);
    if (pc < this.#code.start || pc >= this.#code.end || visits >= MAX_VISITS || word === undefined) return false;
    const decoded = DECODER.decode(word);
    if (decoded === undefined) return false;
    path.visits.set(pc, visits + 1);
    const condition = decoded.fields['cond'] ?? ALWAYS;
    if (condition < ALWAYS) {
      const pair = condition & ~1;
      const known = path.conditions.get(pair);
      const holds = known ?? true;
      if (known === undefined) {
        if (this.#paths < MAX_PATHS) {
          this.#paths++;
          const other = copy(path);
          other.conditions.set(pair, (condition & 1) !== 0);
          // The path on which it does not hold goes on behind it.
          other.pc = pc + 4;
          this.#waiting.push(other);
        }
        path.conditions.set(pair, (condition & 1) === 0);
      } else if (holds !== ((condition & 1) === 0)) {
        path.pc = pc + 4;
        return true;
      }
    }
    path.pc = pc + 4;
    return this.#execute(path, decoded, pc);
  }

  #execute(path: Path, { row, fields: f }: Decoded, pc: number): boolean {
    const { registers: r } = path;
    const name = row.name;
    const [mnemonic = '', form = ''] = /^(\w+)(?: \((.*)\))?$/.exec(name)?.slice(1) ?? [name];
    switch (mnemonic) {
      case 'MOV':
      case 'ADD':
      case 'SUB':
      case 'CMP':
      case 'TST':
      case 'TEQ':
      case 'AND':
      case 'EOR':
      case 'ORR':
      case 'BIC':
      case 'MVN':
      case 'RSB':
      case 'ADC':
      case 'SBC':
      case 'RSC':
      case 'CMN':
        return this.#dataProcessing(path, mnemonic, form, f, pc);
      case 'MOVW':
        r[f['Rd']!] = constant((f['imm4']! << 12) | f['imm12']!);
        return true;
      case 'MOVT': {
        const low = r[f['Rd']!]!;
        const high = ((f['imm4']! << 12) | f['imm12']!) << 16;
        r[f['Rd']!] = low.kind === 'constant' ? constant((low.value & 0xffff) | high) : this.#unknown();
        return true;
      }
      case 'MRC':
      case 'MCR':
        return this.#coprocessor(path, mnemonic, form, f);
      case 'B': {
        const target = (pc + 8 + row.target!(f)) >>> 0;
        if (target >= this.#code.start && target < this.#code.end) path.pc = target;
        else {
          this.#call(path, target);
          return false;
        }
        return true;
      }
      case 'BL':
        this.#called(path, (pc + 8 + row.target!(f)) >>> 0);
        return true;
      case 'BLX':
        this.#called(path, undefined);
        return true;
      case 'BX':
        if (f['Rm'] === 14) this.#return(path);
        else this.#call(path, undefined);
        return false;
      case 'UDF':
      case 'SVC':
        return false;
    }
    if (/^(LDR|STR|PUSH|POP|LDM|STM)/.test(mnemonic)) return this.#transfer(path, mnemonic, form, f, pc);
    for (const field of ['Rd', 'RdLo', 'RdHi']) if (f[field] !== undefined) r[f[field]] = this.#unknown();
    // Vector registers bear other names, so what a transfer from them leaves is in Rt.
    if (mnemonic === 'VMOV' || mnemonic === 'VMRS' || mnemonic === 'MRRC') {
      for (const field of ['Rt', 'Rt2']) if (f[field] !== undefined) r[f[field]] = this.#unknown();
    }
    return true;
  }

  #operand(path: Path, form: string, f: Decoded['fields'], pc: number): Value {
    if (form === 'immediate') return constant(expandImmediate(f['imm12']!));
    if (form !== 'register') return this.#unknown();
    const value = this.#read(path, f['Rm']!, pc);
    const { type = 0, imm5 = 0 } = f as { type?: number; imm5?: number };
    if (type === 0 && imm5 === 0) return value;
    return shifted(value, type, imm5);
  }

  /** A register as an operand; PC reads eight on. */
  #read(path: Path, n: number, pc: number): Value {
    return n === 15 ? constant(pc + 8) : path.registers[n]!;
  }

  #dataProcessing(path: Path, mnemonic: string, form: string, f: Decoded['fields'], pc: number): boolean {
    const right = this.#operand(path, form, f, pc);
    const left = f['Rn'] === undefined ? right : this.#read(path, f['Rn'], pc);
    const compares = mnemonic === 'CMP' || mnemonic === 'CMN' || mnemonic === 'TST' || mnemonic === 'TEQ';
    if (compares || f['S'] === 1) path.conditions = new Map();
    if (mnemonic === 'CMP' || mnemonic === 'TEQ' || (mnemonic === 'SUB' && f['S'] === 1)) {
      this.#events.push({ kind: 'compare', left, right });
    }
    if (mnemonic === 'TST') this.#events.push({ kind: 'test', value: left, mask: right });
    if (compares) return true;
    const value = this.#compute(mnemonic, left, right);
    if (f['Rd'] === 15) {
      if (mnemonic === 'MOV' && f['Rm'] === 14) this.#return(path);
      return false;
    }
    path.registers[f['Rd']!] = value;
    return true;
  }

  #compute(mnemonic: string, left: Value, right: Value): Value {
    switch (mnemonic) {
      case 'MOV':
        return right;
      case 'ADD':
        return plus(left, right);
      case 'SUB':
        return right.kind === 'constant' ? add(left, -right.value) : this.#unknown();
      case 'MVN':
        return right.kind === 'constant' ? constant(~right.value) : this.#unknown();
      case 'ORR':
        return left.kind === 'constant' && right.kind === 'constant'
          ? constant(left.value | right.value)
          : this.#unknown();
      default:
        return this.#unknown();
    }
  }

  #coprocessor(path: Path, mnemonic: string, form: string, f: Decoded['fields']): boolean {
    const rt = f['Rt']!;
    if (mnemonic === 'MCR') {
      if (form === 'TPIDRURO') this.#events.push({ kind: 'set-current', value: path.registers[rt]! });
    } else if (rt !== 15) {
      path.registers[rt] = form === 'TPIDRURO' ? CURRENT : form === 'TPIDRPRW' ? PER_CPU : this.#unknown();
    }
    return true;
  }

  #call(path: Path, target: number | undefined): void {
    const [sp, stack] = [split(path.registers[13]!), new Map(path.stack)];
    this.#events.push({
      kind: 'call',
      target,
      args: path.registers.slice(0, 4),
      stack: (n) => (sp.base === STACK ? stack.get(sp.offset + 4 * n) : undefined),
    });
  }

  /** r0 to r3, r12 and the flags are lost in a call (AAPCS). */
  #called(path: Path, target: number | undefined): void {
    this.#call(path, target);
    path.registers[0] = result(target, this.#numbers++);
    for (const n of [1, 2, 3, 12, 14]) path.registers[n] = this.#unknown();
    path.conditions = new Map();
  }

  #return(path: Path): void {
    this.#events.push({ kind: 'return', value: path.registers[0]!, second: path.registers[1]! });
  }

  #load(path: Path, address: Value, size: number): Value {
    const { base, offset } = split(address);
    if (base === STACK) return (size === 4 ? path.stack.get(offset) : undefined) ?? this.#unknown();
    this.#events.push({ kind: 'load', address, size });
    return load(address, size);
  }

  #store(path: Path, address: Value, size: number, value: Value): void {
    const { base, offset } = split(address);
    if (base === STACK) path.stack.set(offset & ~3, size === 4 ? value : this.#unknown());
    else this.#events.push({ kind: 'store', address, size, value });
  }

  #transfer(path: Path, mnemonic: string, form: string, f: Decoded['fields'], pc: number): boolean {
    const { registers: r } = path;
    if (/^(PUSH|POP|LDM|STM)/.test(mnemonic) && form !== 'one register') return this.#several(path, mnemonic, form, f);
    if (mnemonic === 'PUSH' || mnemonic === 'POP') {
      const [loads, rt] = [mnemonic === 'POP', f['Rt']!];
      const sp = r[13]!;
      if (loads) {
        r[13] = add(sp, 4);
        if (rt === 15) {
          this.#return(path);
          return false;
        }
        r[rt] = this.#load(path, sp, 4);
      } else {
        r[13] = add(sp, -4);
        this.#store(path, r[13], 4, r[rt]!);
      }
      return true;
    }
    const loads = mnemonic.startsWith('LDR');
    const rt = f['Rt']!;
    const size = /^...E?X?S?B/.test(mnemonic) ? 1 : /^...E?X?S?H/.test(mnemonic) ? 2 : 4;
    const two = /^(LDRD|STRD|LDREXD|STREXD)$/.test(mnemonic);
    if (form === 'literal') {
      const offset = f['imm12'] ?? (f['H']! << 4) | f['L']!;
      const word = this.#code.word((((pc + 8) & ~3) + (f['U'] === 1 ? offset : -offset)) >>> 0);
      r[rt] = word === undefined || size !== 4 ? this.#unknown() : constant(word);
      if (two) r[rt + 1] = this.#unknown();
      return rt !== 15;
    }
    const base = this.#read(path, f['Rn']!, pc);
    const exclusive = mnemonic.includes('EX');
    const offset = exclusive ? constant(0) : this.#transferOffset(path, form, f, pc);
    const indexed =
      offset.kind === 'constant' ? add(base, f['U'] === 0 ? -offset.value : offset.value) : plus(base, offset);
    const post = !exclusive && (f['P'] ?? 1) === 0;
    const address = post ? base : indexed;
    if (!exclusive && (post || f['W'] === 1)) r[f['Rn']!] = indexed;
    if (!loads) {
      this.#store(path, address, size, this.#read(path, rt, pc));
      if (two) this.#store(path, add(address, 4), 4, this.#read(path, rt + 1, pc));
      if (exclusive) r[f['Rd']!] = this.#unknown();
      return true;
    }
    const value = this.#load(path, address, size);
    if (rt === 15) return false;
    r[rt] = value;
    if (two) r[rt + 1] = this.#load(path, add(address, 4), 4);
    return true;
  }

  #transferOffset(path: Path, form: string, f: Decoded['fields'], pc: number): Value {
    if (f['imm12'] !== undefined) return constant(f['imm12']);
    if (form === 'immediate') return constant((f['H']! << 4) | f['L']!);
    const value = f['U'] === 0 ? this.#unknown() : this.#read(path, f['Rm']!, pc);
    return (f['imm5'] ?? 0) === 0 && (f['type'] ?? 0) === 0 ? value : shifted(value, f['type']!, f['imm5']!);
  }

  #several(path: Path, mnemonic: string, form: string, f: Decoded['fields']): boolean {
    const { registers: r } = path;
    const loads = mnemonic === 'POP' || mnemonic.startsWith('LDM');
    const n = mnemonic === 'PUSH' || mnemonic === 'POP' ? 13 : f['Rn']!;
    const list = f['list']! | ((f['pc'] ?? 0) << 15);
    const registers = Array.from({ length: 16 }, (_, bit) => bit).filter((bit) => ((list >> bit) & 1) !== 0);
    const size = 4 * registers.length;
    const mode = mnemonic === 'PUSH' ? 'DB' : mnemonic === 'POP' ? 'IA' : mnemonic.slice(3);
    const base = r[n]!;
    const start = mode === 'IA' ? 0 : mode === 'IB' ? 4 : mode === 'DB' ? -size : 4 - size;
    const writesBack = mnemonic === 'PUSH' || mnemonic === 'POP' || f['W'] === 1;
    if (writesBack) r[n] = add(base, mode.startsWith('I') ? size : -size);
    for (const [place, register] of registers.entries()) {
      const address = add(base, start + 4 * place);
      if (!loads) this.#store(path, address, 4, register === n ? base : r[register]!);
      else if (register === 15) {
        this.#return(path);
        return false;
      } else {
        const value = this.#load(path, address, 4);
        // User registers are not those that the function works with.
        if (form !== 'User registers') r[register] = value;
      }
    }
    return true;
  }
}

function copy(path: Path): Path {
  return {
    pc: path.pc,
    registers: [...path.registers],
    stack: new Map(path.stack),
    visits: new Map(path.visits),
    conditions: new Map(path.conditions),
  };
}
