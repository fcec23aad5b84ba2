// SPDX-License-Identifier: Apache-2.0
// The page in a real browser: boots to a shell and takes keys, computes what Node computes to the last bit, passes
// snapshots to and fro, and needs nothing of a server but its files. Brings the guest image if it is not cached.

import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingImage, plinth } from '../boot/guest.js';
import { missingChromium } from './chromium.js';
import { DESKTOP, PHONE, run, serveFolder, ServedPage, type State } from './served-page.js';

const missing = missingChromium() ?? missingImage();
const long = process.env['PLINTH_LONG'] === '1';

const SEED = '00112233445566778899aabbccddeeff';
const WALL_CLOCK = '1700000000';
const FIXED = ['--image', 'debian-mini', '--seed', SEED, '--wall-clock', WALL_CLOCK, '--console', 'none'];
const COUNT = long ? 500_000_000 : 20_000_000;

describe('the page', () => {
  let site: ServedPage;

  beforeAll(async () => {
    if (missing === undefined) site = await ServedPage.start('--cold');
  });

  afterAll(() => site?.[Symbol.asyncDispose]());

  it('boots to a shell, takes keys and shows output, on a narrow screen too', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const page = await site.browser.open(site.url, PHONE);
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
    expect(page.requests).toContain(`${site.url}guests/debian-mini/kernel.bin`);
    expect(page.requests.filter((address) => !address.startsWith(site.url))).toEqual([]);
    await page.close();
  });

  it(`has after ${COUNT} instructions the state that Node has, and goes on in Node from its snapshot`, async ({
    skip,
  }) => {
    skip(missing !== undefined, missing);
    const later = COUNT + 5_000_000;
    const page = await site.browser.open(`${site.url}?until=${COUNT}&seed=${SEED}&wallClock=${WALL_CLOCK}`, DESKTOP);
    const node = run(...FIXED, '--limit-instructions', String(COUNT));
    await page.until('window.plinth?.state()?.phase === "paused"', 3000);
    expect(await page.evaluate('window.plinth.state().instructions')).toBe(COUNT);
    expect(await page.evaluate('window.plinth.stateHash()')).toBe(node.stateHash);

    await page.click('#save');
    const saved = await site.download();
    const state = await page.evaluate<State>(`window.plinth.runTo(${later})`);
    expect(state).toMatchObject({ phase: 'paused', instructions: later });
    const resumed = run(saved, '--limit-instructions', String(later), '--console', 'none');
    expect(resumed.counts.instructions).toBe(later);
    expect(await page.evaluate('window.plinth.stateHash()')).toBe(resumed.stateHash);
    await page.close();
  });

  it('goes on from a snapshot of Node, and tells a damaged one in a line', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const snapshot = join(site.folder, 'booted.plinth');
    const place = ['--save-snapshot', snapshot, '--save-at', 'plinth:~#'];
    plinth('run', ...FIXED, ...place, '--limit-instructions', '400000000');
    const damaged = join(site.folder, 'damaged.plinth');
    const bytes = readFileSync(snapshot);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(damaged, bytes);

    const page = await site.browser.open(`${site.url}?paused`, DESKTOP);
    await page.until('document.querySelector("#phase").textContent === "off" && window.plinth');
    await page.chooseFile('#file', damaged);
    await page.until('!document.querySelector("#message").hidden');
    expect(await page.evaluate('document.querySelector("#message-text").textContent')).toMatch(
      /^damaged\.plinth: section \S+ is damaged at byte \d+; take a new snapshot$/,
    );
    await site.load(page, snapshot);
    await page.type('\necho $((6*7)) > /tmp/answer; cat /tmp/answer\n');
    await page.until('/\\n42\\n/.test(window.plinth.text())');
    expect(await page.evaluate('document.querySelector("#message").hidden')).toBe(true);
    await page.close();
  });

  it('shows the guest booted, and boots it if that is wanted', async ({ skip }) => {
    skip(missing !== undefined, missing);
    await using booted = await ServedPage.start();
    const page = await booted.browser.open(booted.url, { width: 1000, height: 560 });
    await page.prefer('dark');
    await page.until('window.plinth?.text().endsWith("plinth:~#")');
    expect(await page.evaluate('window.plinth.text()')).toMatch(
      /^\[debian-mini was booted ahead of time; Reboot boots it/,
    );
    await page.type('uname -srm; echo $((6*7)) $(stty size); grep "model name" /proc/cpuinfo; free -m\n');
    await page.until('/\\n42 \\d+ \\d+\\n[^]*Swap[^]*plinth:~#$/.test(window.plinth.text())');
    const now = Number(await page.evaluate('Date.now()')) / 1000;
    await page.type('clear; date +%s\n');
    await page.until('/^\\d{10}$/m.test(window.plinth.text())');
    const [shown] = /^\d{10}$/m.exec(await page.evaluate('window.plinth.text()'))!;
    expect(Math.abs(Number(shown) - now)).toBeLessThan(600);
    expect(page.requests).toContain(`${booted.url}guests/debian-mini/booted.bin`);
    expect(page.requests).not.toContain(`${booted.url}guests/debian-mini/kernel.bin`);
    await page.click('#reset');
    await page.until('/Booting Linux[^]*plinth:~#$/.test(window.plinth.text())');
    await page.close();

    const cold = await booted.browser.open(`${booted.url}?cold`, DESKTOP);
    await cold.until('window.plinth?.text().includes("Booting Linux")');
    expect(cold.requests).not.toContain(`${booted.url}guests/debian-mini/booted.bin`);
    expect([...page.complaints, ...cold.complaints]).toEqual([]);
    await cold.close();
  });

  it('works as a static site below a folder, without any header, and tells what is wrong with it', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const built = join(site.folder, 'site');
    const { status, stderr } = plinth('serve', '--cold', '--build', built);
    expect({ status, stderr: stderr.replace(/^.*packing.*\n/m, '') }).toEqual({ status: 0, stderr: '' });
    expect(plinth('serve', '--build', site.folder)).toMatchObject({ status: 2 });
    expect(plinth('serve', '--cold', '--build', built)).toMatchObject({ status: 0 });

    await using files = await serveFolder(built);
    const address = files.url;
    const page = await site.browser.open(`${address}?until=3000000&seed=00&wallClock=1`, DESKTOP);
    await page.until('window.plinth?.state()?.phase === "paused"');
    expect(await page.evaluate('window.plinth.state().instructions')).toBe(3_000_000);
    expect(await page.evaluate('crossOriginIsolated')).toBe(false);
    expect(page.complaints).toEqual([]);
    await page.close();

    const complaint = async (query: string): Promise<string> => {
      const opened = await site.browser.open(`${address}${query}`, DESKTOP);
      await opened.until('!document.querySelector("#message").hidden');
      const text = await opened.evaluate<string>('document.querySelector("#message-text").textContent');
      await opened.close();
      return text;
    };
    expect(await complaint('?colour=red')).toBe('?colour: there is no such option');
    expect(await complaint('?guest=other')).toBe('?guest: there is no guest "other" here; there is debian-mini');
    expect(await complaint('?memory=1000000')).toMatch(/^memory: /);
    truncateSync(join(built, 'guests/debian-mini/initrd.bin'), 1000);
    expect(await complaint('')).toBe(
      'guests/debian-mini/initrd.bin: 1000 bytes came, where 911075 are needed: load the page again'.replace(
        '911075',
        String((JSON.parse(readFileSync(join(built, 'site.json'), 'utf8')) as Site).guests[0]!.initrd.bytes),
      ),
    );
    rmSync(join(built, 'guests'), { recursive: true });
    expect(await complaint('')).toMatch(/^guests\/debian-mini\/\w+\.bin: cannot be loaded: the server answers 404/);
  });
});

interface Site {
  readonly guests: readonly { readonly initrd: { readonly bytes: number } }[];
}
