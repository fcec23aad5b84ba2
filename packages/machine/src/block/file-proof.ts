// SPDX-License-Identifier: Apache-2.0
// What a snapshot notes of a disk's file, to tell later whether a file is that one: size, time of the last change,
// samples of the content, and a digest of all of it where that takes no second. Node and a page compute the same, a
// page cannot see more of a file. A file with its size, samples and time is taken as it is, as a copy that keeps times;
// another time makes the digest decide. Against mistakes: who means to deceive can set times.

import { concatenate, PlinthError, sha256, type StateReader, type StateWriter } from '@plinth/core';
import type { RandomAccessFile } from './random-access-file.js';

/** Bytes of the pieces that are hashed for a digest. */
export const DIGEST_PIECE: number = 1024 * 1024;
/** Larger files have no digest. */
export const MAX_DIGESTED: number = 512 * 1024 * 1024;
/** Code of the error for a file whose digest is needed and not known yet. */
export const DIGEST_NEEDED = 'disk-digest';

const HASH_SIZE = 32;
const SAMPLE = 4096;
const SAMPLES = 64;

/** SHA-256 of the SHA-256 of each piece of DIGEST_PIECE bytes, the last of which may be shorter. */
export function contentDigest(file: RandomAccessFile, hash: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const piece = new Uint8Array(Math.min(DIGEST_PIECE, file.size));
  const hashes: Uint8Array[] = [];
  for (let at = 0; at < file.size; at += piece.length) {
    const bytes = piece.subarray(0, Math.min(piece.length, file.size - at));
    file.read(at, bytes);
    hashes.push(hash(bytes));
  }
  return hash(concatenate(hashes));
}

export function saveProof(writer: StateWriter, file: RandomAccessFile): void {
  writer.f64(file.size);
  writer.f64(file.modified);
  writer.raw(samplesOf(file));
  writer.bytes((file.size <= MAX_DIGESTED ? file.digest() : undefined) ?? new Uint8Array());
}

/** Refuses a file that is another than the one at `saveProof`, or may be. */
export function checkProof(reader: StateReader, file: RandomAccessFile): void {
  const size = reader.count();
  const modified = reader.f64();
  const samples = reader.raw(HASH_SIZE);
  const digest = reader.bytes();
  reader.check(digest.length === 0 || digest.length === HASH_SIZE, 'a digest of another length');
  if (file.size !== size) throw changed(file, `it has ${file.size} bytes, and had ${size}`);
  if (!equal(samples, samplesOf(file))) throw changed(file, 'its content is another');
  if (file.modified === modified) return;
  if (digest.length === 0) throw changed(file, 'it was changed or copied since, and is too large to be compared');
  const now = file.digest();
  if (now === undefined) throw new PlinthError('input', DIGEST_NEEDED, `${file.name}: it was not compared yet`);
  if (!equal(digest, now)) throw changed(file, 'its content is another');
}

/** A hash of blocks spread evenly, the first and the last among them: file systems note in the first that they are used. */
function samplesOf(file: RandomAccessFile): Uint8Array {
  const bytes = new Uint8Array(SAMPLE * SAMPLES);
  const last = Math.max(0, file.size - SAMPLE);
  for (let n = 0; n < SAMPLES; n++) {
    file.read(Math.floor((last * n) / (SAMPLES - 1)), bytes.subarray(n * SAMPLE, (n + 1) * SAMPLE));
  }
  return sha256(bytes);
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, n) => byte === other[n]);
}

function changed({ name }: RandomAccessFile, how: string): PlinthError {
  const why = 'it is not as it was when the snapshot or the recording was made, which needs the disk of that moment';
  return new PlinthError('input', 'disk-changed', `${name}: ${why}: ${how}`);
}
