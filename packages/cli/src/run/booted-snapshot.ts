// SPDX-License-Identifier: Apache-2.0
// The snapshot of an image's guest where it has booted and waits for its request: the one that runs are resumed from,
// made by a boot if it is not kept yet.

import { PlinthError } from '@plinth/core';
import { parseRunSpec } from '@plinth/machine';
import type { Console, ConsoleEvents } from '@plinth/machine';
import type { Progress } from '../host/progress.js';
import { readPrivately } from '../host/shared-files.js';
import { ensureImage } from '../image/catalog.js';
import { BootCache } from './boot-cache.js';
import { driveRun } from './drive-run.js';
import { nodeHost } from './driver-host.js';
import { startRun } from './start-run.js';

/** Seconds that a boot may take on a slow host. */
const PATIENCE = 600;

/** Nothing where none can be kept; who wants one then has to boot. */
export async function bootedSnapshot(image: string, progress: Progress): Promise<Uint8Array | undefined> {
  const spec = parseRunSpec({ image, console: 'none' });
  const cache = BootCache.of(spec, await ensureImage(image, progress));
  if (cache === undefined) return undefined;
  const kept = cache.readAhead(readPrivately);
  if (kept !== undefined) return kept;

  progress.step(`booting ${image} once, so that nobody else has to`);
  const say = (line: string): void => progress.step(line);
  const started = await startRun(spec, { size: undefined, progress, host: nodeHost, read: readPrivately, say });
  using _machine = started.machine;
  const { ready } = started;
  if (ready === undefined) return undefined;
  const console = new LeavingConsole();
  await driveRun(
    {
      ...started,
      spec: { ...started.spec, limits: { seconds: PATIENCE } },
      ready: {
        ...ready,
        request: async () => {
          // The machine is kept there; the request itself is nobody's.
          const request = await ready.request();
          console.leave();
          return request;
        },
      },
    },
    { console, onFinding: () => undefined },
  );
  const made = cache.readAhead(readPrivately);
  if (made === undefined) {
    throw new PlinthError(
      'host',
      'boot-snapshot',
      `${image}: the booted guest could not be kept: leave it out with --cold`,
    );
  }
  return made;
}

/** A console without anyone, which can end the run. */
class LeavingConsole implements Console {
  readonly live: boolean = false;
  #events: ConsoleEvents | undefined;

  start(events: ConsoleEvents): void {
    this.#events = events;
  }

  write(): boolean {
    return true;
  }

  async close(): Promise<void> {
    // nothing was kept
  }

  leave(): void {
    this.#events?.leave();
  }
}
