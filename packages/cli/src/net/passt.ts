// SPDX-License-Identifier: Apache-2.0
// The network in user mode: passt (Debian's package of that name), run beside us. It gets one end of a pair of sockets when
// it is started and leaves when the other end is closed, so it outlives us in no case, a kill -9 included.

import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { PlinthError } from '@plinth/core';
import { macBytes, MAX_FRAME, type NetSpec, type PortForward } from '@plinth/machine';
import type { BackendEvents, NetworkBackend } from './backend.js';
import { lastPasstWords } from './passt-words.js';
import { FrameReader, withLength } from './frame-stream.js';

type UserNetSpec = Extract<NetSpec, { kind: 'user' }>;

/** File descriptor of its socket in the child. */
const SOCKET = 3;
/** Bytes that the socket should hold: no window of a guest is larger. */
const SOCKET_ROOM = 4 * 1024 * 1024;
/** Bytes on their way to passt; what comes above that is lost, as on a wire. */
const MAX_WAITING = 16 * 1024 * 1024;
/** Milliseconds after which passt is believed to be ready although it answers no ARP, as without IPv4. */
const ANSWER_TIME = 2000;

/** Starts passt, and waits until it has answered or failed. */
export async function openPasst(spec: UserNetSpec): Promise<NetworkBackend> {
  const pair = await roomySockets();
  const child = spawn('passt', passtArguments(spec), {
    stdio: ['ignore', 'ignore', 'pipe', pair?.[1] ?? 'pipe'],
    // The keys that end us are not for it: it ends when we do.
    detached: true,
  });
  if (pair !== undefined) closeSync(pair[1]);
  const backend = new PasstNetwork(child, pair === undefined ? (child.stdio[SOCKET] as Socket) : socketOf(pair[0]));
  try {
    await backend.answer(macBytes(spec.mac));
  } catch (error) {
    backend[Symbol.dispose]();
    throw error;
  }
  return backend;
}

/** What passt cannot send at once is lost, and sent again only after seconds; so the sockets get more room than usual. */
async function roomySockets(): Promise<[number, number] | undefined> {
  try {
    const { nativeCalls, socketPair } = await import('@plinth/linux');
    return socketPair(nativeCalls(), SOCKET_ROOM);
  } catch (error) {
    if (error instanceof PlinthError) return undefined; // then with the usual room
    throw error;
  }
}

function socketOf(fd: number): Socket {
  return new Socket({ fd, readable: true, writable: true });
}

export function passtArguments({ mtu, forwards }: Pick<UserNetSpec, 'mtu' | 'forwards'>): string[] {
  const ports = (protocol: PortForward['protocol'], option: string): string[] => {
    const list = forwards.filter((forward) => forward.protocol === protocol);
    // One protocol's ports would be taken for the other's.
    if (list.length === 0) return [option, 'none'];
    return list.flatMap(({ hostAddress, hostPort, guestPort }) => [
      option,
      `${hostAddress === undefined ? '' : `${hostAddress}/`}${hostPort}:${guestPort}`,
    ]);
  };
  const sockets = ['--foreground', '--quiet', '--fd', String(SOCKET), '--mtu', String(mtu)];
  return [...sockets, ...ports('tcp', '--tcp-ports'), ...ports('udp', '--udp-ports')];
}

class PasstNetwork implements NetworkBackend {
  readonly #child: ChildProcess;
  readonly #socket: Socket;
  readonly #stop: () => void;
  readonly #failed: Promise<string>;
  #messages: string = '';
  #events: BackendEvents | undefined;
  #first: (() => void) | undefined;

  constructor(child: ChildProcess, socket: Socket) {
    this.#child = child;
    this.#socket = socket;
    this.#stop = (): void => {
      child.kill();
    };
    process.once('exit', this.#stop);
    child.stderr!.on('data', (bytes: Buffer) => {
      this.#messages = `${this.#messages}${bytes.toString()}`.slice(-4096);
    });
    this.#failed = new Promise((resolve) => {
      child.once('error', (error: NodeJS.ErrnoException) =>
        resolve(error.code === 'ENOENT' ? 'passt is not installed: apt-get install passt' : error.message),
      );
      child.once('close', (status, signal) => resolve(this.#lastWords(status, signal)));
    });
    const reader = new FrameReader(MAX_FRAME, (frame) => {
      this.#first?.();
      this.#events?.frame(frame);
    });
    this.#socket.on('error', () => undefined); // its end is seen by the child's
    this.#socket.on('data', (bytes: Buffer) => {
      if (!reader.push(bytes)) this.#socket.destroy();
    });
  }

  #lastWords(status: number | null, signal: string | null): string {
    if (signal !== null) return `passt ended (${signal})`;
    const why = lastPasstWords(this.#messages);
    return `passt ended (status ${status})${why === undefined ? '' : `: ${why}`}`;
  }

  /** Asks who has an address that it takes for the network's: it answers every such question once it is at work. */
  async answer(mac: Uint8Array): Promise<void> {
    const answered = new Promise<undefined>((resolve) => {
      this.#first = () => resolve(undefined);
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, ANSWER_TIME, undefined);
    });
    this.send(arpProbe(mac));
    const failure = await Promise.race([answered, late, this.#failed]);
    clearTimeout(timer);
    this.#first = undefined;
    if (failure !== undefined) throw new PlinthError('host', 'net-user', `net: user: ${failure}`);
  }

  start(events: BackendEvents): void {
    this.#events = events;
    void this.#failed.then((why) => this.#events?.down(`net: user: ${why}`));
  }

  send(frame: Uint8Array): boolean {
    if (this.#socket.destroyed || this.#socket.writableLength > MAX_WAITING) return false;
    this.#socket.write(withLength(frame));
    return true;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  [Symbol.dispose](): void {
    this.#events = undefined;
    process.removeListener('exit', this.#stop);
    this.#socket.destroy();
    this.#child.kill();
    this.#child.unref();
  }
}

/** RFC 5227: who has 192.0.2.1, asked by someone without an address yet. */
function arpProbe(mac: Uint8Array): Uint8Array {
  const frame = new Uint8Array(60);
  frame.fill(0xff, 0, 6);
  frame.set(mac, 6);
  frame.set([0x08, 0x06, 0, 1, 0x08, 0x00, 6, 4, 0, 1], 12);
  frame.set(mac, 22);
  frame.set([192, 0, 2, 1], 38);
  return frame;
}
