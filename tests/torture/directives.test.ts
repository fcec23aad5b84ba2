// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { readDirectives } from './directives.js';

describe('readDirectives', () => {
  const read = (source: string, xFile = '', flags: string[] = ['-O2', '-marm']) => readDirectives(source, xFile, flags);

  it('collects options, of this target only', () => {
    expect(read('/* { dg-options "-fwrapv -w" } */').options).toEqual(['-fwrapv', '-w']);
    expect(read('/* { dg-options { "-fwrapv" } } */').options).toEqual(['-fwrapv']);
    expect(read('/* { dg-additional-options "-mno-mmx" { target { x86_64-*-* i?86-*-* } } } */').options).toEqual([]);
    expect(read('/* { dg-additional-options "-fpic" { target fpic } } */').options).toEqual(['-fpic']);
    expect(read('/* { dg-options "-m" { target { { i?86-*-* arm*-*-* } && ia32 } } } */').options).toEqual([]);
    expect(read('/* { dg-options "-m" { target { { i?86-*-* arm*-*-* } && int32 } } } */').options).toEqual(['-m']);
  });

  it('skips by target', () => {
    expect(read('/* { dg-skip-if "asm" { nvptx-*-* arm*-*-* } } */').skip).toBe('dg-skip-if: asm');
    expect(read('/* { dg-skip-if "asm" { nvptx-*-* } { "*" } { "" } } */').skip).toBeUndefined();
    expect(read('/* { dg-skip-if "" { ! { i?86-*-* x86_64-*-* } } } */').skip).toBe('dg-skip-if: for this target');
    expect(read('/* { dg-skip-if "requires io" { freestanding } }  */').skip).toBeUndefined();
  });

  it('skips by option', () => {
    const withO1 = '/* { dg-skip-if "requires higher optimization" { *-*-* } "-O1" "" } */';
    expect(read(withO1).skip).toBeUndefined();
    expect(read(withO1, '', ['-O1']).skip).toBe('dg-skip-if: requires higher optimization');
    const unless = '/* { dg-skip-if "x" { *-*-* } { "*" } { "-O2" } } */';
    expect(read(unless).skip).toBeUndefined();
    expect(read(unless, '', ['-O1']).skip).toBe('dg-skip-if: x');
  });

  it('requires what the target has', () => {
    expect(read('/* { dg-require-effective-target int128 } */').skip).toBe('needs int128');
    expect(read('/* { dg-require-effective-target alloca } */').skip).toBeUndefined();
  });

  it('takes options from an .x file, but none from its conditions', () => {
    const xFile =
      'if [istarget "x-*-*"] {\n  lappend additional_flags "-no"\n}\nlappend additional_flags "-a" "-b"\nset additional_flags -c\nreturn 0\n';
    expect(read('', xFile).options).toEqual(['-a', '-b', '-c']);
  });
});
