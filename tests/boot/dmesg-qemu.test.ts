// SPDX-License-Identifier: Apache-2.0
// The same kernel and initrd, started by QEMU and by Plinth, tell the same story: every line of dmesg, in order, but for
// times, and for what one of the two boards has and the other has not, which is listed here with the reason.

import { describe, expect, it } from 'vitest';
import { commandOutput, KernelFiles, missingImage, missingQemu, plinth, qemu } from './guest.js';
import { tell } from './story.js';
import type { Differences } from './story.js';

const missing = missingQemu() ?? missingImage();
const MEMORY_MIB = 256;
const APPEND = 'console=ttyAMA0 quiet cryptomgr.notests';
const COMMAND = 'dmesg; echo "# cpuinfo"; cat /proc/cpuinfo; echo "# iomem"; cat /proc/iomem';

const DIFFERENCES: Differences = {
  theirs: [
    // Its board has PCI, MSI, GPIO keys and pflash; ours has none of them.
    /\bpci(-host-generic|e@)/,
    /^GICv2m: /,
    /pl061/,
    /gpio-keys/,
  ],
};

describe('a Debian kernel', () => {
  it('says in Plinth what it says in QEMU', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using files = new KernelFiles(COMMAND);
    const { initrd } = files;
    const options = ['-M', 'virt', '-cpu', 'cortex-a15', '-m', `${MEMORY_MIB}`, '-kernel', files.path('vmlinuz')];
    const theirs = tell(
      commandOutput(await qemu(...options, '-initrd', initrd, '-append', APPEND)),
      'theirs',
      DIFFERENCES,
    );
    expect(theirs.inOrder.length).toBeGreaterThan(150);
    // The kernel as Debian packs it, and the same unpacked.
    for (const kernel of ['vmlinuz', 'Image'] as const) {
      const machine = ['--machine', 'virt', '--memory', `${MEMORY_MIB}M`, '--kernel', files.path(kernel)];
      const { status, stdout, stderr } = plinth('run', ...machine, '--initrd', initrd, '--append', APPEND);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(tell(commandOutput(stdout), 'ours', DIFFERENCES), kernel).toEqual(theirs);
    }
  });
});
