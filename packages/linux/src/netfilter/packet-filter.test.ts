// SPDX-License-Identifier: Apache-2.0
// The kernel is given the messages in a network namespace of its own, and Debian's nft says what it made of them.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseInternetAddress } from '@plinth/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LaunchProgram } from '../launch/launch-program.js';
import { programPath } from '../program-path.js';
import { type FilterDestination, NETFILTER_SOCKET, packetFilterMessages } from './packet-filter.js';

const nft = programPath('nft');
const alone = ['--user', '--map-root-user', '--net'];

function whyNot(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'launch programs are for Linux on x86-64';
  if (nft === undefined) return 'nft is not installed';
  const { status } = spawnSync('unshare', [...alone, nft, 'list', 'ruleset']);
  return status === 0 ? undefined : 'there are no user namespaces, or no nf_tables';
}

const reason = whyNot();

describe('a packet filter', () => {
  beforeEach(({ skip }) => skip(reason !== undefined, reason));
  let folder = '';
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'plinth-filter-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Sends messages, checks each answer, and becomes nft. */
  const listed = (messages: readonly Uint8Array[]) => {
    const program = new LaunchProgram('');
    const socket = program.slot();
    const { domain, type, protocol } = NETFILTER_SOCKET;
    program.call('socket', [domain, type, protocol], { message: 'socket' }, socket);
    const answer = program.bytes(new Uint8Array(64));
    for (const message of messages) {
      program.call('write', [socket, program.bytes(message), message.length], { message: 'write' });
      program.call('read', [socket, answer, 64], { message: 'read' });
      program.checkAnswer(answer, 16, { message: 'the kernel says' });
    }
    const words = program.textArray(['nft', 'list', 'ruleset']);
    program.call('execve', [program.text(nft!), words, program.textArray([])], { message: 'nft' });
    const file = join(folder, 'program');
    writeFileSync(file, program.finish(), { mode: 0o755 });
    const { status, stdout, stderr } = spawnSync('unshare', [...alone, file], { encoding: 'utf8' });
    return { status, lines: stdout.split('\n').map((line) => line.trim()), stderr };
  };
  const to = (text: string, prefix: number, port?: number): FilterDestination => ({
    address: parseInternetAddress(text)!,
    prefix,
    ...(port === undefined ? {} : { port }),
  });

  it('has the rules that were meant, and refuses the rest', () => {
    const destinations = [
      to('192.0.2.7', 32, 443),
      to('10.1.2.3', 8),
      to('2001:db8::7', 128),
      to('2001:db8:7::', 44, 80),
      to('198.51.100.0', 25, 65_535),
      to('::', 0),
    ];
    const { status, lines, stderr } = listed(packetFilterMessages(destinations));
    expect([status, stderr]).toEqual([0, '']);
    expect(lines).toEqual([
      'table inet plinth {',
      'chain plinth {',
      'type filter hook output priority filter; policy drop;',
      'oif "lo" accept',
      'icmpv6 type nd-neighbor-solicit accept',
      'icmpv6 type nd-neighbor-advert accept',
      'ip daddr 192.0.2.7 tcp dport 443 accept',
      'ip daddr 192.0.2.7 udp dport 443 accept',
      'ip daddr 10.0.0.0/8 accept',
      'ip6 daddr 2001:db8::7 accept',
      'ip6 daddr 2001:db8::/44 tcp dport 80 accept',
      'ip6 daddr 2001:db8::/44 udp dport 80 accept',
      'ip daddr 198.51.100.0/25 tcp dport 65535 accept',
      'ip daddr 198.51.100.0/25 udp dport 65535 accept',
      'meta nfproto ipv6 accept',
      'meta l4proto tcp reject with tcp reset',
      'reject with icmpx admin-prohibited',
      '}',
      '}',
      '',
    ]);
  });

  it('may have more rules than one message holds', () => {
    const destinations = Array.from({ length: 1000 }, (_, n) => to(`10.0.${n >> 8}.${n & 255}`, 32, 80));
    const messages = packetFilterMessages(destinations);
    expect(messages.length).toBeGreaterThan(5);
    const { status, lines } = listed(messages);
    expect(status).toBe(0);
    expect(lines.filter((line) => line.startsWith('ip daddr'))).toHaveLength(2000);
    expect(lines.slice(-5, -3)).toEqual([
      'meta l4proto tcp reject with tcp reset',
      'reject with icmpx admin-prohibited',
    ]);
  });

  it('is refused by its name if the kernel refuses it', () => {
    const [only] = packetFilterMessages([]);
    const broken = Uint8Array.from(only!);
    // The table of the chain has another name than the one that was made.
    broken[Buffer.from(broken).indexOf('plinth', 60)] = 0x51;
    expect(listed([broken])).toMatchObject({ status: 125, stderr: 'the kernel says: ENOENT\n' });
  });
});
