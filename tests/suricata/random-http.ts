// SPDX-License-Identifier: Apache-2.0
// Conversations in HTTP/1 as odd as they come, and rules that look in each of their buffers. Left out is what Suricata 7 and 8 read
// differently (targets with blanks), what they tell of messages that do not end, codings that no client takes, and what is looked for in
// the fields behind a body: Suricata looks there with some buffers only. So are bodies in the format of zlib: cut in their first bytes
// Suricata 7 does not know them.

import { deflateRawSync, gzipSync } from 'node:zlib';
import type { Random } from '../fuzz/random.js';
import type { Said } from './conversation.js';

const METHODS = ['GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'PROPFIND', 'FOO', 'get', 'DELETE'];
const SEGMENTS = [
  'a',
  'B',
  '..',
  '.',
  '',
  'index.php',
  '%41',
  '%2e%2e',
  '%2f',
  'a\\b',
  '%c3%a9',
  '%u0062',
  'x;y',
  '%zz',
  '%25',
  'c%20d',
  '\u00e9',
  '%c0%af',
  '~u',
];
const QUERIES = [
  '',
  '',
  '',
  '?',
  '?x=1',
  '?x=%41&y=a+b',
  '?p=/a/../b//c',
  '?u=http://h/%2e',
  '?a?b#c%41',
  '#f',
  '?z=%u0041\\',
];
const HOSTS = ['h.com', 'H.com', 'h.com:8080', 'www.h.com.', '[::1]:80', '10.0.0.1', 'h', 'u@h.com'];
const FIELDS = [
  'User-Agent: Agent/1.0 (a; b)',
  'user-agent:two',
  'USER-AGENT:  padded  ',
  'Referer: http://r.com/x?y',
  'Accept: */*',
  'Accept: text/html',
  'Accept-Language: en, de',
  'Accept-Encoding: gzip',
  'Connection: close',
  'Connection: Keep-Alive',
  'Content-Type: Text/Plain; a=b',
  'X-One: 1',
  'X-one: 2',
  'X-Fold: a\r\n b',
  'X-Fold: a\r\n\t b ',
  'X-Empty:',
  'X-Empty: ',
  'X Blank : v',
  'no colon here',
  ': nameless',
  'X-Tab:\tv\t',
  'X-Colon: a:b: c',
];
const REQUEST_FIELDS = ['Cookie: a=1; b=2', 'cookie: c', 'Authorization: Basic dTpw', 'Set-Cookie: odd'];
const RESPONSE_FIELDS = [
  'Server: s/1',
  'Location: /l',
  'Location: http://o/',
  'Set-Cookie: a=1; Path=/',
  'set-cookie: b=2',
  'Cookie: odd',
  'Date: Mon',
];
const BODIES = [
  'hello body',
  'a=1&b=%41',
  '<html>x</html>',
  'HTTP',
  'GET /no HTTP/1.1\r\n\r\n',
  '0',
  'line one\r\nline two\r\n',
  'xx\0yy',
];
const STATUS = [
  '200 OK',
  '200 OK',
  '404 Not Found',
  '301 Moved',
  '500 ',
  '200',
  '204 No Content',
  '206 Part  ial ',
  '304 Not',
];

const latin = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

function join(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

export function randomHttp(random: Random): Said[] {
  const said: Said[] = [];
  for (let n = 1 + random.below(2); n > 0; n--) {
    // One that only its answer shows to be HTTP is lost there now and then.
    const method = random.pick(
      said.length === 0 ? METHODS.filter((name) => name !== 'FOO' && name !== 'get') : METHODS,
    );
    said.push({ from: 'client', bytes: request(random, method) });
    said.push({ from: 'server', bytes: response(random, method) });
  }
  return random.chance(0.3) ? said.flatMap((one) => halves(random, one)) : said;
}

function halves(random: Random, { from, bytes }: Said): Said[] {
  const at = random.below(bytes.length);
  return at === 0
    ? [{ from, bytes }]
    : [
        { from, bytes: bytes.subarray(0, at) },
        { from, bytes: bytes.subarray(at) },
      ];
}

function fields(random: Random, own: readonly string[]): string[] {
  const count = random.below(random.pick([2, 5]));
  return Array.from({ length: count }, () => random.pick(random.chance(0.3) ? own : FIELDS));
}

function request(random: Random, method: string): Uint8Array {
  const path = `/${Array.from({ length: random.below(5) }, () => random.pick(SEGMENTS)).join('/')}`;
  const origin = random.chance(0.1) ? random.pick(['http://Abs.com', 'http://u:p@abs.com:81', 'HTTP://ABS.com']) : '';
  const target = `${origin}${path}${random.pick(QUERIES)}`;
  const protocol = random.pick(['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'http/1.1', 'HTTP/1.2']);
  const host = random.chance(0.85) ? [`${random.pick(['Host: ', 'Host:', 'host: '])}${random.pick(HOSTS)}`] : [];
  const line = `${method}${random.pick([' ', ' ', ' ', '  '])}${target} ${protocol}`;
  const all = [...host, ...fields(random, REQUEST_FIELDS)];
  const hasBody = method === 'POST' || method === 'PUT';
  return message(random, line, all, hasBody ? random.pick(BODIES) : undefined);
}

function response(random: Random, method: string): Uint8Array {
  const status = random.pick(STATUS);
  const bare = method === 'HEAD' || /^(?:204|304)/.test(status);
  const line = `${random.pick(['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0'])} ${status}`;
  const body = bare ? undefined : random.pick(BODIES);
  const end = bare || body !== undefined ? [] : ['Content-Length: 0'];
  return message(random, line, [...fields(random, RESPONSE_FIELDS), ...end], body);
}

/** A body says how long it is, in one of all the ways. */
function message(random: Random, line: string, all: string[], text: string | undefined): Uint8Array {
  const eol = random.chance(0.1) ? '\n' : '\r\n';
  const head = (more: readonly string[]): Uint8Array => latin([line, ...all, ...more, '', ''].join(eol));
  if (text === undefined) return head([]);
  const [coding, body] = random.pick<[string[], Uint8Array]>([
    [[], latin(text)],
    [[], latin(text)],
    [['Content-Encoding: gzip'], gzipSync(latin(text))],
    [['Content-Encoding: deflate'], deflateRawSync(latin(text))],
  ]);
  if (random.chance(0.7)) return join(head([...coding, `Content-Length: ${body.length}`]), body);
  const cut = random.below(body.length);
  const chunk = (part: Uint8Array): Uint8Array =>
    part.length === 0
      ? part
      : join(latin(`${part.length.toString(16)}${random.pick(['', '', ';ext=1'])}\r\n`), part, latin('\r\n'));
  const trailer = random.chance(0.2) ? 'T-End: e\r\n' : '';
  const chunks = [chunk(body.subarray(0, cut)), chunk(body.subarray(cut)), latin(`0\r\n${trailer}\r\n`)];
  return join(head([...coding, 'Transfer-Encoding: chunked']), ...chunks);
}

const [TO_SERVER, TO_CLIENT] = ['flow:to_server; ', 'flow:to_client; '];
/** Buffers, with those of both sides by side. */
const BUFFERS = [
  'http.method',
  'http.uri',
  'http.uri',
  'http.uri.raw',
  'http.request_line',
  'http.protocol',
  'http.header',
  'http.header',
  'http.header_names',
  'http.host',
  'http.host.raw',
  'http.user_agent',
  'http.referer',
  'http.cookie',
  'http.accept',
  'http.accept_lang',
  'http.accept_enc',
  'http.connection',
  'http.content_len',
  'http.content_type',
  'http.request_body',
  'http.response_body',
  'http.stat_code',
  'http.stat_msg',
  'http.response_line',
  'http.server',
  'http.location',
  'http.start',
  'http.request_header',
  'http.response_header',
];
const MODIFIERS = [
  'http_uri',
  'http_raw_uri',
  'http_method',
  'http_header',
  'http_cookie',
  'http_user_agent',
  'http_stat_code',
  'http_stat_msg',
  'http_client_body',
  'http_server_body',
];
const FLAGS = ['U', 'I', 'P', 'Q', 'H', 'M', 'C', 'S', 'Y', 'V'];
const PIECES = [
  'GET',
  'POST',
  'a',
  'b',
  '/a',
  '/',
  '..',
  '/..',
  'x=1',
  '%41',
  'A',
  'HTTP/1.1',
  'HTTP/1.0',
  '1.',
  'h.com',
  'com',
  ':80',
  'Host',
  'host: h',
  'User-Agent',
  'Agent/1.0',
  'two',
  '|0d 0a|',
  ': ',
  ', ',
  'X-',
  'one: 1, 2',
  'a=1',
  'Keep',
  'close',
  '10',
  'hello',
  'body',
  'xx|00|yy',
  '200',
  '404',
  '4',
  'OK',
  'Found',
  's/1',
  '/l',
  '|e9|',
  '\\;',
  ' ',
  '1',
];
const TRANSFORMS = [
  'to_lowercase',
  'to_uppercase',
  'strip_whitespace',
  'compress_whitespace',
  'dotprefix',
  'url_decode',
  'xor:"20"',
  'header_lowercase',
];

/** A rule without its number. */
export function randomHttpRule(random: Random): string {
  const kind = random.below(10);
  if (kind === 0) return rule('', `content:"${random.pick(PIECES)}"; ${random.pick(MODIFIERS)}; `);
  if (kind === 1) {
    const source = random.pick(['^.', 'a+', '[0-9]{2}', '\\.$', '^\\/a', 'o.*y', '[A-Z]{2}', '\\s', '1$']);
    return rule('', `pcre:"/${source}/${random.pick(FLAGS)}"; `);
  }
  if (kind === 2)
    return rule('', `urilen:${random.pick(['<5', '>10', '4<>12', '1', '!3'])}${random.pick(['', ',raw', ',norm'])}; `);
  const [flow, buffer] = random.pick([
    ['', random.pick(BUFFERS)],
    ['', random.pick(BUFFERS)],
    ['', random.pick(BUFFERS)],
    ['', random.pick(BUFFERS)],
    [TO_SERVER, 'http.header.raw'],
    [TO_CLIENT, 'http.header.raw'],
    [TO_CLIENT, 'file.data'],
  ] as const);
  const isLower = buffer === 'http.host';
  // Bodies are changed piece by piece there.
  const changes =
    buffer !== 'file.data' && random.chance(0.25)
      ? Array.from({ length: 1 + random.below(2) }, () => `${random.pick(TRANSFORMS)}; `).join('')
      : '';
  return rule(flow, `${buffer}; ${changes}${conditions(random, isLower)}`);
}

function rule(flow: string, options: string): string {
  return `alert http any any -> any any (${flow}${options}`;
}

function conditions(random: Random, isLower: boolean): string {
  const count = 1 + random.below(2);
  const out = Array.from({ length: count }, (_, n) => {
    const text = random.pick(PIECES);
    const place =
      n > 0 && random.chance(0.5)
        ? random.pick(['distance:0; ', 'distance:1; within:20; '])
        : random.pick(['', '', '', 'startswith; ', 'endswith; ', 'offset:1; ', 'depth:20; ']);
    const nocase = !isLower && random.chance(0.3) ? 'nocase; ' : '';
    const negated = n > 0 && random.chance(0.2) && !place.startsWith('endswith') ? '!' : '';
    return `content:${negated}"${isLower ? text.toLowerCase() : text}"; ${place}${nocase}`;
  });
  if (random.chance(0.2)) out.push(`bsize:${random.pick(['<10', '>3', '4', '2<>30'])}; `);
  if (random.chance(0.1)) out.push(`pcre:"/${random.pick(['[a-z]+', '^.{1,4}$', '\\d'])}/"; `);
  if (random.chance(0.1)) out.push('isdataat:!3,relative; ');
  return out.join('');
}
