// SPDX-License-Identifier: Apache-2.0
// The network card of a run as a value: part of a RunSpec. What is behind the card is the shell's affair.

import { PlinthError } from '@plinth/core';
import { MAX_FRAME } from './devices/virtio/net.js';

/** A port of the host that leads to one of the guest. */
export interface PortForward {
  readonly protocol: 'tcp' | 'udp';
  /** Address that the host listens at; all of its addresses if left out. */
  readonly hostAddress?: string;
  readonly hostPort: number;
  readonly guestPort: number;
}

export interface CardSpec {
  /** `52:54:00:12:34:56`, or another address of one card. */
  readonly mac: string;
  /** Largest packet (bytes) that the guest is told to send. */
  readonly mtu: number;
}

export type NetSpec =
  /** No card. */
  | { readonly kind: 'none' }
  /** A network in user mode, run beside us, with the host's addresses. */
  | ({ readonly kind: 'user'; readonly forwards: readonly PortForward[] } & CardSpec)
  /** A tap interface of the host. */
  | ({ readonly kind: 'tap'; readonly interface: string } & CardSpec);

/** As QEMU's first card has it. */
export const DEFAULT_MAC = '52:54:00:12:34:56';
/** A stack in user mode speaks to the host by the byte: the fewer packets there are, the faster. */
const DEFAULT_MTU = { user: 65520, tap: 1500 } as const;
const MIN_MTU = 68;
const MAX_MTU = MAX_FRAME - 18;
const MAX_FORWARDS = 256;

/** Checks a value of outside origin. Every complaint is one line. */
export function parseNetSpec(value: unknown): NetSpec {
  const input = record(value);
  const { kind } = input;
  if (kind === 'none') {
    known(input, ['kind']);
    return { kind };
  }
  if (kind === 'user') {
    known(input, ['kind', 'mac', 'mtu', 'forwards']);
    const forwards = input['forwards'] ?? [];
    if (!Array.isArray(forwards) || forwards.length > MAX_FORWARDS) {
      throw wrong(`forwards: a list of up to ${MAX_FORWARDS} is needed`);
    }
    return { kind, ...parseCard(input, kind), forwards: forwards.map(parseForward) };
  }
  if (kind === 'tap') {
    known(input, ['kind', 'mac', 'mtu', 'interface']);
    const name = input['interface'];
    // As the kernel has them (IFNAMSIZ, dev_valid_name).
    if (typeof name !== 'string' || !/^[^/:\s\0]{1,15}$/.test(name) || name === '.' || name === '..') {
      throw wrong('tap: the name of an interface is needed: tap:NAME, up to 15 characters');
    }
    return { kind, ...parseCard(input, kind), interface: name };
  }
  throw wrong(`"${String(kind)}" is none of user, tap:NAME, none`);
}

/** The 6 bytes of a card's address. */
export function macBytes(mac: string): Uint8Array {
  return Uint8Array.from(mac.split(':'), (part) => Number.parseInt(part, 16));
}

function parseCard(input: Readonly<Record<string, unknown>>, kind: keyof typeof DEFAULT_MTU): CardSpec {
  const { mac = DEFAULT_MAC, mtu = DEFAULT_MTU[kind] } = input;
  if (typeof mac !== 'string' || !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) {
    throw wrong(`mac: 6 bytes are needed, like ${DEFAULT_MAC}`);
  }
  const [first = 0] = macBytes(mac);
  if ((first & 1) !== 0 || /^(00:){5}00$/.test(mac)) throw wrong(`mac: ${mac} is no address of one card`);
  if (!isWhole(mtu, MIN_MTU, MAX_MTU)) throw wrong(`mtu: ${MIN_MTU} to ${MAX_MTU} bytes are possible`);
  return { mac: mac.toLowerCase(), mtu };
}

function parseForward(value: unknown): PortForward {
  const input = record(value);
  known(input, ['protocol', 'hostAddress', 'hostPort', 'guestPort']);
  const { protocol, hostAddress, hostPort, guestPort } = input;
  if (protocol !== 'tcp' && protocol !== 'udp') throw wrong('hostfwd: tcp or udp is needed');
  if (!isWhole(hostPort, 1, 65535) || !isWhole(guestPort, 1, 65535)) throw wrong('hostfwd: ports are 1 to 65535');
  if (hostAddress === undefined) return { protocol, hostPort, guestPort };
  if (typeof hostAddress !== 'string' || !/^[0-9a-f.:]{2,45}$/i.test(hostAddress)) {
    throw wrong('hostfwd: the host’s address is written in numbers');
  }
  return { protocol, hostAddress, hostPort, guestPort };
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
}

function known(input: Readonly<Record<string, unknown>>, keys: readonly string[]): void {
  for (const key of Object.keys(input)) if (!keys.includes(key)) throw wrong(`there is no option "${key}"`);
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw wrong('an object with options is needed');
  return value as Readonly<Record<string, unknown>>;
}

function wrong(detail: string): PlinthError {
  return new PlinthError('input', 'net', `net: ${detail}`.replace(/\p{Cc}/gu, '?'));
}
