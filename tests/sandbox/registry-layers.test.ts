// SPDX-License-Identifier: Apache-2.0
// The layered registry against a plain tree: the same edits give the same answers and the same view, in either way to copy, with
// the upper layer saved as a hive and read again in between.

import {
  applyChanges,
  applyEdits,
  changesToRegText,
  diffRegistry,
  encodeRegText,
  Hive,
  LayeredRegistry,
  MemoryKey,
  parseRegText,
  type RegistryKey,
  writeHive,
} from '@plinth/sandbox';
import { describe, expect, it } from 'vitest';
import { Random } from '../fuzz/random.js';
import { outline, randomEdit, randomTree } from './random-registry.js';

const SEQUENCES = 10_000;
const EDITS = 8;

/** Layers with what an upper layer leaves: some are views of others with marks. */
function randomLayers(random: Random): RegistryKey[] {
  const layers: RegistryKey[] = [randomTree(random, 6)];
  for (let n = random.below(3); n > 0; n--) {
    const over = new LayeredRegistry({ layers: [...layers], copy: random.pick(['one-level', 'full-subtree']) });
    for (let edit = 0; edit < 6; edit++) randomEdit(random)(over.root);
    layers.unshift(random.chance(0.3) ? new Hive(writeHive(over.upper)).root : over.upper);
  }
  return layers;
}

/** Compares texts first: that takes a tenth of the time. */
function expectSame(ours: RegistryKey, model: RegistryKey, seed: number): void {
  const [ourOutline, modelOutline] = [outline(ours), outline(model)];
  if (JSON.stringify(ourOutline) === JSON.stringify(modelOutline)) return;
  expect(ourOutline, `seed ${seed}`).toEqual(modelOutline);
}

function expectEqual(ours: unknown, theirs: unknown, where: string): void {
  if (ours !== theirs) expect(ours, where).toEqual(theirs);
}

describe('a layered registry', () => {
  it(`shows what a plain tree shows, ${SEQUENCES} sequences of edits`, () => {
    for (let seed = 1; seed <= SEQUENCES; seed++) {
      const random = new Random(seed);
      const layers = randomLayers(random);
      const before = layers.map((layer) => (seed % 50 === 0 ? outline(layer) : undefined));
      const copy = random.pick(['one-level', 'full-subtree'] as const);
      let registry = new LayeredRegistry({ layers, copy });
      const model = MemoryKey.from(registry.root);
      for (let n = 0; n < EDITS; n++) {
        const edit = randomEdit(random);
        expectEqual(edit(registry.root), edit(model), `seed ${seed}, edit ${n}`);
        if (!random.chance(0.1)) continue;
        const upper = MemoryKey.from(new Hive(writeHive(registry.upper)).root);
        registry = new LayeredRegistry({ layers, upper, copy });
      }
      expectSame(registry.root, model, seed);
      // Nothing is written below the upper layer.
      if (seed % 50 === 0) expect(layers.map((layer) => outline(layer))).toEqual(before);
    }
  });

  it('writes through to the base as if it had no layers where all is merged', () => {
    for (let seed = 1; seed <= 1000; seed++) {
      const random = new Random(seed);
      const base = randomTree(random, 8);
      const model = MemoryKey.from(base);
      const registry = new LayeredRegistry({ layers: [base], writableBase: base, mode: 'merged' });
      for (let n = 0; n < EDITS; n++) {
        const edit = randomEdit(random);
        expectEqual(edit(registry.root), edit(model), `seed ${seed}, edit ${n}`);
      }
      expectSame(registry.root, model, seed);
      // The class of the root is the upper layer's, which always has a root.
      base.className = model.className;
      expectSame(base, model, seed);
      expect(registry.upper.keys().length + registry.upper.values().length).toBe(0);
    }
  });

  it('shows what a plain tree shows where rules mix modes and the base may be written', () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const random = new Random(seed);
      const layers = randomLayers(random);
      const base = MemoryKey.from(layers.pop()!);
      layers.push(base);
      // Modes that show everything: what is seen must not depend on where it is written.
      const mode = (): 'merged' | 'write-copy' => random.pick(['merged', 'write-copy']);
      const rules = ['', 'Software', 'Software\\Wine', 'wine', 'wine\\ärger'].map((path) => ({ path, mode: mode() }));
      const registry = new LayeredRegistry({ layers, writableBase: base, rules });
      const model = MemoryKey.from(registry.root);
      for (let n = 0; n < EDITS; n++) {
        const edit = randomEdit(random);
        expectEqual(edit(registry.root), edit(model), `seed ${seed}, edit ${n}`);
      }
      expectSame(registry.root, model, seed);
    }
  });

  it('shows nothing of the base where all is full, and of a key that is hidden', () => {
    for (let seed = 1; seed <= 500; seed++) {
      const random = new Random(seed);
      const layers = [randomTree(random, 6), ...randomLayers(random)];
      const full = new LayeredRegistry({ layers, mode: 'full' });
      const without = new LayeredRegistry({ layers: layers.slice(0, -1) });
      const hidden = new LayeredRegistry({ layers, rules: [{ path: 'software\\wine', mode: 'hidden' }] });
      const all = new LayeredRegistry({ layers });
      all.delete('Software\\Wine', { recursive: true });
      expectSame(hidden.root, MemoryKey.from(all.root), seed);
      for (let n = 0; n < EDITS; n++) {
        const edit = randomEdit(random);
        expectEqual(edit(full.root), edit(without.root), `seed ${seed}, edit ${n}`);
      }
      expectSame(full.root, MemoryKey.from(without.root), seed);
    }
  });

  it('takes the difference to any other state, as data and as text', () => {
    for (let seed = 1; seed <= 500; seed++) {
      const random = new Random(seed);
      const layers = randomLayers(random);
      const wanted = MemoryKey.from(random.chance(0.5) ? randomTree(random, 10) : new LayeredRegistry({ layers }).root);
      for (let n = 0; n < 4; n++) randomEdit(random)(wanted);
      const [byData, byText] = [new LayeredRegistry({ layers }), new LayeredRegistry({ layers })];
      const changes = diffRegistry(byData.root, wanted);
      applyChanges(byData.root, changes);
      expectSame(byData.root, wanted, seed);
      const text = encodeRegText(changesToRegText(changes, 'HKEY_CURRENT_USER\\Software'));
      applyEdits(byText.root, parseRegText(text), { under: 'hkey_current_user\\software' });
      // Texts have no place for classes.
      const left = diffRegistry(byText.root, wanted);
      expect(
        left.filter(({ kind }) => kind !== 'class-changed'),
        `seed ${seed}`,
      ).toEqual([]);
    }
  });
});
