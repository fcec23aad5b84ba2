// SPDX-License-Identifier: Apache-2.0
// Logs as Windows leaves them are made here from two states of a hive. What real ones look like, and that the result is byte for
// byte that of Windows 10, was seen with the test hives of the yarp project, which are not part of this repository.

import { describe, expect, it } from 'vitest';
import { diffRegistry } from './diff.js';
import { BASE_BLOCK_SIZE, baseBlockChecksum, CHECKSUM_AT } from './hive-format.js';
import { type HiveLog, recoverHive } from './hive-log.js';
import { writeHive } from './hive-writer.js';
import { Hive } from './hive.js';
import { marvin } from './marvin.js';
import { MemoryKey } from './memory-key.js';

const TIME = 133_000_000_000_000_000n;
const PAGE = 4096;

function state(keys: number): Uint8Array {
  const root = new MemoryKey('root', { lastWritten: TIME });
  for (let n = 0; n < keys; n++) {
    root.createKey(`key ${n}`).setValue({ name: 'n', type: 4, data: Uint8Array.of(n, 0, 0, 0) });
  }
  return writeHive(root);
}

/** Sets sequence numbers and what else is given in a base block. */
function based(hive: Uint8Array, primary: number, secondary: number, type = 0): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(hive);
  const view = new DataView(copy.buffer);
  view.setUint32(4, primary, true);
  view.setUint32(8, secondary, true);
  view.setUint32(28, type, true);
  view.setUint32(CHECKSUM_AT, baseBlockChecksum(copy), true);
  return copy;
}

function changedPages(before: Uint8Array, after: Uint8Array): number[] {
  const pages: number[] = [];
  for (let at = BASE_BLOCK_SIZE; at < after.length; at += PAGE) {
    const [old, now] = [before.subarray(at, at + PAGE), after.subarray(at, at + PAGE)];
    if (old.length !== now.length || now.some((byte, n) => byte !== old[n])) pages.push(at - BASE_BLOCK_SIZE);
  }
  return pages;
}

function oldLog(before: Uint8Array, after: Uint8Array, sequence: number): Uint8Array {
  const head = based(after, sequence, sequence, 1).subarray(0, 512);
  const bits = (after.length - BASE_BLOCK_SIZE) / 512;
  const vector = new Uint8Array(Math.ceil((4 + bits / 8) / 512) * 512);
  vector.set([...'DIRT'].map((letter) => letter.charCodeAt(0)));
  const pages = changedPages(before, after);
  for (const page of pages) vector[4 + page / PAGE] = 0xff;
  const data = pages.flatMap((page) => [...after.subarray(BASE_BLOCK_SIZE + page, BASE_BLOCK_SIZE + page + PAGE)]);
  return Uint8Array.from([...head, ...vector, ...data]);
}

function newEntry(before: Uint8Array, after: Uint8Array, sequence: number): Uint8Array {
  const pages = changedPages(before, after);
  const size = Math.ceil((40 + pages.length * (8 + PAGE)) / 512) * 512;
  const entry = new Uint8Array(size);
  const view = new DataView(entry.buffer);
  entry.set([...'HvLE'].map((letter) => letter.charCodeAt(0)));
  [size, 0, sequence, after.length - BASE_BLOCK_SIZE, pages.length].forEach((word, n) =>
    view.setUint32(4 + 4 * n, word, true),
  );
  pages.forEach((page, n) => {
    view.setUint32(40 + 8 * n, page, true);
    view.setUint32(44 + 8 * n, PAGE, true);
    entry.set(after.subarray(BASE_BLOCK_SIZE + page, BASE_BLOCK_SIZE + page + PAGE), 40 + 8 * pages.length + n * PAGE);
  });
  view.setBigUint64(24, marvin(entry.subarray(40)), true);
  view.setBigUint64(32, marvin(entry.subarray(0, 32)), true);
  return entry;
}

function newLog(hive: Uint8Array, sequence: number, entries: readonly Uint8Array[]): Uint8Array {
  const head = based(hive, sequence, sequence, 6).subarray(0, 512);
  return Uint8Array.from([...head, ...entries.flatMap((entry) => [...entry]), ...new Uint8Array(512)]);
}

const [one, two, three] = [state(10), state(40), state(90)];
const log = (name: string, bytes: Uint8Array): HiveLog => ({ name, bytes });

function expectState(recovered: Uint8Array, wanted: Uint8Array): void {
  const hive = new Hive(recovered);
  expect(diffRegistry(hive.root, new Hive(wanted).root)).toEqual([]);
  expect(recovered.subarray(BASE_BLOCK_SIZE)).toEqual(wanted.subarray(BASE_BLOCK_SIZE));
}

describe('Marvin', () => {
  it('gives known hashes', () => {
    const ascii = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    // By yarp's function, which is written in Python; logs hash whole words only.
    expect(marvin(ascii(''))).toBe(12_943_060_160_474_410_504n);
    expect(marvin(ascii('a'))).toBe(2_422_958_345_598_178_036n);
    expect(marvin(ascii('abcd'))).toBe(2_308_463_906_075_234_438n);
    expect(marvin(Uint8Array.from({ length: 37 }, (_, at) => at))).toBe(3_020_741_086_205_866_085n);
  });
});

