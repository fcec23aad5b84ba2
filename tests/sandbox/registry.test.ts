// SPDX-License-Identifier: Apache-2.0
// Hives against other programs: hivex, reglookup and RegRipper read what is written here, and hivex writes what is read here. Wine's own
// files of a prefix that it makes.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import {
  createPath,
  diffRegistry,
  findKey,
  Hive,
  LayeredRegistry,
  MemoryKey,
  parseRegText,
  parseWineText,
  recoverHive,
  type RegistryKey,
  treeToRegText,
  writeHive,
  writeWineText,
} from '@plinth/sandbox';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../fuzz/random.js';
import { outline, randomTree, utf16 } from './random-registry.js';

/** Why a program is not run, or nothing. */
function missing(program: string, ...args: string[]): string | undefined {
  const { error } = spawnSync(program, args, { stdio: 'ignore' });
  return error === undefined ? undefined : `${program} is not installed`;
}

const noHivex = missing('hivexsh', '--help') ?? missing('hivexml', '--help');
const noReglookup = missing('reglookup', '--help');
const noRegripper = missing('regripper', '-h');
const noWine = missing('wine', '--version');
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'plinth-registry-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(program: string, args: readonly string[], input = ''): string {
  const options = { encoding: 'utf8', input, maxBuffer: 1 << 28, env: { ...process.env, LC_ALL: 'C.UTF-8' } } as const;
  const { status, stdout, stderr, error } = spawnSync(program, args, options);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

function save(name: string, hive: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, hive);
  return path;
}

/** Everything that other programs can show: no lone surrogates, no zeros inside of texts or names. */
function sample(): MemoryKey {
  const root = new MemoryKey('ROOT', { lastWritten: 133_000_000_000_000_000n });
  createPath(root, 'Select').setValue({ name: 'Current', type: 4, data: Uint8Array.of(1, 0, 0, 0) });
  const computer = createPath(root, 'ControlSet001\\Control\\ComputerName\\ComputerName');
  computer.setValue({ name: 'ComputerName', type: 1, data: utf16('PLINTH\0') });
  const values = createPath(root, 'Values') as MemoryKey;
  values.lastWritten = 133_500_000_000_000_000n;
  for (const type of [0, 3, 5, 6, 8, 9, 10, 11, 12]) {
    values.setValue({
      name: `type ${type}`,
      type,
      data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8).subarray(0, type === 5 ? 4 : 8),
    });
  }
  values.setValue({ name: 'text', type: 1, data: utf16('text\0') });
  values.setValue({ name: 'list', type: 7, data: utf16('one\0two\0\0') });
  values.setValue({ name: '', type: 2, data: utf16('%PATH%\0') });
  values.setValue({ name: 'Grüße', type: 1, data: utf16('ÄÖ€\0') });
  values.setValue({ name: '日本', type: 1, data: utf16('語\0') });
  values.setValue({ name: 'big', type: 3, data: Uint8Array.from({ length: 50_000 }, (_, at) => at * 7) });
  createPath(root, '日本\\Ünï');
  const many = createPath(root, 'Many');
  for (let n = 0; n < 1200; n++) {
    many.createKey(`key ${n}`).setValue({ name: 'n', type: 4, data: Uint8Array.of(n & 255, n >> 8, 0, 0) });
  }
  return root;
}

/** Commands of hivexsh that make these keys and values below the root. */
function hivexCommands(key: RegistryKey): string[] {
  const lines: string[] = [];
  for (const subkey of key.keys()) {
    lines.push(`add ${subkey.name}`, `cd ${subkey.name}`);
    const values = subkey.values();
    if (values.length > 0) lines.push(`setval ${values.length}`);
    for (const { name, type, data } of values) {
      const hex = Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join(',');
      lines.push(name === '' ? '@' : name, `hex:${type}:${hex}`);
    }
    lines.push(...hivexCommands(subkey), 'cd ..');
  }
  return lines;
}

/** Names and texts as every program shows them. */
function asciiTree(random: Random, values: number): MemoryKey {
  const root = new MemoryKey('ROOT');
  for (let n = 0; n < values; n++) {
    const path = Array.from({ length: 1 + random.below(3) }, () => random.pick(['a', 'B', 'Key_c', 'd-1'])).join('\\');
    const type = random.pick([0, 1, 2, 3, 4, 5, 8, 9, 10, 11]);
    const length = type === 4 || type === 5 ? 4 : type === 11 ? 8 : 1 + random.below(random.pick([6, 300]));
    const bytes = Uint8Array.from({ length }, () => random.below(256));
    const data = type === 1 || type === 2 ? utf16(`text ${random.below(1000)}\0`) : bytes;
    createPath(root, path).setValue({ name: `v${random.below(9)}`, type, data });
  }
  return root;
}

