// SPDX-License-Identifier: Apache-2.0
// Reads one message of HTTP/1 from the beginning of a stream's bytes (RFC 9112), as leniently as servers and browsers do, and goes as far
// as the bytes go: what is not there yet is marked so.

import { bytesOf, EMPTY, join, latin1 } from './buffer-view.js';

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
  /** Without transfer coding. */
  readonly body: Uint8Array;
  readonly bodyComplete: boolean;
  /** Bytes of all of it, if it is complete, and none of the next message. */
  readonly length: number;
  readonly complete: boolean;
}

export interface HttpContext {
  /** The method of the request that a response answers. */
  readonly method?: string | undefined;
  /** Nothing will follow these bytes. */
  readonly ended?: boolean;
}

/** Bytes of headers; what is longer is no message. */
const MOST_HEADER = 0x1_0000;
/** Bytes of a body that are kept. */
export const MOST_BODY = 0x4_0000;

/** Methods of RFC 9110, of WebDAV and its kin: by them a request is known. */
const METHODS =
  /^(?:GET|PUT|POST|HEAD|DELETE|TRACE|OPTIONS|CONNECT|PATCH|PROPFIND|PROPPATCH|MKCOL|COPY|MOVE|LOCK|UNLOCK|VERSION-CONTROL|CHECKOUT|UNCHECKOUT|CHECKIN|UPDATE|LABEL|REPORT|MKWORKSPACE|MKACTIVITY|MERGE|INVALID|SEARCH|PURGE|BASELINE-CONTROL|ORDERPATCH|ACL|DEBUG|BCOPY|BMOVE|BDELETE|BPROPFIND|BPROPPATCH|NOTIFY|POLL|SUBSCRIBE|UNSUBSCRIBE|X-MS-ENUMATTS|RPC_OUT_DATA|RPC_IN_DATA)[ \t]/;

/** Whether bytes begin like HTTP; undefined if there are too few to say so. */
export function isHttp(bytes: Uint8Array): boolean | undefined {
  const text = latin1(bytes.subarray(0, 20)).replace(/^[\r\n]+/, '');
  if (METHODS.test(text) || /^HTTP\/[0-9.]/.test(text)) return true;
  return text.length < 18 && /^[A-Z_-]*[/0-9]?$/.test(text) && !/[\r\n]/.test(text) ? undefined : false;
}

export function readHttpMessage(
  bytes: Uint8Array,
  kind: 'request' | 'response',
  context: HttpContext = {},
): HttpMessage {
  const ended = context.ended === true;
  const head = latin1(bytes.subarray(0, MOST_HEADER));
  // Empty lines before a message are not looked at.
  const begin = /^[\r\n]*/.exec(head)![0].length;
  const lineEnd = head.indexOf('\n', begin);
  const line = stripEnd(lineEnd < 0 ? head.slice(begin) : head.slice(begin, lineEnd));
  const parts = kind === 'request' ? requestParts(line) : statusParts(line);
  const base = {
    kind,
    line,
    parts,
    fields: [],
    rawFields: '',
    body: EMPTY,
    bodyComplete: false,
    fieldsComplete: false,
  };
  if (lineEnd < 0) return { ...base, lineComplete: ended, length: bytes.length, complete: ended };
  // A request without protocol is of HTTP/0.9, and only a line.
  if (kind === 'request' && parts[2] === '' && !/^[A-Za-z-]+:/.test(head.slice(lineEnd + 1))) {
    return {
      ...base,
      lineComplete: true,
      fieldsComplete: true,
      bodyComplete: true,
      length: lineEnd + 1,
      complete: true,
    };
  }
  const { fields, end } = readFields(head, lineEnd + 1);
  const fieldsComplete = end !== undefined || ended;
  const bodyAt = end ?? head.length;
  const message = { ...base, lineComplete: true, fields, rawFields: head.slice(lineEnd + 1, bodyAt), fieldsComplete };
  if (end === undefined) return { ...message, length: bytes.length, complete: ended };
  const { body, size } = readBody(bytes.subarray(bodyAt), message, context);
  const complete = size !== undefined;
  return {
    ...message,
    body,
    bodyComplete: complete || ended,
    length: bodyAt + (size ?? bytes.length - bodyAt),
    complete: complete || ended,
  };
}

