// SPDX-License-Identifier: Apache-2.0
// Files that processes of control groups open, as they ask for them: told whether they get them or not. Needs root.
//
// While the program is at its tracepoint, each system call of every process of the host takes some 60 ns longer, so it is there only
// while somebody is traced.

import { KernelProgram } from '../bpf/kernel-program.js';
import { Attribute } from '../bpf/attribute.js';
import { refusal } from '../bpf/refusal.js';
import { RingBufferReader } from '../bpf/ring-buffer-reader.js';
import type { SystemCalls } from '../system-calls.js';
import { OPEN_RECORD, openProgram, OPENS, TRACED } from './open-program.js';

export interface TracedOpen {
  /** The number of the control group. */
  readonly group: bigint;
  readonly process: number;
  readonly program: string;
  /** Of open(2). */
  readonly flags: number;
  /** As it was given, at most 255 bytes; empty if it could not be read. */
  readonly path: string;
}

export class OpenTracer implements Disposable {
  readonly #calls: SystemCalls;
  readonly #program: KernelProgram;
  readonly #reader: RingBufferReader;
  readonly #traced = new Set<bigint>();
  #link: number | undefined;

  private constructor(calls: SystemCalls, program: KernelProgram) {
    this.#calls = calls;
    this.#program = program;
    this.#reader = new RingBufferReader(calls, program.map(OPENS));
  }

  /** @throws PlinthError `host` where the kernel does not let us */
  static begin(calls: SystemCalls): OpenTracer {
    const tracer = new OpenTracer(calls, KernelProgram.load(calls, openProgram()));
    const error = tracer.#attach();
    tracer.#detach();
    if (error === 0) return tracer;
    tracer[Symbol.dispose]();
    throw refusal('a program at system calls', error);
  }

  /** Gives an error number, or 0. */
  #attach(): number {
    if (this.#link !== undefined) return 0;
    const name = new TextEncoder().encode('sys_enter\0');
    const link = new Attribute(this.#calls).pointer(0, name).u32(8, this.#program.fd).call('rawTracepointOpen');
    if (link < 0) return -link;
    this.#link = link;
    return 0;
  }

  #detach(): void {
    if (this.#link !== undefined) this.#calls.close(this.#link);
    this.#link = undefined;
  }

  /** To be polled: there is something to read. */
  get fd(): number {
    return this.#program.map(OPENS).fd;
  }

  /** @throws PlinthError `host` where the kernel does not let us any more */
  trace(group: bigint): void {
    this.#program.map(TRACED).set(groupKey(group), new Uint8Array(8));
    const error = this.#attach();
    if (error !== 0) throw refusal('a program at system calls', error);
    this.#traced.add(group);
  }

  /** Gives how many were lost of it, since nobody read in time. */
  stop(group: bigint): bigint {
    const map = this.#program.map(TRACED);
    const value = map.lookup(groupKey(group));
    map.delete(groupKey(group));
    this.#traced.delete(group);
    if (this.#traced.size === 0) this.#detach();
    return value === undefined ? 0n : new DataView(value.buffer, value.byteOffset).getBigUint64(0, true);
  }

  drain(tell: (open: TracedOpen) => void): void {
    this.#reader.drain((record) => tell(parseRecord(record)));
  }

  [Symbol.dispose](): void {
    this.#detach();
    this.#reader[Symbol.dispose]();
    this.#program[Symbol.dispose]();
  }
}

function groupKey(group: bigint): Uint8Array {
  const key = new Uint8Array(8);
  new DataView(key.buffer).setBigUint64(0, group, true);
  return key;
}

function parseRecord(record: Uint8Array): TracedOpen {
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  const text = (from: number, to: number): string => {
    const bytes = Buffer.from(record.subarray(from, to));
    const end = bytes.indexOf(0);
    return bytes.subarray(0, end < 0 ? bytes.length : end).toString();
  };
  return {
    group: view.getBigUint64(OPEN_RECORD.group, true),
    process: view.getUint32(OPEN_RECORD.process, true),
    program: text(OPEN_RECORD.program, OPEN_RECORD.path),
    flags: view.getUint32(OPEN_RECORD.flags, true),
    path: text(OPEN_RECORD.path, OPEN_RECORD.size),
  };
}
