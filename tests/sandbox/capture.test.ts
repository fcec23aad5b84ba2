// SPDX-License-Identifier: Apache-2.0
// Installers whose work is captured into a program in one file, which a user without rights runs then.

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { until } from '../setup/until.js';
import { allEnded, AppUser, ownSeconds, processesWith, whyNoApps } from './app-user.js';

const FILE = 'tests/sandbox/capture.test.ts';
/** Of Debian's base-files and base-passwd, which every host has. */
const REMOVED = '/usr/share/common-licenses/Apache-2.0';
const REPLACED = '/usr/share/base-passwd';
const reason = whyNoApps(FILE) ?? (existsSync(REMOVED) && existsSync(REPLACED) ? undefined : 'this is no Debian');
const lacking = ['cc', 'make'].filter((name) => spawnSync(name, ['--version']).status !== 0);
if (lacking.length > 0) console.log(`skipped: ${FILE}: there is no ${lacking.join(', no ')}`);

/** Nothing on the host has such names. */
const NAME = `plinth-captured-${process.pid}`;
const MARK = ownSeconds(4711);

const INSTALL = `#!/bin/sh
set -e
prefix=$1
mkdir -p $prefix/bin $prefix/share ~/.config/${NAME} ~/.cache/${NAME} /var/cache/${NAME}
cat > $prefix/bin/main <<END
#!/bin/sh
cat $prefix/share/data ~/.config/${NAME}/settings
ls ${REMOVED} 2>&1 | tail -n 1
readlink ${REPLACED}
[ -e /usr/bin/env ] && echo the host is there
echo "\\$@" > ~/written
END
chmod 755 $prefix/bin/main
ln -s $prefix/bin/main /usr/local/bin/${NAME}
echo data > $prefix/share/data
echo settings > ~/.config/${NAME}/settings
for place in ~/.cache /var/cache; do echo passing > $place/${NAME}/file; done
touch /usr/bin/env || echo as a user it may not
rm ${REMOVED}
rm -r ${REPLACED}
ln -s base-files ${REPLACED}
echo log > install.log
echo installed
sleep ${MARK} &
`;

const PROGRAM = `#include <stdio.h>
#include "answer.h"
int main(void) { printf("%d\\n", answer()); return 3; }
`;
const MAKEFILE = `PREFIX = /usr/local
LIB = $(PREFIX)/lib/${NAME}
program: program.c libanswer.so
	cc -o $@ program.c -L. -lanswer -Wl,-rpath,$(LIB)
libanswer.so: answer.c
	cc -shared -fPIC -o $@ answer.c
install: program
	install -d $(DESTDIR)$(LIB) $(DESTDIR)$(PREFIX)/bin
	install -m 644 libanswer.so $(DESTDIR)$(LIB)/
	install program $(DESTDIR)$(PREFIX)/bin/${NAME}
`;

/** What it finds when it runs. */
const SEEN = `data\nsettings\nls: cannot access '${REMOVED}': No such file or directory\nbase-files\nthe host is there\n`;

interface Packed {
  readonly entry: string;
  readonly isolation: Readonly<Record<string, string>>;
  readonly captured: {
    readonly files: number;
    readonly bytes: number;
    readonly removed: number;
    readonly leftOut: readonly { readonly place: string; readonly files: number }[];
  };
}

