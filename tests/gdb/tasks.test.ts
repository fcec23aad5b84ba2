// SPDX-License-Identifier: Apache-2.0
// The tasks of a Linux guest as threads of the real GDB: who is there, where a sleeping one stands and what it has called,
// and whom a breakpoint stops. The names of the kernel's functions come from its memory.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { missingImage, plinth } from '../boot/guest.js';
import { DebuggedMachine, missingGdb } from './debugged.js';

const missing = missingGdb() ?? missingImage();
const folder = mkdtempSync(join(tmpdir(), 'plinth-gdb-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Chooses the oldest thread of that name. */
const chooseBy = (name: string): string =>
  `python min([thread for thread in gdb.selected_inferior().threads() if thread.name == "${name}"], key = lambda thread: thread.ptid).switch()`;

it('tasks are threads, and sleeping ones have a stack', async ({ skip }) => {
  skip(missing !== undefined, missing);
  const symbols = join(folder, 'kernel.elf');
  expect(plinth('run', '--image', 'debian-mini', '--exec', 'true', '--kernel-symbols', symbols).status).toBe(0);
  await using machine = await DebuggedMachine.typed('--image', 'debian-mini');
  expect(await machine.prints('plinth:~# ')).toBe(true);
  machine.type('sleep 1000000 & while :; do uname; sleep 1; done >/dev/null & ps -o pid,comm; echo "re""ady"');
  expect(await machine.prints('ready\r\n')).toBe(true);
  const processes = [...machine.output.matchAll(/^ +(\d+) (.+)\r$/gm)].map(([, pid, comm]) => `${pid} ${comm}`);
  const lines = await machine.gdb(symbols, [
    'monitor threads',
    'monitor threads tasks',
    'maint flush register-cache',
    'info threads',
    'echo sleeping\\n',
    chooseBy('sleep'),
    'backtrace 8',
    'info registers r0 pc cpsr',
    'print $r4 = 1',
    'echo stopped\\n',
    'hbreak sys_newuname',
    'continue',
    'python print(gdb.selected_thread().name)',
    'monitor threads cpus',
    'maint flush register-cache',
    'info threads',
    'kill',
  ]);
  const text = lines.join('\n');
  const [first, sleeping, stopped] = text.split(/^(?:sleeping|stopped)$/m) as [string, string, string];
  expect(first).toContain('threads are CPUs\nthreads are tasks\n');
  const threads = [...first.matchAll(/Thread (\d+) "(.+)" \(/g)].map(([, pid, comm]) => `${pid} ${comm}`);
  // /proc adds to the name of a worker what it works at.
  const lasting = processes.filter((process) => !/ (ps|uname|sleep|kworker.*)$/.test(process));
  expect(lasting.length).toBeGreaterThan(20);
  expect(threads).toEqual(expect.arrayContaining(lasting));
  // From the innermost function out: what waits is in the kernel's own words.
  const functions = [...sleeping.matchAll(/^#\d+ .*in (\w+) \(\)/gm)].map(([, name]) => name);
  expect(functions.slice(0, 3)).toEqual(['__schedule', 'schedule', 'do_nanosleep']);
  expect(functions).toContain('hrtimer_nanosleep');
  expect(sleeping).toMatch(/^r0 +<unavailable>\npc +0x\w+ +0x\w+ <__schedule\+\d+>\ncpsr +0x13 /m);
  expect(sleeping).toMatch(/Could not write register/);
  expect(stopped).toMatch(/in sys_newuname \(\)\nuname\n/);
  expect(stopped).toMatch(/^ +1 +Thread 1 "CPU 0" \(running\)/m);
});
