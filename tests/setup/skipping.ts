// SPDX-License-Identifier: Apache-2.0
// Tests that cannot be everywhere: the reason stands in the last lines of a run (counts-reporter.ts).

import type { SuiteOptions } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    skipReason?: string;
  }
}

/** Options of a test or a suite that is skipped for this reason, if there is one. */
export function unless(reason: string | undefined): SuiteOptions {
  return reason === undefined ? {} : { skip: true, meta: { skipReason: reason } };
}
