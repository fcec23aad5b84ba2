// SPDX-License-Identifier: Apache-2.0
// A file of tagged sections, as snapshots are. Each section has its own version and checksum; what a reader does not know,
// does not find, or finds damaged is an input error of one line. All numbers are little-endian.
//
//   header   magic (8), format version u16, kind (4 ASCII letters), number of sections u32, CRC-32 of these u32
//   section  tag length u8, tag, version u16, flags u8, stored length u32, unpacked length u32, CRC-32 u32, stored bytes
//
// A section's checksum covers its head and its stored bytes. Compression is the caller's (SectionCodec), since the
// fast ones are the host's.

import { concatenate } from './bytes.js';
import { crc32 } from './crc32.js';
import { PlinthError } from './errors.js';
import { StateReader, StateWriter } from './state.js';
import { latin1, utf8 } from './text.js';

export interface Section {
  /** Unique in its file; ASCII, 255 characters at most. */
  readonly tag: string;
  readonly version: number;
  readonly payload: Uint8Array;
}

/** Raw deflate (RFC 1951), by whatever the host has for it. */
export interface SectionCodec {
  deflate(bytes: Uint8Array): Promise<Uint8Array>;
  /** Rejects when the bytes are damaged, or unpack to another length than `length`. */
  inflate(bytes: Uint8Array, length: number): Promise<Uint8Array>;
  /** As ours, if the host has a faster one. */
  crc32?(bytes: Uint8Array, before: number): number;
}

/** As PNG's: a byte that is no text, and line ends that a careless transfer would change. */
const MAGIC = Uint8Array.of(0x89, 0x50, 0x4c, 0x53, 0x0d, 0x0a, 0x1a, 0x0a);
const FORMAT = 1;
const HEADER_SIZE = 22;
const DEFLATED = 1;
/** Smaller ones are stored as they are. */
const MIN_DEFLATE = 512;
/** Sections are packed and unpacked one by one: larger parts are to be split. */
const MAX_SECTION = 64 * 1024 * 1024;
/** Of sections that are split. */
const PIECE = 4 * 1024 * 1024;
/** What a file may unpack to, whatever it says: the largest RAM and then some. */
const MAX_TOTAL = 3.5 * 1024 ** 3;

/** Whether bytes begin as a file of sections does, of whatever kind and version. */
export function isSections(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && MAGIC.every((byte, i) => bytes[i] === byte);
}

/** A section of any size as sections of at most PIECE bytes, which `Sections.takeSplit` puts together. */
export function splitSection({ tag, version, payload }: Section): Section[] {
  const pieces: Section[] = [];
  for (let at = 0; at === 0 || at < payload.length; at += PIECE) {
    pieces.push({ tag: pieceTag(tag, pieces.length), version, payload: payload.subarray(at, at + PIECE) });
  }
  return pieces;
}

function pieceTag(tag: string, n: number): string {
  return n === 0 ? tag : `${tag}+${n}`;
}

/** The pieces of the file, in order. */
export async function encodeSections(
  kind: string,
  sections: readonly Section[],
  codec?: SectionCodec,
): Promise<Uint8Array[]> {
  const header = new StateWriter(HEADER_SIZE);
  header.raw(MAGIC);
  header.u16(FORMAT);
  header.raw(utf8(kind));
  header.u32(sections.length);
  header.u32(crc32(header.take()));
  const packed = await Promise.all(sections.map((section) => encodeSection(section, codec)));
  return [header.take(), ...packed.flat()];
}

function checksum(bytes: Uint8Array, before: number, codec: SectionCodec | undefined): number {
  return codec?.crc32?.(bytes, before) ?? crc32(bytes, before);
}

async function encodeSection({ tag, version, payload }: Section, codec?: SectionCodec): Promise<Uint8Array[]> {
  const deflated = codec !== undefined && payload.length >= MIN_DEFLATE ? await codec.deflate(payload) : payload;
  const smaller = deflated.length < payload.length;
  const stored = smaller ? deflated : payload;
  const head = new StateWriter(tag.length + 20);
  head.u8(tag.length);
  head.raw(utf8(tag));
  head.u16(version);
  head.u8(smaller ? DEFLATED : 0);
  head.u32(stored.length);
  head.u32(payload.length);
  head.u32(checksum(stored, crc32(head.take()), codec));
  return [head.take(), stored];
}

/** A section as it stands in the file, not unpacked yet. */
interface StoredSection extends Section {
  readonly deflated: boolean;
  /** Where its stored bytes begin in the file. */
  readonly at: number;
  readonly length: number;
}

/** Reads a whole file of the kind; `name` names it in messages. All checksums are right then. */
export async function decodeSections(
  kind: string,
  bytes: Uint8Array,
  name: string,
  codec: SectionCodec,
): Promise<Section[]> {
  const stored = readSections(kind, bytes, name, codec);
  const unpack = async (section: StoredSection): Promise<Section> => {
    if (!section.deflated) return section;
    try {
      const payload = await codec.inflate(section.payload, section.length);
      if (payload.length === section.length) return { ...section, payload };
    } catch {
      // Told below.
    }
    throw damaged(name, section.tag, section.at);
  };
  return Promise.all(stored.map(unpack));
}

