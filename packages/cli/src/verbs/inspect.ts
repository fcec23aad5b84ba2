// SPDX-License-Identifier: Apache-2.0
// `plinth inspect check` and `plinth inspect pcap`: rules for packets, judged and run over a capture.

import { readFileSync } from 'node:fs';
import { styleText } from 'node:util';
import { type Finding, PlinthError } from '@plinth/core';
import { type KernelRule, packetProgram, ruleTables } from '@plinth/guards';
import { reasonOf } from '../host/reason.js';
import { addressesOf, protocolName, reasonsOf } from '../inspect/describe-packet.js';
import { type CaptureCounts, inspectCapture, type InspectedFrame } from '../inspect/inspect-capture.js';
import { readRules } from '../inspect/rule-files.js';
import { EXIT } from '../report-error.js';
import { EventLog } from '../run/event-log.js';

export interface CheckOptions {
  readonly set?: readonly string[];
  readonly json?: boolean;
}

/** What becomes of each rule: 0 if all are decided, 1 if some are refused, 2 if some lines are no rules. */
export function checkVerb(path: string, { set = [], json = false }: CheckOptions): number {
  const { rules, refused, errors } = readRules(path, set);
  const budget = budgetOf(rules);
  const status = errors.length > 0 ? EXIT.input : refused.length > 0 ? EXIT.found : EXIT.clean;
  if (json) {
    const counts = { inKernel: rules.length, refused: refused.length, errors: errors.length };
    const list = [
      ...rules.map(({ rule }) => ({ line: rule.line, sid: rule.sid, answer: 'in the kernel' })),
      ...refused.map(({ rule, because }) => ({ line: rule.line, sid: rule.sid, answer: 'refused', because })),
    ].sort((a, b) => a.line - b.line);
    const wrong = errors.map(({ message }) => message);
    process.stdout.write(`${JSON.stringify({ file: path, counts, ...budget, rules: list, errors: wrong })}\n`);
    return status;
  }
  for (const { message } of errors) process.stdout.write(`${message}\n`);
  for (const { rule, because } of refused) {
    process.stdout.write(`${path}:${rule.line}: sid ${rule.sid}: refused: ${because}\n`);
  }
  const all = rules.length + refused.length + errors.length;
  process.stdout.write(
    `${rules.length} of ${all} rules are decided in the kernel, ${refused.length} refused, ${errors.length} wrong: ` +
      `${budget.patterns} contents, ${budget.instructions} instructions, ${(budget.tableBytes / 1024).toFixed(0)} KiB of tables\n`,
  );
  return status;
}

function budgetOf(rules: readonly KernelRule[]): { patterns: number; instructions: number; tableBytes: number } {
  const tables = ruleTables(rules);
  const { instructions } = packetProgram(tables).program;
  return {
    patterns: tables.matcher.patterns.length,
    instructions: instructions.length,
    tableBytes: tables.bytes.length,
  };
}

export interface PcapOptions {
  readonly rules: string;
  readonly set?: readonly string[];
  readonly failClosed?: boolean;
  readonly events?: string;
  readonly json?: boolean;
}

/** The alerts of a capture; 1 if there are some. */
export function pcapVerb(path: string, options: PcapOptions): number {
  const { rules, refused, errors } = readRules(options.rules, options.set ?? []);
  if (errors.length > 0) throw errors[0]!;
  for (const { rule, because } of refused) {
    process.stderr.write(`plinth: ${options.rules}:${rule.line}: sid ${rule.sid} is not looked at: ${because}\n`);
  }
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new PlinthError('input', 'capture', `${path}: cannot be read: ${reasonOf(cause)}`, { cause });
  }
  using log = new EventLog(options.events);
  const counts: CaptureCounts = { frames: 0, dropped: 0, tooLong: 0 };
  let alerts = 0;
  const failClosed = options.failClosed === true;
  for (const inspected of inspectCapture(bytes, path, rules, failClosed, counts)) {
    for (const rule of inspected.rules) {
      alerts++;
      log.write(finding(path, inspected, rule));
      process.stdout.write(options.json === true ? `${eve(inspected, rule)}\n` : `${line(inspected, rule)}\n`);
    }
    for (const reason of reasonsOf(inspected.reason)) {
      const what = inspected.dropped ? 'dropped' : 'passed';
      if (options.json !== true) process.stderr.write(`frame ${inspected.frame.number}: ${what}: ${reason}\n`);
    }
  }
  if (options.json !== true) {
    const { frames, dropped, tooLong } = counts;
    const long = tooLong === 0 ? '' : `, ${tooLong} too long to be looked at`;
    process.stderr.write(`${frames} frames, ${alerts} alerts, ${dropped} dropped${long}\n`);
  }
  return alerts > 0 ? EXIT.found : EXIT.clean;
}

/** Nanoseconds since 1970 to RFC 3339 with microseconds, as EVE has it. */
function timeText(time: bigint): string {
  const milliseconds = Number(time / 1_000_000n);
  const micro = String((time / 1000n) % 1_000_000n).padStart(6, '0');
  return `${new Date(milliseconds).toISOString().slice(0, 19)}.${micro}+0000`;
}

/** As Suricata's fast.log has it. */
function line({ frame, packet, dropped }: InspectedFrame, { rule }: KernelRule): string {
  const [source, destination] = addressesOf(frame.bytes, packet);
  const mark = dropped ? '[Drop] ' : '';
  const coloured = process.stdout.isTTY && process.stdout.hasColors();
  const message = coloured ? styleText('bold', rule.message) : rule.message;
  const classtype = rule.classtype === undefined ? '' : `[Classification: ${rule.classtype}] `;
  return (
    `${timeText(frame.time)}  ${mark}[**] [${rule.gid}:${rule.sid}:${rule.rev}] ${message} [**] ${classtype}` +
    `[Priority: ${rule.priority ?? 3}] {${protocolName(packet.protocol)}} ` +
    `${source}:${packet.sourcePort} -> ${destination}:${packet.destinationPort}  (frame ${frame.number})`
  );
}

/** One line as Suricata's EVE has it, with what is known here. */
function eve({ frame, packet, dropped }: InspectedFrame, { rule }: KernelRule): string {
  const [source, destination] = addressesOf(frame.bytes, packet);
  return JSON.stringify({
    timestamp: timeText(frame.time),
    event_type: 'alert',
    pcap_cnt: frame.number,
    src_ip: source,
    src_port: packet.sourcePort,
    dest_ip: destination,
    dest_port: packet.destinationPort,
    proto: protocolName(packet.protocol),
    alert: {
      action: dropped ? 'blocked' : 'allowed',
      gid: rule.gid,
      signature_id: rule.sid,
      rev: rule.rev,
      signature: rule.message,
      category: rule.classtype ?? '',
      severity: rule.priority ?? 3,
    },
  });
}

function finding(path: string, { frame, packet, dropped }: InspectedFrame, { rule }: KernelRule): Finding {
  const [source, destination] = addressesOf(frame.bytes, packet);
  return {
    time: { wall: timeText(frame.time) },
    guest: { kind: 'capture', id: path, name: path },
    guard: 'packets',
    rule: `${rule.gid}:${rule.sid}`,
    severity: (['high', 'high', 'medium', 'low'] as const)[rule.priority ?? 3] ?? 'info',
    message: rule.message,
    subject: {
      frame: frame.number,
      source,
      sourcePort: packet.sourcePort,
      destination,
      destinationPort: packet.destinationPort,
      protocol: protocolName(packet.protocol),
    },
    evidence: { payload: packet.payload, payloadLength: packet.payloadLength },
    verdict: dropped ? 'deny' : 'report',
  };
}
