// SPDX-License-Identifier: Apache-2.0
// HTTP as rules see it: messages, targets, buffers and transactions, in one piece and byte by byte.
import { latin1 } from '@plinth/core';
import { describe, expect, it } from 'vitest';
import { bytesOf } from './buffer-view.js';
import { httpBuffer } from './http-buffers.js';
import { HttpConnection } from './http-connection.js';
import { type HttpMessage, isHttp, readHttpMessage } from './http-message.js';
import { normalizeUri } from './http-uri.js';
import { multipartFiles } from './multipart.js';
import type { HttpTransaction } from './transaction.js';

const REQUEST =
  'POST http://User@Example.COM:8080/a/../b%2fc?q=%41 HTTP/1.1\r\nHost: other\r\nUser-Agent: one\r\nX: a\r\n  b\r\n' +
  'user-agent: two\r\nCookie: c=1\r\nContent-Length: 4\r\n\r\nbody';
const buffer = (name: string, text: string, kind: 'request' | 'response' = 'request'): string[] | 'unknown' => {
  const views = httpBuffer(name, readHttpMessage(bytesOf(text), kind));
  return views === 'unknown' ? views : views.map(({ bytes }) => latin1(bytes));
};

describe('the target of a request', () => {
  it.each([
    ['/a/b', '/a/b'],
    ['/a/./b/../c', '/a/c'],
    ['/../../a', '/a'],
    ['/a//b', '/a/b'],
    ['/a\\b', '/a/b'],
    ['/%61%2F%2e%2e/b', '/b'],
    ['/a%20b', '/a b'],
    ['/%zz%4', '/%zz%4'],
    ['/%u0061%uff42', '/ab'],
    ['/a?x=%41+b', '/a?x=A+b'],
    ['/a?x=/../y', '/a?x=/../y'],
    ['/a#b', '/a#b'],
    // Of the query only percent signs are decoded.
    ['/a?x=//y\\z%u0041%41', '/a?x=//y\\z%u0041A'],
    ['/a?q#f%41', '/a?q#fA'],
    ['/a/b/..', '/a'],
    ['/a/..', ''],
    ['/./', ''],
    ['/a/b/../', '/a'],
    ['/%c3%a9%c0%af%e9b%c4%80%e2%98%83', '/\xe9/?bA?'],
    ['h.com:443', '443'],
    ['http:/x', '/x'],
    ['http://host:80/x', '/x'],
    ['*', '*'],
    ['', ''],
  ])('%s is %s', (raw, normal) => {
    expect(latin1(normalizeUri(bytesOf(raw)).text)).toBe(normal);
  });
});

