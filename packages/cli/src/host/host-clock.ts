// SPDX-License-Identifier: Apache-2.0
// Node's clock, timers and event loop, for runs.

import type { HostClock } from '@plinth/machine';

export const nodeClock: HostClock = {
  now: () => performance.now(),
  after(milliseconds, action) {
    const timer = setTimeout(action, milliseconds);
    return () => clearTimeout(timer);
  },
  yield: () => new Promise((resolve) => setImmediate(resolve)),
};
