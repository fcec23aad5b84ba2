// SPDX-License-Identifier: Apache-2.0
// Which isolation holds for a key: that of the rule for its path, or for the nearest key above it that has one.

import { splitPath } from './key.js';
import { foldName } from './names.js';

/**
 * - `merged`: the base layer is seen, and what is new is written to it; what the layers above it hold is changed in the upper layer
 * - `write-copy`: the base layer is seen, and all that is written goes to the upper layer
 * - `full`: the base layer is not seen; the layers above it are
 * - `hidden`: nothing is there, and nothing may be made there
 */
export type KeyIsolation = 'merged' | 'write-copy' | 'full' | 'hidden';

export interface KeyIsolationRule {
  /** Below the root, parts with backslashes between; empty for the root. */
  readonly path: string;
  readonly mode: KeyIsolation;
}

/** A path at which a rule stands, or above which one does. */
export interface RuleNode {
  mode: KeyIsolation | undefined;
  readonly below: Map<string, RuleNode>;
}

/** Of two rules for one path the later holds. */
export function ruleTree(rules: readonly KeyIsolationRule[]): RuleNode {
  const root: RuleNode = { mode: undefined, below: new Map() };
  for (const { path, mode } of rules) {
    let node = root;
    for (const name of splitPath(path)) {
      const folded = foldName(name);
      const next: RuleNode = node.below.get(folded) ?? { mode: undefined, below: new Map() };
      node.below.set(folded, next);
      node = next;
    }
    node.mode = mode;
  }
  return root;
}

/** No rule below says anything else than `mode`. */
export function isUniform(node: RuleNode | undefined, mode: KeyIsolation): boolean {
  if (node === undefined) return true;
  return [...node.below.values()].every(
    (below) => (below.mode === undefined || below.mode === mode) && isUniform(below, mode),
  );
}
