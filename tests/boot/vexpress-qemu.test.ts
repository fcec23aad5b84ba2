// SPDX-License-Identifier: Apache-2.0
// The board vexpress-a15: Debian's kernel as it is packed, with the device tree of the same package, tells in Plinth what
// it tells in QEMU, and finds the same devices; it switches the machine off and resets it. Differences are listed with
// the reason.

import { readFileSync, writeFileSync } from 'node:fs';
import { boardDeviceTree, readFdt, vexpressA15Board, writeFdt } from '@plinth/machine';
import type { FdtNode } from '@plinth/machine';
import { describe, expect, it } from 'vitest';
import { commandOutput, KernelFiles, missingImage, missingQemu, plinth, qemu } from './guest.js';
import { tell } from './story.js';
import type { Differences } from './story.js';

const noImage = missingImage();
const missing = missingQemu() ?? noImage;
const APPEND = 'console=ttyAMA0 quiet cryptomgr.notests';
const BOTH = ['--machine', 'vexpress-a15', '--cpus', '2'];
const COMMAND = [
  'dmesg',
  ...['cpuinfo', 'iomem', 'interrupts'].map((name) => `echo "# ${name}"; cat /proc/${name}`),
  'echo "# devices"; ls /sys/bus/amba/devices; ls -d /sys/bus/*/devices/*/driver',
].join('; ');

const DIFFERENCES: Differences = {
  // We put a random seed into a device tree that has none.
  ours: [/^random: crng init done/],
  free: [
    // How often interrupts came, and what the console of the command needed.
    [/^( *\w+:) +\d+ +/, '$1 … '],
    // Our CPU has no performance counters but that of cycles, which every driver takes for granted.
    [/(PMU driver, )\d+ counters/, '$1… counters'],
  ],
};

/** A tree as text, one property a line, sorted. */
function lines(node: FdtNode, path = ''): string[] {
  const own = [...node.properties].map(([name, value]) => `${path}:${name}=${Buffer.from(value).toString('hex')}`);
  return [...own, ...node.children.flatMap((child) => lines(child, `${path}/${child.name}`))].toSorted();
}

describe('a Debian kernel on vexpress-a15', () => {
  it('says in Plinth what it says in QEMU, from the packed kernel and its device tree on', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using files = new KernelFiles(COMMAND);
    const kernel = ['-kernel', files.path('vmlinuz'), '-initrd', files.initrd, '-append', APPEND];
    const dtb = files.path('vexpress-v2p-ca15-tc1.dtb');
    const running = qemu('-M', 'vexpress-a15', '-m', '256', '-dtb', dtb, ...kernel);
    const options = kernel.map((word) => word.replace(/^-(?=\w)/, '--'));
    const { status, stdout, stderr } = plinth('run', '--machine', 'vexpress-a15', '--dtb', dtb, ...options);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const theirs = tell(commandOutput(await running), 'theirs', DIFFERENCES);
    expect(theirs.inOrder.length).toBeGreaterThan(200);
    expect(tell(commandOutput(stdout), 'ours', DIFFERENCES)).toEqual(theirs);
  });

  it('gets the device tree that QEMU makes of the same', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using files = new KernelFiles('true');
    const name = 'vexpress-v2p-ca15-tc1.dtb';
    const dumped = `${files.initrd}.dtb`;
    const options = ['-m', '512', '-kernel', files.path('Image'), '-dtb', files.path(name), '-append', 'quiet'];
    await qemu('-M', `vexpress-a15,dumpdtb=${dumped}`, ...options);
    const ours = boardDeviceTree(
      vexpressA15Board,
      { name, bytes: readFileSync(files.path(name)) },
      { ramSize: 512 * 1024 ** 2, cpus: 1, bootArguments: 'quiet', virtioSlots: [0, 1, 2, 3] },
    );
    const theirs = lines(readFdt(readFileSync(dumped), 'dumped'));
    expect(theirs.filter((line) => line.startsWith('/virtio_mmio@')).length).toBe(4 * 5);
    // QEMU repeats for its nodes what they inherit from the root.
    expect(lines(readFdt(ours, 'ours'))).toEqual(
      theirs.filter((line) => !/^\/virtio_mmio@.*:interrupt-parent=/.test(line)),
    );
  });

  it('starts its second CPU, resets the machine, and has the device tree from the image', ({ skip }) => {
    skip(noImage !== undefined, noImage);
    const command = 'cat /proc/device-tree/model; nproc; reboot -f';
    const { stdout } = plinth('run', '--image', 'debian-mini', ...BOTH, '--exec', command, '--json');
    const { exit, output } = JSON.parse(stdout) as { exit: { kind: string }; output: string };
    expect(exit).toEqual({ kind: 'reset' });
    expect(output).toContain('V2P-CA15\x002\n');
  });

  it('keeps time by the SP804 alone', ({ skip }) => {
    skip(process.env['PLINTH_LONG'] !== '1', 'runs with PLINTH_LONG=1');
    skip(noImage !== undefined, noImage);
    using files = new KernelFiles('sleep 1; cat /proc/interrupts');
    const tree = readFdt(readFileSync(files.path('vexpress-v2p-ca15-tc1.dtb')), 'vexpress');
    const dtb = `${files.initrd}.dtb`;
    writeFileSync(dtb, writeFdt({ ...tree, children: tree.children.filter(({ name }) => name !== 'timer') }));
    const kernel = ['--kernel', files.path('Image'), '--initrd', files.initrd, '--append', APPEND];
    const { status, stdout } = plinth('run', '--machine', 'vexpress-a15', '--dtb', dtb, ...kernel);
    expect(status).toBe(0);
    const interrupts = commandOutput(stdout);
    expect(interrupts).not.toContain('arch_timer');
    expect(Number(/ (\d+) +GIC-0 +34 Level +timer/.exec(interrupts)?.[1])).toBeGreaterThan(100);
  });
});
