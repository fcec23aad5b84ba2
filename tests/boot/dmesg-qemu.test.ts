// SPDX-License-Identifier: Apache-2.0
// The same kernel and initrd, started by QEMU and by Plinth, tell the same story: every line of dmesg, in order, but for
// times, and for what one of the two boards has and the other has not, which is listed here with the reason.

import { describe, expect, it } from 'vitest';
import { commandOutput, KernelFiles, missingImage, missingQemu, plinth, qemu } from './guest.js';

const missing = missingQemu() ?? missingImage();
const MEMORY_MIB = 256;
const APPEND = 'console=ttyAMA0 quiet cryptomgr.notests';
const COMMAND = 'dmesg; echo "# cpuinfo"; cat /proc/cpuinfo; echo "# iomem"; cat /proc/iomem';

/** Values that may differ, and what stands for them. */
const FREE: readonly (readonly [RegExp, string])[] = [
  [/^\[ *\d+\.\d+\] /, ''],
  // The device tree's reserved room: QEMU's is padded to a megabyte.
  [/^(Memory: )\d+K(\/\d+K available .*, )\d+K reserved/, '$1…$2… reserved'],
  [/(audit\()\d+\.\d+/, '$1…'],
  [/(setting system clock to ).*/, '$1…'],
];

/** Lines of QEMU alone. */
const THEIRS: readonly RegExp[] = [
  // Its board has PCI, MSI, GPIO keys and pflash; ours has none of them.
  /\bpci(-host-generic|e@)/,
  /^GICv2m: /,
  /pl061/,
  /gpio-keys/,
  // Hardware breakpoints and ThumbEE (deprecated, no code uses it) are not in our CPU.
  /^hw-breakpoint: /,
  /^ThumbEE CPU extension supported\.$/,
  // Its virtual time is the host's: on a loaded host the kernel remarks on the gaps. Ours counts instructions.
  /^hrtimer: interrupt took \d+ ns$/,
  /^sched: RT throttling activated$/,
];
/** Lines of Plinth alone: why there are no hardware breakpoints. */
const OURS: readonly RegExp[] = [/^hw-breakpoint: Failed to enable monitor mode/];
/** Printed by threads of the kernel beside its start, so that their place among the other lines is chance. */
const BESIDE: readonly RegExp[] = [
  /^audit: type=2000/,
  /^Trying to unpack rootfs image as initramfs/,
  /^Freeing initrd memory/,
  /^random: crng init done/,
];
/** Of /proc/cpuinfo's features, those of QEMU alone. */
const FEATURES = / (thumbee|lpae)\b/g;

interface Story {
  readonly inOrder: readonly string[];
  readonly beside: readonly string[];
}

function tell(output: string, notOfBoth: readonly RegExp[]): Story {
  const lines = output
    .split('\n')
    .map((line) => FREE.reduce((text, [pattern, free]) => text.replace(pattern, free), line))
    .map((line) => (line.startsWith('Features') ? line.replace(FEATURES, '') : line))
    .filter((line) => !notOfBoth.some((pattern) => pattern.test(line)));
  const isBeside = (line: string): boolean => BESIDE.some((pattern) => pattern.test(line));
  return {
    inOrder: lines.filter((line) => !isBeside(line)),
    beside: lines.filter(isBeside).toSorted(),
  };
}

describe('a Debian kernel', () => {
  it('says in Plinth what it says in QEMU', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using files = new KernelFiles(COMMAND);
    const { initrd } = files;
    const options = ['-M', 'virt', '-cpu', 'cortex-a15', '-m', `${MEMORY_MIB}`, '-kernel', files.path('vmlinuz')];
    const theirs = tell(commandOutput(await qemu(...options, '-initrd', initrd, '-append', APPEND)), THEIRS);
    expect(theirs.inOrder.length).toBeGreaterThan(150);
    // The kernel as Debian packs it, and the same unpacked.
    for (const kernel of ['vmlinuz', 'Image'] as const) {
      const machine = ['--machine', 'virt', '--memory', `${MEMORY_MIB}M`, '--kernel', files.path(kernel)];
      const { status, stdout, stderr } = plinth('run', ...machine, '--initrd', initrd, '--append', APPEND);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(tell(commandOutput(stdout), OURS), kernel).toEqual(theirs);
    }
  });
});
