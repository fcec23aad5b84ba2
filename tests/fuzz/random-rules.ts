// SPDX-License-Identifier: Apache-2.0
// Files of rules, most of which are right: every kind of header and option, put together anyhow.

import type { Random } from './random.js';

const ADDRESSES = [
  'any',
  '$HOME_NET',
  '$EXTERNAL_NET',
  '10.0.0.1',
  '10.0.0.0/8',
  '!192.168.0.0/16',
  '[10.0.0.0/8,!10.1.0.0/16,fe80::/10]',
  '[1.2.3.4-1.2.3.9,::1]',
  '![$HOME_NET,[8.8.8.8,8.8.4.4]]',
  '$NOWHERE',
];
const PORTS = ['any', '80', '1024:', ':1023', '80:90', '!25', '[80,443,8000:8100,!8080]', '$HTTP_PORTS', '![1:65535]'];
const CONTENTS = ['GET ', 'a|00 ff|b', 'x', 'select', '|41|', 'a\\"b\\;c\\:d', 'union all', '|0D 0A|', '%2e%2e', ''];
const OPTIONS = [
  'nocase',
  'offset:3',
  'depth:20',
  'distance:1',
  'within:40',
  'startswith',
  'endswith',
  'fast_pattern',
  'fast_pattern:only',
  'dsize:>10',
  'dsize:3<>9',
  'flow:established,to_server',
  'flowbits:set,here',
  'flowbits:isset,here',
  'flags:S,12',
  'flags:!FA',
  'itype:8',
  'icode:<4',
  'http.uri',
  'http_uri',
  'pcre:"/a[bc]+d/Ri"',
  'isdataat:10,relative',
  'urilen:>100',
  'bsize:4',
  'threshold:type limit, track by_src, count 1, seconds 60',
  'classtype:web-application-attack',
  'priority:1',
  'reference:url,example.org/x',
  'metadata:a b, c d',
  'rev:3',
  'noalert',
  'byte_test:2,>,10,0',
  'no_such_option:1',
];

export function randomRules(random: Random): string {
  const lines = Array.from({ length: 1 + random.below(6) }, () => (random.chance(0.1) ? other(random) : rule(random)));
  return lines.join(random.pick(['\n', '\r\n']));
}

function other(random: Random): string {
  return random.pick([
    '',
    '# alert tcp any any -> any any (sid:1;)',
    '   ',
    'alert',
    'alert tcp any any -> \\',
    ')(',
    '"',
  ]);
}

function rule(random: Random): string {
  const action = random.pick(['alert', 'drop', 'pass', 'reject', 'rejectsrc', 'log']);
  const protocol = random.pick(['tcp', 'tcp', 'udp', 'icmp', 'ip', 'http', 'dns', 'tcp-pkt', 'ip6']);
  const arrow = random.pick(['->', '->', '->', '<>', '<-']);
  const end = (): string => `${random.pick(ADDRESSES)} ${random.pick(PORTS)}`;
  const options = ['msg:"a rule"', ...contents(random), `sid:${random.below(100_000)}`];
  return `${action} ${protocol} ${end()} ${arrow} ${end()} (${options.join('; ')};)`;
}

function contents(random: Random): string[] {
  return Array.from({ length: random.below(5) }, () => {
    const modifiers = Array.from({ length: random.below(4) }, () => random.pick(OPTIONS));
    const not = random.chance(0.1) ? '!' : '';
    return [`content:${not}"${random.pick(CONTENTS)}"`, ...modifiers];
  }).flat();
}
