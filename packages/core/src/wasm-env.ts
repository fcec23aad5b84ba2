// SPDX-License-Identifier: Apache-2.0
// The part of the WebAssembly JavaScript interface that Plinth uses. Its types live in the DOM library, which neutral
// rooms do not admit; this declares just what exists in Node and in a page alike (WebAssembly JavaScript Interface).

declare global {
  // eslint-disable-next-line typescript/no-namespace -- this is how a global object is declared
  namespace WebAssembly {
    interface MemoryDescriptor {
      initial: number;
      maximum?: number;
      shared?: boolean;
    }
    class Memory {
      constructor(descriptor: MemoryDescriptor);
      readonly buffer: ArrayBuffer | SharedArrayBuffer;
      grow(delta: number): number;
    }
    class Table {
      constructor(descriptor: { element: 'anyfunc'; initial: number; maximum?: number });
      readonly length: number;
      get(index: number): unknown;
      set(index: number, value: unknown): void;
    }
    class Module {
      constructor(bytes: Uint8Array);
    }
    class Instance {
      constructor(module: Module, imports?: Record<string, Record<string, unknown>>);
      readonly exports: Record<string, unknown>;
    }
    function validate(bytes: Uint8Array): boolean;
  }
}
export {};
