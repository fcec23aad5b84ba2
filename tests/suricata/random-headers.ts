// SPDX-License-Identifier: Apache-2.0
// Packets whose headers have few values, and rules that ask for them, so that many match.

import type { Random } from '../fuzz/random.js';
import { type Address, bytesOf, ethernet, icmp, internet, tcp, udp } from './packet-layers.js';

/** Both ends of a case: nobody else has them. */
export interface CaseNetwork {
  readonly number: number;
  readonly address4: (host: number) => Address;
  readonly address6: (host: number) => Address;
  readonly text4: (host: number) => string;
  readonly text6: (host: number) => string;
}

export function caseNetwork(number: number): CaseNetwork {
  const [high, low] = [number >> 8, number & 255];
  return {
    number,
    address4: (host) => [10, high, low, host],
    address6: (host) => [0xfd, 0, high, low, ...Array.from({ length: 11 }, () => 0), host],
    text4: (host) => `10.${high}.${low}.${host}`,
    text6: (host) => `fd00:${number.toString(16)}::${host.toString(16)}`,
  };
}

const TEXTS = ['', '', 'a', 'attack', 'GET / HTTP/1.0', 'union select', '0123456789'.repeat(12)];

export function headerFrame(random: Random, network: CaseNetwork): Uint8Array {
  const is6 = random.chance(0.3);
  const address = is6 ? network.address6 : network.address4;
  const from = 1 + random.below(3);
  const to = ((from + random.below(2)) % 3) + 1;
  const ports = (): [number, number] => [random.pick([1000, 1001, 5000]), random.pick([80, 81, 1000])];
  const payload = bytesOf(random.pick(TEXTS));
  const protocol = random.pick([6, 6, 17, 17, is6 ? 58 : 1, is6 ? 58 : 1, ...(is6 ? [] : [2])]);
  const above =
    protocol === 6
      ? tcp(
          {
            ports: ports(),
            flags: random.pick([2, 0x12, 0x10, 0x18, 4, 1, 0x11, 0x29, 0, 0xff, 0xc2, 0x42, random.below(256)]),
            sequence: random.pick([0, 1, 1000, 0xffff_ffff]),
            acknowledged: random.pick([0, 1, 1000, 0xffff_ffff]),
            window: random.pick([0, 512, 0xffff]),
            options: random.pick([[], [2, 4, 5, 0xb4], [2, 4, 2, 24], [1, 1, 1, 0]]),
          },
          payload,
        )
      : protocol === 17
        ? udp(ports(), payload)
        : protocol === 1 || protocol === 58
          ? icmp(
              {
                type: random.pick(protocol === 1 ? [0, 8, 3, 11, 13, 30] : [128, 129, 1, 3, 135]),
                code: random.pick([0, 0, 0, 1, 3]),
                id: random.pick([0, 1, 500]),
                sequence: random.pick([0, 1, 500]),
              },
              payload,
            )
          : [];
  const inside = internet(
    {
      source: address(from),
      destination: address(to),
      protocol,
      ttl: random.pick([1, 64, 255]),
      tos: random.pick([0, 0, 4, 8, 16, 255]),
      id: random.pick([0, 1, 1000]),
      bits: random.pick([0, 0, 2, 4, 6]),
      options: is6
        ? []
        : random.pick([[], [], [], [7, 7, 4, 0, 0, 0, 0, 0], [1, 1, 1, 0], [148, 4, 0, 0], [136, 4, 0, 1]]),
      extensions: random.pick([
        [],
        [],
        [{ kind: 0, bytes: [0, 0, 1, 4, 0, 0, 0, 0] }],
        [{ kind: 60, bytes: [0, 0, 1, 4, 0, 0, 0, 0] }],
        [{ kind: 51, bytes: [0, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, ...Array.from({ length: 12 }, () => 7)] }],
      ]),
    },
    above,
  );
  return ethernet({ type: is6 ? 0x86dd : 0x0800, tags: random.pick([[], [], [], [5], [7, 9]]) }, inside);
}

/** An end of a rule's header. */
function address(random: Random, network: CaseNetwork): string {
  const { text4, text6, number } = network;
  return random.pick([
    'any',
    text4(1),
    text4(2),
    `${text4(0)}/24`,
    `[${text4(1)},${text4(3)}]`,
    `[${text4(0)}/24,!${text4(1)}]`,
    `${text4(1)}-${text4(2)}`,
    text6(1),
    `fd00:${number.toString(16)}::/32`,
    `[${text6(1)},${text4(2)}]`,
    `[fd00:${number.toString(16)}::/32,${text4(0)}/24,!${text4(3)},!${text6(2)}]`,
    `!${text4(1)}`,
    `![${text4(1)},${text6(1)}]`,
    '$HOME_NET',
    '!$HOME_NET',
    '$EXTERNAL_NET',
  ]);
}

