// SPDX-License-Identifier: Apache-2.0
import { concatenate, latin1, utf8 } from '@plinth/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frame, type FrameEvent, FrameReader } from './framing.js';

const read = (bytes: Uint8Array, maximum = 1000): string[] => tell(new FrameReader(maximum).push(bytes));

function tell(events: readonly FrameEvent[]): string[] {
  return events.map((event) => (event.kind === 'packet' ? `packet ${latin1(event.data)}` : event.kind));
}

/** `$data#sum` with the data as given. */
function framed(data: string): Uint8Array {
  const sum = [...utf8(data)].reduce((total, byte) => (total + byte) & 0xff, 0);
  return utf8(`$${data}#${sum.toString(16).padStart(2, '0')}`);
}

describe('frames', () => {
  it('are read as they stand in the manual', () => {
    expect(read(utf8('+$OK#9a-\x03$qC#b4'))).toEqual([
      'acknowledged',
      'packet OK',
      'refused',
      'interrupt',
      'packet qC',
    ]);
    // "0* " is four zeros, "}" changes the bit 0x20 of what follows.
    expect(read(framed('0* '))).toEqual(['packet 0000']);
    expect(read(framed('a}\x03b}]}\x04}\x0a'))).toEqual(['packet a#b}$*']);
  });

  it('are written so that they read the same, whatever is in them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
        const [event, ...more] = new FrameReader(300).push(frame(data));
        expect(event).toEqual({ kind: 'packet', data });
        expect(more).toEqual([]);
        expect([...frame(data)].slice(1, -3)).not.toContain(0x24);
      }),
    );
  });

  it('are the same wherever they are cut', () => {
    const stream = concatenate([utf8('+'), frame(utf8('m40000000,4')), utf8('\x03'), framed('ab*"c'), utf8('-$x#00')]);
    const whole = read(stream);
    expect(whole).toEqual(['acknowledged', 'packet m40000000,4', 'interrupt', 'packet abbbbbbc', 'refused', 'damaged']);
    for (let cut = 0; cut <= stream.length; cut++) {
      const reader = new FrameReader(1000);
      const events = [...reader.push(stream.subarray(0, cut)), ...reader.push(stream.subarray(cut))];
      expect(tell(events)).toEqual(whole);
    }
    const reader = new FrameReader(1000);
    expect(tell([...stream].flatMap((byte) => reader.push(Uint8Array.of(byte))))).toEqual(whole);
  });

  it('that are damaged or too long are asked for again, and the next one is read', () => {
    expect(read(utf8('$OK#9b$OK#zz$OK#9a'))).toEqual(['damaged', 'damaged', 'packet OK']);
    expect(read(utf8('$half$OK#9a$OK#9$OK#9a'))).toEqual(['damaged', 'packet OK', 'damaged', 'packet OK']);
    expect(read(concatenate([frame(utf8('a'.repeat(11))), frame(utf8('b'))]), 10)).toEqual(['damaged', 'packet b']);
    expect(read(framed('a*~*~*~'), 100)).toEqual(['damaged']);
  });

  it('of hostile bytes end in events of the protocol, and a good one after them is read', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 20 }), (pieces) => {
        const reader = new FrameReader(64);
        for (const piece of pieces) reader.push(piece);
        // Whatever state it is in, a frame after a frame's beginning is read.
        const events = [...reader.push(utf8('$')), ...reader.push(framed('OK'))];
        expect(tell(events).at(-1)).toBe('packet OK');
      }),
    );
  });
});
