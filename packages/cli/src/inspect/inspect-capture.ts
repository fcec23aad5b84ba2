// SPDX-License-Identifier: Apache-2.0
// A capture through the program that a kernel would run, compiled to WebAssembly: the same verdicts, anywhere, without root.

import { compile, Environment, MOST_PACKET } from '@plinth/ebpf';
import {
  type CapturedFrame,
  type DecodedPacket,
  decodePacket,
  type KernelRule,
  packetProgram,
  type FlowFacts,
  readCapture,
  readEvent,
  ruleTables,
  VERDICT,
} from '@plinth/guards';

/** What the program said of a frame, if it said something. */
export interface InspectedFrame {
  readonly frame: CapturedFrame;
  readonly packet: DecodedPacket;
  readonly dropped: boolean;
  readonly rules: readonly KernelRule[];
  /** Bits of `REASON`. */
  readonly reason: number;
  readonly flow: FlowFacts;
}

export interface CaptureCounts {
  frames: number;
  dropped: number;
  /** Longer than any interface gives them to a program. */
  tooLong: number;
}

export function* inspectCapture(
  bytes: Uint8Array,
  what: string,
  rules: readonly KernelRule[],
  failClosed: boolean,
  counts: CaptureCounts,
): Generator<InspectedFrame> {
  const program = packetProgram(ruleTables(rules), { failClosed });
  const environment = new Environment(program.program);
  environment.maps.get(program.tablesMap.name)?.update(new Uint8Array(4), program.tables.bytes);
  const run = compile(environment);
  for (const frame of readCapture(bytes, what)) {
    counts.frames++;
    if (frame.bytes.length > MOST_PACKET || frame.bytes.length === 0) {
      counts.tooLong++;
      continue;
    }
    environment.present({ frame: frame.bytes, time: frame.time });
    const dropped = run() === VERDICT.drop;
    if (dropped) counts.dropped++;
    for (const record of environment.take(program.events)) {
      const { matches, reason, flow } = readEvent(record);
      yield {
        frame,
        packet: decodePacket(frame.bytes),
        dropped,
        rules: matches
          .map(({ rule }) => rule)
          .sort((a, b) => a - b)
          .map((number) => rules[number]!),
        reason,
        flow,
      };
    }
  }
}
