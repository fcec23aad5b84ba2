// SPDX-License-Identifier: Apache-2.0
// Options and guest files to a RunSpec, and one line for each thing that is wrong with them.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { PlinthError } from '@plinth/core';
import { buildRunSpec, parseSize } from './run-options.js';
import type { RunOptions } from './run-options.js';

const directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

function complaint(options: RunOptions, path?: string): string {
  try {
    buildRunSpec(options, path, false);
  } catch (error) {
    if (error instanceof PlinthError && error.kind === 'input') return error.message.replaceAll(directory, 'DIR');
    throw error;
  }
  return 'none';
}

describe('buildRunSpec', () => {
  it('takes options as QEMU users write them', () => {
    const options = {
      kernel: 'zImage',
      memory: '256M',
      'limit-instructions': '1_000',
      'limit-seconds': '0.5',
      'limit-output': '4K',
    };
    expect(buildRunSpec(options, undefined, false)).toMatchObject({
      kernel: 'zImage',
      memory: 268435456,
      limits: { instructions: 1000, seconds: 0.5, output: 4096 },
      realtime: false,
    });
  });

  it('chooses a new seed and the time of day, and says which, so that a run can be repeated', () => {
    const first = buildRunSpec({ image: 'debian-mini', exec: 'true' }, undefined, false);
    const { seed, wallClock } = first;
    expect(seed).toMatch(/^[0-9a-f]{64}$/);
    expect(buildRunSpec({ kernel: 'a' }, undefined, false).seed).not.toBe(seed);
    expect(Math.abs(wallClock - Date.now() / 1000)).toBeLessThan(600);
    const again = { image: 'debian-mini', exec: 'true', seed: seed.toUpperCase(), 'wall-clock': String(wallClock) };
    expect(buildRunSpec(again, undefined, false)).toEqual(first);
  });

  it.each([
    ['0', 0],
    ['1700000000', 1_700_000_000],
    ['2025-01-31T12:00:00Z', 1_738_324_800],
    ['2025-01-31 13:00:00.7+01:00', 1_738_324_800],
  ])('takes %s as a time', (text, seconds) => {
    expect(buildRunSpec({ kernel: 'a', 'wall-clock': text }, undefined, false).wallClock).toBe(seconds);
  });

  it('gives every command another marker', () => {
    const marker = (): string => buildRunSpec({ image: 'debian-mini', exec: 'true' }, undefined, true).exec!.marker;
    expect(marker()).toMatch(/^[0-9a-f]{32}$/);
    expect(marker()).not.toBe(marker());
  });

  it('keeps real time where someone is on the other side', () => {
    const realtime = (options: RunOptions, terminal: boolean): boolean =>
      buildRunSpec({ image: 'debian-mini', ...options }, undefined, terminal).realtime;
    expect(realtime({}, true)).toBe(true);
    expect(realtime({}, false)).toBe(false);
    expect(realtime({ realtime: true }, false)).toBe(true);
    expect(realtime({ console: 'pty' }, false)).toBe(true);
    expect(realtime({ console: 'none' }, true)).toBe(false);
    expect(realtime({ exec: 'true' }, true)).toBe(false);
  });

  it('tells a program from a guest file by content', () => {
    const program = file('program', Buffer.from('\x7fELF\x01\x01\x01\0'));
    expect(buildRunSpec({ semihosting: true }, program, false)).toMatchObject({ program, semihosting: true });
    const guest = file('guest', 'kernel: zImage\nmemory: 64M\nappend: quiet\nlimit-seconds: 9\nlockstep: true\n');
    expect(buildRunSpec({ memory: '128M' }, guest, false)).toMatchObject({
      kernel: join(directory, 'zImage'),
      memory: 134217728,
      append: 'quiet',
      lockstep: true,
      limits: { seconds: 9 },
    });
  });

  it.each([
    [{}, undefined, 'nothing to run is given: name an image, a kernel, a program or a snapshot'],
    [{ kernel: 'a', memory: '1 GB' }, undefined, 'memory: "1 GB" is no size: write for example 256M'],
    [{ kernel: 'a', memory: '0' }, undefined, 'memory: "0" is no size: write for example 256M'],
    [{ kernel: 'a', 'limit-seconds': 'x' }, undefined, 'limit-seconds: "x" is no number above 0'],
    [{ kernel: 'a', 'limit-instructions': '' }, undefined, 'limit-instructions: "" is no number above 0'],
    [{ kernel: 'a', seed: 'xyz' }, undefined, 'seed: 1 to 64 bytes in hexadecimal are needed'],
    [
      { kernel: 'a', 'wall-clock': 'noon' },
      undefined,
      'wall-clock: "noon" is no time: write seconds since 1970, or a date like 2025-01-31T12:00:00Z, up to 2106',
    ],
    [{}, 'absent', 'file: DIR/absent: there is no such file'],
    [{}, '.', 'file: DIR: this is a directory'],
  ])('complains about %j %s', (options, name, message) => {
    expect(complaint(options, name === undefined ? undefined : join(directory, name))).toBe(message);
  });

  it.each([
    ['number', 'kernel: 5\nseed: 1234\n', /^(kernel|seed): a text is needed/],
    ['list', '- a\n', 'DIR/list: not a guest file: it must hold options, one "name: value" a line'],
    ['odd', 'colour: red\n', 'DIR/odd: colour: there is no such option'],
    ['broken', 'kernel: [a\n', /^DIR\/broken: not a guest file: /],
    ['binary', 'MZ\0\0', /^DIR\/binary: no ELF program, no snapshot and no guest file/],
  ])('complains about the guest file %s', (name, content, message) => {
    expect(complaint({}, file(name, content))).toMatch(message);
  });

  it('takes a snapshot by its content, and refuses what contradicts it by name', () => {
    const path = file('saved', Uint8Array.of(0x89, 0x50, 0x4c, 0x53, 0x0d, 0x0a, 0x1a, 0x0a));
    const resumed = { engine: 'interpreter', 'save-snapshot': 'next', 'save-at': '5_000', 'limit-seconds': '3' };
    expect(buildRunSpec(resumed, path, false)).toMatchObject({
      snapshot: path,
      engine: 'interpreter',
      saveSnapshot: 'next',
      saveAt: 5000,
      limits: { seconds: 3 },
    });
    expect(buildRunSpec({ 'save-snapshot': 'next', 'save-at': 'login:' }, path, false).saveAt).toBe('login:');
    for (const [name, value] of Object.entries({
      append: 'x',
      seed: '01',
      machine: 'virt',
      exec: 'true',
      stock: true,
    })) {
      expect(() => buildRunSpec({ [name]: value }, path, false)).toThrow(
        `${name}: a snapshot goes on with what it was`,
      );
    }
  });
});

it('parseSize knows powers of 1024', () => {
  expect(['512', '4k', '256M', '1G', '2MiB', '3KB'].map((text) => parseSize(text, 'x'))).toEqual([
    512, 4096, 268435456, 1073741824, 2097152, 3072,
  ]);
});
