// SPDX-License-Identifier: Apache-2.0
// A guest of Debian's kernel on `--net user`: it gets an address, reaches the host, is reached from it, and goes on when
// passt dies. All in a network namespace of its own.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandOutput } from '../boot/guest.js';
import { missingUserNamespaces } from '../setup/namespaces.js';
import { DHCP, missingDriver, NetGuest } from './guest.js';
import { ADDRESS, GATEWAY, missingNamespace, Namespace, Output } from '../../bench/src/namespace.js';

const PEER = join(import.meta.dirname, 'peer.mjs');
const SIZE = 10_000_000;

const missingPasst = spawnSync('passt', ['--version']).status === 0 ? undefined : 'passt is not installed';
const missing = missingPasst ?? missingUserNamespaces() ?? missingNamespace() ?? (await missingDriver());

describe('a guest on --net user', () => {
  it('exchanges files with the host, is reached by a forwarded port, and is captured', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using guest = new NetGuest(`${DHCP}
ip -4 address show eth0 | grep -o 'inet [0-9.]*'
cat /sys/class/net/eth0/mtu
ping -c 2 -q ${GATEWAY} | grep -o '. packets received'
mkdir /tmp/www
wget -q -O /tmp/www/file http://${GATEWAY}:8080/file && sha256sum </tmp/www/file
httpd -p 7 -h /tmp/www
until wget -q -O /dev/null http://${GATEWAY}:8080/fetched 2>/dev/null; do sleep 0.2; done
`);
    using namespace = await Namespace.create();
    const peer = new Output(namespace.start(process.execPath, PEER, String(SIZE), '2222'));
    await peer.until('offers');
    const pcap = guest.file('all.pcapng');
    const options = ['--net', 'user,hostfwd=tcp:127.0.0.1:2222-:7', '--pcap', pcap];
    const child = namespace.start(process.execPath, ...guest.run(...options));
    const errors = new Output(child, 'stderr');
    const console = new Output(child);
    expect(await console.ended).toBe(0);
    expect(errors.text).toBe('');
    const [, hash] = /offers (\w+)/.exec(peer.text)!;
    expect(commandOutput(console.text)).toBe(`inet ${ADDRESS}\n65520\n2 packets received\n${hash}  -\n`);
    expect(peer.text).toContain(`fetched ${hash}\n`);
    checkCapture(pcap);
  });

  it('goes on without a network when passt dies', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using guest = new NetGuest(`${DHCP}
echo connected >/dev/console
until [ "$(cat /sys/class/net/eth0/carrier)" = 0 ]; do sleep 0.1; done
echo unplugged
`);
    using namespace = await Namespace.create();
    const child = namespace.start(process.execPath, ...guest.run('--net', 'user'));
    const errors = new Output(child, 'stderr');
    const console = new Output(child);
    await console.until('connected');
    process.kill(passtOf(child.pid!), 'SIGKILL');
    expect(await console.ended).toBe(0);
    expect(commandOutput(console.text.replace(/connected\r?\n/, ''))).toBe('unplugged\n');
    expect(errors.text).toBe('plinth: net: user: passt ended (SIGKILL): the guest’s network is unplugged\n');
  });

  it('leaves no passt behind, even after a kill -9', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using guest = new NetGuest('true');
    using namespace = await Namespace.create();
    const child = namespace.start(process.execPath, ...guest.run('--net', 'user'));
    const console = new Output(child);
    await console.until('begin]');
    const passt = passtOf(child.pid!);
    child.kill('SIGKILL');
    await console.ended;
    while (existsSync(`/proc/${passt}`) && !isZombie(passt)) await new Promise((resolve) => setTimeout(resolve, 20));
  });

  it('is refused in one line, with status 3, where passt has no way out', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using guest = new NetGuest('true');
    using namespace = await Namespace.create('ip link delete out');
    const child = namespace.start(process.execPath, ...guest.run('--net', 'user'));
    const errors = new Output(child, 'stderr');
    expect(await errors.ended).toBe(3);
    expect(errors.text).toMatch(/^plinth: net: user: passt ended \(status 1\): [^\n]*interface[^\n]*\n$/);
  });
});

/** The child of a run, of whichever thread: there is one. */
function passtOf(pid: number): number {
  const children = readdirSync(`/proc/${pid}/task`)
    .map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1'))
    .join('')
    .trim();
  expect(children).toMatch(/^\d+$/);
  return Number(children);
}

/** Ended, and not yet taken note of by whoever has it for a child now. */
function isZombie(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return true;
  }
}

/** That tshark reads it, where there is one, with what the guest did in it, in both directions. */
function checkCapture(path: string): void {
  const bytes = readFileSync(path);
  expect(bytes.readUInt32LE(0)).toBe(0x0a0d_0d0a);
  const tshark = (...args: string[]): { status: number | null; stdout: string } =>
    spawnSync('tshark', ['-r', path, ...args], { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (tshark('-c', '1').status !== 0) return;
  const dhcp = tshark('-Y', 'dhcp', '-T', 'fields', '-e', 'dhcp.option.dhcp').stdout;
  expect(dhcp.trim().split('\n').slice(-2)).toEqual(['3', '5']);
  const echo = tshark('-Y', 'icmp', '-T', 'fields', '-e', 'icmp.type', '-e', 'frame.packet_flags_direction').stdout;
  expect(new Set(echo.trim().split('\n')).size).toBe(2);
  const checked = ['-o', 'ip.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE'];
  expect(tshark(...checked, '-Y', 'ip.checksum.status == 0 || tcp.checksum.status == 0').stdout).toBe('');
  expect(Number(tshark('-Y', 'tcp.checksum.status == 1', ...checked).stdout.split('\n').length)).toBeGreaterThan(100);
}
