// SPDX-License-Identifier: Apache-2.0
// Writes a flattened device tree, version 17 (Devicetree Specification v0.4, chapter 5). Same tree, same bytes.
// The memory reservation map is always empty.

import { utf8 } from '@plinth/core';
import {
  FDT_BEGIN_NODE,
  FDT_END,
  FDT_END_NODE,
  FDT_HEADER_SIZE,
  FDT_LAST_COMPATIBLE,
  FDT_MAGIC,
  FDT_PROP,
  FDT_RESERVATION_SIZE,
  FDT_VERSION,
} from './format.js';
import type { FdtNode } from './tree.js';

/** A block that grows; everything in it is aligned to four bytes. */
class Block {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  length = 0;

  #reserve(size: number): void {
    if (this.length + size <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + size));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }

  cell(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.length, value);
    this.length += 4;
  }

  data(bytes: Uint8Array): void {
    const padded = (bytes.length + 3) & ~3;
    this.#reserve(padded);
    this.#bytes.set(bytes, this.length);
    this.length += padded;
  }

  done(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }
}

export function writeFdt(root: FdtNode): Uint8Array {
  const structure = new Block();
  const names = new Map<string, number>();
  let namesLength = 0;
  const nameOffset = (name: string): number => {
    const known = names.get(name);
    if (known !== undefined) return known;
    const offset = namesLength;
    names.set(name, offset);
    namesLength += utf8(name).length + 1;
    return offset;
  };
  const writeNode = (node: FdtNode): void => {
    structure.cell(FDT_BEGIN_NODE);
    structure.data(utf8(`${node.name}\0`));
    for (const [name, value] of node.properties) {
      structure.cell(FDT_PROP);
      structure.cell(value.length);
      structure.cell(nameOffset(name));
      structure.data(value);
    }
    for (const child of node.children) writeNode(child);
    structure.cell(FDT_END_NODE);
  };
  writeNode(root);
  structure.cell(FDT_END);

  const strings = utf8([...names.keys()].map((name) => `${name}\0`).join(''));
  const structureAt = FDT_HEADER_SIZE + FDT_RESERVATION_SIZE;
  const stringsAt = structureAt + structure.length;
  const total = (stringsAt + strings.length + 3) & ~3;
  const blob = new Uint8Array(total);
  const header = new DataView(blob.buffer);
  [
    FDT_MAGIC,
    total,
    structureAt,
    stringsAt,
    FDT_HEADER_SIZE,
    FDT_VERSION,
    FDT_LAST_COMPATIBLE,
    0, // The boot CPU is CPU 0.
    strings.length,
    structure.length,
  ].forEach((value, at) => header.setUint32(at * 4, value));
  blob.set(structure.done(), structureAt);
  blob.set(strings, stringsAt);
  return blob;
}
