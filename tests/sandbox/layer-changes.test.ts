// SPDX-License-Identifier: Apache-2.0
// Differences of layers, and bringing them to what lies below: by layers that our server wrote, and with a commit that is killed.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nativeFileCalls } from '@plinth/linux';
import {
  type Change,
  changeLines,
  changesOf,
  commitChanges,
  type CommittedChange,
  differences,
  recoverCommit,
  withRenames,
} from '@plinth/sandbox';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { Random } from '../fuzz/random.js';
import { attribute, fileTree, setAttribute } from './file-tree.js';
import { LayeredFolder, whyNotMounted } from './layered-mount.js';

const reason = process.platform === 'linux' ? undefined : 'layers are of Linux';
if (reason !== undefined) console.log(`skipped: tests/sandbox/layer-changes.test.ts: ${reason}`);
const notMounted = reason ?? whyNotMounted('tests/sandbox/layer-changes.test.ts');
/** Entries that a process which is to be killed may bring beyond the last one that is waited for. */
const AHEAD = 3;
const long = process.env['PLINTH_LONG'] === '1';

function short({ kind, path, what }: Change): string {
  return [kind, path, ...(what ?? [])].join(' ');
}

describe('changes of layers', unless(reason), () => {
  const calls = nativeFileCalls();
  let folder: string;
  const at = (...path: readonly string[]): string => join(folder, ...path);
  const whiteout = (path: string): void => void calls.makeNode(-100, at(path), 0o020000, 0);
  const between = (before: readonly string[], after: readonly string[], options = {}): string[] =>
    [
      ...differences(
        calls,
        before.map((one) => at(one)),
        after.map((one) => at(one)),
        options,
      ),
    ].map(short);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'plinth-changes-'));
    for (const name of ['base/a/b', 'one', 'other']) mkdirSync(at(name), { recursive: true });
    for (const name of ['base/file', 'base/a/inner', 'base/a/b/deep']) writeFileSync(at(name), `${name}\n`);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('names what a layer adds, changes and deletes, and nothing else', () => {
    mkdirSync(at('one/a/b'), { recursive: true });
    whiteout('one/file');
    whiteout('one/nothing');
    writeFileSync(at('one/a/inner'), 'base/a/inner\n');
    chmodSync(at('one/a/inner'), 0o600);
    setAttribute(at('one/a/inner'), 'user.a', 'b');
    appendFileSync(at('one/a/b/deep'), 'changed');
    mkdirSync(at('one/new/empty'), { recursive: true });
    symlinkSync('x', at('one/new/link'));
    const changes = [...changesOf(calls, { layers: [at('one')], base: at('base') })];
    expect(changes.map(short)).toEqual([
      'changed /a/b/deep content',
      'changed /a/inner mode attributes',
      'deleted /file',
      'added /new',
      'added /new/empty',
      'added /new/link',
    ]);
    expect(changes[0]).toMatchObject({ type: 'file', size: 7, source: at('one/a/b/deep'), old: at('base/a/b/deep') });
  });

  it('looks through opaque directories, replaced types and whiteouts that are files', () => {
    mkdirSync(at('one/a/b'), { recursive: true });
    setAttribute(at('one/a'), 'user.overlay.opaque', 'y');
    writeFileSync(at('one/a/b/fresh'), 'x');
    mkdirSync(at('one/file'));
    expect(between(['base'], ['one', 'base'])).toEqual([
      'deleted /a/b/deep',
      'added /a/b/fresh',
      'deleted /a/inner',
      'changed /file type',
    ]);
    mkdirSync(at('other/a'));
    setAttribute(at('other/a'), 'user.overlay.opaque', 'x');
    writeFileSync(at('other/a/inner'), '');
    setAttribute(at('other/a/inner'), 'user.overlay.whiteout', '');
    expect(between(['base'], ['other', 'base'])).toEqual(['deleted /a/inner']);
    // The directory of the layer itself may have such ones, too.
    writeFileSync(at('other/file'), '');
    setAttribute(at('other/file'), 'user.overlay.whiteout', '');
    expect(between(['base'], ['other', 'base'])).toContain('changed /file content');
    setAttribute(at('other'), 'user.overlay.opaque', 'x');
    expect(between(['base'], ['other', 'base'])).toEqual(['deleted /a/inner', 'deleted /file']);
  });

  it('compares two snapshots without looking at what they share', () => {
    writeFileSync(at('one/file'), 'one\n');
    writeFileSync(at('other/file'), 'two\n');
    whiteout('other/a');
    writeFileSync(at('one/both'), 'same');
    writeFileSync(at('other/both'), 'same');
    utimesSync(at('one/both'), 1, 1);
    // Nobody could list it.
    expect(between(['one', 'base'], ['other', 'base'])).toEqual(['deleted /a', 'changed /file content']);
    expect(between(['one', 'base'], ['other', 'base'], { times: true })).toContain('changed /both times');
    expect(between(['one', 'base'], ['one', 'base'])).toEqual([]);
    expect(between(['other', 'base'], ['one', 'base'])).toEqual([
      'added /a',
      'added /a/b',
      'added /a/b/deep',
      'added /a/inner',
      'changed /file content',
    ]);
  });

  it('finds renamed files, and says all of it in lines', () => {
    whiteout('one/file');
    writeFileSync(at('one/elsewhere'), 'base/file\n');
    writeFileSync(at('one/odd\nname'), 'x');
    writeFileSync(Buffer.concat([Buffer.from(`${at('one')}/`), Buffer.from([0xff])]), 'x');
    const changes = [...changesOf(calls, { layers: [at('one')], base: at('base') })];
    expect(changeLines(withRenames(changes))).toEqual([
      'renamed  /elsewhere  (from /file; file, 10 bytes)',
      'added    /odd?name  (file, 1 bytes)',
      'added    /\\xff  (file, 1 bytes)',
    ]);
  });

  it('says which layer is not there, or cannot be read rightly', () => {
    expect(() => between(['base'], ['nowhere', 'base'])).toThrow(`layer ${at('nowhere')}: ENOENT`);
    mkdirSync(at('one/moved'));
    setAttribute(at('one/moved'), 'user.overlay.redirect', '/a');
    expect(() => between(['base'], ['one', 'base'])).toThrow('they cannot be read: EIO');
  });

  const commit = (paths?: readonly string[]): string[] => {
    const changes: CommittedChange[] = [...changesOf(calls, { layers: [at('one')], base: at('base') })].map(
      (change) => ({ ...change, base: at('base') }),
    );
    const wanted = changes.filter(({ path }) => paths?.includes(path) ?? true);
    return [...commitChanges(calls, wanted, at('journal'))].map(({ entry, why }) => `${entry.path} ${why ?? 'done'}`);
  };

  it('brings chosen entries to the base, with modes, attributes and holes', () => {
    mkdirSync(at('one/a'));
    chmodSync(at('one/a'), 0o700);
    appendFileSync(at('one/a/inner'), 'x');
    setAttribute(at('one/a/inner'), 'user.a', 'b');
    mkdirSync(at('one/file'));
    writeFileSync(at('one/file/now'), 'a directory');
    symlinkSync('/etc/passwd', at('one/link'));
    expect(commit(['/a/inner'])).toEqual(['/a/inner done']);
    expect([readFileSync(at('base/a/inner'), 'utf8'), attribute(at('base/a/inner'), 'user.a')]).toEqual(['x', 'b']);
    expect(commit()).toEqual(['/a done', '/file done', '/file/now done', '/link done']);
    expect(lstatSync(at('base/a')).mode & 0o777).toBe(0o700);
    expect(readFileSync(at('base/file/now'), 'utf8')).toBe('a directory');
    expect(lstatSync(at('base/link')).isSymbolicLink()).toBe(true);
    expect([commit(), existsSync(at('journal'))]).toEqual([[], false]);
    expect(readdirSync(at('base')).sort()).toEqual(['a', 'file', 'link']);
  });

  it('follows no symbolic link of the base, and of a layer', () => {
    mkdirSync(at('outside'));
    mkdirSync(at('one/a'));
    writeFileSync(at('one/a/new'), 'x');
    renameSync(at('base/a'), at('base/was'));
    symlinkSync(at('outside'), at('base/a'));
    const entry: CommittedChange = {
      path: '/a/new',
      kind: 'added',
      type: 'file',
      source: at('one/a/new'),
      base: at('base'),
    };
    const run = (one: CommittedChange): unknown => [...commitChanges(calls, [one], at('journal'))];
    expect(() => run(entry)).toThrow(`${at('base/a')}: it is no directory on the host: commit it first`);
    unlinkSync(at('one/a/new'));
    symlinkSync('/etc/passwd', at('one/a/new'));
    expect(run({ ...entry, path: '/new' })).toHaveLength(1);
    expect(lstatSync(at('base/new')).isSymbolicLink()).toBe(true);
    expect(readdirSync(at('outside'))).toEqual([]);
    writeFileSync(at('journal'), '{"version":1,"id":"../../x","directories":[]}');
    expect(() => recoverCommit(calls, at('journal'))).toThrow('it is no journal: remove it');
  });

  it(
    'leaves each entry old or new when it is killed, and a second run ends the work',
    { timeout: 3_600_000 },
    async () => {
      const random = new Random(long ? Date.now() >>> 0 : 7);
      const names = Array.from({ length: 24 }, (_, n) => `f${String(n).padStart(2, '0')}`);
      const root = join(import.meta.dirname, '../..');
      const script = `
      import { nativeFileCalls } from '@plinth/linux';
      import { changesOf, commitChanges } from '@plinth/sandbox';
      import { readSync, writeSync } from 'node:fs';
      const [layer, base, journal] = process.argv.slice(1);
      const calls = nativeFileCalls();
      const changes = [...changesOf(calls, { layers: [layer], base })].map((change) => ({ ...change, base }));
      for (const { entry } of commitChanges(calls, changes, journal)) {
        writeSync(1, entry.path + '\\n');
        readSync(0, Buffer.alloc(1));
      }`;
      let halves = 0;
      for (let run = 0; run < (long ? 200 : 6); run++) {
        for (const name of ['base', 'one']) {
          rmSync(at(name), { recursive: true });
          mkdirSync(at(name));
        }
        const expected = new Map<string, readonly [string, string]>();
        for (const [n, name] of names.entries()) {
          const [old, fresh] = [`old ${name} `.repeat(5000), `new ${name} `.repeat(6000)];
          // Files by files, directories by files and the other way round, deleted and added ones.
          const [was, is] = [
            [old, fresh],
            ['directory', fresh],
            [old, 'directory'],
            ['directory', 'none'],
            [old, 'none'],
            ['none', fresh],
          ][n % 6]!;
          expected.set(name, [was!, is!]);
          make(at('base', name), was!);
          if (is === 'none') whiteout(`one/${name}`);
          else make(at('one', name), is!);
        }
        const args = ['--input-type=module', '-e', script, at('one'), at('base'), at('journal')];
        const child = spawn(process.execPath, args, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
        const killAfter = random.below(names.length);
        const delay = random.below(4);
        // However late we are killing it, it is not at its end, unless it is to be.
        const last = names.length - 1;
        child.stdin.write('x'.repeat(killAfter === last ? names.length : Math.min(killAfter + AHEAD, last - 1)));
        let lines = 0;
        child.stdout.on('data', (text: Buffer) => {
          lines += text.toString().split('\n').length - 1;
          if (lines > killAfter) setTimeout(() => child.kill('SIGKILL'), delay);
        });
        await once(child, 'close');
        let changed = 0;
        for (const [name, [was, is]] of expected) {
          const now = stateOf(at('base', name));
          expect([was, is], `${name} is neither old nor new`).toContain(now);
          if (now === is) changed++;
        }
        if (changed > 0 && changed < names.length) halves++;
        commit();
        for (const [name, [, is]] of expected) expect(stateOf(at('base', name))).toBe(is);
        expect(readdirSync(at('base')).filter((name) => name.startsWith('.'))).toEqual([]);
        expect(existsSync(at('journal'))).toBe(false);
      }
      // Else it was not killed at work.
      expect(halves).toBeGreaterThan(0);
    },
  );
});

