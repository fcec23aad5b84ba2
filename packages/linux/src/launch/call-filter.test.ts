// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { buildCallFilter, type CallRule } from './call-filter.js';
import { CALL, type CallName } from './x64-calls.js';

const X64 = 0xc000_003e;
const ALLOW = 0x7fff_0000;
const errorOf = (number: number): number => 0x0005_0000 + number;

/** Runs a filter as the kernel does, step by step. */
function run(filter: Uint8Array, number: number, args: readonly number[] = [], architecture = X64): number {
  const view = new DataView(filter.buffer);
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, number, true);
  data.setUint32(4, architecture, true);
  args.forEach((value, n) => data.setUint32(16 + 8 * n, value, true));
  let accumulator = 0;
  for (let at = 0; at < filter.length / 8; at++) {
    const [op, yes, no] = [view.getUint16(8 * at, true), view.getUint8(8 * at + 2), view.getUint8(8 * at + 3)];
    const value = view.getUint32(8 * at + 4, true);
    if (op === 0x20) accumulator = data.getUint32(value, true);
    else if (op === 0x15) at += accumulator === value ? yes : no;
    else if (op === 0x35) at += accumulator >= value ? yes : no;
    else if (op === 0x45) at += (accumulator & value) === 0 ? no : yes;
    else if (op === 0x05) at += value;
    else if (op === 0x06) return value;
    else throw new Error(`instruction ${op.toString(16)}`);
  }
  throw new Error('it has no end');
}

describe('a filter of system calls', () => {
  const rules = new Map<CallName, CallRule>([
    ['read', { verdict: 'allow' }],
    ['write', { verdict: 'allow' }],
    ['ioctl', { verdict: 'allow', unless: [{ argument: 1, is: 'equal', value: 0x5412, verdict: { error: 1 } }] }],
    [
      'clone',
      { verdict: 'allow', unless: [{ argument: 0, is: 'any-bit-of', value: 0x7002_0000, verdict: { error: 1 } }] },
    ],
    ['clone3', { verdict: { error: 38 } }],
    ['connect', { verdict: 'notify' }],
  ]);
  const filter = buildCallFilter({ rules, others: { error: 1 } });

  it('gives each call what its rule says, and others what others get', () => {
    for (const [name, number] of Object.entries(CALL)) {
      const rule = rules.get(name as CallName);
      const expected =
        rule === undefined
          ? errorOf(1)
          : rule.verdict === 'allow'
            ? ALLOW
            : rule.verdict === 'notify'
              ? 0x7fc0_0000
              : errorOf(rule.verdict.error);
      expect([name, run(filter, number)]).toEqual([name, expected]);
    }
  });

  it('looks at arguments', () => {
    expect(run(filter, CALL.ioctl, [0, 0x5412])).toBe(errorOf(1));
    expect(run(filter, CALL.ioctl, [0x5412, 0x5413])).toBe(ALLOW);
    expect(run(filter, CALL.clone, [0x1000_0011])).toBe(errorOf(1));
    expect(run(filter, CALL.clone, [0x0000_0011])).toBe(ALLOW);
  });

  it('knows no numbers of other tables', () => {
    for (const number of [335, 400, 423, 468, 5000, 0x4000_0000, 0xffff_ffff]) {
      expect(run(filter, number)).toBe(errorOf(38));
    }
    expect(run(filter, CALL.read, [], 0x4000_0003)).toBe(0x8000_0000);
  });

  it('has a few steps for each', () => {
    expect(filter.length / 8).toBeLessThan(60);
  });
});
