// SPDX-License-Identifier: Apache-2.0
// Texts that are sent: the words of this project's own documents, less the lines in which a pattern occurs.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildMatcher, findAll, type Pattern } from '@plinth/match';
import { mulberry } from './pattern-sets.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** `size` bytes without any of the patterns: words in the order of chance, in lines. */
export function trafficText(patterns: readonly Pattern[], size: number, seed: number): Uint8Array {
  const files = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  const words = files.flatMap((name) => readFileSync(join(ROOT, 'docs', name), 'utf8').match(/[\w.,:;()'-]+/g) ?? []);
  const matcher = buildMatcher(patterns);
  const random = mulberry(seed);
  const lines: Buffer[] = [];
  let length = 0;
  while (length < size) {
    const some = Array.from({ length: 12 }, () => words[Math.floor(random() * words.length)]!);
    const line = Buffer.from(`${some.join(' ')}\n`, 'latin1');
    if (findAll(matcher, line).length > 0) continue;
    lines.push(line);
    length += line.length;
  }
  const text = Buffer.concat(lines).subarray(0, size);
  // Two lines together, or the cut at the end, may make one after all.
  return findAll(matcher, text).length === 0 ? text : trafficText(patterns, size, seed + 1);
}
