// SPDX-License-Identifier: Apache-2.0
// Snapshots of Debian's kernel: taken in the middle of a boot and gone on from on either engine; and a booted image that is
// kept, whose resumed runs are the same as those that boot.

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { missingImage, plinth } from './guest.js';

const missing = missingImage();
const directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
const cacheBefore = process.env['XDG_CACHE_HOME'];
const copy = join(directory, 'plinth/images/debian-mini');

beforeAll(() => {
  if (missing !== undefined) return;
  cpSync(plinth('image', 'path', 'debian-mini').stdout.trim(), copy, { recursive: true });
  rmSync(join(copy, 'snapshots'), { recursive: true, force: true });
  process.env['XDG_CACHE_HOME'] = directory;
});
afterAll(() => {
  if (cacheBefore === undefined) delete process.env['XDG_CACHE_HOME'];
  else process.env['XDG_CACHE_HOME'] = cacheBefore;
  rmSync(directory, { recursive: true });
});
beforeEach(({ skip }) => skip(missing !== undefined, missing));

interface Result {
  readonly output?: string;
  readonly stateHash: string;
  readonly counts: Record<string, number>;
}

/** What must be the same, and what standard error says. */
function run(...args: string[]): { readonly same: unknown; readonly errors: string } {
  const { stdout, stderr } = plinth('run', ...args, '--json');
  const { output, stateHash, counts } = JSON.parse(stdout) as Result;
  const { hostTime: _host, ...counted } = counts;
  return { same: { output, stateHash, ...counted }, errors: stderr };
}

it('in the middle of a boot goes on to the same state on either engine', () => {
  const file = join(directory, 'middle');
  const guest = ['--kernel', join(copy, 'Image'), '--initrd', join(copy, 'initramfs.cpio.gz')];
  const fixed = ['--append', 'console=ttyAMA0', '--console', 'none', '--seed', '01', '--wall-clock', '0'];
  const limit = ['--limit-instructions', '75000000'];
  const first = run(...guest, ...fixed, ...limit, '--save-snapshot', file, '--save-at', '60_000_001');
  expect(first.errors).toMatch(
    /^plinth: snapshot: .*middle, [\d.]+ MB, at instruction 60000001\nplinth: stopped at the/,
  );
  expect(run(...guest, ...fixed, ...limit).same).toEqual(first.same);
  for (const engine of [['--engine', 'interpreter'], ['--engine', 'translator'], ['--lockstep']]) {
    expect(run(file, '--console', 'none', ...limit, ...engine).same).toEqual(first.same);
  }
});

it('of the booted image is kept, and makes the same run as a boot', () => {
  const exec = ['--image', 'debian-mini', '--exec', 'date; head -c 8 /dev/urandom | od -An -tx1; echo error >&2'];
  const fixed = [...exec, '--seed', '0123', '--wall-clock', '1700000000'];
  const resumed = /^plinth: resumed from a snapshot of debian-mini, booted [\d: -]+; --cold boots\n$/;
  const cold = run(...fixed, '--cold');
  expect(cold.errors).toBe('');
  expect(cold.same).toMatchObject({
    output: expect.stringMatching(/^Tue Nov 14 22:13:\d\d UTC 2023\n( \w\w){8}\n$/) as string,
  });
  // The first run boots, too.
  expect(run(...fixed)).toEqual(cold);
  const [name] = readdirSync(join(copy, 'snapshots'));
  for (const engine of [['--engine', 'translator'], ['--engine', 'interpreter'], ['--lockstep']]) {
    const { same, errors } = run(...fixed, ...engine);
    expect(same).toEqual(cold.same);
    expect(errors).toMatch(resumed);
  }
  // Another seed: other random numbers, from the same snapshot.
  const other = run(...exec, '--seed', '45', '--wall-clock', '1700000000');
  expect(other.errors).toMatch(resumed);
  expect(other.same).not.toEqual(cold.same);

  const path = join(copy, 'snapshots', name!);
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(path, bytes);
  expect(run(...fixed)).toEqual(cold);
  expect(readdirSync(join(copy, 'snapshots'))).toEqual([name]);
  expect(run(...fixed).errors).toMatch(resumed);
});
