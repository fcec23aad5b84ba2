// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { diffRegistry } from './diff.js';
import { writeHive } from './hive-writer.js';
import { Hive } from './hive.js';
import { createPath, findKey, type RegistryKey, type RegistryValue } from './key.js';
import { type CopyPolicy, LayeredRegistry } from './layered-registry.js';
import { MemoryKey } from './memory-key.js';

function dword(name: string, value: number): RegistryValue {
  return { name, type: 4, data: Uint8Array.of(value, 0, 0, 0) };
}

/** Keys by their paths, each with values by their names. */
function tree(keys: Readonly<Record<string, Readonly<Record<string, number>>>>): MemoryKey {
  const root = new MemoryKey('');
  for (const [path, values] of Object.entries(keys)) {
    const key = createPath(root, path);
    for (const [name, value] of Object.entries(values)) key.setValue(dword(name, value));
  }
  return root;
}

function names(key: RegistryKey | undefined): string[] | undefined {
  return key?.keys().map(({ name }) => name);
}

function values(key: RegistryKey | undefined): Record<string, number> | undefined {
  return key && Object.fromEntries(key.values().map(({ name, data }) => [name, data[0]!]));
}

const base = (): MemoryKey =>
  tree({
    'Software\\Wine': { version: 8, keep: 1 },
    'Software\\Wine\\Drives': { c: 1 },
    'System\\Deep\\Deeper': { x: 1 },
  });
const app = (): MemoryKey => tree({ 'SOFTWARE\\App': { size: 3 }, 'software\\WINE': { VERSION: 9 } });

describe('the merged view', () => {
  it('shows each name once, as the topmost layer spells it', () => {
    const registry = new LayeredRegistry({ layers: [app(), base()] });
    expect(names(registry.root)).toEqual(['SOFTWARE', 'System']);
    expect(names(registry.open('Software'))).toEqual(['App', 'WINE']);
    expect(values(registry.open('software\\wine'))).toEqual({ VERSION: 9, keep: 1 });
    expect(names(registry.open('SOFTWARE\\wine'))).toEqual(['Drives']);
  });

  it('hides what is deleted, and what was below a key that is made again', () => {
    const layers = [app(), base()];
    const before = layers.map((layer) => writeHive(layer));
    const registry = new LayeredRegistry({ layers });
    expect(() => registry.delete('Software\\Wine')).toThrow('has subkeys');
    expect(registry.delete('Software\\Wine', { recursive: true })).toBe(true);
    expect(registry.delete('Software\\Wine')).toBe(false);
    expect(names(registry.open('Software'))).toEqual(['App']);
    const again = registry.create('Software\\Wine');
    expect([names(again), values(again)]).toEqual([[], {}]);
    expect(findKey(registry.upper, 'software\\wine')!.mark).toBe('opaque');
    expect(registry.open('Software\\App')!.deleteValue('SIZE')).toBe(true);
    expect(values(registry.open('Software\\App'))).toEqual({});
    const saved = MemoryKey.from(new Hive(writeHive(registry.upper)).root);
    expect(diffRegistry(registry.root, new LayeredRegistry({ layers, upper: saved }).root)).toEqual([]);
    expect(layers.map((layer) => writeHive(layer))).toEqual(before);
  });

  it('renames keys with all below them, and in spelling', () => {
    const registry = new LayeredRegistry({ layers: [app(), base()] });
    registry.rename('Software\\Wine', 'Proton');
    expect(names(registry.open('Software'))!.toSorted()).toEqual(['App', 'Proton']);
    expect(values(registry.open('Software\\Proton\\Drives'))).toEqual({ c: 1 });
    expect(() => registry.rename('Software\\App', 'PROTON')).toThrow('there is a key "PROTON" already');
    expect(() => registry.rename('Software\\Wine', 'x')).toThrow('there is no key "Wine"');
    registry.rename('System', 'SYSTEM');
    expect(names(registry.root)).toContain('SYSTEM');
    expect(values(registry.open('System\\Deep\\Deeper'))).toEqual({ x: 1 });
  });

  it('keeps its keys good while it changes, and tells when one is gone', () => {
    const registry = new LayeredRegistry({ layers: [base()] });
    const [system, deeper] = [registry.open('System')!, registry.open('System\\Deep\\Deeper')!];
    deeper.setValue(dword('y', 2));
    expect(values(registry.open('System\\Deep\\Deeper'))).toEqual({ x: 1, y: 2 });
    system.deleteKey('Deep', { recursive: true });
    expect(() => deeper.values()).toThrow('there is no key "Deeper"');
    expect(system.keys()).toEqual([]);
  });

  it('keeps links and does not follow them', () => {
    const layer = base();
    const link = createPath(layer, 'Software\\Link') as MemoryKey;
    link.flags = 0x10;
    link.setValue({ name: 'SymbolicLinkValue', type: 6, data: Uint8Array.of(92, 0) });
    const registry = new LayeredRegistry({ layers: [layer] });
    registry.open('Software\\Link', { write: true });
    expect(findKey(registry.upper, 'Software\\Link')!.flags).toBe(0x10);
    expect(registry.open('Software\\Link\\Wine')).toBeUndefined();
  });
});

