// SPDX-License-Identifier: Apache-2.0
// The page as `plinth serve` serves it, with a browser to open it in, and what tests do with both.

import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PLINTH, plinth } from '../boot/guest.js';
import { Browser, type BrowserPage } from './chromium.js';

const ROOT = join(import.meta.dirname, '../..');

export const DESKTOP = { width: 1280, height: 800 } as const;
export const PHONE = { width: 390, height: 844, mobile: true } as const;

/** What the page says of its machine. */
export interface State {
  readonly phase: string;
  readonly instructions: number;
  readonly reason?: string;
}

/** What `plinth run --json` says. */
export interface NodeRun {
  readonly stateHash: string;
  readonly counts: { readonly instructions: number };
}

export class ServedPage implements AsyncDisposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  readonly browser: Browser = new Browser();
  readonly url: string;
  readonly #server: ChildProcess;
  #downloaded: number = 0;

  private constructor(server: ChildProcess, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async start(...options: string[]): Promise<ServedPage> {
    const built = spawnSync(process.execPath, [join(ROOT, 'scripts/build-page.mjs')], { encoding: 'utf8' });
    if (built.status !== 0) throw new Error(built.stderr);
    const server = spawn(process.execPath, [PLINTH, 'serve', '--port', '0', '--json', ...options], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = (await once(server.stdout, 'data')) as [Buffer];
    return new ServedPage(server, (JSON.parse(line.toString()) as { url: string }).url);
  }

  /** Loads a snapshot, and files of its disks, by the page's own file field, and waits for the machine to run. */
  async load(page: BrowserPage, ...paths: string[]): Promise<void> {
    await page.chooseFile('#file', ...paths);
    await page.until('window.plinth.text().includes("going on from")');
  }

  /** The file that the page gives to its visitor next. */
  async download(): Promise<string> {
    for (let tries = 0; tries < 600; tries++) {
      const name = readdirSync(this.browser.downloads).find((entry) => entry.endsWith('.plinth'));
      if (name !== undefined) {
        const path = join(this.folder, `${this.#downloaded++}-${name}`);
        renameSync(join(this.browser.downloads, name), path);
        return path;
      }
      await sleep(200);
    }
    throw new Error('no file was downloaded');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.kill();
    await this.browser[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface FolderServer extends AsyncDisposable {
  readonly url: string;
}

/** A folder as any server gives it: below another one, without headers of its own. */
export async function serveFolder(folder: string): Promise<FolderServer> {
  const server = createServer((request, response) => {
    try {
      const path = request.url!.replace(/\?.*/, '').replace(/^\/below\//, '') || 'index.html';
      const bytes = readFileSync(join(folder, path));
      const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
      response.setHeader('Content-Type', types[extname(path)] ?? 'application/octet-stream');
      response.end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/below/`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

export function run(...args: string[]): NodeRun {
  const { stdout, stderr } = plinth('run', ...args, '--json');
  try {
    return JSON.parse(stdout) as NodeRun;
  } catch (cause) {
    throw new Error(`plinth run gave no result: ${stderr}`, { cause });
  }
}
