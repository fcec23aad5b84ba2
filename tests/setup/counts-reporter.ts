// SPDX-License-Identifier: Apache-2.0
// The last lines of a test run: what was skipped and why, then the counts alone on a line, for people and for CI.

import type { Reporter, TestModule } from 'vitest/node';
import type {} from './skipping.js';

export class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let passed = 0;
    // A file that does not load and an error outside of any test are failures too.
    let failed = unhandledErrors.length;
    const skipped = new Map<string, number>();
    for (const module of modules) {
      failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') passed++;
        else if (result.state === 'failed') failed++;
        else {
          const note = result.state === 'skipped' ? result.note : undefined;
          const reason = note ?? test.meta().skipReason ?? 'no reason given';
          const key = `${module.relativeModuleId}: ${reason}`;
          skipped.set(key, (skipped.get(key) ?? 0) + 1);
        }
      }
      for (const suite of module.children.allSuites()) failed += suite.errors().length;
    }
    const lines = [...skipped].map(([reason, count]) => `skipped ${count}: ${reason}`);
    const total = [...skipped.values()].reduce((sum, count) => sum + count, 0);
    if (total > 0) lines.push(`${total} skipped in all`);
    process.stdout.write(`${[...lines, `${passed} passed, ${failed} failed`].join('\n')}\n`);
  }
}
