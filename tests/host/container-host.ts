// SPDX-License-Identifier: Apache-2.0
// A host of a test's own: network and mount namespaces with containers in them, which are made by runc of a busybox root file system
// and joined by a bridge. All of it is gone with the test's process, however that ends.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { whyNoKernel } from '../ebpf/kernel-here.js';
import { whyNoNamespaces } from '../setup/namespaces.js';

export const PLINTH: string = join(import.meta.dirname, '../../packages/cli/bin/plinth.js');
const AGENT = join(import.meta.dirname, 'agent.mjs');
const BUSYBOX = '/bin/busybox';

/** Why there can be none here, said once on the way to skipping. */
export function whyNoContainers(test: string, ...programs: readonly string[]): string | undefined {
  const missing = ['unshare', 'nsenter', 'ip', 'runc', 'bpftool', ...programs].find(
    (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0,
  );
  const reason =
    process.getuid?.() !== 0
      ? 'only root may make containers'
      : missing !== undefined
        ? `${missing} is not installed`
        : spawnSync(BUSYBOX, ['true']).status !== 0
          ? 'busybox-static is not installed'
          : (whyNoNamespaces() ?? whyNoKernel(test));
  if (reason !== undefined) console.log(`skipped: ${test}: ${reason}`);
  return reason;
}

export interface PlinthEnd {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a container's agent answers, see agent.mjs. */
export type Answer = Readonly<Record<string, unknown>>;

/** Milliseconds in which no answer comes to what is dropped, from when it was sent. What is answered is waited for. */
export const DROPPED = 700;

/** Rules of which one is refused and one is confirmed. */
export const RULES = `drop tcp any any -> any any (msg:"an attack on the web"; content:"evil-string-1"; sid:1001; rev:3;)
drop udp any any -> any any (msg:"an attack by datagram"; content:"EVIL-DATAGRAM"; nocase; sid:1002;)
alert tcp any any -> any 80 (msg:"not decided"; pcre:"/x(?=y)/"; sid:1003;)
alert http any any -> any 80 (msg:"a number of three digits"; http.uri; content:"/number"; pcre:"/id=[0-9]{3}$/U"; sid:1004;)
`;

const SETUP = `
mount -t tmpfs tmpfs /run
# What is pinned on the machine, by other tests too, is none of this host's.
while umount /sys/fs/bpf 2>/dev/null; do :; done
ip link set lo up
ip link add bridge0 type bridge forward_delay 0
ip link set bridge0 up
echo ready
exec cat
`;

export class ContainerHost implements Disposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'plinth-host-'));
  readonly #holder: ChildProcess;
  readonly #containers: TestContainer[] = [];
  readonly #programs: ChildProcess[] = [];

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  static async create(): Promise<ContainerHost> {
    const holder = spawn('unshare', ['--net', '--mount', 'sh', '-ec', SETUP], { stdio: ['pipe', 'pipe', 'inherit'] });
    const host = new ContainerHost(holder);
    const ended = once(holder, 'close').then(() => {
      throw new Error('the namespaces of a test could not be set up');
    });
    await Promise.race([once(holder.stdout!, 'data'), ended]);
    // Its end is expected from now on.
    ended.catch(() => {});
    return host;
  }

  /** A program and its arguments to begin with: it becomes the program that follows, on this host. */
  get enter(): readonly [string, ...string[]] {
    const at = `/proc/${this.#holder.pid}/ns`;
    return ['nsenter', `--net=${at}/net`, `--mount=${at}/mnt`, `--wd=${this.folder}`];
  }

  /** Runs a program to its end. */
  run(program: string, ...args: readonly string[]): PlinthEnd {
    const [enter, ...where] = this.enter;
    const { status, stdout, stderr } = spawnSync(enter, [...where, program, ...args], {
      encoding: 'utf8',
      env: { ...process.env, PLINTH_DEBUG: '' },
      timeout: 300_000,
      maxBuffer: 256 << 20,
    });
    return { status, stdout, stderr };
  }

  /** As `run`, of shell commands that have to succeed. */
  shell(script: string): string {
    const { status, stdout, stderr } = this.run('sh', '-ec', script);
    if (status !== 0) throw new Error(`${script}: ${stderr}`);
    return stdout;
  }

  plinth(...args: readonly string[]): PlinthEnd {
    return this.run(process.execPath, PLINTH, ...args);
  }

  /** A program, while the test goes on: it ends with this host. */
  startProgram(program: string, ...args: readonly string[]): ChildProcess {
    const [enter, ...where] = this.enter;
    const child = spawn(enter, [...where, program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#programs.push(child);
    return child;
  }

  start(...args: readonly string[]): ChildProcess {
    return this.startProgram(process.execPath, PLINTH, ...args);
  }

  /** Pins and files of inspections. */
  leftovers(): string {
    return this.shell('find /sys/fs/bpf/plinth /run/plinth 2>/dev/null || true');
  }

  file(name: string, text: string): string {
    writeFileSync(join(this.folder, name), text);
    return name;
  }

  /** A container with the agent in it, at the bridge if it is to have an address. */
  async container(name: string, address?: string): Promise<TestContainer> {
    const container = await TestContainer.start(this, name);
    this.#containers.push(container);
    this.shell(`nsenter --net=/proc/${container.pid}/ns/net ip link set lo up`);
    if (address === undefined) return container;
    const inside = `nsenter --net=/proc/${container.pid}/ns/net`;
    this.shell(`
      ip link add veth-${name} type veth peer name eth0 netns ${container.pid}
      ip link set veth-${name} master bridge0 up
      ${inside} ip address add ${address}/24 dev eth0
      ${inside} ip link set eth0 up`);
    return container;
  }

  [Symbol.dispose](): void {
    for (const program of this.#programs) program.kill('SIGKILL');
    for (const container of this.#containers) container.end();
    this.#holder.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class TestContainer {
  readonly name: string;
  readonly pid: number;
  readonly #host: ContainerHost;
  readonly #process: ChildProcess;
  readonly #waiting: { resolve(answer: Answer): void; reject(why: Error): void }[] = [];

  private constructor(host: ContainerHost, name: string, child: ChildProcess) {
    this.#host = host;
    this.name = name;
    this.#process = child;
    createInterface({ input: child.stdout! }).on('line', (line) => {
      this.#waiting.shift()?.resolve(JSON.parse(line) as Answer);
    });
    child.once('close', () => {
      for (const waiting of this.#waiting) waiting.reject(new Error(`container ${name} has ended`));
    });
    this.pid = 0;
  }

  static async start(host: ContainerHost, name: string): Promise<TestContainer> {
    const bundle = join(host.folder, `bundle-${name}`);
    makeBundle(bundle);
    const [enter, ...where] = host.enter;
    const child = spawn(enter, [...where, 'runc', 'run', '--bundle', bundle, name], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const container = new TestContainer(host, name, child);
    const { ready } = await container.#next();
    if (ready !== true) throw new Error(`container ${name} does not answer`);
    const { pid } = JSON.parse(host.shell(`runc state ${name}`)) as { pid: number };
    return Object.assign(container, { pid });
  }

  #next(): Promise<Answer> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Has the agent do something, see agent.mjs; one thing after the other. */
  async ask(task: Readonly<Record<string, unknown>>): Promise<Answer> {
    const answer = this.#next();
    this.#process.stdin!.write(`${JSON.stringify(task)}\n`);
    const { error } = await answer;
    if (typeof error === 'string') throw new Error(`container ${this.name}: ${error}`);
    return answer;
  }

  end(): void {
    this.#host.run('runc', 'delete', '--force', this.name);
    this.#process.kill('SIGKILL');
  }
}

/** A root file system of busybox, into which what Node needs is mounted. */
function makeBundle(bundle: string): void {
  const root = join(bundle, 'rootfs');
  rmSync(bundle, { recursive: true, force: true });
  for (const folder of ['bin', 'proc', 'dev', 'sys', 'tmp', 'usr', 'lib', 'lib64', 'opt']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  copyFileSync(BUSYBOX, join(root, 'bin/busybox'));
  for (const applet of ['sh', 'ls', 'cat']) symlinkSync('busybox', join(root, 'bin', applet));
  copyFileSync(AGENT, join(root, 'agent.mjs'));
  const bind = (path: string): object => ({
    destination: path,
    type: 'none',
    source: path,
    options: ['rbind', 'ro'],
  });
  const libraries = ['/usr', '/lib', '/lib64'];
  const node = dirname(process.execPath);
  const capabilities = ['CAP_NET_BIND_SERVICE'];
  const config = {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: [process.execPath, '/agent.mjs'],
      env: ['PATH=/bin:/usr/bin'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: true,
    },
    root: { path: root, readonly: false },
    hostname: 'container',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      ...libraries.map(bind),
      ...(libraries.some((path) => node.startsWith(`${path}/`)) ? [] : [bind(node)]),
    ],
    linux: {
      // Control groups are of all of this machine, and runc removes no more than the last part of a path.
      cgroupsPath: `/${basename(dirname(bundle))}-${basename(bundle)}`,
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
    },
  };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
}