/** The values of a field, in the order in which they were sent. */
export function fieldValues({ fields }: Pick<HttpMessage, 'fields'>, name: string): string[] {
  return fields.filter((field) => field.name.toLowerCase() === name).map(({ value }) => value);
}

function stripEnd(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

/** The target may have blanks in it, if a protocol stands behind it. */
function requestParts(line: string): [string, string, string] {
  const full = /^\s*(\S+)\s+(.*?)\s+(HTTP\/\S*)\s*$/is.exec(line);
  if (full !== null) return [full[1]!, full[2]!, full[3]!];
  const short = /^\s*(\S*)\s*(.*)$/s.exec(line)!;
  return [short[1]!, short[2]!.trimEnd(), ''];
}

function statusParts(line: string): [string, string, string] {
  const match = /^\s*(\S*)\s*(\S*)\s*(.*)$/s.exec(line)!;
  return [match[1]!, match[2]!, match[3]!];
}

/** `end` is behind the empty line; undefined if that is not there yet. */
function readFields(head: string, from: number): { fields: HttpField[]; end: number | undefined } {
  const fields: HttpField[] = [];
  for (let at = from; ;) {
    const next = head.indexOf('\n', at);
    if (next < 0) return { fields, end: undefined };
    const line = stripEnd(head.slice(at, next));
    at = next + 1;
    if (line === '') return { fields, end: at };
    const last = fields.at(-1);
    // A line that begins with a blank goes on with the field before it (RFC 9112, section 5.2).
    if (/^[ \t]/.test(line) && last !== undefined) {
      fields[fields.length - 1] = { name: last.name, value: `${last.value} ${line.trim()}`.trim() };
      continue;
    }
    const colon = line.indexOf(':');
    fields.push(
      colon < 0
        ? { name: '', value: line.trim() }
        : { name: line.slice(0, colon).trim(), value: line.slice(colon + 1).trim() },
    );
  }
}

/** `size` is undefined while its end is not there. */
function readBody(
  bytes: Uint8Array,
  message: Pick<HttpMessage, 'kind' | 'parts' | 'fields'>,
  { method }: HttpContext,
): { body: Uint8Array; size: number | undefined } {
  const { kind, parts } = message;
  const nothing = { body: EMPTY, size: 0 };
  if (kind === 'response') {
    const status = parts[1];
    if (method === 'HEAD' || /^1\d\d$/.test(status) || status === '204' || status === '304') return nothing;
    if (method === 'CONNECT' && /^2\d\d$/.test(status)) return { body: EMPTY, size: undefined };
  }
  const coding = fieldValues(message, 'transfer-encoding').join().toLowerCase();
  if (coding.includes('chunked')) return readChunks(bytes);
  const lengths = fieldValues(message, 'content-length');
  const length = /^\s*(\d+)/.exec(lengths[0] ?? '');
  if (length !== null) {
    const size = Math.min(Number(length[1]), Number.MAX_SAFE_INTEGER);
    return { body: bytes.subarray(0, Math.min(size, MOST_BODY)), size: bytes.length < size ? undefined : size };
  }
  // A response goes on up to the end of the connection.
  return kind === 'request' ? nothing : { body: bytes.subarray(0, MOST_BODY), size: undefined };
}

/** RFC 9112, section 7.1. What is no chunk ends the body: it goes on as it is. */
function readChunks(bytes: Uint8Array): { body: Uint8Array; size: number | undefined } {
  const chunks: Uint8Array[] = [];
  let kept = 0;
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf(0x0a, at);
    if (lineEnd < 0) return { body: join(chunks), size: undefined };
    const line = latin1(bytes.subarray(at, Math.min(lineEnd, at + 64))).trim();
    const size = Number.parseInt(/^(?:0x)?([0-9a-f]{1,8})/i.exec(line)?.[1] ?? '', 16);
    if (Number.isNaN(size)) {
      // Some send an empty line more.
      if (line === '' && lineEnd - at < 2) {
        at = lineEnd + 1;
        continue;
      }
      return { body: join([...chunks, bytes.subarray(at, at + MOST_BODY)]), size: undefined };
    }
    at = lineEnd + 1;
    if (size === 0) {
      const trailer = readFields(latin1(bytes.subarray(at, at + MOST_HEADER)), 0);
      return { body: join(chunks), size: trailer.end === undefined ? undefined : at + trailer.end };
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
  return bytesOf(name === '' ? `${value}\r\n` : `${name}: ${value}\r\n`);
}
