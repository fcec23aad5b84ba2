// SPDX-License-Identifier: Apache-2.0
// Rules that look at bytes in all ways there are, and texts in which they may find something.

import type { Random } from '../fuzz/random.js';

const WORDS = [
  'ab',
  'AB',
  'abc',
  'bca',
  'aab',
  'b',
  'x',
  '12',
  '3',
  '004',
  '0x1f',
  ' 7',
  '\r\n',
  '|',
  '\0\u0001',
  '\u0002\0',
  '\u00ff',
];
/** With all that has to be escaped. */
const LOOKED_FOR = [
  'ab',
  'Ab',
  'abc',
  'b',
  'ca',
  'aa',
  'x',
  '12',
  '1',
  '|00|',
  '|00 01|',
  '|ff|',
  'a|62|c',
  '\\;',
  '|7c|',
  '|0D0a|',
  'bb',
  'ab12',
];
const NAMES = ['one', 'two'] as const;

export function randomText(random: Random): Uint8Array {
  const count = random.below(random.pick([3, 8, 20]));
  const text = Array.from({ length: count }, () => random.pick([...WORDS, 'ab', 'abc', 'b', '1', ';'])).join('');
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function sizeOf(content: string): number {
  return content
    .replaceAll(/\|([^|]*)\|/g, (_, hex: string) => '.'.repeat(hex.replaceAll(' ', '').length / 2))
    .replaceAll('\\;', '.').length;
}

/** The conditions of a rule, each with its semicolon; with `variables` byte_extract and byte_math name numbers. */
export function randomConditions(random: Random, variables: boolean): string {
  const known: string[] = [];
  const out: string[] = [];
  let hasContent = false;
  for (let n = 1 + random.below(random.pick([1, 3, 4])); n > 0; n--) {
    const kind = random.below(20);
    if (kind < 11 || out.length === 0) {
      const text = content(random, hasContent, known);
      out.push(text);
      // Relative to one that is not there is relative to nothing, and Suricata has it elsewhere.
      hasContent ||= !text.startsWith('content:!');
    } else out.push(other(random, hasContent, variables, known));
  }
  return out.join('');
}

function numberOr(random: Random, number: number, known: readonly string[]): string {
  return known.length > 0 && random.chance(0.3) ? random.pick(known) : String(number);
}

function content(random: Random, isRelative: boolean, known: readonly string[]): string {
  const text = random.pick(LOOKED_FOR);
  const size = sizeOf(text);
  const relative = isRelative && random.chance(0.6);
  const places: string[] = [];
  if (relative) {
    if (random.chance(0.7)) places.push(`distance:${numberOr(random, random.pick([0, 0, 1, 2, -1, -2, 5]), known)}; `);
    if (places.length === 0 || random.chance(0.5)) {
      places.push(`within:${numberOr(random, size + random.pick([0, 0, 1, 3, 10]), known)}; `);
    }
  } else {
    const place = random.below(8);
    if (place === 0) places.push('startswith; ');
    else if (place < 4) {
      if (random.chance(0.6)) places.push(`offset:${numberOr(random, random.below(6), known)}; `);
      if (random.chance(0.6)) places.push(`depth:${numberOr(random, size + random.pick([0, 1, 4, 10]), known)}; `);
    }
  }
  const negated = random.chance(0.2) ? '!' : '';
  // Of a negated one Suricata looks at the first place only, or at all.
  if (negated === '' && random.chance(0.12) && !places.join('').includes('startswith')) places.push('endswith; ');
  const nocase = random.chance(0.3) ? 'nocase; ' : '';
  const raw = random.chance(0.05) ? 'rawbytes; ' : '';
  return `content:${negated}"${text}"; ${places.join('')}${nocase}${raw}`;
}

function other(random: Random, mayBeRelative: boolean, variables: boolean, known: string[]): string {
  const negated = random.chance(0.25) ? '!' : '';
  const relative = mayBeRelative && random.chance(0.6) ? ',relative' : '';
  const offset = (): string =>
    numberOr(random, relative === '' ? random.below(4) : random.pick([0, 0, 1, -1, -2, 3]), known);
  switch (random.below(variables ? 8 : 6)) {
    case 0:
      return `isdataat:${negated}${random.pick([0, 2, 5, 10])}${relative}; `;
    case 1: {
      const op = random.pick(['<', '>', '=', '<=', '>=', '&', '^', '!=', '!<', '!>', '!&']);
      const endian = random.pick(['', '', ',little', ',big']);
      return `byte_test:${random.pick([1, 2, 3, 4])},${op},${random.pick(['1', '98', '0x61', '256', '24930', '0'])},${offset()}${relative}${endian}; `;
    }
    case 2: {
      const op = random.pick(['<', '>', '=', '&']);
      const base = random.pick(['dec', 'hex', 'oct', 'dec']);
      return `byte_test:${1 + random.below(4)},${op},${random.pick(['1', '12', '3', '0x12'])},${offset()}${relative},string,${base}; `;
    }
    case 3: {
      const more = random.pick([
        '',
        '',
        ',align',
        ',multiplier 2',
        ',post_offset -1',
        ',post_offset 2',
        ',from_beginning',
        ',from_end',
        ',little',
        ',string,dec',
        ',string,hex',
      ]);
      return `byte_jump:${random.pick([1, 1, 2])},${offset()}${relative}${more}; ${random.chance(0.7) ? 'content:"b"; within:3; ' : 'isdataat:1,relative; '}`;
    }
    case 4:
    case 5: {
      const source = random.pick([
        'a.b',
        'ab+',
        '(?:ab|bc)\\d',
        '^ab',
        'b$',
        '[^a]b',
        '\\x00',
        'a{2,}',
        '^x?a',
        'c\\z',
        'B',
        '\\s\\d',
        '.$',
        'a.*b',
      ]);
      const flags = random.pick(['', 'i', 's', 'm', 'R', 'Ri', 'A', 'G', 'E', 'RA', 'sR', 'x']);
      return `pcre:${negated}"/${source}/${flags}"; `;
    }
    case 6: {
      const name = NAMES[known.length];
      if (name === undefined) return 'isdataat:1; ';
      const more = random.pick(['', '', ',little', ',multiplier 2', ',align 4', ',string,dec', ',string,hex']);
      const text = `byte_extract:${random.pick([1, 1, 2])},${offset()},${name}${relative}${more}; `;
      known.push(name);
      return text;
    }
    default: {
      const name = NAMES[known.length];
      if (name === undefined) return 'isdataat:2; ';
      const right = known.length > 0 && random.chance(0.5) ? random.pick(known) : String(1 + random.below(5));
      const op = random.pick(['+', '-', '*', '/', '<<', '>>']);
      const text = `byte_math:bytes ${random.pick([1, 2])}, offset ${offset()}, oper ${op}, rvalue ${right}, result ${name}${relative === '' ? '' : ', relative'}${random.pick(['', '', ', endian little', ', string dec'])}; `;
      known.push(name);
      return text;
    }
  }
}
