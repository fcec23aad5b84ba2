// SPDX-License-Identifier: Apache-2.0
// `--ps` and `--modules`: the guest's Linux as it is seen from outside, between two instructions.

import type { Machine, RunSpec } from '@plinth/machine';
import { type Found, LinuxGuest, machineView, moduleTable, processTable } from '@plinth/observe';
import { KeptLayouts } from './kept-layouts.js';

/** What is added to a run's JSON: null where it cannot be known, and why. */
export interface SystemReport {
  readonly processes?: readonly object[] | null;
  readonly modules?: readonly object[] | null;
  readonly unknownSystem?: string;
}

/** Looks for a Linux kernel in the machine as it stands; what is read out of a new one is kept. */
export function findLinux(machine: Machine): Found<LinuxGuest> {
  const kept = new KeptLayouts();
  let known = false;
  const search = LinuxGuest.find(machineView(machine), {
    layout: (build) => {
      const layout = kept.read(build);
      known = layout !== undefined;
      return layout;
    },
  });
  if ('found' in search && !known) {
    const { kernel, layout } = search.found;
    const build = kernel.buildId ?? kernel.banner;
    if (build !== undefined) kept.keep(build, layout);
  }
  return search;
}

/** The table of processes, or why there is none. */
export function describeProcesses(machine: Machine): string {
  const search = findLinux(machine);
  return 'reason' in search ? `no processes: ${search.reason}` : processTable(search.found.processes());
}

/** What `--ps` and `--modules` ask for; nothing if they were not given. */
export function reportSystem({ ps, modules }: Pick<RunSpec, 'ps' | 'modules'>, machine: Machine): SystemReport {
  if (!ps && !modules) return {};
  const search = findLinux(machine);
  if ('reason' in search) {
    return { ...(ps ? { processes: null } : {}), ...(modules ? { modules: null } : {}), unknownSystem: search.reason };
  }
  const guest = search.found;
  return {
    ...(ps ? { processes: guest.processes().map((task) => ({ ...task, executable: guest.executable(task) })) } : {}),
    ...(modules ? { modules: guest.modules() ?? null } : {}),
  };
}

/** The same as text. */
export function printSystem(
  { ps, modules }: Pick<RunSpec, 'ps' | 'modules'>,
  machine: Machine,
  tell: (text: string) => void,
  say: (line: string) => void,
): void {
  if (!ps && !modules) return;
  const search = findLinux(machine);
  if ('reason' in search) {
    say(`no ${ps ? 'processes' : 'modules'}: ${search.reason}`);
    return;
  }
  const guest = search.found;
  if (ps) tell(processTable(guest.processes()));
  if (!modules) return;
  const list = guest.modules();
  if (list === undefined) say(`no modules: ${guest.layout.unknown.modules ?? 'their list is not known'}`);
  else tell(moduleTable(list));
}
