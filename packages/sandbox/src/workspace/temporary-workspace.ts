// SPDX-License-Identifier: Apache-2.0
// A workspace in a directory of its own, for one purpose. It is gone with who has made it; what a killed process leaves is a leftover.

import { mkdirSync, mkdtempSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { removeTree } from '../layers/remove-tree.js';
import type { HostFacts } from './host-facts.js';
import { halfName, Workspace } from './workspace.js';
import type { WorkspaceOptions } from './workspace-plan.js';

const TRIES = 8;
const TRY_AGAIN_MILLISECONDS = 50;

export class TemporaryWorkspace implements Disposable {
  readonly workspace: Workspace;
  readonly #directory: string;
  readonly #remove = (): void => removeUsed(this.#directory);

  /** `all` as for others. @throws PlinthError as `Workspace.create` does */
  constructor(all: string, name: string, options: WorkspaceOptions, facts: HostFacts) {
    mkdirSync(all, { recursive: true, mode: 0o700 });
    this.#directory = mkdtempSync(join(realpathSync(all), halfName(name)));
    process.once('exit', this.#remove);
    try {
      this.workspace = Workspace.create(this.#directory, name, options, facts);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    process.removeListener('exit', this.#remove);
    this.#remove();
  }
}

/** What was ended just now may still be writing in it. */
function removeUsed(path: string): void {
  for (let left = TRIES; ; left--) {
    try {
      removeTree(path);
      return;
    } catch (error) {
      if (left === 0) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TRY_AGAIN_MILLISECONDS);
    }
  }
}