const PORTS = [
  'any',
  'any',
  '80',
  '1000',
  '[80,1000]',
  '80:81',
  ':80',
  '1000:',
  '!80',
  '![80,1000]',
  '[1:2000,!80]',
  '$HTTP_PORTS',
  '[$HTTP_PORTS,1000]',
];

const OPTIONS: readonly ((random: Random) => string)[] = [
  (random) => `dsize:${random.pick(['0', '1', '>5', '<14', '6', '1<>14', '5<>7', '!6', '>=14', '<=6', '6<>120'])}`,
  (random) => `itype:${random.pick(['8', '0', '>8', '<8', '0<>13', '128', '3', '<128', '8<>30', '>=8', '!8'])}`,
  (random) => `icode:${random.pick(['0', '1', '>0', '<3', '0<>3', '!0', '>=1'])}`,
  (random) => `icmp_id:${random.pick(['0', '1', '500'])}`,
  (random) => `icmp_seq:${random.pick(['0', '1', '500'])}`,
  (random) => `ttl:${random.pick(['1', '64', '<64', '>64', '1-64', '<255', '>1', '!64', '>=64', '0-255'])}`,
  (random) => `tos:${random.pick(['8', '!8', '0', 'x10', '!x10', '255'])}`,
  (random) =>
    `ip_proto:${random.pick(['6', 'tcp', '!6', '>6', '<17', 'UDP', '!udp', 'icmp', '47', '132', 'gre', '58', 'sctp', '!47'])}`,
  (random) => `ipopts:${random.pick(['rr', 'eol', 'nop', 'ts', 'sec', 'lsrr', 'ssrr', 'satid', 'rtralt'])}`,
  (random) => `fragbits:${random.pick(['D', 'M', '!D', '+D', 'R', 'DR', '*DR', 'MDR', '+R', '!DR'])}`,
  (random) => `fragoffset:${random.pick(['0', '>0', '<1', '5'])}`,
  (random) => `id:${random.pick(['0', '1', '1000'])}`,
  () => 'sameip',
  (random) =>
    `flags:${random.pick(['S', 'A', 'SA', 'S+', '+A', '*PA', '!P', 'S,12', 'S,CE', 'F', 'FPU', '0', 'A+', 'CE', '0+', 'PA', 'S*', 'PA*', 'P!', 'FSRPAUEC', '+CE', 'SCE', '12S'])}`,
  (random) => `seq:${random.pick(['0', '1', '1000', '4294967295'])}`,
  (random) => `ack:${random.pick(['0', '1', '1000', '4294967295'])}`,
  (random) => `window:${random.pick(['0', '512', '65535', '!512', '!0'])}`,
  (random) => `tcp.mss:${random.pick(['1460', '<1000', '>536', '536', '500-1500'])}`,
  (random) => `content:"${random.pick(['attack', 'a', 'GET', '0123'])}"`,
  (random) => `icmpv6.mtu:${random.pick(['>0', '<1500', '1'])}`,
  (random) =>
    `flow:${random.pick(['stateless', 'not_established', 'established', 'to_server', 'to_client', 'no_frag', 'only_frag'])}`,
];

const PROTOCOLS = [
  'ip',
  'ip',
  'tcp',
  'tcp',
  'udp',
  'udp',
  'icmp',
  'icmp',
  'icmpv6',
  'ip4',
  'ip6',
  'ipv4',
  'ipv6',
  'icmpv4',
  'tcp-pkt',
  'tcp-stream',
];

/** At most as many as Suricata tells of one packet. */
export function headerRules(random: Random, network: CaseNetwork, count: number): string[] {
  return Array.from({ length: count }, (_, n) => {
    // One end is always of the case.
    const own = random.pick([
      `${network.text4(0)}/24`,
      `fd00:${network.number.toString(16)}::/32`,
      address(random, network),
    ]);
    const isOwn = /^\[?(10\.|fd00)/.test(own);
    const ends = [isOwn ? own : `${network.text4(0)}/24`, address(random, network)];
    if (random.chance(0.5)) ends.reverse();
    const options = Array.from({ length: random.pick([0, 0, 1, 1, 1, 2]) }, () => `${random.pick(OPTIONS)(random)}; `);
    const header = `${random.pick(PROTOCOLS)} ${ends[0]} ${random.pick(PORTS)} ${random.pick(['->', '->', '<>'])} ${ends[1]} ${random.pick(PORTS)}`;
    return `alert ${header} (msg:"rule ${n}"; ${options.join('')}sid:${network.number * 100 + n + 1}; rev:1;)`;
  });
}
