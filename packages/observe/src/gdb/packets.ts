// SPDX-License-Identifier: Apache-2.0
// Pieces of packets: numbers, bytes in hexadecimal, thread identifiers (GDB manual, "Packets" and "Remote Protocol:
// Overview"). All of them come from outside: what cannot be read is undefined.

import { fromHex } from '@plinth/core';

/** Error numbers of `E NN`: a bad address, an argument that makes no sense. */
export const ERROR = { fault: 'E14', invalid: 'E22' } as const;

/** Up to eight hexadecimal digits. */
export function parseHex(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9a-fA-F]{1,8}$/.test(text) ? Number.parseInt(text, 16) : undefined;
}

/** `ADDRESS,LENGTH`. */
export function parseRange(text: string): { address: number; length: number } | undefined {
  const [first, second, ...more] = text.split(',');
  const address = parseHex(first);
  const length = parseHex(second);
  return address === undefined || length === undefined || more.length > 0 ? undefined : { address, length };
}

/** Pairs of digits. */
export function parseHexBytes(text: string): Uint8Array | undefined {
  return text.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(text) ? fromHex(text) : undefined;
}

/** A thread; `all` is -1, `any` is 0. `pPROCESS.THREAD` is taken too, whatever process it names. */
export function parseThread(text: string): number | 'all' | 'any' | undefined {
  const id = /^p[0-9a-fA-F]+\.(.+)$/.exec(text)?.[1] ?? text;
  if (id === '-1') return 'all';
  const number = parseHex(id);
  return number === 0 ? 'any' : number;
}

/** The part of a document that `qXfer:…:read` asks for. */
export function documentPart(document: Uint8Array, offset: number, length: number): Uint8Array {
  const part = document.subarray(offset, offset + length);
  const more = offset + length < document.length;
  const out = new Uint8Array(part.length + 1);
  out[0] = (more ? 'm' : 'l').charCodeAt(0);
  out.set(part, 1);
  return out;
}

/** Text in an attribute or an element of XML. */
export function xmlText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
