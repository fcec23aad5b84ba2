// SPDX-License-Identifier: Apache-2.0
// Intermediate representation of one known instruction, with its condition around it.

import type { ValueType } from '@plinth/wasmgen';
import type { Decoded } from '../decode/decoder.js';
import { Builder } from '../ir/builder.js';
import { HELPERS } from '../ir/helpers.js';
import type { Block, Node } from '../ir/node.js';
import type { Row } from '../isa/row.js';
import { CPU } from '../state/layout.js';

export interface Lifted {
  readonly row: Row;
  readonly fields: Readonly<Record<string, number>>;
  readonly block: Block;
  readonly temporaries: readonly ValueType[];
  /**
   * For a branch or call: the node that tells whether it is taken, or undefined if always; `block` is then only what
   * computes it. Other instructions have their condition inside `block`.
   */
  readonly condition: Node | undefined;
  /** Control never goes on behind it. */
  readonly ends: boolean;
  /** It may ask for attention, which the region must look at afterwards. */
  readonly attends: boolean;
}

/** Builds an instruction's representation; `cond` is the condition that applies to it, 14 for none. */
export function lift(decoded: Decoded, cond: number, thumb: boolean, inIt: boolean, size: number): Lifted {
  const { row, fields } = decoded;
  const b = new Builder({ isa: thumb ? 'T32' : 'A32', inIt, size });
  const nodes: Record<string, Node> = {};
  for (const { name } of row.fields) nodes[name] = b.const(fields[name]!);
  let condition: Node | undefined;
  if (row.kind === 'branch' || row.kind === 'call') {
    if (row.branchCondition !== undefined) condition = row.branchCondition(b, nodes);
    else if (cond < 14) condition = b.condition(cond);
  } else if (row.name !== 'IT') {
    if (cond < 14) b.if(b.condition(cond), () => row.lift(b, nodes));
    else row.lift(b, nodes);
  }
  const { block, temporaries } = b;
  return {
    row,
    fields,
    block,
    temporaries,
    condition,
    ends: block.some((node) => node.op === 'jump' || isRuntimeCall(node)),
    attends: contains(block, (node) => node.op === 'cpu.store' && node.immediate === CPU.fetchPage),
  };
}

/**
 * Whether the instruction is its block's last: it may go elsewhere than to the next one, whether it then does or not, or
 * may raise an exception of its own will. That it faults does not make it one.
 */
export function endsBlock({ row, block }: Lifted): boolean {
  if (row.kind === 'branch' || row.kind === 'call') return true;
  return contains(block, (node) => node.op === 'jump' || isRuntimeCall(node));
}

/** `endsBlock` for a decoded instruction of so many bytes. */
export function decodedEndsBlock(decoded: Decoded, thumb: boolean, size: number): boolean {
  return endsBlock(lift(decoded, 14, thumb, false, size));
}

function isRuntimeCall(node: Node): boolean {
  return node.op === 'call' && HELPERS[node.extra!.name!]!.kind === 'runtime';
}

/** Whether a node of the block, at any depth, satisfies the predicate. */
export function contains(block: Block, predicate: (node: Node) => boolean): boolean {
  return block.some(
    (node) =>
      predicate(node) ||
      (node.extra?.then !== undefined &&
        (contains(node.extra.then, predicate) || contains(node.extra.otherwise!, predicate))),
  );
}
