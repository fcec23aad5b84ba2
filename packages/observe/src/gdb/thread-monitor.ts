// SPDX-License-Identifier: Apache-2.0
// `monitor threads`: whether GDB's threads are the CPUs, or the tasks of the guest's Linux.

import { PlinthError } from '@plinth/core';
import type { LinuxGuest } from '../linux/linux-guest.js';
import type { MachineTarget } from './machine-target.js';
import type { MonitorCommands } from './monitor.js';
import { TaskThreads } from './task-threads.js';
import { CpuThreads } from './threads.js';

/** `linux` gives the guest's Linux, if it has one that can be seen. */
export function addThreadCommand(
  monitor: MonitorCommands,
  target: MachineTarget,
  linux: () => LinuxGuest | undefined,
): void {
  monitor.add({
    name: 'threads',
    parameters: '[cpus|tasks]',
    help: 'what GDB’s threads are: CPUs, or the tasks of the guest’s Linux; "info threads" looks again',
    run: ([word]) => {
      if (word === 'tasks') target.threadView = new TaskThreads(target.machine, linux);
      else if (word === 'cpus') target.threadView = new CpuThreads(target.machine);
      else if (word !== undefined) {
        throw new PlinthError('input', 'monitor', `threads: "${word}" is neither cpus nor tasks`);
      }
      return target.threadView instanceof TaskThreads ? `threads are tasks${limits(linux())}\n` : 'threads are CPUs\n';
    },
  });
}

/** What cannot be known of them. */
function limits(guest: LinuxGuest | undefined): string {
  if (guest?.present !== true) return ', as soon as there is a Linux; until then they are CPUs';
  const why = guest.layout.unknown['task.cpuContext'];
  return why === undefined ? '' : `; the registers of those that sleep are not known: ${why}`;
}
