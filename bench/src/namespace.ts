// SPDX-License-Identifier: Apache-2.0
// A network namespace for a test or a benchmark, without a name: it is gone with the processes in it, and they end when the process
// that made it does, a kill -9 included.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { PlinthError } from '@plinth/core';

export const GATEWAY = '10.9.0.1';
export const ADDRESS = '10.9.0.2';
export const LEFT = '10.8.0.1';
export const RIGHT = '10.8.0.2';

/** A routable interface that leads nowhere, as passt needs one. */
const ROUTABLE = `
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
  const { status, error } = spawnSync('unshare', ['--net', 'sh', '-ec', ROUTABLE]);
  if (error !== undefined) return 'unshare is not installed';
  return status === 0 ? undefined : 'no network namespace with a veth can be made here';
}

export class Namespace implements Disposable {
  readonly #holder: ChildProcess;
  readonly #children: ChildProcess[] = [];

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  /** One with a routable interface. `setup`: more shell commands in it. */
  static create(setup: string = ''): Promise<Namespace> {
    return Namespace.#open(`${ROUTABLE}${setup}`);
  }

  /** Two that are the ends of a cable: `left` in the first one and `right` in the second, at `LEFT` and `RIGHT`. */
  static async pair(): Promise<[left: Namespace, right: Namespace]> {
    const right = await Namespace.#open('ip link set lo up');
    const cable = `ip link add left type veth peer name right netns ${right.#holder.pid}`;
    const left = await Namespace.#open(
      `ip link set lo up\n${cable}\nip address add ${LEFT}/24 dev left\nip link set left up`,
    );
    right.run('sh', '-ec', `ip address add ${RIGHT}/24 dev right; ip link set right up`);
    return [left, right];
  }

  static async #open(setup: string): Promise<Namespace> {
    // `cat` waits for the end of our end of its pipe.
    const script = `${setup}\necho ready\nexec cat`;
    const holder = spawn('unshare', ['--net', 'sh', '-ec', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const namespace = new Namespace(holder);
    const ended = once(holder, 'close').then(() => {
      throw new PlinthError('host', 'bench-namespace', 'a network namespace could not be set up');
    });
    await Promise.race([once(holder.stdout!, 'data'), ended]);
    // Its end is expected from now on.
    ended.catch(() => undefined);
    return namespace;
  }

  /** A program and its arguments: it becomes the program that follows, in the namespace. */
  get enter(): readonly [string, ...string[]] {
    return ['nsenter', `--net=/proc/${this.#holder.pid}/ns/net`];
  }

  /** Runs a program in it to its end; gives what it prints, or raises what it complains of. */
  run(program: string, ...args: string[]): string {
    const [enter, ...where] = this.enter;
    const { error, status, stdout, stderr } = spawnSync(enter, [...where, program, ...args], {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    if (status === 0) return stdout;
    const why = error?.message ?? stderr.trim().split('\n').at(-1) ?? '';
    throw new PlinthError('host', 'bench-program', `${program} ${args.join(' ')}: ${why}`);
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
