// SPDX-License-Identifier: Apache-2.0
// From a RunSpec to a machine that is ready to be driven: reads its files, opens its network, boots or resumes.

import { existsSync } from 'node:fs';
import {
  createDriver,
  READY_MARK,
  requestFor,
  resumedSpec,
  resumeDriver,
  Snapshot,
  takesRequests,
} from '@plinth/machine';
import type {
  DriverHost,
  DriveSpec,
  NamedBytes,
  OpenDriver,
  PowerOn,
  RandomAccessFile,
  RunFiles,
  RunLoopOptions,
  RunSpec,
} from '@plinth/machine';
import { FILE_ROLES, type FileRole } from '@plinth/observe';
import { zlibCodec } from '../host/deflate.js';
import type { Progress } from '../host/progress.js';
import type { ReadFile } from '../host/shared-files.js';
import { ensureImage } from '../image/catalog.js';
import { PacketGuard } from '../inspect/packet-guard.js';
import type { Network } from '../net/network.js';
import { openNetwork } from '../net/open-network.js';
import { BootCache } from './boot-cache.js';
import { withCard } from './driver-host.js';
import { asksForRequest, readRunFiles, withImageDisk } from './run-files.js';
import type { TerminalSize } from './run-files.js';
import { readInput } from './run-options.js';
import { findDisks, withAbsoluteNames } from './saved-disks.js';

/** A run that is about to begin. */
export interface StartedRun {
  /** With what a snapshot has brought. */
  readonly spec: RunSpec;
  readonly machine: OpenDriver;
  readonly network?: Network | undefined;
  /** Looks into what passes the network card. */
  readonly guard?: PacketGuard | undefined;
  readonly ready?: RunLoopOptions['ready'];
  /** Not of a run that goes on from a kept boot, which is not recorded. */
  readonly origin?: RunOrigin | undefined;
}

/** What a run was started with, for who records it. */
export interface RunOrigin {
  readonly files: readonly OriginFile[];
  /** Not of a run that goes on from a snapshot. */
  readonly powerOn?: PowerOn;
  readonly size?: TerminalSize | undefined;
  /** Numbers of the drives whose overlay was made for the run. */
  readonly freshOverlays: readonly number[];
}

export interface OriginFile extends NamedBytes {
  readonly role: FileRole;
}

/** The files of a run that its machine begins with. */
export function originFiles(files: RunFiles): OriginFile[] {
  return FILE_ROLES.flatMap((role) => {
    const file = role === 'snapshot' ? undefined : files[role];
    return file === undefined ? [] : [{ role, ...file }];
  });
}

/** What the start of a run needs of the process or the thread that it is in. */
export interface RunSetting {
  /** Of the terminal that will be the guest's console, if one will. */
  readonly size: TerminalSize | undefined;
  readonly progress: Progress;
  readonly host: DriverHost;
  /** Where a disk's writes go that are forgotten after the run; to files of the host if left out. */
  readonly newLayer?: () => RandomAccessFile;
  readonly read: ReadFile;
  readonly say: (line: string) => void;
}

/** Reads what a run names, and builds its machine; an image that is kept booted is resumed. */
export async function startRun(wanted: RunSpec, setting: RunSetting): Promise<StartedRun> {
  if (wanted.snapshot !== undefined) return resumeRun(wanted, wanted.snapshot, setting);
  const { size, progress, host, read, say } = setting;
  const boot = async (): Promise<StartedRun> => {
    const files = await readRunFiles(wanted, size, progress, read);
    const spec = withAbsoluteNames(withImageDisk(wanted, files));
    const fresh = ({ overlay }: DriveSpec): boolean => overlay !== undefined && !existsSync(overlay);
    const freshOverlays = spec.drives.flatMap((drive, n) => (fresh(drive) ? [n] : []));
    const { seed, wallClock } = files.powerOn ?? spec;
    const origin = { files: originFiles(files), powerOn: { seed, wallClock }, size, freshOverlays };
    return { ...(await withNetwork(spec, setting, (wired) => createDriver(spec, files, wired))), origin };
  };
  const manifest = wanted.image === undefined ? undefined : await ensureImage(wanted.image, progress);
  if (manifest === undefined || !asksForRequest(wanted, manifest)) return boot();
  const cache = wanted.cold || wanted.record !== undefined ? undefined : BootCache.of(wanted, manifest);
  const booted = await cache?.resume(wanted, host, read);
  if (booted === undefined && size !== undefined) howItBoots(wanted, cache !== undefined).forEach(say);
  if (booted !== undefined) say(`resumed from a snapshot of ${wanted.image}, booted ${booted.when}; --cold boots`);
  const { machine, network, guard, origin }: Omit<StartedRun, 'spec' | 'ready'> = booted ?? (await boot());
  let stored = booted !== undefined;
  const ready: RunLoopOptions['ready'] = {
    mark: READY_MARK,
    state: booted === undefined ? 'booting' : 'ready',
    request: async () => {
      // Saving is something that happens to a machine: one that can go back would have to know of it.
      if (!stored && !wanted.reverse) await cache?.store(machine, say);
      stored = true;
      return requestFor(wanted, machine, size);
    },
  };
  return { spec: withAbsoluteNames(wanted), machine, network, guard, ready, origin };
}

