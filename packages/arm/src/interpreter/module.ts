// SPDX-License-Identifier: Apache-2.0
// The interpreter as one WebAssembly module, made from the instruction table. It defines the table of functions that
// translated regions join later: an instruction slot names a function, whether that runs one instruction or many.

import { type FunctionType, type MemoryLimits, ModuleBuilder } from '@plinth/wasmgen';
import { HELPERS } from '../ir/helpers.js';
import type { Row } from '../isa/row.js';
import { forEachVariant, HANDLER, HANDLER_TYPE, planHandlers, writeHandler } from './handlers.js';
import { type HotCounters, writeConditionHolds, writeRunLoop, writeSingle, writeVia } from './loop.js';
import { USABLE_TYPE, writeLoad, writeStore, writeUsable } from './usable.js';

/** Functions that the interpreter needs from the machine besides `HELPERS`; the CPU block's address comes first. */
export const ENGINE_IMPORTS: Readonly<Record<string, FunctionType>> = {
  /** (address, access) -> value: a load that the shadow table and the bitmap of watched granules do not let through. */
  slowLoad: { parameters: ['i32', 'i32', 'i32'], results: ['i32'] },
  /** (address, value, access). */
  slowStore: { parameters: ['i32', 'i32', 'i32', 'i32'], results: [] },
  /** Many accesses of the interpreter have gone to unwatched granules of watched pages, the last of them here. */
  secondLooks: { parameters: ['i32'], results: [] },
  /** (instruction, pc) -> next pc: finds and notes the handler of a slot; the same pc comes back. */
  undecoded: HANDLER_TYPE,
  undefined: HANDLER_TYPE,
  crossing: HANDLER_TYPE,
  /** (instruction, pc) -> next pc: tells those who wait for this place, then does the instruction if they let it. */
  hooked: HANDLER_TYPE,
  /** (pc): a block is entered on a page that is traced, with all state as it is before its first instruction. */
  blockEntered: { parameters: ['i32', 'i32'], results: [] },
};

export interface InterpreterOptions {
  /** Size of the function table. */
  readonly tableSize: number;
  /** Whether the machine's memory is shared between threads; false if left out. */
  readonly sharedMemory?: boolean;
  /** Where to count branches, if a translator wants to know. */
  readonly hot?: HotCounters;
  /** Where the machine has the control words of the ring of blocks (BLOCK_RING), which `runCounting` looks at. */
  readonly ring: number;
}

/** Limits that any machine's memory of this kind satisfies: modules of generated code import it with these. */
export function memoryLimits(shared: boolean): MemoryLimits {
  return { initialPages: 1, maximumPages: 65536, shared };
}

/** Type of `single` and `via`: a handler's, and the function number. */
export const CALL_TYPE: FunctionType = { parameters: ['i32', 'i32', 'i32', 'i32'], results: ['i32'] };

/**
 * Builds the module for a table. It imports `env.memory` and the functions of ENGINE_IMPORTS and HELPERS; it exports
 * `run`, `runCounting`, `table`, `conditionHolds` of (CPU block, condition), and for translated regions `single`, `via`,
 * `usableForRead` and `usableForWrite`.
 */
export function buildInterpreter(rows: readonly Row[], options: InterpreterOptions): Uint8Array {
  const { tableSize } = options;
  const module = new ModuleBuilder();
  module.importMemory('env', 'memory', memoryLimits(options.sharedMemory ?? false));
  const functions = new Map<string, number>();
  for (const [name, type] of Object.entries(ENGINE_IMPORTS)) {
    functions.set(name, module.importFunction('env', name, type));
  }
  for (const [name, helper] of Object.entries(HELPERS)) {
    const results = helper.result === undefined ? [] : [helper.result];
    functions.set(name, module.importFunction('env', name, { parameters: ['i32', ...helper.parameters], results }));
  }
  const conditionHolds = module.function({ parameters: ['i32', 'i32'], results: ['i32'] }, 'conditionHolds');
  writeConditionHolds(conditionHolds.code);

  const usableForRead = module.function(USABLE_TYPE, 'usableForRead');
  writeUsable(usableForRead.code, false);
  const usableForWrite = module.function(USABLE_TYPE, 'usableForWrite');
  writeUsable(usableForWrite.code, true);
  const secondLooks = functions.get('secondLooks')!;
  const load = module.function(ENGINE_IMPORTS['slowLoad']!, 'load');
  writeLoad(load.code, { usable: usableForRead.index, machine: functions.get('slowLoad')!, secondLooks });
  const store = module.function(ENGINE_IMPORTS['slowStore']!, 'store');
  writeStore(store.code, { usable: usableForWrite.index, machine: functions.get('slowStore')!, secondLooks });
  // Handlers take a second look before they ask the machine.
  functions.set('slowLoad', load.index).set('slowStore', store.index);

  const { plan } = planHandlers(rows);
  const table: number[] = [];
  table[HANDLER.undecoded] = functions.get('undecoded')!;
  table[HANDLER.undefined] = functions.get('undefined')!;
  table[HANDLER.crossing] = functions.get('crossing')!;
  table[HANDLER.hooked] = functions.get('hooked')!;
  for (const handlers of plan) {
    const { row } = handlers;
    for (const inIt of row.variesInIt ? [false, true] : [false]) {
      forEachVariant(handlers, (index, fixed) => {
        const { index: functionIndex, code } = module.function(HANDLER_TYPE, row.name);
        writeHandler(code, functions, row, fixed, inIt);
        table[handlers.first + index + (inIt ? handlers.count : 0)] = functionIndex;
      });
    }
  }
  const loopFunctions = {
    conditionHolds: conditionHolds.index,
    handlerType: module.type(HANDLER_TYPE),
    blockEntered: functions.get('blockEntered')!,
  };
  for (const [name, counting] of [
    ['run', false],
    ['runCounting', true],
  ] as const) {
    const loop = module.function({ parameters: ['i32'], results: ['i32'] }, name);
    writeRunLoop(loop.code, loopFunctions, { hot: options.hot, counting, ring: options.ring });
    module.exportFunction(name, loop.index);
  }
  const single = module.function(CALL_TYPE, 'single');
  writeSingle(single.code, loopFunctions);
  const via = module.function(CALL_TYPE, 'via');
  writeVia(via.code, loopFunctions);
  module.exportFunction('conditionHolds', conditionHolds.index);
  module.exportFunction('single', single.index);
  module.exportFunction('via', via.index);
  module.exportFunction('usableForRead', usableForRead.index);
  module.exportFunction('usableForWrite', usableForWrite.index);
  module.defineTable(tableSize, tableSize);
  module.exportTable('table');
  module.elements(0, table);
  return module.finish();
}
