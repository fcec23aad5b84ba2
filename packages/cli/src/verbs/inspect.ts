// SPDX-License-Identifier: Apache-2.0
// `plinth inspect check` and `plinth inspect pcap`: rules for packets, judged and run over a capture.

import { readFileSync } from 'node:fs';
import { styleText } from 'node:util';
import { type Finding, PlinthError } from '@plinth/core';
import {
  priorityOf,
  type Judgement,
  type Matched,
  packetProgram,
  type Place,
  type Rule,
  ruleTables,
} from '@plinth/guards';
import { reasonOf } from '../host/reason.js';
import { addressesOf, protocolName, remarksOf } from '../inspect/describe-packet.js';
import { alertEvent, dropEvent, timeText } from '../inspect/eve-event.js';
import { type CaptureCounts, inspectCapture, type InspectedPacket } from '../inspect/inspect-capture.js';
import { packetFinding } from '../inspect/packet-finding.js';
import { readRules, sayRefused } from '../inspect/rule-files.js';
import { EXIT } from '../report-error.js';
import { EventLog } from '../run/event-log.js';

export interface CheckOptions {
  readonly set?: readonly string[];
  readonly json?: boolean;
}

const ANSWERS = { kernel: 'in the kernel', confirm: 'in the kernel with confirmation', refused: 'refused' } as const;

/** What becomes of each rule: 0 if all are decided, 1 if some are refused, 2 if some lines are no rules. */
export function checkVerb(path: string, { set = [], json = false }: CheckOptions): number {
  const { judgements, errors } = readRules(path, set, {});
  const budget = budgetOf(judgements);
  const count = (answer: Judgement['answer']): number => judgements.filter((one) => one.answer === answer).length;
  const [inKernel, confirmed, refused] = [count('kernel'), count('confirm'), count('refused')];
  const status = errors.length > 0 ? EXIT.input : refused > 0 ? EXIT.found : EXIT.clean;
  if (json) {
    const list = judgements.map((one) => ({
      line: one.rule.line,
      sid: one.rule.sid,
      answer: ANSWERS[one.answer],
      ...(one.answer === 'refused' ? { because: one.because } : {}),
      ...(one.answer === 'confirm'
        ? { contents: one.candidates.map(({ contents }) => contents.map(contentText).join(' ')) }
        : {}),
    }));
    const wrong = errors.map(({ message }) => message);
    const counts = { inKernel, confirmed, refused, errors: errors.length };
    process.stdout.write(`${JSON.stringify({ file: path, counts, ...budget, rules: list, errors: wrong })}\n`);
    return status;
  }
  for (const { message } of errors) process.stdout.write(`${message}\n`);
  for (const one of judgements) {
    const why = one.answer === 'refused' ? `: ${one.because}` : '';
    process.stdout.write(`${path}:${one.rule.line}: sid ${one.rule.sid}: ${ANSWERS[one.answer]}${why}\n`);
  }
  process.stdout.write(
    `${judgements.length + errors.length} rules: ${inKernel} in the kernel, ${confirmed} with confirmation, ${refused} refused, ` +
      `${errors.length} wrong: ${budget.patterns} contents, ${budget.instructions} instructions, ` +
      `${(budget.tableBytes / 1024).toFixed(0)} KiB of tables\n`,
  );
  return status;
}

function contentText({ bytes, nocase }: { bytes: Uint8Array; nocase: boolean }): string {
  const text = [...bytes].map((byte) =>
    byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x7c
      ? String.fromCharCode(byte)
      : `|${byte.toString(16).padStart(2, '0')}|`,
  );
  return `"${text.join('').replaceAll('||', ' ')}"${nocase ? ' nocase' : ''}`;
}

function budgetOf(judgements: readonly Judgement[]): { patterns: number; instructions: number; tableBytes: number } {
  const tables = ruleTables(
    judgements.flatMap((one) =>
      one.answer === 'kernel' ? [one.kernel] : one.answer === 'confirm' ? one.candidates : [],
    ),
  );
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
  const { judgements, errors } = readRules(options.rules, options.set ?? [], { streams: true });
  if (errors.length > 0) throw errors[0]!;
  sayRefused(options.rules, judgements, (text) => process.stderr.write(`plinth: ${text}\n`));
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new PlinthError('input', 'capture', `${path}: cannot be read: ${reasonOf(cause)}`, { cause });
  }
  using log = new EventLog(options.events);
  const counts: CaptureCounts = { frames: 0, dropped: 0, tooLong: 0 };
  const settings = { failClosed: options.failClosed === true, inline: true, midstream: true };
  let alerts = 0;
  for (const inspected of inspectCapture(bytes, path, judgements, settings, counts)) {
    for (const matched of inspected.told) {
      alerts++;
      log.write(finding(path, inspected, matched.rule));
      process.stdout.write(options.json === true ? json(alertEvent(inspected, matched)) : line(inspected, matched));
    }
    if (options.json === true) {
      if (inspected.stopped) process.stdout.write(json(dropEvent(inspected)));
      continue;
    }
    for (const reason of remarksOf(inspected)) {
      process.stderr.write(
        `frame ${inspected.captured.number}: ${inspected.stopped ? 'dropped' : 'passed'}: ${reason}\n`,
      );
    }
  }
  if (options.json !== true) {
    const { frames, dropped, tooLong } = counts;
    const long = tooLong === 0 ? '' : `, ${tooLong} too long to be looked at`;
    process.stderr.write(`${frames} frames, ${alerts} alerts, ${dropped} dropped${long}\n`);
  }
  return alerts > 0 ? EXIT.found : EXIT.clean;
}

function json(event: Record<string, unknown>): string {
  return `${JSON.stringify(event)}\n`;
}

/** As Suricata's fast.log has it. */
function line({ captured, carried, packet, stopped }: InspectedPacket, { rule }: Matched<Place>): string {
  const [source, destination] = addressesOf(carried.frame, packet);
  const mark = stopped && rule.header.action !== 'alert' ? '[Drop] ' : '';
  const coloured = process.stdout.isTTY && process.stdout.hasColors();
  const message = coloured ? styleText('bold', rule.message) : rule.message;
  const classtype = rule.classtype === undefined ? '' : `[Classification: ${rule.classtype}] `;
  return (
    `${timeText(captured.time)}  ${mark}[**] [${rule.gid}:${rule.sid}:${rule.rev}] ${message} [**] ${classtype}` +
    `[Priority: ${priorityOf(rule)}] {${protocolName(packet.protocol)}} ` +
    `${source}:${packet.sourcePort} -> ${destination}:${packet.destinationPort}  (frame ${captured.number})\n`
  );
}

function finding(path: string, inspected: InspectedPacket, rule: Rule): Finding {
  const { number, time } = inspected.captured;
  const guest = { kind: 'capture', id: path, name: path } as const;
  return packetFinding(inspected, rule, { frame: number }, { time: { wall: timeText(time) }, guest });
}
