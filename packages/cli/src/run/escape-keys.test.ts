// SPDX-License-Identifier: Apache-2.0
// What is typed at a raw terminal, whole and byte by byte.

import { expect, it } from 'vitest';
import { EscapeKeys } from './escape-keys.js';

function type(chunks: readonly string[]): { forward: string; commands: string[] } {
  const keys = new EscapeKeys();
  let forward = '';
  const commands: string[] = [];
  for (const chunk of chunks) {
    const result = keys.push(Buffer.from(chunk, 'latin1'));
    forward += Buffer.from(result.forward).toString('latin1');
    commands.push(...result.commands);
  }
  return { forward, commands };
}

it.each([
  ['ls\r', { forward: 'ls\r', commands: [] }],
  ['\x03\x1b[A\x7f', { forward: '\x03\x1b[A\x7f', commands: [] }],
  ['\x01x', { forward: '', commands: ['leave'] }],
  ['a\x01Xb', { forward: 'ab', commands: ['leave'] }],
  ['\x01p', { forward: '', commands: ['processes'] }],
  ['\x01h\x01?', { forward: '', commands: ['help', 'help'] }],
  ['\x01\x01x', { forward: '\x01x', commands: [] }],
  ['\x01qx', { forward: 'x', commands: [] }],
])('%j', (typed, expected) => {
  expect(type([typed])).toEqual(expected);
  expect(type([...typed])).toEqual(expected);
});
