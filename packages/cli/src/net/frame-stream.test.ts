// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameReader, withLength } from './frame-stream.js';

describe('frames on a stream', () => {
  it('come out as they went in, however the stream is cut', () => {
    const frames = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 20 });
    const cuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(frames, cuts, (sent, sizes) => {
        const got: Uint8Array[] = [];
        const reader = new FrameReader(300, (frame) => got.push(Uint8Array.from(frame)));
        const stream = Buffer.concat(sent.map(withLength));
        for (let at = 0, n = 0; at < stream.length; n++) {
          const size = sizes[n % sizes.length]!;
          expect(reader.push(stream.subarray(at, at + size))).toBe(true);
          at += size;
        }
        expect(got).toEqual(sent.map((frame) => Uint8Array.from(frame)));
      }),
    );
  });

  it('are none where a length is too large', () => {
    const got: Uint8Array[] = [];
    const reader = new FrameReader(1000, (frame) => got.push(frame));
    expect(reader.push(Buffer.concat([withLength(new Uint8Array(1000)), withLength(new Uint8Array(1001))]))).toBe(
      false,
    );
    expect(got).toHaveLength(1);
    expect(new FrameReader(1000, () => undefined).push(Buffer.of(0xff, 0xff, 0xff, 0xff))).toBe(false);
  });

  it('of no bytes are passed over', () => {
    const got: Uint8Array[] = [];
    const reader = new FrameReader(1000, (frame) => got.push(frame));
    expect(reader.push(Buffer.concat([withLength(new Uint8Array(0)), withLength(Uint8Array.of(7))]))).toBe(true);
    expect(got).toEqual([Buffer.of(7)]);
  });
});
