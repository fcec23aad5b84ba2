// SPDX-License-Identifier: Apache-2.0
import { PlinthError } from '@plinth/core';
import { describe, expect, it } from 'vitest';
import { diffRegistry } from './diff.js';
import { BASE_BLOCK_SIZE, baseBlockChecksum, CHECKSUM_AT, NODE, VALUE } from './hive-format.js';
import { writeHive } from './hive-writer.js';
import { Hive } from './hive.js';
import { createPath, findKey, type RegistryKey } from './key.js';
import { MemoryKey } from './memory-key.js';
import { foldName, nameHash } from './names.js';

const TIME = 133_000_000_000_000_000n;

function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 7) & 0xff);
}

/** Something of everything. */
function sample(): MemoryKey {
  const root = new MemoryKey('root', { lastWritten: TIME });
  const values = createPath(root, 'Values') as MemoryKey;
  for (let type = 0; type <= 12; type++) values.setValue({ name: `type ${type}`, type, data: bytes(type) });
  values.setValue({ name: 'own', type: 0xffff_0123, data: bytes(20) });
  values.setValue({ name: '', type: 1, data: bytes(6) });
  values.setValue({ name: 'grün ÿ', type: 3, data: bytes(5) });
  values.setValue({ name: '日本 \ud800', type: 3, data: bytes(4) });
  values.className = 'Klasse 日';
  values.lastWritten = TIME + 5n;
  createPath(root, 'Ünï\\日本');
  const link = createPath(root, 'Link') as MemoryKey;
  link.flags = 0x10;
  link.controlFlags = 0x21;
  const own = createPath(root, 'Secured\\Deep') as MemoryKey;
  own.security = bytes(40);
  (root.key('Secured') as MemoryKey).security = bytes(40);
  return root;
}

function reread(root: RegistryKey, minor?: 3 | 5): MemoryKey {
  return MemoryKey.from(new Hive(writeHive(root, minor === undefined ? {} : { minor })).root);
}

/** All that is read of the hive, or the error's code. */
function readAll(hive: Uint8Array): string {
  try {
    MemoryKey.from(new Hive(hive).root);
    return 'read';
  } catch (error) {
    if (error instanceof PlinthError && error.kind === 'input') return error.message;
    throw error;
  }
}

/** The place of the data of the cell that `at` finds, by its letters. */
function findCell(hive: Uint8Array, letters: string, nth = 0): number {
  const [first, second] = [letters.charCodeAt(0), letters.charCodeAt(1)];
  for (let at = BASE_BLOCK_SIZE + 36; at < hive.length; at += 8) {
    if (hive[at] === first && hive[at + 1] === second && nth-- === 0) return at;
  }
  throw new Error(`no ${letters}`);
}

describe('names', () => {
  it('compare as Windows compares them', () => {
    expect(foldName('Straße ÄÖü')).toBe('STRAßE ÄÖÜ');
    expect(foldName('ÿ')).toBe('Ÿ');
    expect(foldName('ıſµ')).toBe('ıſµ');
    expect(foldName('SOFTWARE')).toBe(foldName('software'));
    expect(foldName('a\ud800b')).toBe('A\ud800B');
  });

  it('have the hash of lh lists', () => {
    // 'A' * 37 + 'B', and one that does not fit in 32 bits.
    expect(nameHash('AB')).toBe(65 * 37 + 66);
    const exact = [...'CONTROLSET001'].reduce((hash, letter) => hash * 37n + BigInt(letter.charCodeAt(0)), 0n);
    expect(nameHash('CONTROLSET001')).toBe(Number(exact % (1n << 32n)));
  });
});

