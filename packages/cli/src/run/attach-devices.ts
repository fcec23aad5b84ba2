// SPDX-License-Identifier: Apache-2.0
// The virtio devices of a run with what they have on this host: disks and their files, shared folders.

import { attachRng, driveSerial, Virtio9p, VirtioBlock } from '@plinth/machine';
import type {
  AttachedDevices,
  BlockDevice,
  BoardDescription,
  DriveSpec,
  RunSpec,
  SharedFolder,
  ShareSpec,
  VirtioDevice,
} from '@plinth/machine';
import { HostFolder } from '../host/shared-folder.js';
import type { Network } from '../net/network.js';
import { openDrives } from './open-drives.js';

/** Where the devices of a run get what they stand for. */
export interface DeviceSources {
  readonly network?: Network | undefined;
  openDrives(drives: readonly DriveSpec[]): BlockDevice[];
  openFolder(share: ShareSpec): OpenFolder;
}

/** A folder that is closed after the run. */
export type OpenFolder = SharedFolder & { close(): void };

const HOST: DeviceSources = { openDrives, openFolder: ({ path, readonly }) => new HostFolder(path, readonly) };

export function attachDevices(
  spec: RunSpec,
  board: BoardDescription,
  sources: Partial<DeviceSources> = {},
): AttachedDevices {
  const { network, ...open } = { ...HOST, ...sources };
  const folders = openShares(spec.shares, open);
  const disks = openDisks(spec, folders, open);
  const opened = [...disks];
  const virtio: VirtioDevice[] = disks.map((disk, n) => {
    return new VirtioBlock({ name: `disk${n}`, disk, serial: driveSerial(spec.drives[n]!) });
  });
  if (network !== undefined) virtio.push(network.createCard());
  folders.forEach((folder, n) => {
    virtio.push(new Virtio9p({ name: `share${n}`, tag: spec.shares[n]!.tag, folder }));
  });
  virtio.push(...attachRng(spec, board));
  const close = (): void => {
    process.removeListener('exit', close);
    for (const disk of disks.splice(0)) disk.close();
    for (const folder of folders.splice(0)) folder.close();
  };
  // However we end, short of kill -9, what the guest has written is stored.
  process.once('exit', close);
  return { virtio, disks: opened, [Symbol.dispose]: close };
}

/** Opens every folder, or none. */
function openShares(shares: readonly ShareSpec[], { openFolder }: Pick<DeviceSources, 'openFolder'>): OpenFolder[] {
  const opened: OpenFolder[] = [];
  try {
    for (const share of shares) opened.push(openFolder(share));
    return opened;
  } catch (error) {
    for (const folder of opened) folder.close();
    throw error;
  }
}

function openDisks(
  spec: RunSpec,
  folders: readonly OpenFolder[],
  open: Pick<DeviceSources, 'openDrives'>,
): BlockDevice[] {
  try {
    return open.openDrives(spec.drives);
  } catch (error) {
    for (const folder of folders) folder.close();
    throw error;
  }
}
