// SPDX-License-Identifier: Apache-2.0
// A file of tagged sections, as snapshots and recordings are. Each section has its own version and checksum; what a reader does not know,
// does not find, or finds damaged is an input error of one line. All numbers are little-endian.
//
//   header   magic (8), format version u16, kind (4 ASCII letters), number of sections u32, CRC-32 of these u32;
//            the number is 2^32 - 1 in a file to which sections are appended as they come
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
/** The number of sections in a file that grows. */
const OPEN = 0xffff_ffff;
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

/** What a file is in messages, and what helps against a damaged one. */
export interface FileWords {
  readonly noun: string;
  readonly advice: string;
}

const SNAPSHOT: FileWords = { noun: 'snapshot', advice: 'take a new snapshot' };

/** Whether bytes begin as a file of sections does, of whatever kind and version. */
export function isSections(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && MAGIC.every((byte, i) => bytes[i] === byte);
}

/** The kind of a file of sections; `undefined` if it is none. */
export function sectionsKind(bytes: Uint8Array): string | undefined {
  return isSections(bytes) ? latin1(bytes.subarray(10, 14)) : undefined;
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
  const packed = await Promise.all(sections.map((section) => encodeSection(section, codec)));
  return [encodeHeader(kind, sections.length), ...packed.flat()];
}

/** The header of a file to which `encodeSection` gives what is appended: one section after the other, for as long as it takes. */
export function encodeOpenHeader(kind: string): Uint8Array {
  return encodeHeader(kind, OPEN);
}

function encodeHeader(kind: string, count: number): Uint8Array {
  const header = new StateWriter(HEADER_SIZE);
  header.raw(MAGIC);
  header.u16(FORMAT);
  header.raw(utf8(kind));
  header.u32(count);
  header.u32(crc32(header.take()));
  return header.take();
}

function checksum(bytes: Uint8Array, before: number, codec: SectionCodec | undefined): number {
  return codec?.crc32?.(bytes, before) ?? crc32(bytes, before);
}

/** The pieces of one section. */
export async function encodeSection({ tag, version, payload }: Section, codec?: SectionCodec): Promise<Uint8Array[]> {
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
  const { stored, cut } = readSections({ kind, bytes, name, codec, words: SNAPSHOT });
  if (cut !== undefined) throw cutShort(name, bytes.length, SNAPSHOT);
  return unpackSections(stored, name, codec, SNAPSHOT);
}

/**
 * As `decodeSections`, of a file to which sections were appended: those that are whole. `cut` is where the one begins that
 * is not, if there is one.
 */
export async function decodeOpenSections(
  kind: string,
  bytes: Uint8Array,
  name: string,
  codec: SectionCodec,
  words: FileWords,
): Promise<{ readonly sections: readonly Section[]; readonly cut: number | undefined }> {
  const { stored, cut } = readSections({ kind, bytes, name, codec, words });
  return { sections: await unpackSections(stored, name, codec, words), cut };
}

function unpackSections(
  stored: readonly StoredSection[],
  name: string,
  codec: SectionCodec,
  words: FileWords,
): Promise<Section[]> {
  const unpack = async (section: StoredSection): Promise<Section> => {
    if (!section.deflated) return section;
    try {
      const payload = await codec.inflate(section.payload, section.length);
      if (payload.length === section.length) return { ...section, payload };
    } catch {
      // Told below.
    }
    throw damaged(name, section.tag, section.at, words);
  };
  return Promise.all(stored.map(unpack));
}

/** A file that is read. */
interface Reading {
  readonly kind: string;
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly codec: SectionCodec;
  readonly words: FileWords;
}

