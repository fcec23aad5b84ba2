// SPDX-License-Identifier: Apache-2.0
// The counters of inspections in Prometheus' text format 0.0.4 ("Exposition formats"), with the names that its "Metric and label
// naming" asks for: base units, and `_total` for what only rises.

import type { InspectionCounts, InspectionStatus } from './status.js';

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  /** Samples with labels of their own; undefined where it is not known. */
  readonly samples: (
    status: InspectionStatus,
  ) => readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];
}

function counter(name: string, help: string, value: (counts: InspectionCounts) => number): Metric {
  const samples: Metric['samples'] = ({ counts }) => (counts === undefined ? [] : [[{}, value(counts)]]);
  return { name: `plinth_inspect_${name}_total`, help, type: 'counter', samples };
}

const METRICS: readonly Metric[] = [
  {
    name: 'plinth_inspect_attached',
    help: 'Whether all of its interfaces are inspected, in both directions.',
    type: 'gauge',
    samples: ({ state }) => [[{}, state === 'attached' ? 1 : 0]],
  },
  {
    name: 'plinth_inspect_uninspected_interfaces',
    help: 'Interfaces that it has, and that nothing is attached to: they pass all.',
    type: 'gauge',
    samples: ({ uninspected }) => [[{}, uninspected.length]],
  },
  {
    name: 'plinth_inspect_rules',
    help: 'Rules that are decided.',
    type: 'gauge',
    samples: ({ rules }) => (rules === undefined ? [] : [[{}, rules.taken]]),
  },
  {
    name: 'plinth_inspect_start_time_seconds',
    help: 'When it was attached, since 1970.',
    type: 'gauge',
    samples: ({ since }) => (since === undefined ? [] : [[{}, Date.parse(since) / 1000]]),
  },
  counter('packets', 'IP packets that were inspected.', ({ packets }) => packets),
  counter('bytes', 'Bytes of the frames of those.', ({ bytes }) => bytes),
  counter('dropped_packets', 'Packets that were dropped.', ({ dropped }) => dropped),
  counter('events', 'Packets that were told, with what matched.', ({ told }) => told),
  counter('lost_events', 'Packets that were to be told, for which the ring buffer had no room.', ({ lost }) => lost),
  {
    name: 'plinth_inspect_remarkable_packets_total',
    help: 'Packets that could not be inspected like others, or were remarkable, by reason.',
    type: 'counter',
    samples: ({ counts }) =>
      Object.entries(counts?.reasons ?? {}).map(([reason, value]) => [{ reason: snake(reason) }, value] as const),
  },
];

export function prometheusText(statuses: readonly InspectionStatus[]): string {
  return METRICS.map(({ name, help, type, samples }) => {
    const lines = statuses.flatMap((status) =>
      samples(status).map(([labels, value]) => `${name}{${labelText({ ...labelsOf(status), ...labels })}} ${value}\n`),
    );
    return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
  }).join('');
}

function labelsOf({ id, subject }: InspectionStatus): Record<string, string> {
  return { id, ...(subject === undefined ? {} : { [subject.kind]: subject.name }) };
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const escaped = (value: string): string => value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n');
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',');
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
