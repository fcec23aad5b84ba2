// SPDX-License-Identifier: Apache-2.0
// Reads a flattened device tree, versions 16 and 17 (Devicetree Specification v0.4, chapter 5), from any bytes:
// a tree, or one typed error. The memory reservation map is not read.

import { ByteReader, latin1, PlinthError } from '@plinth/core';
import {
  FDT_BEGIN_NODE,
  FDT_END,
  FDT_END_NODE,
  FDT_HEADER_SIZE,
  FDT_LAST_COMPATIBLE,
  FDT_MAGIC,
  FDT_NOP,
  FDT_PROP,
  FDT_VERSION,
} from './format.js';
import type { FdtNode } from './tree.js';

/** Deeper than any real tree (the deepest in Linux has 9 levels); keeps recursion over the result safe. */
const MAX_DEPTH = 64;
/** The specification's limit is 31 characters for names of properties, and of nodes before the `@`. */
const MAX_NAME = 1024;

interface OpenNode {
  readonly name: string;
  readonly properties: Map<string, Uint8Array>;
  readonly children: FdtNode[];
}

function bad(what: string, offset: number, problem: string): PlinthError {
  return new PlinthError(
    'input',
    'fdt-malformed',
    `${what}: ${problem} at byte ${offset}: not a valid device tree blob`,
  );
}

/** `what` names the input in messages, for example `board.dtb`. Property values are views of `bytes`. */
export function readFdt(bytes: Uint8Array, what: string): FdtNode {
  const header = new ByteReader(bytes, what);
  header.littleEndian = false;
  if (header.u32() !== FDT_MAGIC) throw bad(what, 0, 'no device tree magic 0xd00dfeed');
  const total = header.u32();
  const structureAt = header.u32();
  const stringsAt = header.u32();
  header.u32();
  const version = header.u32();
  const compatible = header.u32();
  if (version < FDT_LAST_COMPATIBLE || compatible > FDT_VERSION) {
    throw bad(what, 20, `version ${version}, of which ${FDT_LAST_COMPATIBLE} to ${FDT_VERSION} are understood,`);
  }
  if (total < FDT_HEADER_SIZE || total > bytes.length) throw bad(what, 4, `size ${total} of ${bytes.length} bytes`);
  const blob = bytes.subarray(0, total);
  const reader = new ByteReader(blob, what).seek(structureAt);
  reader.littleEndian = false;

  const open: OpenNode[] = [];
  let root: FdtNode | undefined;
  for (;;) {
    const at = reader.offset;
    const token = reader.u32();
    const node = open.at(-1);
    if (token === FDT_NOP) continue;
    if (token === FDT_END) {
      if (root === undefined || node !== undefined) throw bad(what, at, 'end of an unfinished tree');
      return root;
    }
    if (token === FDT_BEGIN_NODE) {
      if (root !== undefined || open.length >= MAX_DEPTH) throw bad(what, at, 'node outside the tree or too deep');
      const name = text(blob, reader.offset, what);
      skip(reader, name.length + 1);
      open.push({ name, properties: new Map(), children: [] });
    } else if (token === FDT_END_NODE) {
      if (node === undefined) throw bad(what, at, 'end of a node that was not begun');
      open.pop();
      const parent = open.at(-1);
      if (parent === undefined) root = node;
      else parent.children.push(node);
    } else if (token === FDT_PROP) {
      if (node === undefined) throw bad(what, at, 'property outside a node');
      const length = reader.u32();
      const name = text(blob, stringsAt + reader.u32(), what);
      node.properties.set(name, skip(reader, length));
    } else {
      throw bad(what, at, `unknown token ${token}`);
    }
  }
}

/** Takes `length` bytes and the padding to the next cell. */
function skip(reader: ByteReader, length: number): Uint8Array {
  const data = reader.take(length);
  return reader.remaining === 0 ? data : (reader.take((4 - (reader.offset & 3)) & 3), data);
}

function text(blob: Uint8Array, offset: number, what: string): string {
  const rest = blob.subarray(offset, offset + MAX_NAME);
  const end = rest.indexOf(0);
  if (end < 0) throw bad(what, offset, 'name without an end');
  return latin1(rest.subarray(0, end));
}
