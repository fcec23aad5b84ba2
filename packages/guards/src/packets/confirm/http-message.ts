// SPDX-License-Identifier: Apache-2.0
// Reads one message of HTTP/1 from the beginning of a stream's bytes (RFC 9112), as leniently as servers and browsers do, and goes as far
// as the bytes go: what is not there yet is marked so.

import { latin1 } from '@plinth/core';
import { bytesOf, EMPTY, join } from './buffer-view.js';

export interface HttpField {
  readonly name: string;
  readonly value: string;
}

export interface HttpMessage {
  readonly kind: 'request' | 'response';
  /** Request line or status line, without its end. */
  readonly line: string;
  readonly lineComplete: boolean;
  /** Method, target and protocol of a request; protocol, code and reason of a response. */
  readonly parts: readonly [string, string, string];
  readonly fields: readonly HttpField[];
  /** As they were sent, up to the empty line and with it. */
  readonly rawFields: string;
  readonly fieldsComplete: boolean;
  /** Fields behind a body in chunks, as they were sent, up to the empty line and with it. */
  readonly trailer: string;
  /** Bytes before its body. */
  readonly bodyAt: number;
  /** Without transfer coding. */
  readonly body: Uint8Array;
  readonly bodyComplete: boolean;
  /** Bytes of all of it, if it is complete, and none of the next message. */
  readonly length: number;
  readonly complete: boolean;
  /** Where it ends cannot be said, so nothing behind it is read. */
  readonly isBroken: boolean;
}

export interface HttpContext {
  /** The method of the request that a response answers. */
  readonly method?: string | undefined;
  /** Nothing will follow these bytes. */
  readonly ended?: boolean;
  /** The message as it was read from fewer of them. */
  readonly begun?: HttpMessage | undefined;
}

/** Bytes of headers; what is longer is no message. Most are not longer than the first. */
const [SOME_HEADER, MOST_HEADER] = [0x0800, 0x1_0000];
/** Bytes of a body that are kept. */
export const MOST_BODY = 0x4_0000;

/** Methods of RFC 9110, of WebDAV and its kin: by them a request is known. */
const METHOD_NAMES =
  'GET PUT POST HEAD DELETE TRACE OPTIONS CONNECT PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK VERSION-CONTROL CHECKOUT UNCHECKOUT CHECKIN UPDATE LABEL REPORT MKWORKSPACE MKACTIVITY MERGE INVALID SEARCH PURGE BASELINE-CONTROL ORDERPATCH ACL DEBUG BCOPY BMOVE BDELETE BPROPFIND BPROPPATCH NOTIFY POLL SUBSCRIBE UNSUBSCRIBE X-MS-ENUMATTS RPC_OUT_DATA RPC_IN_DATA';
const METHODS = METHOD_NAMES.split(' ');
const METHOD = new RegExp(`^(?:${METHODS.join('|')})[ \\t]`);

/**
 * Whether what follows a request is another one, or may be when more of it is there. What is none belongs to the first, whatever that says
 * of its length.
 */
export function beginsRequest(bytes: Uint8Array): boolean {
  const text = latin1(bytes.subarray(0, 64)).trimStart();
  return METHOD.test(text) || METHODS.some((name) => name.startsWith(text));
}

/** The same of a response. */
export function beginsResponse(bytes: Uint8Array): boolean {
  return !isBare(bytes);
}

/** Whether bytes begin like HTTP; undefined if there are too few to say so. */
export function isHttp(bytes: Uint8Array): boolean | undefined {
  const text = latin1(bytes.subarray(0, 20)).replace(/^[\r\n]+/, '');
  if (METHOD.test(text) || /^HTTP\/[0-9.]/.test(text)) return true;
  return text.length < 18 && /^[A-Z_-]*[/0-9]?$/.test(text) && !/[\r\n]/.test(text) ? undefined : false;
}

