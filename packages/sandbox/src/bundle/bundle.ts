// SPDX-License-Identifier: Apache-2.0
// A program in one file as it lies on disk, read by random access: what it has where, and whether it is what was made.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createHash, createPublicKey, type KeyObject, verify as verifySignature } from 'node:crypto';
import { PlinthError } from '@plinth/core';
import { FOOTER_BYTES, type Footer, readFooter } from './footer.js';
import { type HashList, parseHashes } from './hashes.js';
import { BLOCK, type Section } from './launcher.js';
import { type BundleManifest, parseManifest } from './manifest.js';
import { signedMessage } from './signature.js';

/** More than any manifest has, so that a damaged file does not fill the memory. */
const MOST_MANIFEST = 16 << 20;
const MOST_HASHES = 64 << 20;

/** Bytes that can be read anywhere; fewer than asked for where they end. */
export interface ByteSource {
  readonly size: number;
  read(offset: number, length: number): Uint8Array;
}

export interface Bundle {
  readonly manifest: BundleManifest;
  readonly footer: Footer;
  /** The images of its layers in the file, from the oldest to the newest. */
  readonly layers: readonly Section[];
}

/** @throws PlinthError `bundle` or `bundle-manifest` (input). `where` names the file in it. */
export function readBundle(source: ByteSource, where: string): Bundle {
  const wrong = (why: string): PlinthError =>
    new PlinthError('input', 'bundle', `${where}: no program in one file: ${why}`);
  const footer = readFooter(source.read(Math.max(0, source.size - FOOTER_BYTES), FOOTER_BYTES), source.size);
  if (typeof footer === 'string') throw wrong(footer);
  if (footer.manifest.bytes > MOST_MANIFEST) throw wrong('its manifest is too large');
  const manifest = parseManifest(readText(source, footer.manifest), where);
  let end = 0;
  for (const { offset, bytes } of manifest.layers) {
    if (offset < end || offset % BLOCK !== 0 || offset + bytes > footer.layers.bytes)
      throw wrong('its layers lie where they cannot be');
    end = offset + bytes;
  }
  const layers = manifest.layers.map(({ offset, bytes }) => ({ offset: footer.layers.offset + offset, bytes }));
  return { manifest, footer, layers };
}

function readText(source: ByteSource, { offset, bytes }: Section): string {
  return Buffer.from(source.read(offset, bytes)).toString('utf8');
}

export interface Verified {
  readonly bytes: number;
  readonly blocks: number;
  /** The key that it was signed with, whoever has it. */
  readonly signer: KeyObject | undefined;
}

/**
 * Compares all bytes with the hashes, and the hashes with the signature.
 * @throws PlinthError `bundle-damaged` or `bundle-signature` (input)
 */
export function verifyBundle(source: ByteSource, { footer }: Bundle, where: string): Verified {
  const damaged = (why: string): PlinthError => new PlinthError('input', 'bundle-damaged', `${where}: damaged: ${why}`);
  if (footer.hashes.bytes > MOST_HASHES) throw damaged('its list of hashes is too long');
  const text = readText(source, footer.hashes);
  const list = parseHashes(text, footer.hashes.offset);
  if (typeof list === 'string') throw damaged(list);
  compareBlocks(source, list, footer.hashes.offset, (at) => damaged(`at byte ${at}`));
  const signer = footer.signature.bytes === 0 ? undefined : verifySigner(source, footer, text, where);
  return { bytes: footer.hashes.offset, blocks: list.hashes.length, signer };
}

function compareBlocks(
  source: ByteSource,
  { blockBytes, hashes }: HashList,
  all: number,
  damaged: (at: number) => Error,
): void {
  for (const [n, hash] of hashes.entries()) {
    const bytes = source.read(n * blockBytes, Math.min(blockBytes, all - n * blockBytes));
    if (createHash('sha256').update(bytes).digest('hex') !== hash) throw damaged(n * blockBytes);
  }
}

function verifySigner(source: ByteSource, footer: Footer, hashes: string, where: string): KeyObject {
  const bytes = Buffer.from(source.read(footer.signature.offset, footer.signature.bytes));
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: bytes.subarray(0, 32).toString('base64url') },
    format: 'jwk',
  });
  if (!verifySignature(null, signedMessage(footer, hashes), key, bytes.subarray(32)))
    throw new PlinthError('input', 'bundle-signature', `${where}: its signature is not of this file`);
  return key;
}

/** A file of the host. */
export class FileSource implements ByteSource, Disposable {
  readonly size: number;
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, 'r');
    this.size = fstatSync(this.#fd).size;
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, this.size - offset)));
    let have = 0;
    while (have < bytes.length) {
      const got = readSync(this.#fd, bytes, have, bytes.length - have, offset + have);
      if (got === 0) break;
      have += got;
    }
    return bytes.subarray(0, have);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