describe('what is copied when a key is opened to be written', () => {
  const opened = (copy: CopyPolicy): LayeredRegistry => {
    const registry = new LayeredRegistry({ layers: [app(), base()], copy });
    registry.open('Software\\Wine', { write: true });
    registry.open('Software\\Wine', { write: true })!.setValue(dword('new', 1));
    return registry;
  };

  it('is one level: the key, its values, and the way to it', () => {
    const registry = opened('one-level');
    // Software and Wine; VERSION and keep.
    expect(registry.counts).toEqual({ opens: 1, keys: 2, values: 2, bytes: 8 });
    expect(names(findKey(registry.upper, 'Software\\Wine'))).toEqual([]);
  });

  it('or the full subtree, which then hides the layers below', () => {
    const registry = opened('full-subtree');
    expect(registry.counts).toEqual({ opens: 1, keys: 3, values: 3, bytes: 12 });
    const copy = findKey(registry.upper, 'Software\\Wine')!;
    expect([names(copy), copy.mark]).toEqual([['Drives'], 'opaque']);
    expect(values(registry.open('Software\\Wine'))).toEqual({ VERSION: 9, keep: 1, new: 1 });
  });
});

describe('isolation by path', () => {
  const layered = (
    rules: ConstructorParameters<typeof LayeredRegistry>[0]['rules'],
  ): [LayeredRegistry, MemoryKey, MemoryKey] => {
    const [lowest, package_] = [base(), app()];
    return [
      new LayeredRegistry({ layers: [package_, lowest], writableBase: lowest, rules: rules ?? [] }),
      lowest,
      package_,
    ];
  };

  it('merged: what is new goes to the base, what the package holds to the upper layer', () => {
    const [registry, lowest, package_] = layered([{ path: 'Software', mode: 'merged' }]);
    registry.create('Software\\New\\Key').setValue(dword('a', 1));
    const wine = registry.open('Software\\Wine', { write: true })!;
    wine.setValue(dword('keep', 2));
    wine.setValue(dword('version', 10));
    registry.create('System\\Own');
    expect(values(findKey(lowest, 'Software\\New\\Key'))).toEqual({ a: 1 });
    expect(values(findKey(lowest, 'Software\\Wine'))).toEqual({ version: 8, keep: 2 });
    expect(values(findKey(registry.upper, 'Software\\Wine'))).toEqual({ version: 10 });
    expect(values(findKey(package_, 'Software\\Wine'))).toEqual({ VERSION: 9 });
    expect(names(lowest.key('System'))).toEqual(['Deep']);
    expect(wine.deleteValue('keep')).toBe(true);
    expect(values(findKey(lowest, 'Software\\Wine'))).toEqual({ version: 8 });
    expect(registry.delete('Software\\New', { recursive: true })).toBe(true);
    expect(names(lowest.key('Software'))).toEqual(['Wine']);
  });

  it('merged does not reach what a rule below it guards', () => {
    const [registry, lowest] = layered([
      { path: 'System', mode: 'merged' },
      { path: 'System\\Deep\\Deeper', mode: 'write-copy' },
    ]);
    expect(registry.delete('System\\Deep', { recursive: true })).toBe(true);
    expect(names(registry.open('System'))).toEqual([]);
    expect(values(findKey(lowest, 'System\\Deep\\Deeper'))).toEqual({ x: 1 });
  });

  it('full: the base is not seen, the package is', () => {
    const [registry, lowest] = layered([{ path: 'Software', mode: 'full' }]);
    expect(values(registry.open('Software\\Wine'))).toEqual({ VERSION: 9 });
    expect(registry.open('Software\\Wine\\Drives')).toBeUndefined();
    registry.create('Software\\Wine\\Drives').setValue(dword('d', 1));
    expect(values(registry.open('Software\\Wine\\Drives'))).toEqual({ d: 1 });
    expect(values(findKey(lowest, 'Software\\Wine\\Drives'))).toEqual({ c: 1 });
  });

  it('hidden: nothing is there, and nothing can be made there', () => {
    const [registry] = layered([
      { path: 'System', mode: 'hidden' },
      { path: 'Secret', mode: 'hidden' },
    ]);
    expect(names(registry.root)).toEqual(['SOFTWARE']);
    expect(registry.open('System\\Deep')).toBeUndefined();
    expect(() => registry.create('Secret\\x')).toThrow('is hidden here');
    expect(() => registry.rename('Software', 'Secret')).toThrow('is hidden here');
  });

  it('hidden as a whole: nothing is there, and nothing is written', () => {
    const registry = new LayeredRegistry({ layers: [base()], mode: 'hidden' });
    expect([registry.root.keys(), registry.root.values()]).toEqual([[], []]);
    expect(() => registry.root.setValue(dword('x', 1))).toThrow('is hidden here');
    expect(() => registry.create('x')).toThrow('is hidden here');
  });

  it('an upper layer that is marked as deleted is refused', () => {
    const upper = new MemoryKey('');
    upper.mark = 'deleted';
    expect(() => new LayeredRegistry({ layers: [base()], upper })).toThrow('marked as deleted');
  });

  it('merged needs a base that may be written', () => {
    const rules = [{ path: 'a', mode: 'merged' as const }];
    expect(() => new LayeredRegistry({ layers: [base()], rules })).toThrow('none is declared writable');
    expect(() => new LayeredRegistry({ layers: [base()], rules, writableBase: base() })).toThrow(
      'not the lowest layer',
    );
  });
});
