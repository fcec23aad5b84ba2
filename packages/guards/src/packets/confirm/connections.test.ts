// SPDX-License-Identifier: Apache-2.0
// What a capture's connections are: streams in order, fragments in one piece, packets in packets, names of DNS, headers that are wrong,
// and how often a rule is told.
import { latin1 } from '@plinth/core';
import { describe, expect, it } from 'vitest';
import { decodePacket } from '../decode-packet.js';
import { parseRules } from '../parse-rules.js';
import type { Rule } from '../rule.js';
import { bytesOf } from './buffer-view.js';
import { PacketUnwrapper } from './carried-packets.js';
import { checksumOf } from './checksum.js';
import { decodeEvents } from './decode-events.js';
import { readDnsMessage } from './dns-message.js';
import { FlowTable } from './flow-table.js';
import { StreamAssembler } from './stream-assembler.js';
import { type TestPacket, testFrame } from './testing/packets.js';
import { Thresholds } from './threshold.js';

describe('a stream', () => {
  const add = (stream: StreamAssembler, ...segments: readonly (readonly [number, string])[]): string[] =>
    segments.map(([at, text]) => latin1(stream.add((0xffff_fffe + at) >>> 0, bytesOf(text))));

  it('is put in order over the end of numbers, and what came first holds', () => {
    const stream = new StreamAssembler(0xffff_fffe);
    expect(add(stream, [0, 'ab'], [4, 'ef'], [3, 'XYZ'], [2, 'cd'], [0, 'abcdefg'])).toEqual([
      'ab',
      '',
      '',
      'cXef',
      'g',
    ]);
    expect([latin1(stream.tail), stream.length]).toEqual(['abcXefg', 7]);
  });

  it('gives up what the other end has acknowledged and nobody has seen', () => {
    const stream = new StreamAssembler(0);
    stream.add(0, bytesOf('ab'));
    stream.add(6, bytesOf('gh'));
    expect(stream.skipTo(2)).toBeUndefined();
    expect(latin1(stream.skipTo(8)!)).toBe('gh');
    expect([stream.missing, stream.length]).toEqual([4, 8]);
  });

  it('keeps no more than a bound of what lies ahead', () => {
    const stream = new StreamAssembler(0);
    for (let n = 0; n < 5000; n++) stream.add(10 + 2 * n, bytesOf('x'));
    stream.add(0, bytesOf('0123456789'));
    expect(stream.length).toBe(11);
  });
});

describe('a connection', () => {
  it('is established by its handshake, and knows who asks', () => {
    const flows = new FlowTable({ midstream: false });
    const see = (frame: Uint8Array): unknown => {
      const seen = flows.see(frame, decodePacket(frame), 0n);
      return [seen?.direction, seen?.flow.established, latin1(seen?.fresh ?? bytesOf('none'))];
    };
    const back = { from: [2, 80], to: [1, 1000] } as const;
    expect(see(testFrame({ flags: 2, sequence: 9 }))).toEqual(['to_server', false, '']);
    expect(see(testFrame({ ...back, flags: 0x12, sequence: 99, acknowledged: 10 }))).toEqual(['to_client', false, '']);
    expect(see(testFrame({ flags: 0x10, sequence: 10, acknowledged: 100 }))).toEqual(['to_server', true, '']);
    expect(see(testFrame({ sequence: 10, acknowledged: 100, payload: 'GET' }))).toEqual(['to_server', true, 'GET']);
    expect(see(testFrame({ ...back, sequence: 100, acknowledged: 13, payload: 'no' }))).toEqual([
      'to_client',
      true,
      'no',
    ]);
  });

  it('is nothing to a segment with a wrong checksum, which its receiver throws away', () => {
    const flows = new FlowTable({ midstream: true });
    const see = (packet: TestPacket, checksum: 'right' | 'wrong' | 'absent', alone = false): string | undefined => {
      const frame = testFrame(packet);
      const alike = decodePacket(frame);
      if (checksum !== 'absent') {
        const view = new DataView(frame.buffer);
        let value = 0;
        do view.setUint16(50, ++value);
        while (checksumOf('tcpv4', frame, alike) !== (checksum === 'right'));
      } else if (alone) new DataView(frame.buffer).setUint16(50, 0x1400 + 3 + 6 + 20 + packet.payload!.length);
      const seen = flows.see(frame, alike, 0n);
      return seen === undefined ? undefined : latin1(seen.fresh);
    };
    const back = { from: [2, 80], to: [1, 1000] } as const;
    expect(see({ sequence: 10, payload: 'junk' }, 'wrong')).toBe(undefined);
    expect(see({ sequence: 10, payload: 'GET ' }, 'right')).toBe('GET ');
    expect(see({ sequence: 14, payload: 'junk' }, 'wrong')).toBe('');
    // It would end the connection.
    expect(see({ sequence: 14, flags: 4 }, 'wrong')).toBe('');
    expect(see({ sequence: 14, payload: 'none' }, 'absent')).toBe('');
    expect(see({ sequence: 14, payload: 'card' }, 'absent', true)).toBe('');
    expect(see({ sequence: 14, payload: '/evil' }, 'right')).toBe('/evil');
    // The other end leaves it to its card.
    expect(see({ ...back, sequence: 50, payload: 'a' }, 'absent')).toBe('a');
    expect(see({ ...back, sequence: 51, payload: 'b' }, 'absent', true)).toBe('b');
    expect(see({ ...back, sequence: 52, payload: 'c' }, 'wrong')).toBe('');
  });

  it('without its beginning is followed only if asked for', () => {
    const frame = testFrame({ sequence: 10, payload: 'GET / HTTP/1.1\r\n\r\n' });
    for (const midstream of [false, true]) {
      const seen = new FlowTable({ midstream }).see(frame, decodePacket(frame), 0n);
      expect([seen?.inStream, seen?.flow.app]).toEqual(midstream ? [true, 'http'] : [false, undefined]);
    }
  });
});

