// SPDX-License-Identifier: Apache-2.0
// What is wrong with the headers of a frame, by the names that rules have for it (`decode-event`; Suricata user guide, "Decode
// layer"). The rules are those of RFC 791, 8200, 9293 and 768. What fragments do to each other is in `defragmenter.ts`.

import { ETHERTYPE, MOST_TAGS, PROTOCOL } from '../decode-packet.js';

/** Names that are told, by this and by the putting together of fragments. */
export const DECODE_EVENTS: ReadonlySet<string> = new Set([
  'ethernet.pkt_too_small',
  'vlan.header_too_small',
  'ipv4.pkt_too_small',
  'ipv4.hlen_too_small',
  'ipv4.iplen_smaller_than_hlen',
  'ipv4.trunc_pkt',
  'ipv4.wrong_ip_version',
  'ipv4.opt_invalid',
  'ipv4.opt_invalid_len',
  'ipv4.opt_malformed',
  'ipv4.opt_pad_required',
  'ipv4.opt_eol_required',
  'ipv4.opt_duplicate',
  'ipv4.icmpv6',
  'ipv4.frag_overlap',
  'ipv4.frag_pkt_too_large',
  'ipv6.pkt_too_small',
  'ipv6.trunc_pkt',
  'ipv6.trunc_exthdr',
  'ipv6.wrong_ip_version',
  'ipv6.exthdr_dupl_fh',
  'ipv6.exthdr_useless_fh',
  'ipv6.exthdr_dupl_rh',
  'ipv6.exthdr_dupl_hh',
  'ipv6.exthdr_dupl_dh',
  'ipv6.exthdr_dupl_ah',
  'ipv6.exthdr_dupl_eh',
  'ipv6.exthdr_invalid_optlen',
  'ipv6.exthdr_ah_res_not_null',
  'ipv6.hopopts_unknown_opt',
  'ipv6.hopopts_only_padding',
  'ipv6.dstopts_unknown_opt',
  'ipv6.dstopts_only_padding',
  'ipv6.rh_type_0',
  'ipv6.zero_len_padn',
  'ipv6.fh_non_zero_reserved_field',
  'ipv6.data_after_none_header',
  'ipv6.unknown_next_header',
  'ipv6.icmpv4',
  'ipv6.ipv4_in_ipv6_too_small',
  'ipv6.ipv4_in_ipv6_wrong_version',
  'ipv6.ipv6_in_ipv6_too_small',
  'ipv6.ipv6_in_ipv6_wrong_version',
  'ipv6.frag_overlap',
  'ipv6.frag_invalid_length',
  'ipv6.frag_pkt_too_large',
  'tcp.pkt_too_small',
  'tcp.hlen_too_small',
  'tcp.invalid_optlen',
  'tcp.opt_invalid_len',
  'tcp.opt_duplicate',
  'udp.pkt_too_small',
  'udp.len_invalid',
  'udp.hlen_too_small',
  'icmpv4.pkt_too_small',
  'icmpv6.pkt_too_small',
]);

const EXTENSION = {
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  esp: 50,
  ah: 51,
  none: 59,
  destination: 60,
  shim: 140,
  hip: 139,
  mobility: 135,
};
const [IPV6, GRE, SCTP] = [41, 47, 132];
/** Headers that another one follows. */
const EXTENSIONS: ReadonlySet<number> = new Set(Object.values(EXTENSION).filter((number) => number !== EXTENSION.none));
/** Protocols above IPv6 that are no error. */
const KNOWN_ABOVE: ReadonlySet<number> = new Set([4, IPV6, GRE, SCTP, PROTOCOL.tcp, PROTOCOL.udp, PROTOCOL.icmp6]);
/** Extension headers that are walked. */
const MOST_HEADERS = 32;

export function decodeEvents(frame: Uint8Array): ReadonlySet<string> {
  const found = new EventReader(frame);
  found.link();
  return found.events;
}

class EventReader {
  readonly events = new Set<string>();
  readonly #frame: Uint8Array;
  readonly #view: DataView;