describe('a hive', () => {
  it.each([3, 5] as const)('of version 1.%i comes back as it was written', (minor) => {
    const before = sample();
    const after = reread(before, minor);
    expect(diffRegistry(before, after)).toEqual([]);
    const values = after.key('VALUES')!;
    expect([values.name, values.className, values.lastWritten]).toEqual(['Values', 'Klasse 日', TIME + 5n]);
    expect(values.values()).toEqual(before.key('Values')!.values());
    expect(after.key('link')).toMatchObject({ flags: 0x10, controlFlags: 0x21 });
    expect(findKey(after, 'Secured\\Deep')!.security).toEqual(bytes(40));
    expect(findKey(after, 'ÜNÏ\\日本')!.name).toBe('日本');
  });

  it('is the same bytes for the same tree, whatever the order in which keys were made', () => {
    const [one, other] = [new MemoryKey('r'), new MemoryKey('r')];
    for (const name of ['b', 'A', 'ä', 'c']) one.createKey(name);
    for (const name of ['c', 'ä', 'b', 'A']) other.createKey(name);
    expect(writeHive(one)).toEqual(writeHive(other));
    const hive = writeHive(sample());
    expect(writeHive(new Hive(hive).root)).toEqual(hive);
  });

  it('shares security descriptors and counts who does', () => {
    const hive = writeHive(sample());
    const view = new DataView(hive.buffer);
    const [first, second] = [findCell(hive, 'sk'), findCell(hive, 'sk', 1)];
    const counts = [first, second].map((at) => view.getUint32(at + 12, true));
    // Root, Values, Link, Ünï and 日本; Secured and Deep.
    expect(counts).toEqual([5, 2]);
    expect(() => findCell(hive, 'sk', 2)).toThrow('no sk');
    const links = [first, second].map((at) => BASE_BLOCK_SIZE + 4 + view.getUint32(at + 4, true));
    expect(links).toEqual([second, first]);
  });

  it.each([16_344, 16_345, 16_344 * 2, 100_000])('holds a value of %i bytes', (length) => {
    for (const minor of [3, 5] as const) {
      const root = new MemoryKey('r');
      root.setValue({ name: 'big', type: 3, data: bytes(length) });
      expect(reread(root, minor).value('big')!.data).toEqual(bytes(length));
    }
  });

  it('holds more subkeys of one key than one list can name', () => {
    const root = new MemoryKey('r');
    for (let n = 0; n < 2000; n++) root.createKey(`key ${n}`).setValue({ name: 'n', type: 4, data: bytes(4) });
    const hive = writeHive(root);
    expect(findCell(hive, 'ri')).toBeGreaterThan(0);
    expect(diffRegistry(root, new Hive(hive).root)).toEqual([]);
    expect(new Hive(hive).root.key('KEY 1234')!.name).toBe('key 1234');
    expect(new Hive(hive).root.key('key 2000')).toBeUndefined();
  });

  it('keeps the marks of layers, and tells that it has some', () => {
    const root = new MemoryKey('r');
    root.createKey('gone').mark = 'deleted';
    root.createKey('new').mark = 'opaque';
    root.setValue({ name: 'v', type: 0, data: bytes(0), deleted: true });
    const hive = new Hive(writeHive(root));
    expect(hive.base).toMatchObject({ minor: 6, flags: 2 });
    expect(hive.root.keys().map(({ name, mark }) => [name, mark])).toEqual([
      ['gone', 'deleted'],
      ['new', 'opaque'],
    ]);
    expect(hive.root.value('V')).toMatchObject({ deleted: true });
  });

  it('names its root, since Windows takes one without a name for damage', () => {
    expect(reread(new MemoryKey('')).name).toBe('ROOT');
    expect(reread(new MemoryKey('Größe')).name).toBe('Größe');
  });

  it('refuses names that no hive can hold', () => {
    const root = new MemoryKey('r');
    expect(() => root.createKey('')).toThrow('is empty');
    expect(() => root.createKey('a\\b')).toThrow('backslash');
    expect(() => root.createKey('x'.repeat(256))).toThrow('256 characters; 255 are allowed');
    let deep = root;
    for (let n = 0; n < 513; n++) deep = deep.createKey('k');
    expect(() => writeHive(root)).toThrow('more than 512 deep');
  });
});

