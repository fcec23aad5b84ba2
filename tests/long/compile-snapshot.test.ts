// SPDX-License-Identifier: Apache-2.0
// A snapshot in the middle of a compilation goes on in a new process, by either engine, and in the page: the compiler
// writes the same bytes as without it.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { PLINTH } from '../boot/guest.js';
import { Browser, missingChromium } from '../web/chromium.js';
import { CompileGuest } from './compile-guest.js';
import { missingWorkGuest, plinthAsync } from './work-guest.js';

const ROOT = join(import.meta.dirname, '../..');
const HASH = /\b([0-9a-f]{64}) {2}tmp\/huffman\.o/;
const PAGE_SECONDS = 3000;

const missing = await missingWorkGuest();
const guest = missing === undefined ? new CompileGuest() : undefined;
const snapshot = join(guest?.directory ?? '', 'compiling.plinth');
const fixed = (): string[] => {
  const files = ['--kernel', guest!.kernel, '--initrd', guest!.initrd, '--append', 'console=ttyAMA0'];
  return [...files, '--memory', '512M', '--seed', '00', '--wall-clock', '1700000000'];
};
afterAll(() => guest?.[Symbol.dispose]());

interface Result {
  readonly stateHash: string;
  readonly counts: { readonly instructions: number; readonly virtualTime: number };
  readonly console: string;
}

async function run(...args: string[]): Promise<Result> {
  const { stdout, stderr } = await plinthAsync('run', ...args, '--json');
  try {
    return { ...(JSON.parse(stdout) as Omit<Result, 'console'>), console: stderr };
  } catch (cause) {
    throw new Error(`plinth run gave no result: ${stderr.slice(-4000)}`, { cause });
  }
}

/** The count at the middle of the compilation: from there to the end of the run the CPU never waits. */
function middle({ console, counts }: Result): number {
  const seconds = (name: string): number => Number(new RegExp(`^${name} ([\\d.]+)`, 'm').exec(console)![1]);
  const toEnd = counts.virtualTime / 1e9 - (seconds('begin') + seconds('end')) / 2;
  const perSecond = 250e6; // 4 ns for an instruction
  return counts.instructions - Math.round(toEnd * perSecond);
}

describe('a snapshot in the middle of a compilation', () => {
  let whole: Result;
  let hash: string;

  it('is taken', async ({ skip }) => {
    skip(missing !== undefined, missing);
    whole = await run(...fixed());
    hash = HASH.exec(whole.console)?.[1] ?? whole.console;
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    const place = middle(whole);
    const limit = ['--limit-instructions', String(place + 1)];
    const half = await run(...fixed(), '--save-snapshot', snapshot, '--save-at', String(place), ...limit);
    expect(half.counts.instructions).toBe(place + 1);
    // The compiler is running: it has begun, and not ended.
    expect(half.console).toMatch(/^begin /m);
    expect(half.console).not.toMatch(/^end /m);
  });

  it.for(['translator', 'interpreter'])('goes on by the %s in a new process', async (engine, { skip }) => {
    skip(missing !== undefined, missing);
    const resumed = await run(snapshot, '--engine', engine);
    expect(resumed.console).not.toMatch(/^begin /m);
    expect(HASH.exec(resumed.console)?.[1]).toBe(hash);
    expect(resumed.counts).toMatchObject({ instructions: whole.counts.instructions });
    expect(resumed.stateHash).toBe(whole.stateHash);
  });

  it('goes on in the page', async ({ skip }) => {
    const lacking = missing ?? missingChromium();
    skip(lacking !== undefined, lacking);
    const built = spawnSync(process.execPath, [join(ROOT, 'scripts/build-page.mjs')], { encoding: 'utf8' });
    expect(built.status, built.stderr).toBe(0);
    const server = spawn(process.execPath, [PLINTH, 'serve', '--port', '0', '--json'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      const [line] = (await once(server.stdout, 'data')) as [Buffer];
      const { url } = JSON.parse(line.toString()) as { url: string };
      await using browser = new Browser();
      const page = await browser.open(`${url}?paused`, { width: 1280, height: 800 });
      await page.until('document.querySelector("#phase").textContent === "off" && window.plinth');
      await page.chooseFile('#file', snapshot);
      await page.until('window.plinth.text().includes("going on from")');
      await page.until('window.plinth.state().phase === "ended"', PAGE_SECONDS);
      const text = await page.evaluate<string>('window.plinth.text()');
      expect(HASH.exec(text)?.[1], text).toBe(hash);
      expect(text).not.toMatch(/^begin /m);
      expect(page.complaints).toEqual([]);
    } finally {
      server.kill();
    }
  });
});
