// SPDX-License-Identifier: Apache-2.0
// Workspaces in which only some hosts are reached, on a host that can reach more.

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CALL } from '@plinth/linux';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOBODY, whyUnreadable } from '../setup/other-users.js';
import { unless } from '../setup/skipping.js';
import { NetworkHost, whyNoNetworkHost } from './network-host.js';
import { whyNotIsolated } from './isolated.js';
import { WorkspaceUser } from './workspace-user.js';

const FILE = 'tests/sandbox/allow-net.test.ts';
const reason = whyNotIsolated(FILE) ?? whyNoNetworkHost();
if (reason !== undefined) console.log(`skipped: ${FILE}: ${reason}`);

const NOT_ALLOWED = /not permitted|Permission denied|Read-only file system|cache initialization failed/;
const HOSTS = ['allowed.test:8080', '[2001:db8::7]:8080'];

/** What is tried, and what comes of it. */
const ANSWERED = [
  ['tcp 192.0.2.7 8080', 'tcp 8080: hello'],
  ['tcp allowed.test 8080', 'tcp 8080: hello'],
  ['udp 192.0.2.7 8080', 'udp 8080: hello'],
  ['tcp 2001:db8::7 8080', 'tcp 8080: hello'],
  ['udp 2001:db8::7 8080', 'udp 8080: hello'],
  ['tcp ::ffff:192.0.2.7 8080', 'tcp 8080: hello'],
] as const;
const REFUSED = [
  ['another port', 'tcp 192.0.2.7 8081', 'connect: Connection refused'],
  ['another address', 'tcp 192.0.2.8 8080', 'connect: Connection refused'],
  ['another address by UDP', 'udp 192.0.2.8 8080', 'send: Operation not permitted'],
  ['another address of IPv6', 'tcp 2001:db8::8 8080', 'connect: Connection refused'],
  ['another address in the form of IPv6', 'tcp ::ffff:192.0.2.8 8080', 'connect: Connection refused'],
  ['another address of IPv6 by UDP', 'udp 2001:db8::8 8080', 'send: Operation not permitted'],
  ['a name server', 'udp 192.0.2.7 53', 'send: Operation not permitted'],
  ['a name that is not listed', 'tcp other.test 8080', 'name: Temporary failure in name resolution'],
  ['what clouds tell programs', 'tcp 169.254.169.254 8080', 'connect: Connection refused'],
  ['the loopback interface of the host', 'tcp 127.0.0.1 8080', 'connect: Connection refused'],
  ['the same of IPv6', 'tcp ::1 8080', 'connect: Connection refused'],
  ['the host behind the gateway', 'tcp 192.0.0.1 8080', 'connect: Connection refused'],
  ['the host behind the gateway of IPv6', 'tcp fd8b:71c4:5e02::1 8080', 'connect: Connection refused'],
  ['a socket of the host without a file', 'abstract', 'connect: Connection refused'],
  ['another address past the routes', 'tcp-bound 192.0.2.8 8080', 'connect: Connection refused'],
  ['another address past the routes by UDP', 'udp-bound 192.0.2.8 8080', 'send: Operation not permitted'],
  ['another address without routes', 'udp-direct 192.0.2.8 8080', 'send: Operation not permitted'],
  ['raw ICMP', 'raw', 'socket: Operation not permitted'],
  ['an echo socket', 'ping', 'socket: Permission denied'],
  ['a socket for frames', 'packet', 'socket: Operation not permitted'],
] as const;
const CHANGES = [
  'ip route replace 192.0.2.8 dev plinth',
  'ip address add 192.0.2.9 dev plinth',
  'ip link set plinth down',
  'nft flush ruleset',
  'nft add rule inet plinth plinth accept',
  'echo 192.0.2.8 allowed.test >> /etc/hosts',
];

