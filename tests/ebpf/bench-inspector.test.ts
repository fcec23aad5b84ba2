// SPDX-License-Identifier: Apache-2.0
// The inspector of benchmark `packets`: it is asked far more often than an emitter has listeners.

import { defaultMaxListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { missingNamespace, Namespace } from '../../bench/dist/namespace.js';
import { Inspector, writeRules } from '../../bench/dist/packets/inspector.js';
import { whyNoKernel } from './kernel-here.js';

const reason = missingNamespace() ?? whyNoKernel('tests/ebpf/bench-inspector.test.ts');

it('attaches and detaches without end, and without a warning', unless(reason), async () => {
  const folder = mkdtempSync(join(tmpdir(), 'plinth-bench-'));
  const warnings: Error[] = [];
  const heard = (warning: Error): void => void warnings.push(warning);
  process.on('warning', heard);
  try {
    const [left, right] = await Namespace.pair();
    using client = left;
    using server = right;
    void client;
    using inspector = new Inspector(server, 'right');
    const file = join(folder, 'some.rules');
    writeRules(file, [{ bytes: Buffer.from('a phrase'), nocase: false }], 'alert');
    for (let round = 0; round <= defaultMaxListeners; round++) {
      expect(await inspector.attach(file)).toMatchObject({ rules: 1 });
      await inspector.detach();
    }
    // They are told in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([]);
  } finally {
    process.off('warning', heard);
    rmSync(folder, { recursive: true, force: true });
  }
});
