// SPDX-License-Identifier: Apache-2.0
// What a workspace shows of its host: the directories of the root one by one, each with a layer of its own over it, a home that is
// empty or a copy of the real one without its secrets, and memory for what lives no longer than a run.
//
// Not one overlay over `/`: the kernel refuses that to whoever may not see what its mounts hide.

import { posix } from 'node:path';
import { assert, PlinthError } from '@plinth/core';
import { isolationFilter } from '../isolation/call-policy.js';
import { SECRETS } from '../isolation/secrets.js';
import type { ControlGroup, Limit, ListedNetwork, MountStep, Surroundings } from '../isolation/surroundings.js';
import type { Reachable } from '../network/reachable.js';
import type { Controller, HostFacts } from './host-facts.js';

/** Who lays its layers over one another: the kernel's overlayfs, or the watcher by FUSE. On disk they have one form. */
export type LayerCarrier = 'overlay' | 'fuse';

export interface WorkspaceOptions {
  /** `private` is empty, `cow` is the real one with a layer over it, secrets hidden. */
  readonly home: 'private' | 'cow';
  readonly network: 'none' | 'host' | 'listed';
  /** Of network `listed`: the hosts that are reached, as their user has named them. */
  readonly reachableHosts?: readonly string[];
  /** Directories of the host that are there too, with a layer over them. */
  readonly folders: readonly string[];
  /** Programs that may not be executed, by their paths. */
  readonly deniedPrograms: readonly string[];
  /** Root of its own namespaces, for installers. */
  readonly asRoot: boolean;
  readonly layers: LayerCarrier;
  readonly processes?: number;
  /** Bytes of memory: of all of it with control groups, of each process's address space without. */
  readonly memory?: number;
  /** Processors that it may keep busy; may be a fraction. */
  readonly processors?: number;
}

/** What is made where nothing else is wanted: an empty home, the host's network, no folders, no limits. */
export const DEFAULT_WORKSPACE: WorkspaceOptions = {
  home: 'private',
  network: 'host',
  folders: [],
  deniedPrograms: [],
  asRoot: false,
  layers: 'overlay',
};

/** Part of a workspace's files: what of the host lies below, and the name of its layers. */
export interface LayeredPart {
  readonly at: string;
  /** Relative to a layer's directory. */
  readonly layer: string;
  /** A directory of the host, or none for an empty one: that is its layer alone, which costs less than one over nothing. */
  readonly base: string | undefined;
  /** Of the directory itself, where it is made. */
  readonly mode: number;
}

/** Directories of the root that have no files of the host's. */
const NOT_LAYERED = new Set(['proc', 'sys', 'dev', 'tmp', 'run', 'home', 'root', 'mnt', 'media', 'lost+found']);

/** Of the files of processes, what would change or show the kernel. */
const KERNEL_FILES = ['sys', 'sysrq-trigger', 'irq', 'bus', 'fs', 'acpi', 'scsi', 'mtrr'];
const HIDDEN_KERNEL_FILES = ['kcore', 'keys', 'timer_list', 'sched_debug', 'latency_stats', 'kmsg'];

/** Of terminals, in Debian and most others. */
const TERMINAL_GROUP = 5;
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
const DEVICE_LINKS = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['ptmx', 'pts/ptmx'],
] as const;

const PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const USER_PATH = PATH.filter((directory) => !directory.endsWith('sbin'));

/** What root of a workspace may do to its files and processes: CHOWN to FSETID, KILL to SETUID, SETPCAP, BIND, CHROOT, SETFCAP. */
const ROOT_CAPABILITIES = [0, 1, 3, 4, 5, 6, 7, 8, 10, 18, 31];

/** The parts of its files that have layers. A folder below another part lies over that one, so it comes later. */
export function layeredParts(options: WorkspaceOptions, facts: HostFacts): LayeredPart[] {
  if (options.processors !== undefined && !facts.controllers.has('cpu')) {
    const why =
      'processors are shared out by control groups, which this user may not make: take root, or do without --cpus';
    throw new PlinthError('host', 'control-groups', why);
  }
  const parts = facts.top
    .filter(
      ({ name, target }) =>
        target === undefined && !NOT_LAYERED.has(name) && mountBelow(`/${name}`, facts) === undefined,
    )
    .map(({ name, mode = 0o755 }): LayeredPart => ({
      at: `/${name}`,
      layer: `root/${name}`,
      base: baseOf(`/${name}`, facts),
      mode,
    }));
  const { home } = facts;
  parts.push({ at: home, layer: 'home', base: options.home === 'cow' ? baseOf(home, facts) : undefined, mode: 0o700 });
  options.folders.forEach((folder, n) => {
    checkFolder(folder, facts);
    parts.push({ at: folder, layer: `folder-${n}`, base: folder, mode: 0o755 });
  });
  return parts;
}

