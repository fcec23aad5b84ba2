// SPDX-License-Identifier: Apache-2.0
// Conditions on one buffer: contents after each other, expressions, sizes, and what a buffer that goes on leaves open.
import { describe, expect, it } from 'vitest';
import { parseRules } from '../parse-rules.js';
import { bytesOf, type Outcome } from './buffer-view.js';
import { compileRule } from './compiled-rule.js';
import { inspectBuffer } from './inspect-buffer.js';

function outcome(options: string, text: string, complete = true): Outcome {
  const { rules, errors } = parseRules(`alert tcp any any -> any any (${options} sid:1;)`, 'test.rules');
  if (errors[0] !== undefined) throw errors[0];
  const compiled = compileRule(rules[0]!);
  if (typeof compiled === 'string') throw new Error(compiled);
  return inspectBuffer(compiled.payload, { bytes: bytesOf(text), complete });
}

describe('conditions on a buffer', () => {
  it.each<[string, string, Outcome]>([
    ['content:"ab";', 'xabx', 'match'],
    ['content:"AB"; nocase;', 'xabx', 'match'],
    ['content:"ab"; offset:2;', 'xabx', 'none'],
    ['content:"ab"; offset:1; depth:2;', 'xabx', 'match'],
    ['content:"ab"; depth:2;', 'xabx', 'none'],
    ['content:"ab"; startswith;', 'abx', 'match'],
    ['content:"ab"; startswith;', 'xab', 'none'],
    ['content:"ab"; endswith;', 'abxab', 'match'],
    ['content:"ab"; endswith;', 'abx', 'none'],
    ['content:!"ab";', 'xx', 'match'],
    ['content:!"ab";', 'xab', 'none'],
    ['content:"ab"; content:"cd"; distance:0;', 'ab-cd', 'match'],
    ['content:"ab"; content:"cd"; distance:0;', 'cd-ab', 'none'],
    ['content:"ab"; content:"cd"; distance:2;', 'ab-cd', 'none'],
    ['content:"ab"; content:"cd"; within:3;', 'ab-cd', 'match'],
    ['content:"ab"; content:"cd"; within:2;', 'ab-cd', 'none'],
    ['content:"ab"; content:"cd"; distance:1; within:2;', 'ab-cd', 'match'],
    ['content:"cd"; content:"ab"; distance:-4; within:2;', 'ab-cd', 'none'],
    ['content:"cd"; content:"ab"; distance:-5; within:2;', 'ab-cd', 'match'],
    // A match further on is tried, too.
    ['content:"ab"; content:"cd"; within:2;', 'ab--abcd', 'match'],
    ['content:"a"; content:"b"; distance:0; content:"c"; within:1;', 'a-b-b-bc', 'match'],
    // What is not relative does not depend on where the one before was.
    ['content:"cd"; content:"ab";', 'ab-cd', 'match'],
    ['content:"ab"; content:!"cd"; within:2;', 'ab-cd', 'match'],
    ['content:"ab"; content:!"cd"; within:3;', 'ab-cd', 'none'],
    ['content:"ab"; isdataat:3,relative;', 'ab-cd', 'match'],
    ['content:"ab"; isdataat:4,relative;', 'ab-cd', 'none'],
    ['content:"ab"; isdataat:!1,relative;', 'ab', 'match'],
    ['isdataat:4;', 'ab-cd', 'match'],
    ['isdataat:5;', 'ab-cd', 'none'],
    ['bsize:5; content:"ab";', 'ab-cd', 'match'],
    ['bsize:>5; content:"ab";', 'ab-cd', 'none'],
    ['bsize:4<>6; content:"ab";', 'ab-cd', 'match'],
    ['pcre:"/a.-c/";', 'ab-cd', 'match'],
    ['pcre:"/^cd/";', 'ab-cd', 'none'],
    ['pcre:!"/x/"; content:"ab";', 'ab-cd', 'match'],
    ['content:"ab"; pcre:"/^-cd/R";', 'ab-cd', 'match'],
    ['content:"ab"; pcre:"/^cd/R";', 'ab-cd', 'none'],
    ['pcre:"/super/"; content:"nova"; within:7;', 'super--nova', 'match'],
    ['pcre:"/super/"; content:"nova"; within:5;', 'super--nova', 'none'],
    ['pcre:"/s/"; content:"nova"; within:4;', 's-snova', 'match'],
    ['byte_test:1,>,64,1;', 'xA', 'match'],
    ['byte_test:1,>,65,1;', 'xA', 'none'],
    ['byte_test:1,!>,65,1;', 'xA', 'match'],
    ['byte_test:2,=,0x4142,0;', 'AB', 'match'],
    ['byte_test:2,=,0x4241,0,little;', 'AB', 'match'],
    ['byte_test:4,>,1,0;', 'AB', 'none'],
    ['content:"n="; byte_test:4,>=,120,0,relative,string,dec;', 'n=120;', 'match'],
    ['content:"n="; byte_test:4,>=,121,0,relative,string,dec;', 'n=120;', 'none'],
    ['content:"n="; byte_test:2,&,0x10,0,relative,string,hex;', 'n=1f', 'match'],
    ['content:"n="; byte_test:2,=,5,0,relative,string,dec;', 'n=xx', 'none'],
    ['byte_jump:1,0; content:"ab"; distance:0; within:2;', '\u0002--ab', 'match'],
    ['byte_jump:1,0; content:"ab"; distance:0; within:2;', '\u0001--ab', 'none'],
    ['byte_jump:1,0,from_beginning; content:"ab"; distance:0; within:2;', '\u0003--ab', 'match'],
    ['byte_jump:1,0,multiplier 2,post_offset -1; content:"ab"; distance:0; within:2;', '\u0002---ab', 'match'],
    ['byte_jump:1,0,align; content:"ab"; distance:0; within:2;', '\u0003----ab', 'match'],
    ['byte_jump:1,0; content:"ab"; distance:0;', '\u00ff--ab', 'none'],
    // Behind the digits that were read, not behind the place for them.
    ['byte_jump:4,0,string,dec; content:"ab"; distance:0; within:2;', '1xxab', 'none'],
    ['byte_jump:4,0,string,dec; content:"ab"; distance:0; within:2;', '2xxab', 'match'],
    ['byte_test:3,=,0,0,string,dec;', '0x1', 'match'],
    ['byte_test:3,=,1,0,string,hex;', '0x1', 'match'],
    ['byte_test:2,>,0xffffffff,0,string,dec;', '-1', 'match'],
    ['byte_test:2,=,0x0b,0,bitmask 0x0ff0;', '\u0020\u00b1', 'match'],
    ['content:!"x"; content:"ab"; distance:-3; within:2;', '---ab', 'match'],
    ['content:"a"; isdataat:!9; byte_jump:1,0,relative; isdataat:1,relative;', 'a\u00ffa\u0001xyz', 'match'],
    ['content:"a"; isdataat:!9; byte_test:1,=,7,0,relative;', 'a\u0001a\u0007', 'none'],
    ['content:"a"; byte_test:1,=,7,0,relative;', 'a\u0001a\u0007', 'match'],
    ['byte_extract:1,0,n; content:"ab"; offset:n; depth:2;', '\u0003xxab', 'match'],
    ['byte_extract:1,0,n; content:"ab"; offset:n; depth:2;', '\u0002xxab', 'none'],
    ['byte_extract:1,0,n,multiplier 2; isdataat:!n;', '\u0002xxx', 'match'],
    ['byte_extract:1,0,n,align 4; isdataat:n;', '\u0001xxx', 'none'],
    ['byte_extract:1,0,n; byte_test:1,=,n,1;', '\u0007\u0007', 'match'],
    ['byte_extract:1,1,n; content:"b"; distance:0; within:1;', 'x\u0000b', 'match'],
    ['content:"a"; byte_extract:1,0,n,relative; content:"b"; distance:n; within:1;', 'a\u0009a\u0001-b', 'match'],
    ['byte_math:bytes 1, offset 0, oper *, rvalue 3, result n; isdataat:n;', '\u0001xxx', 'match'],
    ['byte_math:bytes 1, offset 0, oper -, rvalue 2, result n; isdataat:n;', '\u0005xxx', 'match'],
    ['byte_math:bytes 1, offset 0, oper /, rvalue 0, result n; isdataat:n;', '\u0005xxx', 'none'],
    ['byte_math:bytes 2, offset 0, oper <<, rvalue 1, result n, string dec; byte_test:1,<,n,2;', '44A', 'match'],
    [
      'byte_math:bytes 2, offset 0, oper +, rvalue 0, result n, bitmask 0x00f0; byte_test:1,=,n,2;',
      '\u0000\u00b1\u000b',
      'match',
    ],
    ['content:"yyy"; distance:9; within:29; endswith;', `${'x'.repeat(30)}yyy`, 'match'],
    ['content:"yyy"; distance:9; within:29; endswith;', `${'x'.repeat(36)}yyy`, 'none'],
  ])('%s in %j: %s', (options, text, expected) => {
    expect(outcome(options, text)).toBe(expected);
  });

  it.each<[string, string, Outcome]>([
    ['content:"ab";', 'xab', 'match'],
    ['content:"ab";', 'xa', 'unknown'],
    ['content:!"ab";', 'xx', 'unknown'],
    ['content:"ab"; endswith;', 'xab', 'unknown'],
    ['pcre:"/ab/";', 'xab', 'match'],
    ['pcre:"/ab$/";', 'xab', 'unknown'],
    ['bsize:3; content:"ab";', 'xab', 'unknown'],
  ])('%s in a buffer that begins with %j: %s', (options, text, expected) => {
    expect(outcome(options, text, false)).toBe(expected);
  });

  it('gives up, and says so, where matches multiply', () => {
    const many = Array.from({ length: 8 }, () => 'content:"a"; distance:0;').join(' ');
    expect(outcome(`${many} content:"b"; distance:0; content:"c"; within:1;`, `${'a'.repeat(20_000)}b`)).not.toBe(
      'match',
    );
    expect(outcome(`${many} pcre:"/a+b/R";`, 'a'.repeat(20_000))).not.toBe('match');
  });
});
