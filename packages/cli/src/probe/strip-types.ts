// SPDX-License-Identifier: Apache-2.0
// TypeScript with its types replaced by blanks, so that lines and columns stay. The library is the one inside Node's own
// `amaro`, which as a package wants Node 22.

import { transformSync } from '@swc/wasm-typescript';

/** What the library throws; it is no Error. */
interface StripFailure {
  readonly message?: string;
  /** From 1. */
  readonly startLine?: number;
}

/** @throws SyntaxError `PATH:LINE: message`, also for what is more than types, as an enum is */
export function stripTypes(source: string, path: string): string {
  try {
    return transformSync(source, { mode: 'strip-only', module: true, filename: path }).code;
  } catch (cause) {
    const { message, startLine } = cause as StripFailure;
    throw new SyntaxError(`${path}:${startLine ?? 1}: ${message ?? String(cause)}`);
  }
}
