// SPDX-License-Identifier: Apache-2.0
// A matcher as a WebAssembly module: finds what `Scanner` finds. The filter is asked for all looks of 16 bytes at once: their
// hashes are worked out in a vector, and one branch sees whether any of them is let through.

import { type Code, type Label, ModuleBuilder } from '@plinth/wasmgen';
import { DISTANCES, type Filter, HASH_FACTOR, HEAD_MASK, SECOND_SHIFT, windowMask, type WordSet } from './filter.js';
import type { Matcher } from './matcher.js';
import type { Match } from './pattern.js';
import type { StreamScanner, StreamState } from './scanner.js';
import { type AutomatonPlace, CELL, type FilterPlace, scanTables } from './tables.js';

const PAGE = 0x1_0000;
/** Bytes of text that are searched at a time: what the nearest caches hold beside the tables. */
const PIECE = 0x8000;
/** Bytes of a round of the filter, and what looks may see behind it. */
const ROUND = 16;
const TEXT_ROOM = 32;
/** What lies before the text: the last look that let something through, and what has been compared, as distances from it. */
const KEPT = { size: 64, last: 0, told: 4 } as const;

interface Walker {
  /** On from a state while a pattern that began before the text may end in it; tells those. */
  readonly finish: (state: number, length: number) => void;
  /** On from a state over the whole text; tells all, and gives the state behind it. */
  readonly whole: (state: number, length: number) => number;
  /** From the root over the text's last bytes, quietly: the state behind it. */
  readonly tail: (length: number) => number;
}

export class CompiledMatcher {
  readonly #matcher: Matcher;
  readonly #text: Uint8Array;
  readonly #walkers: readonly Walker[];
  readonly #scan: ((length: number) => void) | undefined;
  /** What was found in a piece: automaton, place in its lists, end; again and again. */
  readonly #found: number[] = [];

  /** The matcher's automata are compressed. */
  constructor(matcher: Matcher) {
    this.#matcher = matcher;
    const tables = scanTables(matcher, ({ own }, state) => own[state]!);
    const textAt = ((tables.bytes.length + 63) & ~63) + KEPT.size;
    // A piece has room for the longest pattern, or the filter would never be asked.
    const size = Math.max(PIECE, 2 * matcher.longest);
    const pages = Math.ceil((textAt + size + TEXT_ROOM) / PAGE);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const bytes = new Uint8Array(memory.buffer);
    bytes.set(tables.bytes);
    this.#text = bytes.subarray(textAt, textAt + size);
    const builder = new ModuleBuilder();
    builder.importMemory('env', 'memory', { initialPages: pages, maximumPages: pages, shared: false });
    const found = builder.importFunction('env', 'found', { parameters: ['i32', 'i32', 'i32'], results: [] });
    const emitter = new MatcherEmitter(builder, matcher, tables.automata, textAt, found);
    matcher.automata.forEach((_, n) => emitter.walkers(n));
    if (matcher.filter !== undefined) emitter.scan(matcher.filter, tables.filter!);
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(builder.finish()), {
      env: { memory, found: (automaton: number, own: number, end: number) => this.#found.push(automaton, own, end) },
    });
    this.#walkers = matcher.automata.map((_, n) => ({
      finish: exports[`finish${n}`] as Walker['finish'],
      whole: exports[`whole${n}`] as Walker['whole'],
      tail: exports[`tail${n}`] as Walker['tail'],
    }));
    this.#scan = exports['scan'] as ((length: number) => void) | undefined;
  }

  /** Goes on behind `state`, or begins. Scanners of one matcher may take turns. */
  scanner(state?: StreamState): StreamScanner {
    let position = state?.position ?? 0;
    const states = state === undefined ? this.#walkers.map(() => 0) : [...state.states];
    return {
      get state(): StreamState {
        return { position, states: [...states] };
      },
      feed: (chunk, tell) => {
        for (let at = 0; at < chunk.length; at += this.#text.length) {
          const piece = chunk.subarray(at, at + this.#text.length);
          this.#text.set(piece);
          this.#search(states, piece.length);
          const begin = position;
          position += piece.length;
          // A copy: whoever is told may search for something else.
          this.#tell(this.#found.splice(0), begin, tell);
        }
      },
    };
  }

  #search(states: number[], length: number): void {
    const seam = this.#scan === undefined || length < this.#matcher.longest;
    this.#walkers.forEach(({ finish, whole, tail }, n) => {
      if (seam) states[n] = whole(states[n]!, length);
      else {
        finish(states[n]!, length);
        states[n] = tail(length);
      }
    });
    if (!seam) this.#scan!(length);
  }

  #tell(found: readonly number[], begin: number, tell: (match: Match) => void): void {
    for (let n = 0; n < found.length; n += 3) {
      const { lists } = this.#matcher.automata[found[n]!]!;
      const list = found[n + 1]! - 1;
      for (let k = 1; k <= lists[list]!; k++) tell({ pattern: lists[list + k]!, end: begin + found[n + 2]! });
    }
  }
}

