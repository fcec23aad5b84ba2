// SPDX-License-Identifier: Apache-2.0
import { ETHERTYPE } from '@plinth/guards';

/** Bytes of the shortest frame that a test run of the kernel takes: none that ends before the header of IP does. */
export function leastOfTestRun(frame: Uint8Array): number {
  const type = (frame[12]! << 8) | frame[13]!;
  return type === ETHERTYPE.ipv4 ? 34 : type === ETHERTYPE.ipv6 ? 54 : 15;
}
