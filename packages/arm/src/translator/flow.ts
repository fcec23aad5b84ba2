// SPDX-License-Identifier: Apache-2.0
// Control flow of a region as structured code wants it: reverse post-order, dominators (Cooper, Harvey and Kennedy
// 2001), loop headers and merge points. A back edge into a block that does not dominate its source (an irreducible
// loop) is no edge: the region is left there.

import { dominators, postOrder } from '@plinth/wasmgen';
import type { Region, RegionBlock } from './region.js';

export interface FlowBlock {
  readonly block: RegionBlock;
  /** Position in reverse post-order. */
  readonly order: number;
  /** Dominator-tree children, by rising order. */
  readonly children: FlowBlock[];
  /** Forward edges into the block. */
  forwardEdges: number;
  loopHeader: boolean;
  /** The budget must be looked at when the block is entered. */
  checksBudget: boolean;
  /** Instructions from here to the next look at the budget, along the longest way. */
  cost: number;
}

export interface Flow {
  readonly entry: FlowBlock;
  readonly blocks: readonly FlowBlock[];
  /** The block that an edge leads to, or undefined if it leaves the region. */
  edge(from: FlowBlock, target: number): FlowBlock | undefined;
}

function targets(block: RegionBlock): number[] {
  const t = block.terminator;
  if (t.kind === 'jump') return [t.target];
  if (t.kind === 'branch') return [t.target, t.next];
  return t.kind === 'call' ? [t.next] : [];
}

/** Blocks that the entry reaches, in reverse post-order. */
function ordered({ entry, blocks }: Region): RegionBlock[] {
  const list = [blocks.get(entry)!, ...[...blocks.values()].filter(({ offset }) => offset !== entry)];
  const numbers = new Map(list.map(({ offset }, n) => [offset, n]));
  const successors = list.map((block) => targets(block).flatMap((target) => numbers.get(target) ?? []));
  return postOrder(successors)
    .reverse()
    .map((n) => list[n]!);
}

export function analyseFlow(region: Region): Flow {
  const blocks: FlowBlock[] = ordered(region).map((block, order) => ({
    block,
    order,
    children: [],
    forwardEdges: 0,
    loopHeader: false,
    checksBudget: order === 0,
    cost: 0,
  }));
  const byOffset = new Map(blocks.map((b) => [b.block.offset, b]));
  const predecessors: number[][] = blocks.map(() => []);
  for (const b of blocks) {
    for (const target of targets(b.block)) {
      const to = byOffset.get(target);
      if (to !== undefined) predecessors[to.order]!.push(b.order);
    }
  }
  const dominator = dominators(predecessors);
  const dominates = (a: number, b: number): boolean => {
    let x = b;
    while (x > a) x = dominator[x]!;
    return x === a;
  };
  const edge = (from: FlowBlock, target: number): FlowBlock | undefined => {
    const to = byOffset.get(target);
    if (to === undefined || (to.order <= from.order && !dominates(to.order, from.order))) return undefined;
    return to;
  };
  for (const b of blocks) {
    if (b.order > 0) blocks[dominator[b.order]!]!.children.push(b);
    for (const target of targets(b.block)) {
      const to = edge(b, target);
      if (to === undefined) continue;
      if (to.order <= b.order) {
        to.loopHeader = true;
        to.checksBudget = true;
      } else to.forwardEdges++;
      if (b.block.terminator.kind === 'call') to.checksBudget = true;
    }
  }
  for (const b of [...blocks].reverse()) {
    let rest = 0;
    for (const target of targets(b.block)) {
      const to = edge(b, target);
      if (to !== undefined && !to.checksBudget) rest = Math.max(rest, to.cost);
    }
    b.cost = b.block.instructions.length + rest;
  }
  return { entry: blocks[0]!, blocks, edge };
}
