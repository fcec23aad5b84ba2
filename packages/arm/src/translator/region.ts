// SPDX-License-Identifier: Apache-2.0
// Finds the region of code that starts at an instruction: basic blocks reached by direct branches within one physical
// page. Everything else (indirect jumps, other pages, system instructions) leaves the region. Offsets are bytes from
// the start of the page, so that a region does not depend on where the page is mapped.

import type { Decoded, Decoder } from '../decode/decoder.js';
import { advanceIt } from '../system/exceptions.js';
import { contains, lift, type Lifted } from './lift.js';

export const PAGE_SIZE = 4096;
/** Instructions in a region at most: what is hot fits, and compilation stays short. */
const MAX_INSTRUCTIONS = 400;

export interface RegionInstruction {
  readonly offset: number;
  readonly size: number;
  readonly lifted: Lifted;
  /** ITSTATE in which it runs; an exit before it must restore this. */
  readonly itState: number;
}

export type Terminator =
  /** Leaves the region before the instruction at this offset. */
  | { readonly kind: 'leave'; readonly offset: number; readonly itState: number }
  | { readonly kind: 'jump'; readonly target: number }
  /** The block's last instruction is the branch: to `target` if its condition holds, else to `next`. */
  | { readonly kind: 'branch'; readonly target: number; readonly next: number }
  /** The last instruction is a call: link, go to `target` (maybe outside of the page), come back at `next`. */
  | { readonly kind: 'call'; readonly target: number; readonly next: number }
  /** The last instruction always jumps by itself. */
  | { readonly kind: 'none' };

export interface RegionBlock {
  readonly offset: number;
  readonly instructions: RegionInstruction[];
  terminator: Terminator;
}

export interface Region {
  readonly entry: number;
  readonly thumb: boolean;
  readonly blocks: ReadonlyMap<number, RegionBlock>;
  readonly instructionCount: number;
}

export interface RegionDecoders {
  readonly a32: Decoder;
  readonly t32: Decoder;
  readonly t16: Decoder;
}

/** Offsets of instructions that must be met by the interpreter. */
type Hooked = { has(offset: number): boolean };

interface Step {
  readonly decoded: Decoded | undefined;
  readonly size: number;
}

export class RegionFinder {
  readonly #decoders: RegionDecoders;

  constructor(decoders: RegionDecoders) {
    this.#decoders = decoders;
  }

