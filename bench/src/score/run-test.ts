// SPDX-License-Identifier: Apache-2.0
// Runs a test of suricata-verify through what `plinth inspect pcap` runs, and judges what its checks ask of alerts and drops.

import { readFileSync } from 'node:fs';
import { PlinthError } from '@plinth/core';
import { alertEvent, dropEvent, inspectCapture, readRules, refusedOf } from '@plinth/cli';
import { type Event, keysOf, matchesEvent } from './match-event.js';
import { type Check, readTest, type VerifyTest } from './verify-test.js';

export type Result =
  | { readonly name: string; readonly result: 'passed'; readonly notJudged: readonly string[] }
  | { readonly name: string; readonly result: 'failed'; readonly reason: string; readonly notJudged: readonly string[] }
  | { readonly name: string; readonly result: 'out of scope'; readonly keyword: string };

/** Fields of events that we have; what else a check asks for puts it out of what is judged. */
const FIELDS: readonly RegExp[] = [
  /^(?:event_type|pcap_cnt|src_ip|dest_ip|src_port|dest_port|proto|ip_v|icmp_type|icmp_code|app_proto|direction|payload|payload_printable|packet|stream|flow)$/,
  /^alert(?:\.(?:action|gid|signature_id|rev|signature|severity))?$/,
  /^flow\.(?:pkts_toserver|pkts_toclient|bytes_toserver|bytes_toclient|src_ip|dest_ip|src_port|dest_port)$/,
  /^http(?:\.(?:hostname|url|http_user_agent|http_content_type|http_refer|http_method|protocol|status|length))?$/,
  /^ether\.(?:src_mac|dest_mac)$/,
  /^drop\.(?:reason)$/,
  /^pkt_src$/,
  /^verdict(?:\.action)?$/,
  /^pcap_filename$/,
  /^dns(?:\.(?:version|type|id|flags|opcode|qr|aa|tc|rd|ra|z|queries(?:\[\d+\])?(?:\.(?:rrname|rrtype|rrname_truncated))?))?$/,
  /^tunnel(?:\.(?:src_ip|src_port|dest_ip|dest_port|proto|depth))?$/,
];
const EVENT_TYPES: ReadonlySet<unknown> = new Set(['alert', 'drop']);

export function runTest(root: string, folder: string): Result {
  const test = readTest(root, folder);
  const { name } = test;
  if (!('capture' in test)) return { name, result: 'out of scope', keyword: test.keyword };
  const judged = test.checks.filter((check) => whyNotJudged(check) === undefined);
  const notJudged = test.checks.map(whyNotJudged).filter((why) => why !== undefined);
  if (judged.length === 0) {
    return { name, result: 'out of scope', keyword: `checks of ${notJudged[0] ?? 'nothing'}` };
  }
  try {
    const events = eventsOf(test);
    if (typeof events === 'string') return { name, result: 'out of scope', keyword: events };
    const failures = judged.flatMap((check) => {
      const found = events.filter((event) => matchesEvent(event, check.match)).length;
      return found === check.count ? [] : [`${found} events, not ${check.count}, with ${JSON.stringify(check.match)}`];
    });
    if (failures.length === 0) return { name, result: 'passed', notJudged };
    return { name, result: 'failed', reason: failures.join('; '), notJudged };
  } catch (error) {
    if (!(error instanceof PlinthError) || error.kind !== 'input') throw error;
    return { name, result: 'failed', reason: error.message, notJudged };
  }
}

function whyNotJudged({ kind, name, match }: Check): string | undefined {
  if (kind !== 'filter') return name;
  const type = match['event_type'];
  if (!EVENT_TYPES.has(type)) return `event_type ${String(type)}`;
  const field = keysOf(match).find((key) => !FIELDS.some((known) => known.test(key)));
  if (field !== undefined) return `field ${field}`;
  return undefined;
}

/** What would be in eve.json of alerts and drops; or what puts the test out of scope. */
function eventsOf({ rules, capture, settings }: VerifyTest): Event[] | string {
  if (rules === undefined) return [];
  const { judgements, errors } = readRules(rules, settings.variables, { streams: true });
  if (errors.length > 0) return `a line that is no rule: ${errors[0]!.message.replace(/^.*?:\d+: /, '')}`;
  const refused = refusedOf(judgements)[0];
  if (refused !== undefined) return refused.because;
  const counts = { frames: 0, dropped: 0, tooLong: 0 };
  const { ips, midstream, oneSided, dnsPorts } = settings;
  const options = {
    failClosed: false,
    inline: ips,
    retell: true,
    midstream,
    oneSided,
    ...(dnsPorts === undefined ? {} : { dnsPorts }),
  };
  const events: Event[] = [];
  for (const inspected of inspectCapture(readFileSync(capture), capture, judgements, options, counts)) {
    const name = { pcap_filename: capture };
    events.push(...inspected.told.map((matched) => ({ ...alertEvent(inspected, matched), ...name })));
    if (inspected.stopped) events.push({ ...dropEvent(inspected), ...name });
  }
  return events;
}
