// SPDX-License-Identifier: Apache-2.0
import { PlinthError, sha256, StateReader, StateWriter } from '@plinth/core';
import { describe, expect, it } from 'vitest';
import { checkProof, contentDigest, DIGEST_NEEDED, DIGEST_PIECE, saveProof } from './file-proof.js';
import { MemoryFile, type RandomAccessFile } from './random-access-file.js';

const SIZE = DIGEST_PIECE + 300_000;
const BYTES = Uint8Array.from({ length: SIZE }, (_, i) => (i * 7 + (i >> 9)) & 0xff);

/** A file with a time; `digest` says how it is told. */
function fileOf(bytes: Uint8Array, modified: number, digest: boolean = true): RandomAccessFile {
  const file = new MemoryFile('a.img', bytes);
  return Object.create(file, {
    name: { value: 'a.img' },
    size: { value: bytes.length },
    modified: { value: modified },
    read: { value: (offset: number, into: Uint8Array) => file.read(offset, into) },
    digest: { value: () => (digest ? contentDigest(file, sha256) : undefined) },
  }) as RandomAccessFile;
}

function changedAt(at: number): Uint8Array {
  const bytes = BYTES.slice();
  bytes[at]! ^= 1;
  return bytes;
}

function complaint(saved: RandomAccessFile, now: RandomAccessFile): { code: string; message: string } | undefined {
  const writer = new StateWriter();
  saveProof(writer, saved);
  const reader = new StateReader(writer.take(), 'disk');
  try {
    checkProof(reader, now);
    reader.end();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(PlinthError);
    return error as PlinthError;
  }
}

describe('the proof of a disk’s file', () => {
  it('is a hash of the hashes of its pieces', () => {
    const pieces = [BYTES.subarray(0, DIGEST_PIECE), BYTES.subarray(DIGEST_PIECE)];
    const expected = sha256(Buffer.concat(pieces.map((piece) => sha256(piece))));
    expect(contentDigest(fileOf(BYTES, 1), sha256)).toEqual(expected);
  });

  it('takes the file itself and copies of it', () => {
    expect(complaint(fileOf(BYTES, 5), fileOf(BYTES, 5, false))).toBeUndefined();
    expect(complaint(fileOf(BYTES, 5), fileOf(BYTES, 6))).toBeUndefined();
  });

  it('refuses one that was changed, in one line', () => {
    const before = fileOf(BYTES, 5);
    const line =
      /^a\.img: it is not as it was when the snapshot or the recording was made, which needs the disk of that moment: /;
    // The first block is a sample, so that no time can hide a change there.
    expect(complaint(before, fileOf(changedAt(1024), 5))?.message).toMatch(line);
    expect(complaint(before, fileOf(changedAt(SIZE - 1), 5))?.message).toMatch(line);
    // Elsewhere it is the digest that shows it.
    expect(complaint(before, fileOf(changedAt(10_000), 6))?.message).toMatch(line);
    expect(complaint(before, fileOf(BYTES.subarray(1), 5))?.message).toMatch(
      /: it has 1348575 bytes, and had 1348576$/,
    );
    expect(complaint(fileOf(BYTES, 5, false), fileOf(BYTES, 6))?.message).toMatch(/too large to be compared$/);
  });

  it('says when it needs a digest that is not known yet', () => {
    expect(complaint(fileOf(BYTES, 5), fileOf(BYTES, 6, false))?.code).toBe(DIGEST_NEEDED);
  });

  it('has no digest for what would take too long', () => {
    const large = { ...fileOf(BYTES, 5), name: 'a.img', size: 2 ** 31, modified: 5, read: () => undefined } as unknown;
    const file = { ...(large as RandomAccessFile), digest: () => expect.unreachable('it is too large') };
    expect(complaint(file, file)).toBeUndefined();
  });
});
