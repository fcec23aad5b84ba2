// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { StreamSearch } from './stream-search.js';

it('finds a text however it is cut, once', () => {
  const text = 'a login: prompt, and another login: here';
  for (let size = 1; size <= text.length; size++) {
    const search = new StreamSearch(Buffer.from('login:'));
    const hits: number[] = [];
    for (let at = 0; at < text.length; at += size) {
      if (search.push(Buffer.from(text.slice(at, at + size)))) hits.push(at + size);
    }
    expect(hits).toHaveLength(1);
    expect(hits[0]).toBeGreaterThanOrEqual(8);
    expect(hits[0]! - size).toBeLessThan(8);
    expect(search.found).toBe(true);
  }
  const never = new StreamSearch(Buffer.from('nothing'));
  expect([never.push(Buffer.from('nothin')), never.push(Buffer.from('Nothing')), never.found]).toEqual([
    false,
    false,
    false,
  ]);
});