  constructor(frame: Uint8Array) {
    this.#frame = frame;
    this.#view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  }

  link(): void {
    if (this.#frame.length < 14) {
      this.events.add('ethernet.pkt_too_small');
      return;
    }
    let at = 14;
    let type = this.#view.getUint16(12);
    for (let n = 0; n < MOST_TAGS && (type === ETHERTYPE.vlan || type === ETHERTYPE.serviceVlan); n++) {
      if (at + 4 > this.#frame.length) {
        this.events.add('vlan.header_too_small');
        return;
      }
      type = this.#view.getUint16(at + 2);
      at += 4;
    }
    if (type === ETHERTYPE.ipv4) this.#version4(at);
    else if (type === ETHERTYPE.ipv6) this.#version6(at);
  }

  #version4(at: number): void {
    const room = this.#frame.length - at;
    if (room < 20) {
      this.events.add('ipv4.pkt_too_small');
      return;
    }
    const first = this.#view.getUint8(at);
    const header = (first & 15) * 4;
    const total = this.#view.getUint16(at + 2);
    const wrong =
      first >> 4 !== 4
        ? 'wrong_ip_version'
        : header < 20
          ? 'hlen_too_small'
          : total < header
            ? 'iplen_smaller_than_hlen'
            : total > room
              ? 'trunc_pkt'
              : undefined;
    if (wrong !== undefined) {
      this.events.add(`ipv4.${wrong}`);
      return;
    }
    if (header > 20) this.#options4(at + 20, at + header);
    const fragment = this.#view.getUint16(at + 6);
    // Of a fragment nobody knows what is above it yet.
    if ((fragment & 0x3fff) !== 0) return;
    const protocol = this.#view.getUint8(at + 9);
    if (protocol === PROTOCOL.icmp6) this.events.add('ipv4.icmpv6');
    this.#above(protocol, at + header, at + total);
  }

