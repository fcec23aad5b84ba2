// SPDX-License-Identifier: Apache-2.0
// What the files of a program in one file are made of: a directory, packages. Each source gives them as layers, and says what it knows of them.

import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import type { IsolationMode, PackageOrigin } from '@plinth/sandbox';
import type { Progress } from '../host/progress.js';

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
  /** Whether such a program will be there. */
  readonly hasProgram: (path: string) => boolean;
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
}

export interface LayerFiles {
  /** Paths that become the entries of an image's root by their last names: `root`, `known`, `removed`, `replaced` (docs/bundle.md). */
  readonly parts: readonly string[];
  /** Absolute paths below them that do not. */
  readonly leftOut: readonly string[];
}

export interface LayerImage {
  readonly image: string;
}

/** Links are followed within the tree only as far as they are relative; others are taken for right. */
export function isProgram(root: string, path: string): boolean {
  try {
    accessSync(join(root, path), constants.X_OK);
    return statSync(join(root, path)).isFile();
  } catch {
    return false; // it is not there, or may not be run
  }
}
