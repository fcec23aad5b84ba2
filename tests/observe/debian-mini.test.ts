// SPDX-License-Identifier: Apache-2.0
// Debian's kernel, recorded while somebody types: replayed by other processes on either engine with equal states, cut off
// by kill -9, with disks that have changed, and gone back in.

import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { missingImage, plinth } from '../boot/guest.js';
import { LiveGuest } from '../boot/live-guest.js';
import { expectExactPast, readRecording } from './past.js';

const missing = missingImage();
beforeEach(({ skip }) => skip(missing !== undefined, missing));

const directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
afterAll(() => rmSync(directory, { recursive: true }));
const inDirectory = (name: string): string => join(directory, name);

const PROMPT = 'plinth:~# ';
const STEPS = process.env['PLINTH_LONG'] === '1' ? 1000 : 40;

interface ReplayResult {
  readonly agrees: boolean;
  readonly atEnd: boolean;
  readonly stateHash: string;
  readonly recordedStateHash: string;
  readonly checkpoints: { readonly checkpoints: number; readonly withRam: number };
  readonly difference?: unknown;
}

/** Replays in a process of its own; the console's output and the result. */
function replay(file: string, ...options: string[]): { console: string; result: ReplayResult; status: number | null } {
  const { status, stdout, stderr } = plinth('replay', file, '--json', ...options);
  return { status, console: stderr, result: JSON.parse(stdout) as ReplayResult };
}

/** Records a session at the shell; what was on the console. */
async function recordSession(file: string, ...options: string[]): Promise<string> {
  await using guest = new LiveGuest(['--image', 'debian-mini', '--record', file, ...options]);
  let console = await guest.until(PROMPT);
  for (const line of ['echo $((6 * 7))', 'head -c 16 /dev/urandom | od -An -tx1', 'date; ls /proc | wc -l']) {
    guest.type(line);
    console += PROMPT + (await guest.until(PROMPT));
  }
  guest.type('poweroff -f');
  console += PROMPT + (await guest.until('reboot: Power down'));
  expect(await guest.end(), guest.errors).toBe(0);
  expect(guest.errors).toMatch(new RegExp(`^plinth: recording: ${file}, [\\d.]+ MB; plinth replay ${file}$`, 'm'));
  return console;
}

it('typed at is the same run in other processes, on either engine', async () => {
  const file = inDirectory('session.rec');
  const console = await recordSession(file);
  expect(console).toContain('\n42\r\n');
  expect(statSync(file).size).toBeLessThan(20_000);
  const results = ['interpreter', 'translator'].map((engine) => replay(file, '--engine', engine));
  for (const { status, result, console: seen } of results) {
    expect(status).toBe(0);
    expect(result).toMatchObject({ agrees: true, atEnd: true, stateHash: result.recordedStateHash });
    expect(result.checkpoints.checkpoints).toBeGreaterThan(8);
    expect(result.checkpoints.withRam).toBeGreaterThan(1);
    expect(seen).toContain(console);
  }
  expect(results[0]!.result.checkpoints).toEqual(results[1]!.result.checkpoints);
});

it('in real time, on two CPUs, saved between and reset, is the same run with the same output', async () => {
  const [file, saved] = [inDirectory('live.rec'), inDirectory('live.snapshot')];
  const options = ['--realtime', '--cpus', '2', '--save-snapshot', saved, '--save-at', 'Run /init'];
  let console = '';
  {
    await using guest = new LiveGuest(['--image', 'debian-mini', '--record', file, ...options]);
    for (const [text, answer] of [
      [PROMPT, 'reboot -f'],
      ['Linux version', ''],
      [PROMPT, 'poweroff -f'],
      ['reboot: Power down', ''],
    ] as const) {
      console += (await guest.until(text)) + text;
      if (answer !== '') guest.type(answer);
    }
    expect(await guest.end(), guest.errors).toBe(0);
    expect(guest.errors).toContain('snapshot: ');
  }
  const { status, stdout, stderr } = plinth('replay', file);
  expect(stderr).toMatch(/^plinth: replay: the same to its end: /);
  // A slice may have ended in the midst of the mark by which the guest says that it is ready, which is shown then.
  const [seen, again] = [Buffer.from(console, 'latin1').toString(), stdout].map((text) =>
    text.replaceAll(/\p{Cc}\][plinth ready]*\p{Cc}?/gu, ''),
  );
  expect([status, again!.slice(0, seen!.length)]).toEqual([0, seen]);
});

