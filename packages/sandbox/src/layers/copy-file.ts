// SPDX-License-Identifier: Apache-2.0
// Copies a file's content and attributes to another layer.

import { done, FILE_ERROR, type FileCalls, FileError, type FileName, SEEK } from '@plinth/linux';
import { isMark } from './layer.js';

const AT_ONCE = 1 << 20;
const LONGEST_VALUE = 65_536;

/** The first `size` bytes, holes as holes, blocks shared where the file system can. Both are open; `to` is empty. */
export function copyData(calls: FileCalls, from: number, to: number, size: number): void {
  let at = 0;
  while (at < size) {
    const start = calls.seek(from, at, SEEK.data);
    // ENXIO: nothing but a hole is left. Others: the file system knows of none.
    if (start === -FILE_ERROR.ENXIO) break;
    const hole = start < 0 ? size : calls.seek(from, start, SEEK.hole);
    const end = Math.min(size, hole < 0 ? size : hole);
    at = Math.max(at, start);
    if (at >= size) break;
    copyPart(calls, from, to, at, end);
    at = Math.max(at + 1, end);
  }
  done(calls.truncate(to, size));
}

function copyPart(calls: FileCalls, from: number, to: number, start: number, end: number): void {
  for (let at = start; at < end;) {
    const copied = calls.copyRange(from, at, to, at, end - at);
    // It ended earlier than it said.
    if (copied === 0) return;
    if (copied < 0) {
      copyByHand(calls, from, to, at, end);
      return;
    }
    at += copied;
  }
}

/** Where the kernel does not copy between these two. */
function copyByHand(calls: FileCalls, from: number, to: number, start: number, end: number): void {
  const bytes = new Uint8Array(Math.min(AT_ONCE, end - start));
  for (let at = start; at < end;) {
    const length = done(calls.readAt(from, bytes.subarray(0, Math.min(bytes.length, end - at)), at));
    if (length === 0) return;
    for (let written = 0; written < length;) {
      written += done(calls.writeAt(to, bytes.subarray(written, length), at + written));
    }
    at += length;
  }
}

/** Extended attributes, but those by which layers say what they mean. */
export function copyAttributes(calls: FileCalls, from: FileName, to: FileName): void {
  for (const name of attributeNames(calls, from)) {
    if (isMark(name)) continue;
    const value = readAttribute(calls, from, name);
    if (value === undefined) continue;
    const result = calls.setAttribute(to, name, value, 0);
    // Those of the kernel's own may not be ours to give; what a user set must not get lost.
    if (result < 0 && name.startsWith('user.')) throw new FileError(-result);
  }
}

/** None where the file system has none. */
export function attributeNames(calls: FileCalls, path: FileName): FileName[] {
  const list = Buffer.alloc(LONGEST_VALUE);
  const length = calls.listAttributes(path, list);
  if (length <= 0) return [];
  return list.toString('latin1', 0, length - 1).split('\0');
}

/** Nothing if there is none, or it may not be read. */
export function readAttribute(calls: FileCalls, path: FileName, name: FileName): Uint8Array | undefined {
  const value = new Uint8Array(LONGEST_VALUE);
  const length = calls.getAttribute(path, name, value);
  return length < 0 ? undefined : value.slice(0, length);
}
