// SPDX-License-Identifier: Apache-2.0
// Tells of calls of kernel functions and of their returns, nested by task. An inlined function is no call.

import type { Machine } from '@plinth/machine';
import { FunctionHooks } from '../probes/function-probe.js';
import type { GuestSymbol } from '../symbols/symbol-table.js';
import type { LinuxGuest, TaskIdentity } from './linux-guest.js';
import { printable } from './process-table.js';

export type KernelFunctionEvent = {
  readonly task: TaskIdentity;
  readonly cpu: number;
  /** Calls around it that have not returned. */
  readonly depth: number;
  readonly name: string;
} & (
  | {
      readonly kind: 'entry';
      /** r0 to r3; how many of them are arguments is not known. */
      readonly args: readonly number[];
    }
  | {
      readonly kind: 'return';
      /** r0. */
      readonly value: number;
    }
);

/** Functions that never return, as do_exit, stay on the stack of their task. */
const MAX_DEPTH = 256;

/** Tells until the function that is returned is called. */
export function traceFunctions(
  machine: Machine,
  guest: LinuxGuest,
  functions: readonly GuestSymbol[],
  onEvent: (event: KernelFunctionEvent) => void,
): () => void {
  /** By task: its number, and the functions that it is in. */
  const stacks = new Map<number, { readonly pid: number; readonly names: string[] }>();
  const stackOf = ({ address, pid }: TaskIdentity): string[] => {
    const known = stacks.get(address);
    // The task_struct of one that has ended becomes another's.
    if (known?.pid === pid) return known.names;
    const names: string[] = [];
    stacks.set(address, { pid, names });
    return names;
  };
  // Of several names of one function the one that the table prefers.
  const nameOf = new Map(functions.toReversed().map((symbol) => [symbol.address, symbol.name]));
  const hooks = new FunctionHooks(machine.hooks, nameOf.keys(), {
    entered: ({ index, state }, _caller, address) => {
      const task = guest.currentIdentity(index);
      if (task === undefined) return 'go-on';
      const names = stackOf(task);
      if (names.length >= MAX_DEPTH) names.length = 0;
      const name = nameOf.get(address)!;
      const args = [0, 1, 2, 3].map((n) => state.reg(n) >>> 0);
      onEvent({ kind: 'entry', task, cpu: index, depth: names.length, name, args });
      names.push(name);
      return 'go-on';
    },
    returned: ({ index, state }, _caller, address) => {
      const task = guest.currentIdentity(index);
      const name = nameOf.get(address)!;
      const names = task === undefined ? [] : stackOf(task);
      const depth = names.lastIndexOf(name);
      if (task === undefined || depth < 0) return;
      // What lies above has not returned, and will not.
      names.length = depth;
      onEvent({ kind: 'return', task, cpu: index, depth, name, value: state.reg(0) >>> 0 });
    },
  });
  return () => hooks.end();
}

/** `  93 cat vfs_read(0xc1a2…, …) {`, indented by its depth, and `  93 cat } vfs_read = 0x52`. */
export function functionEventText(event: KernelFunctionEvent): string {
  const { task, depth, name } = event;
  const hex = (value: number): string => `0x${value.toString(16)}`;
  const what =
    event.kind === 'entry' ? `${name}(${event.args.map(hex).join(', ')}) {` : `} ${name} = ${hex(event.value)}`;
  return `${task.pid} ${printable(task.comm)} ${'  '.repeat(depth)}${what}`;
}
