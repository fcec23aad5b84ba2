// SPDX-License-Identifier: Apache-2.0
// From the network of a RunSpec to a wire with something at its other end, and a capture if one is wanted.

import { MAX_FRAME, type NetSpec, type RunSpec } from '@plinth/machine';
import type { NetworkBackend } from './backend.js';
import { Capture } from './capture.js';
import { type FrameGuard, Network } from './network.js';
import { openPasst } from './passt.js';

type Connected = Exclude<NetSpec, { kind: 'none' }>;

/** Undefined if the machine has no card. `say` tells the user what happens to the network later. */
export async function openNetwork(
  spec: RunSpec,
  say: (line: string) => void,
  guard?: FrameGuard,
): Promise<Network | undefined> {
  const { net, pcap, wallClock } = spec;
  if (net.kind === 'none') return undefined;
  const capture = pcap === undefined ? undefined : new Capture(pcap, say);
  try {
    const backend = await openBackend(net);
    const now = (): number => performance.now();
    const optional = { ...(capture === undefined ? {} : { capture }), ...(guard === undefined ? {} : { guard }) };
    return new Network({ spec: net, backend, ...optional, wallClock, now, say });
  } catch (error) {
    capture?.[Symbol.dispose]();
    throw error;
  }
}

async function openBackend(net: Connected): Promise<NetworkBackend> {
  if (net.kind === 'user') return openPasst(net);
  const { nativeCalls, Tap } = await import('@plinth/linux');
  return new Tap(nativeCalls(), net.interface, MAX_FRAME);
}
