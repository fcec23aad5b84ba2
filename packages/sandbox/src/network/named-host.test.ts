// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { hostsText } from './hosts-file.js';
import { checkHost, resolveHosts } from './named-host.js';
import { judgeContact } from './reachable.js';

describe('a host that is named', () => {
  it.each([
    ['192.0.2.7', { address: '192.0.2.7', prefix: 32 }],
    ['192.0.2.7:443', { address: '192.0.2.7', prefix: 32, port: 443 }],
    ['10.0.0.0/8', { address: '10.0.0.0', prefix: 8 }],
    ['10.0.0.0/8:65535', { address: '10.0.0.0', prefix: 8, port: 65_535 }],
    ['0.0.0.0/0', { address: '0.0.0.0', prefix: 0 }],
    ['169.254.169.254', { address: '169.254.169.254', prefix: 32 }],
    ['2001:db8::7', { address: '2001:db8::7', prefix: 128 }],
    ['2001:db8::/32', { address: '2001:db8::', prefix: 32 }],
    ['[2001:db8::7]:80', { address: '2001:db8::7', prefix: 128, port: 80 }],
    ['[2001:db8::/32]:80', { address: '2001:db8::', prefix: 32, port: 80 }],
    ['[2001:db8::7]', { address: '2001:db8::7', prefix: 128 }],
  ])('%s', async (text, expected) => expect(await resolveHosts([text])).toEqual([expected]));

  it.each(['example.org', 'example.org.', 'a-b.example.org:443', 'xn--bcher-kva.example', 'bücher.example', '_x.y'])(
    'may be the name %s',
    (text) => expect(() => checkHost(text)).not.toThrow(),
  );

  it.each([
    ['', 'a name, an address or a network is wanted'],
    ['10.1', 'a name, an address or a network is wanted'],
    ['192.0.2.300', 'a name, an address or a network is wanted'],
    ['0x7f.1', 'a name, an address or a network is wanted'],
    ['a b', 'a name, an address or a network is wanted'],
    ['a\n192.0.2.1 b', 'a name, an address or a network is wanted'],
    ['-a', 'a name, an address or a network is wanted'],
    ['example.org/24', 'a name, an address or a network is wanted'],
    ['http://example.org', '//example.org is no port'],
    ['10.0.0.0/33', 'a name, an address or a network is wanted'],
    ['10.0.0.0/8/8', 'a name, an address or a network is wanted'],
    ['2001:db8::/129', 'a name, an address or a network is wanted'],
    ['fe80::1%eth0', 'a name, an address or a network is wanted'],
    ['192.0.2.7:0', '0 is no port'],
    ['192.0.2.7:65536', '65536 is no port'],
    ['example.org:http', 'http is no port'],
    ['example.org:', ' is no port'],
    ['127.0.0.1', 'that is the workspace itself'],
    ['127.0.0.0/8', 'that is the workspace itself'],
    ['[::1]:80', 'that is the workspace itself'],
    ['0.0.0.0', 'that is no host'],
    ['224.0.0.1', 'that is many hosts or none'],
    ['ff02::1', 'that is many hosts'],
    ['::ffff:192.0.2.7', 'that is an address of IPv4'],
  ])('is not %j', (text, why) => expect(() => checkHost(text)).toThrow(`--allow-net ${text}: ${why}`));
});

describe('a contact', () => {
  const list = [
    { address: '192.0.2.7', prefix: 32, port: 443, name: 'example.org' },
    { address: '192.0.2.7', prefix: 32, port: 80, name: 'example.net' },
    { address: '10.1.2.3', prefix: 8 },
    { address: '2001:db8:7::', prefix: 44, port: 80 },
  ];
  it.each([
    ['192.0.2.7', 443, true, ['example.org', 'example.net']],
    ['192.0.2.7', 80, true, ['example.org', 'example.net']],
    ['192.0.2.7', 81, false, ['example.org', 'example.net']],
    ['192.0.2.7', 0, true, ['example.org', 'example.net']],
    ['192.0.2.8', 0, false, []],
    ['192.0.2.8', 443, false, []],
    ['10.255.0.1', 1, true, []],
    ['11.0.0.1', 1, false, []],
    ['2001:db8:f::1', 80, true, []],
    ['2001:db8:10::1', 80, false, []],
    ['127.0.0.53', 53, true, []],
    ['::1', 53, true, []],
    ['192.0.0.2', 80, true, []],
    ['192.0.0.1', 80, false, []],
  ])('with %s port %i is judged', (address, port, allowed, names) =>
    expect(judgeContact(list, address, port)).toEqual({ allowed, names }),
  );
});

it('names are known by a file', () => {
  const two = ['192.0.2.7', '2001:db8::7'].map((address) => ({ address, prefix: 32, name: 'example.org' }));
  expect(hostsText([...two, two[0]!, { address: '10.0.0.0', prefix: 8 }])).toBe(
    '127.0.0.1\tlocalhost plinth\n::1\tlocalhost\n192.0.2.7\texample.org\n2001:db8::7\texample.org\n',
  );
});
