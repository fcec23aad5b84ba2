// SPDX-License-Identifier: Apache-2.0
// Debian's own 9P driver on a folder of the host, and the same commands with QEMU's virtfs: what the guest sees and what
// is in the folder afterwards are the same.

import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandOutput, missingQemu, plinth, qemu } from '../boot/guest.js';
import { missingModules, VirtioGuest } from './guest.js';

/** In the order in which they are loaded. */
const SHARE_MODULES = ['netfs', 'fscache', '9pnet', '9pnet_virtio', '9p'];
const missing = await missingModules(SHARE_MODULES);
const APPEND = 'console=ttyAMA0 quiet cryptomgr.notests';
const MOUNT =
  'mkdir -p /mnt; mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 share0 /mnt || exit 1; cd /mnt\n';
const ENTRIES = 3000;

const COMMAND = `${MOUNT}
sha256sum big
dd if=big of=copy bs=100k 2>/dev/null; sha256sum copy
mkdir -p a/b; mv copy a/b/moved; rm big; ln a/b/moved second; echo more >>second; tail -c 5 a/b/moved
ln -s /etc/shadow link; readlink link; cat link 2>/dev/null; ln -s ../private outside; ls outside/ 2>&1
chmod 640 second; touch -d '2001-02-03 04:05:06' second; stat -c '%a %s %h %Y %F' second; stat -c '%F' a link
ls many | wc -l; ls many | sort | sha256sum
rmdir a/b 2>&1; mkdir gone; rmdir gone; rm many/entry-7; (exec 3<>open; rm open; echo text >&3; stat -L -c %s /proc/self/fd/3)
cat ../../../mnt/../mnt/second | wc -c; ls a
`;

/** A folder to share, with one beside it that is not. */
function sharedFolder(guest: VirtioGuest, big: Uint8Array): string {
  const shared = guest.file('shared');
  mkdirSync(join(shared, 'many'), { recursive: true });
  mkdirSync(guest.file('private'));
  writeFileSync(guest.file('private/secret'), 'secret');
  writeFileSync(join(shared, 'big'), big);
  for (let n = 0; n < ENTRIES; n++) writeFileSync(join(shared, 'many', `entry-${n}`), '');
  return shared;
}

/** All that is in a folder, for comparing; of many files, how many. */
function contents(folder: string): unknown {
  return readdirSync(folder)
    .toSorted()
    .map((name) => {
      const path = join(folder, name);
      const { mode, mtimeMs } = lstatSync(path);
      if (name === 'many') return readdirSync(path).length;
      if (lstatSync(path).isSymbolicLink()) return [name, readlinkSync(path)];
      if (lstatSync(path).isDirectory()) return [name, mode.toString(8), contents(path)];
      return [name, mode.toString(8), mtimeMs, createHash('sha256').update(readFileSync(path)).digest('hex')];
    });
}

function run(guest: VirtioGuest, ...options: string[]): { output: string; stderr: string; status: number | null } {
  const machine = ['--memory', '128M', '--kernel', guest.kernel, '--initrd', guest.initrd, '--append', APPEND];
  const { stdout, stderr, status } = plinth('run', ...machine, ...options);
  return { output: commandOutput(stdout), stderr, status };
}

describe('a shared folder in Linux', () => {
  it('is what it is on the host, and what QEMU’s is', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const big = randomBytes(3_000_000);
    const after = createHash('sha256').update(big).update('more\n').digest('hex');
    using guest = new VirtioGuest(COMMAND, SHARE_MODULES);
    const shared = sharedFolder(guest, big);
    const { output, stderr, status } = run(guest, '--share', shared);
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    const before = createHash('sha256').update(big).digest('hex');
    expect(output).toContain(`${before}  big\n${before}  copy\nmore\n/etc/shadow\n`);
    expect(output).not.toContain('secret');
    expect(output).toContain(`640 3000005 2 981173106 regular file\ndirectory\nsymbolic link\n${ENTRIES}\n`);
    const files = contents(shared);
    expect(JSON.stringify(files)).toContain(`981173106000,"${after}"`);
    expect(readlinkSync(join(shared, 'link'))).toBe('/etc/shadow');
    const noQemu = missingQemu();
    skip(noQemu !== undefined, noQemu);
    using other = new VirtioGuest(COMMAND, SHARE_MODULES);
    const theirs = sharedFolder(other, big);
    const linux = ['-kernel', other.vmlinuz, '-initrd', other.initrd, '-append', APPEND];
    const folder = ['-fsdev', `local,path=${theirs},id=f,security_model=none`];
    const device = ['-device', 'virtio-9p-device,fsdev=f,mount_tag=share0'];
    const console = await qemu('-M', 'virt', '-cpu', 'cortex-a15', '-m', '128', ...linux, ...folder, ...device);
    expect(output).toBe(commandOutput(console));
    expect(files).toEqual(contents(theirs));
  });

  it('is changed by nobody if it is read-only, and takes no devices', ({ skip }) => {
    skip(missing !== undefined, missing);
    const command = `${MOUNT}
(echo x >new; rm big; mv big other; mkdir d; chmod 0 big) 2>&1 | grep -c 'Read-only file system'
umount /mnt 2>/dev/null || (cd /; umount /mnt); mount -t 9p -o trans=virtio,version=9p2000.L writable /mnt; cd /mnt
(mknod null c 1 3; mkfifo fifo) 2>&1 | grep -c 'Operation not permitted'; echo x >new; chmod 6755 new; stat -c %a new
`;
    using guest = new VirtioGuest(command, SHARE_MODULES);
    const shared = sharedFolder(guest, Buffer.from('big'));
    const writable = guest.file('writable');
    mkdirSync(writable);
    const virtfs = `local,path=${writable},mount_tag=writable,security_model=none`;
    const { output, status } = run(guest, '--share', `${shared},readonly`, '--virtfs', virtfs);
    expect({ output, status }).toEqual({ output: '5\n2\n755\n', status: 0 });
    expect(readdirSync(shared).toSorted()).toEqual(['big', 'many']);
    expect(readdirSync(writable)).toEqual(['new']);
  });
});
