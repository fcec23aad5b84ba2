// SPDX-License-Identifier: Apache-2.0
// Writes a program in one file: launcher, tools, manifest, images of layers, hashes, signature, footer (docs/bundle.md).

import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { KeyObject } from 'node:crypto';
import { BlockHasher, hashesBytes } from './hashes.js';
import { type Footer, FOOTER_BYTES, SIGNATURE_BYTES, writeFooter } from './footer.js';
import { BLOCK, launcherText, type Section, type Sections } from './launcher.js';
import type { BundleLayer, BundleManifest } from './manifest.js';
import { signBundle } from './signature.js';

/** Bytes of a file, or all of it. */
export interface Piece {
  readonly path: string;
  readonly section?: Section;
}

export interface BundleParts {
  readonly manifest: Omit<BundleManifest, 'layers'>;
  /** A tar of the tools. */
  readonly tools: Piece;
  /** Images, from the oldest to the newest. */
  readonly layers: readonly Piece[];
  readonly key?: KeyObject;
}

const CHUNK = 1 << 20;

/** Into a file that is there and empty. */
export function writeBundle(fd: number, { manifest: given, tools, layers, key }: BundleParts): BundleManifest {
  using sources = new Sources();
  const images = layers.map((piece) => sources.open(piece));
  const toolsSource = sources.open(tools);
  const placed: BundleLayer[] = [];
  let end = 0;
  for (const { bytes } of images) {
    placed.push({ offset: end, bytes });
    end = align(end + bytes);
  }
  const manifest: BundleManifest = { ...given, layers: placed };
  const text = Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`);
  const sections = placeSections(manifest, toolsSource.bytes, text.length, end);
  const writer = new HashedWriter(fd);
  writer.write(Buffer.from(launcherText(manifest, sections)));
  writer.skipTo(sections.tools.offset, '\n');
  toolsSource.copy(writer);
  writer.skipTo(sections.manifest.offset);
  writer.write(text);
  for (const [n, image] of images.entries()) {
    writer.skipTo(sections.layers.offset + placed[n]!.offset);
    image.copy(writer);
  }
  writer.skipTo(sections.hashes.offset);
  const hashes = writer.hashes();
  const signed = { offset: sections.hashes.offset + hashes.length, bytes: key === undefined ? 0 : SIGNATURE_BYTES };
  const footer: Footer = { ...sections, signature: signed, size: signed.offset + signed.bytes + FOOTER_BYTES };
  writeAll(fd, Buffer.from(hashes));
  if (key !== undefined) writeAll(fd, signBundle(footer, hashes, key));
  writeAll(fd, writeFooter(footer));
  return manifest;
}

function align(offset: number): number {
  return Math.ceil(offset / BLOCK) * BLOCK;
}

/** The launcher has the offsets in it, and its own length decides on them: it is laid out with numbers that are longer than any. */
function placeSections(
  manifest: BundleManifest,
  toolsBytes: number,
  manifestBytes: number,
  layersBytes: number,
): Sections {
  const far = { offset: 2 ** 52, bytes: 2 ** 52 };
  const longest = launcherText(manifest, { tools: far, manifest: far, layers: far, hashes: far });
  const tools = { offset: align(Buffer.byteLength(longest)), bytes: toolsBytes };
  const its = { offset: align(tools.offset + toolsBytes), bytes: manifestBytes };
  const layers = { offset: align(its.offset + manifestBytes), bytes: layersBytes };
  const hashed = align(layers.offset + layersBytes);
  return { tools, manifest: its, layers, hashes: { offset: hashed, bytes: hashesBytes(hashed) } };
}

class HashedWriter {
  readonly #fd: number;
  readonly #hasher: BlockHasher = new BlockHasher();
  #at: number = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(bytes: Uint8Array): void {
    writeAll(this.#fd, bytes);
    this.#hasher.update(bytes);
    this.#at += bytes.length;
  }

  skipTo(offset: number, filler: string = '\0'): void {
    this.write(Buffer.alloc(offset - this.#at, filler));
  }

  hashes(): string {
    return this.#hasher.text();
  }
}

interface OpenPiece extends Section {
  copy(writer: HashedWriter): void;
}

/** Files that are read while one is written. */
class Sources implements Disposable {
  readonly #fds: number[] = [];

  open({ path, section }: Piece): OpenPiece {
    const fd = openSync(path, 'r');
    this.#fds.push(fd);
    const { offset, bytes } = section ?? { offset: 0, bytes: fstatSync(fd).size };
    const copy = (writer: HashedWriter): void => {
      const buffer = Buffer.alloc(CHUNK);
      for (let done = 0; done < bytes;) {
        const got = readSync(fd, buffer, 0, Math.min(CHUNK, bytes - done), offset + done);
        if (got === 0) throw new Error(`${path} has become shorter`);
        writer.write(buffer.subarray(0, got));
        done += got;
      }
    };
    return { offset, bytes, copy };
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds) closeSync(fd);
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
}
