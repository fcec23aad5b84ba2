// SPDX-License-Identifier: Apache-2.0
// Virtual memory as one set of translation tables shows it, read without effect on the guest: permissions, domains and
// access flags are not asked. Where no RAM is mapped the value is undefined.

import { ACCESS_KIND, type TranslationRegime, Walker } from '@plinth/arm';
import { latin1 } from '@plinth/core';
import type { GuestView } from './guest-view.js';

const PAGE = 4096;
/** TTBCR.N = 0: one table of 16 KiB for all addresses. */
const TABLE_MASK = ~0x3fff;

export class AddressSpace {
  readonly #view: GuestView;
  readonly #data: DataView;
  readonly #walker: Walker;
  readonly #regime: TranslationRegime;

  /** `table` is the guest-physical address of a first-level table for all of the address space. */
  constructor(view: GuestView, table: number) {
    this.#view = view;
    this.#data = new DataView(view.ram.buffer, view.ram.byteOffset, view.ram.byteLength);
    this.#walker = new Walker((address) => this.#physicalWord(address >>> 0));
    this.#regime = {
      enabled: true,
      ttbr0: table & TABLE_MASK,
      ttbr1: 0,
      ttbcr: 0,
      // All domains are of a manager: no permission is looked at.
      dacr: -1,
      accessFlagEnable: false,
    };
  }

  #physicalWord(address: number): number | undefined {
    const offset = address - this.#view.ramBase;
    return offset >= 0 && offset + 4 <= this.#data.byteLength ? this.#data.getInt32(offset, true) : undefined;
  }

  /** Guest-physical address; undefined where nothing is mapped. */
  physical(address: number): number | undefined {
    const translation = this.#walker.walk(this.#regime, address | 0, ACCESS_KIND.read, true);
    return translation.fault === 0 ? translation.physical >>> 0 : undefined;
  }

  u32(address: number): number | undefined {
    if ((address & 3) !== 0) {
      const bytes = this.bytes(address, 4);
      return bytes === undefined ? undefined : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    }
    const physical = this.physical(address >>> 0);
    const word = physical === undefined ? undefined : this.#physicalWord(physical);
    return word === undefined ? undefined : word >>> 0;
  }

  /** A copy; undefined if any of it is not there. */
  bytes(address: number, length: number): Uint8Array | undefined {
    const result = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const at = (address + done) >>> 0;
      const size = Math.min(length - done, PAGE - (at & (PAGE - 1)));
      const physical = this.physical(at);
      const offset = physical === undefined ? -1 : physical - this.#view.ramBase;
      if (offset < 0 || offset + size > this.#view.ram.length) return undefined;
      result.set(this.#view.ram.subarray(offset, offset + size), done);
      done += size;
    }
    return result;
  }

  /** Text up to a zero, byte by byte, at most `limit` of them; as far as it is there. */
  text(address: number, limit: number): string | undefined {
    let text = '';
    while (text.length < limit) {
      const at = (address + text.length) >>> 0;
      const piece = this.bytes(at, Math.min(limit - text.length, PAGE - (at & (PAGE - 1))));
      if (piece === undefined) return text === '' ? undefined : text;
      const end = piece.indexOf(0);
      text += latin1(end < 0 ? piece : piece.subarray(0, end));
      if (end >= 0) break;
    }
    return text;
  }
}
