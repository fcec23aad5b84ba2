// SPDX-License-Identifier: Apache-2.0
import { RECORD } from '@plinth/guards';
import { KernelMap, RingBufferReader, type SystemCalls } from '@plinth/linux';
import type { InspectionFiles } from './places.js';

/** The first generation of which an event waits to be read; undefined if none waits. */
export function oldestUnread(calls: SystemCalls, files: InspectionFiles): number | undefined {
  using map = KernelMap.pinned(calls, 'events', files.map('events'));
  if (map === undefined) return undefined;
  using reader = new RingBufferReader(calls, map);
  let oldest: number | undefined;
  reader.peek((record) => {
    const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
    const generation = view.getUint32(RECORD.generation, true);
    oldest = Math.min(oldest ?? generation, generation);
  });
  return oldest;
}
