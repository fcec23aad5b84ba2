// SPDX-License-Identifier: Apache-2.0
// The entries of a maple tree (include/linux/maple_tree.h of Linux 6.1) in a 32-bit kernel, in ascending order. A tree that
// is being changed, or is damaged, gives what can be reached; the walk is bounded.

import type { AddressSpace } from './address-space.js';

const NODE_SIZE = 256;
/** Of a pointer: its low byte says what it points to. */
const NODE_MASK = NODE_SIZE - 1;
const TYPE_SHIFT = 3;
/** enum maple_type. */
const TYPE = { dense: 0, leaf: 1, range: 2, allocationRange: 3 } as const;
/** MAPLE_RANGE64_SLOTS and MAPLE_ARANGE64_SLOTS where a pointer has 32 bits. */
const SLOTS: Readonly<Record<number, number>> = {
  [TYPE.leaf]: 32,
  [TYPE.range]: 32,
  [TYPE.allocationRange]: 21,
};
/** MAPLE_HEIGHT_MAX. */
const MAX_HEIGHT = 31;
const MAX_ENTRIES = 1 << 17;
const LAST = 0xffff_ffff;

/** Bit 1 alone, and beyond what are reserved values: an internal pointer (xa_is_node). */
function isNode(entry: number): boolean {
  return (entry & 3) === 2 && entry > 4096;
}

/** `root` is the tree's ma_root. */
export function* mapleEntries(memory: AddressSpace, root: number): Generator<number> {
  // A tree of one entry at 0 has no node.
  if (!isNode(root)) {
    if (root !== 0 && (root & 3) === 0) yield root;
    return;
  }
  let left = MAX_ENTRIES;
  function* walk(node: number, minimum: number, maximum: number, height: number): Generator<number> {
    const type = (node >>> TYPE_SHIFT) & 15;
    const slots = SLOTS[type];
    const bytes = slots === undefined || height > MAX_HEIGHT ? undefined : memory.bytes(node & ~NODE_MASK, NODE_SIZE);
    if (slots === undefined || bytes === undefined) return;
    const view = new DataView(bytes.buffer);
    const word = (n: number): number => view.getUint32(4 * n, true);
    // The parent, then the pivots, one less than there are slots, then the slots.
    let from = minimum;
    for (let slot = 0; slot < slots && left-- > 0; slot++) {
      const pivot = slot === slots - 1 ? maximum : word(1 + slot);
      // Behind the last pivot that is used there are zeros.
      const to = pivot === 0 && slot > 0 ? maximum : Math.min(pivot, maximum);
      const entry = word(slots + slot);
      if (entry !== 0) {
        if (type !== TYPE.leaf) yield* walk(entry, from, to, height + 1);
        else if ((entry & 3) === 0) yield entry;
      }
      if (to >= maximum || to === LAST || to < from) return;
      from = to + 1;
    }
  }
  yield* walk(root, 0, LAST, 0);
}
