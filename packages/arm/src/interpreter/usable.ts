// SPDX-License-Identifier: Apache-2.0
// The second look at a shadow-table entry, for accesses that fail the test that stands inline: unaligned ones inside a
// page, and those to a page that is watched by granules of 64 bytes. Such a page's entry has bit 0 clear, so that the
// inline test fails for it at no cost to others. What is refused here goes to the machine.

import type { Code, FunctionType } from '@plinth/wasmgen';
import { loadCpu, loadName, storeName, tableOffset } from '../emit/emit.js';
import { ACCESS, CPU } from '../state/layout.js';
import { SCTLR, SYSTEM } from '../system/registers.js';

/** (cpu, address, entry, access): the entry is as the inline test leaves it, bit 0 flipped. */
export const USABLE_TYPE: FunctionType = { parameters: ['i32', 'i32', 'i32', 'i32'], results: ['i32'] };

const PAGE_SIZE = 4096;
/** The interpreter's accesses to unwatched granules of watched pages after which the machine is told. */
const SECOND_LOOKS = 1024;

/** What to add to the address to reach it in the host's memory, or 0 if the machine must do the access. */
export function writeUsable(code: Code, write: boolean): void {
  const [cpu, address, entry, access] = [0, 1, 2, 3];
  const last = code.local('i32');
  const host = code.local('i32');
  const refuse = (): void => {
    const label = code.if();
    code.i32(0).return();
    code.end(label);
  };
  code.get(access).i32(ACCESS.sizeMask).op('i32.and').i32(1).op('i32.sub').tee(last).get(address).op('i32.and');
  const unaligned = code.if();
  code
    .get(access)
    .i32(ACCESS.aligned | ACCESS.wordAligned)
    .op('i32.and');
  loadCpu(code, cpu, SYSTEM.SCTLR);
  code.i32(SCTLR.A).op('i32.and').op('i32.or');
  code
    .get(address)
    .i32(PAGE_SIZE - 1)
    .op('i32.and')
    .get(last)
    .op('i32.add')
    .i32(PAGE_SIZE)
    .op('i32.ge_u')
    .op('i32.or');
  refuse();
  code.end(unaligned);
  code.get(entry).i32(1).op('i32.and').op('i32.eqz');
  const plain = code.if();
  code.get(entry).return();
  code.end(plain);
  code.get(entry).i32(1).op('i32.xor').tee(entry).op('i32.eqz');
  refuse();
  code.get(address).get(entry).op('i32.add').set(host);
  // An access reaches into two granules at most.
  const watched = (): void => {
    loadCpu(code, cpu, write ? CPU.watchedForWrite : CPU.watchedForRead);
    code.get(host).i32(9).op('i32.shr_u').op('i32.add').memory('i32.load8_u', 0);
    code.get(host).i32(6).op('i32.shr_u').i32(7).op('i32.and').op('i32.shr_u');
  };
  code.i32(0).get(entry);
  watched();
  code.get(host).get(last).op('i32.add').set(host);
  watched();
  code.op('i32.or').i32(1).op('i32.and').select();
}

/** What the interpreter's slow accesses call. */
export interface SlowFunctions {
  readonly usable: number;
  /** The machine's `slowLoad` or `slowStore`. */
  readonly machine: number;
  /** The machine's `secondLooks`. */
  readonly secondLooks: number;
}

/** Looks the entry up again and leaves the answer of `usable` for it, in local `entry` and on the stack. */
function lookUp(code: Code, write: boolean, access: number, entry: number, functions: SlowFunctions): void {
  const [cpu, address] = [0, 1];
  const flipped = code.local('i32');
  code.get(cpu).get(address);
  loadCpu(code, cpu, tableOffset(write, true));
  loadCpu(code, cpu, tableOffset(write, false));
  code.get(access).i32(ACCESS.unprivileged).op('i32.and').select();
  code.get(address).i32(12).op('i32.shr_u').i32(2).op('i32.shl').op('i32.add').memory('i32.load', 0);
  code.i32(1).op('i32.xor').tee(flipped).get(access).call(functions.usable).tee(entry);
  code.i32(0).op('i32.ne').get(flipped).op('i32.and');
  const passed = code.if();
  code.get(cpu);
  loadCpu(code, cpu, CPU.secondLooks);
  code.i32(1).op('i32.add').memory('i32.store', CPU.secondLooks);
  loadCpu(code, cpu, CPU.secondLooks);
  code.i32(SECOND_LOOKS).op('i32.ge_u');
  const many = code.if();
  code.get(cpu).i32(0).memory('i32.store', CPU.secondLooks);
  code.get(cpu).call(functions.secondLooks);
  code.end(many);
  code.end(passed);
  code.get(entry);
}

/** The interpreter's slow load: by the second look, or by the machine. */
export function writeLoad(code: Code, functions: SlowFunctions): void {
  const [cpu, address, access] = [0, 1, 2];
  const entry = code.local('i32');
  lookUp(code, false, access, entry, functions);
  const direct = code.if();
  for (const size of [4, 2, 1]) {
    for (const signed of size === 4 ? [0] : [ACCESS.signed, 0]) {
      const description = size | signed;
      code
        .get(access)
        .i32(ACCESS.sizeMask | ACCESS.signed)
        .op('i32.and');
      code.i32(description).op('i32.eq');
      const match = code.if();
      code.get(address).get(entry).op('i32.add').memory(loadName(description), 0).return();
      code.end(match);
    }
  }
  code.end(direct);
  code.get(cpu).get(address).get(access).call(functions.machine);
}

/** The same for stores. */
export function writeStore(code: Code, functions: SlowFunctions): void {
  const [cpu, address, value, access] = [0, 1, 2, 3];
  const entry = code.local('i32');
  lookUp(code, true, access, entry, functions);
  const direct = code.if();
  for (const size of [4, 2, 1]) {
    code.get(access).i32(ACCESS.sizeMask).op('i32.and').i32(size).op('i32.eq');
    const match = code.if();
    code.get(address).get(entry).op('i32.add').get(value).memory(storeName(size), 0).return();
    code.end(match);
  }
  code.end(direct);
  code.get(cpu).get(address).get(value).get(access).call(functions.machine);
}
