// SPDX-License-Identifier: Apache-2.0
// How V8 is to compile generated code. By default it optimises a function of WebAssembly after some milliseconds, which
// costs ten of them and more; most regions never earn that, and the first compiler's code for them is not bad.

import { setFlagsFromString } from 'node:v8';

/** Bytes of a function's code that are executed, roughly, before it is optimised; V8's own figure is 1.8 million. */
const TIERING_BUDGET = 50_000_000;
/** The newest V8 that is known to have the flag: an unknown one prints an error. */
const NEWEST_KNOWN = 14;

/** For the whole process, its threads included; to be called before anything is compiled. */
export function tuneCompiler(): void {
  if (Number.parseInt(process.versions.v8, 10) > NEWEST_KNOWN) return;
  setFlagsFromString(`--wasm-tiering-budget=${TIERING_BUDGET}`);
}
