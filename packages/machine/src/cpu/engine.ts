// SPDX-License-Identifier: Apache-2.0
// The engine of one machine: compiles the generated interpreter over the machine's memory, decodes instructions for it
// when it meets them for the first time, and with a translator hands it what has become hot.

import {
  CPU,
  CPU_BLOCK_SIZE,
  decodedEndsBlock,
  Decoder,
  extractFields,
  HANDLER,
  handlerNumber,
  HELPERS,
  RegionFinder,
  type Row,
  ROWS,
} from '@plinth/arm';
import type { CodePages } from '../memory/code-pages.js';
import { CPU_BLOCKS_AT } from '../memory/layout.js';
import type { PhysicalMemory } from '../memory/physical-memory.js';
import type { Blocks } from './blocks.js';
import type { Hooks } from './hooks.js';
import type { InterpreterImage } from './interpreter-image.js';
import { isWide, swapHalves } from './t32-words.js';
import { Translator } from './translator.js';
import type { Vcpu } from './vcpu.js';

/**
 * - `interpreter`: every instruction by its handler
 * - `translator`: what is executed often becomes regions
 * - `translator-forced`: everything becomes regions at its first execution (for tests)
 */
export type EngineKind = 'interpreter' | 'translator' | 'translator-forced';

/** Words remembered with their function numbers, for each instruction set. */
const MEMO_SIZE = 16384;

interface Memo {
  readonly words: Int32Array;
  /** 0 where nothing is remembered. */
  readonly numbers: Uint16Array;
  /** Whether the instruction ends its block: 1 if not, 2 if so, 0 if it has not been asked. */
  readonly ends: Uint8Array;
}

function emptyMemo(): Memo {
  return {
    words: new Int32Array(MEMO_SIZE),
    numbers: new Uint16Array(MEMO_SIZE),
    ends: new Uint8Array(MEMO_SIZE),
  };
}

function memoPlace(word: number): number {
  return (Math.imul(word, 0x9e3779b1) >>> 18) & (MEMO_SIZE - 1);
}

type HandlerFunction = (cpu: number, instruction: number, pc: number) => number;

export interface EngineOptions {
  readonly kind: EngineKind;
  readonly physical: PhysicalMemory;
  readonly codePages: CodePages;
  readonly hooks: Hooks;
  readonly blocks: Blocks;
  readonly memory: WebAssembly.Memory;
  readonly image: InterpreterImage;
  readonly cpus: readonly Vcpu[];
  /** Implementations of the `pure` helpers, by name. */
  readonly pureHelpers: Readonly<Record<string, (...args: number[]) => number | void>>;
}

export class Engine {
  readonly #image: InterpreterImage;
  readonly #run: (cpu: number) => number;
  readonly #runCounting: (cpu: number) => number;
  readonly #conditionHolds: (cpu: number, condition: number) => number;
  readonly #single: (cpu: number, instruction: number, pc: number, number: number) => number;
  readonly #table: WebAssembly.Table;
  readonly #hooks: Hooks;
  readonly #blocks: Blocks;
  readonly #codePages: CodePages;
  readonly #decoders: { a32: Decoder; t32: Decoder; t16: Decoder };
  readonly #cpus: readonly Vcpu[];
  readonly #forced: boolean;
  readonly translator: Translator | undefined;
  /** A 16-bit and a 32-bit T32 word are never equal: the latter's upper half is not zero. */
  readonly #memos: { readonly a32: Memo; readonly thumb: Memo } = { a32: emptyMemo(), thumb: emptyMemo() };
  readonly #halfwords: Uint16Array;

  constructor(options: EngineOptions) {
    this.#halfwords = new Uint16Array(options.memory.buffer);
    this.#cpus = options.cpus;
    this.#hooks = options.hooks;
    this.#blocks = options.blocks;
    this.#codePages = options.codePages;
    this.#decoders = {
      a32: new Decoder(ROWS, 'A32'),
      t32: new Decoder(ROWS, 'T32'),
      t16: new Decoder(ROWS, 'T16'),
    };
    this.#forced = options.kind === 'translator-forced';
    this.#image = options.image;
    const instance = new WebAssembly.Instance(options.image.module, {
      env: { memory: options.memory, ...this.#imports(options) },
    });
    this.#run = instance.exports['run'] as (cpu: number) => number;
    this.#runCounting = instance.exports['runCounting'] as (cpu: number) => number;
    this.#conditionHolds = instance.exports['conditionHolds'] as (cpu: number, condition: number) => number;
    this.#single = instance.exports['single'] as (cpu: number, instruction: number, pc: number, id: number) => number;
    this.#table = instance.exports['table'] as WebAssembly.Table;
    if (options.kind === 'interpreter') return;
    this.translator = new Translator({
      memory: options.memory,
      physical: options.physical,
      codePages: options.codePages,
      hooks: options.hooks,
      blocks: options.blocks,
      finder: new RegionFinder(this.#decoders),
      table: this.#table,
      firstRegion: this.#image.handlerCount,
      sharedMemory: this.#image.sharedMemory,
      imports: { ...instance.exports, ...options.pureHelpers },
    });
  }

  run(cpuBase: number): number {
    return this.#codePages.counting ? this.#runCounting(cpuBase) : this.#run(cpuBase);
  }

  #cpu(base: number): Vcpu {
    return this.#cpus[cpuIndex(base)]!;
  }