function make(path: string, what: string): void {
  if (what === 'none') return;
  if (what !== 'directory') {
    writeFileSync(path, what);
    return;
  }
  mkdirSync(path);
}

function stateOf(path: string): string {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined) return 'none';
  return status.isDirectory() ? 'directory' : readFileSync(path, 'utf8');
}

describe('changes that were made through a mount', unless(notMounted), () => {
  it.each(['overlayfs', 'our server'] as const)('by %s make of the base what was seen there', async (carrier) => {
    const calls = nativeFileCalls();
    using stack = new LayeredFolder();
    const { merged, base, middle, upper, folder } = stack;
    mkdirSync(join(base, 'a/b'), { recursive: true });
    for (const name of ['file', 'a/one', 'a/b/two']) writeFileSync(join(base, name), name);
    await stack.mount(carrier);
    rmSync(join(merged, 'a/b'), { recursive: true });
    mkdirSync(join(merged, 'a/b'));
    writeFileSync(join(merged, 'a/b/three'), 'three');
    renameSync(join(merged, 'file'), join(merged, 'a/moved'));
    mkdirSync(join(merged, 'file'));
    symlinkSync('a', join(merged, 'link'));
    chmodSync(join(merged, 'a/one'), 0o600);
    const seen = fileTree(merged);
    await stack.unmount();
    const changes = [...changesOf(calls, { layers: [upper, middle], base })].map((change) => ({ ...change, base }));
    expect(withRenames(changes).map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      'added /a/b/three',
      'deleted /a/b/two',
      'added /a/moved',
      'changed /a/one',
      'changed /file',
      'added /link',
    ]);
    for (const { why } of commitChanges(calls, changes, join(folder, 'journal'))) expect(why).toBeUndefined();
    expect(fileTree(base)).toEqual(seen);
  });
});
