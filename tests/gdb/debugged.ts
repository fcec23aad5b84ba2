// SPDX-License-Identifier: Apache-2.0
// The real GDB with a script, against Plinth's stub and QEMU's: what it prints is the transcript that is compared.

import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { PLINTH } from '../boot/guest.js';
import { until } from '../setup/until.js';

/** Milliseconds in which a session ends on the slowest of hosts. */
const HANG = 500_000;

export function missingGdb(): string | undefined {
  return spawnSync('gdb-multiarch', ['--version']).status === 0 ? undefined : 'gdb-multiarch is not installed';
}

/** A machine that waits for a debugger. */
export class DebuggedMachine implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  output: string = '';
  errors: string = '';
  port: number = 0;

  private constructor(program: string, args: readonly string[], input: 'ignore' | 'pipe' = 'ignore') {
    this.#child = spawn(program, args, { stdio: [input, 'pipe', 'pipe'], timeout: HANG });
    this.#child.stdout!.setEncoding('latin1').on('data', (text: string) => (this.output += text));
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
    // The guest may switch off while it is written to.
    this.#child.stdin?.on('error', () => undefined);
    this.#ended = once(this.#child, 'close').then(() => undefined);
  }

  static plinth(...options: string[]): Promise<DebuggedMachine> {
    return DebuggedMachine.#plinth('run', 'ignore', ...options);
  }

  /** One that can be typed at. */
  static typed(...options: string[]): Promise<DebuggedMachine> {
    return DebuggedMachine.#plinth('run', 'pipe', ...options);
  }

  /** A recorded run, which can be gone back in. */
  static replay(...options: string[]): Promise<DebuggedMachine> {
    return DebuggedMachine.#plinth('replay', 'ignore', ...options);
  }

  static async #plinth(verb: string, input: 'ignore' | 'pipe', ...options: string[]): Promise<DebuggedMachine> {
    const machine = new DebuggedMachine(process.execPath, [PLINTH, verb, '--gdb', '0', ...options], input);
    for (;;) {
      const port = /target remote :(\d+)/.exec(machine.errors)?.[1];
      machine.port = Number(port ?? 0);
      if (port !== undefined) return machine;
      if (machine.#child.exitCode !== null) throw new Error(machine.errors);
      await sleep(20);
    }
  }

  static async qemu(...options: string[]): Promise<DebuggedMachine> {
    const common = ['-nographic', '-nic', 'none', '-gdb', 'tcp:127.0.0.1:0', '-S'];
    const machine = new DebuggedMachine('qemu-system-arm', [...common, ...options]);
    await until('the port of QEMU', () => {
      if (machine.#child.exitCode !== null) throw new Error(machine.errors);
      machine.port = listeningPort(machine.#child.pid!) ?? 0;
      return machine.port !== 0;
    });
    return machine;
  }

  /** What GDB prints of these commands; an error is a line like another. The machine waits where the last one leaves it. */
  async gdb(program: string | undefined, commands: readonly string[]): Promise<string[]> {
    const settings = ['set pagination off', 'set confirm off', 'set tcp connect-timeout 60', 'set remotetimeout 60'];
    const script = [...settings, `target remote 127.0.0.1:${this.port}`, ...commands];
    const args = ['-nx', '-batch', ...(program === undefined ? [] : [program]), ...script.flatMap((c) => ['-ex', c])];
    // Errors go to the other stream: together they are in order.
    const shell = ['-c', 'exec gdb-multiarch "$@" 2>&1', 'gdb', ...args];
    const { stdout } = await promisify(execFile)('sh', shell, { timeout: HANG, maxBuffer: 1 << 24 }).catch(
      (error: { stdout: string }) => error,
    );
    return stdout.split('\n').filter((line) => line !== '');
  }

  /** Waits for a text on standard error; false if it ends before. */
  async says(text: string): Promise<boolean> {
    while (!this.errors.includes(text) && this.#child.exitCode === null) await sleep(20);
    return this.errors.includes(text);
  }

  /** Enters a line at its console. */
  type(line: string): void {
    this.#child.stdin!.write(`${line}\n`);
  }

  /** Waits for a text of its console; false if it ends before. */
  async prints(text: string): Promise<boolean> {
    while (!this.output.includes(text) && this.#child.exitCode === null) await sleep(20);
    return this.output.includes(text);
  }

  /** Its exit status, when it has ended by itself. */
  async end(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

/** The TCP port at which a process listens: one that the kernel has chosen, so that nobody else has it. */
function listeningPort(pid: number): number | undefined {
  const files = readdirSync(`/proc/${pid}/fd`).map((fd) => linkTarget(`/proc/${pid}/fd/${fd}`));
  // Number, local address, remote address, state (0A is LISTEN), and in field 9 the inode.
  const sockets = readFileSync(`/proc/${pid}/net/tcp`, 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const ours = sockets.find((fields) => fields[3] === '0A' && files.includes(`socket:[${fields[9]}]`));
  return ours && parseInt(ours[1]!.split(':')[1]!, 16);
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // it is closed again
  }
}

const CTRL_C = [
  'import os, signal, threading',
  'def soon(event):',
  '  gdb.events.cont.disconnect(soon)',
  '  threading.Timer(2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()',
  'gdb.events.cont.connect(soon)',
];
/** Sends GDB what Ctrl-C sends, a little after the machine goes on the next time. */
export const CTRL_C_SOON: string = `python exec("${CTRL_C.join(String.raw`\n`)}")`;

/** What stays of a line where both may differ, for the reason that stands with it. */
export type Difference = readonly [reason: string, pattern: RegExp, replacement: string];

export function withoutDifferences(lines: readonly string[], differences: readonly Difference[]): string[] {
  return lines.map((line) => differences.reduce((text, [, pattern, to]) => text.replace(pattern, to), line));
}
