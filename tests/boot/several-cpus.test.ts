// SPDX-License-Identifier: Apache-2.0
// Debian's kernel brings up two and four CPUs: as many as QEMU, with the same bytes on the console in every engine.

import { describe, expect, it } from 'vitest';
import { commandOutput, KernelFiles, missingImage, missingQemu, plinth, qemu } from './guest.js';

const missing = missingImage();
const withoutQemu = missing ?? missingQemu();
const APPEND = 'console=ttyAMA0 quiet cryptomgr.notests';
const REPEATABLE = ['--seed', '00', '--wall-clock', '1700000000'];
const COMMAND = [
  'echo "# cpus"',
  'nproc',
  'echo "# smp"',
  "dmesg | cut -c 16- | grep -E '^(smp: Brought|SMP: |CPU[0-9]+: thread|CPU: All CPU)'",
  'echo "# interrupts"',
  "grep -E 'arch_timer|IPI[23]' /proc/interrupts",
].join('; ');

const guest = (files: KernelFiles, kernel: 'Image' | 'vmlinuz'): string[] => [
  '--kernel',
  files.path(kernel),
  '--initrd',
  files.initrd,
  '--append',
  APPEND,
];

/** All that Plinth's console prints. */
function boot(files: KernelFiles, cpus: number, ...options: string[]): string {
  const run = plinth('run', ...guest(files, 'Image'), '--cpus', `${cpus}`, ...REPEATABLE, ...options);
  expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: '' });
  return run.stdout;
}

/** What the guest's command printed, by heading. */
function sections(output: string): Record<string, string[]> {
  const parts = output.split(/^# /m).slice(1);
  return Object.fromEntries(parts.map((part) => [part.split('\n')[0]!, part.trim().split('\n').slice(1)]));
}

describe('a Debian kernel', () => {
  it.for([2, 4])('runs on %i CPUs, the same in every engine', (cpus, { skip }) => {
    skip(missing !== undefined, missing);
    using files = new KernelFiles(COMMAND);
    const console = boot(files, cpus);
    const told = sections(commandOutput(console));
    expect(told['cpus']).toEqual([`${cpus}`]);
    // The timer of each CPU has ticked; the CPUs have woken one another and asked for calls.
    const counts = told['interrupts']!.map((line) =>
      line
        .trim()
        .split(/\s+/)
        .slice(1, 1 + cpus)
        .map(Number),
    );
    expect(counts).toHaveLength(3);
    expect(counts[0]!.every((count) => count > 0)).toBe(true);
    for (const row of counts.slice(1)) expect(row.reduce((sum, count) => sum + count)).toBeGreaterThan(0);
    // The console of the two in lockstep is the interpreter's.
    const other = cpus === 2 ? ['--lockstep'] : ['--engine', 'interpreter'];
    expect(boot(files, cpus, ...other)).toBe(console);
  });

  it('says of four CPUs what it says in QEMU', async ({ skip }) => {
    skip(withoutQemu !== undefined, withoutQemu);
    using files = new KernelFiles(COMMAND);
    const machine = ['-M', 'virt', '-cpu', 'cortex-a15', '-smp', '4', '-m', '256'];
    // QEMU cannot start an unpacked Image.
    const linux = guest(files, 'vmlinuz').map((argument) => argument.replace('--', '-'));
    const theirs = sections(commandOutput(await qemu(...machine, ...linux)));
    const ours = sections(commandOutput(boot(files, 4)));
    expect(ours['smp']).toEqual(theirs['smp']);
    expect(ours['smp']).toContain('SMP: Total of 4 processors activated (500.00 BogoMIPS).');
  });
});