/** Not of folders that were asked for: something may come to be in them while a command runs. */
function baseOf(path: string, { isEmpty }: HostFacts): string | undefined {
  return isEmpty(path) ? undefined : path;
}

function checkFolder(folder: string, facts: HostFacts): void {
  const complain = (why: string): never => {
    throw new PlinthError('input', 'workspace-folder', `folder ${folder}: ${why}`);
  };
  if (facts.exists(folder) !== 'directory') complain('there is no such directory');
  const [, first = ''] = folder.split('/');
  if (folder === '/' || ['proc', 'sys', 'dev'].includes(first)) complain('it is not one of files');
  const mounted = mountBelow(folder, facts);
  if (mounted !== undefined) {
    complain(
      `something is mounted below it (${mounted}), so it cannot have a layer: unmount that, or name a directory beside it`,
    );
  }
}

/** Overlayfs lays no layer over a directory with something mounted below it, as that would show what the mount hides. */
function mountBelow(directory: string, { mountPoints }: HostFacts): string | undefined {
  return mountPoints.find((point) => point.startsWith(`${directory}/`));
}

/** Who carries layers where nobody has said who is to, as far as that is known without trying. */
export function usualCarrier({ home }: Pick<WorkspaceOptions, 'home'>, facts: HostFacts): LayerCarrier {
  return home === 'cow' && mountBelow(facts.home, facts) !== undefined ? 'fuse' : DEFAULT_WORKSPACE.layers;
}

function checkCarrier(layers: LayerCarrier, options: WorkspaceOptions, facts: HostFacts): void {
  if (layers === 'fuse' || usualCarrier(options, facts) !== 'fuse') return;
  const mounted = mountBelow(facts.home, facts)!;
  const why = `something is mounted below it (${mounted}), over which overlayfs lays nothing: unmount that, or take --layers fuse`;
  throw new PlinthError('input', 'workspace-home', `home ${facts.home}: ${why}`);
}

export interface WorkspacePlaces {
  readonly name: string;
  readonly root: string;
  readonly lock: string;
  readonly processFile: string;
  /** Of the layer. */
  readonly upper: string;
  readonly work: string;
  /** The name of its control groups. */
  readonly group: string;
  /** Of network `listed`: a file with the names and addresses that it knows, and what its carrier needs. */
  readonly hosts: string;
  readonly carrierPipe: string;
  readonly carrierLog: string;
}

/** Of one run. */
export interface RunPlace {
  /** Where commands begin. */
  readonly directory: string;
  readonly watcher?: Surroundings['watcher'];
  /** Other than the workspace has it. */
  readonly layers?: LayerCarrier;
  /** Path of the terminal that it is given, if it is given one. */
  readonly terminal?: string;
  /** A directory of the host that is there as `EXCHANGE`, to be written. */
  readonly exchange?: string;
  /** Has to be there if the network is `listed`. */
  readonly network?: RunNetwork;
}

/** Which hosts are reached this time, and the path of pasta. */
export interface RunNetwork {
  readonly reachable: readonly Reachable[];
  readonly carrier: string;
}

export const EXCHANGE = '/run/plinth';

