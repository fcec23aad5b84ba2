// SPDX-License-Identifier: Apache-2.0
// What a debugger changes in a machine, as an input from outside: so it is recorded, and a replay repeats it. The bytes:
//
//   kind u8: 0 memory by virtual address, 1 by physical address, 2 register; CPU u8
//   memory     address u32, then what is written there
//   register   number u32 (as in the target description), then its words, u32 each

import type { Machine } from '@plinth/machine';
import { ARM_REGISTERS } from './arm-registers.js';
import { DebugMemory } from './machine-memory.js';

/** Of `Machine.inputs`. */
export const DEBUGGER_PORT = 'debugger';

const KIND = { virtual: 0, physical: 1, register: 2 } as const;
const HEAD = 6;

export type DebuggerChange =
  | {
      readonly kind: 'virtual' | 'physical';
      readonly cpu: number;
      readonly address: number;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'register'; readonly cpu: number; readonly number: number; readonly bytes: Uint8Array };

export function encodeChange(change: DebuggerChange): Uint8Array {
  const bytes = new Uint8Array(HEAD + change.bytes.length);
  bytes.set([KIND[change.kind], change.cpu]);
  new DataView(bytes.buffer).setUint32(2, change.kind === 'register' ? change.number : change.address, true);
  bytes.set(change.bytes, HEAD);
  return bytes;
}

/** From now on the machine takes changes at this port. */
export function connectDebuggerPort(machine: Machine): void {
  const memory = new DebugMemory(machine);
  machine.inputs.connect(DEBUGGER_PORT, {
    receive: (bytes) => (bytes.length >= HEAD && take(machine, memory, bytes) ? bytes.length : 0),
  });
}

/** False, and nothing changed, for what cannot be done. */
function take(machine: Machine, memory: DebugMemory, bytes: Uint8Array): boolean {
  const [kind, index] = bytes as unknown as [number, number];
  const cpu = machine.cpus[index];
  const place = new DataView(bytes.buffer, bytes.byteOffset).getUint32(2, true);
  const content = bytes.slice(HEAD);
  if (cpu === undefined) return false;
  if (kind === KIND.register) {
    const register = ARM_REGISTERS[place];
    if (register?.write === undefined || content.length !== register.bits / 8) return false;
    register.write(cpu, [...new Int32Array(content.buffer)]);
    return true;
  }
  if (kind !== KIND.virtual && kind !== KIND.physical) return false;
  memory.physical = kind === KIND.physical;
  return memory.write((address) => cpu.mappedTo(address), place, content);
}
