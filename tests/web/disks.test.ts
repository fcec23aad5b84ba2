// SPDX-License-Identifier: Apache-2.0
// Disks in the page: a machine that Node has saved goes on over the file that the visitor chooses, reads and writes it,
// and goes on in Node again; other files are refused. A machine with a network card goes on without a network.

import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { createDriver, InterpreterImage, macBytes, parseRunSpec, VirtioNet } from '@plinth/machine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plinth } from '../boot/guest.js';
import { missingModules, VirtioGuest } from '../virtio/guest.js';
import { missingChromium } from './chromium.js';
import { DESKTOP, run, serveFolder, ServedPage, type State } from './served-page.js';

const NETWORK_MODULES = ['failover', 'net_failover', 'virtio_net'];
const missing = missingChromium() ?? (await missingModules(NETWORK_MODULES));
const APPEND = 'console=ttyAMA0 quiet cryptomgr.notests';
/** Instead of a command: a shell on the console. */
const SHELL = 'stty sane </dev/console; exec setsid cttyhack sh -l </dev/console >/dev/console 2>&1';
const PROMPT = 'plinth:~#';
const SIZE = 5 * 1024 * 1024;
const LARGE = 600 * 1024 * 1024;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('disks in the page', () => {
  let site: ServedPage;

  beforeAll(async () => {
    if (missing === undefined) site = await ServedPage.start('--cold');
  });

  afterAll(() => site?.[Symbol.asyncDispose]());

  it('go on over the file that is chosen, and in Node again', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using guest = new VirtioGuest(SHELL);
    const bytes = randomBytes(SIZE);
    const disk = guest.file('disk.img', bytes);
    // Too large to be hashed: here size, time and samples decide.
    const large = guest.file('large.img', bytes);
    truncateSync(large, LARGE);
    const snapshot = join(site.folder, 'with-disk.plinth');
    const machine = ['--kernel', guest.kernel, '--initrd', guest.initrd, '--append', APPEND, '--memory', '128M'];
    const save = ['--save-snapshot', snapshot, '--save-at', PROMPT, '--limit-instructions', '600000000'];
    run(...machine, '--drive', disk, '--drive', large, ...save, '--console', 'none');

    const page = await site.browser.open(`${site.url}?paused`, DESKTOP);
    await page.until('document.querySelector("#phase").textContent === "off" && window.plinth');
    await page.chooseFile('#file', snapshot);
    await page.until('document.querySelector("#disk-dialog").open');
    expect(await page.evaluate('document.querySelector("#disk-list b").textContent')).toBe('disk.img');
    expect(await page.evaluate('document.querySelector("#disk-go").disabled')).toBe(true);

    const changed = Buffer.from(bytes);
    changed[SIZE >> 1]! ^= 1;
    const other = join(site.folder, 'other.img');
    writeFileSync(other, changed);
    await page.chooseFile('#disk-file', large);
    await page.chooseFile('#disk-file', other);
    await page.click('#disk-go');
    await page.until('document.querySelector("#disk-dialog").open && !document.querySelector("#disk-error").hidden');
    expect(await page.evaluate('document.querySelector("#disk-error").textContent')).toBe(
      'other.img: it is not as it was when the snapshot or the recording was made, which needs the disk of that moment: its content is another',
    );

    // Another time of change makes the page compare all of it.
    utimesSync(disk, 1_700_000_000, 1_700_000_000.123);
    await page.evaluate('document.querySelector("#disk-cancel").click()');
    await site.load(page, snapshot, disk, large);
    await page.type('\nsha256sum </dev/vda; head -c 5242880 /dev/vdb | cmp - /dev/vda && echo alike\n');
    await page.until('window.plinth.text().includes("\\nalike\\n")');
    await page.until(`window.plinth.text().includes("${sha256(bytes)}")`);
    await page.type('printf plinth | dd of=/dev/vda bs=1 seek=1000001 conv=notrunc,fsync 2>/dev/null\n');
    await page.type('echo 3 >/proc/sys/vm/drop_caches; sha256sum </dev/vda\n');
    const after = Buffer.from(bytes);
    after.write('plinth', 1_000_001, 'latin1');
    await page.until(`window.plinth.text().includes("${sha256(after)}")`);

    await page.until('document.querySelector("#phase").textContent === "waiting"');
    await page.click('#run');
    await page.until('window.plinth.state().phase === "paused"');
    await page.click('#save');
    const saved = await site.download();
    const { instructions } = await page.evaluate<State>('window.plinth.state()');
    const later = instructions + 3_000_000;
    await page.evaluate(`window.plinth.runTo(${later})`);
    const resumed = run(saved, '--limit-instructions', String(later), '--console', 'none');
    expect(resumed.counts.instructions).toBe(later);
    expect(await page.evaluate('window.plinth.stateHash()')).toBe(resumed.stateHash);
    // The other engine has the same disk, with what was written.
    await page.evaluate('document.querySelector("#engine").value = "interpreter"');
    await page.evaluate('document.querySelector("#engine").dispatchEvent(new Event("change"))');
    await page.until('window.plinth.state().engine === "interpreter" && window.plinth.state().phase === "paused"');
    await page.click('#run');
    await page.type('clear; echo 3 >/proc/sys/vm/drop_caches; tail -c +1000002 /dev/vda | head -c 6; echo\n');
    await page.until('/^plinth\\n/m.test(window.plinth.text())');

    expect(sha256(readFileSync(disk))).toBe(sha256(bytes));
    expect(page.complaints).toEqual([]);
    await page.close();
  });

  it('are there for a guest that boots', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using guest = new VirtioGuest(SHELL);
    const bytes = randomBytes(SIZE);
    const disk = guest.file('fresh.img', bytes);
    const built = join(site.folder, 'site');
    expect(plinth('serve', '--cold', '--build', built)).toMatchObject({ status: 0 });
    // The guest of this site gets an initrd with drivers, which waits for no request.
    const initrd = readFileSync(guest.initrd);
    writeFileSync(join(built, 'guests/debian-mini/initrd.bin'), initrd);
    const description = JSON.parse(readFileSync(join(built, 'site.json'), 'utf8')) as { guests: [SiteGuest] };
    const { powerOn: _none, ...mini } = description.guests[0];
    const guests = [{ ...mini, append: APPEND, initrd: { ...mini.initrd, bytes: initrd.length } }];
    writeFileSync(join(built, 'site.json'), JSON.stringify({ ...description, guests }));
    await using files = await serveFolder(built);
    const page = await site.browser.open(`${files.url}?paused`, DESKTOP);
    await page.until('document.querySelector("#phase").textContent === "off" && window.plinth');
    // A file that is no snapshot is a disk.
    await page.chooseFile('#file', disk);
    await page.until('document.querySelector("#disk-dialog").open');
    expect(await page.evaluate('document.querySelector("#disk-list small").textContent')).toBe('5.2 MB · /dev/vda');
    await page.click('#disk-go');
    await page.until('window.plinth.text().endsWith("plinth:~#")');
    await page.type('cat /sys/block/vda/serial; echo; sha256sum </dev/vda\n');
    await page.until(`/\\nfresh.img\\n+${sha256(bytes)}/.test(window.plinth.text())`);
    expect(page.complaints).toEqual([]);
    await page.close();
  });

  it('goes on with its cable pulled if it has a network card', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using guest = new VirtioGuest(`ifconfig eth0 up; ${SHELL}`, NETWORK_MODULES);
    const snapshot = join(site.folder, 'with-card.plinth');
    writeFileSync(snapshot, await bootWithCard(guest));
    const page = await site.browser.open(`${site.url}?paused`, DESKTOP);
    await page.until('document.querySelector("#phase").textContent === "off" && window.plinth');
    await site.load(page, snapshot);
    await page.type('\ncat /sys/class/net/eth0/operstate\n');
    await page.until('/\\ndown\\n/.test(window.plinth.text())');
    expect(await page.evaluate('window.plinth.text()')).toContain(
      '[a page has no network: the guest’s cable is pulled]',
    );
    await page.close();
  });
});

