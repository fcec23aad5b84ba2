// SPDX-License-Identifier: Apache-2.0
// Snapshot files on the command line: saved and gone on from, and one line for each that cannot be. The kernel is a page
// of zeros, which are instructions that do nothing.

import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from '@plinth/core';
import { afterAll, beforeAll, expect, it } from 'vitest';

const PLINTH = join(import.meta.dirname, '../../packages/cli/bin/plinth.js');
const home = mkdtempSync(join(tmpdir(), 'plinth-test-'));
afterAll(() => rmSync(home, { recursive: true }));

function plinth(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PLINTH, 'run', ...args], {
    encoding: 'utf8',
    cwd: home,
    env: { ...process.env, PLINTH_DEBUG: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 300_000,
  });
  return { status, stdout, stderr };
}

const FIXED = ['--kernel', 'zeros', '--memory', '16M', '--console', 'none', '--seed', '01', '--wall-clock', '5'];
const until = (count: number): string[] => ['--limit-instructions', String(count)];

let saved: ReturnType<typeof plinth>;
beforeAll(() => {
  writeFileSync(join(home, 'zeros'), new Uint8Array(4096));
  saved = plinth(...FIXED, ...until(1000), '--save-snapshot', 'saved');
});

it('is saved at the end of a run, and told', () => {
  const { status, stderr } = saved;
  expect({ status, stderr: stderr.replace(/[\d.]+ MB/, 'N MB') }).toEqual({
    status: 1,
    stderr:
      'plinth: snapshot: saved, N MB, at instruction 1000\nplinth: stopped at the limit of --limit-instructions\n',
  });
});

it('goes on with what it was taken with', () => {
  const straight = JSON.parse(plinth(...FIXED, ...until(2000), '--json').stdout) as Record<string, unknown>;
  const resumed = JSON.parse(plinth('saved', '--console', 'none', ...until(2000), '--json').stdout) as typeof straight;
  expect(resumed['stateHash']).toBe(straight['stateHash']);
  expect(resumed['spec']).toMatchObject({
    snapshot: 'saved',
    machine: 'virt',
    memory: 16 << 20,
    seed: '01',
    wallClock: 5,
  });
  expect(plinth('saved', ...until(2000), '--append', 'x').stderr).toBe(
    'plinth: append: a snapshot goes on with what it was taken with: leave this option out\n',
  );
  expect(plinth('saved', ...until(2000), '--memory', '32M').stderr).toBe(
    'plinth: memory: saved was taken with 16777216: leave this option out\n',
  );
});

it('finds its disks from any folder, and says in one line which is gone or another one', () => {
  const disks = join(home, 'disks');
  mkdirSync(disks);
  writeFileSync(join(disks, 'kept.img'), new Uint8Array(4096));
  writeFileSync(join(disks, 'forgotten.img'), new Uint8Array(4096));
  const drives = ['--drive', 'disks/kept.img,format=raw,overlay=disks/kept.overlay'];
  drives.push('--drive', 'disks/forgotten.img,format=raw,snapshot');
  expect(plinth(...FIXED, ...drives, ...until(1000), '--save-snapshot', 'disks/saved').stderr).toContain('snapshot: ');
  const snapshot = join(disks, 'saved');
  const resume = (): string => {
    const options = ['run', snapshot, '--console', 'none', ...until(2000)];
    const { status, stderr } = spawnSync(process.execPath, [PLINTH, ...options], { encoding: 'utf8', cwd: '/' });
    return `${status}: ${stderr}`.replaceAll(disks, 'DISKS');
  };
  const goesOn = '1: plinth: stopped at the limit of --limit-instructions\n';
  expect(resume()).toBe(goesOn);
  expect(resume()).toBe(goesOn);
  // A snapshot of what goes on from a snapshot knows them, too.
  const second = join(disks, 'second');
  plinth('disks/saved', '--console', 'none', ...until(1500), '--save-snapshot', second);
  cpSync(second, snapshot);
  expect(resume()).toBe(goesOn);

  const without = (name: string, complaint: string): void => {
    const path = join(disks, name);
    renameSync(path, `${path}.away`);
    expect(resume()).toBe(`2: plinth: DISKS/saved: DISKS/${complaint}\n`);
    expect(existsSync(path)).toBe(false);
    renameSync(`${path}.away`, path);
  };
  const why = 'and the snapshot cannot go on without it';
  without('kept.overlay', `kept.overlay is not there: it is the overlay that the guest has written to, ${why}`);
  without('forgotten.img', `forgotten.img is not there: it is a disk of the guest, ${why}`);
  expect(resume()).toBe(goesOn);
  writeFileSync(join(disks, 'forgotten.img'), new Uint8Array(4096).fill(1));
  expect(resume()).toBe(
    '2: plinth: DISKS/forgotten.img: it is not as it was when the snapshot or the recording was made, which needs the disk of that moment: its content is another\n',
  );
});

it('is refused in one line when it is damaged, cut short or of another format', () => {
  const bytes = readFileSync(join(home, 'saved'));
  const broken = (name: string, change: (copy: Buffer) => Buffer): string => {
    writeFileSync(join(home, name), change(Buffer.from(bytes)));
    return name;
  };
  const flipped = broken('flipped', (copy) => ((copy[300]! ^= 4), copy));
  const cut = broken('cut', (copy) => copy.subarray(0, 500));
  const later = broken('later', (copy) => {
    copy.writeUInt16LE(9, 8);
    copy.writeUInt32LE(crc32(copy.subarray(0, 18)), 18);
    return copy;
  });
  for (const [name, message] of [
    [flipped, /^plinth: flipped: section [\w.-]+ is damaged at byte \d+; take a new snapshot\n$/],
    [cut, /^plinth: cut: ends at byte 500, before its last section does; take a new snapshot\n$/],
    [later, /^plinth: later: has snapshot format 9, this plinth reads format 1; take a new snapshot\n$/],
  ] as const) {
    const { status, stdout, stderr } = plinth(name);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
  }
});

it('that cannot be written is one line, and leaves nothing', () => {
  const before = readdirSync(home);
  const { status, stderr } = plinth(...FIXED, ...until(10), '--save-snapshot', 'no/such');
  expect({ status, stderr }).toEqual({
    status: 3,
    stderr: 'plinth: save-snapshot: no/such: cannot be written: there is no such folder; nothing was saved\n',
  });
  expect(readdirSync(home)).toEqual(before);
});

it('whose place is never reached is told, and is a failure', () => {
  const { status, stderr } = plinth(...FIXED, ...until(10), '--save-snapshot', 'never', '--save-at', 'login:');
  expect(status).toBe(1);
  expect(stderr).toMatch(/^plinth: no snapshot: the run ended before "login:"\n/);
  expect(existsSync(join(home, 'never'))).toBe(false);
});
