// SPDX-License-Identifier: Apache-2.0
// Offsets of the kernel's structures from what all rules see in its code.

import { FIELDS, type Field, type KernelLayout, VARIABLES, type Variable } from './kernel-layout.js';
import { type KernelCode, type Name, RULES } from './layout-rules.js';

/** What all rules have seen; two that contradict each other leave a name unknown. */
export function inferLayout(kernel: KernelCode): KernelLayout {
  const sightings = new Map<Name, Map<number, string>>();
  const reasons = new Map<Name, string>();
  for (const rule of RULES) {
    if (kernel.address(rule.function) === undefined) {
      for (const name of rule.gives) reasons.set(name, `the kernel has no function ${rule.function}`);
      continue;
    }
    for (const name of rule.gives) {
      if (!reasons.has(name)) reasons.set(name, `${rule.function} does not show it in the way that is known`);
    }
    for (const [name, offset] of rule.see(kernel.trace(rule.function), kernel)) {
      const known = sightings.get(name);
      if (known === undefined) sightings.set(name, new Map([[offset, rule.function]]));
      else if (!known.has(offset)) known.set(offset, rule.function);
    }
  }
  const offsets: Partial<Record<Field, number>> = {};
  const variables: Partial<Record<Variable, number>> = {};
  const unknown: Partial<Record<Name, string>> = {};
  for (const name of [...FIELDS, ...VARIABLES]) {
    const found = sightings.get(name);
    if (found === undefined) unknown[name] = reasons.get(name) ?? 'nothing tells it';
    else if (found.size > 1) {
      unknown[name] = `contradictory: ${[...found].map(([offset, where]) => `${offset} in ${where}`).join(', ')}`;
    } else {
      const [offset] = [...found.keys()] as [number];
      if (isVariable(name)) variables[name] = offset;
      else offsets[name] = offset;
    }
  }
  return { offsets, variables, unknown };
}

function isVariable(name: Name): name is Variable {
  return (VARIABLES as readonly string[]).includes(name);
}