interface SiteGuest {
  readonly initrd: { readonly bytes: number };
  readonly powerOn: unknown;
}

/** A snapshot of a guest at its prompt, with a card whose link is up; there is no host's network in it. */
async function bootWithCard(guest: VirtioGuest): Promise<Uint8Array> {
  const spec = parseRunSpec({ kernel: 'kernel', memory: 128 * 2 ** 20, net: { kind: 'user' }, rng: false });
  const { net } = spec;
  if (net.kind === 'none') throw new Error('there is a card');
  const file = (path: string) => ({ name: path, bytes: readFileSync(path) });
  const driver = createDriver(
    spec,
    { kernel: file(guest.kernel), initrd: file(guest.initrd), append: APPEND },
    {
      codec: {
        deflate: async (bytes) => deflateRawSync(bytes, { level: 1 }),
        inflate: async (bytes) => inflateRawSync(bytes),
      },
      interpreter: () => new InterpreterImage(),
      attach: () => ({
        virtio: [new VirtioNet({ name: 'net0', mac: macBytes(net.mac), mtu: net.mtu, onFrame: () => undefined })],
        [Symbol.dispose]: () => undefined,
      }),
      writeError: () => undefined,
      readInput: () => new Uint8Array(),
    },
  );
  let text = '';
  while (!text.includes(PROMPT)) {
    expect(driver.instructions).toBeLessThan(1e9);
    driver.runSlice(10_000_000, false);
    text += Buffer.from(driver.takeOutput()).toString('latin1');
  }
  return Buffer.concat(await driver.saveSnapshot(true));
}
