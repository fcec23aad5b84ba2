// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { parseNet } from './net-option.js';
import { passtArguments } from './passt.js';

const USER = { kind: 'user', mac: '52:54:00:12:34:56', mtu: 65520, forwards: [] };

describe('--net', () => {
  it.each<[string, object]>([
    ['none', { kind: 'none' }],
    ['user', USER],
    ['user,id=n,model=virtio-net-device', USER],
    ['user,mac=52:54:00:AB:00:01,mtu=1500', { ...USER, mac: '52:54:00:ab:00:01', mtu: 1500 }],
    ['user,hostfwd=tcp::2222-:22', { ...USER, forwards: [{ protocol: 'tcp', hostPort: 2222, guestPort: 22 }] }],
    [
      'user,hostfwd=tcp:127.0.0.1:2222-:22,hostfwd=udp:[::1]:53-:5353',
      {
        ...USER,
        forwards: [
          { protocol: 'tcp', hostAddress: '127.0.0.1', hostPort: 2222, guestPort: 22 },
          { protocol: 'udp', hostAddress: '::1', hostPort: 53, guestPort: 5353 },
        ],
      },
    ],
    ['tap:tap0', { kind: 'tap', mac: '52:54:00:12:34:56', mtu: 1500, interface: 'tap0' }],
    [
      'tap,ifname=tap0,script=no,downscript=no',
      { kind: 'tap', mac: '52:54:00:12:34:56', mtu: 1500, interface: 'tap0' },
    ],
  ])('takes %s', (text, spec) => {
    expect(parseNet(text)).toEqual(spec);
  });

  it.each([
    ['', 'none of user, tap:NAME, none'],
    ['slirp', 'none of user, tap:NAME, none'],
    ['user:1', 'none of user, tap:NAME, none'],
    ['none,mtu=3', 'no option "mtu"'],
    ['tap', 'tap:NAME'],
    ['tap:', 'tap:NAME'],
    ['tap:a/b', 'tap:NAME'],
    ['tap:sixteencharacters', 'up to 15'],
    ['tap:t,hostfwd=tcp::1-:1', 'no option "forwards"'],
    ['tap:t,script=/etc/up', 'cannot be had'],
    ['user,model=e1000', 'cannot be had'],
    ['user,restrict', 'key=value'],
    ['user,restrict=on', 'no option "restrict"'],
    ['user,mac=1', 'mac: 6 bytes'],
    ['user,mac=01:00:00:00:00:01', 'no address of one card'],
    ['user,mac=00:00:00:00:00:00', 'no address of one card'],
    ['user,mac=52:54:00:12:34:56,mac=52:54:00:12:34:57', 'given twice'],
    ['user,mtu=67', '68 to 65535'],
    ['user,mtu=65536', '68 to 65535'],
    ['user,mtu=many', '68 to 65535'],
    ['user,hostfwd=22', 'write hostfwd=tcp'],
    ['user,hostfwd=tcp::0-:22', '1 to 65535'],
    ['user,hostfwd=tcp::22-:65536', '1 to 65535'],
    ['user,hostfwd=tcp:localhost:1-:1', 'in numbers'],
    ['user,hostfwd=tcp::2222-10.0.2.15:22', 'leave the guest’s address out'],
  ])('refuses %s in one line', (text, complaint) => {
    const parse = (): unknown => parseNet(text);
    expect(parse).toThrow(complaint);
    expect(parse).toThrow(expect.objectContaining({ name: 'PlinthError', kind: 'input' }));
    expect(parse).not.toThrow('\n');
  });

  it('is told to passt', () => {
    const spec = parseNet('user,hostfwd=tcp:127.0.0.1:2222-:22,hostfwd=tcp::80-:8080,mtu=1500');
    if (spec.kind !== 'user') throw new Error('not a user network');
    expect(passtArguments(spec).join(' ')).toBe(
      '--foreground --quiet --fd 3 --mtu 1500 --tcp-ports 127.0.0.1/2222:22 --tcp-ports 80:8080 --udp-ports none',
    );
  });
});
