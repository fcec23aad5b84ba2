// SPDX-License-Identifier: Apache-2.0
// A container as far as it matters here: some process is in it, and has the container's network.

import { readFileSync, readlinkSync } from 'node:fs';
import { PlinthError } from '@plinth/core';

export interface Container {
  readonly id: string;
  readonly name: string;
  /** Of a process in it, by the numbers of our process namespace. */
  readonly pid: number;
}

export function networkNamespace(pid: number | 'self'): string {
  return `/proc/${pid}/ns/net`;
}

/** What tells a process from one that gets its number later: its start, in clock ticks since boot (proc(5)); undefined if it is gone. */
export function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may have anything in it; the state is field 3, the start field 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** The namespace of the process's network, by its number; raises an `input` error if there is no such process. */
export function namespaceOf(pid: number | 'self'): string {
  try {
    return readlinkSync(networkNamespace(pid));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') {
      throw new PlinthError('host', 'process', `process ${pid}: only root may look at its network`, { cause });
    }
    throw new PlinthError('input', 'process', `process ${pid}: there is no such process`, { cause });
  }
}

export function isHostNetwork(pid: number): boolean {
  return namespaceOf(pid) === namespaceOf('self');
}