/** For who sits at the terminal and sees a kernel boot, in lines. */
function howItBoots({ image, stock }: RunSpec, kept: boolean): string[] {
  const next = kept ? ['the next run goes on from this boot'] : [];
  if (stock) return [`booting ${image} as Debian ships it: the kernel unpacks itself and runs its self-tests`, ...next];
  const path = 'on the fast path: kernel unpacked ahead of time, without its crypto self-tests (cryptomgr.notests)';
  return [`booting ${image} ${path}`, ['--stock boots it as shipped', ...next].join('; ')];
}

async function resumeRun(wanted: RunSpec, name: string, setting: RunSetting): Promise<StartedRun> {
  const bytes = readInput(name, 'snapshot', setting.read);
  const opening = Snapshot.open(bytes, name, zlibCodec);
  // While it is unpacked on other threads.
  const interpreter = setting.host.interpreter();
  const host: DriverHost = { ...setting.host, interpreter: () => interpreter };
  const snapshot = await opening;
  const { board, cpu, cpus, ramSize: memory } = snapshot.identity;
  const { run } = snapshot;
  const own = withAbsoluteNames(findDisks(resumedSpec(wanted, snapshot), name, run?.image));
  const { machine, network, guard } = await withNetwork(own, { ...setting, host }, (wired) =>
    resumeDriver(own, snapshot, wired),
  );
  const spec: RunSpec = { ...own, machine: board, cpu, cpus, memory };
  const origin: RunOrigin = { files: [{ role: 'snapshot', name, bytes }], freshOverlays: [] };
  if (run === undefined || !takesRequests(run)) return { spec, machine, network, guard, origin };
  // It may have been taken while the guest booted, or the guest may yet reset itself.
  const request = async (): Promise<Uint8Array> => requestFor(spec, machine, setting.size);
  return { spec, machine, network, guard, ready: { mark: READY_MARK, state: 'unknown', request }, origin };
}

/** The network is there before the machine is made, and goes if that fails. */
async function withNetwork(
  spec: RunSpec,
  { host, newLayer, say }: RunSetting,
  create: (host: DriverHost) => OpenDriver,
): Promise<Pick<StartedRun, 'spec' | 'machine' | 'network' | 'guard'>> {
  const guard = PacketGuard.of(spec, say);
  const network = await openNetwork(spec, say, guard);
  try {
    const machine = create(withCard(host, network, newLayer));
    network?.connect(machine);
    guard?.watch(machine);
    return { spec, machine, network, guard };
  } catch (error) {
    network?.[Symbol.dispose]();
    throw error;
  }
}

/**
 * Reads now what `startRun` will read, so that files that cannot be used are told at once, and a `read` that keeps what it
 * has read has all of it.
 */
export async function readAhead(wanted: RunSpec, progress: Progress, read: ReadFile): Promise<void> {
  if (wanted.snapshot !== undefined) {
    readInput(wanted.snapshot, 'snapshot', read);
    return;
  }
  const manifest = wanted.image === undefined ? undefined : await ensureImage(wanted.image, progress);
  const kept = manifest !== undefined && asksForRequest(wanted, manifest) && !wanted.cold;
  if (kept && BootCache.of(wanted, manifest)?.readAhead(read) !== undefined) return;
  await readRunFiles(wanted, undefined, progress, read);
}
