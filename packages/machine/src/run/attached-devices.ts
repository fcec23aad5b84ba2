// SPDX-License-Identifier: Apache-2.0
// The virtio devices of a run: how many there are, and those of them that need nothing of the host.

import { PlinthError, sha256, utf8 } from '@plinth/core';
import type { BlockDevice } from '../block/block-device.js';
import type { BoardDescription } from '../boards/board.js';
import type { VirtioDevice } from '../devices/virtio/device.js';
import { VirtioRng } from '../devices/virtio/rng.js';
import type { RunSpec } from '../run-spec.js';

export interface AttachedDevices extends Disposable {
  /** In the order in which the guest finds them. */
  readonly virtio: readonly VirtioDevice[];
  /** Behind the disks among them, in their order. */
  readonly disks?: readonly BlockDevice[];
}

/** How many windows they take. A board without any has no random source, which nobody asked for by name. */
export function countDevices(spec: RunSpec, board: BoardDescription): number {
  const cards = spec.net.kind === 'none' ? 0 : 1;
  return spec.drives.length + cards + spec.shares.length + (hasRng(spec, board) ? 1 : 0);
}

/** The random source, made from the run's seed, if the run has one. */
export function attachRng(spec: RunSpec, board: BoardDescription): VirtioDevice[] {
  if (!hasRng(spec, board)) return [];
  return [new VirtioRng({ name: 'rng', seed: virtioRngSeed(spec.seed) })];
}

export function virtioRngSeed(seed: string): Uint8Array {
  return sha256(utf8(`plinth virtio-rng ${seed}`));
}

/** Two machines that run the same need disks and folders that neither of them changes for the other. */
export function checkLockstep({ drives, shares }: RunSpec): void {
  const share = shares.find(({ readonly }) => !readonly);
  if (share !== undefined) {
    const how = 'both engines would write into it: add readonly to it';
    throw new PlinthError('input', 'lockstep-share', `lockstep: share ${share.path}: ${how}`);
  }
  const written = drives.find((drive) => !drive.readonly && !drive.snapshot);
  if (written === undefined) return;
  const why = 'both engines would write it: add snapshot or readonly to it';
  throw new PlinthError('input', 'lockstep-drive', `lockstep: drive ${written.file}: ${why}`);
}

function hasRng(spec: RunSpec, board: BoardDescription): boolean {
  return spec.rng && board.virtio !== undefined;
}
