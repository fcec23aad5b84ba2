// SPDX-License-Identifier: Apache-2.0
// What a call that a watcher was told of means: which program, where to, which name, or what it was that is refused.

import { readFileSync, readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { CALL, type CallName, type CallNotification } from '@plinth/linux';
import { queriedNames } from './dns-names.js';
import type { ProcessMemory } from './process-memory.js';
import { readSocketAddress, type SocketAddress } from './socket-address.js';

export type ToldCall =
  /** A program is to be executed. `path` as the workspace has it. */
  | { readonly kind: 'exec'; readonly path: string; readonly args: readonly string[] }
  | { readonly kind: 'connect'; readonly to: SocketAddress }
  | { readonly kind: 'dns'; readonly names: readonly string[] }
  /** A call that nobody may make there, with a text that says what it was about. */
  | { readonly kind: 'refused'; readonly call: CallName; readonly about: string };

const NAMES = new Map(Object.entries(CALL).map(([name, number]) => [number, name as CallName]));
const LONGEST_PATH = 4096;
const MOST_ARGUMENTS = 64;
const LONGEST_ARGUMENT = 512;
const LONGEST_ADDRESS = 128;
const LONGEST_MESSAGE = 1500;
const WORKING_DIRECTORY = -100;
const EMPTY_PATH = 0x1000;
const DNS_PORT = 53;
/** struct msghdr, struct mmsghdr, and how many of these the kernel takes at once (UIO_MAXIOV). */
const MESSAGE_SIZE = 56;
const MESSAGE_OF_MANY_SIZE = 64;
const MOST_MESSAGES = 1024;

/**
 * The call may have been told though it is allowed: what it is about is found in the memory of the program. A call may mean nothing,
 * as one that makes a process, and many things, as one that sends many messages.
 */
export function readToldCall(
  { call, args, thread }: CallNotification,
  memory: ProcessMemory | undefined,
): readonly ToldCall[] {
  const name = NAMES.get(call);
  const [first = 0n, second = 0n, third = 0n, , fifth = 0n, sixth = 0n] = args;
  switch (name) {
    case 'execve':
      return [executed(thread, memory, { folder: WORKING_DIRECTORY, path: first, args: second, flags: 0 })];
    case 'execveat':
      return [
        executed(thread, memory, {
          folder: Number(BigInt.asIntN(32, first)),
          path: second,
          args: third,
          flags: Number(fifth),
        }),
      ];
    case 'connect':
      return [{ kind: 'connect', to: addressAt(memory, second, third) }];
    case 'sendto':
      return sentTo(addressAt(memory, fifth, sixth), () => bytesAt(memory, second, third));
    case 'sendmsg':
      return messages(memory, second, { count: 1, size: MESSAGE_SIZE });
    case 'sendmmsg':
      return messages(memory, second, { count: Number(BigInt.asUintN(32, third)), size: MESSAGE_OF_MANY_SIZE });
    case 'fork':
    case 'vfork':
      return [];
    case 'clone':
      return (Number(first) & NAMESPACES) === 0 ? [] : [{ kind: 'refused', call: name, about: 'new namespaces' }];
    case undefined:
      return [{ kind: 'refused', call: 'restart_syscall', about: `call ${call}` }];
    default:
      return [{ kind: 'refused', call: name, about: aboutRefused(name, args, memory) }];
  }
}

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const NAMESPACES = 0x7e02_0000;

interface Execution {
  readonly folder: number;
  readonly path: bigint;
  readonly args: bigint;
  readonly flags: number;
}

function executed(
  thread: number,
  memory: ProcessMemory | undefined,
  { folder, path, args, flags }: Execution,
): ToldCall {
  const given = memory?.text(path, LONGEST_PATH) ?? '?';
  const texts = memory?.texts(args, MOST_ARGUMENTS, LONGEST_ARGUMENT) ?? [];
  return { kind: 'exec', path: resolvePath(thread, folder, given, flags), args: texts };
}

function resolvePath(thread: number, folder: number, path: string, flags: number): string {
  if (path.startsWith('/')) return path;
  const base = folder === WORKING_DIRECTORY ? 'cwd' : `fd/${folder}`;
  try {
    const from = readlinkSync(`/proc/${thread}/${base}`);
    return path === '' && (flags & EMPTY_PATH) !== 0 ? from : resolve(from, path);
  } catch {
    return path;
  }
}

function bytesAt(memory: ProcessMemory | undefined, address: bigint, length: bigint): Uint8Array {
  return memory?.read(address, Number(length < LONGEST_MESSAGE ? length : LONGEST_MESSAGE)) ?? new Uint8Array();
}

function addressAt(memory: ProcessMemory | undefined, address: bigint, length: bigint): SocketAddress {
  const most = length < LONGEST_ADDRESS ? Number(length) : LONGEST_ADDRESS;
  return readSocketAddress(memory?.read(address, most) ?? new Uint8Array());
}

/** A datagram with an address of its own. */
function sentTo(to: SocketAddress, bytes: () => Uint8Array): ToldCall[] {
  const names = to.port === DNS_PORT ? queriedNames(bytes()) : [];
  return [names.length > 0 ? { kind: 'dns', names } : { kind: 'connect', to }];
}

/**
 * Of an array of struct msghdr (sendmsg(2)), or of struct mmsghdr, which begins with one. Where several messages go is told once.
 * Of those that are sent together on a socket that is connected, as the C library asks for names, the names are told.
 */
function messages(
  memory: ProcessMemory | undefined,
  address: bigint,
  { count, size }: { readonly count: number; readonly size: number },
): ToldCall[] {
  const all = memory?.read(address, size * Math.min(count, MOST_MESSAGES)) ?? new Uint8Array();
  const view = new DataView(all.buffer, all.byteOffset, all.length);
  const told = new Map<string, ToldCall>();
  for (let at = 0; at + MESSAGE_SIZE <= all.length; at += size) {
    const [name, length] = [view.getBigUint64(at, true), view.getUint32(at + 8, true)];
    const bytes = (): Uint8Array => firstPart(memory!, view.getBigUint64(at + 16, true));
    const is =
      name === 0n || length === 0 ? namesAsked(size, bytes) : sentTo(addressAt(memory, name, BigInt(length)), bytes);
    for (const one of is) told.set(JSON.stringify(one), one);
  }
  return [...told.values()];
}

function namesAsked(size: number, bytes: () => Uint8Array): ToldCall[] {
  const names = size === MESSAGE_OF_MANY_SIZE ? queriedNames(bytes()) : [];
  return names.length === 0 ? [] : [{ kind: 'dns', names }];
}

/** What the first vector of an array has. */
function firstPart(memory: ProcessMemory, address: bigint): Uint8Array {
  const vector = memory.read(address, 16);
  if (vector.length < 16) return new Uint8Array();
  const view = new DataView(vector.buffer, vector.byteOffset);
  return bytesAt(memory, view.getBigUint64(0, true), view.getBigUint64(8, true));
}

const TRACE_REQUESTS: Readonly<Record<number, string>> = {
  0: 'to be traced',
  16: 'attach',
  0x4206: 'seize',
};

/** In a few words, from its arguments. */
function aboutRefused(name: CallName, args: readonly bigint[], memory: ProcessMemory | undefined): string {
  const text = (n: number): string => memory?.text(args[n] ?? 0n, LONGEST_ARGUMENT) ?? '?';
  const number = (n: number): number => Number(BigInt.asIntN(32, args[n] ?? 0n));
  switch (name) {
    case 'mount':
      return `${text(0)} at ${text(1)}, ${args[2] === 0n ? 'bind' : text(2)}`;
    case 'umount2':
    case 'pivot_root':
    case 'swapon':
    case 'fsopen':
      return text(0);
    case 'open_tree':
    case 'move_mount':
      return text(1);
    case 'ptrace':
      return `${TRACE_REQUESTS[number(0)] ?? `request ${number(0)}`}, process ${number(1)}`;
    case 'process_vm_readv':
    case 'process_vm_writev':
      return `process ${number(0)}`;
    case 'bpf':
      return `command ${number(0)}`;
    case 'socket':
      return `family ${number(0)}`;
    case 'unshare':
    case 'setns':
      return `flags 0x${number(name === 'setns' ? 1 : 0).toString(16)}`;
    case 'ioctl':
      return 'characters for the terminal';
    default:
      return '';
  }
}

/** The process that a thread belongs to, and the name of its program. */
export interface ThreadIdentity {
  readonly process: number;
  readonly program: string;
}

export function threadIdentity(thread: number): ThreadIdentity {
  try {
    const status = readFileSync(`/proc/${thread}/status`, 'utf8');
    return {
      process: Number(/^Tgid:\t(\d+)$/m.exec(status)?.[1] ?? thread),
      program: /^Name:\t(.*)$/m.exec(status)?.[1] ?? '?',
    };
  } catch {
    return { process: thread, program: '?' };
  }
}