export function readHttpMessage(
  bytes: Uint8Array,
  kind: 'request' | 'response',
  context: HttpContext = {},
): HttpMessage {
  const ended = context.ended === true;
  const head = context.begun?.fieldsComplete === true ? context.begun : headOf(bytes, kind);
  if (head.complete) return head;
  if (!head.fieldsComplete) {
    const lineComplete = head.lineComplete || ended;
    return { ...head, lineComplete, fieldsComplete: ended, length: bytes.length, complete: ended };
  }
  const { body, size, trailer = '', isBroken = false } = readBody(bytes.subarray(head.bodyAt), head, context);
  const complete = size !== undefined || ended;
  const length = size === undefined ? bytes.length : head.bodyAt + size;
  // Fields behind a body are its message's, too.
  const fields = /^[\r\n]*$/.test(trailer) ? head.fields : [...head.fields, ...readFields(trailer, 0, kind).fields];
  return { ...head, fields, trailer, body, bodyComplete: complete, length, complete, isBroken };
}

function headOf(bytes: Uint8Array, kind: 'request' | 'response'): HttpMessage {
  if (kind === 'response' && isBare(bytes)) return BARE;
  const some = readHead(latin1(bytes.subarray(0, SOME_HEADER)), kind);
  if (some.fieldsComplete || bytes.length <= SOME_HEADER) return some;
  return readHead(latin1(bytes.subarray(0, MOST_HEADER)), kind);
}

/** An answer without a status line, as HTTP/0.9 has it: all of it is its body. */
const BARE: HttpMessage = {
  kind: 'response',
  line: '',
  lineComplete: true,
  parts: ['', '', ''],
  fields: [],
  rawFields: '',
  fieldsComplete: true,
  trailer: '',
  bodyAt: 0,
  body: EMPTY,
  bodyComplete: false,
  length: 0,
  complete: false,
  isBroken: false,
};

function isBare(bytes: Uint8Array): boolean {
  const [first = '', second = ''] = latin1(bytes.subarray(0, SOME_HEADER))
    .replace(/^[\s\0]+/, '')
    .split('\n', 2);
  const isStatus = (line: string): boolean => /^(?:H|HT|HTT|HTTP.*)$/is.test(line.trim());
  // A line before the status line is not looked at.
  return first !== '' && !isStatus(first) && !isStatus(second);
}

/** A message up to its body; complete if it has none. */
function readHead(head: string, kind: 'request' | 'response'): HttpMessage {
  // Empty lines before a message are not looked at, nor is one that is none before a response.
  const begin = (kind === 'request' ? /^[\r\n]*/ : /^[\r\n]*(?:(?!\s*HTTP)[^\n]*\n(?=\s*HTTP))?/i).exec(head)![0]
    .length;
  const first = nextLine(head, begin, kind);
  const line = first?.text ?? head.slice(begin).replace(/\r$/, '');
  const parts = kind === 'request' ? requestParts(line) : statusParts(line);
  const open = { fields: [], rawFields: '', fieldsComplete: false, trailer: '', bodyAt: 0, body: EMPTY };
  const ends = { bodyComplete: false, length: 0, complete: false, isBroken: false };
  const base = { kind, line, parts, lineComplete: first !== undefined, ...open, ...ends };
  if (first === undefined) return base;
  // A request without protocol is of HTTP/0.9, and only a line.
  if (kind === 'request' && parts[2] === '' && !/^[A-Za-z-]+:/.test(head.slice(first.end))) {
    return { ...base, fieldsComplete: true, bodyComplete: true, length: first.end, complete: true };
  }
  const { fields, end } = readFields(head, first.end, kind);
  const bodyAt = end ?? head.length;
  return { ...base, fields, rawFields: head.slice(first.end, bodyAt), fieldsComplete: end !== undefined, bodyAt };
}

/** The values of a field, in the order in which they were sent. */
export function fieldValues({ fields }: Pick<HttpMessage, 'fields'>, name: string): string[] {
  return fields.filter((field) => field.name.toLowerCase() === name).map(({ value }) => value);
}

