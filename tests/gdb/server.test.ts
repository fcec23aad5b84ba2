// SPDX-License-Identifier: Apache-2.0
// The door for debuggers of `plinth run`: who comes in, and what becomes of a machine without one.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { GuestFile, plinth } from '../boot/guest.js';
import { DebuggedMachine } from './debugged.js';
import { GuestProgram, missingCompiler } from './program.js';

const missing = missingCompiler();

class Client {
  readonly #socket: Socket;
  readonly closed: Promise<void>;
  #text = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => (this.#text += bytes.toString('latin1')));
    // Not by `once`, which a connection that is reset fails.
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  static async connect(port: number): Promise<Client> {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    const client = new Client(socket);
    await once(socket, 'connect');
    return client;
  }

  send(bytes: string): void {
    this.#socket.write(bytes);
  }

  /** Whether this comes, before the connection is closed. */
  async gets(text: string): Promise<boolean> {
    for (;;) {
      if (this.#text.endsWith(text)) return true;
      if (this.#socket.destroyed) return false;
      await Promise.race([once(this.#socket, 'data').catch(() => undefined), this.closed]);
    }
  }

  async leave(): Promise<void> {
    this.#socket.destroy();
    await this.closed;
  }
}

describe('plinth run --gdb', () => {
  it('serves one client at a time, and the next one when it has gone', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using program = new GuestProgram();
    await using machine = await DebuggedMachine.plinth(program.elf, '--semihosting', '--paused');
    const first = await Client.connect(machine.port);
    first.send('$QStartNoAckMode#b0');
    expect(await first.gets('+$OK#9a')).toBe(true);
    const second = await Client.connect(machine.port);
    await second.closed;
    first.send('$qC#b4');
    expect(await first.gets('$QC1#c5')).toBe(true);
    await first.leave();
    // That it has seen the first one go may take it a moment.
    let next = await Client.connect(machine.port);
    next.send('$?#3f');
    while (!(await next.gets('$T05thread:1;#d7'))) {
      next = await Client.connect(machine.port);
      next.send('$?#3f');
    }
    next.send('$k#6b');
    await next.closed;
    expect(await machine.end()).toBe(0);
  });

  it('drops a client that sends what no client does, and the machine goes on', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using program = new GuestProgram();
    await using machine = await DebuggedMachine.plinth(program.elf, '--semihosting', '--paused');
    const hostile = await Client.connect(machine.port);
    // Requests without end for a machine that runs.
    hostile.send(`$c#63${'$g#67'.repeat(1000)}`);
    await hostile.closed;
    const polite = await Client.connect(machine.port);
    polite.send('$vKill;1#6e');
    expect(await polite.gets('$OK#9a')).toBe(true);
    expect(await machine.end()).toBe(0);
  });

  it('does not hold a machine up that nobody debugs', ({ skip }) => {
    skip(missing !== undefined, missing);
    using program = new GuestProgram();
    // It waits in its loop for ever.
    const limit = ['--limit-instructions', '100_000'];
    const { status, stderr } = plinth('run', program.elf, '--gdb', '0', ...limit);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^plinth: gdb: target remote :\d+\nplinth: stopped at the limit of --limit-instructions\n$/);
  });

  it('says in one line where it cannot listen', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using program = new GuestProgram();
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    using file = new GuestFile(`program: ${program.elf}\ngdb: ${port}\npaused: true\n`);
    const taken = plinth('run', file.path);
    server.close();
    expect(taken).toMatchObject({
      status: 3,
      stderr: `plinth: gdb: cannot listen at ${port}: somebody listens there already\n`,
    });
    const nowhere = plinth('run', program.elf, '--gdb', '192.0.2.1:0');
    expect(nowhere).toMatchObject({
      status: 3,
      stderr: 'plinth: gdb: cannot listen at 192.0.2.1:0: this host has no such address\n',
    });
  });
});
