// SPDX-License-Identifier: Apache-2.0
// A real browser for tests: Debian's Chromium, headless, driven by the Chrome DevTools Protocol over its pipe (messages end
// in a zero byte), which needs no package. Its profile and downloads are a temporary folder.

import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

const PROGRAM = 'chromium';

/** The reason if there is no browser. */
export function missingChromium(): string | undefined {
  return spawnSync(PROGRAM, ['--version']).status === 0 ? undefined : 'chromium is not installed';
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
  readonly sessionId?: string;
}

export class Browser implements AsyncDisposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  readonly downloads: string = join(this.folder, 'downloads');
  readonly #child: ChildProcess;
  readonly #toBrowser: Writable;
  readonly #waiting = new Map<number, { resolve(value: Record<string, unknown>): void; reject(error: Error): void }>();
  readonly #pages = new Map<string, BrowserPage>();
  #lastId: number = 0;

  constructor() {
    mkdirSync(this.downloads);
    const args = [
      '--headless=new',
      '--remote-debugging-pipe',
      `--user-data-dir=${join(this.folder, 'profile')}`,
      // Chromium's own sandbox refuses to be started by root, as in a container.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-dev-shm-usage',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      'about:blank',
    ];
    this.#child = spawn(PROGRAM, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    this.#toBrowser = this.#child.stdio[3] as Writable;
    let rest = '';
    (this.#child.stdio[4] as Readable).setEncoding('utf8').on('data', (text: string) => {
      const messages = (rest + text).split('\0');
      rest = messages.pop()!;
      for (const message of messages) this.#take(JSON.parse(message) as Message);
    });
    this.#child.once('exit', () => {
      for (const waiting of this.#waiting.values()) waiting.reject(new Error('the browser has ended'));
      this.#waiting.clear();
    });
  }

  send(method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#toBrowser.write(`${JSON.stringify({ id, method, params, ...(sessionId ? { sessionId } : {}) })}\0`);
    });
  }

  #take({ id, method, params, result, error, sessionId }: Message): void {
    if (id !== undefined) {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result ?? {});
      else waiting?.reject(new Error(error.message));
    } else if (sessionId !== undefined) {
      const page = this.#pages.get(sessionId);
      page?.take(method!, params ?? {});
      if (method === 'Target.attachedToTarget' && page !== undefined) this.#watch(params!['sessionId'] as string, page);
    }
  }

  /** A worker of a page, which waits to be let go. */
  #watch(sessionId: string, page: BrowserPage): void {
    this.#pages.set(sessionId, page);
    for (const method of ['Network.enable', 'Runtime.enable', 'Runtime.runIfWaitingForDebugger']) {
      this.send(method, {}, sessionId).catch((error: Error) => page.complaints.push(error.message));
    }
  }

  async open(url: string, size: { width: number; height: number; mobile?: boolean }): Promise<BrowserPage> {
    await this.send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath: this.downloads });
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const page = new BrowserPage(this, sessionId as string, targetId as string);
    this.#pages.set(sessionId as string, page);
    for (const domain of ['Page', 'Runtime', 'Network', 'Log', 'DOM']) await page.send(`${domain}.enable`);
    // The page's workers too, from their first request on.
    await page.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: true, flatten: true });
    const metrics = { deviceScaleFactor: 1, mobile: false, ...size };
    await page.send('Emulation.setDeviceMetricsOverride', metrics);
    await page.send('Page.navigate', { url });
    await page.until('document.readyState === "complete"');
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) {
      const ended = once(this.#child, 'exit');
      this.send('Browser.close').catch(() => undefined);
      if ((await Promise.race([ended, sleep(10_000, 'late')])) === 'late') this.#child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

export class BrowserPage {
  /** Addresses of all requests, and everything that the console or a policy complained of. */
  readonly requests: string[] = [];
  readonly complaints: string[] = [];
  readonly #browser: Browser;
  readonly #session: string;
  readonly #target: string;

  constructor(browser: Browser, session: string, target: string) {
    this.#browser = browser;
    this.#session = session;
    this.#target = target;
  }

  send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    return this.#browser.send(method, params, this.#session);
  }

  take(method: string, params: Record<string, unknown>): void {
    if (method === 'Network.requestWillBeSent') this.requests.push((params['request'] as { url: string }).url);
    if (method === 'Runtime.exceptionThrown') this.complaints.push(JSON.stringify(params['exceptionDetails']));
    if (method === 'Log.entryAdded') {
      const entry = params['entry'] as { level: string; text: string; url?: string };
      if (entry.level === 'error' || entry.level === 'warning')
        this.complaints.push(`${entry.text} ${entry.url ?? ''}`);
    }
    if (method === 'Runtime.consoleAPICalled' && params['type'] === 'error')
      this.complaints.push(JSON.stringify(params));
  }

  /** The value of a JavaScript expression, awaited. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(`in the page: ${JSON.stringify(exceptionDetails)}`);
    return (result as { value: T }).value;
  }

  /** Waits until an expression is true, however long a slow host takes; what the page shows is told if it never is. */
  async until(expression: string, seconds: number = 400): Promise<void> {
    for (let tries = 0; tries < seconds * 5; tries++) {
      if (await this.evaluate<boolean>(`Boolean(${expression})`)) return;
      await sleep(200);
    }
    const seen = await this.evaluate<string>('document.body.innerText + (window.plinth?.text() ?? "")');
    throw new Error(`never true: ${expression}\n${seen}\n${this.complaints.join('\n')}`);
  }

  /** Presses keys, as a person would: `\n` is Enter. */
  async type(text: string): Promise<void> {
    for (const character of text) {
      const key =
        character === '\n'
          ? { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13, text: '\r' }
          : { text: character };
      await this.send('Input.dispatchKeyEvent', { type: 'keyDown', ...key });
      await this.send('Input.dispatchKeyEvent', { type: 'keyUp', ...key });
    }
  }

  async click(selector: string): Promise<void> {
    await this.evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`);
  }

  async chooseFile(selector: string, ...files: string[]): Promise<void> {
    const { root } = await this.send('DOM.getDocument');
    const { nodeId } = await this.send('DOM.querySelector', { nodeId: (root as { nodeId: number }).nodeId, selector });
    await this.send('DOM.setFileInputFiles', { nodeId, files });
  }

  /** What the user has chosen in the system's settings. */
  async prefer(scheme: 'light' | 'dark'): Promise<void> {
    await this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
  }

  /** A PNG. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.send('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(data as string, 'base64');
  }

  async close(): Promise<void> {
    await this.#browser.send('Target.closeTarget', { targetId: this.#target });
  }
}
