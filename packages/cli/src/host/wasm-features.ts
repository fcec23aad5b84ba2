// SPDX-License-Identifier: Apache-2.0
// Which WebAssembly features this engine has, asked by validating a smallest module that uses each.

export interface WasmFeature {
  readonly name: string;
  /** The machine cannot be built without it. */
  readonly needed: boolean;
  readonly present: boolean;
}

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
/** One type () -> (), one function of it, whose body without locals is to follow. */
const FUNCTION = [0x01, 0x04, 0x01, 0x60, 0x00, 0x00, 0x03, 0x02, 0x01, 0x00];

/** A module whose one function has this body (`end` is added), with memory if it is given. */
function withBody(body: readonly number[], memory: readonly number[] = []): number[] {
  const code = [0x00, ...body, 0x0b];
  return [...HEADER, ...FUNCTION, ...memory, 0x0a, code.length + 2, 0x01, code.length, ...code];
}

/** The section of one memory; `flags` as in the binary format, followed by the limits. */
function memorySection(flags: number, ...limits: readonly number[]): number[] {
  return [0x05, limits.length + 2, 0x01, flags, ...limits];
}

const MODULES: readonly (readonly [name: string, needed: boolean, module: readonly number[]])[] = [
  ['1.0', true, withBody([0x01])], // nop
  ['sign extension', true, withBody([0x41, 0, 0xc0, 0x1a])], // i32.const 0; i32.extend8_s; drop
  // three times i32.const 0; memory.fill
  ['bulk memory', true, withBody([0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 0x0b, 0], memorySection(0x00, 1))],
  ['SIMD', false, withBody([0x41, 0, 0xfd, 0x0f, 0x1a])], // i32.const 0; i8x16.splat; drop
  ['tail calls', false, withBody([0x12, 0])], // return_call 0
  ['shared memory', false, [...HEADER, ...memorySection(0x03, 1, 1)]],
  ['64-bit memory', false, [...HEADER, ...memorySection(0x04, 1)]],
];

export function wasmFeatures(): WasmFeature[] {
  return MODULES.map(([name, needed, module]) => ({
    name,
    needed,
    present: WebAssembly.validate(Uint8Array.from(module)),
  }));
}
