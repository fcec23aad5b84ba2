// SPDX-License-Identifier: Apache-2.0
// A pair of connected Unix stream sockets with as much room in them as this process may have (socket(7)). Node makes such
// pairs for children, but with the room that the system gives when nobody asks.

import { PlinthError } from '@plinth/core';
import type { SystemCalls } from './system-calls.js';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0x8_0000;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
/** Without regard to net.core.wmem_max; for those with CAP_NET_ADMIN. */
const SO_SNDBUFFORCE = 32;

/** `room`: bytes in each direction, of which an ordinary user gets what net.core.wmem_max allows. */
export function socketPair(calls: SystemCalls, room: number): [number, number] {
  const descriptors = new Int32Array(2);
  const made = calls.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, new Uint8Array(descriptors.buffer));
  if (made < 0) throw new PlinthError('host', 'socket-pair', `no pair of sockets can be made: error ${-made}`);
  const value = new Uint8Array(Int32Array.of(room).buffer);
  for (const fd of descriptors) {
    const forced = calls.setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, value);
    // What is refused here leaves the room that there was.
    if (forced < 0) calls.setsockopt(fd, SOL_SOCKET, SO_SNDBUF, value);
  }
  return [descriptors[0]!, descriptors[1]!];
}