  /** RFC 791, "Options". One that is wrong ends them. */
  #options4(from: number, end: number): void {
    const seen = new Set<number>();
    if ((end - from) % 8 !== 0) this.events.add('ipv4.opt_pad_required');
    for (let at = from; at < end;) {
      const type = this.#view.getUint8(at);
      if (type === 0) return;
      if (type === 1) {
        at++;
        continue;
      }
      if (end - at < 2) {
        this.events.add('ipv4.opt_eol_required');
        return;
      }
      const length = this.#view.getUint8(at + 1);
      const option = OPTIONS4[type];
      const wrong =
        length < 2 || at + length > end
          ? 'opt_invalid_len'
          : option === undefined || seen.has(type)
            ? undefined
            : this.#option4(option, at, length);
      if (wrong !== undefined) {
        this.events.add(`ipv4.${wrong}`);
        return;
      }
      if (option === undefined) this.events.add('ipv4.opt_invalid');
      else if (seen.has(type)) this.events.add('ipv4.opt_duplicate');
      seen.add(type);
      at += length;
    }
  }

  #option4({ least, most = 255, pointer }: Option4, at: number, length: number): string | undefined {
    if (length < least || length > most) return 'opt_invalid_len';
    if (pointer === undefined) return undefined;
    // It counts from 1, and points to a whole record or right behind them.
    const place = this.#view.getUint8(at + 2);
    const size = pointer === 4 ? 4 : [1, 3].includes(this.#view.getUint8(at + 3) & 15) ? 8 : 4;
    return place < pointer || (place - pointer) % size !== 0 || place > length + 1 ? 'opt_malformed' : undefined;
  }

  #version6(at: number): void {
    const room = this.#frame.length - at;
    if (room < 40) {
      this.events.add('ipv6.pkt_too_small');
      return;
    }
    if (this.#view.getUint8(at) >> 4 !== 6) {
      this.events.add('ipv6.wrong_ip_version');
      return;
    }
    const end = at + 40 + this.#view.getUint16(at + 4);
    if (end > this.#frame.length) {
      this.events.add('ipv6.trunc_pkt');
      return;
    }
    this.#extensions(this.#view.getUint8(at + 6), at + 40, end);
  }

  #extensions(first: number, from: number, end: number): void {
    let protocol = first;
    let at = from;
    const counts = new Map<number, number>();
    for (let n = 0; n < MOST_HEADERS && EXTENSIONS.has(protocol); n++) {
      // Nothing that could follow has less than two bytes.
      if (end - at < 2) {
        this.events.add('ipv6.trunc_exthdr');
        return;
      }
      if (protocol === EXTENSION.esp) return;
      const length = this.#view.getUint8(at + 1);
      const size =
        protocol === EXTENSION.fragment
          ? 8
          : protocol === EXTENSION.ah
            ? 12 + Math.max(0, length - 1) * 4
            : (length + 1) * 8;
      if (at + size > end) {
        this.events.add('ipv6.trunc_exthdr');
        return;
      }
      const count = (counts.get(protocol) ?? 0) + 1;
      counts.set(protocol, count);
      if (protocol === EXTENSION.fragment && length !== 0) this.events.add('ipv6.fh_non_zero_reserved_field');
      if (protocol === EXTENSION.ah && this.#view.getUint16(at + 2) !== 0)
        this.events.add('ipv6.exthdr_ah_res_not_null');
      const again = DUPLICATES[protocol];
      // Options may be there twice: before a routing header, and last.
      if (count > (protocol === EXTENSION.destination ? 2 : 1) && again !== undefined) this.events.add(`ipv6.${again}`);
      else if (this.#extension(protocol, at, size)) return;
      protocol = this.#view.getUint8(at);
      at += size;
    }
    if (protocol === EXTENSION.none) {
      if (at < end) this.events.add('ipv6.data_after_none_header');
      return;
    }
    if (at > from && end - at < 2) {
      this.events.add('ipv6.trunc_exthdr');
      return;
    }
    if (protocol === PROTOCOL.icmp) this.events.add('ipv6.icmpv4');
    // Behind other headers IPv6 and GRE are not looked for.
    else if (!KNOWN_ABOVE.has(protocol) || (at > from && (protocol === IPV6 || protocol === GRE))) {
      this.events.add('ipv6.unknown_next_header');
      return;
    }
    for (const [inner, version, least] of [
      [4, 4, 20],
      [IPV6, 6, 40],
    ] as const) {
      if (protocol !== inner) continue;
      if (end - at < least) this.events.add(`ipv6.ipv${version}_in_ipv6_too_small`);
      else if (this.#view.getUint8(at) >> 4 !== version) this.events.add(`ipv6.ipv${version}_in_ipv6_wrong_version`);
    }
    this.#above(protocol, at, end);
  }

  /** True for the header of a fragment, behind which there is no other. */
  #extension(protocol: number, at: number, size: number): boolean {
    switch (protocol) {
      case EXTENSION.fragment: {
        const isWhole = (this.#view.getUint16(at + 2) & 0xfff9) === 0;
        if (isWhole) this.events.add('ipv6.exthdr_useless_fh');
        return !isWhole;
      }
      case EXTENSION.routing:
        if (this.#view.getUint8(at + 2) === 0) this.events.add('ipv6.rh_type_0');
        return false;
      case EXTENSION.hopByHop:
        this.#options6('hopopts', at + 2, at + size);
        return false;
      case EXTENSION.destination:
        this.#options6('dstopts', at + 2, at + size);
        return false;
      default:
        return false;
    }
  }

  /** RFC 8200, section 4.2. */
  #options6(name: 'hopopts' | 'dstopts', from: number, end: number): void {
    let [padding, others] = [0, 0];
    for (let at = from; at < end;) {
      const type = this.#view.getUint8(at);
      if (type === 0) {
        padding++;
        at++;
        continue;
      }
      const length = at + 1 < end ? this.#view.getUint8(at + 1) : 255;
      const least = OPTIONS6.get(type);
      if (at + 1 + length > end || length < (least ?? 0)) {
        this.events.add('ipv6.exthdr_invalid_optlen');
        break;
      }
      if (type === 1) {
        padding++;
        if (length === 0) this.events.add('ipv6.zero_len_padn');
      } else if (type !== JUMBO) {
        others++;
        if (least === undefined) this.events.add(`ipv6.${name}_unknown_opt`);
      }
      at += 2 + length;
    }
    if (padding > 0 && others === 0) this.events.add(`ipv6.${name}_only_padding`);
  }

  #above(protocol: number, at: number, end: number): void {
    const room = end - at;
    if (protocol === PROTOCOL.tcp) this.#tcp(at, room);
    else if (protocol === PROTOCOL.udp) {
      if (room < 8) this.events.add('udp.pkt_too_small');
      else {
        const length = this.#view.getUint16(at + 4);
        if (length < 8) this.events.add('udp.hlen_too_small');
        else if (length > room) this.events.add('udp.len_invalid');
      }
    } else if (protocol === PROTOCOL.icmp && room < 8) this.events.add('icmpv4.pkt_too_small');
    else if (protocol === PROTOCOL.icmp6 && room < 8) this.events.add('icmpv6.pkt_too_small');
  }

  /** RFC 9293, section 3.1. */
  #tcp(at: number, room: number): void {
    if (room < 20) {
      this.events.add('tcp.pkt_too_small');
      return;
    }
    const header = (this.#view.getUint8(at + 12) >> 4) * 4;
    if (header > room) {
      this.events.add('tcp.hlen_too_small');
      return;
    }
    if (header < 20) {
      this.events.add('tcp.invalid_optlen');
      return;
    }
    const seen = new Set<number>();
    for (let option = at + 20; option < at + header;) {
      const kind = this.#view.getUint8(option);
      if (kind === 0) return;
      if (kind === 1) {
        option++;
        continue;
      }
      if (option + 1 === at + header) return;
      const length = this.#view.getUint8(option + 1);
      if (length < 2 || option + length > at + header) {
        this.events.add('tcp.opt_invalid_len');
        return;
      }
      const fits = OPTIONS_TCP[kind];
      if (fits !== undefined && !fits(length)) this.events.add('tcp.opt_invalid_len');
      else if (fits !== undefined && seen.has(kind)) this.events.add('tcp.opt_duplicate');
      else seen.add(kind);
      option += length;
    }
  }
}

