// SPDX-License-Identifier: Apache-2.0
// Waiting for what other processes and the kernel do in their own time: for the condition, not for a time in which it should have come.

import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds after which it never comes, on the slowest of hosts. */
const HANG = 300_000;
const PAUSE = 20;

/** Resolves when `holds` does; what has not come by then is named by `what`. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (const begun = performance.now(); !holds(); await sleep(PAUSE)) {
    if (performance.now() - begun > HANG) throw new Error(`it never came: ${what}`);
  }
}
