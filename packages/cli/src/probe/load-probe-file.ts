// SPDX-License-Identifier: Apache-2.0
// Files that set probes: modules of the user's, loaded into this process. They are trusted as any program is that the user
// starts.

import { readFileSync, statSync } from 'node:fs';
import { register } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PlinthError } from '@plinth/core';
import type { ProbeSpec } from '@plinth/machine';
import type { ProbeFile } from '@plinth/observe';
import { reasonOf } from '../host/reason.js';
import { describeFailure } from './describe-failure.js';

export interface LoadedProbe {
  readonly spec: ProbeSpec;
  readonly begin: ProbeFile;
}

/** @throws PlinthError `input` for a file that is not there, is no module, or has no function as its default export */
export async function loadProbeFiles(specs: readonly ProbeSpec[]): Promise<readonly LoadedProbe[]> {
  if (specs.length > 0) register('./typescript-hooks.js', import.meta.url);
  const loaded: LoadedProbe[] = [];
  for (const spec of specs) loaded.push({ spec, begin: await loadProbeFile(spec.file) });
  return loaded;
}

async function loadProbeFile(file: string): Promise<ProbeFile> {
  const wrong = (detail: string, cause?: unknown): PlinthError =>
    new PlinthError('input', 'probe', `probe: ${detail}`, { cause });
  try {
    if (!statSync(file).isFile()) throw wrong(`${file}: this is no file`);
  } catch (cause) {
    throw cause instanceof PlinthError ? cause : wrong(`${file}: ${reasonOf(cause)}`, cause);
  }
  let module: { readonly default?: unknown };
  try {
    module = (await import(pathToFileURL(resolve(file)).href)) as typeof module;
  } catch (cause) {
    throw wrong((await placeOfMistake(cause, file)) ?? describeFailure(cause, file), cause);
  }
  if (typeof module.default !== 'function') {
    throw wrong(`${file}: it has no function as its default export: "plinth probe init" writes one that has`);
  }
  return module.default as ProbeFile;
}

/** Node keeps to itself where a mistake in a module's syntax is. */
async function placeOfMistake(error: unknown, file: string): Promise<string | undefined> {
  if (!(error instanceof SyntaxError)) return undefined;
  const { stripTypes } = await import('./strip-types.js');
  try {
    stripTypes(readFileSync(file, 'utf8'), file);
    return undefined;
  } catch (mistake) {
    return (mistake as Error).message;
  }
}
