// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type FileContent, MemoryFile } from './random-access-file.js';

const SIZE = 200_000;

function contentOf(file: MemoryFile): Uint8Array {
  const bytes = new Uint8Array(file.size);
  file.read(0, bytes);
  return bytes;
}

it('a file in memory has again what it had when it was kept', () => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant('write'), at: fc.nat(SIZE), value: fc.nat(255), length: fc.nat(70_000) }),
    fc.record({ kind: fc.constant('truncate'), at: fc.nat(SIZE), value: fc.nat(), length: fc.nat() }),
    fc.record({ kind: fc.constantFrom('keep', 'go to'), at: fc.nat(), value: fc.nat(), length: fc.nat() }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
      const file = new MemoryFile('f');
      let expected = new Uint8Array();
      const kept: { content: FileContent; bytes: Uint8Array }[] = [];
      for (const { kind, at, value, length } of actions) {
        if (kind === 'write') {
          const grown = new Uint8Array(Math.max(expected.length, at + length));
          grown.set(expected);
          grown.fill(value, at, at + length);
          expected = grown;
          file.write(at, new Uint8Array(length).fill(value));
        } else if (kind === 'truncate') {
          const cut = new Uint8Array(at);
          cut.set(expected.subarray(0, at));
          expected = cut;
          file.truncate(at);
        } else if (kind === 'keep') kept.push({ content: file.keep(), bytes: expected.slice() });
        else if (kept.length > 0) {
          const { content, bytes } = kept[at % kept.length]!;
          file.goTo(content);
          expected = bytes.slice();
        }
        expect(Buffer.compare(contentOf(file), expected)).toBe(0);
      }
    }),
    { numRuns: 100 },
  );
});
