// SPDX-License-Identifier: Apache-2.0
// An expression as a program for a machine that is in many places at once (Thompson 1968; with priorities as Pike has them). Bounded
// repetitions are written out, so a program has a bound, and so have the automata that are made of it.

import type { ByteSet } from './byte-set.js';
import { type Assertion, RegexError, type RegexNode } from './parse-regex.js';

export type Instruction =
  | { readonly op: 'set'; readonly set: ByteSet }
  /** Goes on at both, and would rather at the first. */
  | { readonly op: 'split'; first: number; second: number }
  | { readonly op: 'jump'; to: number }
  | { readonly op: 'assert'; readonly what: Assertion }
  | { readonly op: 'match' };

/** Instructions of the largest program. */
const MOST_INSTRUCTIONS = 10_000;

/** It begins at 0. */
export function compileNfa(node: RegexNode): readonly Instruction[] {
  const builder = new NfaBuilder();
  builder.emit(node);
  builder.add({ op: 'match' });
  return builder.code;
}

class NfaBuilder {
  readonly code: Instruction[] = [];
  /** Repetitions of nothing make no code, but take time all the same. */
  #steps = 0;

  add<T extends Instruction>(instruction: T): T {
    this.code.push(instruction);
    return instruction;
  }

  emit(node: RegexNode): void {
    if (++this.#steps > MOST_INSTRUCTIONS || this.code.length > MOST_INSTRUCTIONS) {
      throw new RegexError('regex-refused', `repetitions that make more than ${MOST_INSTRUCTIONS} states`);
    }
    switch (node.kind) {
      case 'set':
        this.add({ op: 'set', set: node.set });
        break;
      case 'assert':
        this.add({ op: 'assert', what: node.what });
        break;
      case 'sequence':
        for (const part of node.parts) this.emit(part);
        break;
      case 'choice':
        this.#choice(node.parts);
        break;
      case 'repeat':
        this.#repeat(node);
        break;
    }
  }

  #choice(parts: readonly RegexNode[]): void {
    const ends: { to: number }[] = [];
    parts.forEach((part, n) => {
      if (n === parts.length - 1) {
        this.emit(part);
        return;
      }
      const split = this.add({ op: 'split', first: this.code.length + 1, second: 0 });
      this.emit(part);
      ends.push(this.add({ op: 'jump', to: 0 }));
      split.second = this.code.length;
    });
    for (const end of ends) end.to = this.code.length;
  }

  #repeat({ of, least, most, lazy }: RegexNode & { kind: 'repeat' }): void {
    for (let n = 0; n < least; n++) this.emit(of);
    const [into, past] = lazy ? (['second', 'first'] as const) : (['first', 'second'] as const);
    const endless = most === Number.POSITIVE_INFINITY;
    const splits: (Instruction & { op: 'split' })[] = [];
    for (let n = least; n < (endless ? least + 1 : most); n++) {
      const at = this.code.length;
      const split: Instruction & { op: 'split' } = { op: 'split', first: 0, second: 0 };
      this.add(split);
      split[into] = this.code.length;
      this.emit(of);
      if (endless) this.add({ op: 'jump', to: at });
      splits.push(split);
    }
    for (const split of splits) split[past] = this.code.length;
  }
}
