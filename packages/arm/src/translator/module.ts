// SPDX-License-Identifier: Apache-2.0
// A batch of regions as one WebAssembly module: many small modules cost far more memory and time than one large.

import { type FunctionType, ModuleBuilder } from '@plinth/wasmgen';
import { HANDLER_TYPE } from '../interpreter/handlers.js';
import { CALL_TYPE, memoryLimits } from '../interpreter/module.js';
import { USABLE_TYPE } from '../interpreter/usable.js';
import { HELPERS } from '../ir/helpers.js';
import type { Block } from '../ir/node.js';
import { type RegionPlace, RegionWriter } from './region-code.js';
import type { Region } from './region.js';

export interface RegionRequest {
  readonly region: Region;
  readonly place: RegionPlace;
}

function collectHelpers(block: Block, names: Set<string>): void {
  for (const node of block) {
    const name = node.op === 'call' ? node.extra!.name! : undefined;
    if (name !== undefined && HELPERS[name]!.kind === 'pure') names.add(name);
    if (node.extra?.then !== undefined) {
      collectHelpers(node.extra.then, names);
      collectHelpers(node.extra.otherwise!, names);
    }
  }
}

/**
 * The module's bytes; it exports region i as `r<i>`, and imports `env.memory`, what regions use of the
 * interpreter's exports, and the pure helpers that its instructions call. `sharedMemory` is what the interpreter was built with.
 */
export function buildRegions(requests: readonly RegionRequest[], sharedMemory: boolean = false): Uint8Array {
  const module = new ModuleBuilder();
  module.importMemory('env', 'memory', memoryLimits(sharedMemory));
  const single = module.importFunction('env', 'single', CALL_TYPE);
  const via = module.importFunction('env', 'via', CALL_TYPE);
  const watchful = requests.some(({ place }) => place.watchful);
  const usableForRead = watchful ? module.importFunction('env', 'usableForRead', USABLE_TYPE) : -1;
  const usableForWrite = watchful ? module.importFunction('env', 'usableForWrite', USABLE_TYPE) : -1;
  const names = new Set<string>();
  for (const { region } of requests) {
    for (const block of region.blocks.values()) {
      for (const { lifted } of block.instructions) collectHelpers(lifted.block, names);
    }
  }
  const helpers = new Map<string, number>();
  for (const name of names) {
    const helper = HELPERS[name]!;
    const results = helper.result === undefined ? [] : [helper.result];
    const type: FunctionType = { parameters: ['i32', ...helper.parameters], results };
    helpers.set(name, module.importFunction('env', name, type));
  }
  const runtime = { single, via, usableForRead, usableForWrite, helpers };
  requests.forEach(({ region, place }, i) => {
    const { index, code } = module.function(HANDLER_TYPE);
    new RegionWriter(code, region, runtime, place).write();
    module.exportFunction(`r${i}`, index);
  });
  return module.finish();
}
