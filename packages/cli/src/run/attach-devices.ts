// SPDX-License-Identifier: Apache-2.0
// The virtio devices of a run with what they have on this host: disks and their files.

import { basename } from 'node:path';
import { attachRng, VirtioBlock } from '@plinth/machine';
import type { AttachedDevices, BoardDescription, RunSpec, VirtioDevice } from '@plinth/machine';
import type { Network } from '../net/network.js';
import { openDrives } from './open-drives.js';

const SERIAL_LENGTH = 20;

export function attachDevices(spec: RunSpec, board: BoardDescription, network?: Network): AttachedDevices {
  const disks = openDrives(spec.drives);
  const virtio: VirtioDevice[] = disks.map((disk, n) => {
    const { file, serial } = spec.drives[n]!;
    return new VirtioBlock({ name: `disk${n}`, disk, serial: serial ?? basename(file).slice(0, SERIAL_LENGTH) });
  });
  if (network !== undefined) virtio.push(network.createCard());
  virtio.push(...attachRng(spec, board));
  const close = (): void => {
    process.removeListener('exit', close);
    for (const disk of disks.splice(0)) disk.close();
  };
  // However we end, short of kill -9, what the guest has written is stored.
  process.once('exit', close);
  return { virtio, [Symbol.dispose]: close };
}
