// SPDX-License-Identifier: Apache-2.0
// The interfaces of the network namespace that this thread is in, as the kernel lists them (rtnetlink(7)): RTM_GETLINK with its
// attributes, and RTM_GETNSID for the number by which this namespace knows another.

import { concatenate, PlinthError, stringAt } from '@plinth/core';
import { errorName } from './bpf/refusal.js';
import { netlinkAttribute, netlinkMessage } from './netfilter/netlink-message.js';
import { ERROR, type SystemCalls } from './system-calls.js';

export interface NetworkInterface {
  readonly index: number;
  readonly name: string;
  /** `veth`, `bridge` and so on; empty for cards and the loopback interface. */
  readonly kind: string;
  readonly loopback: boolean;
  readonly up: boolean;
  /** Of the interface that it is linked to, the other end of a veth pair, or one below; 0 if there is none. */
  readonly linked: number;
  /** Number, here, of the namespace in which that one is; undefined for this namespace. */
  readonly linkedNamespace: number | undefined;
}

export const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x8_0000;
const NETLINK_ROUTE = 0;

const MESSAGE = { error: 2, done: 3, newLink: 16, getLink: 18, newNamespaceId: 88, getNamespaceId: 90 } as const;
const NLM_F_REQUEST = 1;
const NLM_F_DUMP = 0x300;
const HEADER = 16;
/** struct ifinfomsg, and struct rtgenmsg with its padding. */
const LINK_MESSAGE = 16;
const GENERIC_MESSAGE = 4;
const IFF = { up: 1, loopback: 8 } as const;
/** IFLA_*. */
const LINK = { name: 3, link: 5, linkInfo: 18, linkNamespace: 37 } as const;
const IFLA_INFO_KIND = 1;
/** NETNSA_*. */
const NAMESPACE = { id: 1, fd: 3 } as const;
/** What the kernel puts into one message of a dump. */
const ROOM = 32 * 1024;

/** @throws PlinthError `host` where the kernel does not list them */
export function networkInterfaces(calls: SystemCalls): NetworkInterface[] {
  return withSocket(calls, (fd) => interfacesBy(calls, fd));
}

/** Those of the namespace in which this socket was made. */
export function interfacesBy(calls: SystemCalls, fd: number): NetworkInterface[] {
  const list: NetworkInterface[] = [];
  ask(calls, fd, MESSAGE.getLink, NLM_F_DUMP, new Uint8Array(LINK_MESSAGE), (type, body) => {
    if (type === MESSAGE.newLink) list.push(interfaceOf(body));
  });
  return list;
}

/** A socket of rtnetlink: it asks in the namespace of the thread that made it, whoever uses it. */
export function routeSocket(calls: SystemCalls, flags = 0): number {
  const fd = calls.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE);
  if (fd < 0) throw refusedInterfaces(-fd);
  return fd;
}

/** The number by which this namespace knows the one behind a descriptor; undefined while nothing is linked to it. */
export function namespaceNumber(calls: SystemCalls, fd: number): number | undefined {
  const number = new Uint8Array(Int32Array.of(fd).buffer);
  const body = concatenate([new Uint8Array(GENERIC_MESSAGE), netlinkAttribute(NAMESPACE.fd, number)]);
  let known: number | undefined;
  withSocket(calls, (socket) => {
    ask(calls, socket, MESSAGE.getNamespaceId, 0, body, (type, answer) => {
      if (type !== MESSAGE.newNamespaceId) return;
      const id = attributes(answer.subarray(GENERIC_MESSAGE)).get(NAMESPACE.id);
      if (id !== undefined) known = int32(id);
    });
  });
  return known === -1 ? undefined : known;
}

function withSocket<T>(calls: SystemCalls, use: (fd: number) => T): T {
  const fd = routeSocket(calls);
  try {
    return use(fd);
  } finally {
    calls.close(fd);
  }
}

/** Sends a request, and tells each message of the answer, until it is over. */
function ask(
  calls: SystemCalls,
  fd: number,
  type: number,
  flags: number,
  body: Uint8Array,
  tell: (type: number, body: Uint8Array) => void,
): void {
  const sent = calls.write(fd, netlinkMessage(type, NLM_F_REQUEST | flags, body));
  if (sent < 0) throw refusedInterfaces(-sent);
  const buffer = new Uint8Array(ROOM);
  for (;;) {
    const size = calls.read(fd, buffer);
    if (size === -ERROR.EINTR) continue;
    if (size <= 0) throw refusedInterfaces(-size);
    if (messages(buffer.subarray(0, size), tell) || flags !== NLM_F_DUMP) return;
  }
}

/** Tells the messages of one read; true if the answer ends with them. */
function messages(bytes: Uint8Array, tell: (type: number, body: Uint8Array) => void): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + HEADER <= bytes.length;) {
    const length = view.getUint32(at, true);
    if (length < HEADER || at + length > bytes.length) throw refusedInterfaces(0);
    const type = view.getUint16(at + 4, true);
    if (type === MESSAGE.done) return true;
    if (type === MESSAGE.error) {
      const error = view.getInt32(at + HEADER, true);
      if (error !== 0) throw refusedInterfaces(-error);
      return true;
    }
    tell(type, bytes.subarray(at + HEADER, at + length));
    at += (length + 3) & ~3;
  }
  return false;
}

/** A `host` error by its number; 0 for an answer that is cut. */
export function refusedInterfaces(error: number): PlinthError {
  const why = error === 0 ? 'an answer that is cut' : errorName(error);
  return new PlinthError('host', 'rtnetlink', `the list of network interfaces: the kernel says ${why}`);
}

/** By their types, without the flags for nested ones and for byte order. */
function attributes(bytes: Uint8Array): Map<number, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = new Map<number, Uint8Array>();
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = view.getUint16(at, true);
    if (length < 4) break;
    found.set(view.getUint16(at + 2, true) & 0x3fff, bytes.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
}

function interfaceOf(body: Uint8Array): NetworkInterface {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const flags = view.getUint32(8, true);
  const given = attributes(body.subarray(LINK_MESSAGE));
  const kind = attributes(given.get(LINK.linkInfo) ?? new Uint8Array(0)).get(IFLA_INFO_KIND);
  const linked = given.get(LINK.link);
  const namespace = given.get(LINK.linkNamespace);
  return {
    index: view.getInt32(4, true),
    name: stringAt(given.get(LINK.name) ?? new Uint8Array(0), 0),
    kind: kind === undefined ? '' : stringAt(kind, 0),
    loopback: (flags & IFF.loopback) !== 0,
    up: (flags & IFF.up) !== 0,
    linked: linked === undefined ? 0 : int32(linked),
    linkedNamespace: namespace === undefined ? undefined : int32(namespace),
  };
}

function int32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getInt32(0, true);
}