/** Two by themselves, three at once, of which the second may not go, and two that name nobody: over a connection and to oneself. */
const MESSAGES = String.raw`use Socket;
my @kept;
sub message {
  my ($port, @host) = @_;
  my $to = pack('S n C4 x8', 2, $port, @host);
  push @kept, \$to, \(my $text = 'hello');
  push @kept, \(my $vector = pack('PQ', $text, 5));
  return (@host ? pack('PL', $to, 16) : pack('QL', 0, 0)) . pack('x4PQQQLx4', $vector, 1, 0, 0, 0);
}
socket(S, PF_INET, SOCK_DGRAM, 0) or die;
sub one { my $message = message(@_); return syscall(${CALL.sendmsg}, fileno(S), $message, 0) }
print one(8080, 192, 0, 2, 7), ' ', one(8080, 192, 0, 2, 8), ' ';
my $many = join '', map { $_ . pack('x8') } message(8080, 192, 0, 2, 7), message(8081, 192, 0, 2, 7), message(8080, 192, 0, 2, 7);
print syscall(${CALL.sendmmsg}, fileno(S), $many, 3, 0), ' ';
connect(S, pack('S n C4 x8', 2, 8080, 127, 0, 0, 1)) or die;
print one(), ' ';
socketpair(S, T, AF_UNIX, SOCK_STREAM, 0) or die;
print one(), "\n";
`;

/** Others than these are the same by other code of the carrier, and take as long again. */
const isLong = process.env['PLINTH_LONG'] === '1';
const USERS = whyUnreadable() !== undefined ? ['root'] : ['a user without rights', ...(isLong ? ['root'] : [])];