const LOOKUP_TYPES =
  'NONE SZ EXPAND_SZ BINARY DWORD DWORD_BE LINK MULTI_SZ RSRC_LIST RSRC_DESC RSRC_REQ_LIST QWORD'.split(' ');

/** The lines of reglookup for the values of such a tree. */
function lookupLines(key: RegistryKey, path: string): string[] {
  const lines = key.values().map(({ name, type, data }) => {
    const number = [4, 11].includes(type) ? data.toReversed() : data;
    const hex = `0x${Buffer.from(number).toString('hex').toUpperCase()}`;
    const text = [1, 2].includes(type) ? Buffer.from(data).toString('utf16le').slice(0, -1) : lookupBytes(data);
    return `${path}/${name},${LOOKUP_TYPES[type]},${[4, 5, 11].includes(type) ? hex : text}`;
  });
  return [...lines, ...key.keys().flatMap((subkey) => lookupLines(subkey, `${path}/${subkey.name}`))];
}

function lookupBytes(data: Uint8Array): string {
  const plain = (byte: number): boolean => byte >= 0x20 && byte < 0x7f && !'"%,'.includes(String.fromCharCode(byte));
  const quote = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return Array.from(data, (byte) => (plain(byte) ? String.fromCharCode(byte) : quote(byte))).join('');
}

