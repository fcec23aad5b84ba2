// SPDX-License-Identifier: Apache-2.0
// Types that a compiler has written as BTF: members lie where the compiler puts them. No kernel that is brought here has BTF.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { Btf, btfOffsets, findBtf, readElfSections } from '@plinth/observe';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { LINUX_COMPILER, missingLinuxCompiler } from './guest-program.js';

const SOURCE = `
#include <stddef.h>
struct list { struct list *next, *prev; };
typedef struct { unsigned val; } kuid_t;
struct qstr { union { struct { unsigned hash, len; }; unsigned long long hash_len; }; const unsigned char *name; };
struct dentry { unsigned d_flags; void *d_seq; struct dentry *d_parent; struct qstr d_name; };
struct upid { int nr; void *ns; };
struct pid { int count; unsigned level; char lock[5]; struct upid numbers[1]; };
struct task_struct { long first; volatile unsigned __state; unsigned a : 3, b : 9; const struct list tasks; char comm[16]; kuid_t uid; };
struct cred { int usage; kuid_t uid, gid; };
struct task_struct task; struct dentry entry; struct pid pid; struct cred cred;
const unsigned offsets[] = {
  offsetof(struct task_struct, __state), offsetof(struct task_struct, tasks), offsetof(struct task_struct, comm),
  offsetof(struct dentry, d_name.name), offsetof(struct dentry, d_name.len), offsetof(struct pid, numbers[0].nr),
  offsetof(struct pid, numbers[0].ns), offsetof(struct cred, gid), offsetof(struct task_struct, tasks.prev),
};
`;
const PLACES = [
  ['task_struct', '__state'],
  ['task_struct', 'tasks'],
  ['task_struct', 'comm'],
  ['dentry', 'd_name.name'],
  ['dentry', 'd_name.len'],
  ['pid', 'numbers.nr'],
  ['pid', 'numbers.ns'],
  ['cred', 'gid'],
  ['task_struct', 'tasks.prev'],
] as const;

function compile(): { readonly btf: Uint8Array; readonly offsets: readonly number[] } {
  const directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  try {
    const [from, to] = [join(directory, 'types.c'), join(directory, 'types.o')];
    writeFileSync(from, SOURCE);
    execFileSync(LINUX_COMPILER, ['-gbtf', '-c', '-o', to, from], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const { sections } = readElfSections(readFileSync(to), to);
    const bytes = (name: string): Uint8Array => Uint8Array.from(sections.find((one) => one.name === name)!.bytes);
    return { btf: bytes('.BTF'), offsets: [...new Uint32Array(bytes('.rodata').buffer).subarray(0, PLACES.length)] };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const missing = missingLinuxCompiler();
if (missing !== undefined) console.log(`tests/observe/btf: skipped: ${missing}`);

describe('types of a compiler', unless(missing), () => {
  it('have members where the compiler puts them', () => {
    const { btf: bytes, offsets } = compile();
    const btf = new Btf(bytes, 'types.o');
    expect(PLACES.map(([structure, path]) => btf.offset(structure, path))).toEqual(offsets);
    expect(btf.offset('task_struct', 'none')).toBeUndefined();
    expect(btf.offset('none', 'comm')).toBeUndefined();
    expect(btf.offset('task_struct', 'b')).toBeUndefined();
    expect(btfOffsets(btf)).toMatchObject({
      'task.tasks': offsets[1],
      'entry.nameLength': offsets[4],
      'cred.gid': offsets[7],
    });
  });

  it('are found in the middle of other bytes', () => {
    const { btf: bytes, offsets } = compile();
    const image = new Uint8Array(10_000 + bytes.length);
    image.set([0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 77);
    image.set(bytes, 5_000);
    expect(findBtf(image, 'image')!.offset('task_struct', 'comm')).toBe(offsets[2]);
    expect(findBtf(image.subarray(0, 5_000), 'image')).toBeUndefined();
  });

  it('are refused, or tell something, however they are damaged', () => {
    const { btf: whole } = compile();
    const change = fc.record({ at: fc.nat(whole.length - 1), value: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6 }), fc.nat(whole.length), (changes, length) => {
        const bytes = Uint8Array.from(whole);
        for (const { at, value } of changes) bytes[at] = value;
        try {
          btfOffsets(new Btf(bytes.subarray(0, length % 3 === 0 ? length : undefined), 'x'));
        } catch (error) {
          if (!(error instanceof PlinthError && error.kind === 'input')) throw error;
        }
      }),
      { numRuns: 1000 },
    );
  });
});