describe('fragments and tunnels', () => {
  const inner = testFrame({ payload: 'inside' });
  const packet = (protocol: number, payload: Uint8Array, fragment = 0): Uint8Array => {
    const frame = testFrame({ protocol: 'udp', payload: new Uint8Array(payload.length) }).slice(0, 34 + payload.length);
    new DataView(frame.buffer).setUint16(16, 20 + payload.length);
    new DataView(frame.buffer).setUint16(20, fragment);
    frame[23] = protocol;
    frame.set(payload, 34);
    return frame;
  };
  const origins = (frame: Uint8Array, unwrapper = new PacketUnwrapper()): string[] =>
    unwrapper.unwrap(frame, 0n).map(({ origin, frame: { length } }) => `${origin} ${length}`);

  it('are put together in any order, and overlaps are told', () => {
    const unwrapper = new PacketUnwrapper();
    const data = inner.subarray(34);
    expect(origins(packet(6, data.subarray(16), 2), unwrapper)).toHaveLength(1);
    const all = unwrapper.unwrap(packet(6, data.subarray(0, 16), 0x2000), 0n);
    expect(all.map(({ origin }) => origin)).toEqual(['wire/pcap', 'defrag']);
    expect(decodePacket(all[1]!.frame)).toMatchObject({ kind: 'transport', payloadLength: 6 });
    const [first, again] = [1, 2].map(() => unwrapper.unwrap(packet(6, data.subarray(0, 16), 0x2000), 1n)[0]!.events);
    expect([first!.has('ipv4.frag_overlap'), again!.has('ipv4.frag_overlap')]).toEqual([false, true]);
  });

  it('are looked into', () => {
    const ip = inner.subarray(14);
    expect(origins(packet(4, ip))).toEqual(['wire/pcap 80', 'ipv4 tunnel 60']);
    expect(origins(packet(47, Uint8Array.of(0, 0, 8, 0, ...ip)))[1]).toBe('gre tunnel 60');
    expect(origins(packet(47, Uint8Array.of(0x20, 0, 8, 0, 1, 2, 3, 4, ...ip)))[1]).toBe('gre tunnel 60');
    const vxlan = testFrame({
      protocol: 'udp',
      to: [2, 4789],
      payload: Uint8Array.of(8, 0, 0, 0, 0, 0, 1, 0, ...inner),
    });
    expect(origins(vxlan)[1]).toBe('vxlan encapsulation 60');
    // Tunnels in tunnels, up to a bound.
    let deep: Uint8Array = inner;
    for (let n = 0; n < 20; n++) deep = packet(4, deep.subarray(14));
    expect(origins(deep)).toHaveLength(8);
  });

  it('of any bytes are some packets, and no error', () => {
    let state = 1;
    const next = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff) >> 8;
    const unwrapper = new PacketUnwrapper();
    for (let n = 0; n < 5000; n++) {
      const frame = packet(
        [4, 6, 17, 41, 44, 47][next() % 6]!,
        Uint8Array.from({ length: next() % 80 }, () => next() & 255),
        next() % 5 === 0 ? next() & 0x3fff : 0,
      );
      if (next() % 3 === 0) frame.set([0x86, 0xdd, 0x60], 12);
      for (let m = next() % 4; m > 0; m--) frame[next() % frame.length] = next() & 255;
      expect(unwrapper.unwrap(frame.subarray(0, 1 + (next() % frame.length)), BigInt(n)).length).toBeGreaterThan(0);
    }
  });
});

