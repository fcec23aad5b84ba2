// SPDX-License-Identifier: Apache-2.0
// What a workspace did and changed, as a value and as lines for people.

import { existsSync, readFileSync } from 'node:fs';
import type { Finding } from '@plinth/core';
import { formatRegistryRow } from '../app/registry-rows.js';
import { type ChangedRegistry, changedRegistries } from './changed-registries.js';
import type { HostFacts, Workspace, WorkspaceChange } from '@plinth/sandbox';
import { many } from '../host/many.js';

export interface Counted {
  readonly what: string;
  readonly count: number;
}

/** `path` as the workspace shows it. */
export type ChangedFile = Pick<WorkspaceChange, 'path' | 'kind' | 'type' | 'what' | 'size' | 'gives'>;

export interface Review {
  readonly workspace: string;
  readonly files: readonly ChangedFile[];
  /** Of Wine. */
  readonly registries: readonly ChangedRegistry[];
  readonly programs: readonly Counted[];
  readonly network: readonly Counted[];
  /** Files that it has opened to write, whatever became of that. */
  readonly writes: readonly string[];
  /** Secrets and other processes' files that it asked for, whether it got them or not. */
  readonly secrets: readonly string[];
  /** What it tried and may not. */
  readonly refused: readonly Counted[];
  /** Programs that it left running, and that were ended. */
  readonly left: readonly Counted[];
  readonly notObserved: readonly string[];
}

export function reviewOf(workspace: Workspace, facts: HostFacts): Review {
  const events = readEvents(workspace.eventsFile);
  const named = (rule: string, text: (event: Finding) => string): Counted[] =>
    countAlike(events.filter((event) => event.rule === rule).map((event) => text(event)));
  const changes = workspace.changes(facts);
  return {
    workspace: workspace.name,
    files: changes.map(fileOf),
    registries: changedRegistries(changes),
    programs: named('exec', ({ evidence }) => String(evidence['path'])),
    network: [...named('connect', contact), ...named('dns', ({ evidence }) => `name ${String(evidence['names'])}`)],
    refused: [
      ...named('refused-call', ({ message }) => message),
      ...named('denied-connect', ({ message }) => message),
      ...named('denied-program', ({ message }) => message),
      ...named('process-limit', ({ message }) => message),
    ],
    left: named('left-process', ({ subject }) => String(subject['program'])),
    writes: named('open-write', ({ evidence }) => String(evidence['path'])).map(({ what }) => what),
    secrets: named('secret', ({ message }) => message).map(({ what }) => what),
    notObserved: [
      ...(facts.user === 0 && facts.unified !== undefined ? [] : ['which files were opened: that needs root']),
      ...events.filter(({ rule }) => rule === 'lost-opens').map(({ message }) => message),
    ],
  };
}

function contact({ evidence }: Finding): string {
  const { address, port, names } = evidence;
  if (typeof port !== 'number') return `socket ${String(address)}`;
  return `${String(address)} port ${port}${Array.isArray(names) ? ` (${names.join(', ')})` : ''}`;
}

function fileOf({ shown, kind, type, what, size, gives }: WorkspaceChange): ChangedFile {
  return {
    path: shown,
    kind,
    type,
    ...(what === undefined ? {} : { what }),
    ...(size === undefined ? {} : { size }),
    ...(gives === undefined ? {} : { gives }),
  };
}

function readEvents(file: string): Finding[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return line === '' ? [] : [JSON.parse(line) as Finding];
      } catch {
        return []; // the last one of a watcher that was killed
      }
    });
}

function countAlike(texts: readonly string[]): Counted[] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].map(([what, count]) => ({ what, count }));
}

/** Lines, of which names from inside have no control characters. */
export function formatReview({
  workspace,
  files,
  registries,
  programs,
  network,
  writes,
  secrets,
  refused,
  left,
  notObserved,
}: Review): string {
  const lines = [
    `workspace ${workspace}: ${many(files.length, 'changed file')}, ${many(programs.length, 'program')}, ${many(network.length, 'contact')}, ${many(refused.length, 'refused attempt')}`,
  ];
  const part = (title: string, rows: readonly string[]): void => {
    if (rows.length > 0) lines.push(title, ...rows.map((row) => `  ${row.replaceAll(/\p{Cc}/gu, '?')}`));
  };
  part(
    'files',
    files.map(({ kind, path, type, what, size, gives = [] }) => {
      const detail = what?.join(', ') ?? (type === 'file' && size !== undefined ? many(size, 'byte') : type);
      return `${kind.padEnd(7)}  ${path}  (${[detail, ...gives].join(', ')})`;
    }),
  );
  for (const { file, rows, unread } of registries)
    part(`registry in ${file}`, unread === undefined ? rows.map(formatRegistryRow) : [unread]);
  const counted = ({ what, count }: Counted): string => (count === 1 ? what : `${what}  (${count} times)`);
  part('programs', programs.map(counted));
  part('network', network.map(counted));
  // What became of the others is said above.
  const paths = new Set(files.map(({ path }) => path));
  part(
    'opened for writing besides',
    writes.filter((path) => !paths.has(path)),
  );
  part('asked for', secrets);
  part('refused', refused.map(counted));
  part('left running, and ended', left.map(counted));
  part('not observed', notObserved);
  return `${lines.join('\n')}\n`;
}
