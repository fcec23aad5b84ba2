// SPDX-License-Identifier: Apache-2.0
// What happens to the server of layers: it is killed, meets traps in its layers, serves in a namespace of a user without rights.

import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fuseMounts, mountFuse, nativeCalls, nativeFileCalls, openFuse } from '@plinth/linux';
import { clearDeadLayerMounts, LayerServer, LAYERS_SOURCE } from '@plinth/sandbox';
import { describe, expect, it } from 'vitest';
import { asUser, NOBODY, whyUnreadable } from '../setup/other-users.js';
import { unless } from '../setup/skipping.js';
import { setAttribute } from './file-tree.js';
import { whyNotIsolated } from './isolated.js';
import { LayeredFolder, whyNotMounted } from './layered-mount.js';
import { usableFuse } from './usable-devices.js';
import { WorkspaceUser } from './workspace-user.js';

const calls = nativeFileCalls();
const reason = whyNotMounted('tests/sandbox/layer-server.test.ts');

describe('a server of layers', unless(reason), () => {
  it('leaves a mount that nobody waits for when it is killed, which is found and cleared', async () => {
    using stack = new LayeredFolder();
    writeFileSync(join(stack.base, 'file'), 'x');
    await stack.mount('our server');
    expect(readdirSync(stack.merged)).toEqual(['file']);
    process.kill(stack.server.process, 'SIGKILL');
    await stack.server.ended();
    expect(() => readdirSync(stack.merged)).toThrow('ENOTCONN');
    const isOurs = ({ target }: { readonly target: string }): boolean => target === stack.merged;
    expect((await fuseMounts(LAYERS_SOURCE)).filter(isOurs)).toEqual([{ target: stack.merged, dead: true }]);
    using user = new WorkspaceUser();
    const { stdout } = user.plinth('doctor', '--clean', '--json');
    expect((JSON.parse(stdout) as { readonly leftovers: readonly string[] }).leftovers).toContain(stack.merged);
    expect((await fuseMounts(LAYERS_SOURCE)).filter(isOurs)).toEqual([]);
    expect(readdirSync(stack.merged)).toEqual([]);
    await stack.mount('our server');
    expect(readdirSync(stack.merged)).toEqual(['file']);
    expect((await clearDeadLayerMounts(calls)).filter(isOurs)).toEqual([]);
    await stack.unmount();
  });

  it('is not taken for dead, and waited for by nobody, when it is stopped', async () => {
    using stack = new LayeredFolder();
    await stack.mount('our server');
    process.kill(stack.server.process, 'SIGSTOP');
    try {
      const found = (await fuseMounts(LAYERS_SOURCE)).filter(({ target }) => target === stack.merged);
      expect(found).toEqual([{ target: stack.merged, dead: false }]);
    } finally {
      process.kill(stack.server.process, 'SIGCONT');
    }
    await stack.unmount();
  });

  it('serves a descriptor that somebody else has mounted', async () => {
    using stack = new LayeredFolder();
    writeFileSync(join(stack.base, 'file'), 'x');
    const { base, middle, upper, work, merged } = stack;
    const system = nativeCalls();
    const fd = openFuse(system);
    mountFuse(system, fd, { source: LAYERS_SOURCE, target: merged, forAll: true });
    const server = await LayerServer.start({ lower: [middle, base], upper, work }, merged, fd);
    system.close(fd);
    expect(readdirSync(merged)).toEqual(['file']);
    await server.stop(calls);
    expect(readdirSync(merged)).toEqual([]);
  });

  it('shows files that are open what others make of them', async () => {
    using stack = new LayeredFolder();
    writeFileSync(join(stack.base, 'file'), 'before\n');
    await stack.mount('our server');
    const fd = openSync(join(stack.merged, 'file'), 'r');
    appendFileSync(join(stack.merged, 'file'), 'after\n');
    expect(readFileSync(fd, 'utf8')).toBe('before\nafter\n');
    closeSync(fd);
    expect(readFileSync(join(stack.base, 'file'), 'utf8')).toBe('before\n');
    await stack.unmount();
  });

  it('writes nothing outside of its upper layer, whatever becomes of that', async () => {
    using stack = new LayeredFolder();
    const outside = join(stack.folder, 'outside');
    mkdirSync(join(outside, 'inner'), { recursive: true });
    writeFileSync(join(outside, 'file'), 'theirs\n');
    mkdirSync(join(stack.base, 'directory/inner'), { recursive: true });
    writeFileSync(join(stack.base, 'directory/file'), 'ours\n');
    await stack.mount('our server');
    const at = (path: string): string => join(stack.merged, path);
    writeFileSync(at('directory/inner/mine'), 'mine\n');
    // Programs that stand in these directories, so that no link leads them, when somebody puts links beneath the server.
    const folder = openSync(at('directory'), 'r');
    const inner = openSync(at('directory/inner'), 'r');
    renameSync(join(stack.upper, 'directory'), join(stack.upper, 'was'));
    symlinkSync(outside, join(stack.upper, 'directory'));
    for (const fd of [folder, inner]) {
      expect(calls.openBelow(fd, 'new', constants.O_CREAT | constants.O_WRONLY, 0o644, 0)).toBeLessThan(0);
      expect(calls.openBelow(fd, 'file', constants.O_RDWR | constants.O_TRUNC, 0, 0)).toBeLessThan(0);
      expect(calls.makeDirectory(fd, 'newer', 0o755)).toBeLessThan(0);
      expect(calls.makeSymbolicLink('x', fd, 'newest')).toBeLessThan(0);
      expect(calls.unlink(fd, 'file', 0)).toBeLessThan(0);
      expect(calls.rename(fd, 'file', fd, 'other', 0)).toBeLessThan(0);
      closeSync(fd);
    }
    expect(readdirSync(outside).sort()).toEqual(['file', 'inner']);
    expect(readdirSync(join(outside, 'inner'))).toEqual([]);
    expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('theirs\n');
    expect(readFileSync(join(stack.base, 'directory/file'), 'utf8')).toBe('ours\n');
    expect(readdirSync(join(stack.upper, 'was/inner'))).toEqual(['mine']);
    await stack.unmount();
  });

  it('refuses what it cannot read rightly', async () => {
    using stack = new LayeredFolder();
    mkdirSync(join(stack.base, 'renamed'));
    setAttribute(join(stack.base, 'renamed'), 'user.overlay.redirect', '/elsewhere');
    writeFileSync(join(stack.base, 'hollow'), '');
    setAttribute(join(stack.base, 'hollow'), 'user.overlay.metacopy', '');
    await stack.mount('our server');
    for (const name of ['renamed', 'hollow']) expect(() => lstatSync(join(stack.merged, name))).toThrow('EIO');
    await stack.unmount();
    const { upper, work } = stack;
    await expect(LayerServer.start({ lower: ['/proc/nowhere'], upper, work }, stack.merged)).rejects.toThrow(
      `${stack.merged}: its files cannot be served: layer /proc/nowhere: ENOENT`,
    );
  });

  it('reads whiteouts that are files, where the directory says that it has such ones', async () => {
    using stack = new LayeredFolder();
    for (const name of ['gone', 'stays']) writeFileSync(join(stack.base, name), 'x');
    mkdirSync(join(stack.base, 'directory'));
    mkdirSync(join(stack.middle, 'directory'));
    for (const name of ['gone', 'stays']) {
      writeFileSync(join(stack.base, 'directory', name), 'x');
      writeFileSync(join(stack.middle, name), '');
      setAttribute(join(stack.middle, name), 'user.overlay.whiteout', '');
    }
    writeFileSync(join(stack.middle, 'directory/gone'), '');
    setAttribute(join(stack.middle, 'directory/gone'), 'user.overlay.whiteout', '');
    setAttribute(join(stack.middle, 'directory'), 'user.overlay.opaque', 'x');
    await stack.mount('our server');
    expect(readdirSync(join(stack.merged, 'directory'))).toEqual(['stays']);
    // The root of the layer does not say so.
    expect(readdirSync(stack.merged).sort()).toEqual(['directory', 'gone', 'stays']);
    await stack.unmount();
  });
});

