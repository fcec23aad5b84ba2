// SPDX-License-Identifier: Apache-2.0
// Device files of the host that some things need, why one may not be opened, and how that is mended. udev lets everybody use both
// (50-udev-default.rules); where there is no udev, as in containers and small systems, the kernel makes them for root alone.

import { errorName } from './bpf/refusal.js';
import { ERROR, OPEN, type SystemCalls } from './system-calls.js';

export interface DeviceFile {
  readonly path: string;
  /** Of the kernel. */
  readonly module: string;
}

export const FUSE_DEVICE: DeviceFile = { path: '/dev/fuse', module: 'fuse' };
export const TUN_DEVICE: DeviceFile = { path: '/dev/net/tun', module: 'tun' };

/** One line that begins with the path, of an error that open(2) gave as a positive number. */
export function deviceRefusal({ path, module }: DeviceFile, error: number): string {
  const hints: Readonly<Record<number, string>> = {
    [ERROR.ENOENT]: `"modprobe ${module}" brings it`,
    [ERROR.ENODEV]: `"modprobe ${module}" brings it`,
    [ERROR.EACCES]: `this user may not open it: as root, "chmod 666 ${path}" lets everybody, as udev does`,
    [ERROR.EPERM]: 'this container may not open it',
  };
  const hint = hints[error];
  return `${path}: the kernel says ${errorName(error)}${hint === undefined ? '' : `: ${hint}`}`;
}

/** Why this process may not use it (`deviceRefusal`), or undefined if it may. */
export function whyNoDevice(calls: SystemCalls, device: DeviceFile): string | undefined {
  const fd = calls.open(device.path, OPEN.readWrite | OPEN.closeOnExec);
  if (fd < 0) return deviceRefusal(device, -fd);
  calls.close(fd);
  return undefined;
}
