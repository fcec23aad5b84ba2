// SPDX-License-Identifier: Apache-2.0
// Puts fragments of IP together (RFC 791, section 3.2; RFC 8200, section 4.5). Bytes that came first hold; that two fragments have the same
// bytes is told, and so is one that no sender makes.

import { ETHERTYPE, MOST_TAGS } from '../decode-packet.js';
import { join } from './buffer-view.js';

interface Fragment {
  readonly version: 4 | 6;
  readonly key: string;
  /** Of its data in the whole. */
  readonly offset: number;
  readonly more: boolean;
  readonly data: Uint8Array;
  /** What comes before the data in the whole: a frame up to there, whose IP header says that it is whole, but for its length. */
  readonly head: Uint8Array;
  /** Where the IP header begins. */
  readonly network: number;
}

interface Assembly {
  readonly parts: Fragment[];
  bytes: number;
  /** Of the whole, once its last fragment is there. */
  size: number | undefined;
  readonly begin: bigint;
}

export interface Defragmented {
  /** The whole, as one frame, with the fragment that completes it. */
  readonly frame: Uint8Array | undefined;
  readonly events: ReadonlySet<string>;
}

const MOST_ASSEMBLIES = 4096;
const MOST_FRAGMENTS = 8192;
const MOST_SIZE = 0xffff;
/** Nanoseconds; RFC 8200 has it so. */
const PATIENCE = 60_000_000_000n;

export class Defragmenter {
  readonly #assemblies = new Map<string, Assembly>();

  /** Undefined for what is no fragment. */
  add(frame: Uint8Array, time: bigint): Defragmented | undefined {
    const fragment = readFragment(frame);
    if (fragment === undefined) return undefined;
    const events = new Set<string>();
    const { version, key, offset, more, data } = fragment;
    const tell = (name: string): Defragmented => ({ frame: undefined, events: events.add(`ipv${version}.${name}`) });
    const end = offset + data.length;
    if (end > MOST_SIZE) return tell('frag_pkt_too_large');
    // All but the last are of whole units of eight bytes.
    if (version === 6 && more && data.length % 8 !== 0) return tell('frag_invalid_length');
    let assembly = this.#assemblies.get(key);
    if (assembly === undefined || time - assembly.begin > PATIENCE) {
      assembly = { parts: [], bytes: 0, size: undefined, begin: time };
      this.#assemblies.delete(key);
      this.#assemblies.set(key, assembly);
      if (this.#assemblies.size > MOST_ASSEMBLIES) this.#assemblies.delete(this.#assemblies.keys().next().value!);
    }
    if (assembly.parts.length >= MOST_FRAGMENTS) return { frame: undefined, events };
    const overlaps = assembly.parts.some((other) => other.offset < end && other.offset + other.data.length > offset);
    if (overlaps) events.add(`ipv${version}.frag_overlap`);
    assembly.parts.push(fragment);
    assembly.bytes += data.length;
    if (!more) assembly.size ??= end;
    const whole = assembly.size !== undefined && assembly.bytes >= assembly.size ? assemble(assembly) : undefined;
    if (whole !== undefined) this.#assemblies.delete(key);
    return { frame: whole, events };
  }
}

/** Undefined while a part is missing. */
function assemble({ parts, size }: Assembly): Uint8Array | undefined {
  const data = new Uint8Array(size!);
  const known = new Uint8Array(size!);
  for (const part of parts) {
    part.data.forEach((byte, n) => {
      const at = part.offset + n;
      if (at >= size! || known[at] !== 0) return;
      data[at] = byte;
      known[at] = 1;
    });
  }
  const first = parts.find(({ offset }) => offset === 0);
  if (first === undefined || known.includes(0)) return undefined;
  const frame = join([first.head, data]);
  const view = new DataView(frame.buffer);
  if (first.version === 4) view.setUint16(first.network + 2, frame.length - first.network);
  else view.setUint16(first.network + 4, frame.length - first.network - 40);
  return frame;
}

function readFragment(frame: Uint8Array): Fragment | undefined {
  if (frame.length < 14) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  let at = 14;
  let type = view.getUint16(12);
  for (let n = 0; n < MOST_TAGS && (type === ETHERTYPE.vlan || type === ETHERTYPE.serviceVlan); n++) {
    if (at + 4 > frame.length) return undefined;
    type = view.getUint16(at + 2);
    at += 4;
  }
  const tags = frame.subarray(12, at).join('.');
  if (type === ETHERTYPE.ipv4) return fragment4(frame, view, at, tags);
  return type === ETHERTYPE.ipv6 ? fragment6(frame, view, at, tags) : undefined;
}

function fragment4(frame: Uint8Array, view: DataView, at: number, tags: string): Fragment | undefined {
  if (at + 20 > frame.length || view.getUint8(at) >> 4 !== 4) return undefined;
  const header = (view.getUint8(at) & 15) * 4;
  const end = at + view.getUint16(at + 2);
  const field = view.getUint16(at + 6);
  if (header < 20 || end < at + header || end > frame.length || (field & 0x3fff) === 0) return undefined;
  const head = frame.slice(0, at + header);
  head[at + 6] = 0;
  head[at + 7] = 0;
  const id = `${view.getUint16(at + 4)} ${view.getUint8(at + 9)}`;
  return {
    version: 4,
    key: `4 ${tags} ${id} ${frame.subarray(at + 12, at + 20).join('.')}`,
    offset: (field & 0x1fff) * 8,
    more: (field & 0x2000) !== 0,
    data: frame.slice(at + header, end),
    head,
    network: at,
  };
}

function fragment6(frame: Uint8Array, view: DataView, at: number, tags: string): Fragment | undefined {
  if (at + 40 > frame.length || view.getUint8(at) >> 4 !== 6) return undefined;
  const end = at + 40 + view.getUint16(at + 4);
  if (end > frame.length) return undefined;
  let link = at + 6;
  let header = at + 40;
  // Hop-by-hop options, routing and options for it come before the fragment's header.
  for (let n = 0; n < 16 && [0, 43, 60].includes(view.getUint8(link)); n++) {
    if (header + 8 > end) return undefined;
    link = header;
    header += (view.getUint8(header + 1) + 1) * 8;
  }
  if (view.getUint8(link) !== 44 || header + 8 > end) return undefined;
  const field = view.getUint16(header + 2);
  if ((field & 0xfff9) === 0) return undefined;
  const head = frame.slice(0, header);
  head[link] = view.getUint8(header);
  return {
    version: 6,
    key: `6 ${tags} ${view.getUint32(header + 4)} ${frame.subarray(at + 8, at + 40).join('.')}`,
    offset: field & 0xfff8,
    more: (field & 1) !== 0,
    data: frame.slice(header + 8, end),
    head,
    network: at,
  };
}
