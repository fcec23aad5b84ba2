// SPDX-License-Identifier: Apache-2.0
// Processes and modules as text, a line each.

import type { LinuxModule, LinuxTask } from './linux-guest.js';

/** What cannot be known is a question mark; kernel threads are in brackets, as ps has them. */
export function processTable(tasks: readonly LinuxTask[]): string {
  const column = (value: number | undefined, width: number): string => String(value ?? '?').padStart(width);
  const lines = tasks.map(({ pid, ppid, uid, state, comm, kernelThread }) => {
    const name = kernelThread === true ? `[${printable(comm)}]` : printable(comm);
    return `${column(pid, 7)} ${column(ppid, 7)} ${column(uid, 7)} ${state ?? '?'} ${name}`;
  });
  return ['    PID    PPID     UID S COMMAND', ...lines].join('\n');
}

export function moduleTable(modules: readonly LinuxModule[]): string {
  const lines = modules.map(({ name, size, base }) => {
    const place = base === undefined ? '?' : `0x${base.toString(16).padStart(8, '0')}`;
    return `${printable(name).padEnd(24)} ${String(size ?? '?').padStart(9)} ${place}`;
  });
  return [`${'MODULE'.padEnd(24)}      SIZE ADDRESS`, ...lines].join('\n');
}

/** A guest names its processes as it likes; control characters would reach the user's terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
