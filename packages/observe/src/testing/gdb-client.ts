// SPDX-License-Identifier: Apache-2.0
// A debugger of tests: packets to a stub over a real machine, which runs as the run loop runs it. Only for tests; no part of
// the package.

import { concatenate, latin1, utf8 } from '@plinth/core';
import type { Machine } from '@plinth/machine';
import { frame, FrameReader } from '../gdb/framing.js';
import { addMachineCommands } from '../gdb/machine-monitor.js';
import { MachineTarget, type MachineTargetOptions } from '../gdb/machine-target.js';
import type { GdbSession } from '../gdb/session.js';
import { GdbStub } from '../gdb/stub.js';
import { BareDriver } from './bare-driver.js';

/** Slices that a target may take until it stands: far more than any test needs. */
const MAX_SLICES = 100_000;

export class GdbClient {
  readonly target: MachineTarget;
  readonly stub: GdbStub;
  readonly machine: Machine;
  session: GdbSession;
  /** How the run was told to end. */
  ended: string | undefined;
  /** The connection has been closed from the other side. */
  closed = false;
  readonly #reader = new FrameReader(1 << 20);
  #replies: string[] = [];
  #acknowledgements = '';

  constructor(machine: Machine, options: Partial<MachineTargetOptions> = {}) {
    this.machine = machine;
    this.target = new MachineTarget({ driver: new BareDriver(machine), machine, paused: true, ...options });
    this.stub = new GdbStub(this.target);
    addMachineCommands(this.stub.monitor, this.target);
    this.session = this.connect();
  }

  /** Again, after the last session is over. */
  connect(): GdbSession {
    this.closed = false;
    const session = this.stub.connect({
      send: (bytes) => this.#received(bytes),
      close: () => {
        this.closed = true;
      },
    });
    if (session === undefined) throw new Error('turned away');
    this.session = session;
    return session;
  }

  #received(bytes: Uint8Array): void {
    for (const event of this.#reader.push(bytes)) {
      if (event.kind === 'packet') this.#replies.push(latin1(event.data));
      else this.#acknowledgements += event.kind === 'acknowledged' ? '+' : '-';
    }
  }

  get acknowledgements(): string {
    const seen = this.#acknowledgements;
    this.#acknowledgements = '';
    return seen;
  }

  /** The replies since the last call. */
  take(): string[] {
    return this.#replies.splice(0);
  }

  /** Sends a packet and gives what came back at once. */
  send(packet: string | Uint8Array): string[] {
    this.session.receive(frame(typeof packet === 'string' ? utf8(packet) : packet));
    return this.take();
  }

  /** The one reply to a packet, when the target stands again. */
  ask(packet: string): string {
    const replies = this.send(packet);
    if (replies.length === 0) {
      this.run();
      replies.push(...this.take());
    }
    if (replies.length !== 1) throw new Error(`${packet}: ${replies.length} replies: ${replies.join(' ')}`);
    return replies[0]!;
  }

  /** The run loop, until the target stands or `slices` have run. */
  run(slices: number = MAX_SLICES, size = 10_000): void {
    for (let n = 0; n < slices; n++) {
      const order = this.target.next();
      if (order.kind === 'end') {
        this.ended = order.exit.kind;
        return;
      }
      if (order.kind === 'stay') return;
      if (order.kind === 'run') this.target.runSlice(size, false);
    }
  }

  /** Bytes as they are, not in a frame. */
  raw(...parts: readonly (string | Uint8Array)[]): string[] {
    this.session.receive(concatenate(parts.map((part) => (typeof part === 'string' ? utf8(part) : part))));
    return this.take();
  }

  /** Output of `monitor COMMAND`. */
  async monitor(command: string): Promise<string> {
    const hex = [...utf8(command)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    this.send(`qRcmd,${hex}`);
    await new Promise((resolve) => setTimeout(resolve, 0));
    const replies = this.take();
    return replies
      .filter((reply) => reply !== 'OK')
      .map((reply) => Buffer.from(reply.replace(/^O/, ''), 'hex').toString())
      .join('');
  }
}
