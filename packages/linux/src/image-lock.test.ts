// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ImageUse, lockImage } from './image-lock.js';
import { nativeCalls } from './native-calls.js';
import type { SystemCalls } from './system-calls.js';

const directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
const path = join(directory, 'disk.img');
writeFileSync(path, new Uint8Array(4096));
afterAll(() => rmSync(directory, { recursive: true }));

function use(wanted: ImageUse): { fd: number; answer: string } {
  const fd = openSync(path, wanted === 'write' ? 'r+' : 'r');
  return { fd, answer: lockImage(nativeCalls(), fd, wanted) };
}

describe('the lock of an image', () => {
  it.skipIf(process.platform !== 'linux')('admits one writer or many readers, and ends with the file', () => {
    const writer = use('write');
    const others = [use('write'), use('read')];
    expect([writer, ...others].map(({ answer }) => answer)).toEqual(['locked', 'written', 'written']);
    for (const { fd } of others) closeSync(fd);
    closeSync(writer.fd);
    const readers = [use('read'), use('read'), use('write')];
    expect(readers.map(({ answer }) => answer)).toEqual(['locked', 'locked', 'read']);
    for (const { fd } of readers) closeSync(fd);
    const last = use('write');
    expect(last.answer).toBe('locked');
    closeSync(last.fd);
  });

  it('is QEMU’s', ({ skip }) => {
    skip(spawnSync('qemu-io', ['--version']).status !== 0, 'qemu-io is not installed (package qemu-utils)');
    const qemu = (...options: string[]): string => {
      const { stdout, stderr } = spawnSync('qemu-io', ['-f', 'raw', ...options, '-c', 'read 0 512', path]);
      return `${stdout.toString()}${stderr.toString()}`;
    };
    expect(qemu()).toContain('read 512/512');
    const reader = use('read');
    expect(qemu()).toContain('Failed to get "write" lock');
    expect(qemu('-r')).toContain('read 512/512');
    closeSync(reader.fd);
    const writer = use('write');
    expect(qemu()).toContain('Failed to get "write" lock');
    const copy = ['convert', '-O', 'raw', path, `${path}.copy`];
    expect(spawnSync('qemu-img', copy).stderr.toString()).toContain('Failed to get shared "write" lock');
    closeSync(writer.fd);
  });

  it('is told where there are none', () => {
    const calls = { fcntl: () => -37 } as unknown as SystemCalls;
    expect(lockImage(calls, 3, 'write')).toBe('unsupported');
  });
});
