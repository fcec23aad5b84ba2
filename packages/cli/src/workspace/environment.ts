// SPDX-License-Identifier: Apache-2.0
// What a command in a workspace finds in its environment: names that say how to speak with its user, and no others, since what
// else is there may be a key or a way out.

import type { HostFacts } from '@plinth/sandbox';

const KEPT = ['TERM', 'COLORTERM', 'NO_COLOR', 'LANG', 'LANGUAGE', 'TZ', 'SOURCE_DATE_EPOCH'];
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** `NAME=value`, as execve(2) takes it. */
export function workspaceEnvironment(
  name: string,
  { home, userName }: HostFacts,
  given: Readonly<NodeJS.ProcessEnv>,
): string[] {
  const kept = Object.entries(given).filter(([key]) => KEPT.includes(key) || key.startsWith('LC_'));
  return [
    ...kept.map(([key, value]) => `${key}=${value ?? ''}`),
    `HOME=${home}`,
    `USER=${userName}`,
    `LOGNAME=${userName}`,
    'SHELL=/bin/sh',
    `PATH=${PATH}`,
    `PLINTH_WORKSPACE=${name}`,
  ];
}

/** The same, as children are given it. */
export function environmentRecord(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

/** The number that a child has the socket of its watcher by: the one behind its standard ones. */
export const WATCHER_DESCRIPTOR = 3;
