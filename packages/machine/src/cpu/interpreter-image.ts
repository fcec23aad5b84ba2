// SPDX-License-Identifier: Apache-2.0
// The generated interpreter, compiled: the same for every machine, so machines share it. It depends on the instruction
// table and on whether memory is shared; a shell may keep its bytes and hand them in to save the half second that making them takes.

import { buildInterpreter, planHandlers, type RowHandlers, ROWS } from '@plinth/arm';
import { BLOCK_RING_AT, HOT_COUNTERS, HOT_COUNTERS_AT } from '../memory/layout.js';
import { HOT_THRESHOLD } from './translator.js';

/** Functions that instruction slots can name. */
const TABLE_SIZE = 32768;

export class InterpreterImage {
  readonly module: WebAssembly.Module;
  readonly handlers: readonly RowHandlers[];
  /** Function numbers below this are handlers. */
  readonly handlerCount: number;
  /** Whether it is for machines whose memory is shared between threads. */
  readonly sharedMemory: boolean;

  /**
   * `made` must be what `interpreterBytes(sharedMemory)` of this same version gave, or the `module` of another such image:
   * a module can be sent to another thread, which then need not compile it.
   */
  constructor(made?: Uint8Array | WebAssembly.Module, sharedMemory: boolean = false) {
    const compiled = made instanceof WebAssembly.Module;
    this.module = compiled ? made : new WebAssembly.Module(made ?? interpreterBytes(sharedMemory));
    this.sharedMemory = sharedMemory;
    const { plan, total } = planHandlers(ROWS);
    this.handlers = plan;
    this.handlerCount = total;
  }
}

/** The module's bytes: a pure function of this version's instruction table and the kind of memory. */
export function interpreterBytes(sharedMemory: boolean = false): Uint8Array {
  return buildInterpreter(ROWS, {
    tableSize: TABLE_SIZE,
    sharedMemory,
    hot: { address: HOT_COUNTERS_AT, count: HOT_COUNTERS, threshold: HOT_THRESHOLD },
    ring: BLOCK_RING_AT,
  });
}

/** By kind of memory. */
const standard = new Map<boolean, InterpreterImage>();

/** The image that machines use unless they are given one. Made at the first call for its kind; never changes. */
export function standardInterpreter(sharedMemory: boolean): InterpreterImage {
  let image = standard.get(sharedMemory);
  if (image === undefined) {
    image = new InterpreterImage(undefined, sharedMemory);
    standard.set(sharedMemory, image);
  }
  return image;
}
