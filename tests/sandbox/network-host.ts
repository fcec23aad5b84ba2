// SPDX-License-Identifier: Apache-2.0
// A host with a network of its own, as namespaces of a process: an interface with two addresses of each kind and one such as clouds have for
// what a machine is, routes to everywhere, names, and servers. Root's alone.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { usableTun } from './usable-devices.js';

const SERVERS = join(import.meta.dirname, 'network-servers.mjs');

/** Both ends of the wire are here: what is sent to nobody is lost. */
const INTERFACES = `
ip link set lo up
ip link add outside type veth peer name nobody
ip link set outside up
ip link set nobody up
for address in 192.0.2.7/24 192.0.2.8/24 169.254.169.254/32; do ip addr add $address dev outside; done
for address in 2001:db8::7/64 2001:db8::8/64; do ip addr add $address dev outside nodad; done
ip route add default dev outside
ip -6 route add default dev outside
`;

const NAMES = `127.0.0.1 localhost only-here.test
192.0.2.7 allowed.test both.test
2001:db8::7 both.test
192.0.2.8 other.test
169.254.169.254 both.test
`;

/** A server that there is not. */
const RESOLVER = `nameserver 192.0.2.99
options timeout:1 attempts:1
`;

/** Why there is none here. */
export function whyNoNetworkHost(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root makes such network namespaces';
  for (const tool of ['pasta', 'ip', 'perl', 'setpriv']) {
    if (spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0) return `${tool} is not installed`;
  }
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun';
  const { status } = spawnSync('unshare', ['--net', 'sh', '-ec', INTERFACES]);
  return status === 0 ? undefined : 'this kernel has no veth interfaces, or no IPv6';
}

export class NetworkHost implements Disposable {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #reached: string;

  private constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'plinth-network-'));
    chmodSync(this.#folder, 0o755);
    writeFileSync(join(this.#folder, 'hosts'), NAMES);
    writeFileSync(join(this.#folder, 'resolv.conf'), RESOLVER);
    const device = join(this.#folder, 'device');
    mkdirSync(device);
    const names = 'for name in hosts resolv.conf; do mount --bind "$0/$name" /etc/$name; done';
    const script = `${INTERFACES} ${usableTun(device)}; ${names}; exec "$@"`;
    this.#reached = join(this.#folder, 'reached');
    const words = ['--net', '--mount', 'sh', '-ec', script, this.#folder, process.execPath, SERVERS, this.#reached];
    this.#child = spawn('unshare', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  /** Its servers are there. */
  static async begin(): Promise<NetworkHost> {
    const host = new NetworkHost();
    await new Promise<void>((resolve, reject) => {
      host.#child.stdout!.once('data', () => resolve());
      host.#child.once('exit', (status) => reject(new Error(`servers: status ${status}`)));
    });
    return host;
  }

  /** In front of a command: it is run on this host, in the directory where we are. */
  get before(): readonly string[] {
    const shell = ['sh', '-c', 'cd "$PWD_HERE" && exec "$@"', 'sh'];
    return ['nsenter', '--target', String(this.#child.pid!), '--net', '--mount', ...shell];
  }

  /** Which servers were reached since it was asked last. */
  reached(): string[] {
    const text = existsSync(this.#reached) ? readFileSync(this.#reached, 'utf8') : '';
    rmSync(this.#reached, { force: true });
    return text.split('\n').filter((line) => line !== '');
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
