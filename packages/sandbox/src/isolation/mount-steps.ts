// SPDX-License-Identifier: Apache-2.0
// Each step of a plan as system calls. What lies in a layer was written by programs that nobody trusts, so no symbolic link is
// followed on the way to where something is mounted.

import { posix } from 'node:path';
import { assert } from '@plinth/core';
import {
  AT,
  ERROR,
  type Failure,
  type LaunchProgram,
  MOUNT,
  MOUNT_ATTRIBUTE,
  OPEN_FLAG,
  OPEN_HOW_SIZE,
  RESOLVE,
  type Slot,
} from '@plinth/linux';
import type { ServedLayers } from './served-layers.js';
import type { MountStep } from './surroundings.js';

/** struct mount_attr: set, cleared, propagation, user namespace. */
const MOUNT_ATTRIBUTES_SIZE = 32;

/** Where something is while the new root is being made. */
export function outside(root: string, at: string): string {
  assert(posix.isAbsolute(at) && posix.normalize(at) === at, `${at} is a plain absolute path`);
  return at === '/' ? root : root + at;
}

/** All steps, in order. */
export function emitSteps(
  program: LaunchProgram,
  root: string,
  steps: readonly MountStep[],
  served: ServedLayers,
): void {
  // What is mounted last over a path says whose its names are: ours in memory, anybody's in layers and in what is bound.
  const mounted: { at: string; ours: boolean }[] = [{ at: '/', ours: true }];
  for (const step of steps) {
    const over = mounted.findLast(({ at }) => at === '/' || step.at === at || step.at.startsWith(`${at}/`))!;
    emitStep(program, { root, checked: !over.ours, served }, step);
    if (step.kind !== 'directory' && step.kind !== 'link' && step.kind !== 'file') {
      mounted.push({ at: step.at, ours: step.kind === 'memory' });
    }
  }
}

interface Ground {
  readonly root: string;
  /** Whether names on the way to where the step puts something may be symbolic links. */
  readonly checked: boolean;
  readonly served: ServedLayers;
}

function emitStep(program: LaunchProgram, ground: Ground, step: MountStep): void {
  const { root } = ground;
  const onError = { message: `${step.at} (${step.kind})` };
  const target = program.text(outside(root, step.at));
  switch (step.kind) {
    case 'memory': {
      const size = step.size === undefined ? '' : `,size=${step.size}`;
      const options = `mode=${step.mode.toString(8)}${size}`;
      emitMount(program, ground, step, { type: 'tmpfs', options });
      return;
    }
    case 'directory':
      emitPlain(program, ground, posix.dirname(step.at));
      program.call('mkdir', [target, step.mode], 'ignore');
      emitPlain(program, ground, step.at);
      return;
    case 'link':
      emitPlain(program, ground, posix.dirname(step.at));
      program.call('symlink', [program.text(step.target), target], onError);
      return;
    case 'file': {
      emitPlain(program, ground, posix.dirname(step.at));
      const fd = program.slot();
      const flags = OPEN_FLAG.writeOnly | OPEN_FLAG.create | OPEN_FLAG.exclusive | OPEN_FLAG.closeOnExec;
      program.call('open', [target, flags, step.mode], onError, fd);
      program.call('write', [fd, program.bytes(step.bytes), step.bytes.length], onError);
      program.call('close', [fd], 'ignore');
      return;
    }
    case 'bind': {
      emitPlain(program, ground, step.at);
      const from = program.text(step.from);
      program.call('mount', [from, target, 0, MOUNT.bind | MOUNT.recursive, 0], {
        message: `${step.at} (${step.from})`,
      });
      const attributes = new Uint8Array(MOUNT_ATTRIBUTES_SIZE);
      let set: number = MOUNT_ATTRIBUTE.noSetUser;
      if (!step.writable) set |= MOUNT_ATTRIBUTE.readOnly;
      if (step.devices !== true) set |= MOUNT_ATTRIBUTE.noDevices;
      new DataView(attributes.buffer).setBigUint64(0, BigInt(set), true);
      program.call(
        'mount_setattr',
        [AT.workingDirectory, target, AT.recursive, program.bytes(attributes), MOUNT_ATTRIBUTES_SIZE],
        onError,
      );
      return;
    }
    case 'overlay': {
      const lower = step.lower.map(escapeLayer).join(':');
      const options = `lowerdir=${lower},upperdir=${escapeOption(step.upper)},workdir=${escapeOption(step.work)},userxattr`;
      const mend = { error: ERROR.EINVAL, text: 'if something was mounted below it just now, start it again' };
      emitMount(program, ground, step, { type: 'overlay', options, mend });
      return;
    }
    case 'fuse':
      emitPlain(program, ground, step.at);
      ground.served.emitPlace(step, target);
      return;
    case 'processes':
      emitMount(program, ground, step, { type: 'proc', options: '', flags: MOUNT.noDevices | MOUNT.noExecute });
      return;
    case 'terminals':
      emitMount(program, ground, step, {
        type: 'devpts',
        options: `newinstance,ptmxmode=0666,mode=620${step.group === undefined ? '' : `,gid=${step.group}`}`,
        flags: MOUNT.noExecute,
      });
      return;
  }
}

interface NewMount {
  readonly type: string;
  readonly options: string;
  readonly flags?: number;
  readonly mend?: Failure['mend'];
}

function emitMount(program: LaunchProgram, ground: Ground, step: MountStep, mount: NewMount): void {
  const { type, options, flags, mend } = mount;
  emitPlain(program, ground, step.at);
  const at = program.text(outside(ground.root, step.at));
  const all = MOUNT.noSetUser | (flags ?? MOUNT.noDevices);
  program.call('mount', [program.text(`plinth-${type}`), at, program.text(type), all, program.text(options)], {
    message: `${step.at} (${step.kind})`,
    ...(mend === undefined ? {} : { mend }),
  });
}

/** There is such a directory or file, and none of its names is a symbolic link. */
function emitPlain(program: LaunchProgram, { root, checked }: Ground, at: string): void {
  if (!checked) return;
  const how = new Uint8Array(OPEN_HOW_SIZE);
  const view = new DataView(how.buffer);
  // Without O_NOFOLLOW, with which the last name could be a link after all.
  view.setBigUint64(0, BigInt(OPEN_FLAG.path | OPEN_FLAG.closeOnExec), true);
  view.setBigUint64(16, BigInt(RESOLVE.noSymbolicLinks | RESOLVE.noMagicLinks), true);
  const fd: Slot = program.slot();
  const path = program.text(outside(root, at));
  program.call(
    'openat2',
    [AT.workingDirectory, path, program.bytes(how), OPEN_HOW_SIZE],
    { message: `${at} (a plain path)` },
    fd,
  );
  program.call('close', [fd], 'ignore');
}

/** Of options of a mount: what separates them has a backslash in front. */
function escapeOption(path: string): string {
  return path.replaceAll(/[\\,]/g, String.raw`\$&`);
}

/** And of layers. */
function escapeLayer(path: string): string {
  return escapeOption(path).replaceAll(':', String.raw`\:`);
}