/** The same for what a body's coding is said to be: readers in C do not see zeroes. */
export function codingValues({ fields }: Pick<HttpMessage, 'fields'>, name: string): string[] {
  const seen = (text: string): string => text.replaceAll('\0', '').trim();
  return fields.filter((field) => seen(field.name).toLowerCase() === name).map(({ value }) => seen(value));
}

/** A line, and where it ends; undefined if that is not there yet. In responses a carriage return alone ends one, too, as browsers have it. */
function nextLine(
  text: string,
  from: number,
  kind: 'request' | 'response',
): { readonly text: string; readonly end: number } | undefined {
  const end = text.indexOf('\n', from);
  const alone =
    kind === 'response' ? /^\s*[^\s][^\n]*?\r(?![\r\n])/.exec(text.slice(from, end < 0 ? undefined : end + 1)) : null;
  if (alone !== null) {
    const at = from + alone[0].length - 1;
    // What comes behind the last byte may be a line feed.
    return at + 1 === text.length ? undefined : { text: text.slice(from, at), end: at + 1 };
  }
  return end < 0 ? undefined : { text: text.slice(from, end).replace(/\r$/, ''), end: end + 1 };
}

/** The target may have blanks in it: what is behind the last one is the protocol, with all that follows it. */
function requestParts(line: string): [string, string, string] {
  const full = /^\s*(\S+)\s+(\S.*?)\s+(\S+\s*)$/s.exec(line);
  if (full !== null) return [full[1]!, full[2]!, full[3]!];
  const short = /^\s*(\S*)\s*(.*)$/s.exec(line)!;
  return [short[1]!, short[2]!.trimEnd(), ''];
}

function statusParts(line: string): [string, string, string] {
  const match = /^\s*(\S*)\s*(\S*)\s*(.*)$/s.exec(line)!;
  return [match[1]!, match[2]!, match[3]!];
}

/** `end` is behind the empty line; undefined if that is not there yet. */
function readFields(
  head: string,
  from: number,
  kind: 'request' | 'response',
): { fields: HttpField[]; end: number | undefined } {
  const lines: string[] = [];
  const fields = (): HttpField[] => lines.map((line) => readField(line, kind));
  for (let at = from; ;) {
    const line = nextLine(head, at, kind);
    if (line === undefined) return { fields: fields(), end: undefined };
    at = line.end;
    if (line.text === '') return { fields: fields(), end: at };
    const isBlank = line.text.trim() === '';
    if (isBlank && kind === 'response' && endsFields(nextLine(head, at, kind)?.text))
      return { fields: fields(), end: at };
    // A line that begins with a blank goes on with the field before it (RFC 9112, section 5.2).
    // In a response not if it looks like a field itself, as browsers have it.
    const isField = kind === 'response' && line.text.includes(':') && lines.at(-1)?.includes(':') === true;
    if (/^[ \t\0]/.test(line.text) && !isField && lines.length > 0) lines.push(`${lines.pop()!}${line.text}`);
    else lines.push(line.text);
  }
}

/** Whether a line of blanks was the end of the fields, by the line behind it: that is no field, none that goes on, and not empty. */
function endsFields(next: string | undefined): boolean {
  return next === undefined || !(next === '' || /^[ \t]|^[\r]*[A-Za-z-]+\s*:/.test(next));
}

function readField(line: string, kind: 'request' | 'response'): HttpField {
  const colon = line.indexOf(':');
  const name = line.slice(0, colon).trim();
  // A name with a zero is none in a request; in a response a zero before it is not seen.
  if (colon < 0 || (kind === 'request' && name.includes('\0'))) return { name: '', value: line.trim() };
  return { name: name.replace(/^\0+/, ''), value: line.slice(colon + 1).trim() };
}

/** `size` is undefined while its end is not there. */
interface ReadBody {
  readonly body: Uint8Array;
  readonly size: number | undefined;
  readonly trailer?: string;
  readonly isBroken?: boolean;
}