describe('hives that are written here', () => {
  it('hold for hivex what was put in', ({ skip }) => {
    skip(noHivex !== undefined, noHivex);
    const hive = save('sample.hive', writeHive(sample()));
    // It opens /dev/stdout by its name, which a socket does not allow.
    const xml = run('sh', ['-c', 'hivexml "$1" | cat', 'sh', hive]);
    expect(xml.match(/<node /g)).toHaveLength(1 + 1 + 4 + 1 + 2 + 1201);
    expect(xml).toContain('<node name="日本">');
    expect(xml).toContain('value type="string" key="Grüße" value="ÄÖ€"');
    expect(xml).toContain('<mtime>2024-01-17T21:20:00Z</mtime>');
    expect(run('hivexget', [hive, 'ControlSet001\\Control\\ComputerName\\ComputerName', 'ComputerName'])).toBe(
      'PLINTH\n',
    );
    const big = spawnSync('hivexget', [hive, 'Values', 'big']).stdout;
    expect(big.equals(Buffer.from(findKey(sample(), 'Values')!.value('big')!.data))).toBe(true);
    const keys = run('hivexsh', [hive], 'cd Many\nls\n').trim().split('\n');
    expect(keys.toSorted()).toEqual(
      sample()
        .key('Many')!
        .keys()
        .map(({ name }) => name)
        .toSorted(),
    );
  });

  it('can be changed by hivex, and are read here again', ({ skip }) => {
    skip(noHivex !== undefined, noHivex);
    const hive = save('changed.hive', writeHive(sample()));
    const wanted = new MemoryKey('x');
    createPath(wanted, 'Added\\Below').setValue({ name: 'v', type: 3, data: Uint8Array.of(1, 2, 3, 4, 5, 6) });
    createPath(wanted, 'Added').setValue({ name: 'w', type: 1, data: utf16('text\0') });
    run('hivexsh', ['-w', hive], [...hivexCommands(wanted), 'cd \\Select', 'del', 'commit', ''].join('\n'));
    const changes = diffRegistry(sample(), new Hive(readFileSync(hive)).root);
    expect(changes.map(({ kind, path }) => `${kind} ${path.join('\\')}`)).toEqual([
      'key-removed Select',
      'key-added Added',
      'value-added Added',
      'key-added Added\\Below',
      'value-added Added\\Below',
    ]);
  });

  it('come back from hivex with random contents', ({ skip }) => {
    skip(noHivex !== undefined, noHivex);
    for (let seed = 1; seed <= 5; seed++) {
      const wanted = new MemoryKey('x');
      const random = new Random(seed);
      for (let n = 0; n < 60; n++) {
        const path = Array.from({ length: 1 + random.below(3) }, () => random.pick(['a', 'B', 'Key_c', 'd-1'])).join(
          '\\',
        );
        const data = Uint8Array.from({ length: 1 + random.below(40) }, () => random.below(256));
        createPath(wanted, path).setValue({ name: `v${random.below(4)}`, type: random.below(12), data });
      }
      const hive = save(`random-${seed}.hive`, writeHive(new MemoryKey('x')));
      run('hivexsh', ['-w', hive], [...hivexCommands(wanted), 'commit', ''].join('\n'));
      expect(outline(new Hive(readFileSync(hive)).root)).toEqual(outline(wanted));
    }
  });

  it('hold the same for reglookup', ({ skip }) => {
    skip(noReglookup !== undefined, noReglookup);
    const hive = save('lookup.hive', writeHive(sample()));
    const lines = run('reglookup', ['-s', hive]).split('\n').slice(1);
    const paths = lines.filter((line) => line.includes(',KEY,')).map((line) => line.split(',')[0]);
    expect(paths).toHaveLength(1 + 1 + 4 + 1 + 2 + 1201);
    expect(lines.find((line) => line.startsWith('/Values,KEY'))).toContain('2024-01-17 21:20:00');
    // The owner of the descriptor that is written where a source has none.
    expect(lines.find((line) => line.startsWith('/Values,KEY'))).toContain('S-1-5-32-544');
    expect(
      lines.find((line) => line.startsWith('/Many/key%201199/n')) ??
        lines.find((line) => line.startsWith('/Many/key 1199/n')),
    ).toContain('DWORD,0x000004AF');
    expect(lines.find((line) => line.startsWith('/Values/list'))).toContain('MULTI_SZ,one|two');
  });

  it('hold every value for reglookup, in versions 1.3 and 1.5', ({ skip }) => {
    skip(noReglookup !== undefined, noReglookup);
    const tree = asciiTree(new Random(7), 400);
    for (const minor of [3, 5] as const) {
      const hive = save(`lookup-${minor}.hive`, writeHive(tree, { minor }));
      const lines = run('reglookup', [hive]).trim().split('\n').slice(1);
      const theirs = lines.filter((line) => !line.includes(',KEY,')).map((line) => line.split(',').slice(0, 3).join());
      expect(theirs.toSorted()).toEqual(lookupLines(tree, '').toSorted());
      expect(lines.length).toBeGreaterThan(theirs.length + 30);
    }
  });

  it('tell RegRipper the name of the computer', ({ skip }) => {
    skip(noRegripper !== undefined, noRegripper);
    const hive = save('ripper.hive', writeHive(sample()));
    expect(run('regripper', ['-r', hive, '-p', 'compname'])).toMatch(/ComputerName\s+= PLINTH/);
  });

  it('can be an upper layer, which hivex reads with its marks as keys', ({ skip }) => {
    skip(noHivex !== undefined, noHivex);
    const registry = new LayeredRegistry({ layers: [sample()] });
    registry.delete('Many', { recursive: true });
    registry.create('Many\\again');
    registry.delete('Select');
    const hive = save('upper.hive', writeHive(registry.upper));
    expect(run('hivexsh', [hive], 'ls\n').trim().split('\n')).toEqual(['Many', 'Select']);
    const upper = MemoryKey.from(new Hive(readFileSync(hive)).root);
    const again = new LayeredRegistry({ layers: [sample()], upper });
    expect(diffRegistry(registry.root, again.root)).toEqual([]);
  });
});

