// SPDX-License-Identifier: Apache-2.0
// The text of a rule file cut into rules, and a rule into its options. A backslash at the end of a line joins the next one to it;
// inside of options it protects `;`, `"`, `:` and itself.

import { PlinthError } from '@plinth/core';

export interface RuleText {
  readonly line: number;
  readonly text: string;
}

export interface OptionText {
  readonly name: string;
  /** Undefined without a colon. */
  readonly value: string | undefined;
}

/** An `input` error for something in a rule file. */
export function ruleError(file: string, line: number, why: string): PlinthError {
  return new PlinthError('input', 'rule', `${file}:${line}: ${why}`);
}

/** Rules with the line that each begins at; without comments and empty lines. */
export function splitRules(text: string): RuleText[] {
  const rules: RuleText[] = [];
  let joined = '';
  let begin = 0;
  text.split(/\r?\n/).forEach((raw, index) => {
    if (joined === '') begin = index + 1;
    const line = raw.trim();
    if (joined === '' && (line === '' || line.startsWith('#'))) return;
    if (line.endsWith('\\')) {
      joined += `${line.slice(0, -1)} `;
      return;
    }
    rules.push({ line: begin, text: joined + line });
    joined = '';
  });
  // A file that ends in the middle: what is there is judged as a rule.
  if (joined.trim() !== '') rules.push({ line: begin, text: joined.trim() });
  return rules;
}

/** The options between the parentheses; undefined if a quote or the list does not end. */
export function splitOptions(text: string): OptionText[] | undefined {
  const options: OptionText[] = [];
  let current = '';
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === '\\' && at + 1 < text.length) {
      current += char + text[++at]!;
      continue;
    }
    if (char === '"') quoted = !quoted;
    if (char !== ';' || quoted) {
      current += char;
      continue;
    }
    const option = splitOption(current);
    if (option !== undefined) options.push(option);
    current = '';
  }
  return quoted || current.trim() !== '' ? undefined : options;
}

function splitOption(text: string): OptionText | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  const colon = trimmed.indexOf(':');
  if (colon < 0) return { name: trimmed.toLowerCase(), value: undefined };
  return { name: trimmed.slice(0, colon).trim().toLowerCase(), value: trimmed.slice(colon + 1).trim() };
}

/** A value in quotes, maybe with `!` before them, without both; undefined if it is not in quotes. */
export function unquote(value: string): { text: string; negated: boolean } | undefined {
  const match = /^(!?)\s*"(.*)"$/s.exec(value);
  return match === null ? undefined : { text: match[2]!, negated: match[1] === '!' };
}

/** Plain text of a message: backslashes protect, nothing else. */
export function unescape(text: string): string {
  return text.replaceAll(/\\([\\;":])/g, '$1');
}

/** The bytes of a content: text in which |41 42| are bytes as hexadecimal numbers. Undefined if it is no content. */
export function contentBytes(text: string): Uint8Array | undefined {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === '|') {
      const end = text.indexOf('|', at + 1);
      const hex = end < 0 ? '?' : text.slice(at + 1, end).replaceAll(/\s+/g, '');
      if (!/^([0-9a-fA-F]{2})+$/.test(hex)) return undefined;
      for (let n = 0; n < hex.length; n += 2) bytes.push(Number.parseInt(hex.slice(n, n + 2), 16));
      at = end;
      continue;
    }
    if (char === '\\') {
      const next = text[++at];
      if (next === undefined || !'\\;":|'.includes(next)) return undefined;
      bytes.push(next.charCodeAt(0));
      continue;
    }
    const code = char.codePointAt(0)!;
    if (code < 0x80) bytes.push(code);
    else return undefined;
  }
  return bytes.length === 0 ? undefined : Uint8Array.from(bytes);
}
