// SPDX-License-Identifier: Apache-2.0
// A network namespace for a test, without a name: it is gone with the processes in it, and they end when the test's own
// process does, a kill -9 included. It has a routable interface, as passt needs one, that leads nowhere.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

export const GATEWAY = '10.9.0.1';
export const ADDRESS = '10.9.0.2';

const SETUP = `
ip link set lo up
ip link add out type veth peer name nowhere
ip address add ${ADDRESS}/24 dev out
ip link set out up
ip link set nowhere up
ip route add default via ${GATEWAY}
ip address add ${GATEWAY}/32 dev lo
echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range
`;

/** Why no namespace can be had here. */
export function missingNamespace(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root may make network namespaces';
  const { status, error } = spawnSync('unshare', ['--net', 'sh', '-ec', SETUP]);
  if (error !== undefined) return 'unshare is not installed';
  return status === 0 ? undefined : 'no network namespace with a veth can be made here';
}

export class Namespace implements Disposable {
  readonly #holder: ChildProcess;
  readonly #children: ChildProcess[] = [];

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  /** `setup`: more shell commands in it. */
  static async create(setup: string = ''): Promise<Namespace> {
    // `cat` waits for the end of our end of its pipe.
    const script = `${SETUP}${setup}\necho ready\nexec cat`;
    const holder = spawn('unshare', ['--net', 'sh', '-ec', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const namespace = new Namespace(holder);
    await once(holder.stdout!, 'data');
    return namespace;
  }

  /** A program and its arguments: it becomes the program that follows, in the namespace. */
  get enter(): readonly [string, ...string[]] {
    return ['nsenter', `--net=/proc/${this.#holder.pid}/ns/net`];
  }

  /** Starts a program in it. Its standard output is piped, its standard error too. */
  start(program: string, ...args: string[]): ChildProcess {
    const [enter, ...where] = this.enter;
    const child = spawn(enter, [...where, program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.push(child);
    return child;
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill('SIGKILL');
    this.#holder.kill('SIGKILL');
  }
}

/** What a child has printed, growing, and its end. */
export class Output {
  text: string = '';
  readonly ended: Promise<number | null>;
  #look: () => void = () => undefined;

  constructor(child: ChildProcess, stream: 'stdout' | 'stderr' = 'stdout') {
    child[stream]!.on('data', (bytes: Buffer) => {
      this.text += bytes.toString(stream === 'stdout' ? 'latin1' : 'utf8');
      this.#look();
    });
    this.ended = new Promise((resolve) => {
      child.once('close', (status) => {
        resolve(status);
        this.#look();
      });
    });
  }

  /** Waits for a text; throws if the child ends without it. */
  async until(text: string): Promise<void> {
    let over = false;
    void this.ended.then(() => (over = true));
    while (!this.text.includes(text)) {
      if (over) throw new Error(`ended without "${text}":\n${this.text}`);
      await new Promise<void>((resolve) => (this.#look = resolve));
    }
  }
}
