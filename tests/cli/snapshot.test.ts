// SPDX-License-Identifier: Apache-2.0
// Snapshot files on the command line: saved and gone on from, and one line for each that cannot be. The kernel is a page
// of zeros, which are instructions that do nothing.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
