// SPDX-License-Identifier: Apache-2.0
// Runs a shell script as root of a user namespace of its own (user_namespaces(7)), with a mount and a process namespace:
// it may mount, change root and give files to any user, and none of it is seen by the host. Since Linux 6.7 such a
// namespace has its own binfmt_misc, so programs of another architecture run in it without telling the host's kernel.
// Needs root: with fewer rights a namespace has only one user.

import { spawn } from 'node:child_process';
import { readlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlinthError } from '@plinth/core';

export interface NamespaceOptions {
  readonly environment: Readonly<Record<string, string>>;
  /** Called with each line of the script's standard output. */
  readonly onLine: (line: string) => void;
}

export interface NamespaceResult {
  readonly status: number;
  /** The last lines that were printed, on either stream. */
  readonly tail: readonly string[];
}

const USERS = 65536;
const TAIL_LINES = 40;
const MAP_ATTEMPTS = 2000;

/**
 * When we die, however that is, everything in the namespace is killed, and its mounts vanish with it.
 * A status other than 0 is for the caller to judge.
 */
export async function runInNamespace(script: string, options: NamespaceOptions): Promise<NamespaceResult> {
  if (process.getuid?.() !== 0) {
    throw new PlinthError('host', 'namespace', 'building an image with a disk needs root: run it with sudo');
  }
  const outside = readlinkSync('/proc/self/ns/user');
  // The process gets its user numbers from us, and its rights with the exec that follows.
  const inner = 'setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc sh -c "$1" sh';
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', 'unshare', '--user', 'sh', '-c', `read -r go && exec ${inner}`, 'sh', script],
    { env: { ...namespaceEnvironment(), ...options.environment }, stdio: ['pipe', 'pipe', 'pipe'] },
  );
  child.stdin.on('error', () => undefined); // it ended before it read; its status tells
  const stop = (): void => {
    child.kill('SIGKILL');
  };
  process.prependOnceListener('exit', stop);
  const tail: string[] = [];
  const follow = (stream: NodeJS.ReadableStream, onLine?: (line: string) => void): void => {
    let rest = '';
    stream.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        onLine?.(line);
        if (line !== '') tail.push(line);
      }
      tail.splice(0, tail.length - TAIL_LINES);
    });
    stream.on('end', () => {
      if (rest !== '') tail.push(rest);
    });
  };
  follow(child.stdout, options.onLine);
  follow(child.stderr);
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (cause) =>
      reject(
        new PlinthError('host', 'no-program', 'setpriv: the programs of Debian’s util-linux are needed', { cause }),
      ),
    );
    child.once('close', (code) => resolve(code ?? 128));
  });
  ended.catch(() => undefined); // reported by the await below
  try {
    if (await hasNamespace(child, outside)) {
      writeFileSync(`/proc/${child.pid}/uid_map`, `0 0 ${USERS}`);
      writeFileSync(`/proc/${child.pid}/gid_map`, `0 0 ${USERS}`);
      child.stdin.end('go\n');
    }
  } catch (cause) {
    child.kill('SIGKILL');
    await ended;
    throw refusal((cause as Error).message, cause);
  } finally {
    void ended.finally(() => process.removeListener('exit', stop)).catch(() => undefined);
  }
  const status = await ended;
  const complaint = tail.find((line) => line.startsWith('unshare: '));
  if (status !== 0 && complaint !== undefined) throw refusal(complaint);
  return { status, tail };
}

function refusal(detail: string, cause?: unknown): PlinthError {
  const message = `this host allows no user namespace (${detail}): a container or a kernel setting forbids it`;
  return new PlinthError('host', 'namespace', message, { cause });
}

/** Waits until the process has left our user namespace; false if it ended first. */
async function hasNamespace(child: ReturnType<typeof spawn>, outside: string): Promise<boolean> {
  for (let attempt = 0; attempt < MAP_ATTEMPTS && child.exitCode === null && child.signalCode === null; attempt++) {
    try {
      if (readlinkSync(`/proc/${child.pid}/ns/user`) !== outside) return true;
    } catch {
      return false; // it is gone
    }
    await sleep(5);
  }
  return false;
}

/** Nothing of ours but what programs need to be found. */
function namespaceEnvironment(): Record<string, string> {
  return { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LC_ALL: 'C', TZ: 'UTC' };
}
