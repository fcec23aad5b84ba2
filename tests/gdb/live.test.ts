// SPDX-License-Identifier: Apache-2.0
// Going back under the real GDB in a run that goes on: a bare-metal program, and Debian's kernel from its first instruction to
// a shell that is typed at.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingImage, plinth } from '../boot/guest.js';
import { DebuggedMachine, missingGdb } from './debugged.js';
import { GuestProgram, missingCompiler } from './program.js';

const missing = missingGdb() ?? missingCompiler();
const missingKernel = missingGdb() ?? missingImage();

describe('a program that runs', () => {
  let program: GuestProgram;
  beforeAll(() => {
    if (missing === undefined) program = new GuestProgram();
  });
  afterAll(() => {
    if (missing === undefined) program[Symbol.dispose]();
  });

  it('goes back to the write of a variable, forward to its present, and on', async ({ skip }) => {
    skip(missing !== undefined, missing);
    await using machine = await DebuggedMachine.plinth(program.elf, '--semihosting', '--paused', '--reverse');
    const lines = await machine.gdb(program.elf, [
      'tbreak spin',
      'continue',
      'monitor info time',
      'watch counter',
      'reverse-continue',
      'reverse-continue',
      'print counter',
      'python gdb.execute("monitor last-write %d" % int(gdb.parse_and_eval("&counter")))',
      'set var counter = 77',
      'delete',
      'continue',
      'monitor info time',
      // The present can be changed, and what was changed is so whenever it is come by again.
      'set var go_on = 1',
      'stepi',
      'stepi',
      'stepi',
      'reverse-stepi',
      'print go_on',
      'reverse-stepi',
      'reverse-stepi',
      'reverse-stepi',
      'print go_on',
      'continue',
      'print go_on',
      'continue',
    ]);
    const text = lines.join('\n');
    const values = lines.filter((line) => /^(Old|New) value/.test(line)).map((line) => Number(line.split('= ')[1]));
    expect(values).toEqual([5, 10, 10, 6]);
    expect(text).toMatch(/^\$1 = 6$/m);
    expect(text).toMatch(/written by the instruction at 0x[\da-f]{8} <main\+0x[\da-f]+>/);
    expect(text).toContain('Cannot access memory at address');
    expect(text).toContain('this is the present: from here on it lives on');
    const times = lines.filter((line) => /^\d+ instructions, /.test(line));
    expect(times).toHaveLength(2);
    expect(times[0]).toBe(times[1]);
    expect(lines.filter((line) => /^\$[234] = /.test(line))).toEqual(['$2 = 1', '$3 = 0', '$4 = 1']);
    expect(text).toMatch(/the program has left with status \d+/);
    expect(await machine.end()).not.toBeNull();
  });

  it('needs a debugger, and no one who would be told things twice', ({ skip }) => {
    skip(missing !== undefined, missing);
    for (const [options, line] of [
      [['--reverse'], 'reverse: needs gdb, which goes back'],
      [['--reverse', '--gdb', '0', '--strace'], 'reverse: not together with strace, which would tell things again'],
      [['--reverse', '--gdb', '0', '--drive', program.elf], `reverse: ${program.elf} is written`],
    ] as const) {
      const { status, stderr } = plinth('run', program.elf, ...options);
      expect(status).toBe(2);
      expect(stderr).toContain(line);
    }
  });
});

/** What of these lines is one that was asked for. */
const registersOf = (lines: readonly string[], name: string): number[] =>
  lines.flatMap((line) => new RegExp(`^${name} +(0x\\w+)`).exec(line)?.[1] ?? []).map(Number);

const LAST_WRITE_ON_STACK = 'python gdb.execute("monitor last-write %d" % (int(gdb.parse_and_eval("$sp")) % 2**32))';
const writers = (lines: readonly string[]): (readonly [number, string])[] =>
  lines.flatMap((line) => {
    const [, at, name] = /^written by the instruction at (0x\w+) <(.*)>$/.exec(line) ?? [];
    return at === undefined ? [] : [[Number(at), name!] as const];
  });

describe('a kernel that boots', () => {
  it('goes back to who wrote what lies on a stack, and lives on to a shell', async ({ skip }) => {
    skip(missingKernel !== undefined, missingKernel);
    const { stdout } = plinth('run', '--image', 'debian-mini', '--exec', "grep ' kernel_init$' /proc/kallsyms");
    const kernelInit = Number(`0x${stdout.split(' ')[0]!}`);
    const image = ['--image', 'debian-mini', '--cold', '--paused', '--reverse'];
    await using machine = await DebuggedMachine.typed(...image);
    const lines = await machine.gdb(undefined, [
      'set architecture armv7',
      `hbreak *${kernelInit}`,
      'continue',
      'delete',
      'stepi 8',
      'monitor info time',
      LAST_WRITE_ON_STACK,
      'watch -location *(unsigned *) $sp',
      'reverse-continue',
      'info registers pc',
      'delete',
      'reverse-stepi 1000',
      'stepi 2',
      'monitor info history',
      'continue',
      'monitor info time',
      'detach',
    ]);
    const [[writer, name] = [0, '']] = writers(lines);
    expect(registersOf(lines, 'pc')).toEqual([writer]);
    expect(name).toMatch(/^[a-z]\w+(\+0x\w+)?$/);
    expect(lines.join('\n')).toContain('this is the present');
    const times = lines.filter((line) => /^\d+ instructions, /.test(line));
    expect([times.length, times[0]]).toEqual([2, times[1]]);
    // What the kernel had said before is not said again, and it hears what is typed.
    expect(await machine.prints('plinth:~# ')).toBe(true);
    machine.type('echo "so""me"; cat /proc/uptime');
    expect(await machine.prints('some\r\n')).toBe(true);
    // Where it stands now is chance, in a program of the guest even; without symbols GDB does not find the frames of every place.
    const again = await machine.gdb(undefined, [
      'set architecture armv7',
      `hbreak *${kernelInit}`,
      'reverse-continue',
      'delete',
      'stepi 8',
      LAST_WRITE_ON_STACK,
      'set var $r0 = 1',
      'detach',
    ]);
    expect(writers(again)).toEqual([[writer, name]]);
    expect(again.join('\n')).toMatch(/Could not write register/);
    machine.type('echo "li""ves"; poweroff -f');
    expect(await machine.prints('lives\r\n')).toBe(true);
    expect(await machine.end()).toBe(0);
    expect(machine.output.match(/some\r\n/g)).toHaveLength(1);
    expect(machine.output.match(/Linux version/g)).toHaveLength(1);
    expect(machine.errors).not.toContain('differs');
  });
});
