// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { networkInterfaces } from './network-interfaces.js';
import { ERROR } from './system-calls.js';
import { RefusingCalls } from './testing/refusing-calls.js';

function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((4 + value.length + 3) & ~3);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, 4);
  return bytes;
}

function message(type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = Buffer.concat([new Uint8Array(16), ...parts]);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(type, 4);
  return bytes;
}

function head(index: number, flags: number): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeInt32LE(index, 4);
  bytes.writeUInt32LE(flags, 8);
  return bytes;
}

const word = (value: number): Uint8Array => new Uint8Array(Int32Array.of(value).buffer);
const text = (value: string): Uint8Array => Buffer.from(`${value}\0`);

/** Answers with these reads, one after the other. */
class FakeNetlink extends RefusingCalls {
  closed = 0;
  readonly #answers: Uint8Array[];

  constructor(...answers: Uint8Array[]) {
    super();
    this.#answers = answers;
  }
  override socket(): number {
    return 5;
  }
  override write(_fd: number, from: Uint8Array): number {
    return from.length;
  }
  override read(_fd: number, into: Uint8Array): number {
    const answer = this.#answers.shift();
    if (answer === undefined) return -ERROR.EAGAIN;
    into.set(answer);
    return answer.length;
  }
  override close(): number {
    this.closed++;
    return 0;
  }
}

describe('network interfaces', () => {
  it('are told with what they are linked to', () => {
    const lo = message(16, head(1, 9), attribute(3, text('lo')));
    const kind = attribute(18, attribute(1, text('veth')));
    const veth = message(
      16,
      head(7, 1),
      attribute(3, text('veth0')),
      attribute(5, word(2)),
      attribute(37, word(3)),
      kind,
    );
    const calls = new FakeNetlink(Buffer.concat([lo, veth]), message(3, word(0)));
    expect(networkInterfaces(calls)).toEqual([
      { index: 1, name: 'lo', kind: '', loopback: true, up: true, linked: 0, linkedNamespace: undefined },
      { index: 7, name: 'veth0', kind: 'veth', loopback: false, up: true, linked: 2, linkedNamespace: 3 },
    ]);
    expect(calls.closed).toBe(1);
  });

  it('are an error where the kernel refuses or an answer is cut', () => {
    expect(() => networkInterfaces(new RefusingCalls())).toThrow(
      'the list of network interfaces: the kernel says EPERM',
    );
    expect(() => networkInterfaces(new FakeNetlink(message(2, word(-ERROR.EACCES), head(0, 0))))).toThrow('EACCES');
    const cut = message(16, head(1, 9)).subarray(0, 20);
    const calls = new FakeNetlink(cut);
    expect(() => networkInterfaces(calls)).toThrow('an answer that is cut');
    expect(calls.closed).toBe(1);
  });
});