/** The sections up to the end, or up to the one that the file ends in. */
function readSections(reading: Reading): { readonly stored: StoredSection[]; readonly cut: number | undefined } {
  const { kind, bytes, name, words } = reading;
  if (!isSections(bytes)) throw invalid('snapshot-format', `${name}: this is no ${words.noun}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_SIZE) throw cutShort(name, bytes.length, words);
  const format = view.getUint16(8, true);
  if (view.getUint32(18, true) !== crc32(bytes.subarray(0, 18))) {
    // Later formats may have another header, but they have the version there.
    if (format !== FORMAT) throw otherFormat(name, format, words);
    throw damaged(name, 'header', 0, words);
  }
  if (format !== FORMAT) throw otherFormat(name, format, words);
  const found = latin1(bytes.subarray(10, 14));
  if (found !== kind) throw invalid('snapshot-kind', `${name}: this holds "${found}", where "${kind}" is needed`);
  const count = view.getUint32(14, true);
  const sections: StoredSection[] = [];
  const tags = new Set<string>();
  let at = HEADER_SIZE;
  let total = 0;
  for (let n = 0; count === OPEN ? at < bytes.length : n < count; n++) {
    const section = readSection(reading, view, at);
    if (section === undefined) return { stored: sections, cut: at };
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
  return { stored: sections, cut: undefined };
}

/** The section that begins at `start`; `undefined` if the file ends in it. */
function readSection({ bytes, name, codec, words }: Reading, view: DataView, start: number): StoredSection | undefined {
  const tagLength = bytes[start] ?? 0;
  const head = start + 1 + tagLength;
  const at = head + 15;
  if (at > bytes.length) return undefined;
  const tag = latin1(bytes.subarray(start + 1, head));
  const flags = bytes[head + 2]!;
  const storedLength = view.getUint32(head + 3, true);
  const length = view.getUint32(head + 7, true);
  const payload = bytes.subarray(at, at + storedLength);
  const sum = checksum(payload, crc32(bytes.subarray(start, head + 11)), codec);
  if (sum !== view.getUint32(head + 11, true)) {
    // With a length that leads out of the file, the file may be short or the length be wrong: the first is likelier.
    if (at + storedLength > bytes.length) return undefined;
    throw damaged(name, tag, start, words);
  }
  const deflated = (flags & DEFLATED) !== 0;
  const consistent = payload.length === storedLength && (deflated || length === storedLength);
  if ((flags & ~DEFLATED) !== 0 || !consistent || length > MAX_SECTION) throw damaged(name, tag, start, words);
  return { tag, version: view.getUint16(head, true), payload, deflated, at, length };
}

/** The sections of one file while they are handed out: each once, and none may be left. */
export class Sections {
  readonly #name: string;
  readonly #words: FileWords;
  readonly #sections: Map<string, Section>;

  constructor(name: string, sections: readonly Section[], words: FileWords = SNAPSHOT) {
    this.#name = name;
    this.#words = words;
    this.#sections = new Map(sections.map((section) => [section.tag, section]));
  }

  has(tag: string): boolean {
    return this.#sections.has(tag);
  }

  /** The section's contents; it must be there, in this version. */
  take(tag: string, version: number): StateReader {
    const section = this.#sections.get(tag);
    if (section === undefined) {
      throw invalid('section-missing', `${this.#name}: section ${tag} is missing: ${this.#words.advice}`);
    }
    this.#sections.delete(tag);
    if (section.version !== version) {
      const versions = `has version ${section.version}, this plinth reads version ${version}`;
      throw invalid('section-version', `${this.#name}: section ${tag} ${versions}: ${this.#words.advice}`);
    }
    return this.#reader(section.payload, tag);
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
    return this.#reader(concatenate(pieces), tag);
  }

  #reader(payload: Uint8Array, tag: string): StateReader {
    return new StateReader(payload, `${this.#name}: section ${tag}`, this.#words.advice);
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

function damaged(name: string, tag: string, at: number, { advice }: FileWords): PlinthError {
  const message = `${name}: section ${printable(tag)} is damaged at byte ${at}; ${advice}`;
  return invalid('section-damaged', message);
}

function cutShort(name: string, length: number, { advice }: FileWords): PlinthError {
  return invalid('snapshot-cut', `${name}: ends at byte ${length}, before its last section does; ${advice}`);
}

function otherFormat(name: string, format: number, { noun, advice }: FileWords): PlinthError {
  const message = `${name}: has ${noun} format ${format}, this plinth reads format ${FORMAT}; ${advice}`;
  return invalid('snapshot-version', message);
}
