// SPDX-License-Identifier: Apache-2.0
// The image `debian` on networks: packages from a mirror by name, ssh and files through `--net user`, ssh from one guest to
// another over taps and a bridge, and captures of both. The first guest is booted, the other two go on from its snapshot.

import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { plinth } from '../boot/guest.js';
import { LiveGuest } from '../boot/live-guest.js';
import { BRIDGE, missingBridge } from '../net/bridge.js';
import { ADDRESS, missingNamespace, Namespace, Output } from '../../bench/src/namespace.js';
import { makePackageMirror } from '../net/package-mirror.js';
import { missingUserNamespaces } from '../setup/namespaces.js';

const PEER = join(import.meta.dirname, '../net/mirror.mjs');
/** Of the host, which passt puts in the place of the guest's router. */
const MIRROR = 'mirror.test';
const SIZE = 100_000_000;
const SSH_PORT = '2222';
/** Printed by the shell, and not by the echo of what makes it print it. */
const SAVE = 'save here';

const directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
afterAll(() => rmSync(directory, { recursive: true }));
const inDirectory = (name: string): string => join(directory, name);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const snapshot = inDirectory('snapshot');

function reasonToSkip(): string | undefined {
  for (const [tool, option] of [['passt', '--version'], ['ssh', '-V'], ['tshark', '--version']] as const) {
    if (spawnSync(tool, [option]).status !== 0) return `${tool} is not installed`;
  } // prettier-ignore
  const namespaces = missingUserNamespaces() ?? missingNamespace() ?? missingBridge();
  if (namespaces !== undefined) return namespaces;
  const { status, stderr } = plinth('image', 'pull', 'debian');
  return status === 0 ? undefined : `no guest image: ${stderr.trim().split('\n').at(-1) ?? ''}`;
}

const missing = reasonToSkip();

/** The host's own name server cannot be reached from the namespace; passt reads this file. */
function withNameServer(namespace: Namespace): string[] {
  const file = inDirectory('resolv.conf');
  writeFileSync(file, 'nameserver 127.0.0.1\n');
  const script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
  return [...namespace.enter, 'unshare', '--mount', 'sh', '-c', script, file];
}

interface Ended {
  readonly status: number | null;
  readonly said: string;
}

class Ssh {
  readonly #namespace: Namespace;
  readonly #options: readonly string[];

  constructor(namespace: Namespace, key: string) {
    this.#namespace = namespace;
    const options = ['StrictHostKeyChecking=no', `UserKnownHostsFile=${inDirectory('known')}`, 'BatchMode=yes'];
    this.#options = ['-q', '-i', key, ...options.flatMap((option) => ['-o', option])];
  }

  async #run(program: string, ...args: string[]): Promise<Ended> {
    const child = this.#namespace.start(program, ...this.#options, ...args);
    const [output, errors] = [new Output(child), new Output(child, 'stderr')];
    return { status: await output.ended, said: output.text + errors.text };
  }

  command(text: string): Promise<Ended> {
    return this.#run('ssh', '-p', SSH_PORT, 'root@127.0.0.1', text);
  }

  copy(from: string, to: string): Promise<Ended> {
    return this.#run('scp', '-P', SSH_PORT, from, to);
  }
}

/** Prints how long something took, and what CPU time the guest's process needed. */
async function timed<T>(guest: LiveGuest, what: string, act: () => Promise<T>): Promise<T> {
  const [begun, cpu] = [performance.now(), guest.cpuSeconds];
  const result = await act();
  const [wall, used] = [(performance.now() - begun) / 1000, guest.cpuSeconds - cpu];
  console.log(`${what}: ${wall.toFixed(1)} s, ${used.toFixed(1)} s of CPU`);
  return result;
}

/** Prints the rate, too. */
async function transfer(guest: LiveGuest, what: string, command: string): Promise<string> {
  const begun = performance.now();
  const said = await timed(guest, what, () => guest.run(command));
  console.log(`${what}: ${((SIZE * 8) / 1e3 / (performance.now() - begun)).toFixed(0)} Mbit/s`);
  return said;
}

