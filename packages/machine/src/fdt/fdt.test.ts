// SPDX-License-Identifier: Apache-2.0
import { PlinthError } from '@plinth/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFdt } from './reader.js';
import { cells64, fdtCells, fdtFind, type FdtNode, fdtNode, fdtStrings } from './tree.js';
import { writeFdt } from './writer.js';

const sample = fdtNode('', { '#address-cells': 2, compatible: ['a,b', 'c'] }, [
  fdtNode('memory@40000000', { device_type: 'memory', reg: [...cells64(0x1_4000_0000), 0, 0x1000] }),
  undefined,
  fdtNode('bus', { ranges: true, blob: Uint8Array.of(1, 2, 3), absent: undefined }, [fdtNode('leaf', {})]),
]);

const identifier = fc.stringMatching(/^[a-z0-9,._+#?-]{1,30}$/);
const properties = fc
  .uniqueArray(fc.tuple(identifier, fc.uint8Array({ maxLength: 9 })), { maxLength: 4, selector: ([name]) => name })
  .map((list) => new Map(list));
const tree = (depth: number): fc.Arbitrary<FdtNode> =>
  fc.record({
    name: identifier,
    properties,
    children: depth === 0 ? fc.constant([]) : fc.array(tree(depth - 1), { maxLength: 3 }),
  });

describe('a flattened device tree', () => {
  it('reads back what was written', () => {
    const blob = writeFdt(sample);
    const root = readFdt(blob, 'x.dtb');
    expect(root).toEqual(sample);
    expect(fdtStrings(root, 'compatible')).toEqual(['a,b', 'c']);
    expect(fdtCells(fdtFind(root, '/memory@40000000')!, 'reg')).toEqual([1, 0x4000_0000, 0, 0x1000]);
    expect(fdtFind(root, '/bus/leaf')).toBeDefined();
    expect(fdtFind(root, '/bus/none')).toBeUndefined();
    expect(fdtCells(fdtFind(root, '/bus')!, 'blob')).toBeUndefined();
  });

  it('has the header of version 17', () => {
    const blob = writeFdt(fdtNode('', {}));
    const view = new DataView(blob.buffer, blob.byteOffset, blob.length);
    const header = Array.from({ length: 10 }, (_, at) => view.getUint32(at * 4));
    expect(header).toEqual([0xd00dfeed, blob.length, 56, 72, 40, 17, 16, 0, 0, 16]);
  });

  it('keeps any tree', () => {
    fc.assert(
      fc.property(tree(3), (root) => {
        expect(readFdt(writeFdt(root), 'x')).toEqual(root);
      }),
    );
  });

  it('is a tree or an input error when damaged', () => {
    const blob = writeFdt(sample);
    const damage = fc.array(fc.tuple(fc.nat(blob.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(damage, fc.nat(blob.length), (changes, length) => {
        const copy = blob.slice();
        for (const [at, value] of changes) copy[at] = value;
        for (const input of [copy, blob.subarray(0, length), copy.subarray(0, length)]) {
          try {
            expect(readFdt(input, 'x').children).toBeInstanceOf(Array);
          } catch (error) {
            expect(error).toBeInstanceOf(PlinthError);
            expect((error as PlinthError).kind).toBe('input');
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('is refused with a message when it is something else, cut, or endlessly deep', () => {
    expect(() => readFdt(new Uint8Array(64), 'x.dtb')).toThrow('x.dtb: no device tree magic 0xd00dfeed at byte 0');
    expect(() => readFdt(writeFdt(sample).subarray(0, 100), 'x.dtb')).toThrow(/x\.dtb: size \d+ of 100 bytes/);
    let deep = fdtNode('n', {});
    for (let level = 0; level < 70; level++) deep = fdtNode('n', {}, [deep]);
    expect(() => readFdt(writeFdt(deep), 'x.dtb')).toThrow('too deep');
  });
});
