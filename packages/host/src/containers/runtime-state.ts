// SPDX-License-Identifier: Apache-2.0
// Containers without a service to ask: by the state that runc and crun keep, whoever started them, and by the control groups of
// processes (cgroups(7)), which every runtime makes and names after its containers.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Container, processStart } from './container.js';

/** Folders with a folder for each container. */
function stateFolders(): string[] {
  const own = process.env['XDG_RUNTIME_DIR'];
  return [
    '/run/runc',
    '/run/crun',
    '/run/docker/runtime-runc/moby',
    ...entries('/run/containerd/runc').map((name) => join('/run/containerd/runc', name)),
    ...(own === undefined ? [] : [join(own, 'runc'), join(own, 'crun')]),
  ];
}

/** Whose name or the beginning of whose id this is, several may be meant; all of them without one. */
export function containersByState(name: string | undefined, folders: readonly string[] = stateFolders()): Container[] {
  return folders.flatMap((folder) =>
    entries(folder)
      .filter((id) => name === undefined || isMeant(id, name))
      .flatMap((id) => {
        const pid = stateOf(join(folder, id));
        return pid === undefined || processStart(pid) === undefined ? [] : [{ id, name: id, pid }];
      }),
  );
}

/** The first process of it; undefined where the files are no state of a runtime. */
function stateOf(folder: string): number | undefined {
  for (const [file, key] of [
    ['state.json', 'init_process_pid'],
    ['status', 'pid'],
  ] as const) {
    try {
      const state = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Readonly<Record<string, unknown>> | null;
      const pid = state?.[key];
      if (typeof pid === 'number' && pid > 0) return pid;
    } catch {
      // Not this runtime's, or gone meanwhile.
    }
  }
  return undefined;
}

/** By the control groups of all processes; the first process of each. */
export function containersByGroup(name: string, processes: string = '/proc'): Container[] {
  const found = new Map<string, { pid: number; start: bigint }>();
  for (const entry of entries(processes)) {
    if (!/^\d+$/.test(entry)) continue;
    const id = groupsOf(join(processes, entry, 'cgroup')).find((one) =>
      name === undefined ? LONG_ID.test(one) : isMeant(one, name),
    );
    const start = id === undefined ? undefined : processStart(Number(entry));
    if (id === undefined || start === undefined) continue;
    const before = found.get(id);
    if (before === undefined || BigInt(start) < before.start)
      found.set(id, { pid: Number(entry), start: BigInt(start) });
  }
  return [...found].map(([id, { pid }]) => ({ id, name: id, pid }));
}

/** The names that a process's groups give to containers: `docker-ID.scope`, `libpod-ID`, `cri-containerd-ID.scope`, or ID alone. */
function groupsOf(path: string): string[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return []; // it has ended
  }
  const parts = text.split('\n').flatMap((line) => line.split(':').slice(2).join(':').split('/'));
  return (
    parts
      .map((part) => part.replace(/\.(scope|service|slice)$/, ''))
      // Who looks after a container of podman is not in it.
      .filter((part) => part !== '' && !part.startsWith('libpod-conmon-'))
      .map((part) => part.replace(/^(docker|libpod|cri-containerd|crio|containerd)-/, ''))
  );
}

const LONG_ID = /^[0-9a-f]{64}$/;

function isMeant(id: string, name: string): boolean {
  return id === name || (LONG_ID.test(id) && /^[0-9a-f]+$/.test(name) && id.startsWith(name));
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