export function workspacePlan(
  options: WorkspaceOptions,
  facts: HostFacts,
  places: WorkspacePlaces,
  { directory, watcher, terminal, exchange, layers = options.layers, network }: RunPlace,
): Surroundings {
  checkCarrier(layers, options, facts);
  const parts = layeredParts(options, facts);
  const steps: MountStep[] = [];
  const layered = new Set(parts.map(({ at }) => at));
  for (const { name, target } of facts.top) {
    const at = `/${name}`;
    if (target !== undefined) steps.push({ kind: 'link', at, target });
    else if (!NOT_LAYERED.has(name)) steps.push({ kind: 'directory', at, mode: 0o755 });
    if (target === undefined && !NOT_LAYERED.has(name) && !layered.has(at)) {
      steps.push({ kind: 'bind', at, from: at, writable: false });
    }
  }
  steps.push({ kind: 'directory', at: '/tmp', mode: 0o1777 }, { kind: 'memory', at: '/tmp', mode: 0o1777 });
  steps.push({ kind: 'directory', at: '/run', mode: 0o755 }, { kind: 'memory', at: '/run', mode: 0o755 });
  if (exchange !== undefined) {
    steps.push({ kind: 'directory', at: EXCHANGE, mode: 0o755 });
    steps.push({ kind: 'bind', at: EXCHANGE, from: exchange, writable: true });
  }
  for (const part of parts) steps.push(...partSteps(part, layers, places));
  steps.push(
    ...secretSteps(parts, options, facts),
    ...processSteps(facts, places.root),
    ...deviceSteps(facts, terminal),
  );
  if (options.network === 'listed') steps.push(hostsStep(facts, places));
  const inside = options.asRoot ? 0 : facts.user;
  return {
    name: places.name,
    root: places.root,
    steps,
    user: facts.user,
    group: facts.group,
    insideUser: inside,
    insideGroup: options.asRoot ? 0 : facts.group,
    hostName: 'plinth',
    network: options.network === 'listed' ? listedNetwork(network, places) : options.network,
    directory,
    path: inside === 0 ? PATH : USER_PATH,
    capabilities: inside === 0 && options.asRoot ? ROOT_CAPABILITIES : [],
    limits: limits(options, facts),
    controlGroups: controlGroups(options, facts, places),
    filter: isolationFilter(watcher?.line !== undefined),
    ...(watcher === undefined ? {} : { watcher }),
    writable: [...layered, '/tmp', '/run', '/dev', '/proc'],
    lock: places.lock,
    processFile: places.processFile,
  };
}

function listedNetwork(network: RunNetwork | undefined, places: WorkspacePlaces): ListedNetwork {
  assert(network !== undefined, 'the hosts of the list were looked up');
  const { reachable, carrier: program } = network;
  return { reachable, carrier: { program, pipe: places.carrierPipe, log: places.carrierLog } };
}

/** Names are known by a file, as nobody can be asked for them. */
function hostsStep({ realPath }: HostFacts, { hosts }: WorkspacePlaces): MountStep {
  const at = realPath('/etc/hosts');
  if (at !== undefined) return { kind: 'bind', at, from: hosts, writable: false };
  throw new PlinthError(
    'host',
    'hosts-file',
    'there is no /etc/hosts here, which --allow-net needs: make an empty one',
  );
}

function partSteps({ at, layer, base }: LayeredPart, kind: LayerCarrier, places: WorkspacePlaces): MountStep[] {
  const made = ancestors(at).map((one): MountStep => ({ kind: 'directory', at: one, mode: 0o755 }));
  const [upper, work] = [posix.join(places.upper, layer), posix.join(places.work, layer)];
  if (base === undefined) return [...made, { kind: 'bind', at, from: upper, writable: true }];
  return [...made, { kind, at, lower: [base], upper, work }];
}

/** It and what it lies in, from the outermost on. */
export function ancestors(path: string): string[] {
  const names = path.split('/').slice(1);
  return names.map((_, n) => `/${names.slice(0, n + 1).join('/')}`);
}

/** Hides secrets of the home wherever a part shows them, but for what was asked for by name. */
function secretSteps(parts: readonly LayeredPart[], { folders }: WorkspaceOptions, facts: HostFacts): MountStep[] {
  const places = SECRETS.flatMap((name) => facts.realPath(posix.join(facts.home, name)) ?? []);
  return [...new Set(places)]
    .filter((path) => parts.some(({ at, base }) => base !== undefined && isBelow(path, at)))
    .filter((path) => !folders.some((folder) => folder === path || isBelow(folder, path)))
    .map((at): MountStep =>
      facts.exists(at) === 'directory'
        ? { kind: 'memory', at, mode: 0o500, size: 4096 }
        : { kind: 'bind', at, from: '/dev/null', writable: false, devices: true },
    );
}

function isBelow(path: string, directory: string): boolean {
  return path.startsWith(`${directory}/`);
}

function processSteps({ exists }: HostFacts, root: string): MountStep[] {
  const at = '/proc';
  const own = KERNEL_FILES.filter((name) => exists(`/proc/${name}`) !== undefined);
  const hidden = HIDDEN_KERNEL_FILES.filter((name) => exists(`/proc/${name}`) !== undefined);
  return [
    { kind: 'directory', at, mode: 0o555 },
    { kind: 'processes', at },
    ...own.map((name): MountStep => ({
      kind: 'bind',
      at: `/proc/${name}`,
      from: `${root}/proc/${name}`,
      writable: false,
    })),
    ...hidden.map((name): MountStep => ({
      kind: 'bind',
      at: `/proc/${name}`,
      from: '/dev/null',
      writable: false,
      devices: true,
    })),
  ];
}

