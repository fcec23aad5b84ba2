// SPDX-License-Identifier: Apache-2.0
import { Assembler, type MapDefinition, R0, R1 } from '@plinth/ebpf';
import { describe, expect, it } from 'vitest';
import { ERROR } from '../system-calls.js';
import { RefusingCalls } from '../testing/refusing-calls.js';
import { COMMAND } from './attribute.js';
import { KernelMap, possibleProcessors } from './kernel-map.js';
import { KernelProgram, VerifierError } from './kernel-program.js';

const MAP: MapDefinition = { name: 'numbers', type: 'array', keySize: 4, valueSize: 8, maxEntries: 1 };
const PROGRAM = new Assembler('one', 'xdp').loadMapValue(R1, MAP).mov(R0, 2).exit().finish();

/** Makes maps, and loads programs or says why not; knows what is open. */
class FakeBpf extends RefusingCalls {
  readonly descriptors = new Set<number>();
  #next = 10;
  refused: { error: number; log: string } | undefined;
  #kept = new Map<bigint, Uint8Array>();

  override address(bytes: Uint8Array): bigint {
    const at = BigInt(0x1000 + this.#kept.size);
    this.#kept.set(at, bytes);
    return at;
  }
  override close(fd: number): number {
    return this.descriptors.delete(fd) ? 0 : -ERROR.EBADFD;
  }
  override bpf(command: number, attribute: Uint8Array): number {
    if (command !== COMMAND.mapCreate && command !== COMMAND.programLoad) return -ERROR.EINVAL;
    if (command === COMMAND.programLoad && this.refused !== undefined) {
      const at = new DataView(attribute.buffer).getBigUint64(32, true);
      this.#kept.get(at)?.set(new TextEncoder().encode(`${this.refused.log}\0`));
      return -this.refused.error;
    }
    this.descriptors.add(this.#next);
    return this.#next++;
  }
}

describe('a program in the kernel', () => {
  it('closes what it has opened', () => {
    const calls = new FakeBpf();
    const program = KernelProgram.load(calls, PROGRAM);
    expect([...calls.descriptors]).toEqual([10, 11]);
    program[Symbol.dispose]();
    expect([...calls.descriptors]).toEqual([]);
  });

  it('that is refused leaves nothing open, and says why', () => {
    const calls = new FakeBpf();
    const log = 'func#0 @0\n0: (61) r0 = *(u32 *)(r0 +0)\nR0 !read_ok\nprocessed 1 insns (limit 1000000)\n';
    calls.refused = { error: ERROR.EACCES, log };
    let error: unknown;
    try {
      KernelProgram.load(calls, PROGRAM);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(VerifierError);
    expect((error as VerifierError).message).toBe(
      "program one: the kernel's verifier refuses it: R0 !read_ok at 0: (61) r0 = *(u32 *)(r0 +0) (1 lines more)",
    );
    expect((error as VerifierError).log).toBe(log);
    expect([...calls.descriptors]).toEqual([]);
  });

  it('without root says what it needs', () => {
    const calls = new FakeBpf();
    calls.refused = { error: ERROR.EPERM, log: '' };
    expect(() => KernelProgram.load(calls, PROGRAM)).toThrow(
      'program one: the kernel says EPERM: this needs root, or CAP_BPF',
    );
    expect(() => KernelMap.create(new RefusingCalls(), MAP)).toThrow(
      'map numbers: the kernel says EPERM: this needs root',
    );
    expect([...calls.descriptors]).toEqual([]);
  });
});

it('counts the processors that a kernel may have', () => {
  expect(['0\n', '0-3\n', '0,2-15\n'].map(possibleProcessors)).toEqual([1, 4, 16]);
  expect(() => possibleProcessors('many')).toThrow('says "many", which is no list');
});