describe('an installer that is captured', unless(reason), () => {
  let user: AppUser;
  beforeAll(() => {
    user = new AppUser();
    user.write(join(user.work, 'install.sh'), INSTALL);
  });
  afterAll(() => user[Symbol.dispose]());

  const capture = (command: string, ...options: readonly string[]) =>
    user.plinth('app', 'pack', '--capture', command, ...options);
  const packed = (command: string, ...options: readonly string[]): Packed => {
    const { status, stdout, stderr } = capture(command, '--json', ...options);
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.any(String) as string });
    return JSON.parse(stdout) as Packed;
  };
  const workspaces = (): string[] => {
    const all = join(user.home, '.local/share/plinth/workspaces');
    return existsSync(all) ? readdirSync(all) : [];
  };
  const hasMarked = (): boolean => processesWith(MARK).length > 0;

  it('is a program that runs anywhere, and the host is as it was', () => {
    const prefix = `/opt/${NAME}`;
    const made = packed(`sh install.sh ${prefix}`, '-o', 'one.plinth');
    expect(made.entry).toBe(`/usr/local/bin/${NAME}`);
    expect(made.isolation).toEqual({ '/opt': 'write-copy', '/usr': 'write-copy', '{home}': 'write-copy' });
    // Touching a file is no change, and a directory of which nothing is left is none that is removed.
    expect(made.captured).toMatchObject({ files: 5, removed: 1 });
    expect(made.captured.leftOut).toEqual(
      expect.arrayContaining([
        { place: '/var/cache', files: 1 },
        { place: user.work, files: 1 },
        { place: join(userInfo().homedir, '.cache'), files: 1 },
      ]),
    );
    for (const path of [prefix, `/usr/local/bin/${NAME}`, join(user.work, 'install.log')])
      expect(existsSync(path)).toBe(false);
    expect(existsSync(REMOVED)).toBe(true);
    expect(lstatSync(REPLACED).isDirectory()).toBe(true);
    expect(hasMarked()).toBe(false);
    expect(workspaces()).toEqual([]);

    expect(user.run('./one.plinth', 'a', 'b')).toEqual({ status: 0, stdout: SEEN, stderr: '' });
    expect(existsSync(join(user.home, 'written'))).toBe(false);
    expect(user.plinth('app', 'diff', 'one.plinth').stdout).toBe('added     {home}/written  4 bytes\n');
    expect(user.run('./one.plinth', '--plinth-no-fuse').stdout).toBe(SEEN);
    expect(user.run('./one.plinth', '--plinth-extract', 'out').status).toBe(0);
    expect(readFileSync(join(user.work, `out/root${prefix}/share/data`), 'utf8')).toBe('data\n');
    expect(readFileSync(join(user.work, `out/known/home/.config/${NAME}/settings`), 'utf8')).toBe('settings\n');
    expect(readdirSync(join(user.work, 'out/root')).sort()).toEqual(['opt', 'usr']);
  });

  it('runs where something is mounted below directories that it has files in, which then cannot be written', ({
    skip,
  }) => {
    if (process.getuid?.() !== 0) skip('only root can mount something there');
    const again = user.runWith({ covered: '/usr/share/doc' }, './one.plinth');
    expect(again).toEqual({ status: 0, stdout: SEEN, stderr: '' });
    packed('cp /bin/sh ~/shell; touch /usr/local/there', '--entry', '{home}/shell', '-o', 'shell.plinth');
    const script = 'ls /usr/local/there; echo x > /usr/bin/new && cat /usr/bin/new; echo x > /usr/new';
    const { status, stdout, stderr } = user.runWith({ covered: '/usr/local/src' }, './shell.plinth', '-c', script);
    expect(stdout).toBe('/usr/local/there\nx\n');
    expect(stderr).toContain('/usr/new: Read-only file system');
    expect(status).toBe(2);
  });

  it('may make a directory of the host anew: what was there before is there if it was put back', () => {
    const again = `cp -a ${REPLACED} /tmp/copy && rm -r ${REPLACED} && cp -a /tmp/copy ${REPLACED} && rm ${REPLACED}/group.master`;
    const program = `echo new > ${REPLACED}/new && mkdir ~/bin && cp /bin/ls ~/bin`;
    packed(`${again} && ${program}`, '--argument', REPLACED, '-o', 'again.plinth');
    const names = readdirSync(REPLACED).filter((name) => name !== 'group.master');
    expect(user.run('./again.plinth').stdout.trimEnd().split('\n')).toEqual([...names, 'new'].sort());
    expect(existsSync(join(REPLACED, 'group.master'))).toBe(true);
  });

  it('may be make, which compiles before', ({ skip }) => {
    if (lacking.length > 0) skip(`there is no ${lacking.join(', no ')}`);
    user.write(join(user.work, 'program.c'), PROGRAM);
    user.write(join(user.work, 'answer.h'), 'int answer(void);\n');
    user.write(join(user.work, 'answer.c'), 'int answer(void) { return 42; }\n');
    user.write(join(user.work, 'Makefile'), MAKEFILE);
    const { status, stdout, stderr } = capture('make install', '--capture-deny', 'net', '-o', 'made.plinth');
    expect(status).toBe(0);
    expect(stdout).toBe(`made.plinth: made 0, starts /usr/local/bin/${NAME}\n`);
    expect(stderr).toMatch(/^captured: 2 files, \d+ KiB; left out: 2 files in the current directory /m);
    expect(existsSync(join(user.work, 'program'))).toBe(false);
    expect(user.run('./made.plinth')).toEqual({ status: 3, stdout: '42\n', stderr: '' });
    // And what it was compiled in, if that is asked for.
    packed('make program', '--capture-keep', '.', '--entry', join(user.work, 'program'), '-o', 'kept.plinth');
    expect(user.run('./kept.plinth', '--plinth-extract', 'kept').status).toBe(0);
    expect(readdirSync(join(user.work, `kept/root${user.work}`)).sort()).toEqual(['libanswer.so', 'program']);
  });

  it('may be run by a user without rights, for places that are not the user’s', ({ skip }) => {
    const why = user.whyNotPlinth();
    if (why !== undefined) skip(why);
    const command = `sh install.sh /usr/local/${NAME}`;
    const { status, stdout, stderr } = user.runPlinth(
      'app',
      'pack',
      '--capture',
      command,
      '-o',
      'mine.plinth',
      '--json',
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.any(String) as string });
    expect((JSON.parse(stdout) as Packed).captured).toMatchObject({ files: 5, removed: 1 });
    expect(user.run('./mine.plinth').stdout).toContain('data\nsettings\n');
    expect(hasMarked()).toBe(false);
  });

  it('may be carried by FUSE, and what it removes is removed for every kernel', ({ skip }) => {
    if (process.getuid?.() !== 0) skip('only root can mount what overlayfs refuses');
    const command = `sh install.sh /opt/${NAME}`;
    const packing = ['app', 'pack', '--capture', command, '-o', 'served.plinth', '--json'];
    const { status, stdout, stderr } = user.plinthOverOverlay(...packing);
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.any(String) as string });
    expect((JSON.parse(stdout) as Packed).captured).toMatchObject({ files: 5, removed: 1 });
    expect(user.run('./served.plinth').stdout).toBe(SEEN);
    expect(hasMarked()).toBe(false);
  });

  it('is asked which of its programs is meant, and may have put it into the home', () => {
    const two =
      'mkdir -p ~/.local/bin; for name in one two; do cp /bin/echo ~/.local/bin/$name; done; cp /bin/echo ~/none';
    expect(capture(two, '-o', 'which.plinth')).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining(
        'plinth: --entry PATH is wanted: which of its programs is meant: {home}/.local/bin/one, {home}/.local/bin/two\n',
      ) as string,
    });
    const entry = '{home}/.local/bin/two';
    expect(packed(two, '--entry', entry, '--isolate', '{home}=full', '-o', 'which.plinth')).toMatchObject({
      entry,
      isolation: { '{home}': 'full' },
    });
    expect(user.run('./which.plinth', 'said').stdout).toBe('said\n');
    const wrong = capture(two, '--entry', '/usr/bin/three', '-o', 'wrong.plinth');
    expect(wrong.stderr).toContain('plinth: --entry /usr/bin/three: no program of that path is among the files\n');
    expect(wrong.status).toBe(2);
  });

  it('packs nothing if it fails, or has written nothing', () => {
    const failed = capture('echo to whoever looks; mkdir /opt/half; exit 7', '-o', 'none.plinth');
    expect(failed.stderr).toMatch(
      /to whoever looks\nplinth: --capture: the command left with 7, nothing is packed.*\n$/,
    );
    expect(failed).toMatchObject({ status: 2, stdout: '' });
    const empty = capture('echo x > log', '-o', 'none.plinth');
    expect(empty.stderr).toContain(
      'plinth: --capture echo x > log: it has written nothing to pack; left out: 1 file in the current directory',
    );
    expect(empty.status).toBe(2);
    for (const options of [['tree'], ['--deb', 'jq']])
      expect(user.plinth('app', 'pack', ...options, '--capture', 'true', '-o', 'none.plinth').status).toBe(2);
    expect(capture('true', '--capture-deny', 'all', '-o', 'none.plinth').status).toBe(2);
    expect(existsSync(join(user.work, 'none.plinth'))).toBe(false);
    expect(workspaces()).toEqual([]);
  });

  it('leaves nothing when plinth is ended, or killed and doctor asked', async () => {
    const command = `echo x > /opt/${NAME}; sleep ${MARK} & sleep ${MARK}`;
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const child = user.startPlinth('app', 'pack', '--capture', command, '-o', 'ended.plinth');
      const ended = once(child, 'close');
      await until('what the installer begins', () => processesWith(`sleep\0${MARK}`).length >= 2);
      child.kill(signal);
      await ended;
      await allEnded(MARK);
      if (signal === 'SIGKILL') {
        const [left] = workspaces();
        expect(left).toMatch(new RegExp(`^\\.plinth-capture-${child.pid}-`));
        expect(user.plinth('doctor', '--clean').stdout).toContain(`${left}: removed\n`);
      }
      expect(workspaces()).toEqual([]);
    }
    expect(readdirSync(user.work).filter((name) => name.startsWith('.plinth-'))).toEqual([]);
    expect(existsSync(join(user.work, 'ended.plinth'))).toBe(false);
  });
});
