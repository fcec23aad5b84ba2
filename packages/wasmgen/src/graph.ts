// SPDX-License-Identifier: Apache-2.0
// A flow graph as structured code wants it (Ramsey, "Beyond Relooper", ICFP 2022): reverse post-order, the tree of dominators
// (Cooper, Harvey and Kennedy 2001), and which nodes begin loops. Nodes are numbers from 0, the entry.

export interface FlowGraph {
  /** Nodes that the entry reaches, in reverse post-order. */
  readonly order: readonly number[];
  /** Position of each node in `order`; -1 of those that are not reached. */
  readonly position: readonly number[];
  /** Of each node, the nodes that it immediately dominates, in order. */
  readonly children: readonly (readonly number[])[];
  /** The node has an edge into it from a node that it dominates. */
  readonly loopHeader: readonly boolean[];
  /** Edges into it from before it in order. */
  readonly forwardEdges: readonly number[];
  /** Every edge backwards leads to a node that dominates where it comes from. */
  readonly reducible: boolean;
}

export function analyseGraph(successors: readonly (readonly number[])[]): FlowGraph {
  const order = postOrder(successors).reverse();
  const position = successors.map(() => -1);
  order.forEach((node, at) => (position[node] = at));
  const predecessors: number[][] = order.map(() => []);
  order.forEach((node, at) => {
    for (const to of successors[node]!) predecessors[position[to]!]!.push(at);
  });
  const dominator = dominators(predecessors);
  const dominates = (a: number, b: number): boolean => {
    let x = b;
    while (x > a) x = dominator[x]!;
    return x === a;
  };
  const children: number[][] = successors.map(() => []);
  const loopHeader = successors.map(() => false);
  const forwardEdges = successors.map(() => 0);
  let reducible = true;
  order.forEach((node, at) => {
    if (at > 0) children[order[dominator[at]!]!]!.push(node);
    for (const to of successors[node]!) {
      if (position[to]! > at) forwardEdges[to]!++;
      else if (dominates(position[to]!, at)) loopHeader[to] = true;
      else reducible = false;
    }
  });
  return { order, position, children, loopHeader, forwardEdges, reducible };
}

/** Nodes that the entry, node 0, reaches: each behind those that it leads to, but for loops. */
export function postOrder(successors: readonly (readonly number[])[]): number[] {
  const order: number[] = [];
  const seen = new Set([0]);
  const stack = [{ node: 0, next: 0 }];
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    const to = successors[top.node]![top.next++];
    if (to === undefined) {
      order.push(top.node);
      stack.pop();
    } else if (!seen.has(to)) {
      seen.add(to);
      stack.push({ node: to, next: 0 });
    }
  }
  return order;
}

/** Immediate dominators by position; the entry's is itself. */
export function dominators(predecessors: readonly (readonly number[])[]): number[] {
  const dominator: number[] = predecessors.map(() => -1);
  dominator[0] = 0;
  const meet = (a: number, b: number): number => {
    let x = a;
    let y = b;
    while (x !== y) {
      while (x > y) x = dominator[x]!;
      while (y > x) y = dominator[y]!;
    }
    return x;
  };
  for (let changed = true; changed;) {
    changed = false;
    for (let b = 1; b < predecessors.length; b++) {
      let best = -1;
      for (const p of predecessors[b]!) {
        if (dominator[p]! < 0) continue;
        best = best < 0 ? p : meet(best, p);
      }
      if (best !== dominator[b]) {
        dominator[b] = best;
        changed = true;
      }
    }
  }
  return dominator;
}
