// SPDX-License-Identifier: Apache-2.0
// The peer of the machine's benchmarks: QEMU's `virt` board with a Cortex-A15 under TCG, at its defaults (no icount,
// one thread that executes).

import { spawnSync } from 'node:child_process';
import type { Command } from './child.js';
import type { Row } from './report.js';

const QEMU = 'qemu-system-arm';

export const PEER_NAME = 'QEMU TCG';

/** Its version, or why it cannot be had. */
export function findPeer(): { readonly version: string } | { readonly reason: string } {
  const { status, stdout } = spawnSync(QEMU, ['--version'], { encoding: 'utf8' });
  const version = /version (\S+)/.exec(stdout ?? '')?.[1];
  if (status === 0 && version !== undefined) return { version: `${QEMU} ${version}` };
  return { reason: `${QEMU} is not installed (Debian: apt-get install qemu-system-arm)` };
}

/** A figure of ours that the peer does not have. */
export function ownFigure(name: string, unit: string, value: number): Row {
  const reason = `${PEER_NAME} has no such figure`;
  return { name, unit, ours: value, peer: null, peerName: PEER_NAME, ratio: null, inGeomean: false, reason };
}

function board(memory: string): string[] {
  return ['-M', 'virt', '-cpu', 'cortex-a15', '-m', memory, '-nodefaults', '-no-user-config', '-display', 'none'];
}

/** A bare-metal program with semihosting; `argument` ends its command line. */
export function peerProgram(elf: string, argument: string, memory: string): Command {
  const console = ['-chardev', 'stdio,id=console'];
  const semihosting = `enable=on,target=native,chardev=console,arg=program,arg=${argument}`;
  return {
    program: QEMU,
    args: [...board(memory), ...console, '-semihosting-config', semihosting, '-kernel', elf],
  };
}

/** A Linux kernel with its console on standard output. */
export function peerLinux(options: { kernel: string; initrd?: string; append?: string; memory: string }): Command {
  const { kernel, initrd, append } = options;
  return {
    program: QEMU,
    args: [
      ...board(options.memory),
      '-serial',
      'stdio',
      '-kernel',
      kernel,
      ...(initrd === undefined ? [] : ['-initrd', initrd]),
      ...(append === undefined ? [] : ['-append', append]),
    ],
  };
}

/** A Linux kernel with a raw file as its virtio disk; with `snapshot` what is written goes elsewhere and is forgotten. */
export function peerDisk(
  options: Required<Parameters<typeof peerLinux>[0]> & { readonly file: string; readonly snapshot: boolean },
): Command {
  const { program, args } = peerLinux(options);
  const drive = `if=none,id=disk,format=raw,file=${options.file},snapshot=${options.snapshot ? 'on' : 'off'}`;
  const modern = ['-global', 'virtio-mmio.force-legacy=false'];
  return { program, args: [...args, ...modern, '-drive', drive, '-device', 'virtio-blk-device,drive=disk'] };
}

/** A Linux kernel with QEMU's own network in user mode; the guest is 10.0.2.15, the host's loopback 10.0.2.2. */
export function peerNetwork(options: Required<Parameters<typeof peerLinux>[0]>): Command {
  const { program, args } = peerLinux(options);
  const modern = ['-global', 'virtio-mmio.force-legacy=false'];
  return { program, args: [...args, ...modern, '-netdev', 'user,id=net', '-device', 'virtio-net-device,netdev=net'] };
}
