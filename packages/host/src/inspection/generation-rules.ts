// SPDX-License-Identifier: Apache-2.0
// What the rules of a generation mean to whoever reads its events: the kernel has said which of them a packet matches or may match;
// here what is flagged is confirmed, as far as its packet shows it.

import {
  type CompiledRule,
  confirmPacket,
  type DecodeContent,
  judgeRules,
  type PacketEvent,
  parseRules,
  type Rule,
} from '@plinth/guards';
import type { GenerationFacts, KnownRule } from './facts.js';

export interface ConfirmedMatch {
  readonly known: KnownRule;
  /** As it was written; undefined if this version of Plinth reads the rules otherwise. */
  readonly rule: Rule | undefined;
  /** Place among the rules of the file. */
  readonly order: number;
  /** Where the content begins that was found last. */
  readonly offset: number | undefined;
  /** False where the packet alone does not show it. */
  readonly sure: boolean;
}

interface FullRule {
  readonly rule: Rule;
  readonly order: number;
  readonly compiled: CompiledRule | undefined;
}

export class GenerationRules {
  readonly #facts: GenerationFacts;
  readonly #decode: DecodeContent | undefined;
  readonly #full = new Map<string, FullRule>();

  constructor(facts: GenerationFacts, decode?: DecodeContent) {
    this.#facts = facts;
    this.#decode = decode;
    const { rules } = parseRules(facts.text, facts.file, facts.variables);
    judgeRules(rules).forEach((one, order) => {
      const compiled = one.answer === 'confirm' ? one.compiled : undefined;
      this.#full.set(keyOf(one.rule), { rule: one.rule, order, compiled });
    });
  }

  /** What of a packet's matches is one, each rule once. */
  confirm(packet: PacketEvent): ConfirmedMatch[] {
    const found = new Map<string, ConfirmedMatch>();
    for (const { rule: number, offset } of packet.matches) {
      const known = this.#facts.rules[number];
      if (known === undefined || found.has(keyOf(known))) continue;
      const full = this.#full.get(keyOf(known));
      const outcome = known.confirm ? this.#outcome(packet, full) : 'match';
      if (outcome === 'none') continue;
      const order = full?.order ?? number;
      found.set(keyOf(known), { known, rule: full?.rule, order, offset, sure: outcome === 'match' });
    }
    return [...found.values()];
  }

  #outcome({ frame, length, flow }: PacketEvent, full: FullRule | undefined): 'match' | 'none' | 'unknown' {
    if (frame === undefined || frame.length < length || full?.compiled === undefined) return 'unknown';
    return confirmPacket(full.compiled, frame, flow, this.#decode);
  }
}

function keyOf({ gid, sid, rev }: Pick<KnownRule, 'gid' | 'sid' | 'rev'>): string {
  return `${gid}:${sid}:${rev}`;
}
