// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { PlinthError } from '@plinth/core';
import { parseShareSpecs } from '@plinth/machine';
import type { ShareSpec } from '@plinth/machine';
import { parseShare } from './share-option.js';
import type { ShareOption } from './share-option.js';

function parse(...options: readonly (readonly [ShareOption, string])[]): ShareSpec[] {
  return parseShareSpecs(options.map(([option, text]) => parseShare(text, option)));
}

function complaint(option: ShareOption, text: string): string {
  try {
    parse([option, text]);
  } catch (error) {
    if (error instanceof PlinthError && error.kind === 'input') return error.message;
    throw error;
  }
  return 'none';
}

describe('--share', () => {
  it.each<[ShareOption, string, ShareSpec]>([
    ['share', '/srv', { path: '/srv', tag: 'share0', readonly: false }],
    ['share', '/srv,tag=data,readonly', { path: '/srv', tag: 'data', readonly: true }],
    ['share', 'path=a,,b,mount_tag=t,readonly=off', { path: 'a,b', tag: 't', readonly: false }],
    ['virtfs', 'local,path=/srv,mount_tag=t,security_model=none,id=fs0', { path: '/srv', tag: 't', readonly: false }],
    ['virtfs', 'local,path=/srv,mount_tag=t,readonly=on', { path: '/srv', tag: 't', readonly: true }],
  ])('takes %s %s', (option, text, share) => {
    expect(parse([option, text])).toEqual([share]);
  });

  it('gives each its tag, and takes names relative to a guest file', () => {
    expect(parse(['share', 'a'], ['share', 'b']).map(({ tag }) => tag)).toEqual(['share0', 'share1']);
    expect(parseShare('a', 'share', '/guests')).toEqual({ path: '/guests/a' });
    expect(() => parse(['share', 'a,tag=x'], ['share', 'b,tag=x'])).toThrow('share: two folders have the tag "x"');
  });

  it.each<[ShareOption, string, string]>([
    ['share', '', 'share: a directory is needed'],
    ['share', 'tag=x', 'share: a directory is needed'],
    ['share', 'a,tag=', 'share: tag: up to 31 bytes without blanks and commas are needed'],
    ['share', `a,tag=${'x'.repeat(32)}`, 'share: tag: up to 31 bytes without blanks and commas are needed'],
    ['share', 'a,readonly=yes', 'share: a,readonly=yes: readonly: on or off is needed'],
    ['share', 'a,colour=red', 'share: there is no option "colour"'],
    ['share', 'a,b', 'share: a,b: "b" is no option'],
    ['share', 'a,path=b', 'share: a,path=b: path is given twice'],
    [
      'virtfs',
      'local,path=a,mount_tag=t,security_model=mapped',
      'virtfs: local,path=a,mount_tag=t,security_model=mapped: security_model=mapped cannot be had here',
    ],
    ['virtfs', 'proxy,path=a', 'virtfs: proxy,path=a: only local can be had here'],
    ['virtfs', 'local,path=a', 'virtfs: local,path=a: mount_tag is needed'],
    ['share', 'a\n,x=1', 'share: there is no option "x"'],
  ])('refuses %s %j in one line', (option, text, line) => {
    expect(complaint(option, text)).toBe(line);
  });
});
