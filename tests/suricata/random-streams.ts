// SPDX-License-Identifier: Apache-2.0
// Connections whose segments are cut anywhere, come twice or late, are acknowledged or not, and end or not; and rules for what they say.

import type { Random } from '../fuzz/random.js';
import { bytesOf, ethernet, FLAG, internet, tcp } from './packet-layers.js';
import type { CaseNetwork } from './random-headers.js';

const WORDS = ['attack', 'hello ', 'union', 'select', 'aaaa', 'GET', ' x ', 'evil', '0123456789'];

export interface StreamOptions {
  /** Segments in another order. */
  readonly disorder: boolean;
}

/** All packets of a connection; the client is the first host, its port 1000. */
export function streamFrames(random: Random, network: CaseNetwork, { disorder }: StreamOptions): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const ends = { client: { next: random.word(), sent: 0 }, server: { next: random.word(), sent: 0 } };
  const send = (from: 'client' | 'server', flags: number, sequence: number, acknowledged: number, text = ''): void => {
    const [source, destination] = from === 'client' ? [1, 2] : [2, 1];
    const ports: [number, number] = from === 'client' ? [1000, 80] : [80, 1000];
    const segment = tcp({ ports, flags, sequence: sequence >>> 0, acknowledged: acknowledged >>> 0 }, bytesOf(text));
    const inside = internet(
      { source: network.address4(source), destination: network.address4(destination), protocol: 6 },
      segment,
    );
    frames.push(ethernet({ type: 0x0800 }, inside));
  };
  const { client, server } = ends;
  send('client', FLAG.syn, client.next, 0);
  send('server', FLAG.syn | FLAG.ack, server.next, client.next + 1);
  client.next++;
  server.next++;
  send('client', FLAG.ack, client.next, server.next);
  for (let turn = random.below(3) + 1; turn > 0; turn--) {
    const from = random.pick(['client', 'client', 'server'] as const);
    const to = from === 'client' ? 'server' : 'client';
    const [sender, receiver] = [ends[from], ends[to]];
    const text = Array.from({ length: 1 + random.below(6) }, () => random.pick(WORDS)).join('');
    const segments: { at: number; text: string }[] = [];
    for (let at = 0; at < text.length;) {
      const size = random.pick([1, 3, 8, 40, 100]);
      segments.push({ at, text: text.slice(at, at + size) });
      at += size;
    }
    if (disorder) disturb(random, segments);
    for (const { at, text: part } of segments) {
      send(from, FLAG.ack | random.pick([0, FLAG.psh]), sender.next + at, receiver.next, part);
      if (random.chance(0.3) && !disorder) send(to, FLAG.ack, receiver.next, sender.next + at + part.length);
    }
    sender.next += text.length;
    if (random.chance(0.7)) send(to, FLAG.ack, receiver.next, sender.next);
  }
  close(random, ends, send);
  return frames;
}

function disturb(random: Random, segments: { at: number; text: string }[]): void {
  if (random.chance(0.5) && segments.length > 1) {
    const n = random.below(segments.length - 1);
    [segments[n], segments[n + 1]] = [segments[n + 1]!, segments[n]!];
  }
}

function close(
  random: Random,
  { client, server }: Record<'client' | 'server', { next: number }>,
  send: (from: 'client' | 'server', flags: number, sequence: number, acknowledged: number) => void,
): void {
  switch (random.below(5)) {
    case 0:
      break;
    case 1:
      send('client', FLAG.fin | FLAG.ack, client.next, server.next);
      send('server', FLAG.fin | FLAG.ack, server.next, client.next + 1);
      send('client', FLAG.ack, client.next + 1, server.next + 1);
      break;
    case 2:
      send('server', FLAG.fin | FLAG.ack, server.next, client.next);
      send('client', FLAG.fin | FLAG.ack, client.next, server.next + 1);
      send('server', FLAG.ack, server.next + 1, client.next + 1);
      break;
    case 3:
      send('client', FLAG.rst, client.next, 0);
      break;
    default:
      send('server', FLAG.rst | FLAG.ack, server.next, client.next);
  }
}

export function streamRules(random: Random, network: CaseNetwork, count: number): string[] {
  const word = (): string =>
    random.pick(['attack', 'hello', 'union', 'evil', 'ack', 'a', 'GET', '9', 'aaaa', 'nselect']);
  const place = (): string =>
    random.pick([
      '',
      '',
      '',
      'nocase; ',
      `depth:${8 + random.below(30)}; `,
      `offset:${random.below(20)}; `,
      'startswith; ',
      'endswith; ',
      `offset:${random.below(9)}; depth:${8 + random.below(9)}; `,
    ]);
  return Array.from({ length: count }, (_, n) => {
    const protocol = random.pick(['tcp', 'tcp', 'tcp', 'ip', 'tcp-pkt', 'tcp-stream']);
    const flow = random.pick([
      '',
      '',
      'flow:established; ',
      'flow:to_server; ',
      'flow:established,to_client; ',
      'flow:stateless; ',
      'flow:only_stream; ',
      'flow:no_stream; ',
      'flow:not_established; ',
    ]);
    const contents = Array.from({ length: random.pick([0, 1, 1, 1, 2]) }, (_none, k) => {
      // What must not be there comes second, anywhere: of other ways to ask for it Suricata tells in packets without a payload, too.
      const negated = k > 0 && random.chance(0.25);
      const relative = k > 0 && !negated && random.chance(0.5);
      const where = relative ? `distance:${random.below(4)}; ` : place();
      return `content:${negated ? '!' : ''}"${word()}"; ${negated ? '' : where}`;
    }).join('');
    const more = random.pick([
      '',
      '',
      '',
      '',
      'dsize:>5; ',
      'ttl:64; ',
      'flags:PA; ',
      'isdataat:10; ',
      'pcre:"/at+ack/"; ',
      'flags:S; ',
    ]);
    const address = `${network.text4(0)}/24`;
    return `alert ${protocol} ${address} any -> ${address} any (${flow}${contents}${more}sid:${network.number * 100 + n + 1};)`;
  });
}
