// SPDX-License-Identifier: Apache-2.0
// Rules of all that the kernel decides, and payloads that they may match.

import type { Random } from '../fuzz/random.js';

const WORDS = ['attack', 'SELECT', 'union', 'ab', 'abc', 'bcab', 'x', '|00 01|', '../..', 'cmd.exe', 'aa', 'aaaaaaaa'];

const PROTOCOLS = ['ip', 'ip', 'ip', 'tcp', 'tcp', 'udp', 'udp', 'icmp', 'ip4', 'ipv6', 'tcp-pkt', 'tcp-stream'];

export function randomRules(random: Random): string {
  const address = (): string =>
    random.pick([
      ...Array<string>(12).fill('any'),
      '10.0.0.0/8',
      '[0.0.0.0-127.255.255.255,!10.0.0.0/8]',
      '8000::/1',
      '!8000::/1',
      '[::/2,128.0.0.0/1]',
    ]);
  const port = (): string =>
    random.pick([...Array<string>(9).fill('any'), '1024:', ':32767', '[1:100,200:40000,!300]']);
  const option = (): string =>
    random.pick([
      `dsize:>${random.below(60)}; `,
      `dsize:${random.below(20)}<>${20 + random.below(200)}; `,
      `flags:${random.pick(['S', 'SA+', 'FPU*', '!R', 'S,CE'])}; `,
      `itype:<${random.below(300)}; `,
      `icode:${random.below(6)}<>${6 + random.below(200)}; `,
      `dsize:!${random.below(20)}; `,
      `ttl:>${random.below(256)}; `,
      `ip_proto:${random.pick(['6', '!17', '<20', '>40'])}; `,
      `id:<${random.below(0x10000)}; `,
      `seq:>${random.word()}; `,
      `ack:!${random.word()}; `,
      `window:<${random.below(0x10000)}; `,
      `icmp_id:>${random.below(0x10000)}; `,
      `icmp_seq:<${random.below(0x10000)}; `,
    ]);
  const content = (_: unknown, n: number): string => {
    const word = random.pick(WORDS);
    const length = word === '|00 01|' ? 2 : word.length;
    if (n > 0 && random.chance(0.3)) {
      const within = random.pick(['', `within:${length + random.below(20)}; `, `within:${length}; `]);
      const nocase = random.chance(0.2) ? 'nocase; ' : '';
      return `content:"${word}"; ${nocase}distance:${random.pick([0, 0, 1, -2, 5])}; ${within}`;
    }
    const place = random.pick([
      '',
      '',
      'nocase; ',
      `offset:${random.below(30)}; `,
      `depth:${10 + random.below(40)}; `,
      `offset:${random.below(10)}; depth:${10 + random.below(20)}; `,
      'startswith; ',
      'startswith; ',
      'endswith; ',
    ]);
    return `content:${random.chance(0.15) ? '!' : ''}"${word}"; ${place}`;
  };
  return Array.from({ length: 1 + random.below(random.pick([4, 40])) }, (_, n) => {
    const contents = Array.from({ length: random.pick([0, 1, 1, 1, 2, 3]) }, content).join('');
    const options = Array.from({ length: random.pick([0, 0, 0, 0, 1, 2]) }, option).join('');
    const head = `${random.pick(['alert', 'alert', 'alert', 'drop', 'drop', 'reject', 'pass'])} ${random.pick(PROTOCOLS)}`;
    const ends = `${address()} ${port()} ${random.pick(['->', '<>'])} ${address()} ${port()}`;
    return `${head} ${ends} (${contents}${options}sid:${n + 1};)`;
  }).join('\n');
}

/** Rules of which many have one content that may be anywhere. */
export function streamRules(random: Random): string {
  const words = ['attack', 'SELECT', 'union', 'abcbcab', 'attackunion', 'zzaaaSELECT', 'bc', 'aaa'];
  return Array.from({ length: 1 + random.below(6) }, (_, n) => {
    const place = random.pick(['', '', '', 'nocase; ', 'startswith; ', 'offset:3; ', 'endswith; ']);
    const action = random.pick(['alert', 'alert', 'alert', 'drop']);
    const protocol = random.pick(['tcp', 'tcp', 'tcp', 'tcp-pkt', 'tcp-stream']);
    const more = random.pick([
      '',
      '',
      '',
      `content:!"${random.pick(words)}"; `,
      'flow:only_stream; ',
      'flow:no_stream; ',
      `content:"${random.pick(words)}"; `,
      `content:"${random.pick(words)}"; `,
      `content:"${random.pick(words)}"; content:"${random.pick(words)}"; `,
      `content:"${random.pick(words)}"; content:!"${random.pick(words)}"; `,
    ]);
    const content = `content:"${random.pick(words)}"; ${place}`;
    return `${action} ${protocol} any any -> any any (${content}${more}sid:${n + 1};)`;
  }).join('\n');
}

/** Rules about connections. */
export function flowRules(random: Random): string {
  return Array.from({ length: 1 + random.below(8) }, (_, n) => {
    const flow = random.pick([
      'flow:to_server; ',
      'flow:to_client; ',
      'flow:established; ',
      'flow:not_established; ',
      'flow:established,to_server; ',
      'flow:to_client,established; ',
      'flow:stateless; ',
      '',
    ]);
    const bits = random.pick([
      '',
      '',
      'flowbits:set,one; ',
      'flowbits:set,two; flowbits:noalert; ',
      'flowbits:isset,one|two; ',
      'flowbits:isset,one; flowbits:isset,two; ',
      'flowbits:isnotset,one; flowbits:set,one; ',
      'flowbits:isnotset,two; ',
      'flowbits:isset,one; flowbits:unset,one; ',
      'flowbits:toggle,two; ',
    ]);
    const content = random.pick(['', '', 'content:"attack"; ', 'content:"union"; content:"ab"; ', 'content:"bcab"; ']);
    const action = random.pick(['alert', 'alert', 'alert', 'alert', 'drop', 'pass']);
    const port = random.pick(['any', 'any', '1000', '[1001,1003]']);
    return `${action} ${random.pick(['ip', 'tcp', 'tcp', 'udp', 'icmp'])} any any -> any ${port} (${flow}${content}${bits}sid:${n + 1};)`;
  }).join('\n');
}

export function randomPayload(random: Random): Uint8Array {
  const text: string[] = [];
  for (let n = random.below(random.pick([2, 6, 40])); n > 0; n--) {
    text.push(random.pick([...WORDS.filter((word) => !word.includes('|')), 'AB', 'ATTack', '\u0000\u0001', ' ', 'zz']));
  }
  return Uint8Array.from(text.join(''), (char) => char.charCodeAt(0));
}
