// SPDX-License-Identifier: Apache-2.0
// The interfaces of one network namespace, and whether something of them has changed (rtnetlink(7)). Its sockets were made in that
// namespace and stay there, so any thread may ask.

import {
  AF_NETLINK,
  interfacesBy,
  type NetworkInterface,
  refusedInterfaces,
  routeSocket,
} from './network-interfaces.js';
import { ERROR, OPEN, type SystemCalls } from './system-calls.js';

/** Descriptors: one that is asked, and one on which changes are told. */
export interface InterfaceSockets {
  readonly asked: number;
  readonly told: number;
}

/** RTMGRP_LINK of linux/rtnetlink.h. */
const LINKS_GROUP = 1;
/** More than one notification has. */
const ROOM = 16 * 1024;

/** In the namespace of this thread. @throws PlinthError `host` where the kernel has no rtnetlink */
export function interfaceSockets(calls: SystemCalls): InterfaceSockets {
  const asked = routeSocket(calls);
  const told = routeSocket(calls, OPEN.nonBlocking);
  // struct sockaddr_nl: family, a port that the kernel chooses, groups.
  const address = new Uint8Array(12);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_NETLINK, true);
  view.setUint32(8, LINKS_GROUP, true);
  const bound = calls.bind(told, address);
  if (bound >= 0) return { asked, told };
  calls.close(asked);
  calls.close(told);
  throw refusedInterfaces(-bound);
}

export class InterfaceWatch implements Disposable {
  readonly #calls: SystemCalls;
  readonly #sockets: InterfaceSockets;

  /** Takes the sockets over. */
  constructor(calls: SystemCalls, sockets: InterfaceSockets) {
    this.#calls = calls;
    this.#sockets = sockets;
  }

  /** To wait for: readable once something has changed. */
  get fd(): number {
    return this.#sockets.told;
  }

  interfaces(): NetworkInterface[] {
    return interfacesBy(this.#calls, this.#sockets.asked);
  }

  /** It is readable again with the next change. */
  forgetChanges(): void {
    const buffer = new Uint8Array(ROOM);
    let size: number;
    do size = this.#calls.read(this.#sockets.told, buffer);
    while (
      // ENOBUFS: more has changed than there was room for.
      size > 0 ||
      size === -ERROR.EINTR ||
      size === -ERROR.ENOBUFS
    );
  }

  [Symbol.dispose](): void {
    this.#calls.close(this.#sockets.asked);
    this.#calls.close(this.#sockets.told);
  }
}
