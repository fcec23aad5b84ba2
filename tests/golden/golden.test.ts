// SPDX-License-Identifier: Apache-2.0
// What the generators write, as text: a change of the builder, the emitter or the region writer shows here first.
// `npm run golden` writes the files anew; read the difference, it is what a reviewer looks at.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Generators } from './generated-text.js';
import { HANDLERS, REGIONS, type Program } from './programs.js';

const EXPECTED = join(import.meta.dirname, 'expected');
const HINT = 'generated code has changed: if it should, write the expected text anew with `npm run golden`';

const fileName = (kind: string, { name }: Program): string => `${kind}-${name}.wat`;

describe('generated WebAssembly is as expected', () => {
  let generators: Generators;
  beforeAll(async () => {
    generators = await Generators.load();
  });

  it.each(HANDLERS)('handler: $name', async (program) => {
    const text = generators.handler(program);
    await expect(text, HINT).toMatchFileSnapshot(join(EXPECTED, fileName('handler', program)));
  });

  it.each(REGIONS)('region: $name', async (program) => {
    const text = generators.region(program);
    await expect(text, HINT).toMatchFileSnapshot(join(EXPECTED, fileName('region', program)));
  });

  it('keeps no file that no program has', () => {
    const names = new Set([
      ...HANDLERS.map((program) => fileName('handler', program)),
      ...REGIONS.map((program) => fileName('region', program)),
    ]);
    expect(readdirSync(EXPECTED).filter((name) => !names.has(name))).toEqual([]);
  });
});