describe.each(USERS)('with a list of hosts, as %s,', unless(reason), (who) => {
  let host: NetworkHost;
  let user: WorkspaceUser;
  let reached: readonly string[];
  /** By what was tried. */
  let answers: ReadonlyMap<string, string>;

  beforeAll(async () => {
    host = await NetworkHost.begin();
    user = new WorkspaceUser(host.before, who === 'root' ? undefined : NOBODY);
    copyFileSync(join(import.meta.dirname, 'network-probe.pl'), join(user.project, 'probe.pl'));
    user.plinth('workspace', 'create', 'w', '--folder', '.', '--allow-net', ...HOSTS);
    answers = triedIn('w');
    reached = host.reached();
  });
  afterAll(() => {
    user[Symbol.dispose]();
    host[Symbol.dispose]();
  });

  /** Tries all in one run, one after the other. */
  const triedIn = (workspace: string): Map<string, string> => {
    const probes = [...ANSWERED.map(([words]) => words), ...REFUSED.map(([, words]) => words), 'own'];
    const lines = [
      ...probes.map((words) => `echo "${words}=$(perl probe.pl ${words})"`),
      ...CHANGES.map(
        (line) => `if (${line}) 2> said; then echo "${line}=done"; else echo "${line}=$(head -n 1 said)"; fi`,
      ),
    ];
    const { stdout } = user.plinth('workspace', 'run', workspace, '--', 'sh', '-c', lines.join('\n'));
    return new Map(stdout.split('\n').map((line) => [line.split('=')[0]!, line.slice(line.indexOf('=') + 1)]));
  };

  it.each(ANSWERED)('%s is answered', (words, answer) => expect(answers.get(words)).toBe(answer));

  it.each(REFUSED)('%s is refused at once', (_, words, why) => expect(answers.get(words)).toBe(why));

  it.each(CHANGES)('nobody does %s', (line) => expect(answers.get(line)).toMatch(NOT_ALLOWED));

  it('reaches what is listed and itself, and nothing else', () => {
    expect(reached).toEqual(ANSWERED.map(([, answer]) => answer.split(':')[0]));
    expect(answers.get('own')).toBe('reached');
  });

  it('is the same for root of the workspace', () => {
    user.plinth('workspace', 'create', 'r', '--folder', '.', '--root', '--allow-net', ...HOSTS);
    host.reached();
    const asRoot = triedIn('r');
    for (const line of CHANGES) expect([line, asRoot.get(line)]).toEqual([line, expect.stringMatching(NOT_ALLOWED)]);
    for (const [, words, why] of REFUSED) expect([words, asRoot.get(words)]).toEqual([words, why]);
    expect(host.reached()).toEqual(reached);
    user.plinth('workspace', 'rm', 'r');
  });

  it('has all of it in the review', () => {
    const review = user.plinth('workspace', 'review', 'w', '--json').stdout;
    const { network, refused } = JSON.parse(review) as Record<'network' | 'refused', readonly { what: string }[]>;
    const contacts = network.map(({ what }) => what);
    expect(contacts).toEqual(
      expect.arrayContaining(['192.0.2.7 port 8080 (allowed.test)', '2001:db8::7 port 8080', '127.0.0.1 port 8080']),
    );
    expect(contacts.filter((what) => /192\.0\.2\.8|8081|169\.254/.test(what))).toEqual([]);
    expect(refused.map(({ what }) => what)).toEqual(
      expect.arrayContaining([
        'perl may not connect to 192.0.2.7 port 8081 (allowed.test)',
        'perl may not connect to 192.0.2.8 port 8080',
        'perl may not connect to 2001:db8::8 port 8080',
        'perl may not connect to 192.0.2.7 port 53 (allowed.test)',
        'perl may not connect to 169.254.169.254 port 8080',
        'perl tries socket: family 17',
      ]),
    );
  });

  it('has in the review where messages were sent, by sendmsg and many at once by sendmmsg', () => {
    user.write('messages', MESSAGES);
    user.plinth('workspace', 'create', 'm', '--folder', '.', '--allow-net', ...HOSTS);
    expect(user.plinth('workspace', 'run', 'm', '--', 'perl', 'messages')).toEqual({
      status: 0,
      stdout: '5 -1 1 5 5\n',
      stderr: '',
    });
    const { stdout } = user.plinth('workspace', 'review', 'm', '--json');
    const { network, refused } = JSON.parse(stdout) as Record<'network' | 'refused', readonly unknown[]>;
    expect(network).toEqual([
      { what: '192.0.2.7 port 8080 (allowed.test)', count: 2 },
      { what: '127.0.0.1 port 8080', count: 1 },
    ]);
    expect(refused).toEqual([
      { what: 'perl may not connect to 192.0.2.8 port 8080', count: 1 },
      { what: 'perl may not connect to 192.0.2.7 port 8081 (allowed.test)', count: 1 },
    ]);
    user.plinth('workspace', 'rm', 'm');
  });

  it('has it in its plan and in the list', () => {
    const { stdout } = user.plinth('workspace', 'run', 'w', '--dry-run', '--', 'true');
    expect(stdout).toContain(
      'reachable  192.0.2.7/32 port 8080 (allowed.test)\nreachable  2001:db8::7/128 port 8080\n',
    );
    expect(stdout).toMatch(/^bind {7}\/etc\/hosts is .*\/w\/hosts, read-only$/m);
    expect(user.plinth('workspace', 'list').stdout).toContain('network of allowed.test:8080 [2001:db8::7]:8080');
  });

  it('takes only addresses of other hosts from names', () => {
    const planned = (name: string) => user.plinth('workspace', 'create', 'x', '--dry-run', '--allow-net', name);
    const { stdout } = planned('both.test');
    expect(
      stdout
        .split('\n')
        .filter((line) => line.startsWith('reachable'))
        .sort(),
    ).toEqual(['reachable  192.0.2.7/32 all ports (both.test)', 'reachable  2001:db8::7/128 all ports (both.test)']);
    expect(planned('only-here.test')).toEqual({
      status: 2,
      stdout: '',
      stderr: 'plinth: --allow-net only-here.test: this name has no address of another host (127.0.0.1)\n',
    });
    const { status, stderr } = planned('nothing.test');
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/^plinth: --allow-net nothing\.test: this name has no address here \(\w+\)\n$/),
    ]);
  });

  it('says of a run too that a name has no address any more', () => {
    user.plinth('workspace', 'create', 'moved', '--allow-net', 'both.test');
    const file = join(user.folder, 'data/plinth/workspaces/moved/workspace.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('both.test', 'nothing.test'));
    const { status, stderr } = user.plinth('workspace', 'run', 'moved', 'true');
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/^plinth: --allow-net nothing\.test: this name has no/),
    ]);
    user.plinth('workspace', 'rm', 'moved');
  });

  it('is there for one command that nobody trusts', () => {
    host.reached();
    const script = 'perl probe.pl tcp 192.0.2.7 8080; perl probe.pl tcp 192.0.2.8 8080';
    const words = ['--json', '--allow-net', '192.0.2.7', '--', 'sh', '-c', script];
    const [first, second, review] = user.plinth('run-untrusted', ...words).stdout.split('\n');
    expect([first, second]).toEqual(['tcp 8080: hello', 'connect: Connection refused']);
    expect(JSON.parse(review!)).toMatchObject({
      network: expect.arrayContaining([{ what: '192.0.2.7 port 8080', count: 1 }]) as unknown,
      refused: [{ what: 'perl may not connect to 192.0.2.8 port 8080', count: 1 }],
    });
    expect(host.reached()).toEqual(['tcp 8080']);
  });
});