/** That tshark understands every frame, and sees a conversation with an SSH server. */
function checkCapture(path: string): void {
  const tshark = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync('tshark', ['-n', '-r', path, ...args], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    expect(status, stderr).toBe(0);
    return stdout;
  };
  expect(tshark('-Y', '_ws.malformed')).toBe('');
  expect(tshark('-q', '-z', 'conv,tcp')).toMatch(/:22\s/);
  const versions = tshark('-Y', 'ssh.protocol', '-T', 'fields', '-e', 'ssh.protocol').trim().split('\n');
  expect(versions.filter((version) => version.startsWith('SSH-2.0-OpenSSH')).length).toBeGreaterThanOrEqual(2);
}

describe('the image debian', () => {
  it('installs packages, takes logins and exchanges files on --net user', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const mirror = inDirectory('mirror');
    mkdirSync(mirror);
    const versions = await makePackageMirror(mirror, ['hello', 'sqlite3']);
    const data = randomBytes(SIZE);
    writeFileSync(join(mirror, 'file'), data);
    const key = inDirectory('key');
    expect(spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]).status).toBe(0);

    using namespace = await Namespace.create();
    const peer = new Output(namespace.start(process.execPath, PEER, mirror, MIRROR, '10.9.0.1'));
    await peer.until('ready');
    const pcap = inDirectory('user.pcapng');
    const net = ['--net', `user,hostfwd=tcp:127.0.0.1:${SSH_PORT}-:22`, '--pcap', pcap];
    const saving = ['--save-snapshot', snapshot, '--save-at', SAVE];
    const options = ['--image', 'debian', '--memory', '512M', ...net, ...saving];
    await using guest = new LiveGuest(options, withNameServer(namespace));
    await timed(guest, 'boot to the login', () => guest.until('plinth login: '));
    guest.type('root');
    await guest.until('root@plinth:~# ');
    await guest.run('dmesg --console-off; PS1=; bind "set enable-bracketed-paste off"');

    // A lease with address, router and name server; nothing has failed.
    const lease = await guest.run('networkctl status eth0 --no-pager --lines=0');
    expect(lease).toMatch(/State: .*routable.*configured/);
    expect(lease).toContain(`Address: ${ADDRESS} (DHCP4 via 10.9.0.1)`);
    expect(lease).toContain('DNS: 10.9.0.1');
    const system = 'systemctl is-system-running --wait; systemctl --failed --no-legend --no-pager; hostname';
    expect(await guest.run(system)).toBe('running\nplinth\n');
    expect(await guest.run(`getent ahostsv4 ${MIRROR} | head -n 1`)).toMatch(/^10\.9\.0\.1 /);

    // The image has no password and no keys: those of the host, and one of its own for the guests' sake, go in here.
    const own = 'ssh-keygen -q -t ed25519 -N "" -f .ssh/id_ed25519; cat .ssh/id_ed25519.pub >>.ssh/authorized_keys';
    const login = readFileSync(`${key}.pub`, 'latin1').trim();
    expect(await guest.run(`mkdir -p .ssh; chmod 700 .ssh; echo "${login}" >.ssh/authorized_keys; ${own}`)).toBe('');
    await guest.run(`echo "save"" here"; sync`);
    while (!guest.errors.includes('snapshot: ')) await guest.pause();
    console.log(guest.errors.trim());

    const ssh = new Ssh(namespace, key);
    expect(await timed(guest, 'ssh', () => ssh.command('uname -m; whoami; exit 42'))).toEqual({
      status: 42,
      said: 'armv7l\nroot\n',
    });

    const sources = '/etc/apt/sources.list.d';
    const source = `deb [trusted=yes] http://${MIRROR}:8080/ ./`;
    await guest.run(`rm ${sources}/*; echo "${source}" >${sources}/mirror.list`);
    const update = 'apt-get update -q 2>&1 && echo "status 0"';
    expect(await timed(guest, 'apt-get update', () => guest.run(update))).toMatch(/status 0\n$/);
    const install = 'DEBIAN_FRONTEND=noninteractive apt-get install -q -y hello sqlite3 2>&1 && echo "status 0"';
    const installed = await timed(guest, 'apt-get install', () => guest.run(install));
    expect(installed).toContain(`Setting up sqlite3 (${versions.get('sqlite3')})`);
    expect(installed).toMatch(/status 0\n$/);
    const use = `hello; sqlite3 :memory: "select 6 * 7"; dpkg-query -W hello; dpkg --audit`;
    expect(await guest.run(use)).toBe(`Hello, world!\n42\nhello\t${versions.get('hello')}\n`);

    // The shell's own connections: Debian's HTTP client makes every checksum that apt knows, which takes longer.
    const connect = `exec 3<>/dev/tcp/${MIRROR}/8080`;
    const header = `while read -r line <&3 && [ "$line" != $'\\r' ]; do :; done`;
    const get = `${connect}; printf "GET /file HTTP/1.0\\r\\n\\r\\n" >&3; ${header}; cat <&3 >/root/file; exec 3>&-`;
    expect(await transfer(guest, '100 MB to the guest', get)).toBe('');
    const sum = 'sha256sum </root/file';
    expect(await timed(guest, 'its checksum', () => guest.run(sum))).toBe(`${sha256(data)}  -\n`);
    const back = inDirectory('back');
    const copy = (): Promise<unknown> => ssh.copy('root@127.0.0.1:/root/file', back);
    expect(await timed(guest, '100 MB from the guest by scp', copy)).toEqual({ status: 0, said: '' });
    expect(sha256(readFileSync(back))).toBe(sha256(data));

    guest.type('poweroff');
    await guest.until('reboot: Power down');
    expect(await guest.end(), guest.errors).toBe(0);
    expect(guest.errors.trim().split('\n')).toHaveLength(1);
    checkCapture(pcap);
  });

  it('logs in from one guest to another over taps and a bridge', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using namespace = await Namespace.create(BRIDGE);
    const pcap = inDirectory('tap.pcap');
    // A snapshot's card has its address and MTU; on one network the guests have to differ.
    const resume = (tap: string, ...more: string[]): LiveGuest =>
      new LiveGuest([snapshot, '--net', `tap:${tap},mtu=65520`, ...more], namespace.enter);
    await using one = resume('one', '--pcap', pcap);
    await using two = resume('two');
    const onBridge = (name: string, number: number): string =>
      [
        'systemctl -q stop systemd-networkd.socket systemd-networkd; ip address flush dev eth0',
        `ip link set eth0 down; ip link set eth0 mtu 1500 address 52:54:00:00:00:0${number}; ip link set eth0 up`,
        `ip address add 10.5.0.${number}/24 dev eth0; hostname ${name}`,
      ].join('; ');
    const set = await Promise.all([one.run(onBridge('one', 1)), two.run(onBridge('two', 2))]);
    expect(set).toEqual(['', '']);
    const ssh = 'ssh -q -o StrictHostKeyChecking=no -o ConnectTimeout=300 root@10.5.0.2';
    expect(await timed(one, 'ssh to the other guest', () => one.run(`${ssh} "hostname; exit 7"; echo $?`))).toBe(
      'two\n7\n',
    );
    const file = 'head -c 2000000 /dev/urandom >file; sha256sum <file';
    const [local, remote] = [await one.run(file), await one.run(`${ssh} "cat >file; sha256sum <file" <file`)];
    expect(local).toMatch(/^[0-9a-f]{64} {2}-\n$/);
    expect(remote).toBe(local);
    expect(await two.run('sha256sum <file')).toBe(local);
    for (const guest of [one, two]) guest.type('poweroff');
    for (const guest of [one, two]) {
      await guest.until('reboot: Power down');
      expect(await guest.end(), guest.errors).toBe(0);
    }
    checkCapture(pcap);
  });
});
