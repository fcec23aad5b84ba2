// SPDX-License-Identifier: Apache-2.0
// What the server answers, to friendly requests and others, and what is written and replaced on the disk.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serveSite } from './http.js';
import type { Listening } from './http.js';
import { writeSite } from './write-site.js';

const FILES = new Map([
  ['index.html', Buffer.from('<!doctype html>')],
  ['assets/a-1.js', Buffer.from('export {}')],
  ['site.json', Buffer.from('{"format":1,"guests":[]}')],
]);

function ask(url: string, path: string, method: string = 'GET', headers: Record<string, string> = {}) {
  return new Promise<IncomingMessage & { text: string }>((resolve, reject) => {
    const { hostname, port } = new URL(url);
    request({ hostname, port, path, method, headers }, (response) => {
      let text = '';
      response.on('data', (piece: Buffer) => (text += piece.toString()));
      response.on('end', () => resolve(Object.assign(response, { text })));
    })
      .on('error', reject)
      .end();
  });
}

describe('the server', () => {
  let server: Listening;
  beforeEach(async () => {
    server = await serveSite(FILES, '127.0.0.1', 0);
  });
  afterEach(() => server.close());

  it('gives the page with the headers that isolate it', async () => {
    const { statusCode, headers, text } = await ask(server.url, '/?until=1');
    expect({ statusCode, text }).toEqual({ statusCode: 200, text: '<!doctype html>' });
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-cache',
    });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval'; ");
    expect(policy).toContain("default-src 'none'; ");
  });

  it('has the policy that the page itself has', async () => {
    const page = readFileSync(new URL('../../web/index.html', import.meta.url), 'utf8');
    const { headers } = await ask(server.url, '/');
    const own = /content="(default-src[^"]*)"/.exec(page)![1];
    expect(headers['content-security-policy']).toBe(`${own}; frame-ancestors 'none'`);
  });

  it('spares what the visitor has, and sends no body for HEAD', async () => {
    const first = await ask(server.url, '/assets/a-1.js', 'HEAD');
    expect(first).toMatchObject({ statusCode: 200, text: '' });
    expect(first.headers['cache-control']).toBe('max-age=31536000, immutable');
    const again = await ask(server.url, '/assets/a-1.js', 'GET', { 'if-none-match': first.headers.etag! });
    expect(again).toMatchObject({ statusCode: 304, text: '' });
  });

  it.each(['/../package.json', '/%2e%2e/package.json', '/assets/', '//etc/passwd', '/constructor', '/assets\\a-1.js'])(
    'has nothing at %s',
    async (path) => {
      expect(await ask(server.url, path)).toMatchObject({ statusCode: 404, text: 'there is no such file here\n' });
    },
  );

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('refuses %s', async (method) => {
    expect(await ask(server.url, '/', method)).toMatchObject({ statusCode: 405 });
  });

  it('says in one line why it cannot listen', async () => {
    const port = Number(new URL(server.url).port);
    const line = `serve: 127.0.0.1 port ${port}: another program listens there: choose another --port, or 0 for any`;
    await expect(serveSite(FILES, '127.0.0.1', port)).rejects.toThrow(line);
  });
});

describe('writeSite', () => {
  let parent: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  it('writes into a new or an empty folder, and replaces an older site whole', () => {
    const site = join(parent, 'deep', 'site');
    expect(writeSite(FILES, site)).toBe(48);
    writeFileSync(join(site, 'assets', 'old.js'), '');
    writeSite(FILES, site);
    expect(readdirSync(join(site, 'assets'))).toEqual(['a-1.js']);
    expect(readdirSync(join(parent, 'deep'))).toEqual(['site']);
    mkdirSync(join(parent, 'empty'));
    writeSite(FILES, join(parent, 'empty'));
    expect(readFileSync(join(parent, 'empty', 'index.html'), 'utf8')).toBe('<!doctype html>');
  });

  it('leaves everything else alone', () => {
    writeFileSync(join(parent, 'letter.txt'), 'dear');
    expect(() => writeSite(FILES, parent)).toThrow(/something else than a site of plinth is in it/);
    expect(() => writeSite(FILES, join(parent, 'letter.txt'))).toThrow(/this is no folder/);
    expect(readdirSync(parent)).toEqual(['letter.txt']);
  });
});
