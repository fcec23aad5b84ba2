// SPDX-License-Identifier: Apache-2.0
// The buffers of HTTP in which rules look (Suricata user guide, "HTTP Keywords"), made of a message.

import { type BufferView, bytesOf, join } from './buffer-view.js';
import { fieldLine, type HttpMessage, codingValues, fieldValues, type HttpField } from './http-message.js';
import { hostOfAuthority, normalizeUri } from './http-uri.js';
import { multipartFiles } from './multipart.js';

/** Undoes a content coding as far as the bytes go; undefined for one that it does not know. Gives no more than `most` bytes. */
export type DecodeContent = (bytes: Uint8Array, coding: string, most: number) => Uint8Array | undefined;

/** Bytes of a body behind its content codings: what is more is not looked at. */
const MOST_DECODED = 0x10_0000;
/** Content codings, one in the other. */
const MOST_CODINGS = 4;

const LENGTH = 'content-length';

export type HttpSide = 'request' | 'response';

interface Source {
  readonly message: HttpMessage;
  readonly decode: DecodeContent | undefined;
}

interface BufferRow {
  /** Undefined for those that both have. */
  readonly side?: HttpSide;
  /** What of the message it is of. */
  readonly part: 'line' | 'fields' | 'body';
  /** Undefined if the message has none. */
  make(source: Source): Uint8Array | readonly Uint8Array[] | undefined;
}

const field = (name: string, side?: HttpSide): BufferRow => ({
  ...(side === undefined ? {} : { side }),
  part: 'fields',
  make: ({ message }) => {
    const values = fieldValues(message, name);
    return values.length === 0 ? undefined : bytesOf(name === LENGTH ? values[0]! : values.join(', '));
  },
});

/** Of a part that is not there, there is no buffer. */
const line = (side: HttpSide, make: (message: HttpMessage) => string): BufferRow => ({
  side,
  part: 'line',
  make: ({ message }) => unlessEmpty(make(message)),
});

function unlessEmpty(text: string): Uint8Array | undefined {
  return text === '' ? undefined : bytesOf(text);
}

const ROWS: Readonly<Record<string, BufferRow>> = {
  'http.method': line('request', ({ parts }) => parts[0]),
  'http.uri.raw': line('request', ({ parts }) => parts[1]),
  'http.uri': { side: 'request', part: 'line', make: ({ message }) => uriOf(message) },
  'http.request_line': line('request', ({ line: text }) => text),
  'http.response_line': line('response', ({ line: text }) => text),
  'http.stat_code': line('response', ({ parts }) => parts[1]),
  'http.stat_msg': line('response', ({ parts }) => parts[2]),
  'http.protocol': {
    part: 'line',
    make: ({ message: { kind, parts } }) => unlessEmpty(parts[kind === 'request' ? 2 : 0]),
  },
  'http.header': {
    part: 'fields',
    make: ({ message }) => {
      const fields = joined(message);
      return fields.length === 0 ? undefined : join(fields.map(fieldLine));
    },
  },
  'http.header.raw': { part: 'fields', make: ({ message }) => unlessEmpty(message.rawFields + message.trailer) },
  'http.request_header': {
    side: 'request',
    part: 'fields',
    make: ({ message }) => joined(message, true).map(oneField),
  },
  'http.response_header': {
    side: 'response',
    part: 'fields',
    make: ({ message }) => joined(message, true).map(oneField),
  },
  'http.header_names': {
    part: 'fields',
    make: ({ message }) => {
      const names = joined(message, true).map(({ name }) => `${name}\r\n`);
      return names.length === 0 ? undefined : bytesOf(`\r\n${names.join('')}\r\n`);
    },
  },
  'http.start': {
    part: 'fields',
    make: ({ message }) => {
      if (message.line === '') return undefined;
      const fields = joined(message, true).map(fieldLine);
      return join([bytesOf(`${message.line}\r\n`), ...fields, bytesOf(fields.length === 0 ? '' : '\r\n')]);
    },
  },
  'http.host': {
    side: 'request',
    part: 'fields',
    make: ({ message }) => {
      const host = targetHost(message) ?? hostOfAuthority(hostField(message) ?? '').toLowerCase();
      // A bracket that nothing closes makes it none.
      return /^\[[^\]]*$/.test(host) ? undefined : unlessEmpty(host);
    },
  },
  'http.host.raw': {
    side: 'request',
    part: 'fields',
    make: ({ message }) => {
      const host = targetHost(message) ?? hostField(message);
      return host === undefined ? undefined : bytesOf(host);
    },
  },
  'http.cookie': {
    part: 'fields',
    make: ({ message }) => {
      const values = fieldValues(message, message.kind === 'request' ? 'cookie' : 'set-cookie');
      return values.length === 0 ? undefined : bytesOf(values.join(', '));
    },
  },
  'http.user_agent': field('user-agent', 'request'),
  'http.referer': field('referer', 'request'),
  'http.accept': field('accept', 'request'),
  'http.accept_enc': field('accept-encoding', 'request'),
  'http.accept_lang': field('accept-language', 'request'),
  'http.connection': field('connection'),
  'http.content_len': field('content-length'),
  'http.content_type': field('content-type'),
  'http.server': field('server', 'response'),
  'http.location': field('location', 'response'),
  'http.request_body': { side: 'request', part: 'body', make: (source) => content(source) },
  'http.response_body': { side: 'response', part: 'body', make: (source) => content(source) },
  'file.data': {
    part: 'body',
    make: (source) => {
      const body = content(source);
      const { kind, parts } = source.message;
      if (kind === 'response') return body;
      if (parts[0] !== 'POST' && parts[0] !== 'PUT') return undefined;
      return multipartFiles(body, fieldValues(source.message, 'content-type')[0] ?? '') ?? body;
    },
  },
};

