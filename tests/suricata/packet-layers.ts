// SPDX-License-Identifier: Apache-2.0
// Packets put together layer by layer, from inside out. Checksums are 0: whoever reads them is told not to look.

/** Of IPv4 or IPv6, by how many bytes there are. */
export type Address = readonly number[];

const words = (...values: readonly number[]): number[] => values.flatMap((value) => [(value >>> 8) & 255, value & 255]);
const long = (value: number): number[] => words(value >>> 16, value & 0xffff);

export interface Ethernet {
  readonly type: number;
  /** Identifiers of virtual networks, from outside inwards. */
  readonly tags?: readonly number[];
}

export function ethernet({ type, tags = [] }: Ethernet, inside: readonly number[]): Uint8Array {
  const ends = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
  const outer = tags.flatMap((tag, n) => words(n === 0 && tags.length > 1 ? 0x88a8 : 0x8100, tag));
  return Uint8Array.from([...ends, ...outer, ...words(type), ...inside]);
}

export interface Internet {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  readonly ttl?: number;
  readonly tos?: number;
  readonly id?: number;
  /** Of IPv4: reserved, do not, and more fragments. */
  readonly bits?: number;
  /** Of this fragment, in units of eight bytes. */
  readonly fragment?: number;
  /** Of IPv4, whole words. */
  readonly options?: readonly number[];
  /** Of IPv6: headers between, whose first byte is filled in. */
  readonly extensions?: readonly { readonly kind: number; readonly bytes: readonly number[] }[];
}

/** IPv4 or IPv6, by the addresses. */
export function internet(of: Internet, inside: readonly number[]): number[] {
  return of.source.length === 4 ? version4(of, inside) : version6(of, inside);
}

function version4(of: Internet, inside: readonly number[]): number[] {
  const { source, destination, protocol, ttl = 64, tos = 0, id = 0, bits = 0, fragment = 0, options = [] } = of;
  const size = 20 + options.length;
  const head = [
    0x40 | (size / 4),
    tos,
    ...words(size + inside.length, id, (bits << 13) | fragment),
    ttl,
    protocol,
    0,
    0,
  ];
  return [...head, ...source, ...destination, ...options, ...inside];
}

function version6(of: Internet, inside: readonly number[]): number[] {
  const { source, destination, protocol, ttl = 64, tos = 0, extensions = [] } = of;
  const between = extensions.flatMap(({ bytes }, n) => [extensions[n + 1]?.kind ?? protocol, ...bytes.slice(1)]);
  const first = extensions[0]?.kind ?? protocol;
  const head = [0x60 | (tos >> 4), (tos & 15) << 4, 0, 0, ...words(between.length + inside.length), first, ttl];
  return [...head, ...source, ...destination, ...between, ...inside];
}

export interface Tcp {
  readonly ports: readonly [source: number, destination: number];
  readonly flags: number;
  readonly sequence?: number;
  readonly acknowledged?: number;
  readonly window?: number;
  readonly urgent?: number;
  /** Whole words. */
  readonly options?: readonly number[];
}

export function tcp(of: Tcp, inside: readonly number[]): number[] {
  const { ports, flags, sequence = 0, acknowledged = 0, window = 0xffff, urgent = 0, options = [] } = of;
  const head = [...words(...ports), ...long(sequence), ...long(acknowledged), (5 + options.length / 4) << 4, flags];
  return [...head, ...words(window, 0, urgent), ...options, ...inside];
}

export function udp(ports: readonly [source: number, destination: number], inside: readonly number[]): number[] {
  return [...words(...ports, 8 + inside.length, 0), ...inside];
}

/** ICMP and ICMPv6; `id` and `sequence` are those of an echo. */
export function icmp(
  { type, code, id = 0, sequence = 0 }: { type: number; code: number; id?: number; sequence?: number },
  inside: readonly number[],
): number[] {
  return [type, code, 0, 0, ...words(id, sequence), ...inside];
}

export const FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 } as const;

export function bytesOf(text: string): number[] {
  return [...Buffer.from(text, 'latin1')];
}
