// SPDX-License-Identifier: Apache-2.0
// Offsets of the kernel's structures: from its types if it carries them, else from what all rules see in its code.

import { FIELDS, type Field, type KernelLayout, VARIABLES, type Variable } from './kernel-layout.js';
import { btfOffsets } from './btf-layout.js';
import { findBtf } from './btf.js';
import type { FoundKernel } from './find-kernel.js';
import { type KernelCode, type Name, RULES } from './layout-rules.js';
import { traceFunction } from './trace-function.js';

/** What kallsyms calls the variables in a kernel with KALLSYMS_ALL. */
const SYMBOLS: Readonly<Record<Variable, string>> = {
  initTask: 'init_task',
  modules: 'modules',
  entryTask: '__entry_task',
};

/** All that a kernel tells of itself. */
export function kernelLayout({ kallsyms: { table }, memory, image }: FoundKernel): KernelLayout {
  const base = table.symbols[0]!.address;
  const inferred = inferLayout({
    base,
    address: (name) => table.address(name),
    trace: (name) => {
      const [symbol] = table.named(name);
      // Bit 0 says T32, which is not followed.
      if (symbol === undefined || (symbol.address & 1) !== 0) return [];
      return traceFunction({ start: symbol.address, end: table.end(symbol), word: (address) => memory.u32(address) });
    },
  });
  const btf = findBtf(image, 'the kernel’s types');
  const variables: Partial<Record<Variable, number>> = {};
  for (const name of VARIABLES) {
    const [symbol, other] = table.named(SYMBOLS[name]).filter(({ kind }) => kind !== 'function');
    // A name that several have tells nothing.
    if (symbol !== undefined && other === undefined)
      variables[name] = symbol.address - (name === 'entryTask' ? 0 : base);
  }
  return withKnown(inferred, btf === undefined ? {} : btfOffsets(btf), variables);
}

/** What is known for certain goes before what was read out of code. */
function withKnown(
  layout: KernelLayout,
  offsets: KernelLayout['offsets'],
  variables: KernelLayout['variables'],
): KernelLayout {
  const known = new Set([...Object.keys(offsets), ...Object.keys(variables)]);
  return {
    offsets: { ...layout.offsets, ...offsets },
    variables: { ...layout.variables, ...variables },
    unknown: Object.fromEntries(Object.entries(layout.unknown).filter(([name]) => !known.has(name))),
  };
}

/** What all rules have seen; two that contradict each other leave a name unknown. */
function inferLayout(kernel: KernelCode): KernelLayout {
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
