// SPDX-License-Identifier: Apache-2.0
// What holds for every verb: exit statuses, one line for each failure, help with examples, JSON, no colour in a pipe.

import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PLINTH = join(import.meta.dirname, '../../packages/cli/bin/plinth.js');
const home = mkdtempSync(join(tmpdir(), 'plinth-test-'));
afterAll(() => rmSync(home, { recursive: true }));

function plinth(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PLINTH, ...args], {
    encoding: 'utf8',
    cwd: home,
    env: { ...process.env, XDG_CACHE_HOME: home, PLINTH_DEBUG: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { status, stdout, stderr };
}

const wrongUse = (message: string): { status: number; stdout: string; stderr: string } => ({
  status: 2,
  stdout: '',
  stderr: `plinth: ${message}\n`,
});

describe('wrong use is one line and status 2', () => {
  it.each([
    [[], 'a verb is missing: see "plinth --help"'],
    [['unheard-of'], 'unknown command \'unheard-of\': see "plinth --help"'],
    [['prob'], 'unknown command \'prob\' (did you mean probe?): see "plinth --help"'],
    [['--bogus'], 'unknown option \'--bogus\': see "plinth --help"'],
    [['run', '--bogus'], 'unknown option \'--bogus\': see "plinth --help"'],
    [['run', '--memory'], 'option \'--memory <SIZE>\' argument missing: see "plinth --help"'],
    [['run'], 'nothing to run is given: name an image, a kernel, a program or a snapshot'],
    [['run', 'absent.elf'], 'file: absent.elf: there is no such file'],
    [['run', '--kernel', 'absent'], 'kernel: absent: there is no such file'],
    [['run', '--image', '../etc'], 'no guest image "../etc": there is debian, debian-mini'],
    [['image', 'pull', '..'], 'no guest image "..": there is debian, debian-mini'],
    [['image', 'path', 'debian-mini'], 'image debian-mini is not here: run "plinth image pull debian-mini"'],
    [['run', 'a', 'b'], 'file: a: there is no such file'],
    [['image', 'path'], 'missing required argument \'NAME\': see "plinth --help"'],
    [['image', 'rm', 'other'], 'no guest image "other": there is debian, debian-mini'],
  ])('plinth %j', (args, message) => {
    expect(plinth(...args)).toEqual(wrongUse(message));
  });
});

it('a failure of ours is 125 where a program’s own status is passed on', () => {
  expect(plinth('run', 'absent.elf', '--semihosting').status).toBe(125);
});

it('a host without a package client is status 3, with what is missing', () => {
  const result = spawnSync(process.execPath, [PLINTH, 'image', 'pull', 'debian-mini'], {
    encoding: 'utf8',
    env: { ...process.env, XDG_CACHE_HOME: home, PATH: home },
  });
  expect(result.status).toBe(3);
  expect(result.stderr.trimEnd().split('\n').at(-1)).toMatch(
    /^plinth: (apt-get: the package client|no Debian archive)/,
  );
  expect(readdirSync(home)).not.toContain('plinth');
});

it.each([
  ['--help'],
  ...['run', 'record', 'replay', 'top', 'probe', 'image', 'doctor', 'bench'].map((verb) => [verb, '--help']),
])('plinth %s %s shows examples', (...args) => {
  const { status, stdout, stderr } = plinth(...args);
  expect(status).toBe(0);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/\nExamples:\n {2}(plinth|ls) /);
});

describe('machine-readable output', () => {
  it('of image list', () => {
    const { status, stdout } = plinth('image', 'list', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      { name: 'debian', state: 'not pulled' },
      { name: 'debian-mini', state: 'not pulled' },
    ]);
  });

  it('of doctor, and no colour in the plain form', () => {
    const { probes } = JSON.parse(plinth('doctor', '--json').stdout) as { probes: { name: string; answer: string }[] };
    expect(probes.find(({ name }) => name === 'Node.js')?.answer).toBe('yes');
    expect(probes.filter(({ answer }) => !['yes', 'no', 'unknown'].includes(answer))).toEqual([]);
    expect(plinth('doctor').stdout).not.toContain('\x1b');
  });
});

it('doctor --clean removes what a killed run left, and nothing that a living one uses', () => {
  const images = join(home, 'plinth', 'images');
  const dead = join(images, '.plinth-image-4194305-AbCdEf'); // above the largest process id of Linux
  const alive = join(images, `.plinth-image-${process.pid}-AbCdEf`);
  for (const path of [dead, alive]) {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'Image'), 'part of it');
  }
  expect(plinth('doctor').stdout).toContain(`${dead}: left by a killed run`);
  expect(plinth('doctor', '--clean').stdout).toContain(`${dead}: removed`);
  expect(readdirSync(images)).toEqual([`.plinth-image-${process.pid}-AbCdEf`]);
  rmSync(join(home, 'plinth'), { recursive: true });
});

describe('the kept interpreter', () => {
  const directory = join(home, 'plinth', 'interpreter');
  const run = 'run --kernel spin --memory 16M --limit-instructions 100 --console none --json'.split(' ');
  beforeAll(() => writeFileSync(join(home, 'spin'), Buffer.alloc(4096, Uint8Array.of(0xfe, 0xff, 0xff, 0xea)))); // b .

  it('is made by several processes at once, and gives them and a later one the same run', async () => {
    const env = { ...process.env, XDG_CACHE_HOME: home, PLINTH_DEBUG: '' };
    const same = [...run, '--seed', '00', '--wall-clock', '0'];
    const start = (): Promise<string> =>
      promisify(execFile)(process.execPath, [PLINTH, ...same], { cwd: home, env }).then(
        ({ stdout }) => stdout,
        (error: { stdout: string }) => error.stdout, // a limit is no success
      );
    const results = [...(await Promise.all([start(), start(), start()])), await start()];
    const hashes = results.map((text) => (JSON.parse(text) as { stateHash: string }).stateHash);
    expect(hashes).toEqual(Array(4).fill(hashes[0]));
    expect(readdirSync(directory)).toEqual([expect.stringMatching(/^interpreter-[0-9a-f]{64}\.wasm$/)]);
  });

  it('is shown by doctor, which removes those of other versions', () => {
    plinth(...run);
    const [name] = readdirSync(directory);
    const other = join(directory, 'interpreter-0.wasm');
    const dead = join(directory, '.plinth-interpreter-4194305-AbCdEf');
    for (const path of [other, dead]) writeFileSync(path, '');
    const told = plinth('doctor').stdout;
    expect(told).toMatch(new RegExp(`^yes +kept interpreter .*${name}$`, 'm'));
    expect(told).toContain(`${other}: of another version`);
    expect(told).toContain(`${dead}: left by a killed run`);
    expect(plinth('doctor', '--clean').stdout).toContain(`${other}: removed`);
    expect(readdirSync(directory)).toEqual([name]);
  });
});