describe("Wine's registry", () => {
  beforeEach(({ skip }) => skip(noWine !== undefined, noWine));

  it('of a new prefix is read, written as the same text, and opened by Wine again', () => {
    const prefix = join(folder, 'prefix');
    const env = {
      ...process.env,
      // Its arguments are text of the locale.
      LC_ALL: 'C.UTF-8',
      WINEPREFIX: prefix,
      WINEDEBUG: '-all',
      DISPLAY: '',
      WINEDLLOVERRIDES: 'mscoree,mshtml=',
    };
    const wine = (...args: string[]): string => {
      const { stdout, status, stderr } = spawnSync('wine', args, { env, encoding: 'utf8', timeout: 240_000 });
      if (status !== 0) throw new Error(`wine ${args.join(' ')}: ${stderr}`);
      spawnSync('wineserver', ['-w'], { env, timeout: 60_000 });
      return stdout;
    };
    wine('reg', 'add', 'HKCU\\Software\\Plinth', '/v', 'Grün', '/d', 'one "two" \\ drei', '/f');
    for (const name of ['system.reg', 'user.reg', 'userdef.reg']) {
      const text = readFileSync(join(prefix, name), 'latin1');
      const read = parseWineText(text, name);
      expect(writeWineText(read.root, read)).toBe(text);
      const hive = new Hive(writeHive(read.root));
      expect(diffRegistry(read.root, hive.root)).toEqual([]);
      if (name === 'user.reg') {
        const value = findKey(read.root, 'Software\\Plinth')!.value('GRÜN')!;
        expect(value).toMatchObject({ name: 'Grün', type: 1, data: utf16('one "two" \\ drei\0') });
      }
    }
    // A layer over the prefix, flattened, is a registry to Wine, and its export is text to us.
    const user = parseWineText(readFileSync(join(prefix, 'user.reg')));
    const registry = new LayeredRegistry({ layers: [user.root] });
    registry.create('Software\\Plinth\\Layer').setValue({ name: 'n', type: 4, data: Uint8Array.of(7, 0, 0, 0) });
    registry.open('Software\\Plinth')!.deleteValue('grün');
    writeFileSync(join(prefix, 'user.reg'), writeWineText(registry.root, user));
    const file = join(folder, 'export.reg');
    wine('reg', 'export', 'HKCU\\Software\\Plinth', file, '/y');
    const edits = parseRegText(readFileSync(file));
    const wanted = parseRegText(
      treeToRegText(registry.open('Software\\Plinth')!, 'HKEY_CURRENT_USER\\Software\\Plinth'),
    );
    expect(edits).toEqual(wanted);
  });
});

/** The test hives of the yarp project, as in its repository: `PLINTH_CORPORA/yarp/hives_for_tests`. */
const corpora = process.env['PLINTH_CORPORA'];
const hives = corpora === undefined ? undefined : join(corpora, 'yarp', 'hives_for_tests');
const noHives =
  hives !== undefined && existsSync(hives) ? undefined : 'PLINTH_CORPORA does not name a folder with them';

describe('hives of Windows', () => {
  beforeEach(({ skip }) => skip(noHives !== undefined, noHives));

  const read = (...path: string[]): Uint8Array => readFileSync(join(hives!, ...path));

  it('are read, and come back as they were; damaged ones are told', () => {
    const results = new Map<string, number>();
    for (const name of readdirSync(hives!, { recursive: true, encoding: 'utf8' })) {
      if (!statSync(join(hives!, name)).isFile()) continue;
      let result = 'same';
      try {
        const root = MemoryKey.from(new Hive(read(name)).root);
        expect(diffRegistry(root, new Hive(writeHive(root)).root)).toEqual([]);
      } catch (error) {
        if (!(error instanceof PlinthError) || error.kind !== 'input') throw error;
        result = error.code;
      }
      results.set(result, (results.get(result) ?? 0) + 1);
    }
    console.log(`hives of Windows: ${[...results].map(([result, count]) => `${count} ${result}`).join(', ')}`);
    expect(results.get('same')).toBeGreaterThan(20);
  });

  it.each([
    ['NewDirtyHive1', 'NewDirtyHive', 'RecoveredHive_Windows10', true],
    ['OldDirtyHive', 'OldDirtyHive', 'RecoveredHive_Windows7', false],
  ])('%s that was not closed becomes what Windows made of it', (folder, name, theirs, bytes) => {
    const logs = ['LOG1', 'LOG2'].map((end) => ({ name: end, bytes: read(folder, `${name}.${end}`) }));
    const recovered = recoverHive(read(folder, name), logs);
    const windows = read(folder, theirs);
    expect(recovered.state).toBe('recovered');
    expect(diffRegistry(new Hive(recovered.bytes).root, new Hive(windows).root)).toEqual([]);
    // What stands behind the last bin is not copied.
    const [ours, wanted] = [recovered.bytes, windows].map((hive) =>
      Buffer.from(hive.subarray(4096, recovered.bytes.length)),
    );
    expect(ours!.equals(wanted!)).toBe(bytes);
  });
});

it('a random tree is what its hive says', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const tree = randomTree(new Random(seed), 80);
    expect(outline(new Hive(writeHive(tree)).root)).toEqual(outline(tree));
  }
});
