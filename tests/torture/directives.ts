// SPDX-License-Identifier: Apache-2.0
// The dg-* directives of GCC's torture tests, as far as they decide whether and with which options a test runs on
// arm-none-eabi: dg-skip-if, dg-require-*, dg-options, dg-additional-options. What the directives mean is in "Test
// Directives" of the GCC internals manual. The .x files of the older tests give options; every condition in those of
// GCC 12 is about another target, so conditions are passed over.

/** GCC's names of what a target can do, where this one can. Anything else is something it cannot. */
const CAPABILITIES = new Set([
  'alloca',
  'c99_runtime',
  'double64plus',
  'fileio',
  'fpic',
  'hosted',
  'indirect_jumps',
  'int32',
  'int32plus',
  'label_values',
  'longlong64',
  'nonlocal_goto',
  'return_address',
  'signal',
  'size32plus',
  'stdint_types',
  'trampolines',
  'untyped_assembly',
]);
const TARGET = 'arm-none-eabi';

export interface Directives {
  /** Why the test is not for this target. */
  readonly skip?: string;
  readonly options: readonly string[];
}

/** Reads the directives of a test's source and of its .x file; `flags` are the options the test is compiled with. */
export function readDirectives(source: string, xFile: string, flags: readonly string[]): Directives {
  const options = xOptions(xFile);
  for (const [, text] of source.matchAll(/\{\s*(dg-[^\n]*)\}/g)) {
    const [name, ...args] = parseWords(text!);
    if (name === 'dg-skip-if') {
      const [why, target, include, exclude] = args;
      if (holds(target) && matchesFlags(include ?? ['*'], flags) && !matchesFlags(exclude ?? [''], flags))
        return { skip: `dg-skip-if: ${asText(why) || 'for this target'}`, options };
    } else if (name === 'dg-require-effective-target') {
      if (!holds(args[0])) return { skip: `needs ${asText(args[0])}`, options };
    } else if (name === 'dg-options' || name === 'dg-additional-options') {
      if (args[1] === undefined || holds(targetOf(args[1])))
        options.push(...asText(args[0]).split(/\s+/).filter(Boolean));
    }
  }
  return { options };
}

type Word = string | readonly Word[];

/** Words of a Tcl list: bare, quoted, or lists in braces. */
function parseWords(text: string): Word[] {
  const tokens = [...text.matchAll(/\s*(?:(\{)|(\})|"((?:[^"\\]|\\.)*)"|([^\s{}"]+))/g)];
  let at = 0;
  const list = (): Word[] => {
    const words: Word[] = [];
    for (; at < tokens.length; at++) {
      const [, open, close, quoted, bare] = tokens[at]!;
      if (close !== undefined) return words;
      if (open !== undefined) {
        at++;
        words.push(list());
      } else words.push(quoted ?? bare!);
    }
    return words;
  };
  return list();
}

function asText(word: Word | undefined): string {
  if (word === undefined) return '';
  return typeof word === 'string' ? word : word.map(asText).join(' ');
}

/** `{ target SELECTOR }` of dg-options. */
function targetOf(word: Word): Word {
  return typeof word !== 'string' && word[0] === 'target' ? word.slice(1) : word;
}

/** A target selector: triplet patterns and capabilities (any of them), `!`, `&&` and `||`. */
function holds(selector: Word | undefined): boolean {
  if (selector === undefined) return true;
  if (typeof selector === 'string') {
    if (selector.includes('*')) return glob(selector).test(TARGET);
    return CAPABILITIES.has(selector);
  }
  const or = selector.indexOf('||');
  if (or >= 0) return holds(selector.slice(0, or)) || holds(selector.slice(or + 1));
  const and = selector.indexOf('&&');
  if (and >= 0) return holds(selector.slice(0, and)) && holds(selector.slice(and + 1));
  if (selector[0] === '!') return !holds(selector.slice(1));
  return selector.some((word) => holds(word));
}

/** True if any of the option patterns is among the flags; "" is none, "*" always. */
function matchesFlags(patterns: Word, flags: readonly string[]): boolean {
  const list = typeof patterns === 'string' ? [patterns] : patterns.map(asText);
  return list.some(
    (pattern) =>
      pattern === '*' || pattern.split(/\s+/).every((one) => one !== '' && flags.some((flag) => glob(one).test(flag))),
  );
}

function glob(pattern: string): RegExp {
  const literal = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}

/** The options that an .x file sets outside of any condition. */
function xOptions(text: string): string[] {
  const options: string[] = [];
  let depth = 0;
  for (const line of text.split('\n')) {
    const code = line.replace(/^\s*#.*/, '');
    const match = depth === 0 ? /^\s*(?:lappend|set) additional_flags (.*)/.exec(code) : null;
    if (match) options.push(...parseWords(match[1]!).map(asText));
    else depth += code.split('{').length - code.split('}').length;
  }
  return options;
}
