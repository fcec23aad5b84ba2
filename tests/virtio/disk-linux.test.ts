// SPDX-License-Identifier: Apache-2.0
// Debian's own virtio drivers on our disks, and the same commands in QEMU: what is read, written, flushed and discarded
// is on the host's file byte for byte, for both versions of the register window.

import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commandOutput, missingQemu, plinth, qemu } from '../boot/guest.js';
import { missingModules, VirtioGuest } from './guest.js';

const missing = await missingModules();
const APPEND = 'console=ttyAMA0 quiet cryptomgr.notests';
const SIZE = 5 * 1024 * 1024;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Reads all, writes in three ways, and reads again past the cache. */
const COMMAND = `
cat /sys/block/vda/size /sys/block/vda/ro
sha256sum </dev/vda
dd if=/dev/zero of=/dev/vda bs=4k seek=3 count=100 conv=fsync 2>/dev/null
printf 'plinth' | dd of=/dev/vda bs=1 seek=1000001 conv=notrunc 2>/dev/null
head -c 300000 /dev/vda | tail -c 200000 | dd of=/dev/vda bs=200000 seek=20 conv=fsync 2>/dev/null
sync; echo 3 >/proc/sys/vm/drop_caches
sha256sum </dev/vda
`;

/** What COMMAND makes of a disk. */
function changed(disk: Uint8Array): Buffer {
  const bytes = Buffer.from(disk);
  bytes.fill(0, 3 * 4096, 103 * 4096);
  bytes.write('plinth', 1_000_001, 'latin1');
  bytes.copyWithin(20 * 200_000, 100_000, 300_000);
  return bytes;
}

function story(before: Uint8Array, after: Uint8Array): string {
  return `${before.length / 512}\n0\n${sha256(before)}  -\n${sha256(after)}  -\n`;
}

function run(guest: VirtioGuest, ...options: string[]): { output: string; stderr: string; status: number | null } {
  const machine = ['--memory', '128M', '--kernel', guest.kernel, '--initrd', guest.initrd, '--append', APPEND];
  const { stdout, stderr, status } = plinth('run', ...machine, ...options);
  return { output: commandOutput(stdout), stderr, status };
}

describe('a disk in Linux', () => {
  for (const version of ['modern', 'legacy']) {
    it(`is on the host what it is in the guest, ${version}`, ({ skip }) => {
      skip(missing !== undefined, missing);
      using guest = new VirtioGuest(COMMAND);
      const before = randomBytes(SIZE);
      const disk = guest.file('disk.img', before);
      const result = run(guest, '--drive', `file=${disk},format=raw,if=virtio`, '--virtio', version);
      const after = changed(before);
      expect(result).toEqual({ output: story(before, after), stderr: '', status: 0 });
      expect(sha256(readFileSync(disk))).toBe(sha256(after));
    });

    it(`is what QEMU's is, ${version}`, async ({ skip }) => {
      const reason = missing ?? missingQemu();
      skip(reason !== undefined, reason);
      using guest = new VirtioGuest(COMMAND);
      const before = randomBytes(SIZE);
      const disk = guest.file('disk.img', before);
      const machine = `-M virt -cpu cortex-a15 -m 128 -global virtio-mmio.force-legacy=${version === 'legacy'}`;
      const devices = '-device virtio-blk-device,drive=d -device virtio-rng-device';
      const drive = ['-drive', `file=${disk},format=raw,if=none,id=d`];
      const linux = ['-kernel', guest.vmlinuz, '-initrd', guest.initrd, '-append', APPEND];
      const output = await qemu(...`${machine} ${devices}`.split(' '), ...drive, ...linux);
      const after = changed(before);
      expect(commandOutput(output)).toBe(story(before, after));
      expect(sha256(readFileSync(disk))).toBe(sha256(after));
    });
  }

  it('keeps changes in an overlay, forgets them in a snapshot, and refuses them read-only', ({ skip }) => {
    skip(missing !== undefined, missing);
    using guest = new VirtioGuest(COMMAND);
    const before = randomBytes(SIZE);
    const after = changed(before);
    const disk = guest.file('disk.img', before);
    const overlay = guest.file('changes');
    const expected = { output: story(before, after), stderr: '', status: 0 };
    expect(run(guest, '--drive', `${disk},snapshot`)).toEqual(expected);
    expect(run(guest, '--drive', `${disk},overlay=${overlay}`)).toEqual(expected);
    // What the first run wrote is what the second one finds.
    const again = run(guest, '--drive', `${disk},overlay=${overlay}`);
    expect(again.output).toBe(story(after, changed(after)));
    expect(existsSync(overlay)).toBe(true);
    expect(sha256(readFileSync(disk))).toBe(sha256(before));
    const readOnly = run(guest, '--drive', `${disk},readonly`);
    expect(readOnly.output).toBe(`${SIZE / 512}\n1\n${sha256(before)}  -\n${sha256(before)}  -\n`);
  });

  it('finds disks in the order of the command line, with the random source behind them', ({ skip }) => {
    skip(missing !== undefined, missing);
    using guest = new VirtioGuest(
      'for d in vda vdb; do cat /sys/block/$d/serial; echo; done; head -c 8 /dev/hwrng | wc -c; cat /sys/bus/virtio/devices/*/device',
    );
    const drives = ['a.img', 'b.img'].flatMap((name) => ['--drive', guest.file(name, new Uint8Array(65536))]);
    const { output, status } = run(guest, ...drives);
    expect({ output: output.replace(/\n+/g, ' '), status }).toEqual({
      output: 'a.img b.img 8 0x0002 0x0002 0x0004 ',
      status: 0,
    });
  });

  it('does the same again with the same seed, on either engine', ({ skip }) => {
    skip(missing !== undefined, missing);
    using guest = new VirtioGuest(`sha256sum </dev/vda; head -c 32 /dev/hwrng | sha256sum; dmesg | sha256sum`);
    const disk = guest.file('disk.img', randomBytes(1 << 20));
    const drive = ['--drive', `${disk},snapshot`, '--seed', '07', '--wall-clock', '0'];
    const first = run(guest, ...drive);
    expect(first.output).toMatch(/^([0-9a-f]{64} {2}-\n){3}$/);
    expect(run(guest, ...drive, '--engine', 'interpreter')).toEqual(first);
  });
});
