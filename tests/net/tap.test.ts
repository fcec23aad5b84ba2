// SPDX-License-Identifier: Apache-2.0
// Two guests, each on a tap interface, on one bridge of the kernel's, in a network namespace of their own.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commandOutput } from '../boot/guest.js';
import { BRIDGE, missingBridge } from './bridge.js';
import { missingDriver, NetGuest } from './guest.js';
import { missingNamespace, Namespace, Output } from '../../bench/src/namespace.js';

const missing = missingNamespace() ?? missingBridge() ?? (await missingDriver());

describe('two guests on tap interfaces', () => {
  it('exchange a file', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using server = new NetGuest(`
ip link set eth0 up; ip address add 10.5.0.1/24 dev eth0
mkdir /tmp/www
head -c 10000000 /dev/urandom >/tmp/www/file
sha256sum </tmp/www/file
httpd -p 80 -h /tmp/www
nc -l -p 9 </dev/null
`);
    using client = new NetGuest(`
ip link set eth0 up; ip address add 10.5.0.2/24 dev eth0
until wget -q -O /tmp/file http://10.5.0.1/file 2>/dev/null; do sleep 0.5; done
sha256sum </tmp/file
until nc 10.5.0.1 9 </dev/null 2>/dev/null; do sleep 0.5; done
`);
    using namespace = await Namespace.create(BRIDGE);
    const pcap = client.file('all.pcap');
    const other = ['--net', 'tap:two,mac=52:54:00:00:00:02', '--pcap', pcap];
    const [first, second] = [
      namespace.start(process.execPath, ...server.run('--net', 'tap:one')),
      namespace.start(process.execPath, ...client.run(...other)),
    ].map((child) => ({ console: new Output(child), errors: new Output(child, 'stderr') }));
    expect(await Promise.all([first!.console.ended, second!.console.ended])).toEqual([0, 0]);
    expect([first!.errors.text, second!.errors.text]).toEqual(['', '']);
    const hash = commandOutput(first!.console.text);
    expect(hash).toMatch(/^[0-9a-f]{64} {2}-\n$/);
    expect(commandOutput(second!.console.text)).toBe(hash);
    expect(readFileSync(pcap).readUInt32LE(0)).toBe(0xa1b2_3c4d);
  });

  it('are refused an interface that is not there, or is none, in one line', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using guest = new NetGuest('true');
    using namespace = await Namespace.create(BRIDGE);
    for (const [name, why] of [
      ['three', 'there is no such interface: make it with "ip tuntap add dev three mode tap user $USER"'],
      ['bridge', 'this is no tap interface'],
    ]) {
      const child = namespace.start(process.execPath, ...guest.run('--net', `tap:${name}`));
      const errors = new Output(child, 'stderr');
      expect(await errors.ended).toBe(2);
      expect(errors.text.startsWith(`plinth: net: tap:${name}: ${why}`)).toBe(true);
      expect(errors.text.trim().split('\n')).toHaveLength(1);
    }
  });
});
