// SPDX-License-Identifier: Apache-2.0
import { gzipSync, gunzipSync } from 'node:zlib';
import { PlinthError } from '@plinth/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Compression, isZImage, readZImage, unpackZImage } from './zimage.js';

const kernel = Uint8Array.from({ length: 5000 }, (_, at) => (at * at) & 0xff);
const heads: Record<Exclude<Compression, 'gzip'>, number[]> = {
  xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 1, 0x69, 0x22, 0xde, 0x36],
  lz4: [0x02, 0x21, 0x4c, 0x18, 0x40, 0, 0, 0],
  zstd: [0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x88, 0x00, 0x02, 0x00],
};

/** A zImage: header, constants that look like magic numbers, packed kernel, size word, table when asked. */
function zimage(kind: Compression, table: boolean): { file: Uint8Array; packed: Uint8Array } {
  const packed =
    kind === 'gzip'
      ? new Uint8Array(gzipSync(kernel))
      : Uint8Array.from([...heads[kind], ...Array.from({ length: 200 }, (_, at) => at)]);
  const decoys = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 0, 0, 0, 0, 0, 0x28, 0xb5, 0x2f, 0xfd, 0xff, 0x02, 0x21, 0x4c];
  const start = 0x100;
  const sizeAt = start + packed.length - (kind === 'gzip' ? 4 : 0);
  const file = new Uint8Array(sizeAt + 40);
  const view = new DataView(file.buffer);
  const words = (at: number, ...values: number[]): void =>
    values.forEach((value, index) => view.setUint32(at + index * 4, value, true));
  words(0x24, 0x016f_2818, 0, file.length, 0x0403_0201);
  file.set(decoys, 0x80);
  file.set(packed, start);
  words(sizeAt, kernel.length);
  if (table) {
    words(0x34, 0x4545_4545, sizeAt + 4);
    words(sizeAt + 4, 6, 0x5a53_4c4b, sizeAt, 0x1234, 0x20_8000, 0x1_0000);
  }
  return { file, packed };
}

describe('a zImage', () => {
  it.each<Compression>(['gzip', 'xz', 'lz4', 'zstd'])('gives its %s payload and what the table tells', (kind) => {
    const { file, packed } = zimage(kind, true);
    const image = readZImage(file, 'vmlinuz');
    expect(image.kernel?.kind).toBe(kind);
    expect([...image.kernel!.payload]).toEqual([...packed]);
    expect([image.unpackedSize, image.bssSize, image.textOffset]).toEqual([kernel.length, 0x1234, 0x20_8000]);
  });

  it('gives its payload up to its end without a table', () => {
    const { file, packed } = zimage('xz', false);
    const image = readZImage(file, 'vmlinuz');
    expect([...image.kernel!.payload.subarray(0, packed.length)]).toEqual([...packed]);
    expect(image.kernel!.payload.length).toBe(file.length - 0x100);
    expect(image.textOffset).toBeUndefined();
  });

  it('is unpacked by what the caller brings', () => {
    const image = readZImage(zimage('gzip', true).file, 'vmlinuz');
    const gzip = (bytes: Uint8Array): Uint8Array => new Uint8Array(gunzipSync(bytes));
    expect([...unpackZImage(image, 'vmlinuz', { gzip })]).toEqual([...kernel]);
    expect(() => unpackZImage(image, 'vmlinuz', {})).toThrow(
      'vmlinuz: packed with gzip, which this host cannot unpack',
    );
    expect(() => unpackZImage(image, 'vmlinuz', { gzip: () => kernel.subarray(1) })).toThrow('unpacks to 4999 bytes');
  });

  it('leaves out what is appended to it', () => {
    const { file } = zimage('xz', true);
    const longer = new Uint8Array(file.length + 100);
    longer.set(file);
    expect(readZImage(longer, 'vmlinuz').bytes.length).toBe(file.length);
  });

  it('is refused when it is something else, big-endian or cut', () => {
    const { file } = zimage('xz', true);
    expect(isZImage(file)).toBe(true);
    expect(isZImage(file.subarray(0, 0x30))).toBe(false);
    expect(() => readZImage(new Uint8Array(100), 'x')).toThrow('x: not an ARM Linux zImage');
    expect(() => readZImage(file.subarray(0, 200), 'x')).toThrow('in a file of 200: it is cut short or damaged');
    const big = file.slice();
    big[0x30] = 4;
    expect(() => readZImage(big, 'x')).toThrow('x: a big-endian zImage');
  });

  it('is an image or an input error when damaged', () => {
    const { file } = zimage('xz', true);
    const damage = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(damage, fc.nat(file.length), (changes, length) => {
        const copy = file.slice();
        for (const [at, value] of changes) copy[at] = value;
        for (const input of [copy, copy.subarray(0, length)]) {
          try {
            expect(readZImage(input, 'x').bytes.length).toBeLessThanOrEqual(input.length);
          } catch (error) {
            expect(error).toBeInstanceOf(PlinthError);
            expect((error as PlinthError).kind).toBe('input');
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});