  #decode(page: DataView, offset: number, thumb: boolean): Step {
    if (!thumb) return { decoded: this.#decoders.a32.decode(page.getUint32(offset, true)), size: 4 };
    const first = page.getUint16(offset, true);
    if (first >>> 11 < 0b11101) return { decoded: this.#decoders.t16.decode(first), size: 2 };
    if (offset + 4 > PAGE_SIZE) return { decoded: undefined, size: 4 };
    const word = ((first << 16) | page.getUint16(offset + 2, true)) >>> 0;
    return { decoded: this.#decoders.t32.decode(word), size: 4 };
  }

  /**
   * The region that starts at `entry`, or undefined if its first instruction cannot be translated. It leaves before each
   * offset that is among the `hooked`.
   */
  find(page: DataView, entry: number, thumb: boolean, hooked?: Hooked): Region | undefined {
    const blocks = new Map<number, RegionBlock>();
    const leaders = new Set<number>([entry]);
    const work = [entry];
    let count = 0;
    while (work.length > 0) {
      const offset = work.pop()!;
      if (blocks.has(offset) || count > MAX_INSTRUCTIONS) continue;
      const block = this.#block(page, offset, thumb, blocks, hooked);
      blocks.set(offset, block);
      count += block.instructions.length;
      for (const target of successors(block.terminator)) {
        leaders.add(target);
        work.push(target);
      }
    }
    splitAtLeaders(blocks, leaders);
    const first = blocks.get(entry)!;
    if (first.instructions.length === 0) return undefined;
    let instructionCount = 0;
    for (const block of blocks.values()) instructionCount += block.instructions.length;
    return { entry, thumb, blocks, instructionCount };
  }

  /** Instructions from `offset` up to one that ends the block, or to a block that is known already. */
  #block(
    page: DataView,
    start: number,
    thumb: boolean,
    known: ReadonlyMap<number, RegionBlock>,
    hooked: Hooked | undefined,
  ): RegionBlock {
    const instructions: RegionInstruction[] = [];
    const block: RegionBlock = { offset: start, instructions, terminator: { kind: 'none' } };
    let offset = start;
    let itState = 0;
    for (;;) {
      if (offset !== start && itState === 0 && known.has(offset)) {
        block.terminator = { kind: 'jump', target: offset };
        return block;
      }
      if (offset >= PAGE_SIZE || instructions.length >= MAX_INSTRUCTIONS || hooked?.has(offset) === true) {
        block.terminator = { kind: 'leave', offset, itState };
        return block;
      }
      const { decoded, size } = this.#decode(page, offset, thumb);
      const forbidden = itState !== 0 && decoded?.row.it === 'never';
      if (decoded === undefined || decoded.unpredictable || decoded.row.kind === 'system' || forbidden) {
        block.terminator = { kind: 'leave', offset, itState };
        return block;
      }
      const { row, fields } = decoded;
      if (row.name === 'IT') {
        // The IT instruction itself only sets what the next ones are translated under.
        instructions.push({ offset, size, lifted: lift(decoded, 14, thumb, false, size), itState: 0 });
        itState = (fields['firstcond']! << 4) | fields['mask']!;
        offset += size;
        continue;
      }
      const cond = row.conditional ? fields['cond']! : itState !== 0 ? itState >> 4 : 14;
      const lifted = lift(decoded, cond, thumb, itState !== 0, size);
      const after = itState === 0 ? 0 : advanceIt(itState);
      if (after !== 0 && mayLeave(lifted)) {
        // A branch that is not its IT block's last is UNPREDICTABLE: what ITSTATE it takes along, the interpreter says.
        block.terminator = { kind: 'leave', offset, itState };
        return block;
      }
      instructions.push({ offset, size, lifted, itState });
      itState = after;
      const next = offset + size;
      const end = terminatorOf(lifted, offset, next, thumb);
      if (end !== undefined) {
        block.terminator = end;
        return block;
      }
      offset = next;
    }
  }
}

/** It may go elsewhere than to the next instruction. */
function mayLeave({ row, block, attends }: Lifted): boolean {
  return attends || row.kind === 'branch' || row.kind === 'call' || contains(block, (node) => node.op === 'jump');
}

function terminatorOf(lifted: Lifted, offset: number, next: number, thumb: boolean): Terminator | undefined {
  const { row, fields, condition, ends } = lifted;
  if (row.kind === 'branch' || row.kind === 'call') {
    const target = offset + (thumb ? 4 : 8) + row.target!(fields);
    if (row.kind === 'call') return { kind: 'call', target, next };
    return condition === undefined ? { kind: 'jump', target } : { kind: 'branch', target, next };
  }
  return ends ? { kind: 'none' } : undefined;
}

/** Offsets inside the page that control may go to. */
function successors(terminator: Terminator): number[] {
  const inside = (offset: number): boolean => offset >= 0 && offset < PAGE_SIZE;
  switch (terminator.kind) {
    case 'jump':
      return [terminator.target].filter(inside);
    case 'branch':
      return [terminator.target, terminator.next].filter(inside);
    case 'call':
      return [terminator.next].filter(inside);
    default:
      return [];
  }
}

/** Cuts blocks in two where another block's branch leads into them (outside IT blocks). */
function splitAtLeaders(blocks: Map<number, RegionBlock>, leaders: ReadonlySet<number>): void {
  // A map's iteration reaches what is added to it on the way: the rest of a block is looked at in its turn.
  for (const block of blocks.values()) {
    const at = block.instructions.findIndex((x, i) => i > 0 && x.itState === 0 && leaders.has(x.offset));
    if (at < 0) continue;
    const { offset } = block.instructions[at]!;
    const rest = block.instructions.splice(at);
    if (!blocks.has(offset)) blocks.set(offset, { offset, instructions: rest, terminator: block.terminator });
    block.terminator = { kind: 'jump', target: offset };
  }
}