const notIsolated = reason ?? whyNotIsolated('tests/sandbox/layer-server.test.ts') ?? whyUnreadable();

describe('a server of layers without rights', unless(notIsolated), () => {
  it('mounts in a user namespace of its own', () => {
    using stack = new LayeredFolder();
    writeFileSync(join(stack.base, 'file'), 'base\n');
    spawnSync('chown', ['-R', `${NOBODY}:${NOBODY}`, stack.folder]);
    chmodSync(stack.folder, 0o755);
    const { base, middle, upper, work, merged } = stack;
    const at = { target: merged };
    const options = { lower: [middle, base], upper, work, cacheSeconds: 1, writeback: false, at };
    const main = fileURLToPath(new URL('../../packages/sandbox/dist/fuse/layer-server-main.js', import.meta.url));
    const script = [
      `"$0" "$1" "$2" & server=$!`,
      `until mountpoint -q ${merged}; do kill -0 $server || exit 1; sleep 0.05; done`,
      `cd ${merged} && cat file && echo mine >> file && mkdir d && mv file d/moved && cat d/moved && ls`,
      `cd / && umount ${merged} && wait $server`,
    ].join('\n');
    const device = join(stack.folder, 'device');
    mkdirSync(device);
    const inside = ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', script];
    const command = [...asUser(), ...inside, process.execPath, main, JSON.stringify(options)];
    const words = ['--mount', 'sh', '-c', `${usableFuse(device)} && exec "$@"`, 'sh', ...command];
    const { stdout, stderr, status } = spawnSync('unshare', words, { encoding: 'utf8', timeout: 300_000 });
    expect([stderr, status]).toEqual(['', 0]);
    expect(stdout.replace('begun\n', '')).toBe('base\nbase\nmine\nd\n');
    expect(readFileSync(join(upper, 'd/moved'), 'utf8')).toBe('base\nmine\n');
    expect(lstatSync(join(upper, 'file')).isCharacterDevice()).toBe(true);
    expect(lstatSync(join(upper, 'd')).uid).toBe(NOBODY);
  });
});