/** Which messages have a buffer; undefined if there is none of that name. */
export function sidesOf(name: string): readonly HttpSide[] | undefined {
  const row = ROWS[name];
  if (row === undefined) return undefined;
  return row.side === undefined ? ['request', 'response'] : [row.side];
}

/** Whether it is made of the body, which may be coded. */
export function isOfBody(name: string): boolean {
  return ROWS[name]?.part === 'body';
}

/**
 * The buffers of that name, several for several files; none if the message has none, `unknown` if it may still come to have one.
 */
export function httpBuffer(
  name: string,
  message: HttpMessage,
  decode?: DecodeContent,
): readonly BufferView[] | 'unknown' {
  const row = ROWS[name]!;
  if (row.side !== undefined && row.side !== message.kind) return [];
  const { lineComplete, fieldsComplete, bodyComplete } = message;
  // A body is not known before its headers are.
  if (row.part === 'body' && !fieldsComplete) return 'unknown';
  if (row.part === 'line' && !lineComplete) return 'unknown';
  if (row.part === 'fields' && !fieldsComplete) return 'unknown';
  const made = row.make({ message, decode });
  const complete = row.part === 'body' ? bodyComplete : true;
  if (made === undefined) return complete ? [] : 'unknown';
  const list = made instanceof Uint8Array ? [made] : made;
  const isEmptyBody = row.part === 'body' && list.every(({ length }) => length === 0);
  if (isEmptyBody) return complete ? [] : 'unknown';
  return list.map((bytes) => ({ bytes, complete }));
}

/** Without cookies, unless asked for; fields of one name are one. */
function joined(message: HttpMessage, cookies = false): HttpField[] {
  const own = message.kind === 'request' ? 'cookie' : 'set-cookie';
  const all = new Map<string, HttpField>();
  for (const one of message.fields) {
    const key = one.name.toLowerCase();
    if (key === own && !cookies) continue;
    const known = all.get(key);
    if (known === undefined) all.set(key, one);
    // Of lengths the first one holds.
    else if (key !== LENGTH) all.set(key, { name: known.name, value: `${known.value}, ${one.value}` });
  }
  return [...all.values()];
}

/** One of several buffers, without the end of its line. */
function oneField({ name, value }: HttpField): Uint8Array {
  return bytesOf(`${name}: ${value}`);
}

function uriOf({ parts: [method, target] }: HttpMessage): Uint8Array | undefined {
  // It names a host, and no resource of one.
  return method === 'CONNECT' ? undefined : normalizeUri(bytesOf(target)).text;
}

function targetHost({ parts: [method, target] }: HttpMessage): string | undefined {
  if (method !== 'CONNECT') return normalizeUri(bytesOf(target)).host;
  return target.startsWith('/') ? undefined : hostOfAuthority(target).toLowerCase();
}

function hostField(message: HttpMessage): string | undefined {
  const values = fieldValues(message, 'host');
  return values.length === 0 ? undefined : values.join(', ');
}

/** The body without its content codings, the last one first. */
function content({ message, decode }: Source): Uint8Array {
  const codings = codingValues(message, 'content-encoding')
    .join()
    .toLowerCase()
    .split(',')
    .map((coding) => /^[a-z0-9-]*/.exec(coding.trim())![0]);
  let { body } = message;
  // What is not coded as it says is looked at as it is.
  for (const coding of codings.slice(-MOST_CODINGS).toReversed()) {
    if (body.length > 0 && coding !== '') body = decode?.(body, coding, MOST_DECODED) ?? body;
  }
  return body;
}
