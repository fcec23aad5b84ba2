// SPDX-License-Identifier: Apache-2.0
// Shows the desktop behind a socket of the remote framebuffer protocol (RFC 6143) in a page: noVNC in the browser, and a web socket that
// is passed on. Only whoever knows the address gets it, since it has a random part; other users of this host do not.

import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Listening, serveSite } from '../http.js';
import { DESKTOP_PAGE, DESKTOP_SCRIPT } from './desktop-page.js';

export interface DesktopOptions {
  /** The path of the framebuffer's socket. */
  readonly socket: string;
  readonly host: string;
  /** 0 means any that is free. */
  readonly port: number;
}

/** @throws PlinthError if it cannot listen there */
export async function serveDesktop({ socket, host, port }: DesktopOptions): Promise<Listening> {
  const secret = randomBytes(16).toString('base64url');
  const files = new Map([
    [`${secret}/index.html`, Buffer.from(DESKTOP_PAGE)],
    [`${secret}/page.js`, Buffer.from(DESKTOP_SCRIPT)],
    ...noVnc().map(([path, bytes]) => [`${secret}/novnc/${path}`, bytes] as const),
  ]);
  const sockets = new WebSocketServer({ noServer: true });
  const upgrade = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    // A page of another origin does not know the path.
    if (request.url !== `/${secret}/socket`) stream.destroy();
    else sockets.handleUpgrade(request, stream, head, (one) => passOn(one, socket));
  };
  const site = await serveSite(files, host, port, upgrade);
  return {
    url: `${site.url}${secret}/index.html`,
    close: () => {
      for (const one of sockets.clients) one.terminate();
      return site.close();
    },
  };
}

/** Each passes on what the other says, and ends with it. */
function passOn(web: WebSocket, path: string): void {
  const frames = connect(path);
  web.on('message', (data: Buffer) => frames.write(data));
  frames.on('data', (data) => {
    web.send(data, () => frames.resume());
    // The page takes it at its own pace.
    if (web.bufferedAmount > MOST_BUFFERED) frames.pause();
  });
  web.on('close', () => frames.destroy());
  web.on('error', () => frames.destroy());
  frames.on('close', () => web.close());
  frames.on('error', () => web.close());
}

const MOST_BUFFERED = 1 << 20;

/** The files of the package that a browser loads, by paths that begin with core/ or vendor/. */
function noVnc(): (readonly [string, Buffer])[] {
  const root = join(dirname(fileURLToPath(import.meta.resolve('@novnc/novnc'))), '..');
  return ['core', 'vendor'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.js'))
      .map((name) => [`${folder}/${name}`, readFileSync(join(root, folder, name))] as const),
  );
}
