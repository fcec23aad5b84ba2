// SPDX-License-Identifier: Apache-2.0
// What the watcher is asked to serve by FUSE, and how it answers.

import type { NumberMap } from '@plinth/linux';
import type { LayerStack } from '../layers/layered-files.js';

/** How long the kernel may believe what it was told: what changes beneath is seen after that. */
export const CACHE_SECONDS = 1;

/** Sent as JSON, with the /dev/fuse of a mount. */
export interface ServeRequest {
  readonly layers: LayerStack;
  /** Where the mount belongs to a user namespace that is not the watcher's. */
  readonly numbers?: NumberMap;
}

/** The answer is this byte, or a text that says why not and a zero. */
export const SERVED = 0x06;
export const LONGEST_REFUSAL = 500;
