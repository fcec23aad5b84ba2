// SPDX-License-Identifier: Apache-2.0
// Recordings on the command line: made, replayed, and one line for each that cannot be. The kernel is a page of zeros,
// which are instructions that do nothing.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const PLINTH = join(import.meta.dirname, '../../packages/cli/bin/plinth.js');
const home = mkdtempSync(join(tmpdir(), 'plinth-test-'));
afterAll(() => rmSync(home, { recursive: true }));

function plinth(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PLINTH, ...args], { encoding: 'utf8', cwd: home });
  return { status, stdout, stderr };
}

const LIMITED = ['--kernel', 'zeros', '--memory', '16M', '--console', 'none', '--limit-instructions', '3000'];
const stops = 'plinth: stopped at the limit of --limit-instructions\n';

beforeAll(() => {
  writeFileSync(join(home, 'zeros'), new Uint8Array(8192));
  const { status, stderr } = plinth('record', ...LIMITED, '-o', 'a.rec');
  if (status !== 1) throw new Error(stderr);
});

it('is made by either spelling, readable by its owner alone, and replayed', () => {
  const made = /^plinth: recording: b\.rec, 0\.00 MB; plinth replay b\.rec\n/;
  const { status, stderr } = plinth('run', ...LIMITED, '--record', 'b.rec');
  expect([status, stderr.replace(made, '')]).toEqual([1, stops]);
  expect(statSync(join(home, 'b.rec')).mode & 0o777).toBe(0o600);
  for (const file of ['a.rec', 'b.rec']) {
    const replayed = plinth('replay', file);
    expect([replayed.status, replayed.stdout]).toEqual([0, '']);
    expect(replayed.stderr).toMatch(/^plinth: replay: the same to its end: 2 checkpoints, \d of them with all of RAM;/);
  }
  const { stdout } = plinth('replay', 'a.rec', '--json', '--until', '2_000', '--engine', 'interpreter');
  expect(JSON.parse(stdout)).toMatchObject({ agrees: true, atEnd: false, counts: { instructions: 2000 } });
});

it.each([
  [['replay'], 'missing required argument \'FILE\': see "plinth --help"'],
  [['replay', 'absent.rec'], 'recording: absent.rec: there is no such file'],
  [['replay', 'zeros'], 'zeros: this is no recording'],
  [['replay', 'a.rec', '--until', 'x'], 'until: "x" is no number of instructions'],
  [['replay', 'a.rec', '--gdb', 'x'], 'gdb: "x" is no place to listen: write PORT or HOST:PORT'],
  [
    ['replay', 'a.rec', '--drive', 'zeros'],
    'drive: 1 given, where the recording has 0: name all of its disks, or none',
  ],
  [
    ['record', 'a', 'b', '-o', 'c'],
    'too many arguments for \'record\'. Expected 1 argument but got 2: see "plinth --help"',
  ],
  [['record', ...LIMITED, '-o', 'zeros'], 'record: zeros: this file is there and is no recording: name another one'],
  [['record', ...LIMITED, '--lockstep', '-o', 'c'], 'record: not together with lockstep: a replay compares'],
  [['run', ...LIMITED, '--embed'], 'embed: is about a recording: record'],
])('plinth %j', (args, message) => {
  expect(plinth(...args)).toEqual({ status: 2, stdout: '', stderr: `plinth: ${message}\n` });
});

it('knows its kernel by its content, wherever it is', () => {
  renameSync(join(home, 'zeros'), join(home, 'moved'));
  const absent = plinth('replay', 'a.rec');
  expect([absent.status, absent.stderr]).toEqual([2, `plinth: kernel: ${home}/zeros: there is no such file\n`]);
  expect(plinth('replay', 'a.rec', '--kernel', 'moved').status).toBe(0);
  writeFileSync(join(home, 'zeros'), new Uint8Array(8192).fill(1));
  expect(plinth('replay', 'a.rec').stderr).toBe(
    `plinth: ${home}/zeros: this is not the kernel that was recorded: say where that is (--kernel FILE), or record with --embed\n`,
  );
  renameSync(join(home, 'moved'), join(home, 'zeros'));
});

it('embedded needs no file, cut short is good up to there, and damaged is refused', () => {
  expect(plinth('record', ...LIMITED, '--embed', '-o', 'c.rec').status).toBe(1);
  renameSync(join(home, 'zeros'), join(home, 'moved'));
  expect(plinth('replay', 'c.rec').status).toBe(0);
  renameSync(join(home, 'moved'), join(home, 'zeros'));
  const bytes = readFileSync(join(home, 'c.rec'));
  writeFileSync(join(home, 'cut.rec'), bytes.subarray(0, bytes.length - 20));
  const cut = plinth('replay', 'cut.rec');
  expect([cut.status, cut.stderr.split('\n')[0]]).toEqual([
    0,
    expect.stringMatching(/^plinth: cut\.rec: the recording was cut short at byte \d+, and is good up to there$/),
  ]);
  bytes[bytes.length - 20]! ^= 1;
  writeFileSync(join(home, 'damaged.rec'), bytes);
  expect(plinth('replay', 'damaged.rec')).toEqual({
    status: 2,
    stdout: '',
    stderr: expect.stringMatching(
      /^plinth: damaged\.rec: section end is damaged at byte \d+; record it again\n$/,
    ) as string,
  });
});
