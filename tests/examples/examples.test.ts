// SPDX-License-Identifier: Apache-2.0
// The examples print what they say they print, and the lines of the README are a program. Brings the guest image if it is
// not cached.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { missingImage, plinth } from '../boot/guest.js';
import { ROOT, runExample, runProgram } from './typescript.js';

const missing = missingImage();
const image = (): string => plinth('image', 'path', 'debian-mini').stdout.trim();

/** The comment at the end of an example. */
function promised(name: string): string {
  const [, comment = ''] = readFileSync(join(ROOT, 'examples', `${name}.ts`), 'utf8').split('\n// Prints:\n');
  return comment.replaceAll(/^\/\/ {3}/gm, '');
}

describe('examples', () => {
  it.for(['who-writes', 'uart-test'])('%s', (name) => {
    expect(runExample(name)).toEqual({ status: 0, stdout: promised(name), stderr: '' });
  });

  it('boot-and-type', ({ skip }) => {
    skip(missing !== undefined, missing);
    const name = 'boot-and-type';
    expect(runExample(name, image())).toEqual({ status: 0, stdout: promised(name), stderr: '' });
  });

  it('have the machine code that their comments say', ({ skip }) => {
    const assembler = spawnSync('arm-none-eabi-as', ['--version']).status === 0;
    skip(!assembler, 'arm-none-eabi-as is not installed');
    const names = ['who-writes', 'uart-test'];
    expect(names.map((name) => listed(name).length)).toEqual([12, 9]);
    for (const name of names) expect(encoded(name)).toEqual(listed(name));
  });
});

describe('README', () => {
  it('boots Linux in ten lines and sees who writes its page table', ({ skip }) => {
    skip(missing !== undefined, missing);
    const [, program = ''] = /```ts\n([^]*?)```/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8')) ?? [];
    const count = program.split('\n').filter((line) => line !== '').length;
    expect(count > 0 && count <= 10, `${count} lines`).toBe(true);
    const files = ['Image', 'initramfs.cpio.gz'].map((name) => [name, join(image(), name)] as const);
    const { status, stdout, stderr } = runProgram(program, Object.fromEntries(files));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    // The entry code clears the table and maps itself while it still runs where it lies; the kernel proper comes later.
    expect(stdout).toMatch(/^\[ 1075871896, 1075867648, 0 \]\n/);
    expect(stdout).toMatch(/^\[ 32\d{8}, 1075867648, 107\d{7} \]$/m);
    expect(stdout).toContain('Booting Linux on physical CPU 0x0');
    expect(stdout).toMatch(/\{ kind: 'until' \} 100000000\n$/);
  });
});

/** The instructions of an example as they stand there: words, and what they are said to be. */
function lines(name: string): { readonly word: string; readonly text: string }[] {
  const source = readFileSync(join(ROOT, 'examples', `${name}.ts`), 'utf8');
  const matches = source.matchAll(/^ *0x([0-9a-f]{8}), \/\/ +(?:(\w+): )? *(\S+ +\S.*?)(?: {3,}.*)?$/gm);
  return [...matches].map(([, word = '', label, text = '']) => ({
    word,
    text: label === undefined ? text : `${label}: ${text}`,
  }));
}

function listed(name: string): string[] {
  return lines(name).map(({ word }) => word);
}

/** What the assembler makes of the comments. */
function encoded(name: string): string[] {
  const source = [
    '.syntax unified',
    '.arch armv7-a',
    '.arch_extension virt',
    ...lines(name).map(({ text }) => text),
    '',
  ];
  const listing = spawnSync('arm-none-eabi-as', ['-aln', '-o', '/dev/null', '--'], {
    encoding: 'utf8',
    input: source.join('\n'),
  }).stdout;
  return [...listing.matchAll(/^ +\d+ [0-9a-f]{4} ([0-9A-F]{8}) /gm)].map(([, bytes = '']) =>
    [...bytes.toLowerCase().matchAll(/../g)].toReversed().join(''),
  );
}
