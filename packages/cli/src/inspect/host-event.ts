// SPDX-License-Identifier: Apache-2.0
// What was seen of a packet at an interface, as a line of Suricata's EVE (its user guide, "Eve JSON Format"), as a line for people,
// and as a finding.

import type { Finding } from '@plinth/core';
import { REASON } from '@plinth/guards';
import type { InspectionEvent, KnownRule } from '@plinth/host';
import { addressText, protocolName, reasonsOf } from './describe-packet.js';
import { timeText } from './eve-event.js';
import { severityOf } from './packet-finding.js';

/** One object for each rule, and one for each other thing that was remarkable. */
export function eveEvents(event: InspectionEvent): Record<string, unknown>[] {
  const { packet } = event;
  const { ends, flow, verdict } = packet;
  const base = {
    timestamp: timeText(event.time),
    in_iface: event.interface,
    ...nameOf(event),
    src_ip: addressText(ends.source),
    src_port: ends.sourcePort,
    dest_ip: addressText(ends.destination),
    dest_port: ends.destinationPort,
    proto: protocolName(ends.protocol),
    ...(flow.direction === undefined ? {} : { direction: flow.direction }),
  };
  const action = verdict === 'drop' ? 'blocked' : 'allowed';
  const alerts = event.matches.map(({ rule, number, offset, sure }) => ({
    ...base,
    event_type: 'alert',
    alert: {
      action,
      gid: rule?.gid ?? null,
      signature_id: rule?.sid ?? null,
      rev: rule?.rev ?? null,
      signature: rule?.message ?? `rule ${number} of generation ${packet.generation}, which is not known any more`,
      category: rule?.classtype ?? '',
      severity: rule?.priority ?? LEAST_PRIORITY,
    },
    ...(sure ? {} : { unconfirmed: true }),
    ...(offset === undefined ? {} : { payload_offset: offset }),
    ...(flow.position === undefined ? {} : { stream_offset: flow.position }),
  }));
  const anomalies = Object.entries(REASON)
    .filter(([, bit]) => (packet.reason & bit) !== 0)
    .map(([name]) => ({ ...base, event_type: 'anomaly', anomaly: { type: 'stream', event: name, action } }));
  return [...alerts, ...anomalies];
}

/** As Suricata's fast.log has it, with whose packet it is. */
export function eventLines(event: InspectionEvent): string[] {
  const { packet } = event;
  const { ends, verdict } = packet;
  const whose = event.subject === undefined ? event.id : `${event.subject.kind} ${event.subject.name}`;
  const mark = verdict === 'drop' ? '[Drop] ' : '';
  const between =
    `{${protocolName(ends.protocol)}} ${addressText(ends.source)}:${ends.sourcePort} -> ` +
    `${addressText(ends.destination)}:${ends.destinationPort}`;
  const head = `${timeText(event.time)}  ${whose}  ${mark}[**]`;
  return [
    ...event.matches.map(({ rule, offset, sure }) => {
      const name = rule === undefined ? `[?:?:?] rule of before` : `[${idOf(rule)}:${rule.rev}] ${rule.message}`;
      const where = offset === undefined ? '' : `  (offset ${offset})`;
      const perhaps = sure ? '' : '  (its packet alone does not show it)';
      return `${head} ${name} [**] [Priority: ${rule?.priority ?? LEAST_PRIORITY}] ${between}${where}${perhaps}`;
    }),
    ...reasonsOf(packet.reason).map((reason) => `${head} ${reason} [**] ${between}`),
  ];
}

/** Of a rule that is not known any more. */
const LEAST_PRIORITY = 3;
export function eventFindings(event: InspectionEvent): Finding[] {
  const { packet, subject } = event;
  const { ends, verdict } = packet;
  return event.matches.map(({ rule, number, offset, sure }) => ({
    time: { wall: timeText(event.time) },
    guest: { kind: 'container', id: event.id, name: subject?.name ?? event.id },
    guard: 'packets',
    rule: rule === undefined ? `generation ${packet.generation}, rule ${number}` : idOf(rule),
    severity: severityOf(rule?.priority ?? LEAST_PRIORITY),
    message: rule?.message ?? '',
    subject: {
      interface: event.interface,
      source: addressText(ends.source),
      sourcePort: ends.sourcePort,
      destination: addressText(ends.destination),
      destinationPort: ends.destinationPort,
      protocol: protocolName(ends.protocol),
    },
    evidence: { offset: offset ?? null, length: packet.length, confirmed: sure },
    verdict: verdict === 'drop' ? 'deny' : 'report',
  }));
}

function idOf({ gid, sid }: KnownRule): string {
  return `${gid}:${sid}`;
}

/** Whose an event is. */
export function nameOf({ id, subject }: Pick<InspectionEvent, 'id' | 'subject'>): Record<string, unknown> {
  if (subject === undefined || subject.kind === 'interface') return { inspection: id };
  return { [subject.kind]: { id: subject.id, name: subject.name } };
}
