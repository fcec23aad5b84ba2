// SPDX-License-Identifier: Apache-2.0
import { parseRunSpec } from '@plinth/machine';
import { expect, it } from 'vitest';
import type { Manifest } from '../image/manifest.js';
import { BootCache } from './boot-cache.js';

const manifest: Manifest = {
  format: 1,
  name: 'debian-mini',
  created: '2026-01-01T00:00:00Z',
  packages: [],
  recipe: '1',
  files: {},
};
const cacheOf = (options: object): BootCache | undefined =>
  BootCache.of(parseRunSpec({ image: 'debian-mini', ...options }), manifest);

it('keeps the boot of a plain run, whatever options there are that it leaves out', () => {
  expect(cacheOf({})).toBeInstanceOf(BootCache);
  expect(cacheOf({ top: true, ps: true, strace: true, onCrash: 'stop', lastBlocks: 'a' })).toBeInstanceOf(BootCache);
});

it('keeps none where someone looks at the boot, or may change it', () => {
  for (const options of [
    { probes: [{ file: 'a.ts' }] },
    { coverage: 'a' },
    { profile: 'a' },
    { trace: 'a' },
    { gdb: '0' },
    { drives: [{ file: 'a' }] },
    { limits: { instructions: 5 } },
  ]) {
    expect(cacheOf(options)).toBe(undefined);
  }
});
