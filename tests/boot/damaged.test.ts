// SPDX-License-Identifier: Apache-2.0
// The real kernel cut short or given too little memory, and a cached image that has gone bad: one line and status 2.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { missingImage, plinth } from './guest.js';

const missing = missingImage();
const directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

beforeEach(({ skip }) => skip(missing !== undefined, missing));

function imagePath(): string {
  return plinth('image', 'path', 'debian-mini').stdout.trim();
}

function expectLine(status: number, part: string, ...args: string[]): void {
  const result = plinth(...args);
  expect({ status: result.status, stdout: result.stdout }, result.stderr).toEqual({ status, stdout: '' });
  expect(result.stderr).toMatch(/^plinth: [^\n]*\n$/);
  expect(result.stderr).toContain(part);
}

describe('Debian’s kernel', () => {
  it.each([4096, 65_536, 2_700_000, -1])('after %i bytes is cut short', (length) => {
    const kernel = join(directory, 'vmlinuz');
    writeFileSync(kernel, readFileSync(join(imagePath(), 'vmlinuz')).subarray(0, length));
    expectLine(2, 'it is cut short or damaged', 'run', '--kernel', kernel);
  });

  it('unpacked, has no length in it, so that one cut short is a finding', () => {
    const kernel = join(directory, 'Image');
    for (const length of [4096, 1_000_000, 10_000_000]) {
      writeFileSync(kernel, readFileSync(join(imagePath(), 'Image')).subarray(0, length));
      expectLine(1, 'finding: the guest faults for ever', 'run', '--kernel', kernel);
    }
  });

  it('needs more than a megabyte', () => {
    expectLine(2, 'the machine has 1 MiB: give it more', 'run', '--image', 'debian-mini', '--memory', '1M');
    const kernel = join(imagePath(), 'vmlinuz');
    expectLine(2, 'the machine has 1 MiB: give it more', 'run', '--kernel', kernel, '--memory', '1M');
  });

  it('that panics ends the run of a command', () => {
    const { status, stdout, stderr } = plinth('run', '--image', 'debian-mini', '--memory', '32M', '--exec', 'true');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(
      /^[^\n]*Kernel panic[^\n]*deadlocked on memory\r?\nplinth: the command did not end: [^\n]*\n$/,
    );
  });
});

it.each(['Image', 'initramfs.cpio.gz'])('one wrong byte of a cached %s is seen', (name) => {
  const copy = join(directory, 'plinth/images/debian-mini');
  cpSync(imagePath(), copy, { recursive: true });
  const bytes = readFileSync(join(copy, name));
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(join(copy, name), bytes);
  const before = process.env['XDG_CACHE_HOME'];
  process.env['XDG_CACHE_HOME'] = directory;
  try {
    const part = `${name}: not what was downloaded (wrong SHA-256): run "plinth image pull debian-mini" to mend it`;
    expectLine(2, part, 'run', '--image', 'debian-mini', '--cold', '--exec', 'true');
  } finally {
    if (before === undefined) delete process.env['XDG_CACHE_HOME'];
    else process.env['XDG_CACHE_HOME'] = before;
  }
});
