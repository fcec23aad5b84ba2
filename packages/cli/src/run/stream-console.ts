// SPDX-License-Identifier: Apache-2.0
// Consoles on other host objects: a Unix socket that we listen on, a pair of named pipes, a pseudo terminal.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, fstatSync, openSync, rmSync } from 'node:fs';
import { createServer, Socket } from 'node:net';
import type { Duplex, Readable, Writable } from 'node:stream';
import { PlinthError } from '@plinth/core';
import type { Console, ConsoleEvents } from '@plinth/machine';
import { flush } from './console.js';

class StreamConsole implements Console {
  readonly live: boolean = true;
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #dispose: () => void;
  #events: ConsoleEvents | undefined;

  constructor(input: Readable, output: Writable, dispose: () => void) {
    this.#input = input;
    this.#output = output;
    this.#dispose = dispose;
    // Kept for the whole life of the streams: an error without a listener would end the process.
    for (const stream of [input, output]) stream.on('error', () => this.#events?.leave());
  }

  start(events: ConsoleEvents): void {
    this.#events = events;
    this.#input.on('data', (bytes: Buffer) => events.input(bytes));
    this.#input.once('close', () => events.leave());
  }

  write(bytes: Uint8Array): boolean {
    if (this.#output.destroyed) return true;
    const room = this.#output.write(bytes);
    if (!room) this.#output.once('drain', () => this.#events?.drain());
    return room;
  }

  async close(): Promise<void> {
    this.#events = undefined;
    if (!this.#output.destroyed) await Promise.race([flush(this.#output), once(this.#output, 'close')]);
    this.#input.destroy();
    this.#output.destroy();
    this.#dispose();
  }
}

/** Listens on a Unix socket and waits for its first client, which is the console. */
export async function openSocketConsole(path: string, say: (line: string) => void): Promise<Console> {
  const server = createServer();
  const remove = (): void => rmSync(path, { force: true });
  const client = new Promise<Duplex>((resolve, reject) => {
    server.once('error', (cause) => {
      const detail = `${path}: no socket can be made here: ${cause.message}: remove what is there or choose another path`;
      reject(new PlinthError('input', 'console-socket', detail, { cause }));
    });
    server.once('connection', resolve);
  });
  server.listen(path, () => {
    process.once('exit', remove);
    say(`console: waiting for a client on ${path}`);
  });
  const socket = await client;
  server.close();
  return new StreamConsole(socket, socket, () => {
    process.off('exit', remove);
    remove();
  });
}

/** PATH.in and PATH.out, named pipes as QEMU takes them: the guest reads the first and writes the second. */
export function openPipeConsole(path: string): Console {
  const open = (name: string): Socket => {
    let fd: number;
    try {
      // Opened for both directions, a named pipe neither waits for its other end nor reports its absence.
      fd = openSync(name, constants.O_RDWR | constants.O_NONBLOCK);
    } catch (cause) {
      throw pipeError(name, path, cause);
    }
    if (!fstatSync(fd).isFIFO()) throw pipeError(name, path, undefined);
    return new Socket({ fd, readable: name.endsWith('.in'), writable: name.endsWith('.out') });
  };
  return new StreamConsole(open(`${path}.in`), open(`${path}.out`), () => undefined);
}

function pipeError(name: string, path: string, cause: unknown): PlinthError {
  return new PlinthError('input', 'console-pipe', `${name}: not a named pipe: run "mkfifo ${path}.in ${path}.out"`, {
    cause,
  });
}

/**
 * A pseudo terminal. Node cannot open one, but script(1), which every Debian has, can: it relays between our pipes and
 * the terminal, whose own program only makes it raw, tells its name and keeps it open.
 */
export async function openPtyConsole(say: (line: string) => void): Promise<Console> {
  const holder = 'stty raw -echo; tty; exec sleep infinity';
  const child = spawn('script', ['-q', '-f', '-E', 'never', '-c', holder, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stop = (): void => {
    child.kill();
  };
  process.once('exit', stop);
  const name = await new Promise<string>((resolve, reject) => {
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    child.once('error', (cause) => {
      const text = 'console: script(1) is needed for a pty (package bsdutils)';
      reject(new PlinthError('host', 'console-pty', text, { cause }));
    });
    child.once('close', () => {
      const text = `console: this host gives no pty (is /dev/pts mounted?): ${complaint.trim()}`;
      reject(new PlinthError('host', 'console-pty', text));
    });
    let text = '';
    child.stdout.on('data', function read(chunk: Buffer) {
      text += chunk.toString('latin1');
      const match = /\/dev\/\S+(?=\s)/.exec(text);
      if (match === null) return;
      child.stdout.off('data', read);
      resolve(match[0]);
    });
  });
  say(`console: ${name}`);
  return new StreamConsole(child.stdout, child.stdin, () => {
    process.off('exit', stop);
    stop();
  });
}
