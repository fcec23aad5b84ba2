// SPDX-License-Identifier: Apache-2.0
// Programs in one file whose images somebody has made to do harm, or that are damaged: whatever is done with them ends, with the
// program's result or with one line and a status, and changes nothing but the directory or the state that was named.

import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { nativeFileCalls } from '@plinth/linux';
import { compareProofs, FileSource, type HostProof, proveTree, readBundle } from '@plinth/sandbox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { Random } from '../fuzz/random.js';
import { type AppEnd, AppUser, whyNoApps } from './app-user.js';
import { makeImage, renamed, SUPERBLOCK_BYTES, tablesAt, whyNoImages, writeWithImages } from './squash-image.js';

const BUSYBOX = '/bin/busybox';
const FILE = 'tests/sandbox/bundle-hostile.test.ts';
const missing = existsSync(BUSYBOX) ? whyNoImages() : 'busybox-static is not installed';
if (missing !== undefined) console.log(`skipped: ${FILE}: ${missing}`);
const reason = missing ?? whyNoApps(FILE);
const LONG = process.env['PLINTH_LONG'] === '1';
const [FIRST_SEED, DAMAGED] = LONG ? [1, Number(process.env['PLINTH_DAMAGED'] ?? 300)] : [3, 1];
/** Seconds of one command, after which it hangs; each takes less than one. */
const WATCHDOG = 60;

