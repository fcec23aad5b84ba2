// SPDX-License-Identifier: Apache-2.0
// Who wrote an address last? The question of every corrupted structure, asked of a history: by a CPU under whatever virtual
// address, or by a device.

import type { MemoryAccess } from '@plinth/machine';
import type { History } from './history.js';

export interface LastWrite {
  /** Instructions executed before the one that wrote. */
  readonly count: number;
  /** Virtual address of that instruction; of a device's write, of the one that was running. */
  readonly instruction: number;
  readonly access: MemoryAccess;
  /** What the bytes that were asked for held before and after it. */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/**
 * The last write before the present to `length` bytes at a guest-physical address of RAM; `undefined` if the recording has
 * none. The machine is where it was then.
 */
export function lastWrite(history: History, address: number, length: number): LastWrite | undefined {
  const { machine } = history;
  let last: LastWrite | undefined;
  history.last((found) => {
    const bytes = machine.memory.bytes(address, length)!;
    let before = bytes.slice();
    return machine.memory.watch({
      start: address,
      length,
      onWrite: (access) => {
        const after = bytes.slice();
        const count = countBefore(history, access.by);
        const instruction = machine.instructionAddress;
        if (found(count)) last = { count, instruction, access, before, after };
        before = after;
      },
    });
  });
  return last;
}

/** Instructions executed before the one that is running: for callbacks from inside it. */
export function countBefore({ machine }: History, by: MemoryAccess['by'] = 'cpu'): number {
  return by === 'cpu' ? machine.count - 1 : machine.count;
}
