// SPDX-License-Identifier: Apache-2.0
// Counts and notes the entries of blocks in a region's code, inline, and counts the ways between them that somebody asks for. A block
// begins after an instruction that ends one (`endsBlock`), in every engine alike; that a region is cut into more pieces where branches
// lead does not show.

import type { Code } from '@plinth/wasmgen';
import { loadCpu } from '../emit/emit.js';
import { type RingPlace, writeRingNote } from '../interpreter/block-ring.js';
import { TALLY } from '../interpreter/loop.js';
import { CPU } from '../state/layout.js';
import { type CountedEdge, reachesOffset, writeCount, writeInRange } from './counted.js';
import type { Flow, FlowBlock } from './flow.js';
import { endsBlock } from './lift.js';

/** How a piece of a region is reached: from a block's end, by falling into it, or both. */
interface Reached {
  byEnd: boolean;
  byFall: boolean;
}

/** What is kept of blocks; with nothing, only that generated code knows where they begin. */
export interface BlockNotes {
  /** Address of the tallies of the region's page and instruction set (TALLY): entries are counted there. */
  readonly tallies?: number;
  /** The last ones are noted here. */
  readonly ring?: RingPlace;
  /** Ways to blocks that are counted. */
  readonly edges?: readonly CountedEdge[];
}

/** What a counter has to know of the region's code. */
export interface CountedCode {
  /** The local that has the address of the CPU block. */
  readonly cpu: number;
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
  readonly #edges: readonly CountedEdge[];
  /** Address of the instruction that has ended the last block, on the way to one to which ways are counted. */
  readonly #source: number;

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
    this.#edges = notes.edges ?? [];
    this.#source = this.#edges.length > 0 ? code.local('i32') : -1;
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

  #edgesTo(offset: number): CountedEdge[] {
    return this.#edges.filter(({ to }) => reachesOffset(to, offset));
  }

  /** Notes what has ended the block before the one at `offset`, if that is to be known there. */
  #noteSource(offset: number, write: () => void): void {
    if (this.#edgesTo(offset).length === 0) return;
    write();
    this.#code.set(this.#source);
  }

  /** The same of an end outside of the region. */
  #noteOutside(offset: number): void {
    this.#noteSource(offset, () => loadCpu(this.#code, this.#counted.cpu, CPU.blockFrom));
  }

  /** On the way in to `entry`: `instruction` is the parameter that is zero if another region calls. */
  enter(instruction: number, entry: number): void {
    this.#code.get(instruction).op('i32.eqz').set(this.#entered);
    this.#noteOutside(entry);
  }

  /** On an edge inside the region. */
  edge(from: FlowBlock, to: FlowBlock, ended: boolean): void {
    const { byEnd, byFall } = this.#reached.get(to)!;
    if (byEnd && byFall) this.#code.i32(ended ? 1 : 0).set(this.#entered);
    // What a call has ended by, `mayCall` and `returned` have noted.
    if (!ended || from.block.terminator.kind === 'call') return;
    const last = from.block.instructions.at(-1)!;
    this.#noteSource(to.block.offset, () => this.#counted.address(last.offset));
  }

  /** Before the call at `offset`, which is perhaps not taken; the region goes on at `next`. */
  mayCall(offset: number, next: number): void {
    this.#noteSource(next, () => this.#counted.address(offset));
  }

  /** Adds to the condition on the stack that a call has come back in the middle of a block. */
  orMidBlock(): void {
    loadCpu(this.#code, this.#counted.cpu, CPU.blockEntry);
    this.#code.op('i32.eqz').op('i32.or');
  }

  /** A call has come back to `next`. */
  returned(next: number): void {
    this.#noteOutside(next);
  }

  /** At the start of a piece that will be executed. */
  count(flow: FlowBlock): void {
    const { byEnd, byFall } = this.#reached.get(flow)!;
    if (!byEnd) return;
    this.#enter(flow.block.offset, 0, byFall, () => this.#code.get(this.#source));
  }

  /**
   * Inside a piece, behind the instruction at `from`, which may have ended it and has not. `left` instructions of the piece, which are
   * taken off the budget already, are yet to come.
   */
  countAt(offset: number, left: number, from: number): void {
    this.#enter(offset, left, false, () => this.#counted.address(from));
  }

  /**
   * A block begins at an offset; with `maybe` if the piece was reached from a block's end. `source` leaves the address of what
   * ended the one before on the stack.
   */
  #enter(offset: number, left: number, maybe: boolean, source: () => void): void {
    const code = this.#code;
    const { tallies, ring } = this.#notes;
    if (tallies !== undefined) {
      writeCount(code, tallies + (offset << (this.#thumb ? TALLY.t32Scale : TALLY.a32Scale)), () => {
        if (maybe) code.get(this.#entered).op('i64.extend_i32_u');
        else code.i64(1n);
      });
    }
    for (const { from, to, counter } of this.#edgesTo(offset)) {
      writeCount(code, counter, () => {
        writeInRange(code, to, () => this.#counted.address(offset));
        writeInRange(code, from, source);
        code.op('i32.and');
        if (maybe) code.get(this.#entered).op('i32.and');
        code.op('i64.extend_i32_u');
      });
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
    if (byEnd && this.#edgesTo(flow.block.offset).length > 0) this.#code.get(this.#source).set(this.#from);
  }

  store(): void {
    const { cpu } = this.#counted;
    this.#code.get(cpu).get(this.#boundary).memory('i32.store', CPU.blockEntry);
    this.#code.get(cpu).get(this.#from).memory('i32.store', CPU.blockFrom);
  }

  /** Before something else executes the instruction whose address `from` writes; `ends`: it is its block's last. */
  before(ends: boolean, from: () => void): void {
    const { cpu } = this.#counted;
    this.#code
      .get(cpu)
      .i32(ends ? 1 : 0)
      .memory('i32.store', CPU.blockEntry);
    this.#code.get(cpu);
    from();
    this.#code.memory('i32.store', CPU.blockFrom);
  }
}
