// SPDX-License-Identifier: Apache-2.0
// The index of ranges against a plain list.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RangeIndex } from './range-index.js';

/** `first` and length of a range to add, or the number of one to end. */
const step = fc.oneof(
  fc.record({ first: fc.nat(200), length: fc.integer({ min: 1, max: 60 }) }),
  fc.record({ end: fc.nat(30) }),
);

it('finds what a list finds, in the order of coming, whatever comes and goes', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.array(fc.tuple(fc.nat(260), fc.nat(8))), (steps, looks) => {
      const index = new RangeIndex<number>();
      const list: { id: number; first: number; last: number; end: () => boolean }[] = [];
      let id = 0;
      for (const one of steps) {
        if ('end' in one) {
          const [gone] = list.splice(one.end, 1);
          if (gone !== undefined) expect([gone.end(), gone.end()]).toEqual([true, false]);
        } else {
          const last = one.first + one.length - 1;
          list.push({ id, first: one.first, last, end: index.add(one.first, last, id) });
          id++;
        }
        for (const [first, more] of looks) {
          const expected = list.filter((range) => range.first <= first + more && range.last >= first);
          expect(index.touching(first, first + more).map(({ item }) => item)).toEqual(
            expected.map((range) => range.id),
          );
        }
      }
      expect(index.size).toBe(list.length);
    }),
  );
});

it('says of what was found whether it has ended since', () => {
  const index = new RangeIndex<string>();
  const end = index.add(0, 9, 'one');
  index.add(5, 6, 'two');
  const found = index.touching(5, 5);
  end();
  index.add(5, 5, 'three');
  expect(found.map(({ item, stands }) => [item, stands])).toEqual([
    ['one', false],
    ['two', true],
  ]);
});
