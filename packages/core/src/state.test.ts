// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { crc32 } from './crc32.js';
import { PlinthError } from './errors.js';
import { EventQueue } from './event-queue.js';
import { StateReader, StateWriter } from './state.js';
import { fromUtf8, utf8 } from './text.js';

function written(write: (writer: StateWriter) => void): Uint8Array {
  const writer = new StateWriter(1);
  write(writer);
  return writer.take();
}

/** Reads as the writer of `sample` wrote. */
function readSample(reader: StateReader): unknown[] {
  return [
    reader.u8(),
    reader.bool(),
    reader.u16(),
    reader.u32(),
    reader.i32(),
    reader.f64(),
    reader.u64(),
    [...reader.bytes()],
    reader.string(),
    reader.list(() => reader.u16()),
  ];
}

const SAMPLE = [200, true, 60000, 4e9, -5, 2 ** 52 + 1, 2n ** 63n + 1n, [1, 2, 3], 'Grüße 🙂', [7, 8]];

function sample(): Uint8Array {
  return written((writer) => {
    writer.u8(200);
    writer.bool(true);
    writer.u16(60000);
    writer.u32(4e9);
    writer.i32(-5);
    writer.f64(2 ** 52 + 1);
    writer.u64(2n ** 63n + 1n);
    writer.bytes(Uint8Array.of(1, 2, 3));
    writer.string('Grüße 🙂');
    writer.list([7, 8], (item) => writer.u16(item));
  });
}

describe('saved state', () => {
  it('gives back what was written', () => {
    const reader = new StateReader(sample(), 'x');
    expect(readSample(reader)).toEqual(SAMPLE);
    reader.end();
  });

  it('names section and offset wherever it is cut', () => {
    const bytes = sample();
    for (let length = 0; length < bytes.length; length++) {
      const reader = new StateReader(bytes.subarray(0, length), 'F: section uart0');
      expect(() => readSample(reader)).toThrow(/^F: section uart0 is not valid at byte \d+: .* take a new snapshot$/);
    }
  });

  it('refuses what is left over, wrong lengths and values that make no sense', () => {
    const wrong = [
      (reader: StateReader) => reader.end(),
      (reader: StateReader) => reader.list(() => reader.u8()),
      (reader: StateReader) => reader.array(new Uint32Array(3)),
      (reader: StateReader) => reader.bool(),
    ];
    for (const read of wrong) {
      expect(() => read(new StateReader(Uint8Array.of(9, 0, 0, 0), 'x'))).toThrow(PlinthError);
    }
    const number = (value: number) =>
      new StateReader(
        written((writer) => writer.f64(value)),
        'x',
      );
    for (const value of [NaN, Infinity]) expect(() => number(value).f64()).toThrow(PlinthError);
    for (const value of [-1, 2 ** 60]) expect(() => number(value).time()).toThrow(PlinthError);
    expect(() => number(1.5).count()).toThrow(PlinthError);
    expect(number(1.5).time()).toBe(1.5);
  });

  it('keeps the order of alarms at equal times, in whatever order they are restored', () => {
    const events = new EventQueue();
    const alarms = ['a', 'b', 'c'].map(() => events.schedule(10, () => {}));
    const past = events.schedule(5, () => {});
    events.runUntil(5);
    const bytes = written((writer) => {
      for (const alarm of [past, ...alarms, undefined]) writer.alarm(alarm);
    });
    const restored = new EventQueue();
    const happened: string[] = [];
    const reader = new StateReader(bytes, 'x');
    const entries = [0, 1, 2, 3, 4].map(() => {
      const start = reader.offset;
      reader.alarm(new EventQueue(), () => {});
      return bytes.subarray(start, reader.offset);
    });
    restored.sequence = events.sequence;
    restored.schedule(10, () => happened.push('later'));
    for (const [index, name] of [
      [3, 'c'],
      [1, 'a'],
      [2, 'b'],
    ] as const) {
      new StateReader(entries[index]!, 'x').alarm(restored, () => happened.push(name));
    }
    expect(new StateReader(entries[0]!, 'x').alarm(restored, () => {})).toBeUndefined();
    expect(new StateReader(entries[4]!, 'x').alarm(restored, () => {})).toBeUndefined();
    restored.runUntil(10);
    expect(happened).toEqual(['a', 'b', 'c', 'later']);
  });
});

describe('crc32', () => {
  it('is that of everybody else, in one piece or in several', () => {
    const text = utf8('123456789');
    expect(crc32(text)).toBe(0xcbf43926);
    for (let cut = 0; cut <= text.length; cut++) {
      expect(crc32(text.subarray(cut), crc32(text.subarray(0, cut)))).toBe(0xcbf43926);
    }
  });
});

describe('fromUtf8', () => {
  it('reads what utf8 writes, and anything else too', () => {
    for (const text of ['', 'plain', 'é', '€', '🙂', '\u{10ffff}', '\ud7ff\ue000'])
      expect(fromUtf8(utf8(text))).toBe(text);
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    for (const bytes of [[0x80], [0xc0, 0x80], [0xc3], [0xff, 0x41], [0xf4, 0x90], [0xe2, 0x41]]) {
      const kept = (text: string): string => text.replaceAll('\ufffd', '');
      expect(kept(fromUtf8(Uint8Array.from(bytes)))).toBe(kept(decoder.decode(Uint8Array.from(bytes))));
    }
  });
});

describe('a count in as few bytes as it takes', () => {
  it.each([
    [0, 1],
    [127, 1],
    [128, 2],
    [2 ** 32, 5],
    [Number.MAX_SAFE_INTEGER, 8],
  ])('%d takes %d', (count, size) => {
    const bytes = written((writer) => writer.varint(count));
    expect(bytes.length).toBe(size);
    expect(new StateReader(bytes, 'F').varint()).toBe(count);
  });

  it.each([[[0x80]], [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f]], [Array<number>(9).fill(0x80)]])(
    'is not %j',
    (bytes) => {
      expect(() => new StateReader(Uint8Array.from(bytes), 'F').varint()).toThrow(/^F is not valid at byte \d: /);
    },
  );
});