it('embedded needs no other file', () => {
  const file = inDirectory('embedded.rec');
  const kernel = inDirectory('Image');
  const image = plinth('image', 'path', 'debian-mini').stdout.trim();
  copyFileSync(join(image, 'Image'), kernel);
  const run = ['--kernel', kernel, '--initrd', join(image, 'initramfs.cpio.gz'), '--limit-instructions', '30_000_000'];
  const record = (...options: string[]): unknown =>
    plinth('record', ...run, '--console', 'none', '-o', file, ...options).status;
  expect(record()).toBe(1);
  expect(replay(file).result).toMatchObject({ agrees: true, atEnd: true });
  expect(record('--embed')).toBe(1);
  rmSync(kernel);
  expect(replay(file).result).toMatchObject({ agrees: true, atEnd: true });
  writeFileSync(kernel, 'another');
  expect(record()).toBe(2);
});

it('whose recorder is killed is good up to there', async () => {
  const file = inDirectory('killed.rec');
  {
    await using guest = new LiveGuest(['--image', 'debian-mini', '--record', file]);
    await guest.until(PROMPT);
    guest.type('echo "la""st"');
    await guest.until('last\r\n');
    // What was typed is in the file when it has grown twice.
    for (let growths = 0, size = statSync(file).size; growths < 2;) {
      await guest.run('true');
      if (statSync(file).size > size) growths++;
      size = statSync(file).size;
    }
    // Killed by the end of this block.
  }
  const { status, stdout, stderr } = plinth('replay', file);
  expect(status).toBe(0);
  expect(stderr).toMatch(/the recording was cut short.*, and is good up to there\n.*replay: the same to its end/);
  expect(stdout).toContain('last\r\n');
});

it('replays do not change a disk, and refuse one that was changed', () => {
  const [file, disk] = [inDirectory('disk.rec'), inDirectory('disk.img')];
  writeFileSync(disk, new Uint8Array(1 << 20).fill(0x61));
  const before = readFileSync(disk);
  const kept = inDirectory('kept.img');
  copyFileSync(disk, kept);
  const image = plinth('image', 'path', 'debian-mini').stdout.trim();
  const run = ['--kernel', join(image, 'Image'), '--initrd', join(image, 'initramfs.cpio.gz'), '--console', 'none'];
  const limits = ['--limit-instructions', '40_000_000'];
  const recorded = plinth('record', ...run, ...limits, '--drive', disk, '-o', file);
  expect(recorded.stderr).toContain('is written itself: a replay needs a copy of it as it is now');
  expect(replay(file).result).toMatchObject({ agrees: true });
  expect(Buffer.compare(readFileSync(disk), before)).toBe(0);
  writeFileSync(disk, new Uint8Array(1 << 20).fill(0x62));
  const changed = plinth('replay', file);
  expect([changed.status, changed.stderr]).toEqual([
    2,
    `plinth: ${disk}: it is not as it was when the snapshot or the recording was made, which needs the disk of that moment: its content is another\n`,
  ]);
  expect(replay(file, '--drive', kept).result).toMatchObject({ agrees: true });
  rmSync(disk);
  expect(plinth('replay', file).stderr).toMatch(/^plinth: .*disk.img is not there: it is a disk of the guest/);
});

it(`is in the past what it was, at ${STEPS} random places`, async () => {
  const file = inDirectory('history.rec');
  await recordSession(file);
  const history = await expectExactPast(await readRecording(file), STEPS, 10);
  expect(history.size.bytes).toBeLessThanOrEqual(512 * 1024 * 1024);
});
