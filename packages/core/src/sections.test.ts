// SPDX-License-Identifier: Apache-2.0
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { crc32 } from './crc32.js';
import { utf8 } from './text.js';
import { PlinthError } from './errors.js';
import {
  decodeOpenSections,
  decodeSections,
  encodeOpenHeader,
  encodeSection,
  encodeSections,
  isSections,
  type SectionCodec,
  Sections,
  sectionsKind,
  splitSection,
} from './sections.js';

const codec: SectionCodec = {
  deflate: async (bytes) => deflateRawSync(bytes, { level: 1 }),
  inflate: async (bytes, length) => inflateRawSync(bytes, { maxOutputLength: Math.max(1, length) }),
};

const BIG = Uint8Array.from({ length: 5000 }, (_, i) => (i * i) >> 14);

async function file(): Promise<Uint8Array> {
  const sections = [
    { tag: 'machine', version: 1, payload: Uint8Array.of(1, 2, 3) },
    { tag: 'ram', version: 3, payload: BIG },
  ];
  return Buffer.concat(await encodeSections('TEST', sections, codec));
}

function readAll(sections: Sections): void {
  const machine = sections.take('machine', 1);
  expect([...machine.raw(3)]).toEqual([1, 2, 3]);
  machine.end();
  expect([...sections.take('ram', 3).raw(5000)]).toEqual([...BIG]);
  sections.end();
}

const open = async (bytes: Uint8Array) => new Sections('F', await decodeSections('TEST', bytes, 'F', codec));

describe('files of sections', () => {
  it('come back as they were, compressed where it pays', async () => {
    const bytes = await file();
    expect(isSections(bytes)).toBe(true);
    expect(bytes.length).toBeLessThan(4000);
    readAll(await open(bytes));
  });

  it('say in one line what is damaged, whichever bit is flipped and wherever they are cut', async () => {
    const bytes = await file();
    for (let bit = 0; bit < bytes.length * 8; bit += bit < 800 ? 1 : 37) {
      const broken = Uint8Array.from(bytes);
      broken[bit >> 3]! ^= 1 << (bit & 7);
      const error: unknown = await open(broken).then(readAll, (reason: unknown) => reason);
      expect(error, `bit ${bit}`).toBeInstanceOf(PlinthError);
      expect((error as Error).message).toMatch(/^F: [^\n]+$/);
    }
    for (let length = 0; length < bytes.length; length += length < 100 ? 1 : 19) {
      await expect(open(bytes.subarray(0, length))).rejects.toThrow(/^F: (this is no snapshot|ends at byte \d+)/);
    }
  });

  it('hold what is larger than a section', async () => {
    const large = Uint8Array.from({ length: 9 * 1024 * 1024 }, (_, i) => i >> 12);
    const pieces = splitSection({ tag: 'disk', version: 4, payload: large });
    expect(pieces.map(({ tag }) => tag)).toEqual(['disk', 'disk+1', 'disk+2']);
    const empty = splitSection({ tag: 'none', version: 4, payload: new Uint8Array() });
    const sections = await open(Buffer.concat(await encodeSections('TEST', [...empty, ...pieces], codec)));
    expect(Buffer.compare(sections.takeSplit('disk', 4).raw(large.length), large)).toBe(0);
    sections.takeSplit('none', 4).end();
    sections.end();
    const short = await open(Buffer.concat(await encodeSections('TEST', [pieces[0]!, pieces[2]!], codec)));
    expect(() => short.takeSplit('disk', 4).raw(large.length)).toThrow(/^F: section disk is not valid at byte 0/);
  });

  it('names the section and its place', async () => {
    const bytes = Uint8Array.from(await file());
    bytes[bytes.length - 1]! ^= 1;
    await expect(open(bytes)).rejects.toThrow(/^F: section ram is damaged at byte \d+; take a new snapshot$/);
  });

  it('refuses sections that are unknown, missing, twice there or of another version', async () => {
    const of = async (...tags: string[]): Promise<Uint8Array> =>
      Buffer.concat(
        await encodeSections(
          'TEST',
          tags.map((tag) => ({ tag, version: 1, payload: new Uint8Array(4) })),
        ),
      );
    await expect(open(await of('a', 'a'))).rejects.toThrow('F: section a is there twice');
    const sections = await open(await of('a', 'b'));
    expect(() => sections.take('c', 1)).toThrow('F: section c is missing: take a new snapshot');
    expect(() => sections.take('a', 2)).toThrow('F: section a has version 1, this plinth reads version 2');
    expect(() => sections.end()).toThrow('F: section b is unknown here');
    await expect(decodeSections('SNAP', await file(), 'F', codec)).rejects.toThrow('"TEST", where "SNAP" is needed');
  });

  it('tells a later format from damage', async () => {
    const bytes = Uint8Array.from(await file());
    bytes[8] = 2;
    new DataView(bytes.buffer).setUint32(18, crc32(bytes.subarray(0, 18)), true);
    await expect(open(bytes)).rejects.toThrow('F: has snapshot format 2, this plinth reads format 1');
  });

  it('grow by what is appended, and are good up to their last whole section', async () => {
    const words = { noun: 'diary', advice: 'write it again' };
    const pieces = [encodeOpenHeader('DIAR')];
    const ends = [pieces[0]!.length];
    for (const tag of ['one', 'two', 'three']) {
      pieces.push(...(await encodeSection({ tag, version: 1, payload: utf8(tag.repeat(300)) }, codec)));
      ends.push(Buffer.concat(pieces).length);
    }
    const bytes = Buffer.concat(pieces);
    expect(sectionsKind(bytes)).toBe('DIAR');
    for (let length = ends[0]!; length <= bytes.length; length++) {
      const { sections, cut } = await decodeOpenSections('DIAR', bytes.subarray(0, length), 'F', codec, words);
      const whole = ends.findLastIndex((end) => end <= length);
      expect([sections.length, cut]).toEqual([whole, ends[whole] === length ? undefined : ends[whole]]);
    }
    bytes[ends[2]! - 1]! ^= 1;
    await expect(decodeOpenSections('DIAR', bytes, 'F', codec, words)).rejects.toThrow(
      /is damaged at byte \d+; write it again$/,
    );
    await expect(decodeOpenSections('DIAR', utf8('no'), 'F', codec, words)).rejects.toThrow('F: this is no diary');
  });
});
