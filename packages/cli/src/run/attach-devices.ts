// SPDX-License-Identifier: Apache-2.0
// The virtio devices of a run: what they are, in the order in which the guest finds them, and what is to be let go of at
// its end.

import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { PlinthError } from '@plinth/core';
import { VirtioBlock, VirtioRng } from '@plinth/machine';
import type { BoardDescription, RunSpec, VirtioDevice } from '@plinth/machine';
import { openDrives } from './open-drives.js';

export interface AttachedDevices extends Disposable {
  readonly virtio: readonly VirtioDevice[];
}

const SERIAL_LENGTH = 20;

/** How many windows they take. A board without any has no random source, which nobody asked for by name. */
export function countDevices(spec: RunSpec, board: BoardDescription): number {
  return spec.drives.length + (hasRng(spec, board) ? 1 : 0);
}

export function attachDevices(spec: RunSpec, board: BoardDescription): AttachedDevices {
  const disks = openDrives(spec.drives);
  const virtio: VirtioDevice[] = disks.map((disk, n) => {
    const { file, serial } = spec.drives[n]!;
    return new VirtioBlock({ name: `disk${n}`, disk, serial: serial ?? basename(file).slice(0, SERIAL_LENGTH) });
  });
  if (hasRng(spec, board)) {
    const seed = createHash('sha256').update(`plinth virtio-rng ${spec.seed}`).digest();
    virtio.push(new VirtioRng({ name: 'rng', seed }));
  }
  const close = (): void => {
    process.removeListener('exit', close);
    for (const disk of disks.splice(0)) disk.close();
  };
  // However we end, short of kill -9, what the guest has written is stored.
  process.once('exit', close);
  return { virtio, [Symbol.dispose]: close };
}

/** Two machines that run the same need disks that neither of them changes for the other. */
export function checkLockstep({ drives }: RunSpec): void {
  const written = drives.find((drive) => !drive.readonly && !drive.snapshot);
  if (written === undefined) return;
  const why = 'both engines would write it: add snapshot or readonly to it';
  throw new PlinthError('input', 'lockstep-drive', `lockstep: drive ${written.file}: ${why}`);
}

function hasRng(spec: RunSpec, board: BoardDescription): boolean {
  return spec.rng && board.virtio !== undefined;
}
