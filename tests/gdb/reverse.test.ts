// SPDX-License-Identifier: Apache-2.0
// Recorded runs under the real GDB, backwards: a bare-metal program, and Debian's kernel.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingImage, plinth } from '../boot/guest.js';
import { DebuggedMachine, missingGdb } from './debugged.js';

const GUEST = join(import.meta.dirname, 'guest');
const compiler = spawnSync('arm-none-eabi-gcc', ['--version']).status === 0;
const missing = missingGdb() ?? (compiler ? undefined : 'arm-none-eabi-gcc is not installed');
const missingKernel = missingGdb() ?? missingImage();

const directory = mkdtempSync(join(tmpdir(), 'plinth-gdb-'));
afterAll(() => rmSync(directory, { recursive: true }));
const inDirectory = (name: string): string => join(directory, name);

/** The values of `counter` after each round of the program. */
const ROUNDS = [1, 3, 6, 10, 5];

describe('a recorded program', () => {
  const [elf, file] = [inDirectory('program.elf'), inDirectory('program.rec')];
  beforeAll(() => {
    if (missing !== undefined) return;
    const target = ['-mcpu=cortex-a15', '-mfpu=neon-vfpv4', '-mfloat-abi=hard', '-ffreestanding', '-nostdlib'];
    const sources = ['start.S', 'program.c'];
    execFileSync('arm-none-eabi-gcc', ['-g', '-O1', ...target, '-T', 'link.ld', ...sources, '-o', elf], { cwd: GUEST });
    // It waits to be interrupted.
    plinth('record', elf, '--semihosting', '--limit-instructions', '20_000', '-o', file);
  });

  it('goes back to each write of a variable, and forwards again', async ({ skip }) => {
    skip(missing !== undefined, missing);
    await using machine = await DebuggedMachine.replay(file);
    const back = ROUNDS.map(() => 'reverse-continue');
    const session = ['tbreak spin', 'continue', 'watch counter', ...back, 'info registers pc', 'continue', 'continue'];
    const lines = await machine.gdb(elf, [...session, 'delete', 'reverse-continue', 'reverse-stepi', 'kill']);
    const values = lines.filter((line) => /^(Old|New) value/.test(line)).map((line) => Number(line.split('= ')[1]));
    const backwards = ROUNDS.toReversed().flatMap((value, n) => [value, ROUNDS.at(-2 - n) ?? 0]);
    expect(values).toEqual([...backwards, 0, 1, 1, 3]);
    // Before the first write, which is yet to come.
    expect(lines.join('\n')).toMatch(/New value = 0\n.*main \(\) at program.c:\d+\n.*counter = total;\npc /);
    expect(lines.filter((line) => line === 'No more reverse-execution history.')).toHaveLength(2);
    expect(machine.errors).not.toContain('differs');
  });

  it('meets breakpoints, steps and finishes backwards, and ends', async ({ skip }) => {
    skip(missing !== undefined, missing);
    await using machine = await DebuggedMachine.replay(file, '--engine', 'interpreter');
    const session = [
      'break add_arm',
      'continue',
      'continue',
      'info registers pc r0 r1',
      'continue',
      'reverse-continue',
    ];
    const lines = await machine.gdb(elf, [
      ...session,
      'info registers pc r0 r1',
      'delete',
      'reverse-finish',
      'reverse-step',
      'stepi',
      'monitor info time',
      'continue',
      'continue',
      'detach',
    ]);
    const registers = lines.filter((line) => /^(pc|r0|r1) /.test(line));
    expect(registers.slice(0, 3)).toEqual(registers.slice(3));
    expect(lines.filter((line) => line.startsWith('Breakpoint 1, add_arm'))).toHaveLength(4);
    const text = lines.join('\n');
    expect(text).toMatch(/^add_thumb \(a=a@entry=1, b=b@entry=1\) at program.c:17$/m);
    expect(lines.filter((line) => line === 'No more reverse-execution history.')).toHaveLength(2);
    expect(await machine.end()).toBe(0);
    expect(machine.errors).toMatch(/plinth: replay: the same to its end/);
  });

  it('says who wrote an address last', async ({ skip }) => {
    skip(missing !== undefined, missing);
    await using machine = await DebuggedMachine.replay(file);
    const ask = 'python gdb.execute("monitor last-write %d" % int(gdb.parse_and_eval("&counter")))';
    const lines = await machine.gdb(elf, ['tbreak spin', 'continue', ask, 'kill']);
    expect(lines.join('\n')).toMatch(
      /0x[\da-f]{8}: 0x0000000a -> 0x00000005\nwritten by the instruction at 0x[\da-f]{8} <main\+0x[\da-f]+>\nafter \d+ instructions, \d+ before here/,
    );
  });
});

describe('a recorded kernel', () => {
  it('is gone back in from its end to who wrote what lies on a stack', async ({ skip }) => {
    skip(missingKernel !== undefined, missingKernel);
    const file = inDirectory('kernel.rec');
    const command = "grep ' do_exit$' /proc/kallsyms";
    const { stdout, status } = plinth('record', '--image', 'debian-mini', '--exec', command, '-o', file);
    expect(status).toBe(0);
    const doExit = Number(`0x${stdout.split(' ')[0]!}`);
    await using machine = await DebuggedMachine.replay(file);
    const lines = await machine.gdb(undefined, [
      'set architecture armv7',
      'continue',
      `hbreak *${doExit}`,
      'reverse-continue',
      'info registers pc',
      'delete',
      'stepi 8',
      'python gdb.execute("monitor last-write %d" % (int(gdb.parse_and_eval("$sp")) % 2**32))',
      'watch -location *(unsigned *) $sp',
      'reverse-continue',
      'info registers pc',
      'kill',
    ]);
    const [first, second] = lines.flatMap((line) => /^pc +(0x\w+)/.exec(line)?.[1] ?? []).map(Number);
    const [, writer, name] = lines.flatMap((line) => /^written by the instruction at (0x\w+) <(.*)>$/.exec(line) ?? []);
    expect(first).toBe(doExit);
    // The kernel's own names, found in its memory.
    expect(name).toMatch(/^[a-z]\w+(\+0x\w+)?$/);
    expect(second).toBe(Number(writer));
  });
});
