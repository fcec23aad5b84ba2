// SPDX-License-Identifier: Apache-2.0
// A bare-metal program under the real GDB: the same session, command by command, with Plinth's stub and with QEMU's.

import { describe, expect, it } from 'vitest';
import { missingQemu } from '../boot/guest.js';
import { CTRL_C_SOON, DebuggedMachine, type Difference, missingGdb, withoutDifferences } from './debugged.js';
import { GuestProgram, missingCompiler } from './program.js';

const missing = missingGdb() ?? missingCompiler();

/** Breakpoints, watchpoints, steps in both instruction sets and over exceptions, floating point, memory, Ctrl-C. */
const SESSION = [
  'info registers pc sp',
  'break add_thumb',
  'continue',
  'backtrace',
  'info registers r0 r1 pc cpsr',
  'continue',
  'stepi',
  'x/i $pc',
  'stepi',
  'x/i $pc',
  'stepi',
  'finish',
  'print counter',
  'finish',
  'delete',
  'watch counter',
  'continue',
  'continue',
  'delete',
  'watch counter if counter == 5',
  'continue',
  'delete',
  'hbreak scale',
  'continue',
  'print $d0.f64',
  'print $d1',
  'print $s2',
  'print value',
  'print by',
  'set $d1.f64 = 5.0',
  'print $d1.f64',
  'set $fpscr = 0x01000000',
  'info registers fpscr',
  'set $fpscr = 0',
  'finish',
  'delete',
  'rwatch table[2]',
  'continue',
  'delete',
  'awatch table[1]',
  'set var table[1] = 77',
  'tbreak call_supervisor',
  'continue',
  'delete',
  'x/3i $pc',
  'stepi',
  'stepi',
  'print $pc',
  'info registers cpsr lr',
  'stepi',
  'stepi',
  'stepi',
  'stepi',
  'print $pc',
  'x/4wx table',
  'set var table[3] = 0x12345678',
  'x/4wx table',
  'x/4hx table',
  'step',
  'next',
  'until',
  'tbreak spin',
  'continue',
  CTRL_C_SOON,
  'continue',
  'info symbol $pc',
  'set var go_on = 1',
  'print go_on',
  'finish',
  'next',
  'info locals',
  'print counter',
  'detach',
];

const DIFFERENCES: readonly Difference[] = [
  ['we have one target, not several processes', /\[Inferior 1 \((Remote target|process 1)\)/, '[Inferior 1 (…)'],
  [
    'it is chance at which instruction of the loop Ctrl-C comes',
    /^(?:0x[0-9a-f]{8} in )?spin \(\) at .*|^\d+\s+(?:while \(!go_on\)|;)$/,
    'in spin',
  ],
  ['the same', /^spin(?: \+ \d+)? in section \.text$/, 'spin'],
];

describe('a bare-metal program', () => {
  it('is debugged as with QEMU, in a session of all commands', async ({ skip }) => {
    const without = missing ?? missingQemu();
    skip(without !== undefined, without);
    using program = new GuestProgram();
    const { elf } = program;
    await using ours = await DebuggedMachine.plinth(elf, '--semihosting', '--paused');
    await using theirs = await DebuggedMachine.qemu('-M', 'virt', '-cpu', 'cortex-a15', '-semihosting', '-kernel', elf);
    const transcript = withoutDifferences(await ours.gdb(elf, SESSION), DIFFERENCES);
    const reference = withoutDifferences(await theirs.gdb(elf, SESSION), DIFFERENCES);
    expect(reference.length).toBeGreaterThan(100);
    expect(transcript).toEqual(reference);
    // It has gone on without us, to its end.
    expect(await ours.end()).toBe(await theirs.end());
  });

  it('is shown as QEMU does not: banked and Q registers, unmapped memory, our own words, its end', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using program = new GuestProgram();
    const { elf } = program;
    await using machine = await DebuggedMachine.plinth(elf, '--semihosting', '--paused');
    const lines = await machine.gdb(elf, [
      'break supervisor',
      'continue',
      'delete',
      'print/x $spsr_svc == $cpsr',
      'print/x $SCTLR & 1',
      // QEMU 7.2 gives the two halves of Q registers in the wrong order.
      'set $d17.f64 = 2.5',
      'print $q8.f64',
      // There is flash on QEMU's board, and zero on its bus.
      'print *(int *) 0x20000000',
      'info threads',
      'monitor info cpus',
      'monitor physical on',
      'x/wx 0x40010000',
      'set var go_on = 1',
      // QEMU ends here, and there is nothing left to look at.
      'continue',
      'print counter',
      'continue',
    ]);
    const from = lines.findIndex((line) => line.startsWith('$1 ='));
    expect(lines.slice(from)).toEqual([
      '$1 = 0x1',
      '$2 = 0x0',
      '$3 = {0, 2.5}',
      'Cannot access memory at address 0x20000000',
      '  Id   Target Id                  Frame ',
      expect.stringMatching(/^\* 1 +Thread 1 "CPU 0" \(running\) supervisor \(\)/),
      expect.stringMatching(/^CPU 0: running, pc 0x400100/),
      'physical on',
      expect.stringMatching(/^0x40010000 <_start>:\t0xe328f000$/),
      'the program has left with status 83',
      'Program received signal SIGTERM, Terminated.',
      expect.stringMatching(/^_start \(\) at start.S:/),
      expect.stringMatching(/b \.$/),
      '$4 = 83',
      '[Inferior 1 (Remote target) exited with code 0123]',
    ]);
    expect(await machine.end()).toBe(83);
  });

  it('is killed, reset, left by a debugger that dies, and debugged again', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using program = new GuestProgram();
    const { elf } = program;
    await using machine = await DebuggedMachine.plinth(elf, '--semihosting', '--paused', '--engine', 'interpreter');
    const first = await machine.gdb(elf, ['tbreak spin', 'continue', 'break main', 'shell kill -9 $PPID']);
    expect(first).toContainEqual(expect.stringMatching(/^Temporary breakpoint 1, .*spin/));
    // The breakpoint at `main` has gone with its debugger, so the machine is in its loop.
    const second = await machine.gdb(elf, [
      'info symbol $pc',
      'monitor reset',
      'tbreak main',
      'continue',
      'print counter',
    ]);
    expect(second).toContainEqual(expect.stringMatching(/^spin/));
    expect(second).toContain('$1 = 0');
    const third = await machine.gdb(elf, ['info symbol $pc', 'kill']);
    expect(third).toContainEqual(expect.stringMatching(/^(main|spin)/));
    expect(await machine.end()).toBe(0);
  });

  it('on two CPUs has a thread for each, which is stepped by itself', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using program = new GuestProgram();
    const { elf } = program;
    await using machine = await DebuggedMachine.plinth(elf, '--semihosting', '--paused', '--cpus', '2');
    const lines = await machine.gdb(elf, [
      'tbreak look',
      'continue',
      'info threads',
      'stepi',
      'thread 2',
      'print $pc',
      'kill',
    ]);
    expect(lines).toContainEqual(expect.stringMatching(/^\* 1 +Thread 1 "CPU 0" \(running\) look/));
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}2 +Thread 2 "CPU 1" \(off\)/));
  });
});