describe('recovery of a hive', () => {
  it('leaves one that was closed alone', () => {
    const result = recoverHive(one, [log('LOG1', oldLog(one, two, 2))]);
    expect(result).toMatchObject({ state: 'clean', logs: [{ reason: 'the hive was closed, so nothing is missing' }] });
    expect(result.bytes).toBe(one);
  });

  it('applies a log of the old format', () => {
    const dirty = based(one, 2, 1);
    expect(() => new Hive(dirty)).toThrow('the hive was not closed');
    const result = recoverHive(dirty, [log('LOG', new Uint8Array(0)), log('LOG1', oldLog(one, two, 2))]);
    expect(result.state).toBe('recovered');
    expect(result.logs).toEqual([
      { name: 'LOG1', format: 'old', entries: 0, pages: changedPages(one, two).length * 8 },
      { name: 'LOG', format: 'none', entries: 0, pages: 0, reason: 'it is empty' },
    ]);
    expectState(result.bytes, two);
  });

  it('applies one over a write that was cut', () => {
    const torn = based(two, 2, 1);
    torn.fill(0x55, BASE_BLOCK_SIZE + 64, BASE_BLOCK_SIZE + 3000);
    expectState(recoverHive(torn, [log('LOG1', oldLog(one, two, 2))]).bytes, two);
  });

  it('refuses a log of another time, one that was not finished, one that is cut', () => {
    const dirty = based(one, 2, 1);
    const other = Uint8Array.from(two);
    new DataView(other.buffer).setBigUint64(12, TIME + 1n, true);
    const whole = oldLog(one, two, 2);
    const logs = [
      log('A', oldLog(one, other, 2)),
      log('B', Uint8Array.from([...based(two, 2, 1, 1).subarray(0, 512), ...whole.subarray(512)])),
      log('C', whole.subarray(0, whole.length - 100)),
    ];
    expect(() => recoverHive(dirty, logs, { name: 'NTUSER.DAT' })).toThrow(
      /^NTUSER.DAT: it was not closed, .*B: it was not written to its end; C: its pages are cut short.*A|A: it was written at another/,
    );
    const asIs = recoverHive(dirty, logs, { asIs: true });
    expect(asIs.state).toBe('as-is');
    expectState(asIs.bytes, one);
  });

  it('applies logs of the new format in the order of their numbers', () => {
    const dirty = based(one, 5, 5);
    const first = log('LOG2', newLog(one, 5, [newEntry(one, two, 5)]));
    const second = log('LOG1', newLog(two, 6, [newEntry(two, three, 6)]));
    new DataView(dirty.buffer).setUint32(4, 6, true);
    new DataView(dirty.buffer).setUint32(CHECKSUM_AT, baseBlockChecksum(dirty), true);
    const result = recoverHive(dirty, [second, first]);
    expect(result.logs.map(({ name, entries }) => [name, entries])).toEqual([
      ['LOG2', 1],
      ['LOG1', 1],
    ]);
    expectState(result.bytes, three);
    expect(new Hive(result.bytes).base).toMatchObject({ primarySequence: 6, secondarySequence: 6 });
  });

  it('stops before an entry that is damaged, and leaves out logs that the hive has passed', () => {
    const dirty = based(one, 6, 5);
    const bad = newEntry(two, three, 6);
    bad[60]! ^= 1;
    const result = recoverHive(dirty, [log('LOG1', newLog(one, 5, [newEntry(one, two, 5), bad]))]);
    expect(result.logs).toEqual([{ name: 'LOG1', format: 'new', entries: 1, pages: changedPages(one, two).length }]);
    expectState(result.bytes, two);
    const passed = log('LOG2', newLog(one, 3, [newEntry(two, one, 3)]));
    const both = recoverHive(dirty, [passed, log('LOG1', newLog(one, 5, [newEntry(one, two, 5)]))]);
    expect(both.logs[0]!.reason).toBe('its entries begin with 3; the hive has those before 5');
    expectState(both.bytes, two);
  });

  it('takes a base block that is lost from a log', () => {
    for (const [logBytes, wanted] of [
      [oldLog(one, two, 2), two],
      [newLog(one, 5, [newEntry(one, two, 5)]), two],
    ] as const) {
      const dirty = Uint8Array.from(one);
      dirty.fill(0, 0, 200);
      const result = recoverHive(dirty, [log('LOG1', logBytes)]);
      expect(result.baseBlockFromLog).toBe(true);
      expectState(result.bytes, wanted);
    }
  });

  it('does not grow a hive beyond what its log holds', () => {
    const dirty = based(one, 6, 5);
    const entry = newEntry(one, two, 5);
    const view = new DataView(entry.buffer);
    view.setUint32(16, 0xf000_0000, true);
    view.setBigUint64(32, marvin(entry.subarray(0, 32)), true);
    expect(() => recoverHive(dirty, [log('LOG1', newLog(one, 5, [entry]))])).toThrow('more bytes than there are');
  });
});
