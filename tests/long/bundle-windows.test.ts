// SPDX-License-Identifier: Apache-2.0
// Programs of Windows in one file, run by the Wine that is packed with them, as a user without rights: Wine's own reg and winemine, and an
// installer made by NSIS. What they write to files and registry is in the file's state only, there at the next start, and gone after a reset.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { until } from '../setup/until.js';
import { type AppEnd, AppUser, whyNoApps } from '../sandbox/app-user.js';

const FILE = 'tests/long/bundle-windows.test.ts';
const LONG = 900_000;

/** It says in a file where it was installed, and counts its starts in the registry. */
const PROGRAM = String.raw`
Target amd64-unicode
Unicode true
Name "Demo"
OutFile "demo.exe"
SilentInstall silent
RequestExecutionLevel user
Section
  SetRegView 64
  ReadRegStr $0 HKLM "Software\Demo" "Place"
  ReadRegDWORD $1 HKCU "Software\Demo" "Starts"
  IntOp $1 $1 + 1
  WriteRegDWORD HKCU "Software\Demo" "Starts" $1
  FileOpen $2 "$PROFILE\said.txt" w
  FileWrite $2 "$0 $1"
  FileClose $2
SectionEnd`;

const INSTALLER = String.raw`
Target amd64-unicode
Unicode true
Name "Demo"
OutFile "setup.exe"
InstallDir "$PROGRAMFILES64\Demo"
SilentInstall silent
Section
  SetRegView 64
  SetOutPath "$INSTDIR"
  File "demo.exe"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr HKLM "Software\Demo" "Place" "$INSTDIR"
SectionEnd
Section "Uninstall"
  SetRegView 64
  Delete "$INSTDIR\demo.exe"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  DeleteRegKey HKLM "Software\Demo"
SectionEnd`;

function whyNot(): string | undefined {
  for (const tool of ['makensis', 'Xvfb', 'xwininfo', 'hivexsh', 'gdb-multiarch'])
    if (spawnSync(tool, ['--help']).error !== undefined) {
      console.log(`skipped: ${FILE}: ${tool} is not installed`);
      return tool;
    }
  return whyNoApps(FILE);
}

/** The number of a process below another one whose command line has this text, or 0. */
function descendantWith(pid: number, text: string): number {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
    const found = children.find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes(text));
    return found ?? children.map((child) => descendantWith(child, text)).find((below) => below !== 0) ?? 0;
  } catch {
    return 0; // it has ended meanwhile
  }
}

function statusOf(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, 'utf8');
}