describe('buffers of HTTP', () => {
  it.each<[string, string[]]>([
    ['http.method', ['POST']],
    ['http.uri', ['/b/c?q=A']],
    ['http.uri.raw', ['http://User@Example.COM:8080/a/../b%2fc?q=%41']],
    ['http.protocol', ['HTTP/1.1']],
    ['http.host', ['example.com']],
    ['http.host.raw', ['example.com']],
    ['http.user_agent', ['one, two']],
    ['http.cookie', ['c=1']],
    ['http.content_len', ['4']],
    ['http.referer', []],
    ['http.request_body', ['body']],
    ['file.data', ['body']],
    ['http.response_body', []],
    ['http.stat_code', []],
    ['http.header', ['Host: other\r\nUser-Agent: one, two\r\nX: a  b\r\nContent-Length: 4\r\n']],
    ['http.header_names', ['\r\nHost\r\nUser-Agent\r\nX\r\nCookie\r\nContent-Length\r\n\r\n']],
    ['http.request_line', ['POST http://User@Example.COM:8080/a/../b%2fc?q=%41 HTTP/1.1']],
    ['http.request_header', ['Host: other', 'User-Agent: one, two', 'X: a  b', 'Cookie: c=1', 'Content-Length: 4']],
    ['http.response_header', []],
  ])('%s', (name, expected) => {
    expect(buffer(name, REQUEST)).toEqual(expected);
  });

  it('of a response', () => {
    const text = 'HTTP/1.0 404 Not Here\r\nServer: s\r\nSet-Cookie: c=2\r\nLocation: /l\r\n\r\nrest';
    const all = ['stat_code', 'stat_msg', 'response_line', 'protocol', 'server', 'location', 'cookie', 'response_body'];
    expect(all.map((name) => buffer(`http.${name}`, text, 'response'))).toEqual([
      ['404'],
      ['Not Here'],
      ['HTTP/1.0 404 Not Here'],
      ['HTTP/1.0'],
      ['s'],
      ['/l'],
      ['c=2'],
      ['rest'],
    ]);
  });

  it.each<[string, string, string[]]>([
    ['http.header', 'no colon\r\n: x\r\nA: 1\r\nB: 2\r\na: 3\r\n', [': no colon, x\r\nA: 1, 3\r\nB: 2\r\n']],
    ['http.header', 'Content-Length: 0\r\nContent-Length: 1\r\n', ['Content-Length: 0\r\n']],
    ['http.header', 'A\0: 1\r\n', [': A\0: 1\r\n']],
    ['http.start', 'A:1\r\nCookie: c\r\nA: 2\r\n', ['GET / HTTP/1.1\r\nA: 1, 2\r\nCookie: c\r\n\r\n']],
    ['http.host', 'Host: A.com:80\r\n', ['a.com']],
    ['http.host', 'Host: a\r\nHost: b\r\n', ['a, b']],
    ['http.host', 'Host: [::1\r\n', []],
    ['http.host', 'Host:\r\n', []],
    ['http.host.raw', 'Host:\r\n', ['']],
    ['http.header', '', []],
    ['http.header_names', '', []],
    ['http.start', '', ['GET / HTTP/1.1\r\n']],
  ])('%s of a request with %j', (name, fields, expected) => {
    expect(buffer(name, `GET / HTTP/1.1\r\n${fields}\r\n`)).toEqual(expected);
  });

  it('have what stands behind a body in chunks', () => {
    const text = 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nT: x\r\n\r\n';
    expect(buffer('http.header', text)).toEqual(['Transfer-Encoding: chunked\r\nT: x\r\n']);
    expect(buffer('http.header.raw', text)).toEqual(['Transfer-Encoding: chunked\r\n\r\nT: x\r\n\r\n']);
  });

  it('of single fields are those of cookies, too', () => {
    expect(buffer('http.request_header', 'GET / HTTP/1.1\r\nCookie: a\r\nB: c\r\n\r\n')).toEqual(['Cookie: a', 'B: c']);
  });

  it('of CONNECT have no resource', () => {
    const text = 'CONNECT H.com:443 HTTP/1.1\r\nHost: other\r\n\r\n';
    expect(['http.uri', 'http.uri.raw', 'http.host'].map((name) => buffer(name, text))).toEqual([
      [],
      ['H.com:443'],
      ['h.com'],
    ]);
  });

  it('are unknown until their part of the message is there', () => {
    expect(buffer('http.uri', 'GET /a')).toBe('unknown');
    expect(buffer('http.uri', 'GET /a HTTP/1.1\r\nHo')).toEqual(['/a']);
    expect(buffer('http.host', 'GET /a HTTP/1.1\r\nHost: x\r\n')).toBe('unknown');
    expect(buffer('http.request_body', 'POST /a HTTP/1.1\r\nContent-Length: 4\r\n\r\n')).toBe('unknown');
  });

  it('take a target with blanks, and a request of HTTP/0.9', () => {
    expect(buffer('http.uri', 'GET /a b c HTTP/1.1\r\n\r\n')).toEqual(['/a b c']);
    expect(readHttpMessage(bytesOf('GET /a\r\n'), 'request')).toMatchObject({
      parts: ['GET', '/a', ''],
      complete: true,
    });
  });

  it('of forms give their files', () => {
    const form =
      '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\ntext\r\n--B\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\nfile\r\n--B--\r\n';
    expect(multipartFiles(bytesOf(form), 'multipart/form-data; boundary=B')?.map(latin1)).toEqual(['file']);
    expect(multipartFiles(bytesOf(form), 'text/plain')).toBeUndefined();
  });
});

