// SPDX-License-Identifier: Apache-2.0
// RAM at several times, and the hash that is kept with it, beside plain copies.

import { Machine } from '@plinth/machine';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KeptBytes, RamVersion } from './kept-bytes.js';
import { RamHash } from './ram-hash.js';

const { memory } = new Machine({ ramSize: 0x20_0000, engine: 'interpreter' });
const PAGES = memory.ramSize / 4096;

/** A page and what is written to it: nothing, zero or something. */
const write = fc.tuple(fc.nat(PAGES - 1), fc.constantFrom(undefined, 0, 7, 8));

it('shares what is the same, has every page as it was, and counts what it takes', () => {
  fc.assert(
    fc.property(fc.array(fc.array(write, { maxLength: 8 }), { maxLength: 8 }), (times) => {
      memory.ram.fill(0);
      const size = new KeptBytes();
      const hash = new RamHash(memory);
      let version = RamVersion.zero(memory);
      const all: { version: RamVersion; copy: Uint8Array; hash: string }[] = [];
      for (const writes of times) {
        for (const [page, value] of writes)
          if (value !== undefined) memory.ram.fill(value, page * 4096, page * 4096 + 9);
        const pages = writes.map(([page]) => page);
        version = version.next(memory, pages);
        hash.note(pages);
        size.add(version, []);
        const fresh = new RamHash(memory);
        fresh.note(Array.from({ length: PAGES }, (_, page) => page));
        all.push({ version, copy: memory.ram.slice(), hash: hash.value() });
        expect(hash.value()).toBe(fresh.value());
      }
      const distinct = new Set<Uint8Array>();
      for (const { version: one, copy, hash: own } of all) {
        for (let page = 0; page < PAGES; page++) {
          const kept = one.page(page);
          if (kept !== undefined) distinct.add(kept);
          const was = copy.subarray(page * 4096, (page + 1) * 4096);
          expect(Buffer.compare(kept ?? new Uint8Array(4096), was)).toBe(0);
        }
        for (const other of all) {
          const differ = Array.from({ length: PAGES }, (_, page) => page).filter(
            (page) => one.page(page) !== other.version.page(page),
          );
          expect([...one.differences(other.version)]).toEqual(differ);
          if (Buffer.compare(copy, other.copy) !== 0) expect(own).not.toBe(other.hash);
        }
      }
      expect(size.bytes).toBe(distinct.size * 4096);
      for (const one of all) size.remove(one.version, []);
      expect(size.bytes).toBe(0);
    }),
    { numRuns: 30 },
  );
});