function readSections(kind: string, bytes: Uint8Array, name: string, codec: SectionCodec): StoredSection[] {
  if (!isSections(bytes)) throw invalid('snapshot-format', `${name}: this is no snapshot`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_SIZE) throw cutShort(name, bytes.length);
  const format = view.getUint16(8, true);
  if (view.getUint32(18, true) !== crc32(bytes.subarray(0, 18))) {
    // Later formats may have another header, but they have the version there.
    if (format !== FORMAT) throw otherFormat(name, format);
    throw damaged(name, 'header', 0);
  }
  if (format !== FORMAT) throw otherFormat(name, format);
  const found = latin1(bytes.subarray(10, 14));
  if (found !== kind) throw invalid('snapshot-kind', `${name}: this holds "${found}", where "${kind}" is needed`);
  const count = view.getUint32(14, true);
  const sections: StoredSection[] = [];
  const tags = new Set<string>();
  let at = HEADER_SIZE;
  let total = 0;
  for (let n = 0; n < count; n++) {
    const section = readSection(bytes, view, at, name, codec);
    if (tags.has(section.tag)) throw invalid('section-twice', `${name}: section ${section.tag} is there twice`);
    tags.add(section.tag);
    sections.push(section);
    total += section.length;
    if (total > MAX_TOTAL) throw invalid('snapshot-large', `${name}: this unpacks to more than any machine has`);
    at = section.at + section.payload.length;
  }
  if (at !== bytes.length) {
    throw invalid('snapshot-trailing', `${name}: ${bytes.length - at} bytes follow the last section, at byte ${at}`);
  }
  return sections;
}

function readSection(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  name: string,
  codec: SectionCodec,
): StoredSection {
  const tagLength = bytes[start] ?? 0;
  const head = start + 1 + tagLength;
  const at = head + 15;
  if (at > bytes.length) throw cutShort(name, bytes.length);
  const tag = latin1(bytes.subarray(start + 1, head));
  const flags = bytes[head + 2]!;
  const storedLength = view.getUint32(head + 3, true);
  const length = view.getUint32(head + 7, true);
  const payload = bytes.subarray(at, at + storedLength);
  const sum = checksum(payload, crc32(bytes.subarray(start, head + 11)), codec);
  if (sum !== view.getUint32(head + 11, true)) {
    // With a length that leads out of the file, the file may be short or the length be wrong: the first is likelier.
    if (at + storedLength > bytes.length) throw cutShort(name, bytes.length);
    throw damaged(name, tag, start);
  }
  const deflated = (flags & DEFLATED) !== 0;
  const consistent = payload.length === storedLength && (deflated || length === storedLength);
  if ((flags & ~DEFLATED) !== 0 || !consistent || length > MAX_SECTION) throw damaged(name, tag, start);
  return { tag, version: view.getUint16(head, true), payload, deflated, at, length };
}

/** The sections of one file while they are handed out: each once, and none may be left. */
export class Sections {
  readonly #name: string;
  readonly #sections: Map<string, Section>;

  constructor(name: string, sections: readonly Section[]) {
    this.#name = name;
    this.#sections = new Map(sections.map((section) => [section.tag, section]));
  }

  has(tag: string): boolean {
    return this.#sections.has(tag);
  }

  /** The section's contents; it must be there, in this version. */
  take(tag: string, version: number): StateReader {
    const section = this.#sections.get(tag);
    if (section === undefined) {
      throw invalid('section-missing', `${this.#name}: section ${tag} is missing: take a new snapshot`);
    }
    this.#sections.delete(tag);
    if (section.version !== version) {
      const versions = `has version ${section.version}, this plinth reads version ${version}`;
      throw invalid('section-version', `${this.#name}: section ${tag} ${versions}: take a new snapshot`);
    }
    return new StateReader(section.payload, `${this.#name}: section ${tag}`);
  }

  /** As `take`, of what `splitSection` has made. */
  takeSplit(tag: string, version: number): StateReader {
    const first = this.take(tag, version);
    if (!this.has(pieceTag(tag, 1))) return first;
    const pieces = [first.raw(first.remaining)];
    for (let n = 1; this.has(pieceTag(tag, n)); n++) {
      const next = this.take(pieceTag(tag, n), version);
      pieces.push(next.raw(next.remaining));
    }
    return new StateReader(concatenate(pieces), `${this.#name}: section ${tag}`);
  }

  /** All must have been taken. */
  end(): void {
    for (const tag of this.#sections.keys()) {
      const why = 'it was saved by another version of plinth, or by a machine with other devices';
      throw invalid('section-unknown', `${this.#name}: section ${printable(tag)} is unknown here: ${why}`);
    }
  }
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 64);
}

function invalid(code: string, message: string): PlinthError {
  return new PlinthError('input', code, message);
}

function damaged(name: string, tag: string, at: number): PlinthError {
  const message = `${name}: section ${printable(tag)} is damaged at byte ${at}; take a new snapshot`;
  return invalid('section-damaged', message);
}

function cutShort(name: string, length: number): PlinthError {
  return invalid('snapshot-cut', `${name}: ends at byte ${length}, before its last section does; take a new snapshot`);
}

function otherFormat(name: string, format: number): PlinthError {
  const message = `${name}: has snapshot format ${format}, this plinth reads format ${FORMAT}; take a new snapshot`;
  return invalid('snapshot-version', message);
}