class MatcherEmitter {
  readonly #builder: ModuleBuilder;
  readonly #matcher: Matcher;
  readonly #places: readonly AutomatonPlace[];
  readonly #textAt: number;
  readonly #found: number;

  constructor(
    builder: ModuleBuilder,
    matcher: Matcher,
    places: readonly AutomatonPlace[],
    textAt: number,
    found: number,
  ) {
    this.#builder = builder;
    this.#matcher = matcher;
    this.#places = places;
    this.#textAt = textAt;
    this.#found = found;
  }

  walkers(automaton: number): void {
    const place = this.#places[automaton]!;
    const finish = this.#function(`finish${automaton}`, 2, false);
    this.#walk(finish, automaton, place, 'finish');
    const whole = this.#function(`whole${automaton}`, 2, true);
    this.#walk(whole, automaton, place, 'whole');
    const tail = this.#function(`tail${automaton}`, 1, true);
    this.#walk(tail, automaton, place, 'tail');
  }

  #function(name: string, parameters: number, result: boolean): Code {
    const { index, code } = this.#builder.function(
      { parameters: Array.from({ length: parameters }, () => 'i32' as const), results: result ? ['i32'] : [] },
      name,
    );
    this.#builder.exportFunction(name, index);
    return code;
  }

  /** One of the ways of `Walker`, each of which has the length as its last parameter. */
  #walk(code: Code, automaton: number, place: AutomatonPlace, way: keyof Walker): void {
    const [state, length] = way === 'tail' ? [code.local('i32'), 0] : [0, 1];
    const [at, by, to, cell, end] = Array.from({ length: 5 }, () => code.local('i32')) as [
      number,
      number,
      number,
      number,
      number,
    ];
    if (way === 'tail')
      code
        .get(length)
        .i32(this.#matcher.longest - 1)
        .op('i32.sub')
        .set(at);
    const over = code.block();
    const loop = code.loop();
    code.get(at).get(length).op('i32.ge_s').branchIf(over);
    if (way === 'finish') this.#field(code, place, state, CELL.depth).get(at).op('i32.le_u').branchIf(over);
    this.#classOf(code, place, at).set(by);
    emitStep(code, place, { state, by, to, cell });
    code.get(at).i32(1).op('i32.add').set(at);
    if (way !== 'tail') this.#ends(code, automaton, place, { state, at, end }, way === 'finish');
    code.branch(loop).end(loop).end(over);
    if (way !== 'finish') code.get(state);
  }

  /** Tells what ends in the state and in its suffixes; with `before`, as far as it began before the text. `at` is behind it. */
  #ends(
    code: Code,
    automaton: number,
    place: AutomatonPlace,
    { state, at, end }: Readonly<Record<'state' | 'at' | 'end', number>>,
    before: boolean,
  ): void {
    code.get(state).set(end);
    const over = code.block();
    const loop = code.loop();
    code.get(end).op('i32.eqz').branchIf(over);
    // Prefixes get shorter along the links; one that begins in this text is found by the filter.
    if (before) this.#field(code, place, end, CELL.depth).get(at).op('i32.le_u').branchIf(over);
    this.#field(code, place, end, CELL.out);
    const told = code.if();
    code.i32(automaton);
    this.#field(code, place, end, CELL.out).get(at).call(this.#found).end(told);
    this.#field(code, place, end, CELL.suffix).set(end).branch(loop).end(loop).end(over);
  }

  #field(code: Code, { cells }: AutomatonPlace, state: number, field: number): Code {
    return code
      .get(state)
      .i32(5)
      .op('i32.shl')
      .memory('i32.load', cells + field);
  }

  /** Of the byte at a place of the text. */
  #classOf(code: Code, { classes }: AutomatonPlace, at: number): Code {
    return code.get(at).memory('i32.load8_u', this.#textAt).i32(1).op('i32.shl').memory('i32.load16_u', classes);
  }

  /** The filter over the whole text. */
  scan(filter: Filter, place: FilterPlace): void {
    const round = this.#round(filter, place);
    const {
      stride,
      width,
      windows: { bits },
    } = filter;
    const code = this.#function('scan', 1, false);
    const length = 0;
    const at = code.local('i32');
    const [mask, factor, product, index] = Array.from({ length: 4 }, () => code.local('v128')) as [
      number,
      number,
      number,
      number,
    ];
    code.i32(HASH_FACTOR).op('i32x4.splat').set(factor).i32(windowMask(width)).op('i32x4.splat').set(mask);
    code.i32(0).set(at);
    this.#keep(code, 'last', () => code.i32(0));
    this.#keep(code, 'told', () => code.i32(0));
    const over = code.block();
    const loop = code.loop();
    code.get(at).get(length).op('i32.ge_u').branchIf(over);
    let first = true;
    // A vector has the windows of every fourth byte.
    for (let from = 0; from < 4; from += stride) {
      code.get(at).memory('v128.load', this.#textAt + from);
      code.get(mask).op('v128.and').get(factor).op('i32x4.mul').tee(product);
      code
        .i32(32 - (bits - 3))
        .op('i32x4.shr_u')
        .set(index);
      for (let lane = 0; lane < 4; lane++) {
        code.get(index).lane('i32x4.extract_lane', lane).memory('i64.load', place.windows);
        code.get(product).lane('i32x4.extract_lane', lane).op('i64.extend_i32_u').op('i64.shr_u');
        if (!first) code.op('i64.or');
        first = false;
      }
    }
    code.op('i32.wrap_i64').i32(1).op('i32.and');
    const some = code.if();
    code.get(at).get(length).call(round).end(some);
    code.get(at).i32(ROUND).op('i32.add').set(at).branch(loop).end(loop).end(over);
  }

  /** A function of (at, length): compares from where the looks of a round let patterns begin, unless it has been done before. */
  #round({ stride, width, windows, heads, beginsBits }: Filter, place: FilterPlace): number {
    const compares = this.#places.map((automaton, n) => this.#compare(n, automaton));
    const { index, code } = this.#builder.function({ parameters: ['i32', 'i32'], results: [] });
    const [at, length] = [0, 1];
    const [hash, distances, told, left, bit, from, end] = Array.from({ length: 7 }, () => code.local('i32')) as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    code.get(at).i32(ROUND).op('i32.add').set(end);
    const loop = code.loop();
    this.#isIn(code, windows, place.windows, at, windowMask(width), hash);
    const some = code.if();
    code.get(hash).get(hash).i32(SECOND_SHIFT).op('i32.shr_u').op('i32.xor').i32(HASH_FACTOR).op('i32.mul');
    code
      .i32(32 - beginsBits)
      .op('i32.shr_u')
      .i32(2)
      .op('i32.shl')
      .memory('i32.load', place.begins)
      .set(distances);
    // What has been compared is as much farther away; a shift by 32 bits and more would be none.
    this.#kept(code, 'told').op('i64.extend_i32_u').get(at);
    this.#kept(code, 'last').op('i32.sub').op('i64.extend_i32_u').i64(63n);
    code.get(at);
    this.#kept(code, 'last').op('i32.sub').i32(63).op('i32.lt_u').select().op('i64.shl').op('i32.wrap_i64').set(told);
    this.#keep(code, 'last', () => code.get(at));
    code.get(told).i32(-1).op('i32.xor').get(distances).op('i32.and');
    code
      .i32(2 ** DISTANCES - 1)
      .op('i32.and')
      .set(left);
    const over = code.block();
    const each = code.loop();
    code.get(left).op('i32.eqz').branchIf(over);
    code.get(left).get(left).i32(1).op('i32.sub').op('i32.and').get(left).op('i32.xor').set(bit);
    code.get(left).get(bit).op('i32.xor').set(left);
    code
      .get(at)
      .i32(stride - 1)
      .op('i32.add')
      .get(bit)
      .op('i32.ctz')
      .op('i32.sub')
      .tee(from)
      .i32(0)
      .op('i32.lt_s')
      .branchIf(each);
    const begins = code.block();
    code.get(bit).i32(DISTANCES).op('i32.shl').get(distances).op('i32.and').branchIf(begins);
    this.#isIn(code, heads, place.heads, from, HEAD_MASK, hash);
    code.branchIf(begins).branch(each).end(begins);
    code.get(told).get(bit).op('i32.or').set(told);
    for (const compare of compares) code.get(from).get(length).call(compare);
    code.branch(each).end(each).end(over);
    this.#keep(code, 'told', () => code.get(told));
    code.end(some);
    code.get(at).i32(stride).op('i32.add').tee(at).get(end).op('i32.lt_s').branchIf(loop).end(loop);
    return index;
  }

  /** 1 if the word that begins there is in the set, else 0. */
  #isIn(code: Code, { bits }: WordSet, bitmap: number, at: number, mask: number, hash: number): void {
    code.get(at).memory('i32.load', this.#textAt).i32(mask).op('i32.and').i32(HASH_FACTOR).op('i32.mul').tee(hash);
    code
      .i32(32 - (bits - 3))
      .op('i32.shr_u')
      .memory('i64.load', bitmap);
    code.get(hash).op('i64.extend_i32_u').op('i64.shr_u').op('i32.wrap_i64').i32(1).op('i32.and');
  }

  #kept(code: Code, word: 'last' | 'told'): Code {
    return code.i32(0).memory('i32.load', this.#textAt - KEPT.size + KEPT[word]);
  }

  #keep(code: Code, word: 'last' | 'told', value: () => void): void {
    code.i32(0);
    value();
    code.memory('i32.store', this.#textAt - KEPT.size + KEPT[word]);
  }

  /** A function of (from, length): tells the patterns that begin there. */
  #compare(automaton: number, place: AutomatonPlace): number {
    const { index, code } = this.#builder.function({ parameters: ['i32', 'i32'], results: [] });
    const [from, length] = [0, 1];
    const [state, at, by, own] = Array.from({ length: 4 }, () => code.local('i32')) as [number, number, number, number];
    code.get(from).set(at);
    const over = code.block();
    const loop = code.loop();
    code.get(at).get(length).op('i32.ge_s').branchIf(over);
    this.#classOf(code, place, at).tee(by).op('i32.eqz').branchIf(over);
    // The child is at base + class, if its check is 1 + the state.
    this.#field(code, place, state, CELL.base).get(by).op('i32.add').set(by);
    code.get(state).i32(1).op('i32.add');
    this.#field(code, place, by, CELL.check).op('i32.ne').branchIf(over);
    code.get(by).set(state).get(at).i32(1).op('i32.add').set(at);
    this.#field(code, place, state, CELL.out).tee(own).op('i32.eqz').branchIf(loop);
    code.i32(automaton).get(own).get(at).call(this.#found).branch(loop).end(loop).end(over);
    return index;
  }
}

/** The state after a byte of a class: down the failure links until one has a child. */
function emitStep(
  code: Code,
  { cells }: AutomatonPlace,
  { state, by, to, cell }: Readonly<Record<'state' | 'by' | 'to' | 'cell', number>>,
): void {
  const done: Label = code.block();
  code.get(by).op('i32.eqz');
  const none = code.if();
  code.i32(0).set(state).branch(done).end(none);
  const down = code.loop();
  code
    .get(state)
    .i32(5)
    .op('i32.shl')
    .tee(cell)
    .memory('i32.load', cells + CELL.base)
    .get(by)
    .op('i32.add')
    .tee(to);
  code
    .i32(5)
    .op('i32.shl')
    .memory('i32.load', cells + CELL.check)
    .get(state)
    .i32(1)
    .op('i32.add')
    .op('i32.eq');
  const child = code.if();
  code.get(to).set(state).branch(done).end(child);
  code.get(state).op('i32.eqz').branchIf(done);
  code
    .get(cell)
    .memory('i32.load', cells + CELL.fail)
    .set(state)
    .branch(down)
    .end(down)
    .end(done);
}
