// SPDX-License-Identifier: Apache-2.0
// The program alone: what it takes for a byte of payload, by test runs in the kernel, beside a program that only copies the
// payload; and what many patterns cost before the first packet comes.

import { Assembler, type MapDefinition, type Program, R0, R1, R2, R3, R4, R6 } from '@plinth/ebpf';
import { kernelRule, packetProgram, parseRules, ruleTables } from '@plinth/guards';
import { KernelProgram, nativeCalls, testRun } from '@plinth/linux';
import type { Pattern } from '@plinth/match';
import { phraseRules } from './content-rules.js';

const calls = nativeCalls();
const KEY = new Uint8Array(4);
const HEADERS = 14 + 20 + 8;
/** Of payload: a test run of the kernel takes frames of less than a page. */
export const PAYLOAD = 3400;
const REPEAT = 4000;

export interface Measured extends Disposable {
  /** Nanoseconds for a byte of payload. */
  run(payload: Uint8Array): number;
}

/** The program for rules of one pattern each. */
export function inspecting(patterns: readonly Pattern[]): Measured {
  const text = phraseRules(
    patterns.map(({ bytes }, n) => ({ file: 'set', line: n, bytes })),
    'alert',
  );
  // Datagrams: a segment that comes again and again would be an old one.
  const { rules } = parseRules(text.replaceAll('alert tcp', 'alert udp'), 'set');
  const decided = rules.map((rule) => kernelRule(rule)).flatMap((rule) => (typeof rule === 'string' ? [] : [rule]));
  const { program, tables, tablesMap } = packetProgram(ruleTables(decided));
  return measured(program, tablesMap, tables.bytes);
}

/** One call of bpf_skb_load_bytes: a memcpy of the kernel. */
export function copying(): Measured {
  const buffer: MapDefinition = { name: 'buffer', type: 'array', keySize: 4, valueSize: 8192, maxEntries: 1 };
  const a = new Assembler('copy', 'schedCls');
  const over = a.label();
  a.mov(R6, R1).load(4, R4, R6, 0).alu('sub', R4, HEADERS).jumpIf('gt', R4, 8192, over).jumpIf('eq', R4, 0, over);
  a.mov(R1, R6).mov(R2, HEADERS).loadMapValue(R3, buffer).call('skbLoadBytes');
  a.here(over);
  a.mov(R0, 0).exit();
  return measured(a.finish());
}

function measured(program: Program, tablesMap?: MapDefinition, tables?: Uint8Array): Measured {
  const loaded = KernelProgram.load(calls, program, new Map(), (maps) => {
    if (tablesMap !== undefined) maps.get(tablesMap.name)?.set(KEY, tables!);
  });
  return {
    run: (payload) => testRun(calls, loaded, datagram(payload), REPEAT).duration / payload.length,
    [Symbol.dispose]: () => loaded[Symbol.dispose](),
  };
}

/** UDP over IPv4, as far as the program looks. */
function datagram(payload: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(HEADERS + payload.length);
  frame.writeUInt16BE(0x0800, 12);
  frame.set([0x45, 0], 14);
  frame.writeUInt16BE(28 + payload.length, 16);
  frame.set([64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], 22);
  frame.writeUInt16BE(4000, 34);
  frame.writeUInt16BE(4001, 36);
  frame.writeUInt16BE(8 + payload.length, 38);
  frame.set(payload, HEADERS);
  return frame;
}
