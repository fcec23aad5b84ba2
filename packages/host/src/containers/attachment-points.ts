// SPDX-License-Identifier: Apache-2.0
// The interfaces at which all that a container sends and receives passes: the other ends of its veth pairs where those are in our
// network namespace, else its own interfaces, in its own.

import { PlinthError } from '@plinth/core';
import { namespaceNumber, type NetworkInterface, networkInterfaces, OPEN, type SystemCalls } from '@plinth/linux';

export interface AttachmentPoint {
  readonly index: number;
  readonly name: string;
  /** It is in the container's namespace: what it receives comes from outside. */
  readonly inside: boolean;
  /** What the container calls its interface. */
  readonly innerName?: string;
}

/** Interfaces that a kernel makes in each namespace for tunnels, and that carry nothing while they are down. */
const TUNNELS = new Set(['ipip', 'sit', 'gre', 'gretap', 'erspan', 'vti', 'vti6', 'ip6tnl', 'ip6gre', 'ip6gretap']);

/** From the interfaces in the namespace of `path`. */
export function pointsAmong(
  calls: SystemCalls,
  path: string,
  interfaces: readonly NetworkInterface[],
): AttachmentPoint[] {
  const outer = networkInterfaces(calls);
  const number = numberOf(calls, path);
  return interfaces
    .filter(({ loopback, kind, up }) => !loopback && (up || !TUNNELS.has(kind)))
    .map((own): AttachmentPoint => {
      const peer = number === undefined ? undefined : outer.find((other) => isPeer(own, other, number));
      return peer === undefined
        ? { index: own.index, name: own.name, inside: true, innerName: own.name }
        : { index: peer.index, name: peer.name, inside: false, innerName: own.name };
    });
}

function isPeer(own: NetworkInterface, other: NetworkInterface, number: number): boolean {
  const pair = own.linked === other.index && other.linked === own.index;
  return pair && own.kind === 'veth' && other.kind === 'veth' && other.linkedNamespace === number;
}

/** By which our namespace knows that of the path. */
function numberOf(calls: SystemCalls, path: string): number | undefined {
  const fd = calls.open(path, OPEN.readOnly | OPEN.closeOnExec);
  if (fd < 0) return undefined;
  try {
    return namespaceNumber(calls, fd);
  } finally {
    calls.close(fd);
  }
}

/** An interface of our own namespace. */
export function pointOfInterface(calls: SystemCalls, name: string): AttachmentPoint {
  const found = networkInterfaces(calls).find((one) => one.name === name);
  if (found !== undefined) return { index: found.index, name, inside: false };
  throw new PlinthError('input', 'no-interface', `interface ${name}: there is none of that name: "ip link" lists them`);
}
