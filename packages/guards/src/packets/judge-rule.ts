// SPDX-License-Identifier: Apache-2.0
// What becomes of a rule: the kernel decides it, or the kernel flags packets that it may match and what they carry is confirmed, or it is
// refused, because of something that has a name.

import { candidatesOf } from './confirm/candidate.js';
import { type CompiledRule, compileRule } from './confirm/compiled-rule.js';
import { PROTOCOL } from './decode-packet.js';
import { isOfBody } from './confirm/http-buffers.js';
import { type KernelRule, kernelRule } from './kernel-rule.js';
import type { FlowbitsCondition, Rule } from './rule.js';

export type Judgement = KernelJudgement | ConfirmJudgement | RefusedJudgement;

export interface KernelJudgement {
  readonly answer: 'kernel';
  readonly rule: Rule;
  readonly kernel: KernelRule;
}

export interface ConfirmJudgement {
  readonly answer: 'confirm';
  readonly rule: Rule;
  readonly compiled: CompiledRule;
  /** One of them matches whatever the rule matches. */
  readonly candidates: readonly KernelRule[];
  /** Nothing tells its packets from others of its header: all of them are flagged. */
  readonly everything: boolean;
}

export interface RefusedJudgement {
  readonly answer: 'refused';
  readonly rule: Rule;
  readonly because: string;
}

export interface JudgeOptions {
  /** Whoever confirms has all that was sent, not only the packets that are flagged. */
  readonly streams?: boolean;
}

export function judgeRule(rule: Rule, { streams = false }: JudgeOptions = {}): Judgement {
  const refused = (because: string): RefusedJudgement => ({ answer: 'refused', rule, because });
  const decided = inKernel(rule);
  // Who has all that was sent knows more of connections than the program, which only narrows them down.
  if (typeof decided !== 'string' && !(streams && asksConnection(decided)))
    return { answer: 'kernel', rule, kernel: decided };
  const undecided = typeof decided === 'string' ? decided : 'connections';
  const compiled = compileRule(rule);
  if (typeof compiled === 'string') return refused(compiled);
  const { rules, everything } = candidatesOf(compiled, streams);
  if (everything && !streams) {
    const body = compiled.groups.find(({ buffer }) => isOfBody(buffer));
    return refused(body === undefined ? `${undecided}, with nothing that its packets have to have` : body.buffer);
  }
  const candidates: KernelRule[] = [];
  for (const weaker of rules) {
    const candidate = kernelRule(weaker, { confirm: true });
    if (typeof candidate === 'string') return refused(candidate);
    candidates.push(candidate);
  }
  return { answer: 'confirm', rule, compiled, candidates, everything };
}

function asksConnection({ flow, flowbits, contents, protocols }: KernelRule): boolean {
  const { conditions, set, unset, toggle } = flowbits;
  const mayBeTcp = protocols === undefined || protocols.includes(PROTOCOL.tcp);
  return (
    flow.direction !== undefined ||
    flow.state !== undefined ||
    conditions.length + set.length + unset.length + toggle.length > 0 ||
    (mayBeTcp && contents.length > 0)
  );
}

/** Rules that share a flowbit with one that is confirmed are confirmed too: the kernel does not know what is set there. */
export function judgeRules(rules: readonly Rule[], options: JudgeOptions = {}): Judgement[] {
  const judged = rules.map((rule) => judgeRule(rule, options));
  const known = new Set<string>();
  for (;;) {
    const before = known.size;
    for (const one of judged) {
      if (one.answer === 'confirm') for (const name of flowbitsOf(one.rule)) known.add(name);
    }
    judged.forEach((one, n) => {
      if (one.answer !== 'kernel' || !flowbitsOf(one.rule).some((name) => known.has(name))) return;
      judged[n] = confirmed(one, options);
    });
    if (known.size === before) return judged;
  }
}

function confirmed({ rule }: KernelJudgement, { streams = false }: JudgeOptions): Judgement {
  const because = 'flowbits of a rule that is to be confirmed';
  const compiled = compileRule(rule);
  if (typeof compiled === 'string') return { answer: 'refused', rule, because };
  const { rules, everything } = candidatesOf(compiled, streams);
  const candidates = rules.map((weaker) => kernelRule(weaker, { confirm: true }));
  const fit = candidates.filter((candidate) => typeof candidate !== 'string');
  if (fit.length < candidates.length || (everything && !streams)) return { answer: 'refused', rule, because };
  return { answer: 'confirm', rule, compiled, candidates: fit, everything };
}

function flowbitsOf({ conditions }: Rule): string[] {
  return conditions
    .filter(
      (condition): condition is FlowbitsCondition => condition.kind === 'flowbits' && condition.command !== 'noalert',
    )
    .flatMap(({ names }) => names);
}

/** How often it is told is no matter of what matches. */
function inKernel(rule: Rule): KernelRule | string {
  const { threshold, ...rest } = rule;
  const decides = rule.header.action !== 'alert';
  if (threshold !== undefined && decides && threshold.type !== 'limit')
    return `threshold of a rule with ${rule.header.action}`;
  return kernelRule(rest);
}