describe('bodies', () => {
  const body = (text: string, kind: 'request' | 'response' = 'response'): unknown => {
    const message = readHttpMessage(bytesOf(text), kind);
    return [latin1(message.body), message.bodyComplete, text.length - message.length];
  };
  it('are as long as they say, or as the connection', () => {
    expect(body('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef')).toEqual(['abc', true, 3]);
    expect(body('HTTP/1.1 200 OK\r\n\r\nabcdef')).toEqual(['abcdef', false, 0]);
    expect(body('HTTP/1.1 204 OK\r\n\r\nabc')).toEqual(['', true, 3]);
    expect(body('GET / HTTP/1.1\r\n\r\nabc', 'request')).toEqual(['', true, 3]);
  });

  it('are joined of their chunks', () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(body(`${head}3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\nnext`)).toEqual(['abcde', true, 4]);
    expect(body(`${head}3\r\nab`)).toEqual(['ab', false, 0]);
    // What is no chunk is no chunk, whatever the header says.
    expect(body(`${head}no chunk`)).toEqual(['no chunk', false, 0]);
    expect(body(`${head}3 x\r\nabc\r\n0\r\n\r\n`)).toEqual(['abc', true, 0]);
    expect(body(`${head}zz\r\nab`)).toEqual(['zz\r\nab', false, 0]);
  });
});

describe('a response is read as clients read it', () => {
  it.each([
    [
      'a carriage return alone ends a line',
      'HTTP/1.1 200 OK\rTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
      'a',
    ],
    ['zeroes are not seen', 'HTTP/1.1 200 OK\r\nTransfer\0-Encoding: chu\0nked\r\n\r\n1\r\na\r\n0\r\n\r\n', 'a'],
    ['a name may be folded', 'HTTP/1.1 200 OK\r\nTransfer-Encoding\r\n : chunked\r\n\r\n1\r\na\r\n0\r\n\r\n', 'a'],
    ['a line of blanks ends the fields', 'HTTP/1.1 200 OK\r\nContent-Length: 1\n\t\nab', 'a'],
    [
      'a line of blanks may be in a field',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n \r\n chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
      'a',
    ],
    [
      'a field that goes on is another one if it has a colon',
      'HTTP/1.1 200 OK\r\nA: b\r\n Content-Length: 1\r\n\r\nab',
      'a',
    ],
    ['without a status line it is a body', '<html>', '<html>'],
    ['a line before the status line is not seen', 'x y\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab', 'a'],
    ['one without content may have it', 'HTTP/1.1 204 OK\r\nContent-Length: 1\r\n\r\nab', 'a'],
    ['one that is not final may have a body', 'HTTP/1.1 100 OK\r\nContent-Length: 1\r\n\r\na', 'a'],
  ])('%s', (_, text, expected) => {
    expect(latin1(readHttpMessage(bytesOf(text), 'response').body)).toBe(expected);
  });
});

describe('any bytes', () => {
  it('are some message, with no more than there is', () => {
    const pieces = [
      'GET ',
      'HTTP/1.1',
      ' 200',
      '\r\n',
      '\n',
      ':',
      'Content-Length: ',
      'Transfer-Encoding: chunked',
      '\r\n\r\n',
      '5',
      'ff',
      '\0',
      '%',
      '/../',
      ' ',
      '\xff',
    ];
    let state = 7;
    const next = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let n = 0; n < 5000; n++) {
      const text = Array.from({ length: next(20) }, () => pieces[next(pieces.length)]).join('');
      for (const kind of ['request', 'response'] as const) {
        const message = readHttpMessage(bytesOf(text), kind, { ended: next(2) === 0 });
        expect(message.length).toBeLessThanOrEqual(text.length);
        for (const name of ['http.uri', 'http.header', 'http.host', 'file.data', 'http.start'])
          httpBuffer(name, message);
      }
      const connection = new HttpConnection(undefined);
      for (let at = 0; at < text.length; at += 3) connection.feed('request', bytesOf(text.slice(at, at + 3)), false);
    }
  });
});

