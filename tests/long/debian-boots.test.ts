// SPDX-License-Identifier: Apache-2.0
// The image `debian`, again and again: booted to a login with no failed unit and switched off, after which its file system
// is in order; and resumed from one snapshot of a shell. PLINTH_BOOTS says how many of each, ten otherwise. A boot takes
// minutes, so this is for PLINTH_LONG=1.

import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDrives } from '@plinth/cli';
import { afterAll, describe, expect, it } from 'vitest';
import { plinth } from '../boot/guest.js';
import { LiveGuest } from '../boot/live-guest.js';

const TIMES = Number(process.env['PLINTH_BOOTS'] ?? 10);
const PROMPT = 'root@plinth:~# ';
/** Of the image's disk that is read at once. */
const PIECE = 1024 * 1024;
/** Printed by the shell, and not by the echo of what makes it print it. */
const SAVE = 'save here';

const directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
afterAll(() => rmSync(directory, { recursive: true }));
const inDirectory = (name: string): string => join(directory, name);

function reasonToSkip(): string | undefined {
  if (spawnSync('e2fsck', ['-V']).status !== 0) return 'e2fsck is not installed (package e2fsprogs)';
  const { status, stderr } = plinth('image', 'pull', 'debian');
  return status === 0 ? undefined : `no guest image: ${stderr.trim().split('\n').at(-1) ?? ''}`;
}

const missing = reasonToSkip();

/** Waits for the login prompt, logs in, and looks at the units. */
async function logIn(guest: LiveGuest): Promise<void> {
  await guest.until('plinth login: ');
  guest.type('root');
  await guest.until(PROMPT);
  // Messages of the kernel would come between the lines of commands.
  await guest.run('dmesg --console-off');
  await expectNoFailedUnit(guest);
}

async function expectNoFailedUnit(guest: LiveGuest): Promise<void> {
  const said = await guest.run('systemctl is-system-running --wait; systemctl --failed --no-legend --no-pager');
  expect(said).toBe('running\n');
}

async function switchOff(guest: LiveGuest): Promise<void> {
  guest.type('poweroff');
  await guest.until('reboot: Power down');
  expect(await guest.end(), guest.errors).toBe(0);
}

/** What a guest would read from the disk, as a sparse file. */
function mergedDisk(overlay: string): string {
  const file = join(plinth('image', 'path', 'debian').stdout.trim(), 'disk.img');
  const [disk] = openDrives([{ file, format: 'raw', readonly: true, snapshot: false, overlay }]);
  const path = inDirectory('merged.img');
  const fd = openSync(path, 'w');
  const size = disk!.sectors * 512;
  ftruncateSync(fd, size);
  const zeros = Buffer.alloc(PIECE);
  for (let at = 0; at < size; at += PIECE) {
    const piece = Buffer.alloc(Math.min(PIECE, size - at));
    disk!.read(at / 512, piece);
    if (!piece.equals(zeros.subarray(0, piece.length))) writeSync(fd, piece, 0, piece.length, at);
  }
  closeSync(fd);
  disk!.close();
  return path;
}

function expectCleanFileSystem(overlay: string): void {
  const disk = mergedDisk(overlay);
  const { status, stdout, stderr } = spawnSync('e2fsck', ['-f', '-n', disk], { encoding: 'utf8' });
  rmSync(disk);
  expect({ status, said: stdout + stderr }).toMatchObject({ status: 0 });
  // Not even a journal to be replayed, which a check that changes nothing passes over with a warning.
  expect(stdout + stderr).not.toMatch(/journal|warning/i);
}

describe('the image debian', () => {
  it('boots to a login without a failed unit and switches off, every time', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const overlay = inDirectory('overlay');
    for (let n = 1; n <= TIMES; n++) {
      const begun = performance.now();
      // A disk as it came, and the same disk after its first boot, by turns.
      if (n % 2 === 1) rmSync(overlay, { force: true });
      await using guest = new LiveGuest(['--image', 'debian', '--realtime', '--overlay', overlay]);
      await logIn(guest);
      const told = await guest.run(`echo boot ${n} >>/root/boots; cat /root/boots`);
      expect(told).toBe(n % 2 === 1 ? `boot ${n}\n` : `boot ${n - 1}\nboot ${n}\n`);
      await switchOff(guest);
      expectCleanFileSystem(overlay);
      console.log(
        `boot ${n} of ${TIMES}: ${Math.round((performance.now() - begun) / 1000)} s, ${guest.cpuSeconds} of CPU`,
      );
    }
  });

  it('goes on from a snapshot of a shell, every time, on either engine', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const snapshot = inDirectory('snapshot');
    {
      const options = ['--image', 'debian', '--realtime', '--save-snapshot', snapshot, '--save-at', SAVE];
      await using guest = new LiveGuest(options);
      await logIn(guest);
      await guest.run('echo before >/root/before; echo unwritten >/root/unwritten; sync /root/before');
      guest.type(`echo "save"" here"`);
      await guest.until(SAVE);
      while (!guest.errors.includes('snapshot: ')) await guest.pause();
      console.log(guest.errors.trim());
    }
    for (let n = 1; n <= TIMES; n++) {
      const engine = n % 4 === 0 ? 'interpreter' : 'translator';
      await using guest = new LiveGuest([snapshot, '--realtime', '--engine', engine]);
      const begun = performance.now();
      expect(await guest.run(`echo ${n} and $((${n} + 1))`)).toContain(`${n} and ${n + 1}\n`);
      console.log(
        `resumed ${n} of ${TIMES}, ${engine}: a live shell after ${Math.round(performance.now() - begun)} ms`,
      );
      await expectNoFailedUnit(guest);
      const commands = [
        `head -c 3000000 /dev/urandom >/root/written; sha256sum </root/written >/root/sum; sync`,
        'echo 3 >/proc/sys/vm/drop_caches',
        'sha256sum -c /root/sum </root/written; cat /root/before /root/unwritten',
      ];
      expect(await guest.run(commands.join('; '))).toBe('-: OK\nbefore\nunwritten\n');
      await switchOff(guest);
      console.log(`resumed ${n} of ${TIMES}: switched off, ${guest.cpuSeconds} s of CPU`);
    }
  });

  it('does not go on from a snapshot without the overlay that it was taken with', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const snapshot = inDirectory('with-overlay');
    const overlay = inDirectory('its-overlay');
    const options = ['--image', 'debian', '--overlay', overlay, '--console', 'none'];
    // In the middle of the boot, after the kernel has mounted its root.
    const saving = ['--save-snapshot', snapshot, '--limit-instructions', '900000000'];
    expect(plinth('run', ...options, ...saving).stderr).toContain('snapshot: ');
    const resume = ['run', snapshot, '--console', 'none', '--limit-instructions', '900000001'];
    renameSync(overlay, `${overlay}.away`);
    const { status, stderr } = plinth(...resume);
    const what = 'it is the overlay that the guest has written to, and the snapshot cannot go on without it';
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `plinth: ${snapshot}: ${overlay} is not there: ${what}\n`,
    });
    renameSync(`${overlay}.away`, overlay);
    expect(statSync(overlay).size).toBeGreaterThan(0);
    expect(plinth(...resume).stderr).toContain('limit-instructions');
  });
});
