// SPDX-License-Identifier: Apache-2.0
// Layers over each other, whiteouts, and archives that try to leave the tree; then through the writer and back.

import { describe, expect, it } from 'vitest';
import { RootTree } from './root-tree.js';
import { readTar } from './tar-reader.js';
import { testTar } from './test-tar.js';
import type { TestMember } from './test-tar.js';
import { writeTar } from './tar-writer.js';

function merge(layers: readonly (readonly TestMember[])[], whiteouts = true) {
  const archives = layers.map((members) => testTar(...members));
  const read = (layer: number) => (offset: number, length: number) =>
    archives[layer]?.subarray(offset, offset + length) ?? Buffer.alloc(0);
  const tree = new RootTree();
  for (const layer of layers.keys())
    tree.apply(readTar(read(layer), `layer${layer}`), layer, `layer${layer}`, whiteouts);
  const merged = Buffer.concat([...writeTar(tree.entries(), (layer, offset, length) => read(layer)(offset, length))]);
  const out = [...readTar((offset, length) => merged.subarray(offset, offset + length), 'merged')];
  return {
    tree,
    members: out,
    paths: out.map(({ path }) => path),
    data: (path: string): string => {
      const member = out.find((one) => one.path === path)!;
      return merged.toString('utf8', member.offset, member.offset + member.size);
    },
  };
}

describe('RootTree', () => {
  it('lays layers over each other', () => {
    const { members, paths, data } = merge([
      [
        { path: 'etc/', type: '5', mode: 0o755 },
        { path: 'etc/a', data: 'lower' },
        { path: 'etc/b', data: 'kept', mode: 0o4755, uid: 42 },
        { path: 'gone/x', data: '1' },
        { path: 'opaque/lower', data: '1' },
      ],
      [
        { path: 'opaque/upper', data: '2' },
        { path: 'opaque/.wh..wh..opq' },
        { path: 'etc/a', data: 'upper' },
        { path: '.wh.gone' },
        { path: 'link', type: '1', target: 'etc/b' },
      ],
    ]);
    expect(paths).toEqual(['.', 'etc', 'opaque', 'etc/a', 'etc/b', 'opaque/upper', 'link']);
    expect(data('etc/a')).toBe('upper');
    expect(members.find(({ path }) => path === 'etc/b')).toMatchObject({ mode: 0o4755, uid: 42, mtime: 1000 });
    expect(members.at(-1)).toMatchObject({ kind: 'hard link', target: 'etc/b' });
  });

  it('takes whiteouts for files where they are none', () => {
    expect(merge([[{ path: '.wh.a', data: 'x' }]], false).paths).toEqual(['.', '.wh.a']);
  });

  it('follows links within the tree only', () => {
    const { tree, paths } = merge([
      [
        { path: 'usr/lib/', type: '5' },
        { path: 'lib', type: '2', target: 'usr/lib' },
        { path: 'out', type: '2', target: '../../../../etc' },
        { path: 'abs', type: '2', target: '/usr' },
        { path: 'lib/m', data: '1' },
        { path: 'out/passwd', data: '2' },
        { path: 'abs/n', data: '3' },
      ],
    ]);
    expect(paths).toEqual(['.', 'usr', 'usr/lib', 'etc', 'usr/lib/m', 'usr/n', 'etc/passwd', 'lib', 'out', 'abs']);
    expect(tree.realPath('lib')).toBe('usr/lib');
    expect(tree.lookup('out/passwd')).toMatchObject({ kind: 'file' });
  });

  it('replaces a link by what comes later, and does not write through it', () => {
    const { members } = merge([
      [
        { path: 'f', type: '2', target: '/etc/passwd' },
        { path: 'f', data: 'mine' },
      ],
    ]);
    expect(members.at(-1)).toMatchObject({ path: 'f', kind: 'file' });
  });

  it('leaves devices out and counts them', () => {
    const { tree, paths } = merge([
      [
        { path: 'dev/sda', type: '4' },
        { path: 'dev/null', type: '3' },
      ],
    ]);
    expect(paths).toEqual(['.']);
    expect(tree.devices).toBe(2);
  });

  it.each<[string, TestMember[], RegExp]>([
    ['a parent', [{ path: 'a/../../etc/passwd', data: 'x' }], /leads out of the root file system/],
    ['a hard link out', [{ path: 'h', type: '1', target: '../../etc/shadow' }], /leads out of the root file system/],
    ['a hard link to nothing', [{ path: 'h', type: '1', target: '/etc/shadow' }], /which is no file before it/],
    [
      'a loop of links',
      [
        { path: 'a', type: '2', target: 'b' },
        { path: 'b', type: '2', target: 'a' },
        { path: 'a/x', data: '1' },
      ],
      /a is no directory/,
    ],
    [
      'a file as a directory',
      [
        { path: 'f', data: '1' },
        { path: 'f/g', data: '1' },
      ],
      /f is no directory/,
    ],
    ['a strange user', [{ path: 'f', uid: 200000 }], /user or group 200000/],
  ])('refuses %s', (_name, members, message) => {
    expect(() => merge([members])).toThrow(message);
  });
});
