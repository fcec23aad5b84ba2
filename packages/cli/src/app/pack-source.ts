// SPDX-License-Identifier: Apache-2.0
// What the files of a program in one file are made of: a directory, packages, an installer. Each source gives them as layers, and says what it knows of them.

import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import type { IsolationMode, PackageOrigin } from '@plinth/sandbox';
import type { Progress } from '../host/progress.js';
import type { Captured } from './describe-captured.js';

export interface PackSource extends Disposable {
  /** `directory` is empty, on the file system of the file that is made, and goes when that is there. What is given lasts as long as the source. */
  files(directory: string, progress: Progress): Promise<SourceFiles>;
}

export interface SourceFiles {
  /** From the oldest to the newest: what is to be one, or an image that is one. */
  readonly layers: readonly (LayerFiles | LayerImage)[];
  readonly version: string;
  readonly packages: readonly PackageOrigin[];
  /** Names of packages with a script that would have been run after installing them. */
  readonly unconfigured: readonly string[];
  /** Programs of it that may be meant, as its user sees them. If there is one, it is started, where nothing else is said. */
  readonly programs: readonly string[];
  /** What a manifest has as its entry for the program that is meant by a path; nothing if there will be none. */
  readonly findProgram: (path: string) => string | undefined;
  /** Where options do not say otherwise. */
  readonly isolation: Readonly<Record<string, IsolationMode>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** Of programs of Windows. */
  readonly windows?: {
    /** Where their prefix of Wine is. */
    readonly prefix: string;
    /** What starts them, and has the program as its first argument. */
    readonly starter: string;
  };
  /** Of an installer. */
  readonly captured?: Captured;
}

export interface LayerFiles {
  /** Paths that become the entries of an image's root by their last names: `root`, `known`, `removed`, `replaced` (docs/bundle.md). */
  readonly parts: readonly string[];
  /** Absolute paths below them that do not. */
  readonly leftOut: readonly string[];
  /** Paths in the image that are removed from what lies below, which the parts do not say. */
  readonly removed?: readonly string[];
}

export interface LayerImage {
  readonly image: string;
}

/** A path, if it is that of a program. Links are followed within the tree only as far as they are relative. */
export function programIn(root: string, path: string): string | undefined {
  try {
    accessSync(join(root, path), constants.X_OK);
    return statSync(join(root, path)).isFile() ? path : undefined;
  } catch {
    return undefined; // it is not there, or may not be run
  }
}