describe('a connection', () => {
  const first = 'GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 2\r\n\r\nxy';
  const second =
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n';

  it.each([1000, 1, 7])('has each question with its answer, in pieces of %i bytes', (size) => {
    const connection = new HttpConnection(undefined);
    const all = new Set<{ request?: unknown; response?: unknown }>();
    for (const [side, text] of [
      ['request', first],
      ['response', second],
    ] as const) {
      for (let at = 0; at < text.length; at += size) {
        for (const one of connection.feed(side, bytesOf(text.slice(at, at + size)), false)) all.add(one);
      }
    }
    expect([...all]).toMatchObject([
      { request: { parts: ['GET', '/1', 'HTTP/1.1'] }, response: { parts: ['HTTP/1.1', '200', 'OK'], complete: true } },
      {
        request: { parts: ['POST', '/2', 'HTTP/1.1'] },
        response: { parts: ['HTTP/1.1', '404', 'No'], complete: true },
      },
    ]);
  });

  const bodies = (...said: [side: 'request' | 'response', text: string][]): unknown => {
    const connection = new HttpConnection(undefined);
    const all = new Set<HttpTransaction>();
    for (const [side, text] of said) for (const one of connection.feed(side, bytesOf(text), false)) all.add(one);
    const show = (message: HttpMessage | undefined): string | undefined =>
      message && `${message.parts[message.kind === 'request' ? 1 : 2]} ${latin1(message.body)}`;
    return [...all].map(({ request, response }) => [show(request), show(response)]);
  };

  it('takes what begins no message for a part of the one before', () => {
    expect(bodies(['request', 'GET /1 HTTP/1.1\r\n\r\nstray GET /2 HTTP/1.1\r\n\r\n'])).toEqual([
      ['/1 stray GET /2 HTTP/1.1\r\n\r\n', undefined],
    ]);
    expect(bodies(['request', 'GET /1 HTTP/1.1\r\n\r\n\r\nGET /2 HTTP/1.1\r\n\r\n'])).toEqual([
      ['/1 \r\n', undefined],
      ['/2 ', undefined],
    ]);
    expect(
      bodies(['request', 'HEAD /1 HTTP/1.1\r\n\r\n'], ['response', 'HTTP/1.1 200 A\r\nContent-Length: 2\r\n\r\nok']),
    ).toEqual([['/1 ', 'A ok']]);
  });

  it('ends where another protocol begins, or its messages cannot be told apart', () => {
    const tunnel = ['request', 'CONNECT h:1 HTTP/1.1\r\n\r\n'] as ['request', string];
    const open = ['response', 'HTTP/1.1 200 Open\r\n\r\n'] as ['response', string];
    expect(bodies(tunnel, open, ['request', '\x16\x03\x01'], ['response', 'HTTP/1.1 200 OK\r\n\r\n'])).toEqual([
      ['h:1 ', 'Open '],
    ]);
    expect(bodies(tunnel, open, ['request', 'GET /in HTTP/1.1\r\n\r\n'])).toEqual([
      ['h:1 ', 'Open '],
      ['/in ', undefined],
    ]);
    const odd = 'POST /1 HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\nGET /2 HTTP/1.1\r\n\r\n';
    expect(bodies(['request', odd], ['request', 'GET /3 HTTP/1.1\r\n\r\n'])).toEqual([['/1 ', undefined]]);
  });

  it('is known by how it begins', () => {
    expect([isHttp(bytesOf('GET / ')), isHttp(bytesOf('HTTP/1.1 2')), isHttp(bytesOf('GE'))]).toEqual([
      true,
      true,
      undefined,
    ]);
    expect([isHttp(bytesOf('SSH-2.0-x')), isHttp(bytesOf('get / ')), isHttp(bytesOf('\x16\x03'))]).toEqual([
      false,
      false,
      false,
    ]);
  });
});
