// SPDX-License-Identifier: Apache-2.0
// Rules for packets at a machine's network card: the program that a kernel would run at an interface, compiled to WebAssembly, sees
// every frame on the wire, and what it flags is confirmed on the spot. The card and the machine know nothing of it.

import type { Finding } from '@plinth/core';
import type { Judgement } from '@plinth/guards';
import type { OpenDriver, PacketDirection, RunSpec } from '@plinth/machine';
import type { Observer } from '@plinth/observe';
import type { FrameGuard } from '../net/network.js';
import { remarksOf } from './describe-packet.js';
import { FrameInspector } from './inspect-capture.js';
import { packetFinding } from './packet-finding.js';
import { readRules, sayRefused } from './rule-files.js';

/** Findings of a run: a flood of packets must not become one of memory. */
const MOST_FINDINGS = 10_000;

type Where = Pick<Finding, 'time' | 'guest'>;

export class PacketGuard implements FrameGuard, Observer {
  readonly #inspector: FrameInspector;
  readonly #wallClock: number;
  #driver: OpenDriver | undefined;
  readonly #findings: Finding[] = [];
  #told = 0;
  #frames = 0;

  /** The guard that a run wants, if it wants one; `say` tells of rules that are not looked at. */
  static of(spec: RunSpec, say: (line: string) => void): PacketGuard | undefined {
    const { rules: file, ruleVariables = [], failClosed, wallClock } = spec;
    if (file === undefined) return undefined;
    const { judgements, errors } = readRules(file, ruleVariables, { streams: true });
    if (errors.length > 0) throw errors[0]!;
    sayRefused(file, judgements, say);
    return new PacketGuard(judgements, failClosed, wallClock);
  }

  private constructor(judgements: readonly Judgement[], failClosed: boolean, wallClock: number) {
    // A machine that goes on has connections whose beginnings nobody saw.
    this.#inspector = new FrameInspector(judgements, { failClosed, inline: true, midstream: true });
    this.#wallClock = wallClock;
  }

  /** The machine whose card it is. */
  watch(driver: OpenDriver): void {
    this.#driver = driver;
  }

  passes(direction: PacketDirection, frame: Uint8Array): boolean {
    const { machine, name, virtualTime } = this.#driver!;
    const where: Where = {
      time: { instruction: machine.count },
      guest: { kind: 'machine', id: machine.board.description.name, name },
    };
    const time = BigInt(this.#wallClock) * 1_000_000_000n + BigInt(Math.round(virtualTime));
    // The frame is only lent.
    const captured = { number: ++this.#frames, time, bytes: Uint8Array.from(frame), length: frame.length };
    let passes = true;
    for (const inspected of this.#inspector.inspect(captured)) {
      if (inspected.stopped) passes = false;
      for (const { rule } of inspected.told) this.#tell(packetFinding(inspected, rule, { direction }, where));
      for (const why of remarksOf(inspected)) this.#tell(uninspected(why, direction, inspected.stopped, where));
    }
    return passes;
  }

  report(): readonly Finding[] {
    return this.#findings.splice(0);
  }

  #tell(finding: Finding): void {
    this.#told++;
    if (this.#told <= MOST_FINDINGS) this.#findings.push(finding);
    if (this.#told !== MOST_FINDINGS) return;
    const message = `${MOST_FINDINGS} findings were told of packets; no more are`;
    this.#findings.push({ ...finding, rule: 'too-many', severity: 'info', message, subject: {}, evidence: {} });
  }
}

function uninspected(why: string, direction: PacketDirection, stopped: boolean, where: Where): Finding {
  return {
    ...where,
    guard: 'packets',
    rule: 'not-inspected',
    severity: stopped ? 'low' : 'info',
    message: `a frame was ${stopped ? 'dropped' : 'passed'}: ${why}`,
    subject: { direction },
    evidence: {},
    verdict: stopped ? 'deny' : 'report',
  };
}
