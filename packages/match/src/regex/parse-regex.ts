// SPDX-License-Identifier: Apache-2.0
// Reads a regular expression of PCRE (pcre2pattern), as far as an automaton can decide it, byte by byte. What cannot be
// decided in one pass over the text (back references, looking around, atomic groups and the like) is refused by name.

import { PlinthError } from '@plinth/core';
import { ANY, ByteSet, CLASS_ESCAPES, NO_NEWLINE, POSIX_CLASSES } from './byte-set.js';

export type RegexNode =
  | { readonly kind: 'set'; readonly set: ByteSet }
  | { readonly kind: 'sequence'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'choice'; readonly parts: readonly RegexNode[] }
  | {
      readonly kind: 'repeat';
      readonly of: RegexNode;
      readonly least: number;
      readonly most: number;
      readonly lazy: boolean;
    }
  | { readonly kind: 'assert'; readonly what: Assertion };

/**
 * - `begin`, `end`: of the text; `lineBegin`, `lineEnd`: of a line too
 * - `lastLine`: the end, or before a newline that ends the text
 */
export type Assertion = 'begin' | 'end' | 'lineBegin' | 'lineEnd' | 'lastLine' | 'word' | 'notWord';

export interface RegexFlags {
  /** i */
  readonly nocase?: boolean;
  /** s: a dot is any byte. */
  readonly dotAll?: boolean;
  /** m: ^ and $ are those of lines. */
  readonly multiline?: boolean;
  /** x: blanks and comments are not looked at. */
  readonly extended?: boolean;
  /** A: it begins where the text does. */
  readonly anchored?: boolean;
  /** E: $ is the very end. */
  readonly dollarEndOnly?: boolean;
  /** G: repetitions are lazy, those with ? greedy. */
  readonly ungreedy?: boolean;
}

/** More repetitions than PCRE takes too. */
const MOST_REPEATS = 0xffff;
/** Groups in groups. */
const MOST_DEPTH = 200;

/** `regex-syntax` for what is no expression, `regex-refused` for what is one, but is not decided here. */
export class RegexError extends PlinthError {
  constructor(code: 'regex-syntax' | 'regex-refused', message: string) {
    super('input', code, message);
  }
}

export function parseRegex(source: string, flags: RegexFlags = {}): RegexNode {
  return new RegexParser(source, flags).parse();
}

class RegexParser {
  readonly #source: string;
  #flags: RegexFlags;
  #at = 0;
  #depth = 0;

  constructor(source: string, flags: RegexFlags) {
    this.#source = source;
    this.#flags = flags;
  }

