// SPDX-License-Identifier: Apache-2.0
// Serves a site's files over HTTP and does nothing else: GET and HEAD of what is in the list, no scripts, no state, no file
// system. Its headers give the page an origin of its own (COOP, COEP, CORP: HTML "cross-origin isolated"), which shared
// memory needs, and a policy that lets it load nothing from elsewhere.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import type { Duplex } from 'node:stream';
import { PlinthError } from '@plinth/core';
import type { SiteFiles } from './site-files.js';

/** As in the page itself, where frames cannot be forbidden. */
export const CONTENT_POLICY: string = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "style-src 'self' 'unsafe-inline'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Content-Security-Policy': CONTENT_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
};

/** Vite puts a hash of the contents into these names: what is there once never changes. */
const LASTING = /^assets\//;

export interface Listening {
  /** Of the page, as the server itself would reach it. */
  readonly url: string;
  close(): Promise<void>;
}

/** `port` 0 means any that is free; `upgrade` gets connections that want another protocol. @throws PlinthError if it cannot listen there */
export async function serveSite(
  files: SiteFiles,
  host: string,
  port: number,
  upgrade?: (request: IncomingMessage, stream: Duplex, head: Buffer) => void,
): Promise<Listening> {
  const tags = new Map<string, string>();
  for (const [path, bytes] of files) tags.set(path, `"${createHash('sha256').update(bytes).digest('base64url')}"`);
  const server = createServer((request, response) => answer(files, tags, request, response));
  if (upgrade !== undefined) server.on('upgrade', upgrade);
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (cause) {
    throw listenError(host, port, cause as NodeJS.ErrnoException);
  }
  const { address, family, port: taken } = server.address() as AddressInfo;
  const name = family === 'IPv6' ? `[${address}]` : address;
  return { url: `http://${name}:${taken}/`, close: () => close(server) };
}

function answer(
  files: SiteFiles,
  tags: ReadonlyMap<string, string>,
  { method = '', url = '', headers }: IncomingMessage,
  response: ServerResponse,
): void {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return end(response, 405, 'only GET and HEAD are served here\n');
  }
  const path = url.replace(/[?#].*$/s, '').replace(/^\//, '') || 'index.html';
  const bytes = files.get(path);
  if (bytes === undefined) return end(response, 404, 'there is no such file here\n');
  const tag = tags.get(path)!;
  response.setHeader('ETag', tag);
  response.setHeader('Cache-Control', LASTING.test(path) ? 'max-age=31536000, immutable' : 'no-cache');
  if (headers['if-none-match'] === tag) {
    response.writeHead(304).end();
    return;
  }
  response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream');
  response.setHeader('Content-Length', bytes.length);
  response.writeHead(200).end(method === 'HEAD' ? undefined : bytes);
}

function end(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': TYPES['.txt']! }).end(text);
}

function listenError(host: string, port: number, cause: NodeJS.ErrnoException): PlinthError {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program listens there: choose another --port, or 0 for any',
    EACCES: 'it may not be used: choose a --port above 1023',
    EADDRNOTAVAIL: 'this host has no such address: choose another --host',
    ENOTFOUND: 'there is no host of that name: choose another --host',
  };
  const why = reasons[cause.code ?? ''] ?? cause.message;
  return new PlinthError('host', 'serve-listen', `serve: ${host} port ${port}: ${why}`, { cause });
}

async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  if (server.listening) await once(server, 'close');
}
