// SPDX-License-Identifier: Apache-2.0
// `plinth workspace open`: a real program's window, drawn in a workspace, is seen in a real browser, and hears its keys.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXCHANGE } from '@plinth/sandbox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { Browser, missingChromium } from '../web/chromium.js';
import { whyNotIsolated } from './isolated.js';
import { WorkspaceUser } from './workspace-user.js';

const FILE = 'tests/sandbox/desktop.test.ts';
const reason = whyNotIsolated(FILE) ?? missingDesktop();

function missingDesktop(): string | undefined {
  const missing = ['Xvnc', 'xterm'].find((program) => spawnSync('which', [program]).status !== 0);
  const why = missing === undefined ? missingChromium() : `${missing} is not installed`;
  if (why !== undefined) console.log(`skipped: ${FILE}: ${why}`);
  return why;
}

const notRoot = process.getuid?.() === 0 ? undefined : 'it is said to root';

describe('a desktop of a workspace', unless(reason), () => {
  let user: WorkspaceUser;
  let browser: Browser;
  beforeAll(() => {
    user = new WorkspaceUser();
    browser = new Browser();
    // xterm of root wants rights over terminals that root has.
    const rights = process.getuid?.() === 0 ? ['--root'] : [];
    user.plinth('workspace', 'create', 'desk', '--deny', 'net', '--folder', '.', ...rights);
  });
  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
    user[Symbol.dispose]();
  });

  it('shows the window of its program, which hears keys, and ends with it', async () => {
    const command = [
      'xterm',
      '-bg',
      '#c01030',
      '-fullscreen',
      '-e',
      'sh',
      '-c',
      'read line; echo "$line" > heard; sync',
    ];
    const desktop = user.start('workspace', 'open', 'desk', '--json', '--geometry', '800x600', '--', ...command);
    const { url } = JSON.parse(await desktop.said) as { url: string };
    const page = await browser.open(url, { width: 800, height: 600 });
    await page.until('document.querySelector("#state").textContent === ""');
    const colour = `(() => {
      const canvas = document.querySelector('canvas');
      return [...canvas.getContext('2d').getImageData(canvas.width / 4, canvas.height / 4, 1, 1).data].join();
    })()`;
    await page.until(`${colour} === '192,16,48,255'`);
    const { data } = await page.send('Page.captureScreenshot', { format: 'png' });
    expect((data as string).length).toBeGreaterThan(1000);
    await page.click('canvas');
    // A key of a keyboard: its name is what the page passes on.
    for (const type of ['keyDown', 'keyUp']) {
      await page.send('Input.dispatchKeyEvent', { type, key: 'x', code: 'KeyX', text: 'x' });
    }
    await page.type('\n');
    expect(await desktop.end()).toBe(0);
    await page.until('document.querySelector("#state").textContent !== ""');
    const review = user.plinth('workspace', 'review', 'desk').stdout;
    expect(review).toContain(`added    ${user.home}/heard  (2 bytes)`);
  });

  it('is for whoever has its address only', async () => {
    // It ends by a file in the directory that it shares with plinth.
    const waiting = `until [ -e ${EXCHANGE}/end ]; do sleep 0.1; done`;
    const desktop = user.start('workspace', 'open', 'desk', '--json', '--', 'sh', '-c', waiting);
    const { url } = JSON.parse(await desktop.said) as { url: string };
    const { origin } = new URL(url);
    for (const path of ['/', '/index.html', '/other/index.html', '/socket']) {
      expect((await fetch(origin + path)).status).toBe(404);
    }
    expect((await fetch(url)).status).toBe(200);
    writeFileSync(join(user.folder, 'data/plinth/workspaces/desk/desktop/end'), '');
    expect(await desktop.ended).toBe(0);
  });

  it('says to root which programs want --root', unless(notRoot), () => {
    const line =
      /^plinth: workspace plain: it was made without --root: xterm .*"plinth workspace create NAME --root".*\n$/;
    user.plinth('workspace', 'create', 'plain', '--deny', 'net');
    expect(user.plinth('workspace', 'open', 'plain', 'true')).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(line) as string,
    });
    expect(user.plinth('workspace', 'open', 'desk', 'true')).toMatchObject({ status: 0, stderr: '' });
  });

  it.each([
    [['--port', 'x'], '--port x: a number up to 65535 is wanted'],
    [['--geometry', 'big'], '--geometry big: width and height are wanted, such as 1280x800'],
  ])('says what is wrong with %s', (args, line) => {
    const { status, stderr } = user.plinth('workspace', 'open', 'desk', ...args, 'true');
    expect([status, stderr]).toEqual([2, `plinth: ${line}\n`]);
  });
});
