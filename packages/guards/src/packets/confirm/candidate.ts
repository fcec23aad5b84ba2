// SPDX-License-Identifier: Apache-2.0
// A weaker rule for the kernel: whatever the full one matches, one of its candidates matches, so the packets that they flag are all that
// need be looked at. A candidate looks for one row of bytes that the packets show as they are; of buffers that are decoded
// it looks for each form that these bytes may have.

import { foldByte } from '@plinth/match';
import type { ContentCondition, Rule } from '../rule.js';
import { PAYLOAD } from '../rule-options.js';
import { bytesOf } from './buffer-view.js';
import { DNS_BUFFERS } from './dns-buffers.js';
import type { CompiledRule } from './compiled-rule.js';
import type { BufferCondition } from './inspect-buffer.js';

/** `everything`: nothing tells its packets from others of its header. */
export interface Candidates {
  readonly rules: readonly Rule[];
  readonly everything: boolean;
}

/** Bytes in a row that packets show. */
interface Literal {
  readonly bytes: Uint8Array;
  readonly nocase: boolean;
}

/** Shorter ones are not looked for. */
const LEAST = 2;
/** Longer ones make more forms of an encoded buffer than they tell packets apart. */
const MOST_ENCODED = 12;

/** What of a buffer's bytes may stand otherwise in the packets: such bytes are not looked for. */
const CUTS: Readonly<Record<string, RegExp>> = {
  [PAYLOAD]: /(?!)/,
  // Lines may be folded, fields of one name are joined.
  field: /[\s,:]/,
  line: /\s/,
  uri: /[\s/\\?#\x80-\xff]/,
  name: /[.]/,
};

const KINDS: Readonly<Record<string, keyof typeof CUTS>> = {
  [PAYLOAD]: PAYLOAD,
  'http.method': 'line',
  'http.uri': 'uri',
  'http.uri.raw': 'line',
  'http.request_line': 'line',
  'http.response_line': 'line',
  'http.stat_code': 'line',
  'http.stat_msg': 'line',
  'http.protocol': 'line',
  'http.header': 'field',
  'http.header.raw': 'line',
  'http.request_header': 'field',
  'http.response_header': 'field',
  'http.header_names': 'field',
  'http.start': 'field',
  'http.host': 'field',
  'http.host.raw': 'field',
  'http.cookie': 'field',
  'http.user_agent': 'field',
  'http.referer': 'field',
  'http.accept': 'field',
  'http.accept_enc': 'field',
  'http.accept_lang': 'field',
  'http.connection': 'field',
  'http.content_len': 'field',
  'http.content_type': 'field',
  'http.server': 'field',
  'http.location': 'field',
  ...Object.fromEntries(DNS_BUFFERS.map((name) => [name, 'name'] as const)),
};

/** With `streams`, whoever confirms knows a request also where its packets show nothing of the kind. */
export function candidatesOf(compiled: CompiledRule, streams = false): Candidates {
  const { rule, payload, groups } = compiled;
  let best: { literal: Literal; kind: keyof typeof CUTS; chosen: boolean } | undefined;
  for (const { buffer, transforms, conditions } of [
    { buffer: PAYLOAD, transforms: [], conditions: payload },
    ...groups,
  ]) {
    const kind = KINDS[buffer];
    // A body may be compressed, or cut into chunks.
    if (kind === undefined || transforms.length > 0) continue;
    for (const condition of conditions) {
      const literal = literalOf(condition, CUTS[kind]!, buffer === 'http.host');
      if (literal === undefined || literal.bytes.length < LEAST) continue;
      const chosen = condition.kind === 'content' && condition.fastPattern;
      const isBetter =
        best === undefined ||
        (chosen && !best.chosen) ||
        (chosen === best.chosen && worth(literal, kind) > worth(best.literal, best.kind));
      if (isBetter) best = { literal, kind, chosen };
    }
  }
  const header = headerOf(rule);
  if (best === undefined) {
    return !streams && isRequest(compiled)
      ? { rules: REQUESTS.map((literal) => weaker(header, [literal])), everything: false }
      : { rules: [weaker(header, [])], everything: true };
  }
  const forms = best.kind === 'uri' ? encodedForms(best.literal) : [best.literal];
  return { rules: forms.map((literal) => weaker(header, [literal])), everything: false };
}

/** Bytes that the raw packets have to show are better than those that have many forms. */
function worth({ bytes }: Literal, kind: keyof typeof CUTS): number {
  return kind === 'uri' ? Math.min(bytes.length, MOST_ENCODED) / 2 : bytes.length;
}

/** The longest piece that no cut is in. `fold`: in the buffer all letters are small ones. */
function literalOf(condition: BufferCondition, cut: RegExp, fold: boolean): Literal | undefined {
  const whole =
    condition.kind === 'content' && !condition.negated
      ? condition
      : condition.kind === 'pcre' && !condition.negated
        ? condition.regex.literal
        : undefined;
  if (whole === undefined) return undefined;
  const { bytes, nocase } = whole;
  let best: Uint8Array | undefined;
  for (let from = 0, at = 0; at <= bytes.length; at++) {
    if (at < bytes.length && !cut.test(String.fromCharCode(bytes[at]!))) continue;
    if (at - from > (best?.length ?? 0)) best = bytes.subarray(from, at);
    from = at + 1;
  }
  return best === undefined ? undefined : { bytes: best, nocase: nocase || fold };
}

/**
 * As it is, or with at least one of its bytes written as %41, %u0041 or in UTF-8 that is longer than it has to be: so many ways there are
 * to write it, and whoever writes it in another one writes one of these.
 */
function encodedForms({ bytes, nocase }: Literal): Literal[] {
  const kept = bytes.subarray(0, MOST_ENCODED);
  const forms: Literal[] = [{ bytes: kept, nocase }];
  const hex = new Set<string>();
  for (const byte of kept) {
    hex.add(byte.toString(16).padStart(2, '0'));
    if (!nocase || foldByte(byte) < 0x61 || foldByte(byte) > 0x7a) continue;
    hex.add((byte ^ 0x20).toString(16).padStart(2, '0'));
  }
  for (const digits of hex) {
    forms.push({ bytes: bytesOf(`%${digits}`), nocase: true }, { bytes: bytesOf(`%u00${digits}`), nocase: true });
    const byte = Number.parseInt(digits, 16);
    forms.push({ bytes: Uint8Array.of(0xc0 | (byte >> 6), 0x80 | (byte & 0x3f)), nocase: false });
  }
  // Wide forms of letters, and long ones of UTF-8: all of them begin so.
  const begins = [
    '%uff',
    '%c0',
    '%c1',
    '%e0',
    '%f0',
    '\xc0%',
    '\xc1%',
    '\xe0\x80',
    '\xe0\x81',
    '\xe0%',
    '\xf0\x80',
    '\xf0%',
  ];
  forms.push(...begins.map((text) => ({ bytes: bytesOf(text), nocase: true })));
  return forms;
}

/** Every request has one of them: its protocol, or (HTTP/0.9) the only method that goes without. */
const REQUESTS: readonly Literal[] = ['HTTP/', 'GET '].map((text) => ({ bytes: bytesOf(text), nocase: true }));

function isRequest({ app, groups, sides }: CompiledRule): boolean {
  return (
    app === 'http' && groups.length > 0 && sides.length > 0 && !groups.some(({ buffer }) => KINDS[buffer] === undefined)
  );
}

function weaker(rule: Rule, literals: readonly Literal[]): Rule {
  const base = { negated: false, startswith: false, endswith: false, fastPattern: false };
  const conditions = literals.map(({ bytes, nocase }): ContentCondition => ({
    kind: 'content',
    buffer: PAYLOAD,
    bytes,
    nocase,
    ...base,
  }));
  return { ...rule, conditions };
}

/** What of the header the kernel knows; the rest of the rule is confirmed. */
function headerOf(rule: Rule): Rule {
  const { threshold: _threshold, ...rest } = rule;
  const protocol = HEADERS[rule.header.protocol] ?? 'ip';
  return { ...rest, header: { ...rule.header, protocol }, noalert: false, undecided: [] };
}

const HEADERS: Readonly<Record<string, string>> = {
  tcp: 'tcp',
  'tcp-pkt': 'tcp',
  'tcp-stream': 'tcp',
  udp: 'udp',
  icmp: 'icmp',
  icmpv4: 'icmpv4',
  icmpv6: 'icmpv6',
  ip4: 'ip4',
  ipv4: 'ipv4',
  ip6: 'ip6',
  ipv6: 'ipv6',
  http: 'tcp',
  http1: 'tcp',
};
