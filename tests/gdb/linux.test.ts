// SPDX-License-Identifier: Apache-2.0
// A booting Debian kernel under the real GDB, from the packed kernel's first instruction on: what GDB prints is the same
// with Plinth's stub and with QEMU's. The kernel has no symbols; its own list of functions says where to stop.

import { isDeepStrictEqual } from 'node:util';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { KernelFiles, missingImage, missingQemu, plinth } from '../boot/guest.js';
import { CTRL_C_SOON, DebuggedMachine, type Difference, missingGdb, withoutDifferences } from './debugged.js';

const noImage = missingImage();
const missing = missingGdb() ?? missingQemu() ?? noImage;
const APPEND = 'console=ttyAMA0 cryptomgr.notests';
/** Where the kernel's image begins in its address space (PAGE_OFFSET + TEXT_OFFSET of Debian's armmp). */
const TEXT = 0xc020_8000;

/** Addresses of functions, as the kernel itself knows them. */
function kernelFunctions(...names: string[]): Record<string, string> {
  const command = `grep -E ' (${names.join('|')})$' /proc/kallsyms`;
  const { stdout } = plinth('run', '--image', 'debian-mini', '--exec', command);
  return Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([address, , name]) => [name, `0x${address}`]),
  );
}

const DIFFERENCES: readonly Difference[] = [
  ['we have one target, not several processes', /\[Inferior 1 \((Remote target|process 1)\)/, '[Inferior 1 (…)'],
  ['QEMU has a few instructions of its own before the kernel', /^0x400[01]0000 in/, '0x400…0000 in'],
];

describe('a booting Debian kernel', () => {
  it('is debugged as with QEMU', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using files = new KernelFiles('while :; do :; done');
    const at = kernelFunctions('start_kernel', 'setup_arch', 'memblock_add', 'rest_init', 'vfp_init', 'kernel_init');
    const banner =
      TEXT +
      readFileSync(files.path('Image'))
        .toString('latin1')
        .search(/Linux version [^\n]*#1 SMP/);
    const session = [
      'tbreak *0x40010004',
      'continue',
      `hbreak *${at['start_kernel']}`,
      'continue',
      'x/3i $pc',
      'info registers cpsr',
      'stepi',
      'stepi',
      'x/i $pc',
      // The kernel's greeting is read when it is printed.
      `rwatch *(unsigned *) ${banner}`,
      'continue',
      'x/2i $pc',
      'delete',
      `x/s ${banner}`,
      `set var *(char *) ${banner} = 'P'`,
      `x/s ${banner}`,
      `break *${at['setup_arch']}`,
      'continue',
      'x/i $pc',
      // It gives the address of the command line to its caller; before that it adds the memory.
      'watch -location *(unsigned *) $r0',
      `tbreak *${at['memblock_add']}`,
      'continue',
      'info registers r0 r1',
      'finish',
      'continue',
      'x/2i $pc',
      'delete',
      `break *${at['rest_init']}`,
      `break *${at['kernel_init']}`,
      'continue',
      'continue',
      'x/i $pc',
      'delete',
      `tbreak *${at['vfp_init']}`,
      'continue',
      'stepi 5',
      'x/i $pc',
      'detach',
    ];
    const kernel = ['-kernel', files.path('vmlinuz'), '-initrd', files.initrd, '-append', APPEND];
    const options = kernel.map((word) => word.replace(/^-(?=\w)/, '--'));
    await using ours = await DebuggedMachine.plinth('--paused', '--memory', '256M', ...options);
    const transcript = withoutDifferences(await ours.gdb(undefined, session), DIFFERENCES);
    const inQemu = async (): Promise<{ machine: DebuggedMachine; reference: readonly string[] }> => {
      const machine = await DebuggedMachine.qemu('-M', 'virt', '-cpu', 'cortex-a15', '-m', '256', ...kernel);
      return { machine, reference: withoutDifferences(await machine.gdb(undefined, session), DIFFERENCES) };
    };
    let theirs = await inQemu();
    // Now and then a step of QEMU executes nothing, since something came in just then; more often where others need the host.
    for (let left = 5; left > 0 && !isDeepStrictEqual(theirs.reference, transcript); left--) {
      // It would go on for good.
      await theirs.machine[Symbol.asyncDispose]();
      theirs = await inQemu();
    }
    await using qemu = theirs.machine;
    expect(theirs.reference.length).toBeGreaterThan(40);
    expect(transcript).toEqual(theirs.reference);
    for (const machine of [ours, qemu]) {
      expect(await machine.prints('Pinux version 6.')).toBe(true);
      // The debugger comes back while the kernel boots on, and stops it where chance has it.
      const again = await machine.gdb(undefined, [CTRL_C_SOON, 'continue', 'print $cpsr & 0xf', 'kill']);
      expect(again).toContain('Program received signal SIGINT, Interrupt.');
      expect(again).toContainEqual(expect.stringMatching(/^\$1 = \d+$/));
      await machine.end();
    }
  });
});