  /** The functions that generated code imports: a method of the CPU for each helper of kind `runtime`. */
  #imports(options: EngineOptions): Record<string, unknown> {
    const imports: Record<string, unknown> = {};
    const only = options.cpus.length === 1 ? options.cpus[0] : undefined;
    for (const [name, helper] of Object.entries(HELPERS)) {
      if (helper.kind === 'pure') {
        const implementation = options.pureHelpers[name];
        if (implementation !== undefined) imports[name] = implementation;
        continue;
      }
      const methods = options.cpus.map((cpu) =>
        (cpu as unknown as Record<string, (...args: number[]) => number | void>)[name]!.bind(cpu),
      );
      const [first] = methods;
      imports[name] =
        only === undefined
          ? (base: number, a: number, b: number, c: number) => methods[cpuIndex(base)]!(a, b, c)
          : (_base: number, a: number, b: number, c: number) => first!(a, b, c);
    }
    imports['slowLoad'] = (cpu: number, address: number, access: number) =>
      (only ?? this.#cpu(cpu)).data.load(address, access);
    imports['slowStore'] = (cpu: number, address: number, value: number, access: number) =>
      (only ?? this.#cpu(cpu)).data.store(address, value, access);
    imports['secondLooks'] = (cpu: number) => this.#cpu(cpu).secondLooks();
    imports['undefined'] = (cpu: number) => this.#cpu(cpu).undefinedInstruction();
    imports['undecoded'] = (cpu: number, word: number, pc: number) => this.#undecoded(this.#cpu(cpu), word, pc);
    imports['crossing'] = (cpu: number, word: number, pc: number) => this.#crossing(this.#cpu(cpu), word, pc);
    imports['hooked'] = (cpu: number, _word: number, pc: number) => this.#hooked(this.#cpu(cpu), pc);
    imports['blockEntered'] = (cpu: number, pc: number) => this.#blocks.entered(this.#cpu(cpu), pc);
    return imports;
  }

  /** The function number for an instruction word; most words of a program occur again, so some are remembered. */
  #number(decoder: Decoder, word: number, inIt: boolean): number {
    if (inIt) return this.#decode(decoder, word, true);
    const memo = decoder === this.#decoders.a32 ? this.#memos.a32 : this.#memos.thumb;
    const place = memoPlace(word);
    if (memo.numbers[place] !== 0 && memo.words[place] === (word | 0)) return memo.numbers[place]!;
    const number = this.#decode(decoder, word, false);
    memo.words[place] = word;
    memo.numbers[place] = number;
    memo.ends[place] = 0;
    return number;
  }

  #decode(decoder: Decoder, word: number, inIt: boolean): number {
    const index = decoder.find(word);
    if (index < 0) return HANDLER.undefined;
    const row = decoder.rows[index]!;
    if (row.unpredictable?.(extractFields(row, word)) === true) return HANDLER.undefined;
    if (inIt && row.it === 'never') return HANDLER.undefined;
    return handlerNumber(this.#image.handlers[index]!, word, inIt);
  }

  /** The row of an instruction as it lies in memory (T32: first halfword low), for tools. */
  decode(word: number, thumb: boolean): Row | undefined {
    if (!thumb) return this.#decoders.a32.decode(word >>> 0)?.row;
    if (isWide(word)) return this.#decoders.t32.decode(swapHalves(word))?.row;
    return this.#decoders.t16.decode(word & 0xffff)?.row;
  }

