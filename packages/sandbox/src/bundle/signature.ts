// SPDX-License-Identifier: Apache-2.0
// What is signed of a program in one file (Ed25519, RFC 8032): the hashes, and the footer, which says where everything lies. The
// signature is the 32 bytes of the public key and 64 bytes behind them.

import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { PlinthError } from '@plinth/core';
import { type Footer, writeFooter } from './footer.js';

export function signedMessage(footer: Footer, hashes: string): Uint8Array {
  return Buffer.concat([Buffer.from('plinth bundle 1\n'), writeFooter(footer), Buffer.from(hashes)]);
}

export function signBundle(footer: Footer, hashes: string, key: KeyObject): Uint8Array {
  return Buffer.concat([rawKey(createPublicKey(key)), sign(null, signedMessage(footer, hashes), key)]);
}

/** The 32 bytes of a public key. */
export function rawKey(key: KeyObject): Uint8Array {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
}

/** A key in PEM. @throws PlinthError `bundle-key` (input) */
export function readSigningKey(pem: string, where: string): KeyObject {
  return readKey(() => createPrivateKey(pem), where, 'private');
}

/** @throws PlinthError `bundle-key` (input) */
export function readVerifyingKey(pem: string, where: string): KeyObject {
  return readKey(() => createPublicKey(pem), where, 'public');
}

function readKey(read: () => KeyObject, where: string, kind: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = read();
  } catch {
    key = undefined; // judged below, together with a key of another kind
  }
  if (key?.asymmetricKeyType === 'ed25519') return key;
  const how = 'openssl genpkey -algorithm ed25519 makes one';
  throw new PlinthError('input', 'bundle-key', `${where}: no ${kind} Ed25519 key in PEM: ${how}`);
}