describe('headers', () => {
  it('are told to be wrong by name', () => {
    const frame = testFrame({ payload: 'x' });
    const changed = (at: number, value: number): string[] => {
      const copy = frame.slice();
      copy[at] = value;
      return [...decodeEvents(copy)];
    };
    expect([...decodeEvents(frame)]).toEqual([]);
    expect(changed(14, 0x44)).toEqual(['ipv4.hlen_too_small']);
    expect(changed(17, 255)).toEqual(['ipv4.trunc_pkt']);
    expect(changed(46, 0x40)).toEqual(['tcp.invalid_optlen']);
    expect(changed(46, 0xf0)).toEqual(['tcp.hlen_too_small']);
    expect([...decodeEvents(frame.subarray(0, 10))]).toEqual(['ethernet.pkt_too_small']);
  });

  it('have checksums that are right or wrong', () => {
    const frame = testFrame({ payload: 'odd' });
    const packet = decodePacket(frame);
    expect(checksumOf('tcpv4', frame, packet)).toBe(false);
    // RFC 1071, by hand: the sum of pseudo header, header and data, folded and turned.
    let sum = 0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 6 + 23;
    for (let at = 34; at < 57; at += 2) sum += (frame[at]! << 8) | (frame[at + 1] ?? 0);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    new DataView(frame.buffer).setUint16(50, ~sum & 0xffff);
    expect(checksumOf('tcpv4', frame, packet)).toBe(true);
    expect(checksumOf('udpv4', frame, packet)).toBeUndefined();
  });
});

describe('a message of DNS', () => {
  const message = (flags: number, counts: readonly number[], rest: string): Uint8Array => {
    const header = new Uint8Array(12);
    [7, flags, ...counts].forEach((value, n) => new DataView(header.buffer).setUint16(2 * n, value));
    return Uint8Array.of(...header, ...bytesOf(rest));
  };

  it('has the names that are asked for', () => {
    const read = readDnsMessage(message(0x0100, [1, 0, 0, 0], '\x03www\x07example\x03com\0\0\x01\0\x01'));
    expect(read?.queries.map(({ name, type }) => [latin1(name), type])).toEqual([['www.example.com', 1]]);
    expect([read?.isResponse, [...read!.events]]).toEqual([false, []]);
  });

  it('says what is wrong with it', () => {
    const events = (bytes: Uint8Array): string[] => [...readDnsMessage(bytes)!.events];
    expect(events(message(0x0140, [1, 0, 0, 0], '\x01a\0\0\x01\0\x01'))).toEqual(['z_flag_set']);
    expect(events(message(0x7900, [1, 0, 0, 0], '\x01a\0\0\x01\0\x01'))).toEqual(['invalid_opcode']);
    expect(events(message(0x0100, [1, 0, 0, 0], '\x05a'))).toEqual(['malformed_data']);
    expect(events(message(0x0100, [1, 0, 0, 0], '\xc0\x0c\0\x01\0\x01'))).toContain('infinite_loop');
    expect(readDnsMessage(bytesOf('short'))).toBeUndefined();
  });
});

describe('a threshold', () => {
  const told = (options: string, times: readonly number[], flow = 1): string => {
    const { rules } = parseRules(`alert tcp any any -> any any (${options} sid:1;)`, 'test.rules');
    const thresholds = new Thresholds();
    const rule: Rule = rules[0]!;
    const subject = { source: '1', destination: '2', flow };
    return times.map((time) => thresholds.judge(rule, subject, BigInt(time) * 1_000_000_000n)[0]).join('');
  };
  it.each([
    ['threshold:type limit, track by_src, count 2, seconds 10;', [0, 1, 2, 9, 10, 11, 12], 'ttaatta'],
    ['threshold:type threshold, track by_src, count 2, seconds 10;', [0, 1, 2, 3, 20, 40], 'ntntnn'],
    ['threshold:type both, track by_src, count 2, seconds 10;', [0, 1, 2, 3, 20, 21], 'ntaant'],
    ['detection_filter:track by_src, count 2, seconds 10;', [0, 1, 2, 3, 20], 'nnttn'],
    ['threshold:type backoff, track by_flow, count 1, multiplier 3;', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 'tataaaaata'],
    ['content:"x";', [0, 1], 'tt'],
  ])('%s', (options, times, expected) => {
    expect(told(options, times)).toBe(expected);
  });
});
