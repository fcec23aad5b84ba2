// SPDX-License-Identifier: Apache-2.0
// Writes 9P2000.L messages and reads their answers, for tests.

import { MESSAGE } from '../devices/virtio/p9/messages.js';
import type { P9Server } from '../devices/virtio/p9/server.js';
import { WireReader, WireWriter } from '../devices/virtio/p9/wire.js';

/** A number with the bytes that it takes, a text, or bytes as they are. */
export type Field = readonly [size: 1 | 2 | 4 | 8, value: number | bigint] | string | Uint8Array;

export type MessageName = keyof typeof MESSAGE;

export function message(name: MessageName, ...fields: readonly Field[]): Uint8Array {
  const writer = new WireWriter(new Uint8Array(16384));
  writer.u32(0);
  writer.u8(MESSAGE[name]);
  writer.u16(7);
  for (const field of fields) {
    if (typeof field === 'string') writer.text(field);
    else if (field instanceof Uint8Array) {
      writer.bytes.set(field, writer.at);
      writer.at += field.length;
    } else if (field[0] === 8) writer.u64(BigInt(field[1]));
    else if (field[0] === 4) writer.u32(Number(field[1]));
    else if (field[0] === 2) writer.u16(Number(field[1]));
    else writer.u8(Number(field[1]));
  }
  const size = writer.at;
  writer.at = 0;
  writer.u32(size);
  return writer.bytes.slice(0, size);
}

/** The error number in an answer, or a reader of what comes after its header. */
export function readAnswer(answer: Uint8Array): number | WireReader {
  const reader = new WireReader(answer);
  const size = reader.u32();
  const type = reader.u8();
  const tag = reader.u16();
  if (size !== answer.length || tag !== 7) throw new Error(`an answer of ${answer.length} bytes that says ${size}`);
  return type === MESSAGE.lerror + 1 ? reader.u32() : reader;
}

/** Speaks to a server as a driver does; refusals are numbers. */
export class P9Client {
  readonly server: P9Server;
  room: number = 1 << 19;

  constructor(server: P9Server) {
    this.server = server;
  }

  /** Agrees on a size, and has the folder as fid 0. */
  start(msize: number = 8192): this {
    this.ask('version', [4, msize], '9P2000.L');
    this.ask('attach', [4, 0], [4, 0xffff_ffff], 'root', '', [4, 0]);
    return this;
  }

  ask(name: MessageName, ...fields: readonly Field[]): number | WireReader {
    return this.send(message(name, ...fields));
  }

  send(bytes: Uint8Array): number | WireReader {
    const answer = this.server.serve(bytes, this.room).slice();
    return readAnswer(this.server.follow(bytes, answer));
  }

  walk(from: number, to: number, ...names: readonly string[]): number | WireReader {
    return this.ask('walk', [4, from], [4, to], [2, names.length], ...names);
  }

  open(fid: number, flags: number = 0): number | WireReader {
    return this.ask('lopen', [4, fid], [4, flags]);
  }

  create(fid: number, name: string, flags: number = 2, mode: number = 0o644): number | WireReader {
    return this.ask('lcreate', [4, fid], name, [4, flags], [4, mode], [4, 0]);
  }

  read(fid: number, offset: number | bigint, count: number): number | Uint8Array {
    const answer = this.ask('read', [4, fid], [8, offset], [4, count]);
    return typeof answer === 'number' ? answer : answer.bytes(answer.u32());
  }

  write(fid: number, offset: number | bigint, bytes: Uint8Array): number {
    const answer = this.ask('write', [4, fid], [8, offset], [4, bytes.length], bytes);
    return typeof answer === 'number' ? -answer : answer.u32();
  }

  /** Names from an offset on, and the offset after each. */
  list(fid: number, offset: number | bigint, count: number = 4096): number | (readonly [string, bigint])[] {
    const answer = this.ask('readdir', [4, fid], [8, offset], [4, count]);
    if (typeof answer === 'number') return answer;
    answer.u32();
    const entries: [string, bigint][] = [];
    while (answer.remaining > 0) {
      answer.bytes(13);
      const next = answer.u64();
      answer.u8();
      entries.push([answer.text(), next]);
    }
    return entries;
  }
}