  parse(): RegexNode {
    const node = this.#choice();
    if (this.#at < this.#source.length) throw this.#wrong('a ) that closes nothing');
    return node;
  }

  #wrong(what: string): RegexError {
    return new RegexError('regex-syntax', `the expression has ${what} at its character ${this.#at + 1}`);
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #choice(): RegexNode {
    if (++this.#depth > MOST_DEPTH) throw new RegexError('regex-refused', `groups more than ${MOST_DEPTH} deep`);
    const parts = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    this.#depth--;
    return parts.length === 1 ? parts[0]! : { kind: 'choice', parts };
  }

  #sequence(): RegexNode {
    const parts: RegexNode[] = [];
    for (;;) {
      if (this.#flags.extended === true) this.#skip();
      const char = this.#source[this.#at];
      if (char === undefined || char === '|' || char === ')') break;
      const items = this.#item(char);
      const last = items.pop();
      parts.push(...items);
      if (last !== undefined) parts.push(this.#repeated(last));
    }
    return parts.length === 1 ? parts[0]! : { kind: 'sequence', parts };
  }

  /** Blanks, and comments up to the end of the line. */
  #skip(): void {
    const rest = /^(?:\s|#[^\n]*\n?)*/.exec(this.#source.slice(this.#at));
    this.#at += rest![0].length;
  }

  /** Several for text between \Q and \E, none for a comment or a change of flags. */
  #item(char: string): RegexNode[] {
    this.#at++;
    switch (char) {
      case '(':
        return this.#group();
      case '[':
        return [this.#class()];
      case '.':
        return [{ kind: 'set', set: this.#flags.dotAll === true ? ANY : NO_NEWLINE }];
      case '^':
        return [{ kind: 'assert', what: this.#flags.multiline === true ? 'lineBegin' : 'begin' }];
      case '$':
        return [{ kind: 'assert', what: this.#dollar() }];
      case '*':
      case '+':
      case '?':
        this.#at--;
        throw this.#wrong(`a ${char} with nothing to repeat`);
      case '\\':
        return this.#escape();
      default:
        return [this.#literal(char.charCodeAt(0))];
    }
  }

  #dollar(): Assertion {
    if (this.#flags.multiline === true) return 'lineEnd';
    return this.#flags.dollarEndOnly === true ? 'end' : 'lastLine';
  }

  #literal(code: number): RegexNode {
    if (code > 255) throw this.#wrong('a character that is no byte');
    return this.#set(ByteSet.of(code));
  }

  #set(set: ByteSet): RegexNode {
    return { kind: 'set', set: this.#flags.nocase === true ? set.foldCase() : set };
  }

  #repeated(node: RegexNode): RegexNode {
    let of = node;
    for (;;) {
      if (this.#flags.extended === true) this.#skip();
      const bounds = this.#bounds();
      if (bounds === undefined) return of;
      if (this.#take('+')) throw new RegexError('regex-refused', 'a possessive repetition');
      const lazy = this.#take('?') !== (this.#flags.ungreedy === true);
      of = { kind: 'repeat', of, ...bounds, lazy };
    }
  }

  #bounds(): { least: number; most: number } | undefined {
    if (this.#take('*')) return { least: 0, most: Number.POSITIVE_INFINITY };
    if (this.#take('+')) return { least: 1, most: Number.POSITIVE_INFINITY };
    if (this.#take('?')) return { least: 0, most: 1 };
    // What is not of this form is text.
    const match = /^\{(\d*)(,?)(\d*)\}/.exec(this.#source.slice(this.#at, this.#at + 16));
    if (match === null || (match[1] === '' && match[3] === '')) return undefined;
    if (match[1] === '') return undefined;
    this.#at += match[0].length;
    const least = Number(match[1]);
    const most = match[2] === '' ? least : match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3]);
    if (least > most) throw this.#wrong('a repetition whose numbers are out of order before it');
    if (least > MOST_REPEATS || (most > MOST_REPEATS && most !== Number.POSITIVE_INFINITY)) {
      throw this.#wrong('a number that is too large before it');
    }
    return { least, most };
  }

  #group(): RegexNode[] {
    const before = this.#flags;
    if (this.#take('*')) throw new RegexError('regex-refused', 'a verb in parentheses');
    if (this.#take('?')) {
      if (this.#take('#')) {
        const end = this.#source.indexOf(')', this.#at);
        if (end < 0) throw this.#wrong('a comment without end');
        this.#at = end + 1;
        return [];
      }
      const refused = REFUSED_GROUPS.find(([sign]) => this.#source.startsWith(sign, this.#at));
      if (refused !== undefined) throw new RegexError('regex-refused', refused[1]);
      const named = /^(?:P?<[A-Za-z_]\w*>|'[A-Za-z_]\w*')/.exec(this.#source.slice(this.#at));
      if (named !== null) this.#at += named[0].length;
      else if (!this.#take(':')) {
        this.#options();
        // The change holds up to the end of the group around it.
        if (this.#take(')')) return [];
        if (!this.#take(':')) throw this.#wrong('a group of no known kind');
      }
    }
    const node = this.#choice();
    if (!this.#take(')')) throw this.#wrong('a group without end');
    this.#flags = before;
    // An empty group may be repeated, so it is something.
    return [node];
  }

  #options(): void {
    const match = /^\^?([imsxU]*)(?:-([imsx]*))?(?=[:)])/.exec(this.#source.slice(this.#at));
    if (match === null) throw this.#wrong('a group of no known kind');
    this.#at += match[0].length;
    const reset = match[0].startsWith('^') ? { nocase: false, multiline: false, dotAll: false, extended: false } : {};
    const change = (letters: string, to: boolean): Partial<RegexFlags> =>
      Object.fromEntries([...letters].map((letter) => [FLAG_NAMES[letter]!, to]));
    this.#flags = { ...this.#flags, ...reset, ...change(match[1]!, true), ...change(match[2] ?? '', false) };
  }

  /** Behind a backslash, outside of a class. */
  #escape(): RegexNode[] {
    const char = this.#source[this.#at++];
    if (char === undefined) {
      this.#at--;
      throw this.#wrong('a backslash with nothing behind it');
    }
    const set = CLASS_ESCAPES[char];
    if (set !== undefined) return [{ kind: 'set', set }];
    const refused = REFUSED_ESCAPES[char];
    if (refused !== undefined) throw new RegexError('regex-refused', refused);
    switch (char) {
      case 'A':
        return [{ kind: 'assert', what: 'begin' }];
      case 'z':
        return [{ kind: 'assert', what: 'end' }];
      case 'Z':
        return [{ kind: 'assert', what: 'lastLine' }];
      case 'b':
        return [{ kind: 'assert', what: 'word' }];
      case 'B':
        return [{ kind: 'assert', what: 'notWord' }];
      case 'Q': {
        const end = this.#source.indexOf('\\E', this.#at);
        const text = this.#source.slice(this.#at, end < 0 ? undefined : end);
        this.#at = end < 0 ? this.#source.length : end + 2;
        return [...text].map((letter) => this.#literal(letter.charCodeAt(0)));
      }
      case 'E':
        return [];
      default:
        // Three octal digits are a byte: nobody has so many groups.
        if (/^[1-3][0-7]{2}/.test(this.#source.slice(this.#at - 1, this.#at + 2))) {
          return [this.#literal(this.#character(char))];
        }
        if (/[1-9]/.test(char)) throw new RegexError('regex-refused', 'a back reference');
        return [this.#literal(this.#character(char))];
    }
  }

  /** The byte that an escape stands for, whose first character has been read. */
  #character(char: string): number {
    const plain = PLAIN_ESCAPES[char];
    if (plain !== undefined) return plain;
    const rest = this.#source.slice(this.#at, this.#at + 8);
    switch (char) {
      case 'x': {
        const match = /^\{([0-9a-fA-F]{1,4})\}|^([0-9a-fA-F]{0,2})/.exec(rest)!;
        this.#at += match[0].length;
        return Number.parseInt(match[1] ?? (match[2] || '0'), 16);
      }
      case 'o': {
        const match = /^\{([0-7]{1,3})\}/.exec(rest);
        if (match === null) throw this.#wrong('\\o without {number}');
        this.#at += match[0].length;
        return Number.parseInt(match[1]!, 8);
      }
      case 'c': {
        const code = this.#source.charCodeAt(this.#at++);
        if (!(code >= 0x20 && code <= 0x7e)) throw this.#wrong('\\c without a character');
        return (code >= 0x61 && code <= 0x7a ? code - 0x20 : code) ^ 0x40;
      }
      default:
        if (/[0-7]/.test(char)) {
          const digits = /^[0-7]{0,2}/.exec(rest)![0];
          this.#at += digits.length;
          return Number.parseInt(char + digits, 8) & 0xff;
        }
        if (/[A-Za-z0-9]/.test(char)) throw this.#wrong(`\\${char}, which means nothing,`);
        return char.charCodeAt(0);
    }
  }

  #class(): RegexNode {
    const negated = this.#take('^');
    const set = new ByteSet();
    for (let first = true; ; first = false) {
      const char = this.#source[this.#at];
      if (char === undefined) throw this.#wrong('a class without end');
      if (char === ']' && !first) break;
      const one = this.#classItem();
      if (typeof one !== 'number') {
        set.addSet(one);
        continue;
      }
      const isRange = this.#source[this.#at] === '-' && !(this.#source[this.#at + 1] ?? ']').startsWith(']');
      if (!isRange) {
        set.add(one);
        continue;
      }
      this.#at++;
      const last = this.#classItem();
      if (typeof last !== 'number') set.add(one).add(0x2d).addSet(last);
      else if (last < one) throw this.#wrong('a range whose ends are out of order before it');
      else set.addRange(one, last);
    }
    this.#at++;
    const folded = this.#flags.nocase === true ? set.foldCase() : set;
    return { kind: 'set', set: negated ? folded.complement() : folded };
  }

  #classItem(): number | ByteSet {
    const char = this.#source[this.#at++];
    if (char === undefined) throw this.#wrong('a class without end');
    if (char === '[') {
      const match = /^([:.=])(\^?)([a-z]*)\1\]/.exec(this.#source.slice(this.#at, this.#at + 16));
      if (match === null) return 0x5b;
      const known = match[1] === ':' ? POSIX_CLASSES[match[3]!] : undefined;
      if (known === undefined) throw this.#wrong('a class of no known name');
      this.#at += match[0].length;
      return match[2] === '^' ? known.complement() : known;
    }
    if (char !== '\\') {
      const code = char.charCodeAt(0);
      if (code > 255) throw this.#wrong('a character that is no byte');
      return code;
    }
    const next = this.#source[this.#at++];
    if (next === undefined) throw this.#wrong('a class without end');
    if (next === 'b') return 8;
    const set = next === 'N' ? undefined : CLASS_ESCAPES[next];
    if (set !== undefined) return set;
    if (next === 'p' || next === 'P') throw new RegexError('regex-refused', REFUSED_ESCAPES['p']!);
    if (/[QE]/.test(next)) throw new RegexError('regex-refused', '\\Q in a class');
    const code = this.#character(next);
    if (code > 255) throw this.#wrong('a character that is no byte');
    return code;
  }
}

const FLAG_NAMES: Readonly<Record<string, keyof RegexFlags>> = {
  i: 'nocase',
  m: 'multiline',
  s: 'dotAll',
  x: 'extended',
  U: 'ungreedy',
};

const PLAIN_ESCAPES: Readonly<Record<string, number>> = { a: 7, e: 0x1b, f: 0x0c, n: 0x0a, r: 0x0d, t: 9 };

const REFUSED_ESCAPES: Readonly<Record<string, string>> = {
  G: '\\G',
  K: '\\K',
  R: '\\R',
  X: '\\X',
  C: '\\C',
  p: 'a property of Unicode',
  P: 'a property of Unicode',
  g: 'a back reference',
  k: 'a back reference',
};

/** What stands behind (? and is no group that an automaton knows. */
const REFUSED_GROUPS: readonly (readonly [string, string])[] = [
  ['=', 'looking ahead'],
  ['!', 'looking ahead'],
  ['<=', 'looking behind'],
  ['<!', 'looking behind'],
  ['>', 'an atomic group'],
  ['|', 'a group that resets numbers'],
  ['(', 'a conditional group'],
  ['R', 'recursion'],
  ['&', 'recursion'],
  ['P>', 'recursion'],
  ['P=', 'a back reference'],
  ['C', 'a callout'],
  ['+', 'recursion'],
  ...[...'0123456789'].map((digit) => [digit, 'recursion'] as const),
];
