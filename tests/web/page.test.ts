// SPDX-License-Identifier: Apache-2.0
// The page in a real browser: boots to a shell and takes keys, computes what Node computes to the last bit, passes
// snapshots to and fro, and needs nothing of a server but its files. Brings the guest image if it is not cached.

import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingImage, plinth } from '../boot/guest.js';
import { Browser, missingChromium } from './chromium.js';
import type { BrowserPage } from './chromium.js';

const ROOT = join(import.meta.dirname, '../..');
const PLINTH = join(ROOT, 'packages/cli/bin/plinth.js');
const missing = missingChromium() ?? missingImage();
const long = process.env['PLINTH_LONG'] === '1';

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844, mobile: true };
const SEED = '00112233445566778899aabbccddeeff';
const WALL_CLOCK = '1700000000';
const FIXED = ['--image', 'debian-mini', '--seed', SEED, '--wall-clock', WALL_CLOCK, '--console', 'none'];
const COUNT = long ? 500_000_000 : 20_000_000;

interface State {
  readonly phase: string;
  readonly instructions: number;
  readonly reason?: string;
}

interface NodeRun {
  readonly stateHash: string;
  readonly counts: { readonly instructions: number };
}

describe('the page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  let browser: Browser;
  let server: ChildProcess;
  let url: string;

  beforeAll(async () => {
    if (missing !== undefined) return;
    const built = spawnSync(process.execPath, [join(ROOT, 'scripts/build-page.mjs')], { encoding: 'utf8' });
    if (built.status !== 0) throw new Error(built.stderr);
    server = spawn(process.execPath, [PLINTH, 'serve', '--port', '0', '--json'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = (await once(server.stdout!, 'data')) as [Buffer];
    url = (JSON.parse(line.toString()) as { url: string }).url;
    browser = new Browser();
  });

  afterAll(async () => {
    server?.kill();
    await browser?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Loads a snapshot by the page's own file field, and waits for the machine to run. */
  async function load(page: BrowserPage, path: string): Promise<void> {
    await page.chooseFile('#file', path);
    await page.until('window.plinth.text().includes("going on from")');
  }

  it('boots to a shell, takes keys and shows output, on a narrow screen too', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const page = await browser.open(url, PHONE);
    await page.until('window.plinth?.text().endsWith("plinth:~#")');
    await page.type('echo $((6*7)) $(stty size); uname -m\n');
    await page.until('/\\n42 \\d+ \\d+\\narmv7l\\nplinth:~#$/.test(window.plinth.text())');
    // The guest knows the terminal's size; nothing stands out of the window.
    const [, rows, columns] = /\n42 (\d+) (\d+)\n/.exec(await page.evaluate('window.plinth.text()'))!;
    expect(Number(rows)).toBeGreaterThan(24);
    expect(Number(columns)).toBeGreaterThan(40);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(PHONE.width);

    await page.until('document.querySelector("#phase").textContent === "waiting"');
    await page.click('#run');
    await page.until('window.plinth.state().phase === "paused"');
    const before = await page.evaluate<State>('window.plinth.state()');
    await page.type('echo not yet\n');
    await page.click('#run');
    await page.until('window.plinth.state().phase === "running"');
    expect(before.instructions).toBeGreaterThan(1e8);
    await page.evaluate('document.querySelector("#engine").value = "interpreter"');
    await page.evaluate('document.querySelector("#engine").dispatchEvent(new Event("change"))');
    await page.until('window.plinth.state().engine === "interpreter" && window.plinth.state().phase === "running"');
    await page.type('echo still $((8*8)); exit\n');
    await page.until('/\\nstill 64\\n/.test(window.plinth.text()) && window.plinth.state().phase === "ended"');
    expect(await page.evaluate('window.plinth.text()')).not.toContain('not yet');

    expect(await page.evaluate('crossOriginIsolated')).toBe(true);
    expect(page.complaints).toEqual([]);
    expect(page.requests).toContain(`${url}guests/debian-mini/kernel.bin`);
    expect(page.requests.filter((address) => !address.startsWith(url))).toEqual([]);
    await page.close();
  });

  it(`has after ${COUNT} instructions the state that Node has, and goes on in Node from its snapshot`, async ({
    skip,
  }) => {
    skip(missing !== undefined, missing);
    const later = COUNT + 5_000_000;
    const page = await browser.open(`${url}?until=${COUNT}&seed=${SEED}&wallClock=${WALL_CLOCK}`, DESKTOP);
    const node = run(...FIXED, '--limit-instructions', String(COUNT));
    await page.until('window.plinth?.state()?.phase === "paused"', 3000);
    expect(await page.evaluate('window.plinth.state().instructions')).toBe(COUNT);
    expect(await page.evaluate('window.plinth.stateHash()')).toBe(node.stateHash);

    await page.click('#save');
    const saved = await download(browser);
    const state = await page.evaluate<State>(`window.plinth.runTo(${later})`);
    expect(state).toMatchObject({ phase: 'paused', instructions: later });
    const resumed = run(saved, '--limit-instructions', String(later), '--console', 'none');
    expect(resumed.counts.instructions).toBe(later);
    expect(await page.evaluate('window.plinth.stateHash()')).toBe(resumed.stateHash);
    await page.close();
  });

  it('goes on from a snapshot of Node, and tells a damaged one in a line', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const snapshot = join(folder, 'booted.plinth');
    const place = ['--save-snapshot', snapshot, '--save-at', 'plinth:~#'];
    plinth('run', ...FIXED, ...place, '--limit-instructions', '400000000');
    const damaged = join(folder, 'damaged.plinth');
    const bytes = readFileSync(snapshot);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(damaged, bytes);

    const page = await browser.open(`${url}?paused`, DESKTOP);
    await page.until('document.querySelector("#phase").textContent === "off" && window.plinth');
    await page.chooseFile('#file', damaged);
    await page.until('!document.querySelector("#message").hidden');
    expect(await page.evaluate('document.querySelector("#message-text").textContent')).toMatch(
      /^damaged\.plinth: section \S+ is damaged at byte \d+; take a new snapshot$/,
    );
    await load(page, snapshot);
    await page.type('\necho $((6*7)) > /tmp/answer; cat /tmp/answer\n');
    await page.until('/\\n42\\n/.test(window.plinth.text())');
    expect(await page.evaluate('document.querySelector("#message").hidden')).toBe(true);
    await page.close();
  });

  it('works as a static site below a folder, without any header, and tells what is wrong with it', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const site = join(folder, 'site');
    const { status, stderr } = plinth('serve', '--build', site);
    expect({ status, stderr: stderr.replace(/^.*packing.*\n/m, '') }).toEqual({ status: 0, stderr: '' });
    expect(plinth('serve', '--build', folder)).toMatchObject({ status: 2 });
    expect(plinth('serve', '--build', site)).toMatchObject({ status: 0 });

    const files = createServer((request, response) => {
      try {
        const path = request.url!.replace(/\?.*/, '').replace(/^\/below\//, '') || 'index.html';
        const bytes = readFileSync(join(site, path));
        const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
        response.setHeader('Content-Type', types[extname(path)] ?? 'application/octet-stream');
        response.end(bytes);
      } catch {
        response.writeHead(404).end();
      }
    }).listen(0, '127.0.0.1');
    await once(files, 'listening');
    const address = `http://127.0.0.1:${(files.address() as AddressInfo).port}/below/`;
    const page = await browser.open(`${address}?until=3000000&seed=00&wallClock=1`, DESKTOP);
    await page.until('window.plinth?.state()?.phase === "paused"');
    expect(await page.evaluate('window.plinth.state().instructions')).toBe(3_000_000);
    expect(await page.evaluate('crossOriginIsolated')).toBe(false);
    expect(page.complaints).toEqual([]);
    await page.close();

    const complaint = async (query: string): Promise<string> => {
      const opened = await browser.open(`${address}${query}`, DESKTOP);
      await opened.until('!document.querySelector("#message").hidden');
      const text = await opened.evaluate<string>('document.querySelector("#message-text").textContent');
      await opened.close();
      return text;
    };
    expect(await complaint('?colour=red')).toBe('?colour: there is no such option');
    expect(await complaint('?guest=other')).toBe('?guest: there is no guest "other" here; there is debian-mini');
    expect(await complaint('?memory=1000000')).toMatch(/^memory: /);
    truncateSync(join(site, 'guests/debian-mini/initrd.bin'), 1000);
    expect(await complaint('')).toBe(
      'guests/debian-mini/initrd.bin: 1000 bytes came, where 911075 are needed: load the page again'.replace(
        '911075',
        String((JSON.parse(readFileSync(join(site, 'site.json'), 'utf8')) as Site).guests[0]!.initrd.bytes),
      ),
    );
    rmSync(join(site, 'guests'), { recursive: true });
    expect(await complaint('')).toMatch(/^guests\/debian-mini\/\w+\.bin: cannot be loaded: the server answers 404/);
    files.close();
    files.closeAllConnections();
  });
});

interface Site {
  readonly guests: readonly { readonly initrd: { readonly bytes: number } }[];
}

function run(...args: string[]): NodeRun {
  const { stdout, stderr } = plinth('run', ...args, '--json');
  try {
    return JSON.parse(stdout) as NodeRun;
  } catch (cause) {
    throw new Error(`plinth run gave no result: ${stderr}`, { cause });
  }
}

/** The file that the page has given to its visitor. */
async function download(browser: Browser): Promise<string> {
  for (let tries = 0; tries < 600; tries++) {
    const name = readdirSync(browser.downloads).find((entry) => entry.endsWith('.plinth'));
    if (name !== undefined) return join(browser.downloads, name);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('no file was downloaded');
}
