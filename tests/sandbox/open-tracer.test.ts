// SPDX-License-Identifier: Apache-2.0
// The program at system calls, which costs every process of the host something, is there only while a control group is traced.

import { readdirSync, readFileSync } from 'node:fs';
import { nativeCalls, OpenTracer } from '@plinth/linux';
import { describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';

const reason = process.platform === 'linux' && process.getuid?.() === 0 ? undefined : 'it needs root';

/** Programs at tracepoints that this process holds. */
function attached(): number {
  const infos = readdirSync('/proc/self/fdinfo').map((fd) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
    } catch {
      return ''; // that of the directory itself
    }
  });
  return infos.filter((info) => /^link_type:\s+raw_tracepoint$/m.test(info)).length;
}

describe('a tracer of opened files', unless(reason), () => {
  it('is attached while it has something to trace', () => {
    const [one, other] = [1n << 40n, 1n << 41n];
    {
      using tracer = OpenTracer.begin(nativeCalls());
      expect(attached()).toBe(0);
      tracer.trace(one);
      tracer.trace(other);
      expect(attached()).toBe(1);
      expect(tracer.stop(one)).toBe(0n);
      expect(attached()).toBe(1);
      tracer.stop(other);
      expect(attached()).toBe(0);
      tracer.trace(one);
      expect(attached()).toBe(1);
    }
    expect(attached()).toBe(0);
  });
});
