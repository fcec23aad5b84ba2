// SPDX-License-Identifier: Apache-2.0
// The generated interpreter, compiled: the same for every machine, so machines share it. It depends on the instruction
// table alone; a shell may keep its bytes and hand them in to save the half second that making them takes.

import { buildInterpreter, planHandlers, type RowHandlers, ROWS } from '@plinth/arm';
import { HOT_COUNTERS, HOT_COUNTERS_AT } from '../memory/layout.js';
import { HOT_THRESHOLD } from './translator.js';

/** Functions that instruction slots can name. */
const TABLE_SIZE = 32768;

export class InterpreterImage {
  readonly module: WebAssembly.Module;
  readonly handlers: readonly RowHandlers[];
  /** Function numbers below this are handlers. */
  readonly handlerCount: number;

  /** `bytes` must be what `interpreterBytes` of this same version gave. */
  constructor(bytes: Uint8Array = interpreterBytes()) {
    this.module = new WebAssembly.Module(bytes);
    const { plan, total } = planHandlers(ROWS);
    this.handlers = plan;
    this.handlerCount = total;
  }
}

/** The module's bytes: a pure function of this version's instruction table. */
export function interpreterBytes(): Uint8Array {
  return buildInterpreter(ROWS, {
    tableSize: TABLE_SIZE,
    hot: { address: HOT_COUNTERS_AT, count: HOT_COUNTERS, threshold: HOT_THRESHOLD },
  });
}

let standard: InterpreterImage | undefined;

/** The image that machines use unless they are given one. Made at the first call; never changes. */
export function standardInterpreter(): InterpreterImage {
  standard ??= new InterpreterImage();
  return standard;
}
