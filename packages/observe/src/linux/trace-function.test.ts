// SPDX-License-Identifier: Apache-2.0
// Small pieces of A32 code, and what they are read as.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type TraceEvent, traceFunction } from './trace-function.js';

const START = 0xc000_8000;

function trace(...words: readonly number[]): readonly TraceEvent[] {
  const end = START + 4 * words.length;
  return traceFunction({ start: START, end, word: (address) => words[(address - START) / 4] });
}

function keys(events: readonly TraceEvent[], kind: TraceEvent['kind']): unknown[] {
  return events.flatMap((event): unknown[] => {
    if (event.kind !== kind) return [];
    if (event.kind === 'compare') return [[event.left.key, event.right.key]];
    if (event.kind === 'call') return [[event.target, ...event.args.map(({ key }) => key)]];
    if (event.kind === 'load') return [event.address.key];
    if (event.kind === 'return' || event.kind === 'set-current') return [event.value.key];
    return [event.kind];
  });
}

describe('a function that is followed', () => {
  it('returns what it has loaded', () => {
    // add r3, r0, #1632; ldr r0, [r3, #8]; bx lr
    expect(keys(trace(0xe2803e66, 0xe5930008, 0xe12fff1e), 'return')).toEqual(['[(argument0+1640)]4']);
  });

  it('goes both ways at a condition, and the same way at the same', () => {
    // cmp r0, #0; ldrne r0, [r1, #4]; moveq r0, r2; bx lr
    const events = trace(0xe3500000, 0x15910004, 0x01a00002, 0xe12fff1e);
    expect(keys(events, 'compare')).toEqual([['argument0', '#0']]);
    expect(keys(events, 'return')).toEqual(['[(argument1+4)]4', 'argument2']);
  });

  it('keeps what is pushed, and loses what a call may change', () => {
    // push {r0, lr}; bl +16; mov r1, r0; pop {r0, pc}
    const events = trace(0xe92d4001, 0xeb000002, 0xe1a01000, 0xe8bd8001);
    expect(keys(events, 'call')).toEqual([[START + 20, 'argument0', 'argument1', 'argument2', 'argument3']]);
    expect(keys(events, 'return')).toEqual(['argument0']);
  });

  it('knows constants of two halves, literals, the task and the CPU’s variables', () => {
    // movw r3, #0xa04c; movt r3, #0xc132; mrc TPIDRPRW -> r2; ldr r2, [r2, r3]; mcr r2 -> TPIDRURO; ldr r0, [pc]; bx lr; .word
    const words = [0xe30a304c, 0xe34c3132, 0xee1d2f90, 0xe7922003, 0xee0d2f70, 0xe59f0000, 0xe12fff1e, 0x12345678];
    const events = trace(...words);
    expect(keys(events, 'set-current')).toEqual([`[(per-cpu+${0xc132_a04c | 0})]4`]);
    expect(keys(events, 'return')).toEqual([`#${0x1234_5678}`]);
  });

  it('ends, whatever the words are', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff_ffff), { maxLength: 60 }), (words) => {
        for (const event of trace(...words)) expect(typeof event.kind).toBe('string');
        // Conditional branches to the beginning of their own function make the most paths.
        const loops = words.map((word, n) =>
          (word & 1) === 0 ? word : ((word & 0xe000_0000) | 0x0a00_0000 | (-n & 0xff_ffff)) >>> 0,
        );
        trace(...loops);
      }),
      { numRuns: 300 },
    );
  });
});