describe('a program of Windows in one file', unless(whyNot()), () => {
  let user: AppUser;

  beforeAll(() => {
    user = new AppUser();
    for (const [name, script] of [
      ['demo.nsi', PROGRAM],
      ['setup.nsi', INSTALLER],
    ] as const) {
      user.write(join(user.work, name), script);
      const made = user.run('makensis', '-V2', name);
      if (made.status !== 0) throw new Error(`makensis: ${made.stdout}${made.stderr}`);
    }
    // Wine is brought once, and kept.
    pack('reg', '--windows', '--entry', 'reg');
    pack('cmd', '--windows', '--entry', 'cmd');
  }, LONG);
  afterAll(() => user[Symbol.dispose]());

  const pack = (name: string, ...options: readonly string[]): AppEnd => {
    const end = user.plinth('app', 'pack', '-o', `${name}.plinth`, ...options);
    expect(end.status, end.stderr).toBe(0);
    return end;
  };
  const registryOf = (name: string, ...options: readonly string[]): string[] => {
    const { stdout } = user.plinth('app', 'diff', '--json', ...options, `${name}.plinth`);
    const { registry } = JSON.parse(stdout) as {
      registry: { change: string; key: string; value?: string; after?: string }[];
    };
    return registry.map(({ change, key, value, after }) => [change, key, value, after].filter(Boolean).join(' '));
  };
  const filesOf = (name: string): string[] => {
    const { stdout } = user.plinth('app', 'diff', '--json', `${name}.plinth`);
    return (JSON.parse(stdout) as { changes: { path: string }[] }).changes.map(({ path }) => path);
  };

  it(
    'writes to its registry, finds that again, and forgets it at a reset',
    () => {
      const key = String.raw`HKCU\Software\Plinth`;
      expect(user.run('./reg.plinth', 'query', key).status).toBe(1);
      const added = user.run('./reg.plinth', 'add', key, '/v', 'Size', '/t', 'REG_DWORD', '/d', '7');
      expect(added.status, added.stderr).toBe(0);
      const found = user.run('./reg.plinth', 'query', key);
      expect(found, found.stderr).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/Size\s+REG_DWORD\s+0x7/) as string,
      });
      expect(registryOf('reg')).toContain(String.raw`added HKEY_CURRENT_USER\Software\Plinth Size REG_DWORD 7`);
      // Its texts are told as keys and not as files.
      expect(filesOf('reg').filter((path) => path.endsWith('.reg'))).toEqual([]);
      expect(user.run('./reg.plinth', '--plinth-reset').status).toBe(0);
      expect(user.run('./reg.plinth', 'query', key).status).toBe(1);
      const type = String.raw`HKLM\Software\Classes\.chm`;
      expect(user.run('./reg.plinth', 'query', type).status).toBe(0);
      pack('ruled', '--windows', '--entry', 'reg', '--isolate', `${type}=hidden`);
      expect(user.run('./ruled.plinth', 'query', type).status).toBe(1);
      expect(user.leftovers).toEqual([]);
    },
    LONG,
  );

  it(
    'is an installer, whose files and keys are there at the next start',
    () => {
      const before = user.plinth('app', 'verify-host', user.home, '--exclude', '.local', '--before', 'before');
      expect(before.status).toBe(0);
      expect(user.run('./cmd.plinth', '/c', 'setup.exe').status).toBe(0);
      const demo = String.raw`C:\Program Files\Demo\demo.exe`;
      for (const starts of ['1', '2']) {
        expect(user.run('./cmd.plinth', '/c', demo).status).toBe(0);
        const said = user.run('./cmd.plinth', '/c', 'type', String.raw`C:\users\user\said.txt`);
        expect(said.stdout).toBe(String.raw`C:\Program Files\Demo ${starts}`);
      }
      expect(filesOf('cmd')).toContain('/wine/drive_c/Program Files/Demo/demo.exe');
      expect(registryOf('cmd')).toEqual(
        expect.arrayContaining([
          String.raw`added HKEY_LOCAL_MACHINE\Software\Demo Place REG_SZ "C:\Program Files\Demo"`,
          String.raw`added HKEY_CURRENT_USER\Software\Demo Starts REG_DWORD 2`,
        ]),
      );
      const after = user.plinth('app', 'verify-host', user.home, '--exclude', '.local', '--against', 'before');
      expect(after.stdout).toMatch(/identical/);

      // A layer of a new file: the hives say what was changed, and whoever starts it finds all of it.
      const committed = user.plinth('app', 'commit', 'cmd.plinth', '-o', 'more.plinth');
      expect(committed.status, committed.stderr).toBe(0);
      expect(user.plinth('app', 'reset', 'cmd.plinth').status).toBe(0);
      expect(user.run('./cmd.plinth', '/c', 'dir', String.raw`C:\Program Files\Demo`).status).not.toBe(0);
      const again = user.run('./more.plinth', '--plinth-state', 'more.state', '/c', demo);
      expect(again.status, again.stderr).toBe(0);
      expect(registryOf('more', '--state', 'more.state')).toContain(
        String.raw`changed HKEY_CURRENT_USER\Software\Demo Starts REG_DWORD 3`,
      );
      expect(user.run('./more.plinth', '--plinth-extract', 'extracted').status).toBe(0);
      const hive = join(user.work, 'extracted/registry/user.hive');
      const listed = spawnSync('hivexsh', [hive], { input: 'cd Software\\Demo\nlsval Starts\n', encoding: 'utf8' });
      expect(listed.stdout + listed.stderr).toMatch(/^2|dword:0*2/im);
    },
    LONG,
  );

  it(
    'is what an installer has left, captured',
    () => {
      const { stderr } = pack(
        'demo',
        '--windows',
        '--capture',
        'setup.exe',
        '--entry',
        String.raw`C:\Program Files\Demo\demo.exe`,
      );
      expect(stderr).toMatch(/captured: /);
      const run = user.run('./demo.plinth');
      expect(run.status, run.stderr).toBe(0);
      expect(registryOf('demo')).toContain(String.raw`added HKEY_CURRENT_USER\Software\Demo Starts REG_DWORD 1`);
      // Its layer has a hive that others can read.
      const image = user.run('./demo.plinth', '--plinth-manifest');
      expect(JSON.parse(image.stdout)).toMatchObject({ prefix: '/wine', layers: [{}, {}] });

      // What was written by another version of a file is merged with what this one has.
      const key = String.raw`HKCU\Software\Plinth`;
      const state = join(user.folder, 'kept');
      const kept = spawnSync(
        join(user.work, 'reg.plinth'),
        ['--plinth-state', state, 'add', key, '/v', 'Kept', '/d', 'yes'],
        {
          cwd: user.work,
          encoding: 'utf8',
        },
      );
      expect(kept.status, kept.stderr).toBe(0);
      const updated = user.plinth('app', 'run', '--state', state, 'demo.plinth');
      expect(updated.status, updated.stderr).toBe(0);
      expect(registryOf('demo', '--state', state)).toEqual(
        expect.arrayContaining([
          String.raw`added HKEY_CURRENT_USER\Software\Plinth Kept REG_SZ "yes"`,
          String.raw`added HKEY_CURRENT_USER\Software\Demo Starts REG_DWORD 1`,
        ]),
      );
      const system = readFileSync(join(state, 'upper/root/wine/system.reg'), 'latin1');
      expect(system).toContain('"Place"="C:\\\\Program Files\\\\Demo"');
    },
    LONG,
  );

  /** A program that has written to its registry and goes on, which Wine keeps in memory for half a minute. */
  const startWriting = async (state: string): Promise<ChildProcess> => {
    const command = String.raw`reg add HKCU\Software\Plinth /v Late /d yes & ping -n 1000 127.0.0.1`;
    const child = user.start('./cmd.plinth', '--plinth-state', state, '/c', command);
    let said = '';
    child.stdout!.on('data', (bytes: Buffer) => (said += bytes.toString()));
    await until('a word of the program', () => said.includes('success'));
    return child;
  };
  const LATE = String.raw`added HKEY_CURRENT_USER\Software\Plinth Late REG_SZ "yes"`;

  // All processes at once are told by a terminal that is closed, by timeout(1) and by managers of services.
  it.each([
    ['SIGTERM', 'one', 143],
    ['SIGTERM', 'all', 143],
    ['SIGHUP', 'all', 129],
  ] as const)(
    'keeps its registry when it is told to end: %s to %s',
    async (signal, who, status) => {
      const state = `ended-${signal}-${who}`;
      const child = await startWriting(state);
      const end = once(child, 'close');
      process.kill(who === 'one' ? child.pid! : -child.pid!, signal);
      expect(await end).toEqual([status, null]);
      expect(registryOf('cmd', '--state', state)).toContain(LATE);
      expect(user.leftovers).toEqual([]);
    },
    LONG,
  );

  it(
    'keeps its registry when Wine takes longer to write it than its own wineserver -k would wait',
    async () => {
      const child = await startWriting('slow');
      const end = once(child, 'close');
      const server = descendantWith(child.pid!, 'wineserver64');
      // A debugger that holds it, for longer than the 10.5 seconds of kill_lock_owner in Wine's server/request.c.
      const hold = spawn('gdb-multiarch', ['-batch', '-p', String(server), '-ex', 'shell sleep 15'], {
        stdio: 'ignore',
      });
      const held = once(hold, 'close');
      await until('a debugger at the server', () => /^TracerPid:\s*[1-9]/m.test(statusOf(server)));
      child.kill('SIGTERM');
      await held;
      expect(await end).toEqual([143, null]);
      expect(registryOf('cmd', '--state', 'slow')).toContain(LATE);
    },
    LONG,
  );

  it(
    'ends when it is told while Wine starts',
    async () => {
      const child = user.start('./cmd.plinth', '--plinth-state', 'starting', '/c', 'ping -n 1000 127.0.0.1');
      const end = once(child, 'close');
      await until('a server of Wine', () => descendantWith(child.pid!, 'wineserver64') !== 0);
      child.kill('SIGTERM');
      expect(await end).toEqual([143, null]);
      expect(user.leftovers).toEqual([]);
    },
    LONG,
  );

  it(
    'has a window',
    async () => {
      pack('winemine', '--windows', '--display', '--entry', 'winemine');
      // It takes a display that nobody has, and says which when it can be used. It does not begin anew, and so end the program, when
      // xwininfo was its last client.
      const server = spawn('Xvfb', ['-noreset', '-displayfd', '1', '-screen', '0', '640x480x24', '-ac'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      try {
        const [number] = (await once(server.stdout, 'data')) as [Buffer];
        const display = `:${number.toString().trim()}`;
        const child = user.start('env', `DISPLAY=${display}`, './winemine.plinth');
        const ended = once(child, 'close');
        const tree = (): string =>
          spawnSync('xwininfo', ['-root', '-tree', '-display', display], { encoding: 'utf8' }).stdout;
        await until('its window', () => tree().includes('"WineMine"'));
        child.kill('SIGTERM');
        expect(await ended).toEqual([143, null]);
      } finally {
        server.kill();
      }
      expect(user.leftovers).toEqual([]);
    },
    LONG,
  );
});
