// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { prometheusText } from './metrics.js';
import type { InspectionStatus } from './status.js';

const STATUS: InspectionStatus = {
  id: 'web',
  subject: { kind: 'container', id: 'web', name: 'we"b\\' },
  since: '2026-01-02T03:04:05.500Z',
  state: 'attached',
  points: [],
  uninspected: [{ index: 9, name: 'veth9', inside: false, innerName: 'eth1' }],
  counts: {
    packets: 7,
    bytes: 700,
    dropped: 2,
    told: 3,
    lost: 1,
    reasons: { gap: 4, overlap: 0, fragment: 0, tooMuch: 5, flow: 0, urgent: 0, untold: 0, forgotten: 0, conflict: 0 },
  },
};

describe('metrics', () => {
  it('have each name once, with its help and type before its samples', () => {
    const lines = prometheusText([STATUS, { id: 'x', state: 'gone', points: [], uninspected: [] }]).split('\n');
    const names = lines.filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ')[2]!);
    expect(new Set(names).size).toBe(names.length);
    expect(lines).toContain('plinth_inspect_packets_total{id="web",container="we\\"b\\\\"} 7');
    expect(lines).toContain('plinth_inspect_attached{id="x"} 0');
    expect(lines).toContain('plinth_inspect_uninspected_interfaces{id="web",container="we\\"b\\\\"} 1');
    const reason = 'plinth_inspect_remarkable_packets_total{id="web",container="we\\"b\\\\",reason="too_much"} 5';
    expect(lines).toContain(reason);
    expect(lines).toContain('plinth_inspect_start_time_seconds{id="web",container="we\\"b\\\\"} 1767323045.5');
  });

  it('are names and types alone where nothing is inspected', () => {
    for (const line of prometheusText([]).trimEnd().split('\n')) expect(line).toMatch(/^# (HELP|TYPE) plinth_/);
  });
});
