// SPDX-License-Identifier: Apache-2.0
// What is left of workspaces whose processes were killed: whatever lives in memory goes by itself, directories do not.

import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import type { SystemCalls } from '@plinth/linux';
import { removeTree } from '../layers/remove-tree.js';
import type { HostFacts } from './host-facts.js';
import { isLeftHalf, Workspace } from './workspace.js';

export interface WorkspaceLeftover {
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
  return [...halves, ...inside, ...controlGroups(facts)];
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

const GROUP = /^plinth-.+-[0-9a-f]{12}$/;

/** Groups of ours that nobody is in. */
function controlGroups({ controllers, unified }: HostFacts): WorkspaceLeftover[] {
  const roots = new Set([...controllers.values()].map(({ directory }) => directory));
  if (unified !== undefined) roots.add(unified);
  return [...roots].flatMap((root) =>
    readdirSync(root)
      .filter((name) => GROUP.test(name))
      .map((name) => join(root, name))
      .filter((path) => readFileSync(join(path, 'cgroup.procs'), 'utf8') === '')
      .map((path) => ({ path, remove: () => rmdirSync(path) })),
  );
}
