// SPDX-License-Identifier: Apache-2.0
// What checks of suricata-verify ask of an event.
import { describe, expect, it } from 'vitest';
import { keysOf, matchesEvent } from './match-event.js';

const EVENT = { event_type: 'alert', alert: { signature_id: 7, tags: ['a', 'b'] }, port: 80, text: 'abc' };

describe('a check', () => {
  it.each<[Record<string, unknown>, boolean]>([
    [{ event_type: 'alert', 'alert.signature_id': 7 }, true],
    [{ 'alert.signature_id': '7' }, true],
    [{ alert: { signature_id: 7 } }, true],
    [{ alert: { signature_id: 8 } }, false],
    [{ 'alert.tags[1]': 'b' }, true],
    [{ 'alert.tags[2]': 'b' }, false],
    [{ 'alert.tags.__len': 2 }, true],
    [{ 'text.__contains': 'b', 'text.__startswith': 'a', 'text.__endswith': 'c' }, true],
    [{ 'has-key': 'alert.tags' }, true],
    [{ 'has-key': 'dns' }, false],
    [{ 'not-has-key': 'dns' }, true],
    [{ dns: null }, true],
    [{ port: null }, false],
    [{}, true],
  ])('%j', (match, expected) => {
    expect(matchesEvent(EVENT, match)).toBe(expected);
  });

  it('asks for keys, also in objects', () => {
    expect(keysOf({ a: 1, b: { c: 2 }, 'd.__len': 3, 'has-key': 'e' })).toEqual(['a', 'b.c', 'd', 'e']);
  });
});
