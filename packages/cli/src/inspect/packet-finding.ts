// SPDX-License-Identifier: Apache-2.0
// A packet that a rule has matched as a finding, whoever's packet it is.

import type { Finding } from '@plinth/core';
import { priorityOf, type Rule } from '@plinth/guards';
import { addressesOf, protocolName } from './describe-packet.js';
import type { InspectedPacket } from './inspect-capture.js';

const SEVERITIES = ['high', 'high', 'medium', 'low'] as const;

/** Of a rule's priority, of which 1 is the most urgent. */
export function severityOf(priority: number): Finding['severity'] {
  return SEVERITIES[priority] ?? 'info';
}

/** `subject`: what else is known of the packet. */
export function packetFinding(
  { carried, packet, stopped }: InspectedPacket,
  rule: Rule,
  subject: Finding['subject'],
  where: Pick<Finding, 'time' | 'guest'>,
): Finding {
  const [source, destination] = addressesOf(carried.frame, packet);
  const { sourcePort, destinationPort, payload, payloadLength } = packet;
  return {
    ...where,
    guard: 'packets',
    rule: `${rule.gid}:${rule.sid}`,
    severity: severityOf(priorityOf(rule)),
    message: rule.message,
    subject: { ...subject, source, sourcePort, destination, destinationPort, protocol: protocolName(packet.protocol) },
    evidence: { payload, payloadLength },
    verdict: stopped ? 'deny' : 'report',
  };
}