function readBody(
  bytes: Uint8Array,
  message: Pick<HttpMessage, 'kind' | 'parts' | 'fields'>,
  { method }: HttpContext,
): ReadBody {
  const { kind, parts } = message;
  const nothing = { body: EMPTY, size: 0 };
  const coding = codingValues(message, 'transfer-encoding').join().toLowerCase();
  if (kind === 'response') {
    const status = parts[1];
    const isBare = /^(?:1\d\d|204|304)$/.test(status) && !hasLength(message) && coding === '';
    if (method === 'HEAD' || isBare) return nothing;
    if (method === 'CONNECT' && /^2\d\d$/.test(status)) return nothing;
  }
  const isChunked = kind === 'response' ? coding.includes('chunked') : /(?:^|[\s,])chunked(?:[\s,]|$)/.test(coding);
  if (isChunked) return readChunks(bytes, kind);
  if (kind === 'request' && coding !== '') return { ...nothing, isBroken: true };
  const lengths = codingValues(message, 'content-length');
  const length = /^\s*(\d+)/.exec(lengths[0] ?? '');
  if (length !== null) {
    const size = Math.min(Number(length[1]), Number.MAX_SAFE_INTEGER);
    return { body: bytes.subarray(0, Math.min(size, MOST_BODY)), size: bytes.length < size ? undefined : size };
  }
  // A response goes on up to the end of the connection.
  return kind === 'request' ? nothing : { body: bytes.subarray(0, MOST_BODY), size: undefined };
}

function hasLength(message: Pick<HttpMessage, 'fields'>): boolean {
  return Number.parseInt(codingValues(message, 'content-length')[0] ?? '', 10) > 0;
}

/** 100 Continue: the answer is still to come (RFC 9110, section 15.2), unless this one has a body against the rules. */
export function isInterim(message: HttpMessage): boolean {
  const [, status] = message.parts;
  return message.kind === 'response' && status === '100' && !hasLength(message);
}

/** RFC 9112, section 7.1. What is no chunk ends the body of a response: it goes on as it is. */
function readChunks(bytes: Uint8Array, kind: 'request' | 'response'): ReadBody {
  const chunks: Uint8Array[] = [];
  let kept = 0;
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf(0x0a, at);
    const line = latin1(bytes.subarray(at, Math.min(lineEnd < 0 ? bytes.length : lineEnd, at + 64))).trim();
    const size = Number.parseInt(/^(?:0x)?([0-9a-f]{1,8})(?:[\s;]|$)/i.exec(line)?.[1] ?? '', 16);
    if (Number.isNaN(size) && line !== '') {
      if (kind === 'request') return { body: join(chunks), size: 0, isBroken: true };
      return { body: join([...chunks, bytes.subarray(at, at + MOST_BODY)]), size: undefined };
    }
    if (lineEnd < 0) return { body: join(chunks), size: undefined };
    if (line === '') {
      // Some send an empty line more.
      at = lineEnd + 1;
      continue;
    }
    at = lineEnd + 1;
    if (size === 0) {
      const trailer = readFields(latin1(bytes.subarray(at, at + MOST_HEADER)), 0, 'request');
      if (trailer.end === undefined) return { body: join(chunks), size: undefined };
      return { body: join(chunks), size: at + trailer.end, trailer: latin1(bytes.subarray(at, at + trailer.end)) };
    }
    const chunk = bytes.subarray(at, at + size);
    if (kept < MOST_BODY) chunks.push(chunk.subarray(0, MOST_BODY - kept));
    kept += chunk.length;
    at += size;
    if (at > bytes.length) return { body: join(chunks), size: undefined };
    if (bytes[at] === 0x0d) at++;
    if (bytes[at] === 0x0a) at++;
  }
}

/** A field as the header buffers have it. */
export function fieldLine({ name, value }: HttpField): Uint8Array {
  return bytesOf(`${name}: ${value}\r\n`);
}