  /** Decodes the slot at `pc` and has it tried again, without having counted. */
  #undecoded(cpu: Vcpu, word: number, pc: number): number {
    const { state } = cpu;
    const inIt = state.get(CPU.itState) !== 0;
    const page = cpu.noteDecoded(pc);
    const hooked = this.#hooks.onPage(page)?.has(pc & 0xfff) === true;
    const number = hooked ? HANDLER.hooked : this.#numberAt(state.thumb, word, pc, inIt);
    this.#halfwords[(pc + state.get(CPU.fetchHandlers)) >>> 1] = number;
    if (this.#codePages.counting) {
      // What the other set of handlers knows of the place has been noted, but the instruction has not begun.
      state.set(CPU.blockEntry, 0);
      if (this.#endsBlock(state.thumb, word, pc)) this.#codePages.markEnd(page, state.thumb, pc & 0xfff);
    }
    if (this.#forced && !inIt && this.translator!.request(page, state.thumb, pc & 0xfff, number)) {
      this.translator!.flush();
    }
    state.set(CPU.budget, state.get(CPU.budget) + 1);
    return pc;
  }

  /** Whether the instruction is its block's last; false for one that goes on on the next page, for it is not known yet. */
  #endsBlock(thumb: boolean, word: number, pc: number): boolean {
    const { a32, t16, t32 } = this.#decoders;
    const wide = !thumb || isWide(word);
    if (thumb && wide && (pc & 0xfff) === 0xffe) return false;
    const decoder = !thumb ? a32 : wide ? t32 : t16;
    const whole = !thumb ? word >>> 0 : wide ? swapHalves(word) : word & 0xffff;
    const memo = thumb ? this.#memos.thumb : this.#memos.a32;
    const place = memoPlace(whole);
    const remembered = memo.numbers[place] !== 0 && memo.words[place] === (whole | 0);
    if (remembered && memo.ends[place] !== 0) return memo.ends[place] === 2;
    const decoded = decoder.decode(whole);
    const ends = decoded !== undefined && !decoded.unpredictable && decodedEndsBlock(decoded, thumb, wide ? 4 : 2);
    if (remembered) memo.ends[place] = ends ? 2 : 1;
    return ends;
  }

  /** The function number of the instruction word that was fetched from `pc`. */
  #numberAt(thumb: boolean, word: number, pc: number, inIt: boolean): number {
    if (!thumb) return this.#number(this.#decoders.a32, word >>> 0, false);
    if (!isWide(word)) return this.#number(this.#decoders.t16, word & 0xffff, inIt);
    if ((pc & 0xfff) === 0xffe) return HANDLER.crossing;
    return this.#number(this.#decoders.t32, swapHalves(word), inIt);
  }

  /** Tells the hooks of a place; then the instruction that is there now is done, if its condition holds. */
  #hooked(cpu: Vcpu, pc: number): number {
    const { state } = cpu;
    const host = pc + state.get(CPU.fetchHost);
    const verdict = cpu.takeAnnounced(pc) ? 'go-on' : this.#hooks.call(cpu, host, pc >>> 0);
    if (verdict === 'stop') {
      cpu.stopBefore(pc);
      return pc;
    }
    // A hook has sent the CPU elsewhere.
    if (state.get(CPU.aborted) !== 0) return state.get(CPU.nextPc);
    const word = this.#halfwords[host >>> 1]! | (this.#halfwords[(host >>> 1) + 1]! << 16);
    if (verdict === 'skip') return pc + (state.thumb && !isWide(word) ? 2 : 4);
    const it = state.get(CPU.itState);
    const number = this.#numberAt(state.thumb, word, pc, it !== 0);
    if (number === HANDLER.crossing) return this.#crossing(cpu, word, pc);
    if (it !== 0 && this.#conditionHolds(state.base, it >>> 4) === 0) return pc + (isWide(word) ? 4 : 2);
    return this.#single(state.base, word, pc, number);
  }

  /**
   * A T32 instruction whose second halfword is on the next page: put together and decoded at each execution. The fetch
   * comes first, and aborts even where the condition of the IT block fails.
   */
  #crossing(cpu: Vcpu, word: number, pc: number): number {
    const { state } = cpu;
    const host = cpu.fetchHost(pc + 2);
    if (host < 0) return state.get(CPU.nextPc);
    const it = state.get(CPU.itState);
    const whole = (word & 0xffff) | (this.#halfwords[host >>> 1]! << 16);
    if (this.#codePages.counting && this.#endsBlock(true, whole, 0)) cpu.noteBlockEnd(pc);
    if (it !== 0 && this.#conditionHolds(state.base, it >>> 4) === 0) return pc + 4;
    const number = this.#number(this.#decoders.t32, swapHalves(whole), it !== 0);
    return (this.#table.get(number) as HandlerFunction)(state.base, whole, pc);
  }
}

/** Generated code names a CPU by the address of its block. */
function cpuIndex(base: number): number {
  return (base - CPU_BLOCKS_AT) / CPU_BLOCK_SIZE;
}