describe('a program in one file that is not what it was', unless(reason), () => {
  let user: AppUser;
  let good: Uint8Array;
  let victim: string;
  let proof: HostProof;

  beforeAll(() => {
    user = new AppUser();
    victim = join(user.folder, 'victim');
    make('victim', { file: 'keep\n', 'inner/file': 'keep\n' });
    make('base', { 'root/usr/bin/busybox': readFileSync(BUSYBOX), 'root/usr/share/doc': 'documents\n' });
    symlinkSync('usr/bin', join(user.folder, 'base/root/bin'));
    for (const name of ['sh', 'ls']) symlinkSync('busybox', join(user.folder, 'base/root/usr/bin', name));
    const tree = join(user.folder, 'base/root');
    user.plinth('app', 'pack', tree, '--entry', '/bin/busybox', '-o', 'box.plinth');
    good = image('base');
    // There is a state, which diff compares with the images.
    user.run('./box.plinth', 'sh', '-c', 'echo x > /usr/share/new');
    if (process.getuid?.() === 0) execFileSync('chown', ['-R', '65534:65534', victim]);
    proof = proveAll();
  });
  afterAll(() => user[Symbol.dispose]());

  /** Files of a directory; a text that begins with -> is a link's target, and | is a pipe. */
  const make = (name: string, files: Readonly<Record<string, string | Uint8Array>>): void => {
    for (const [path, content] of Object.entries(files)) {
      const at = join(user.folder, name, path);
      mkdirSync(dirname(at), { recursive: true });
      if (typeof content === 'string' && content.startsWith('->')) symlinkSync(content.slice(2), at);
      else if (content === '|') execFileSync('mkfifo', [at]);
      else writeFileSync(at, content, { mode: 0o755 });
    }
  };
  let images = 0;
  const image = (directory: string, nodes: readonly string[] = []): Uint8Array =>
    makeImage(join(user.folder, directory), join(user.work, `image-${images++}`), nodes);
  const layer = (files: Readonly<Record<string, string>>, nodes: readonly string[] = []): Uint8Array => {
    const directory = `layer-${images}`;
    make(directory, files);
    const made = image(directory, nodes);
    rmSync(join(user.folder, directory), { recursive: true });
    return made;
  };
  /** All that is nobody's state and no output: as it was, to the last byte. */
  const proveAll = (): HostProof =>
    proveTree(nativeFileCalls(), user.folder, ['/home/.local', '/work', '/tmp', '/device']);

  const write = (layers: readonly Uint8Array[]): void => {
    rmSync(join(user.work, 'bad.plinth'), { force: true });
    writeWithImages(join(user.work, 'box.plinth'), layers, join(user.work, 'bad.plinth'));
    user.own();
  };
  const runBad = (...args: readonly string[]): AppEnd =>
    user.run('timeout', '--signal=KILL', String(WATCHDOG), './bad.plinth', ...args);
  const told = (end: AppEnd, what: string): void => {
    expect(end.stderr, what).toMatch(/^(plinth: (box|bad\.plinth)|\.\/bad\.plinth): [^\n]*\n$/);
    expect([1, 2, 3, 125], what).toContain(end.status);
  };
  const untouched = (what: string, before: readonly string[]): void => {
    expect(compareProofs(proof, proveAll()), what).toEqual([]);
    expect(user.leftovers, what).toEqual([]);
    expect(readdirSync(user.work).sort(), what).toEqual(before);
    expect(left(user.folder), what).toEqual([]);
  };
  /** Gives what it ended with, and what was in the directory, by paths. */
  const extract = (what: string, as: (...args: readonly string[]) => AppEnd = runBad): [AppEnd, string[]] => {
    const before = readdirSync(user.work).sort();
    const end = as('--plinth-extract', 'out');
    const out = join(user.work, 'out');
    let files: string[] = [];
    if (end.status === 0) {
      expect(end.stderr, what).toBe('');
      files = readdirSync(out, { recursive: true }) as string[];
      execFileSync('chmod', ['-R', 'u+rwx', out]);
      rmSync(out, { recursive: true });
    } else told(end, what);
    untouched(what, before);
    return [end, files];
  };

  const outside = (path: string): string => join(victim, path);
  const HOSTILE: readonly (readonly [string, () => readonly Uint8Array[]])[] = [
    [
      'a name is an option of a mount',
      () => [layer({ [`root/a,upperdir=${victim.replaceAll('/', String.raw`\057`)}/x`]: 'x', 'root/a/x': 'x' })],
    ],
    ['the root is a link', () => [layer({ root: `->${victim}`, known: `->${victim}` }), layer({ 'root/new': 'evil' })]],
    [
      'folders of the user are links',
      () => [layer({ 'root/x': 'x', 'known/home': `->${victim}` }), layer({ 'known/home/new': 'evil' })],
    ],
    [
      'a newer layer writes into a link of an older one',
      () => [layer({ 'root/opt': `->${victim}` }), layer({ 'root/opt/file': 'evil', 'root/opt/new': 'evil' })],
    ],
    [
      'a newer layer writes over a link to a file',
      () => [
        layer({ 'root/usr/file': `->${outside('file')}`, 'root/usr/new': `->${outside('new')}` }),
        layer({ 'root/usr/file': 'evil', 'root/usr/new': 'evil' }),
      ],
    ],
    [
      'lists name what lies elsewhere',
      () => [
        layer({ 'root/opt/link': `->${victim}`, 'root/link': `->${victim}` }),
        layer({
          'root/x': 'x',
          removed: `../../victim/file\n${outside('file')}\nroot/opt/link/file\nroot/opt/../../../../victim/inner\n..\n.\n\n/\n`,
          replaced: '../../victim/inner\nroot/link/inner\nroot/../../../victim\n',
        }),
      ],
    ],
    [
      'lists are links',
      () => [layer({ 'root/x': 'x', removed: `->${outside('made')}`, replaced: `->${outside('file')}` })],
    ],
    ['lists are pipes', () => [layer({ 'root/x': 'x', removed: '|', replaced: '|' })]],
    ['lists are directories', () => [layer({ 'root/x': 'x', 'removed/x': 'x', 'replaced/x': 'x' })]],
    [
      'a name is there twice, a link and a directory',
      () => [renamed(layer({ 'root/opt-a': `->${victim}`, 'root/opt-b/new': 'evil' }), { 'opt-b': 'opt-a' })],
    ],
    [
      'a name is there twice, a link and a file',
      () => [renamed(layer({ 'root/opt-a': `->${outside('file')}`, 'root/opt-b': 'evil' }), { 'opt-b': 'opt-a' })],
    ],
    [
      'names are that of the directory around',
      () => [renamed(layer({ 'root/qq/zz/victim/new': 'evil', 'root/zz': 'evil' }), { qq: '..', zz: '..' })],
    ],
    [
      'names have slashes',
      () => [renamed(layer({ 'root/qqqqqqqqqqqqqqqq': 'evil' }), { qqqqqqqqqqqqqqqq: '../../../victim/' })],
    ],
    [
      'its unpacked layer is where layers are unpacked',
      () => [
        layer({ '.plinth-layer': `->${victim}`, 'root/.plinth-layer': `->${victim}` }),
        layer({ '.plinth-layer/new': 'evil', 'root/.plinth-layer/new': 'evil' }),
      ],
    ],
    ['a list is longer than any', () => [layer({ 'root/x': 'x', removed: '\0'.repeat(20 << 20) })]],
  ];

  it('works before', () => {
    const look = 'while read -r line; do echo $line; done < /usr/share/new';
    expect(user.run('./box.plinth', 'sh', '-c', look)).toEqual({ status: 0, stdout: 'x\n', stderr: '' });
  });

  it.each(HOSTILE)('is unpacked to its directory alone: %s', (what, layers) => {
    write([good, ...layers()]);
    extract(what);
  });

  // The first ones are what mounts could follow.
  it.each(LONG ? HOSTILE : HOSTILE.slice(0, 2))('writes to its state alone: %s', (what, layers) => {
    write([good, ...layers()]);
    const before = readdirSync(user.work).sort();
    for (const way of ['--plinth-run', '--plinth-no-fuse']) {
      const script = 'for d in /*; do echo x > $d/new; echo x > $d/file; done 2>/dev/null; echo ran';
      const end = runBad(way, 'sh', '-c', script);
      if (end.status === 0) expect(end.stdout, what).toBe('ran\n');
      else told(end, what);
      untouched(what, before);
    }
  });

  it('writes to its state alone, also where that is one beside that of another run: a name is an option of a mount', async () => {
    const [, layers] = HOSTILE[0]!;
    write([good, ...layers()]);
    const other = user.start('./box.plinth', 'sh', '-c', 'echo begun; read line');
    const ended = once(other, 'close');
    await once(other.stdout!, 'data');
    const end = runBad('sh', '-c', 'for d in /*; do echo x > "$d/new"; done 2>/dev/null; echo ran');
    other.stdin!.end('\n');
    await ended;
    expect(end.stdout).toBe('ran\n');
    expect(compareProofs(proof, proveAll())).toEqual([]);
  });

  it('merges its layers as they lie over each other', () => {
    write([
      layer({ 'root/a/link': '->kept', 'root/a/kept': 'old', 'root/b': '->a', 'root/c/x': 'old', 'root/d': 'old' }),
      layer({ 'root/a/link': 'new', 'root/b/y': 'new', 'root/c': 'new', 'root/d/z': 'new', 'known/home/.x': 'new' }),
      layer({ 'root/a/more': 'last', removed: 'root/a/kept\nroot/nothing/x\n', replaced: 'root/b\n' }),
    ]);
    expect(runBad('--plinth-extract', 'out')).toEqual({ status: 0, stdout: '', stderr: '' });
    const out = join(user.work, 'out');
    const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((one) => !one.isDirectory());
    const texts = files.map((one) => {
      const path = join(one.parentPath, one.name);
      expect(one.isFile()).toBe(true);
      return `${path.slice(out.length + 1)} ${readFileSync(path, 'utf8')}`;
    });
    expect(texts.sort()).toEqual([
      'known/home/.x new',
      'root/a/link new',
      'root/a/more last',
      'root/c new',
      'root/d/z new',
    ]);
    rmSync(out, { recursive: true });
  });

  it('gives nobody the rights of whoever unpacks it', ({ skip }) => {
    skip(process.getuid?.() !== 0, 'root makes devices, and others none');
    const asRoot = (...args: readonly string[]): AppEnd => {
      const { status, stdout, stderr } = spawnSync(join(user.work, 'bad.plinth'), args, {
        cwd: user.work,
        encoding: 'utf8',
      });
      return { status, stdout, stderr };
    };
    write([layer({ 'root/tool': 'x', 'root/set/tool': 'x' }, ['root/tool m 6755 0 0', 'root/set m 2755 0 0'])]);
    const out = join(user.work, 'out');
    expect(asRoot('--plinth-extract', 'out').status).toBe(0);
    for (const name of ['root/tool', 'root/set']) expect(lstatSync(join(out, name)).mode & 0o7000).toBe(0);
    rmSync(out, { recursive: true });
    write([layer({ 'root/x': 'x' }, ['root/disk b 666 0 0 8 0'])]);
    const [end] = extract('a device', asRoot);
    expect(end.status).toBe(125);
  });

  it.each([
    ['all of it is a link', { upper: '->../../victim' }],
    ['its root is a link', { 'upper/root': '->../../../victim' }],
    ['a part of it is a link', { 'upper/root/usr/x': 'x', 'upper/known/home': '->../../../../victim' }],
  ])('writes nothing through links of a state that is brought: %s', (what, files) => {
    make('state', files);
    execFileSync('tar', ['-cf', join(user.work, 'state.tar'), '-C', join(user.folder, 'state'), 'upper']);
    rmSync(join(user.folder, 'state'), { recursive: true });
    const before = readdirSync(user.work).sort();
    const brought = user.plinth('app', 'import', 'box.plinth', 'state.tar', '--state', join(user.work, 'brought'));
    if (brought.status !== 0) {
      expect(brought.stderr).toBe(`plinth: state.tar: it is not what "plinth app export" writes\n`);
      expect(brought.status).toBe(2);
    }
    const end = user.run(
      './box.plinth',
      '--plinth-state',
      'brought',
      'sh',
      '-c',
      'for d in /*; do echo x > $d/new; done',
    );
    rmSync(join(user.work, 'brought'), { recursive: true });
    if (brought.status === 0) {
      expect(end.stderr).toMatch(/^plinth: box: [^\n]*: a symbolic link, where what it writes would go elsewhere\n$/);
      expect(end.status).toBe(125);
    }
    untouched(what, before);
  });

  it(`ends when it is damaged: ${DAMAGED} times`, { timeout: 3_600_000 }, () => {
    const file = join(user.work, 'bad.plinth');
    write([good]);
    const whole = readFileSync(file);
    using source = new FileSource(file);
    const [place] = readBundle(source, file).layers;
    const counts: Record<string, number> = {};
    for (let seed = FIRST_SEED; seed < FIRST_SEED + DAMAGED; seed++) {
      const random = new Random(seed);
      const bytes = damage(random, whole, place!.offset, good);
      rmSync(file);
      writeFileSync(file, bytes, { mode: 0o755 });
      user.own();
      const what = `seed ${seed}`;
      const count = (name: string, { status }: AppEnd): void => {
        counts[`${name} ${status}`] = (counts[`${name} ${status}`] ?? 0) + 1;
      };
      const before = readdirSync(user.work).sort();
      const same = Buffer.compare(bytes, whole) === 0;
      for (const verb of ['inspect', 'verify', 'diff', 'commit'] as const) {
        const end = user.plinth('app', verb, 'bad.plinth', ...(verb === 'commit' ? ['-o', 'next.plinth'] : []));
        count(verb, end);
        if (end.status !== 0) told(end, `${what} ${verb}: ${end.stderr}`);
        if (verb === 'verify') expect(end.status, what).toBe(same ? 0 : 2);
        rmSync(join(user.work, 'next.plinth'), { force: true });
      }
      expect(runBad('--plinth-verify').status, what).toBe(same ? 0 : 1);
      count('extract', extract(what)[0]);
      for (const way of ['--plinth-run', '--plinth-no-fuse']) {
        const end = runBad(way, 'sh', '-c', 'echo ran');
        count(way, end);
        if (end.status !== 0 && end.stderr.startsWith('plinth: ')) told(end, `${what} ${way}: ${end.stderr}`);
        expect(end.status, `${what} ${way}`).not.toBe(null);
        expect(end.status, `${what} ${way}: it hangs`).not.toBe(137);
        untouched(`${what} ${way}`, before);
      }
    }
    if (!LONG) return;
    console.log(JSON.stringify(counts));
    // Some damage does not matter, and most does.
    expect(counts['extract 0']).toBeGreaterThan(DAMAGED / 10);
    expect(counts['extract 125']).toBeGreaterThan(DAMAGED / 10);
  });
});

