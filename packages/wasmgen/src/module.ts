// SPDX-License-Identifier: Apache-2.0
// Assembles a WebAssembly module from types, imports, functions, exports and table elements (binary format, section
// 5.5). Knows nothing of ARM. Imports must be declared before functions, as the index spaces demand.

import { Bytes, Code, typeCode } from './code.js';
import type { ValueType } from './opcodes.js';

export interface FunctionType {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** Limits of the one memory that generated modules import; `shared` follows the machine's memory. */
export interface MemoryLimits {
  readonly initialPages: number;
  readonly maximumPages: number;
  readonly shared: boolean;
}

interface DefinedFunction {
  readonly type: number;
  readonly code: Code;
}

export class ModuleBuilder {
  readonly #types: string[] = [];
  readonly #typeBytes: Uint8Array[] = [];
  readonly #imports: Uint8Array[] = [];
  readonly #functions: DefinedFunction[] = [];
  readonly #exports: Uint8Array[] = [];
  readonly #elements: { offset: number; functions: number[] }[] = [];
  readonly #names: [number, string][] = [];
  #importedFunctions = 0;
  #table: { initial: number; maximum: number } | undefined;

  /** Index of a function type; equal types share one index. */
  type(type: FunctionType): number {
    const key = `${type.parameters.join()}>${type.results.join()}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    const out = new Bytes();
    out.byte(0x60);
    for (const list of [type.parameters, type.results]) {
      out.unsigned(list.length);
      for (const value of list) out.byte(typeCode(value));
    }
    this.#typeBytes.push(out.view().slice());
    return this.#types.push(key) - 1;
  }

  #import(module: string, name: string, kind: number, description: (out: Bytes) => void): void {
    const out = new Bytes();
    out.name(module);
    out.name(name);
    out.byte(kind);
    description(out);
    this.#imports.push(out.view().slice());
  }

  importFunction(module: string, name: string, type: FunctionType): number {
    if (this.#functions.length > 0) throw new RangeError('imports come before functions');
    const index = this.type(type);
    this.#import(module, name, 0, (out) => out.unsigned(index));
    this.#names.push([this.#importedFunctions, name]);
    return this.#importedFunctions++;
  }

  importMemory(module: string, name: string, limits: MemoryLimits): void {
    this.#import(module, name, 2, (out) => {
      out.byte(limits.shared ? 3 : 1);
      out.unsigned(limits.initialPages);
      out.unsigned(limits.maximumPages);
    });
  }

  importTable(module: string, name: string, initial: number): void {
    this.#import(module, name, 1, (out) => {
      out.byte(0x70);
      out.byte(0);
      out.unsigned(initial);
    });
  }

  defineTable(initial: number, maximum: number): void {
    this.#table = { initial, maximum };
  }

  /** A new function; write its body into the `Code` that comes back. */
  function(type: FunctionType, name?: string): { index: number; code: Code } {
    const index = this.#importedFunctions + this.#functions.length;
    const code = new Code(type.parameters);
    this.#functions.push({ type: this.type(type), code });
    if (name !== undefined) this.#names.push([index, name]);
    return { index, code };
  }

  #export(name: string, kind: number, index: number): void {
    const out = new Bytes();
    out.name(name);
    out.byte(kind);
    out.unsigned(index);
    this.#exports.push(out.view().slice());
  }

  exportFunction(name: string, index: number): void {
    this.#export(name, 0, index);
  }

  exportTable(name: string): void {
    this.#export(name, 1, 0);
  }

  /** Puts functions into table 0 from `offset` on, at instantiation. */
  elements(offset: number, functions: number[]): void {
    this.#elements.push({ offset, functions });
  }

  finish(): Uint8Array {
    const out = new Bytes();
    for (const byte of [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) out.byte(byte);
    const section = (id: number, count: number, write: (out: Bytes) => void): void => {
      if (count === 0) return;
      const content = new Bytes();
      content.unsigned(count);
      write(content);
      out.byte(id);
      out.unsigned(content.length);
      out.bytes(content.view());
    };
    section(1, this.#typeBytes.length, (s) => this.#typeBytes.forEach((bytes) => s.bytes(bytes)));
    section(2, this.#imports.length, (s) => this.#imports.forEach((bytes) => s.bytes(bytes)));
    section(3, this.#functions.length, (s) => this.#functions.forEach(({ type }) => s.unsigned(type)));
    const table = this.#table;
    if (table !== undefined) {
      section(4, 1, (s) => {
        s.byte(0x70);
        s.byte(1);
        s.unsigned(table.initial);
        s.unsigned(table.maximum);
      });
    }
    section(7, this.#exports.length, (s) => this.#exports.forEach((bytes) => s.bytes(bytes)));
    section(9, this.#elements.length, (s) => {
      for (const { offset, functions } of this.#elements) {
        s.unsigned(0);
        s.byte(0x41);
        s.signed(offset);
        s.byte(0x0b);
        s.unsigned(functions.length);
        for (const index of functions) s.unsigned(index);
      }
    });
    section(10, this.#functions.length, (s) => this.#functions.forEach(({ code }) => code.encode(s)));
    this.#nameSection(out);
    return out.view().slice();
  }

  /** Function names for profilers and stack traces (core specification, appendix 7.4). */
  #nameSection(out: Bytes): void {
    if (this.#names.length === 0) return;
    const map = new Bytes();
    map.unsigned(this.#names.length);
    for (const [index, name] of this.#names) {
      map.unsigned(index);
      map.name(name);
    }
    const content = new Bytes();
    content.name('name');
    content.byte(1);
    content.unsigned(map.length);
    content.bytes(map.view());
    out.byte(0);
    out.unsigned(content.length);
    out.bytes(content.view());
  }
}
