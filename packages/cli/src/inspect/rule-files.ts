// SPDX-License-Identifier: Apache-2.0
// Rule files of `plinth inspect`: read, and judged rule by rule.

import { readFileSync } from 'node:fs';
import { PlinthError } from '@plinth/core';
import {
  DEFAULT_VARIABLES,
  type JudgeOptions,
  type Judgement,
  judgeRules,
  parseRules,
  type RefusedJudgement,
  type Variables,
} from '@plinth/guards';
import { reasonOf } from '../host/reason.js';

export interface JudgedFile {
  /** What stands in it, each byte a character. */
  readonly text: string;
  readonly variables: Variables;
  readonly judgements: readonly Judgement[];
  /** Lines that are no rules. */
  readonly errors: readonly PlinthError[];
}

/** `settings` are NAME=VALUE, for `$NAME` in rules. */
export function readRules(path: string, settings: readonly string[], options: JudgeOptions): JudgedFile {
  let text: string;
  try {
    // Any byte is a character: rules name what is no ASCII by its number.
    text = readFileSync(path, 'latin1');
  } catch (cause) {
    throw new PlinthError('input', 'rules-file', `${path}: cannot be read: ${reasonOf(cause)}`, { cause });
  }
  const variables = variablesOf(settings);
  const { rules, errors } = parseRules(text, path, variables);
  return { text, variables, judgements: judgeRules(rules, options), errors };
}

export function refusedOf(judgements: readonly Judgement[]): RefusedJudgement[] {
  return judgements.filter((one) => one.answer === 'refused');
}

/** Says of each rule that is not looked at why. */
export function sayRefused(path: string, judgements: readonly Judgement[], say: (line: string) => void): void {
  for (const { rule, because } of refusedOf(judgements)) {
    say(`${path}:${rule.line}: sid ${rule.sid} is not looked at: ${because}`);
  }
}

function variablesOf(settings: readonly string[]): Variables {
  const own = settings.map((setting) => {
    const at = setting.indexOf('=');
    if (at <= 0) {
      throw new PlinthError('input', 'rule-variable', `--set ${setting}: it is NAME=VALUE, as HOME_NET=10.0.0.0/8`);
    }
    return [setting.slice(0, at).replace(/^\$/, ''), setting.slice(at + 1)];
  });
  return { ...DEFAULT_VARIABLES, ...(Object.fromEntries(own) as Variables) };
}