interface Option4 {
  readonly least: number;
  readonly most?: number;
  /** The least that a pointer may be, of options that have one. */
  readonly pointer?: 4 | 5;
}

/**
 * Options of IPv4: record route, quick start, timestamp, security, loose route, commercial security, stream, strict route, router alert.
 */
const OPTIONS4: Readonly<Record<number, Option4>> = {
  7: { least: 3, pointer: 4 },
  25: { least: 8 },
  68: { least: 5, pointer: 5 },
  130: { least: 11, most: 11 },
  131: { least: 3, pointer: 4 },
  134: { least: 10 },
  136: { least: 4, most: 4 },
  137: { least: 3, pointer: 4 },
  148: { least: 4, most: 4 },
};

const JUMBO = 0xc2;
/** Least lengths of the options of IPv6 that are known: router alert, jumbo payload, home address. */
const OPTIONS6: ReadonlyMap<number, number> = new Map([
  [5, 2],
  [JUMBO, 4],
  [0xc9, 16],
]);

/** Lengths that options of TCP may have: segment size, window scale, selective acknowledgement, timestamps, fast open. */
const OPTIONS_TCP: Readonly<Record<number, (length: number) => boolean>> = {
  2: (length) => length === 4,
  3: (length) => length === 3,
  4: (length) => length === 2,
  5: (length) => length === 2 || (length >= 10 && length <= 34 && (length - 2) % 8 === 0),
  8: (length) => length === 10,
  34: (length) => length === 2 || (length >= 6 && length <= 18 && length % 2 === 0),
};

/** Extension headers by number, and what it is called to have one again. */
const DUPLICATES: Readonly<Record<number, string>> = {
  [EXTENSION.hopByHop]: 'exthdr_dupl_hh',
  [EXTENSION.routing]: 'exthdr_dupl_rh',
  [EXTENSION.fragment]: 'exthdr_dupl_fh',
  [EXTENSION.esp]: 'exthdr_dupl_eh',
  [EXTENSION.ah]: 'exthdr_dupl_ah',
  [EXTENSION.destination]: 'exthdr_dupl_dh',
};
