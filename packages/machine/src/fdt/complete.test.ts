// SPDX-License-Identifier: Apache-2.0
import { latin1 } from '@plinth/core';
import { expect, it } from 'vitest';
import { completeDeviceTree } from './complete.js';
import { readFdt } from './reader.js';
import { fdtCells, fdtFind, type FdtNode, fdtNode, fdtStrings } from './tree.js';
import { writeFdt } from './writer.js';

const ram = { base: 0x4000_0000, size: 0x1000_0000 };
const initrd = { start: 0x4800_0000, end: 0x4800_1000 };

function complete(tree: FdtNode, options: Partial<Parameters<typeof completeDeviceTree>[2]> = {}): FdtNode {
  return readFdt(completeDeviceTree(writeFdt(tree), 'x.dtb', { ram, ...options }), 'completed');
}

it('tells of memory, command line, initrd and seed, and keeps the rest', () => {
  const tree = complete(
    fdtNode('', { '#address-cells': 1, '#size-cells': 1, model: 'mine' }, [
      fdtNode('memory', { reg: [0, 0] }),
      fdtNode('chosen', { bootargs: 'old', 'stdout-path': '/uart' }, [fdtNode('framebuffer', {})]),
      fdtNode('uart', {}),
    ]),
    { bootArguments: 'quiet', initrd, rngSeed: Uint8Array.of(1, 2) },
  );
  expect(tree.children.map(({ name }) => name)).toEqual(['uart', 'memory@40000000', 'chosen']);
  expect(fdtCells(fdtFind(tree, '/memory@40000000')!, 'reg')).toEqual([ram.base, ram.size]);
  const chosen = fdtFind(tree, '/chosen')!;
  expect(fdtStrings(chosen, 'bootargs')).toEqual(['quiet']);
  expect(fdtStrings(chosen, 'stdout-path')).toEqual(['/uart']);
  expect(fdtCells(chosen, 'linux,initrd-start')).toEqual([initrd.start]);
  expect(fdtCells(chosen, 'linux,initrd-end')).toEqual([initrd.end]);
  expect(latin1(chosen.properties.get('rng-seed')!)).toBe('\x01\x02');
  expect(chosen.children.map(({ name }) => name)).toEqual(['framebuffer']);
  expect(fdtStrings(tree, 'model')).toEqual(['mine']);
});

it('keeps the command line of the tree when none is given, and makes what is absent', () => {
  const bare = fdtNode('', { '#address-cells': 2, '#size-cells': 2 });
  const own = fdtNode('', {}, [fdtNode('chosen', { bootargs: 'own' })]);
  expect(fdtStrings(fdtFind(complete(own, { bootArguments: '' }), '/chosen')!, 'bootargs')).toEqual(['own']);
  expect(fdtCells(fdtFind(complete(bare), '/memory@40000000')!, 'reg')).toEqual([0, ram.base, 0, ram.size]);
  // Without cells of its own, the tree has those of the specification: two for addresses, one for sizes.
  expect(fdtCells(fdtFind(complete(own), '/memory@40000000')!, 'reg')).toEqual([0, ram.base, ram.size]);
});

it('refuses what is no device tree', () => {
  expect(() => completeDeviceTree(new Uint8Array(64), 'x.dtb', { ram })).toThrow('x.dtb: no device tree magic');
});
