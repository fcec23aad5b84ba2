// SPDX-License-Identifier: Apache-2.0
// Counts and notes the entries of blocks in a region's code, inline. A block begins after an instruction that ends one (`endsBlock`),
// in every engine alike; that a region is cut into more pieces where branches lead does not show.

import type { Code } from '@plinth/wasmgen';
import { type RingPlace, writeRingNote } from '../interpreter/block-ring.js';
import { TALLY } from '../interpreter/loop.js';
import { CPU } from '../state/layout.js';
import type { Flow, FlowBlock } from './flow.js';
import { endsBlock } from './lift.js';

/** How a piece of a region is reached: from a block's end, by falling into it, or both. */
interface Reached {
  byEnd: boolean;
  byFall: boolean;
}

/** What is kept of blocks; with neither, only that generated code knows where they begin. */
export interface BlockNotes {
  /** Address of the tallies of the region's page and instruction set (TALLY): entries are counted there. */
  readonly tallies?: number;
  /** The last ones are noted here. */
  readonly ring?: RingPlace;
}

/** What a counter has to know of the region's code. */
export interface CountedCode {
  /** Leaves the virtual address of an offset on the stack. */
  address(offset: number): void;
  /** The local that has the budget. */
  readonly budget: number;
}

export class BlockCounter {
  readonly #code: Code;
  readonly #notes: BlockNotes;
  readonly #counted: CountedCode;
  readonly #thumb: boolean;
  readonly #ringLocals: { readonly head: number; readonly at: number };
  readonly #reached = new Map<FlowBlock, Reached>();
  /** 1 if the piece about to run was reached from a block's end: for pieces that are reached in both ways. */
  readonly #entered: number;
  /** What CPU.blockEntry and CPU.blockFrom become on the way out. */
  readonly #boundary: number;
  readonly #from: number;

  constructor(code: Code, thumb: boolean, flow: Flow, notes: BlockNotes, counted: CountedCode) {
    this.#code = code;
    this.#notes = notes;
    this.#counted = counted;
    this.#thumb = thumb;
    this.#ringLocals =
      notes.ring === undefined ? { head: 0, at: 0 } : { head: code.local('i32'), at: code.local('i32') };
    this.#entered = code.local('i32');
    this.#boundary = code.local('i32');
    this.#from = code.local('i32');
    for (const block of flow.blocks) this.#reached.set(block, { byEnd: false, byFall: false });
    // The run loop has counted the entry already; another region's call has not.
    this.#reached.set(flow.entry, { byEnd: true, byFall: true });
    for (const from of flow.blocks) {
      const { terminator, instructions } = from.block;
      const targets = 'target' in terminator ? [terminator.target] : [];
      if ('next' in terminator) targets.push(terminator.next);
      const last = instructions.at(-1);
      for (const target of targets) {
        const to = flow.edge(from, target);
        if (to === undefined || last === undefined) continue;
        this.#reached.get(to)![endsBlock(last.lifted) ? 'byEnd' : 'byFall'] = true;
      }
    }
  }

  /** On the way in: `instruction` is the parameter that is zero if another region calls. */
  enter(instruction: number): void {
    this.#code.get(instruction).op('i32.eqz').set(this.#entered);
  }

  /** On an edge inside the region. */
  edge(to: FlowBlock, ended: boolean): void {
    const { byEnd, byFall } = this.#reached.get(to)!;
    if (byEnd && byFall) this.#code.i32(ended ? 1 : 0).set(this.#entered);
  }

  /** At the start of a piece that will be executed. */
  count(flow: FlowBlock): void {
    const { byEnd, byFall } = this.#reached.get(flow)!;
    if (!byEnd) return;
    this.#enter(flow.block.offset, 0, byFall);
  }

  /**
   * Inside a piece, behind an instruction that may have ended it and has not. `left` instructions of the piece, which are
   * taken off the budget already, are yet to come.
   */
  countAt(offset: number, left: number): void {
    this.#enter(offset, left, false);
  }

  /** A block begins at an offset; with `maybe` if the piece was reached from a block's end. */
  #enter(offset: number, left: number, maybe: boolean): void {
    const code = this.#code;
    const { tallies, ring } = this.#notes;
    if (tallies !== undefined) {
      const at = tallies + (offset << (this.#thumb ? TALLY.t32Scale : TALLY.a32Scale));
      code.i32(at).i32(at).memory('i64.load', 0);
      if (maybe) code.get(this.#entered).op('i64.extend_i32_u');
      else code.i64(1n);
      code.op('i64.add').memory('i64.store', 0);
    }
    if (ring === undefined) return;
    writeRingNote(code, ring, this.#ringLocals, {
      address: () => {
        this.#counted.address(offset);
        if (this.#thumb) code.i32(1).op('i32.or');
      },
      budget: () => {
        code.get(this.#counted.budget);
        if (left > 0) code.i32(left).op('i32.add');
      },
      ...(maybe ? { happens: () => code.get(this.#entered) } : {}),
    });
  }

  /** On the way out: `from` writes the address of the instruction by which the block ended, if it did. */
  leave(from: (() => void) | undefined): void {
    this.#code.i32(from === undefined ? 0 : 1).set(this.#boundary);
    if (from === undefined) return;
    from();
    this.#code.set(this.#from);
  }

  /** On the way out before a piece that has not been counted. */
  leaveUncounted(flow: FlowBlock): void {
    const { byEnd, byFall } = this.#reached.get(flow)!;
    if (byEnd && byFall) this.#code.get(this.#entered);
    else this.#code.i32(byEnd ? 1 : 0);
    this.#code.set(this.#boundary);
  }

  store(cpu: number): void {
    this.#code.get(cpu).get(this.#boundary).memory('i32.store', CPU.blockEntry);
    this.#code.get(cpu).get(this.#from).memory('i32.store', CPU.blockFrom);
  }

  /** Before something else executes the instruction whose address `from` writes; `ends`: it is its block's last. */
  before(cpu: number, ends: boolean, from: () => void): void {
    this.#code
      .get(cpu)
      .i32(ends ? 1 : 0)
      .memory('i32.store', CPU.blockEntry);
    this.#code.get(cpu);
    from();
    this.#code.memory('i32.store', CPU.blockFrom);
  }
}
