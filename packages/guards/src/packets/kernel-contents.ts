// SPDX-License-Identifier: Apache-2.0
// Contents of a rule as contents at absolute places. One that is relative to another is at such a place if that one can be at one place
// only, and where it has to follow at once, the two are one content. Any other needs to know where others are: a reason, by name.

import { foldByte, SHORTEST_FILTERED } from '@plinth/match';
import type { ContentCondition } from './rule.js';
import { PAYLOAD } from './rule-options.js';

export interface KernelContent {
  readonly bytes: Uint8Array;
  readonly nocase: boolean;
  /** It must not be there. */
  readonly negated: boolean;
  /** Where it may begin, from the beginning of the payload. */
  readonly offset: number;
  /** Where it may end at the latest: of the first byte behind it. */
  readonly end: number;
  /** It ends where the payload does. */
  readonly atEnd: boolean;
  /** In which bytes of TCP it is looked for: those of one packet only, of the stream only, or both. */
  readonly where: 'packet' | 'stream' | 'both';
}

/** Bytes of a content. */
export const MOST_CONTENT_BYTES = 2048;
/** Bytes among which one byte is looked for. */
export const MOST_WINDOW = 256;
export const NO_END = 0xffff_ffff;

/** A content that is looked for in a few bytes at a known place, apart from the others. */
export function isWindow({ bytes }: KernelContent): boolean {
  return bytes.length < SHORTEST_FILTERED;
}

/** In the order in which they are written; `where` they are looked for is the same for all. */
export function kernelContents(
  conditions: readonly ContentCondition[],
  where: KernelContent['where'],
): KernelContent[] | string {
  const contents: KernelContent[] = [];
  /** The last one that has to be there. */
  let before: number | undefined;
  for (const condition of conditions) {
    if (condition.buffer !== PAYLOAD) return condition.buffer;
    if (condition.variables !== undefined) return 'a place by a variable';
    const content = place(condition, before === undefined ? undefined : contents[before]!, where);
    if (typeof content === 'string') return content;
    const { joined, ...placed } = content;
    if (joined) contents[before!] = placed;
    else contents.push(placed);
    if (!placed.negated && !joined) before = contents.length - 1;
  }
  for (const content of contents) {
    const { bytes, atEnd, offset, end } = content;
    if (bytes.length > MOST_CONTENT_BYTES) return `content of more than ${MOST_CONTENT_BYTES} bytes`;
    if (bytes.length < SHORTEST_FILTERED && !atEnd && end - offset > MOST_WINDOW) {
      return `content of one byte among more than ${MOST_WINDOW}`;
    }
    if (bytes.length < SHORTEST_FILTERED && where === 'stream') return 'content of one byte in a stream';
  }
  return contents;
}

/** `joined`: it takes the place of the one before. */
type Placed = KernelContent & { readonly joined: boolean };

function place(
  condition: ContentCondition,
  before: KernelContent | undefined,
  where: KernelContent['where'],
): Placed | string {
  const { bytes, nocase, negated, offset, depth, distance, within, startswith, endswith } = condition;
  const base = { bytes, nocase, negated, atEnd: endswith, where, joined: false };
  if (distance === undefined && within === undefined) {
    const first = startswith ? 0 : (offset ?? 0);
    const end = startswith ? bytes.length : depth === undefined ? NO_END : first + depth;
    return { ...base, offset: first, end: Math.min(NO_END, end) };
  }
  const away = distance ?? 0;
  // Relative to nothing is relative to the beginning.
  const behind = before === undefined ? 0 : fixedEnd(before);
  if (behind !== undefined) {
    // An end before the beginning is none, as Suricata has it.
    const end = within === undefined || behind + away + within < 0 ? NO_END : behind + away + within;
    return { ...base, offset: Math.max(0, behind + away), end: Math.min(NO_END, end) };
  }
  const joined = away === 0 && within === bytes.length ? join(before!, condition) : undefined;
  if (joined === undefined) return 'distance and within of a content that may be at several places';
  return { ...joined, joined: true };
}

/** Where it ends, if there is only one place for it. */
function fixedEnd({ bytes, offset, end }: KernelContent): number | undefined {
  return end !== NO_END && end - offset === bytes.length ? end : undefined;
}

/** Both as one content, unless one of them has letters in just this case and the other in either. */
function join(
  before: KernelContent,
  { bytes, nocase, negated, endswith }: ContentCondition,
): KernelContent | undefined {
  if (negated || before.atEnd) return undefined;
  const hasLetters = (text: Uint8Array): boolean =>
    text.some((byte) => foldByte(byte) !== byte || (byte >= 0x61 && byte <= 0x7a));
  if (before.nocase !== nocase && hasLetters(nocase ? before.bytes : bytes)) return undefined;
  const all = new Uint8Array(before.bytes.length + bytes.length);
  all.set(before.bytes);
  all.set(bytes, before.bytes.length);
  const end = before.end === NO_END ? NO_END : before.end + bytes.length;
  return { ...before, bytes: all, nocase: before.nocase || nocase, end, atEnd: endswith };
}