/** Its terminal is at /dev/console, where bubblewrap has it too: its own devpts has no name for it, and ttyname(3) looks there. */
function deviceSteps({ user }: HostFacts, terminal: string | undefined): MountStep[] {
  const devices = DEVICES.map((name) => ({ at: `/dev/${name}`, from: `/dev/${name}` }));
  if (terminal !== undefined) devices.push({ at: '/dev/console', from: terminal });
  return [
    { kind: 'directory', at: '/dev', mode: 0o755 },
    { kind: 'memory', at: '/dev', mode: 0o755 },
    ...devices.flatMap(({ at, from }): MountStep[] => [
      { kind: 'file', at, bytes: new Uint8Array(), mode: 0o600 },
      { kind: 'bind', at, from, writable: true, devices: true },
    ]),
    { kind: 'directory', at: '/dev/pts', mode: 0o755 },
    // Only root has other groups than its own inside.
    { kind: 'terminals', at: '/dev/pts', ...(user === 0 ? { group: TERMINAL_GROUP } : {}) },
    { kind: 'directory', at: '/dev/shm', mode: 0o1777 },
    { kind: 'memory', at: '/dev/shm', mode: 0o1777 },
    ...DEVICE_LINKS.map(([name, target]): MountStep => ({ kind: 'link', at: `/dev/${name}`, target })),
  ];
}

/** What control groups do not limit here. */
function limits({ processes, memory }: WorkspaceOptions, { controllers }: HostFacts): Limit[] {
  return [
    { name: 'core', value: 0 },
    ...(processes === undefined || controllers.has('pids') ? [] : [{ name: 'processes', value: processes } as const]),
    ...(memory === undefined || controllers.has('memory') ? [] : [{ name: 'memory', value: memory } as const]),
  ];
}

/** Processes of ours that are in a group, by its version: process 1, and those that are not born there: the one that waits, and a carrier with its keeper. */
function ownProcesses(version: 1 | 2, { network }: WorkspaceOptions): number {
  if (version === 2) return 1;
  return network === 'listed' ? 4 : 2;
}

const PERIOD_MICROSECONDS = 100_000;

function controlGroups(options: WorkspaceOptions, facts: HostFacts, { group }: WorkspacePlaces): ControlGroup[] {
  const { controllers } = facts;
  const { processes, memory, processors } = options;
  const groups = new Map<string, { file: string; value: string }[]>();
  const add = (controller: Controller, settings: (version: 1 | 2) => readonly [string, string][]): void => {
    const place = controllers.get(controller);
    if (place === undefined) return;
    const directory = posix.join(place.directory, group);
    const all = groups.get(directory) ?? [];
    groups.set(directory, all);
    all.push(...settings(place.version).map(([file, value]) => ({ file, value })));
  };
  if (processes !== undefined)
    add('pids', (version) => [['pids.max', String(processes + ownProcesses(version, options))]]);
  if (memory !== undefined) {
    add('memory', (version) => [[version === 1 ? 'memory.limit_in_bytes' : 'memory.max', String(memory)]]);
  }
  if (processors !== undefined) {
    const quota = String(Math.round(processors * PERIOD_MICROSECONDS));
    add('cpu', (version) =>
      version === 1
        ? [
            ['cpu.cfs_period_us', String(PERIOD_MICROSECONDS)],
            ['cpu.cfs_quota_us', quota],
          ]
        : [['cpu.max', `${quota} ${PERIOD_MICROSECONDS}`]],
    );
  }
  const told = numberedGroup(facts, group);
  if (told !== undefined && !groups.has(told)) groups.set(told, []);
  return [...groups].map(([directory, settings]) => ({ directory, version: directory === told ? 2 : 1, settings }));
}

/** The group by whose number its processes are known, if it has one. */
export function numberedGroup({ unified }: HostFacts, group: string): string | undefined {
  return unified === undefined ? undefined : posix.join(unified, group);
}

/** Where processes that were not made are counted, if they are. */
export function processEventsFile(options: WorkspaceOptions, facts: HostFacts, group: string): string | undefined {
  const place = options.processes === undefined ? undefined : facts.controllers.get('pids');
  return place === undefined ? undefined : posix.join(place.directory, group, 'pids.events');
}