describe('a damaged hive', () => {
  it('is told by place and fault', () => {
    const good = writeHive(sample());
    const damage = (change: (view: DataView, hive: Uint8Array) => void): string => {
      const hive = Uint8Array.from(good);
      const view = new DataView(hive.buffer);
      change(view, hive);
      view.setUint32(CHECKSUM_AT, baseBlockChecksum(hive), true);
      return readAll(hive);
    };
    expect(readAll(good)).toBe('read');
    expect(readAll(good.subarray(0, 600))).toContain('it is no registry hive');
    expect(readAll(good.subarray(0, good.length - 4096))).toContain('at byte 40: its bins have');
    expect(damage((view) => view.setUint32(8, 9, true))).toContain('the hive was not closed');
    expect(damage((view) => view.setUint32(BASE_BLOCK_SIZE, 0, true))).toContain('at byte 4096: no bin begins here');
    expect(damage((view) => view.setUint32(BASE_BLOCK_SIZE + 8, 5, true))).toContain('a bin of 5 bytes');
    const node = findCell(good, 'nk');
    expect(damage((view) => view.setInt32(node - 4, -3, true))).toContain(`at byte ${node - 4}: a cell of 3 bytes`);
    expect(damage((view) => view.setInt32(node - 4, -view.getInt32(node - 4, true), true))).toContain(
      'where a cell is free',
    );
    expect(damage((view) => view.setUint32(36, 0x7fff_fff8, true))).toContain('where no cell can be');
    expect(damage((view) => view.setUint32(36, 40, true))).toContain('inside of a cell');
    expect(damage((view) => view.setUint16(node + NODE.nameLength, 999, true))).toContain('a name of 999 bytes');
    expect(damage((view) => view.setUint32(node + NODE.keyCount, 9, true))).toContain(
      '9 subkeys, and the list names 4',
    );
    expect(damage((view) => view.setUint32(node + NODE.valueCount, 0, true))).toBe('read');
    const value = findCell(good, 'vk', 12);
    expect(damage((view) => view.setUint32(value + VALUE.dataSize, 0x4000_0000, true))).toMatch(/bytes/);
    expect(damage((view) => view.setUint32(value + VALUE.dataSize, 0x8000_0009, true))).toContain(
      '9 bytes of data in a word',
    );
  });

  it('gives the first of two keys or values of one name, however it is asked', () => {
    const root = new MemoryKey('r');
    for (const [n, name] of ['aa', 'ab'].entries()) {
      root.createKey(name).setValue({ name: 'n', type: 4, data: Uint8Array.of(n, 0, 0, 0) });
      root.setValue({ name, type: 4, data: Uint8Array.of(n, 0, 0, 0) });
    }
    const hive = writeHive(root, { minor: 3 });
    for (const [letters, field] of [
      ['nk', NODE.name],
      ['vk', VALUE.name],
    ] as const) {
      for (let nth = 0; nth < 3; nth++) {
        const at = findCell(hive, letters, nth) + field;
        if (String.fromCharCode(hive[at]!, hive[at + 1]!) === 'ab') hive[at + 1] = 'a'.charCodeAt(0);
      }
    }
    const read = new Hive(hive).root;
    for (const key of [read, MemoryKey.from(read)]) {
      expect(key.value('AA')!.data[0]).toBe(0);
      expect(key.key('AA')!.value('n')!.data[0]).toBe(0);
    }
    expect(read.keys().map(({ name }) => name)).toEqual(['aa', 'aa']);
    expect(MemoryKey.from(read).keys()).toHaveLength(1);
    expect(() => writeHive(read)).toThrow('two subkeys of one key are named "aa"');
  });

  it('cannot make a walk endless or long: a cell belongs to one place', () => {
    const hive = writeHive(sample());
    const view = new DataView(hive.buffer);
    const list = findCell(hive, 'lh', 0);
    // The list of Secured names Secured itself.
    const parents = [0, 1, 2, 3, 4, 5, 6].map((n) => findCell(hive, 'nk', n));
    const owner = parents.find((at) => BASE_BLOCK_SIZE + 4 + view.getUint32(at + NODE.keyList, true) === list)!;
    view.setUint32(list + 4, owner - BASE_BLOCK_SIZE - 4, true);
    expect(readAll(hive)).toMatch(/the cell at \d+ belongs to what byte \d+ refers to/);
  });
});
