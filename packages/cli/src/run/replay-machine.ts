// SPDX-License-Identifier: Apache-2.0
// The machine of a recording, as it was when the recording began: from the files that the run named, or from what the
// recording holds. It has no network and no folder, and changes no disk.

import { PlinthError, StateReader } from '@plinth/core';
import { boardNamed, createDriverOfPlan, planRun, restorePlan, resumeDriver, Snapshot } from '@plinth/machine';
import type {
  BlockDevice,
  DriverHost,
  DriveSpec,
  EngineName,
  LoadPlan,
  OpenDriver,
  RandomAccessFile,
  RunSpec,
  SharedFolder,
} from '@plinth/machine';
import type { FileRole, Recording } from '@plinth/observe';
import { zlibCodec } from '../host/deflate.js';
import type { Progress } from '../host/progress.js';
import { readPrivately } from '../host/shared-files.js';
import { Network } from '../net/network.js';
import { attachDevices } from './attach-devices.js';
import { openRecordedDrives } from './open-drives.js';
import { readRunFiles } from './run-files.js';
import { readInput } from './run-options.js';
import { hashOf } from './run-recording.js';
import { findDisks } from './saved-disks.js';
import { originFiles, type OriginFile } from './start-run.js';

export interface ReplaySetting {
  readonly engine: EngineName;
  /** Where files are now, if not where they were. */
  readonly files: Readonly<Partial<Record<FileRole, string>>>;
  /** Where disks are now, for all of them in their order; none for those that are where they were. */
  readonly drives: readonly string[];
  readonly host: DriverHost;
  readonly progress: Progress;
  /** Makes an empty file for what the guest writes to a disk; one that is gone after the run if left out. */
  readonly newLayer?: () => RandomAccessFile;
}

/** @throws PlinthError `input` for files and disks that are gone, or are others than they were */
export async function createReplayDriver(recording: Recording, setting: ReplaySetting): Promise<OpenDriver> {
  const { start } = recording;
  const spec = replaySpec(recording, setting);
  const host: DriverHost = {
    ...setting.host,
    attach: (run, board) => attachDevices(run, board, sourcesOf(recording, spec, setting)),
  };
  const snapshot = await snapshotOf(recording, setting);
  if (snapshot !== undefined) return resumeDriver(spec, snapshot, host);
  const { powerOn = spec, name } = start;
  const plan = start.embedded ? embeddedPlan(recording) : await plannedOf(recording, spec, setting);
  const driver = createDriverOfPlan(spec, { plan, name, powerOn }, host);
  try {
    driver.disks.forEach((disk, n) => checkDisk(disk, start.disks[n]!, `${recording.name}: disk ${n}`));
    return driver;
  } catch (error) {
    driver[Symbol.dispose]();
    throw error;
  }
}

/** The run that was recorded, on this host. */
function replaySpec({ name, start }: Recording, { engine, drives, files }: ReplaySetting): RunSpec {
  const { pcap: _pcap, record: _record, ...spec } = start.spec;
  if (drives.length > 0 && drives.length !== spec.drives.length) {
    const count = `${drives.length} given, where the recording has ${spec.drives.length}`;
    throw new PlinthError('input', 'replay-drives', `drive: ${count}: name all of its disks, or none`);
  }
  const moved =
    drives.length === 0 ? spec.drives : spec.drives.map((drive, n): DriveSpec => ({ ...drive, file: drives[n]! }));
  const fresh = (n: number): boolean => start.freshOverlays.includes(n);
  // An overlay that the run has made is not looked for.
  const found = findDisks(
    { ...spec, drives: moved.map((drive, n) => (fresh(n) ? withoutOverlay(drive) : drive)) },
    name,
    spec.image,
  );
  const restored = found.drives.map((drive, n) => ({ ...moved[n]!, ...drive }));
  return { ...spec, ...files, drives: restored, engine, embed: false, realtime: false };
}

function withoutOverlay({ overlay: _overlay, ...drive }: DriveSpec): DriveSpec {
  return drive;
}

function sourcesOf(
  { start }: Recording,
  { net, wallClock }: RunSpec,
  { newLayer }: ReplaySetting,
): Parameters<typeof attachDevices>[2] {
  return {
    network: net.kind === 'none' ? undefined : silentNetwork(net, wallClock),
    openDrives: (drives) => openRecordedDrives(drives, start.freshOverlays, newLayer),
    openFolder: () => absentFolder,
  };
}

/** A wire that leads nowhere: what came over it comes from the recording. */
function silentNetwork(spec: ConstructorParameters<typeof Network>[0]['spec'], wallClock: number): Network {
  const nothing = (): void => undefined;
  const backend = { start: nothing, send: () => true, pause: nothing, resume: nothing, [Symbol.dispose]: nothing };
  return new Network({ spec, backend, wallClock, now: () => 0, say: nothing });
}

const absent = (): never => {
  throw new PlinthError('input', 'input-differs', 'the guest asks a shared folder for what the recording has not');
};

/** All answers of a shared folder come from the recording. */
const absentFolder: SharedFolder & { close(): void } = {
  readOnly: true,
  attributes: absent,
  change: absent,
  space: absent,
  openFile: absent,
  openDirectory: absent,
  createFile: absent,
  makeDirectory: absent,
  makeLink: absent,
  makeName: absent,
  readLink: absent,
  rename: absent,
  removeFile: absent,
  removeDirectory: absent,
  close: () => undefined,
};

async function snapshotOf({ start }: Recording, { files }: ReplaySetting): Promise<Snapshot | undefined> {
  const recorded = start.files.find(({ role }) => role === 'snapshot');
  if (recorded === undefined) return undefined;
  if (start.snapshot !== undefined) return Snapshot.open(start.snapshot, recorded.name, zlibCodec);
  const path = files.snapshot ?? recorded.name;
  const bytes = readInput(path, 'snapshot');
  checkFiles([{ role: 'snapshot', name: path, bytes }], start.files);
  return Snapshot.open(bytes, recorded.name, zlibCodec);
}

function embeddedPlan({ name, identity, plan }: Recording): LoadPlan {
  const { ramBase } = boardNamed(identity.board);
  const restored = restorePlan(plan, { base: ramBase, size: identity.ramSize });
  plan.end();
  if (restored !== undefined) return restored;
  throw new PlinthError('input', 'recording-plan', `${name}: it holds nothing that was loaded: record it again`);
}

async function plannedOf({ start }: Recording, spec: RunSpec, { progress }: ReplaySetting): Promise<LoadPlan> {
  const files = await readRunFiles(spec, start.size, progress, readPrivately);
  checkFiles(originFiles(files), start.files);
  return planRun(spec, { ...files, ...(start.powerOn === undefined ? {} : { powerOn: start.powerOn }) });
}

function checkFiles(found: readonly OriginFile[], recorded: Recording['start']['files']): void {
  for (const { role, size, sha256 } of recorded) {
    const file = found.find((one) => one.role === role);
    if (file !== undefined && file.bytes.length === size && hashOf(file.bytes) === sha256) continue;
    const how = `say where that is (--${role} FILE), or record with --embed`;
    throw new PlinthError(
      'input',
      'replay-file',
      `${file?.name ?? role}: this is not the ${role} that was recorded: ${how}`,
    );
  }
}

function checkDisk(disk: BlockDevice, proof: Uint8Array, name: string): void {
  disk.restore(new StateReader(proof, name, 'record it again'));
}
