// SPDX-License-Identifier: Apache-2.0
import { closeSync, readSync, writeSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nativeCalls } from './native-calls.js';
import { socketPair } from './socket-pair.js';
import type { SystemCalls } from './system-calls.js';

const ROOM = 150_000;

describe('a pair of sockets', () => {
  it.skipIf(process.platform !== 'linux')('is connected, and has room', () => {
    const [one, other] = socketPair(nativeCalls(), ROOM);
    const sent = Buffer.alloc(ROOM, 7);
    expect(writeSync(one, sent)).toBe(ROOM);
    const got = Buffer.alloc(2 * ROOM);
    expect(readSync(other, got)).toBeGreaterThan(0);
    closeSync(one);
    closeSync(other);
  });

  it('asks for what is allowed where more is refused', () => {
    const options: number[] = [];
    const calls = {
      socketpair: (_domain: number, _type: number, descriptors: Uint8Array) => {
        new Int32Array(descriptors.buffer).set([5, 6]);
        return 0;
      },
      setsockopt: (_fd: number, _level: number, option: number) => {
        options.push(option);
        return option === 32 ? -1 : 0;
      },
    } as unknown as SystemCalls;
    expect(socketPair(calls, ROOM)).toEqual([5, 6]);
    expect(options).toEqual([32, 7, 32, 7]);
    const refused = { ...calls, socketpair: () => -24 } as SystemCalls;
    expect(() => socketPair(refused, ROOM)).toThrow('error 24');
  });
});
