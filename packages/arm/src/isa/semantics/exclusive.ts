// SPDX-License-Identifier: Apache-2.0
// Load- and store-exclusive (A3.4, A8.8.75 to A8.8.78, A8.8.212 to A8.8.215) and SWP. Shared by A32 and T32.
//
// The monitor remembers the virtual address, the size and the value that was loaded; a store-exclusive succeeds if the
// address and size are the same and memory still holds that value, and closes the monitor either way. Whether the
// monitor or the memory system is asked first is IMPLEMENTATION DEFINED: here a store-exclusive that the monitor turns
// down faults only for its alignment, not for what the translation tables say.

import type { AccessSize, Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { ACCESS, CPU } from '../../state/layout.js';

export type ExclusiveSize = AccessSize | 8;

/** CLREX: opens the monitor. No reservation has size 0. */
export function clearExclusive(b: Builder): void {
  b.setState(CPU.exclusiveAddress, -1);
  b.setState(CPU.exclusiveSize, 0);
}

/** Alignment to the whole size, which for a pair of words the accesses themselves do not ask for. */
function checkAlignment(b: Builder, address: Node, size: ExclusiveSize, write: boolean): void {
  if (size === 1) return;
  b.if(b.and(address, size - 1), () => {
    b.callChecked('alignmentFault', address, write ? 1 : 0);
  });
}

/** LDREX, LDREXB, LDREXH, LDREXD (which loads `rt2` too). */
export function loadExclusive(b: Builder, size: ExclusiveSize, address: Node, rt: Node, rt2?: Node): void {
  if (size === 8) checkAlignment(b, address, size, false);
  const low = b.load(size === 8 ? 4 : size, address, ACCESS.aligned);
  const high = size === 8 ? b.load(4, b.add(address, 4), ACCESS.aligned) : undefined;
  b.setState(CPU.exclusiveAddress, address);
  b.setState(CPU.exclusiveSize, size);
  b.setState(CPU.exclusiveValueLow, low);
  if (high !== undefined) b.setState(CPU.exclusiveValueHigh, high);
  b.setReg(rt, low);
  if (high !== undefined && rt2 !== undefined) b.setReg(rt2, high);
}

/** STREX, STREXB, STREXH, STREXD: Rd := 0 if the store was done, else 1. */
export function storeExclusive(b: Builder, size: ExclusiveSize, rd: Node, address: Node, rt: Node, rt2?: Node): void {
  checkAlignment(b, address, size, true);
  const word = size === 8 ? 4 : size;
  const low = b.reg(rt);
  const high = rt2 === undefined ? undefined : b.reg(rt2);
  const status = b.temp('i32', 1);
  const reserved = b.and(b.eq(b.state(CPU.exclusiveAddress), address), b.eq(b.state(CPU.exclusiveSize), size));
  b.if(reserved, () => {
    const flags = ACCESS.aligned | ACCESS.write;
    const seen = b.load(word, address, flags);
    let unchanged = b.eq(seen, b.state(CPU.exclusiveValueLow));
    if (high !== undefined) {
      const seenHigh = b.load(word, b.add(address, 4), flags);
      unchanged = b.and(unchanged, b.eq(seenHigh, b.state(CPU.exclusiveValueHigh)));
    }
    b.if(unchanged, () => {
      b.store(word, address, low, ACCESS.aligned);
      if (high !== undefined) b.store(word, b.add(address, 4), high, ACCESS.aligned);
      b.setTemp(status, 0);
    });
  });
  clearExclusive(b);
  b.setReg(rd, b.getTemp(status));
}

/** SWP and SWPB: Rt := memory, memory := Rt2. */
export function swap(b: Builder, size: 1 | 4, rt: Node, rt2: Node, rn: Node): void {
  const address = b.reg(rn);
  const value = b.reg(rt2);
  const old = b.load(size, address, ACCESS.aligned);
  b.store(size, address, value, ACCESS.aligned);
  b.setReg(rt, old);
}
