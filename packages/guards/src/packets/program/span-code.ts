// SPDX-License-Identifier: Apache-2.0
// Contents of one rule in several segments: of each content it is remembered where the segment ended in which it was found last, and it
// counts for those that follow within `STREAM_WINDOW` bytes. Only contents that may be anywhere in a stream are remembered.

import { type Assembler, FP, type Label, type MapDefinition, R0, R1, R2, R3, R4, R5, R7 } from '@plinth/ebpf';
import { MOST_CONTENTS, STREAM_WINDOW } from '../kernel-rule.js';
import { FLOW_AT, FLOW_VALUE, SIDE, SIDE_AT, SIDE_STACK_END } from './connection-code.js';
import { FOUND } from './decode-code.js';
import { PROGRESS } from './match-code.js';
import { SLOT } from './slots.js';

/**
 * Of a rule, by what it is in any tables, in a direction of a connection. `begin` tells it from one before between the same ends.
 */
const SPAN_KEY = { size: 24, secret: 0, rule: 8, side: 12, begin: 16, spare: 20 } as const;
/** Where the segment ended that had the content, by its number; and bits of those that are known. */
const SPAN_VALUE = { size: 40, ends: 0, known: 32 } as const;

export const SPANS: MapDefinition = {
  name: 'spans',
  type: 'lruHash',
  keySize: SPAN_KEY.size,
  valueSize: SPAN_VALUE.size,
  maxEntries: 65_536,
};

const PROGRESS_AT: number = SIDE_STACK_END - 8;
const KEY_AT: number = PROGRESS_AT - SPAN_KEY.size;
const VALUE_AT: number = KEY_AT - SPAN_VALUE.size;

/**
 * A content of the rule of SLOT.spans was found in the stream, for the first time in this packet. R0 is the rule's progress, which gets the bits
 * of what was found before; R3 has them too afterwards. Uses R0 to R5.
 */
export function emitSpan(a: Assembler): void {
  const [have, over, kept] = [a.label(), a.label(), a.label()];
  a.store(8, FP, PROGRESS_AT, R0);
  a.load(8, R1, FP, FLOW_AT).jumpIf('eq', R1, 0, over).load(8, R2, FP, SIDE_AT).jumpIf('eq', R2, 0, over);
  a.load(8, R1, R1, FLOW_VALUE.secret).store(8, FP, KEY_AT + SPAN_KEY.secret, R1);
  a.load(4, R2, R2, SIDE.begin).store(4, FP, KEY_AT + SPAN_KEY.begin, R2);
  a.load(8, R1, R7, SLOT.spans).store(4, FP, KEY_AT + SPAN_KEY.rule, R1);
  a.load(8, R1, R7, SLOT.side).store(4, FP, KEY_AT + SPAN_KEY.side, R1);
  a.store(4, FP, KEY_AT + SPAN_KEY.spare, 0);
  emitLookup(a, over, have);
  // R1 is where the payload begins in the stream, R2 where it ends.
  a.load(8, R1, R7, SLOT.stream).load(4, R2, R7, FOUND.payloadLength).add(R2, R1);
  a.load(8, R4, R7, SLOT.index)
    .and(R4, MOST_CONTENTS - 1)
    .mov(R3, 1)
    .alu('lsh', R3, R4);
  a.alu('lsh', R4, 2).add(R4, R0).store(4, R4, SPAN_VALUE.ends, R2);
  a.load(8, R4, R0, SPAN_VALUE.known).alu('or', R4, R3).store(8, R0, SPAN_VALUE.known, R4);
  // Without branches, of which the verifier would follow each way.
  a.mov(R3, 0);
  for (let n = 0; n < MOST_CONTENTS; n++) {
    // The sign of how far it is away, less the window.
    a.load(4, R5, R0, SPAN_VALUE.ends + 4 * n)
      .mov32(R2, R1)
      .alu32('sub', R2, R5)
      .alu32('sub', R2, STREAM_WINDOW + 1)
      .alu32('rsh', R2, 31)
      .alu('lsh', R2, n)
      .alu('or', R3, R2);
  }
  a.and(R3, R4).load(8, R0, FP, PROGRESS_AT).load(4, R4, R0, PROGRESS.bits).alu('or', R3, R4);
  a.store(4, R0, PROGRESS.bits, R3);
  // With all that it needs the rule begins anew.
  a.load(8, R1, R7, SLOT.needed).mov(R2, R3).and(R2, R1).jumpIf('ne', R2, R1, kept);
  a.loadMap(R1, SPANS).mov(R2, FP).add(R2, KEY_AT).call('mapDelete');
  a.here(over);
  a.load(8, R0, FP, PROGRESS_AT).load(4, R3, R0, PROGRESS.bits);
  a.here(kept);
}

/** R0 = the value, made if there is none. */
function emitLookup(a: Assembler, none: Label, have: Label): void {
  const lookup = (): void => void a.loadMap(R1, SPANS).mov(R2, FP).add(R2, KEY_AT).call('mapLookup');
  lookup();
  a.jumpIf('ne', R0, 0, have);
  for (let n = 0; n < SPAN_VALUE.size; n += 8) a.store(8, FP, VALUE_AT + n, 0);
  a.loadMap(R1, SPANS).mov(R2, FP).add(R2, KEY_AT).mov(R3, FP).add(R3, VALUE_AT).mov(R4, 0).call('mapUpdate');
  lookup();
  a.jumpIf('eq', R0, 0, none);
  a.here(have);
}
