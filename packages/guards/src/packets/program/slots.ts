// SPDX-License-Identifier: Apache-2.0
// Where the program keeps what it works with: words behind the piece of payload that is looked at, in the value of a map, so what
// loops count and remember is unknown to the verifier. On the stack it would know these numbers, and follow a loop for each.

import { BUFFER_ROOM } from '@plinth/ebpf';
import { HEADER_NUMBERS } from '../rule.js';

/** Bytes of a payload that are looked at in one piece; the next one begins before its end. */
export const PIECE = 8192;

/** Bytes of a segment that are summed, at most: longer ones, as offload makes them of many, would cost more than it is worth. */
export const MOST_SUMMED = 2048;
/** Bytes of a stream that are summed at once (sum-code.ts): there is as much room before R7, too. */
export const BLOCK = 32;
/** A word of 4 bytes has a key of 8. */
export const SUM_KEYS: number = BLOCK / 4;

/** Words of 8 bytes, from R7 on. `scan` has six; `states` has one for two automata, 4 bytes each. */
const NAMES = [
  'scan',
  'scan2',
  'scan3',
  'scan4',
  'scan5',
  'scan6',
  'position',
  'entry',
  'entryEnd',
  'base',
  /** Where the scan of the payload began whose pieces these are. */
  'scanned',
  'actions',
  'packet',
  'protocol',
  'bit',
  'rule',
  'needed',
  'action',
  'told',
  'hits',
  'hit',
  'states',
  'reason',
  /** What the states are of, see flow-code.ts. */
  'sequence',
  'later',
  'verdict',
  /** Where the content begins that was found, in the payload. */
  'begin',
  /** Which end of the connection has sent the packet, and when it came, coarsely. */
  'side',
  'now',
  /** Bits of FLOW_FACT. */
  'flow',
  /** Where the payload begins in the stream. */
  'stream',
  /** Of a rule, 1 + its number among the late ones; whether some of them wait, and what is done with them. */
  'late',
  'waiting',
  'bits',
  'hash',
  /** Number of the content, and whether it may be found over several segments together with others. */
  'index',
  'spans',
  'window',
  'windowEnd',
  /** The running sum, how many bytes still go into it, and the number of the first. */
  'sum',
  'summed',
  'sumAt',
  /** Whether the sum or the states must be certain ones then, and which (boundary-code.ts). */
  'compared',
  'expected',
] as const;

type SlotName = (typeof NAMES)[number] | 'end';

export const SLOT: Readonly<Record<SlotName, number>> = Object.fromEntries(
  [...NAMES, 'end'].map((name, n) => [name, PIECE + BUFFER_ROOM + 8 * n]),
) as Record<SlotName, number>;

/** Numbers of the header, see number-code.ts. */
export const NUMBERS_AT: number = SLOT.end;
/** What was found in the headers, see decode-code.ts. */
export const FOUND_AT: number = NUMBERS_AT + 8 * HEADER_NUMBERS.length;
/** Keys of the running sum. */
export const SUM_KEYS_AT: number = FOUND_AT + 88;
export const SLOTS_END: number = SUM_KEYS_AT + 8 * SUM_KEYS;

/** A key on the stack, where helpers look for it. */
export const KEY_AT = -8;
/** On the stack: where the counters of this processor are. */
export const COUNTERS_AT: number = KEY_AT - 8;
