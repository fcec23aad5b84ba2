// SPDX-License-Identifier: Apache-2.0
// What is left of workspaces whose processes were killed: whatever lives in memory goes by itself, directories do not.

import { existsSync, readdirSync, readFileSync, realpathSync, rmdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PlinthError } from '@plinth/core';
import type { SystemCalls } from '@plinth/linux';
import { removeTree } from '../layers/remove-tree.js';
import type { HostFacts } from './host-facts.js';
import { CARRIER_PIPE, isLeftHalf, Workspace } from './workspace.js';

export interface WorkspaceLeftover {
  /** Of a file, or which process. */
  readonly path: string;
  remove(): void;
}

/** Of the workspaces in `all`. What is in use is none. */
export function workspaceLeftovers(calls: SystemCalls, facts: HostFacts, all: string): WorkspaceLeftover[] {
  const names = existsSync(all) ? readdirSync(all) : [];
  const halves = names.filter(isLeftHalf).map((name) => {
    const path = join(all, name);
    return { path, remove: () => removeTree(path) };
  });
  const inside = Workspace.list(all).flatMap((workspace) => {
    if (isInUse(calls, workspace)) return [];
    return workspace.leftovers().map((path) => ({ path, remove: () => workspace.tidy(calls) }));
  });
  return [...halves, ...inside, ...carriers(calls, all), ...controlGroups(facts)];
}

function isInUse(calls: SystemCalls, workspace: Workspace): boolean {
  try {
    workspace.lock(calls)[Symbol.dispose]();
    return false;
  } catch (error) {
    if (error instanceof PlinthError && error.code === 'workspace-in-use') return true;
    throw error;
  }
}

/** Carriers of networks (carried-network.ts) whose run was killed together with the keeper of its carrier. */
function carriers(calls: SystemCalls, all: string): WorkspaceLeftover[] {
  if (!existsSync(all)) return [];
  const used = new Set(
    Workspace.list(all)
      .filter((workspace) => isInUse(calls, workspace))
      .map(({ directory }) => directory),
  );
  const here = realpathSync(all);
  return readdirSync('/proc').flatMap((number) => {
    const words = /^\d+$/.test(number) ? commandOf(number) : [];
    const option = words.indexOf('--pid');
    const pipe = option < 0 ? '' : words[option + 1]!;
    const directory = dirname(pipe);
    if (basename(pipe) !== CARRIER_PIPE || dirname(directory) !== here || used.has(directory)) return [];
    return [
      { path: `process ${number}, ${words.join(' ')}`, remove: () => void process.kill(Number(number), 'SIGKILL') },
    ];
  });
}

function commandOf(process: string): string[] {
  try {
    return readFileSync(join('/proc', process, 'cmdline'), 'utf8').split('\0');
  } catch {
    return []; // it has ended
  }
}

const GROUP = /^plinth-.+-[0-9a-f]{12}$/;

/** Milliseconds, more than a run takes from making a group to being in it. */
const JOINING = 500;

/** Groups of ours that nobody is in. Of other workspaces, too: what is left of a temporary one may be its group alone. */
function controlGroups({ controllers, unified }: HostFacts): WorkspaceLeftover[] {
  const roots = new Set([...controllers.values()].map(({ directory }) => directory));
  if (unified !== undefined) roots.add(unified);
  const empty = [...roots].flatMap((root) =>
    readdirSync(root)
      .filter((name) => GROUP.test(name))
      .map((name) => ({ path: join(root, name), number: numberIfEmpty(join(root, name)) }))
      .filter(({ number }) => number !== undefined),
  );
  let settled = false;
  return empty.map(({ path, number }) => ({
    path,
    remove: () => {
      // A run may have made it just now.
      if (!settled) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, JOINING);
      settled = true;
      if (numberIfEmpty(path) === number) removeGroup(path);
    },
  }));
}

/** Of a group that is there, and nobody in it. */
function numberIfEmpty(path: string): number | undefined {
  try {
    return readFileSync(join(path, 'cgroup.procs'), 'utf8') === '' ? statSync(path).ino : undefined;
  } catch {
    return undefined; // its run has ended
  }
}

function removeGroup(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    // Its run has removed it, or one has begun.
    if (!['ENOENT', 'EBUSY'].includes((error as NodeJS.ErrnoException).code!)) throw error;
  }
}
