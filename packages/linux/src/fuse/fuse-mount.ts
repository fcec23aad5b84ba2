// SPDX-License-Identifier: Apache-2.0
// Mounts and unmounts what a FUSE session serves, and finds mounts whose server is gone. Who mounts needs the rights for that in the user
// namespace in which /dev/fuse was opened: root's of the host, or of a namespace that was made for it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlinthError } from '@plinth/core';
import { errorName } from '../bpf/refusal.js';
import { deviceRefusal, FUSE_DEVICE } from '../device-file.js';
import type { FileCalls } from '../files/file-calls.js';
import { UNMOUNT_DETACH } from '../launch/constants.js';
import { ERROR, OPEN, type SystemCalls } from '../system-calls.js';

const NO_SET_USER = 2;
const NO_DEVICES = 4;
/** For the answer of a server. */
const PATIENCE_MILLISECONDS = 1000;

export interface FuseMount {
  /** What `mount` and /proc/self/mountinfo name as its device. */
  readonly source: string;
  /** A directory. */
  readonly target: string;
  /** All users may look into it, not just the one that mounted; their rights are checked by the kernel either way. */
  readonly forAll: boolean;
}

/** Opens /dev/fuse. @throws PlinthError `fuse` (host) */
export function openFuse(calls: SystemCalls): number {
  const fd = calls.open(FUSE_DEVICE.path, OPEN.readWrite | OPEN.closeOnExec);
  if (fd >= 0) return fd;
  throw new PlinthError('host', 'fuse', deviceRefusal(FUSE_DEVICE, -fd));
}

/** Options of mount(2) for an open /dev/fuse, for whoever mounts it otherwise. */
export function fuseMountData(fd: number, forAll: boolean): string {
  const { getuid, getgid } = process;
  return [
    `fd=${fd}`,
    'rootmode=40000',
    `user_id=${getuid!()}`,
    `group_id=${getgid!()}`,
    'default_permissions',
    ...(forAll ? ['allow_other'] : []),
  ].join(',');
}

/** @throws PlinthError `fuse-mount` (host) */
export function mountFuse(calls: SystemCalls, fd: number, { source, target, forAll }: FuseMount): void {
  const result = calls.mount(source, target, 'fuse', NO_SET_USER | NO_DEVICES, fuseMountData(fd, forAll));
  if (result >= 0) return;
  const hint = result === -ERROR.EPERM ? ': this needs root, or root of a user namespace (unshare -Urm)' : '';
  throw new PlinthError(
    'host',
    'fuse-mount',
    `${target}: it cannot be mounted: the kernel says ${errorName(-result)}${hint}`,
  );
}

export interface FoundMount {
  readonly target: string;
  /** Its server is gone: whoever looks into it gets ENOTCONN. */
  readonly dead: boolean;
}

/** FUSE mounts of this mount namespace that have this source, the newest first. Whoever asks looks into each, for a second at most. */
export async function fuseMounts(source: string): Promise<FoundMount[]> {
  const targets = readFileSync('/proc/self/mountinfo', 'latin1')
    .split('\n')
    .flatMap((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const [type = '', device = ''] = after.split(' ');
      if (!/^fuse(?:\.|$)/.test(type) || unescape(device) !== source) return [];
      return [unescape(before.split(' ')[4] ?? '')];
    })
    .reverse();
  return Promise.all(targets.map(async (target) => ({ target, dead: await isDead(target) })));
}

/** Detaches it at once, and lets go of it when nobody uses it any more. Never waits for its server. @throws PlinthError `fuse-unmount` (host) */
export function unmountFuse(files: FileCalls, target: string): void {
  const result = files.unmount(target, UNMOUNT_DETACH);
  if (result >= 0 || result === -ERROR.EINVAL || result === -ERROR.ENOENT) return;
  throw new PlinthError(
    'host',
    'fuse-unmount',
    `${target}: it cannot be unmounted: the kernel says ${errorName(-result)}`,
  );
}

/** Clears mounts whose server is gone. @returns those */
export async function clearDeadMounts(files: FileCalls, source: string): Promise<FoundMount[]> {
  const dead = (await fuseMounts(source)).filter((mount) => mount.dead);
  for (const { target } of dead) unmountFuse(files, target);
  return dead;
}

/**
 * Asked by another process, which is left alone if there is no answer: a server that is stopped gives none, and is not gone. Whoever it has
 * begun to answer cannot even be killed.
 */
async function isDead(target: string): Promise<boolean> {
  const path = Buffer.from(target, 'latin1').toString();
  const env = { PATH: process.env['PATH'], LC_ALL: 'C' };
  const child = spawn('stat', ['--file-system', '--', path], { stdio: ['ignore', 'ignore', 'pipe'], env });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  await Promise.race([once(child, 'close'), sleep(PATIENCE_MILLISECONDS, undefined, { ref: false })]);
  child.kill('SIGKILL');
  child.stderr.destroy();
  child.unref();
  return said.includes('not connected');
}

/** A blank and the like stand in octal there (proc(5)). */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8)));
}
