// SPDX-License-Identifier: Apache-2.0
// A device tree in memory (Devicetree Specification v0.4, chapter 2), and its property values (2.2.4) in terms of the
// caller: cells, strings, bytes. fdt/writer.ts and fdt/reader.ts turn it into the flattened form and back.

import { latin1, utf8 } from '@plinth/core';

/** A property value as bytes, in order of declaration by name. */
export interface FdtNode {
  /** Unit name, for example `cpu@0`; the root's is empty. */
  readonly name: string;
  readonly properties: ReadonlyMap<string, Uint8Array>;
  readonly children: readonly FdtNode[];
}

/**
 * A number is one cell, a list of numbers that many; a string is null-terminated, a list of strings is a string list;
 * `true` is an empty property, present; `undefined` leaves the property out.
 */
export type FdtValue = number | readonly number[] | string | readonly string[] | Uint8Array | true | undefined;

/** Makes a node from readable values. Undefined children are left out. */
export function fdtNode(
  name: string,
  properties: Readonly<Record<string, FdtValue>>,
  children: readonly (FdtNode | undefined)[] = [],
): FdtNode {
  const encoded = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(properties)) {
    if (value !== undefined) encoded.set(key, encode(value));
  }
  return { name, properties: encoded, children: children.filter((child) => child !== undefined) };
}

function encode(value: Exclude<FdtValue, undefined>): Uint8Array {
  if (value === true) return new Uint8Array(0);
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'number') return cells([value]);
  if (typeof value === 'string') return utf8(`${value}\0`);
  return isNumbers(value) ? cells(value) : utf8(value.map((text) => `${text}\0`).join(''));
}

function isNumbers(list: readonly number[] | readonly string[]): list is readonly number[] {
  return typeof list[0] === 'number';
}

function cells(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, at) => view.setUint32(at * 4, value));
  return bytes;
}

/** A 64-bit number as two cells, high first: what `#address-cells = <2>` asks for. */
export function cells64(value: number): [number, number] {
  return [Math.floor(value / 0x1_0000_0000), value >>> 0];
}

/** The node at a path such as `/cpus/cpu@0`, or undefined. */
export function fdtFind(root: FdtNode, path: string): FdtNode | undefined {
  let node: FdtNode | undefined = root;
  for (const name of path.split('/')) {
    if (name !== '') node = node?.children.find((child) => child.name === name);
  }
  return node;
}

/** The property as cells, or undefined when it is absent or no whole number of cells. */
export function fdtCells(node: FdtNode, property: string): number[] | undefined {
  const bytes = node.properties.get(property);
  if (bytes === undefined || bytes.length % 4 !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, at) => view.getUint32(at * 4));
}

/** The property as strings, or undefined when it is absent or does not end in a null. */
export function fdtStrings(node: FdtNode, property: string): string[] | undefined {
  const bytes = node.properties.get(property);
  if (bytes === undefined || bytes.at(-1) !== 0) return undefined;
  return latin1(bytes.subarray(0, -1)).split('\0');
}