/** A copy of a file whose image at `offset`, which is `image`, is damaged; every tenth is cut off. */
function damage(random: Random, whole: Uint8Array, offset: number, image: Uint8Array): Uint8Array {
  if (random.chance(0.1)) return whole.slice(0, 64 + random.below(whole.length - 64));
  const copy = Buffer.from(whole);
  const tables = tablesAt(image);
  for (let n = random.below(4); n >= 0; n--) {
    const [from, size] = random.pick([
      [0, SUPERBLOCK_BYTES],
      [tables, image.length - tables],
      [tables, image.length - tables],
      [0, image.length],
    ] as const);
    const at = offset + from + random.below(size - 8);
    const limit = random.pick([0n, 1n, 0x7fn, 0x8000n, 0xffffn, 0x7fff_ffffn, 0xffff_ffffn, 0x7fff_ffff_ffff_ffffn]);
    switch (random.below(4)) {
      case 0:
        copy[at]! ^= 1 << random.below(8);
        break;
      case 1:
        copy.writeUInt16LE(Number(limit & 0xffffn), at);
        break;
      case 2:
        copy.writeBigUInt64LE(limit, at);
        break;
      default:
        // A piece of the tables where it does not belong.
        copy.copy(copy, at, offset + tables + random.below(image.length - tables - 8), offset + image.length);
    }
  }
  return copy;
}

/** Command lines of processes that name a directory. */
function left(directory: string): string[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return line.includes(directory) ? [line] : [];
    } catch {
      return []; // it has ended
    }
  });
}
