// SPDX-License-Identifier: Apache-2.0
// Debian's kernel with disks, a shared folder and a network, recorded: replayed without the folder and the network, on
// either engine, and gone back in.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandOutput, plinth } from '../boot/guest.js';
import { missingDriver, NetGuest } from '../net/guest.js';
import { ADDRESS, GATEWAY, missingNamespace, Namespace, Output } from '../../bench/src/namespace.js';
import { missingUserNamespaces } from '../setup/namespaces.js';
import { missingModules, VirtioGuest } from '../virtio/guest.js';
import { expectExactPast, readRecording } from './past.js';

const SHARE_MODULES = ['netfs', 'fscache', '9pnet', '9pnet_virtio', '9p'];
const missing = await missingModules(SHARE_MODULES);
const MIB = 1024 * 1024;

const COMMAND = `
mkdir -p /mnt; mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 share0 /mnt || exit 1
for n in 1 2 3; do
  dd if=/dev/hwrng of=/dev/vda bs=64k count=8 seek=$n conv=notrunc 2>/dev/null
  dd if=/mnt/big of=/dev/vdb bs=100k seek=$n conv=notrunc 2>/dev/null; sync
  echo 3 >/proc/sys/vm/drop_caches
  cat /dev/vda /dev/vdb /dev/vdc | sha256sum; echo $n >>/mnt/notes
done
cat /mnt/notes; ls -l /mnt | wc -l; date +%Y
`;

/** Records it; what the guest has printed, and the file. The folder is gone then. */
function record(guest: VirtioGuest): { readonly file: string; readonly output: string } {
  const shared = guest.file('shared');
  mkdirSync(shared);
  writeFileSync(
    join(shared, 'big'),
    new Uint8Array(MIB).map((_, n) => n * n),
  );
  const disk = (name: string, fill: number): string => guest.file(name, new Uint8Array(4 * MIB).fill(fill));
  const file = guest.file('run.rec');
  const drives = [
    `${disk('a', 1)},overlay=${guest.file('changes')}`,
    `${disk('b', 2)},snapshot`,
    `${disk('c', 3)},readonly`,
  ];
  const machine = ['--memory', '128M', '--kernel', guest.kernel, '--initrd', guest.initrd];
  const append = ['--append', 'console=ttyAMA0 quiet cryptomgr.notests'];
  const devices = ['--share', shared, ...drives.flatMap((drive) => ['--drive', drive])];
  const { stdout, stderr, status } = plinth('record', ...machine, ...append, ...devices, '-o', file);
  expect(status, stderr).toBe(0);
  rmSync(shared, { recursive: true });
  return { file, output: commandOutput(stdout) };
}

function expectReplayed(file: string, output: string): void {
  for (const engine of ['interpreter', 'translator']) {
    const { stdout, stderr, status } = plinth('replay', file, '--engine', engine);
    expect([status, commandOutput(stdout)], stderr).toEqual([0, output]);
    expect(stderr).toMatch(/^plinth: replay: the same to its end: \d+ checkpoints, \d+ of them with all of RAM;/);
  }
}

describe('a recorded guest with devices', () => {
  let guest: VirtioGuest | undefined;
  let file: string;
  let output: string;
  beforeAll(() => {
    if (missing !== undefined) return;
    guest = new VirtioGuest(COMMAND, SHARE_MODULES);
    ({ file, output } = record(guest));
  });
  afterAll(() => guest?.[Symbol.dispose]());

  it('is replayed without its folder, and its disks stay as they are', ({ skip }) => {
    skip(missing !== undefined, missing);
    expect(output).toMatch(/^(\w{64} {2}-\n){3}1\n2\n3\n3\n20\d\d\n$/);
    const changes = readFileSync(guest!.file('changes'));
    expectReplayed(file, output);
    expect(Buffer.compare(readFileSync(guest!.file('changes')), changes)).toBe(0);
    expect(readFileSync(guest!.file('b')).every((byte) => byte === 2)).toBe(true);
  });

  it('has the disks of the past there', async ({ skip }) => {
    skip(missing !== undefined, missing);
    // What is read from the disks depends on what was written before.
    await expectExactPast(await readRecording(file), 12, 1);
  });

  const missingPasst = spawnSync('passt', ['--version']).status === 0 ? undefined : 'passt is not installed';

  it('is replayed without its network', async ({ skip }) => {
    const reason = missingPasst ?? missingUserNamespaces() ?? missingNamespace() ?? (await missingDriver());
    skip(reason !== undefined, reason);
    using net = new NetGuest(`
ip link set eth0 up; ip address add ${ADDRESS}/24 dev eth0; ip route add default via ${GATEWAY}
until wget -q -O /tmp/file http://${GATEWAY}:8080/file; do sleep 0.1; done; sha256sum </tmp/file
wget -q -O /dev/null http://${GATEWAY}:8080/fetched; true
`);
    using namespace = await Namespace.create();
    const peer = join(import.meta.dirname, '../net/peer.mjs');
    const offering = new Output(namespace.start(process.execPath, peer, '2000000', '2222'));
    await offering.until('offers');
    const recorded = net.file('net.rec');
    const child = namespace.start(process.execPath, ...net.run('--net', 'user', '--record', recorded));
    const errors = new Output(child, 'stderr');
    const console = new Output(child);
    expect(await console.ended, errors.text).toBe(0);
    const seen = commandOutput(console.text);
    expect(seen).toBe(`${/offers (\w+)/.exec(offering.text)![1]}  -\n`);
    expectReplayed(recorded, seen);
  });
});
