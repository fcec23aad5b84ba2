// SPDX-License-Identifier: Apache-2.0
// A peer that floods a guest, which has other things to do: the guest does them, and what waits for it is bounded.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandOutput } from '../boot/guest.js';
import { BRIDGE, missingBridge } from './bridge.js';
import { missingDriver, NetGuest } from './guest.js';
import { missingNamespace, Namespace, Output } from '../../bench/src/namespace.js';

const FLOODER = join(import.meta.dirname, 'flooder.mjs');
const ADDRESS = '10.5.0.1';
const PORT = 9999;
/** Bytes. */
const DATAGRAM = 1400;
/** Megabytes: of the flood, and by how much its victim may grow, code and the guest's memory included. */
const FLOOD = 500;
const GROWTH = 150;

const missing = missingNamespace() ?? missingBridge() ?? (await missingDriver());

/** Megabytes that a process has had in memory at most; 0 for one that has ended. */
function mostMemory(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

describe('a guest that is flooded', () => {
  it('works on, with bounded memory', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using guest = new NetGuest(`
ip link set eth0 up; ip address add ${ADDRESS}/24 dev eth0
echo connected >/dev/console
seen() { cat /sys/class/net/eth0/statistics/rx_packets; }
until [ "$(seen)" -gt 1000 ]; do sleep 0.1; done
head -c 3000000 /dev/zero | sha256sum
until now=$(seen); sleep 3; [ "$(seen)" = "$now" ]; do :; done
`);
    using namespace = await Namespace.create(`${BRIDGE}ip address add 10.5.0.9/24 dev bridge`);
    const child = namespace.start(process.execPath, ...guest.run('--net', 'tap:one'));
    const [console, errors] = [new Output(child), new Output(child, 'stderr')];
    await console.until('connected');
    const before = mostMemory(child.pid!);
    const flood = [ADDRESS, PORT, DATAGRAM, FLOOD].map(String);
    const flooded = new Output(namespace.start(process.execPath, FLOODER, ...flood)).ended;
    let most = before;
    const looking = setInterval(() => {
      most = Math.max(most, mostMemory(child.pid!));
    }, 50);
    const status = await console.ended.finally(() => clearInterval(looking));
    expect([status, errors.text]).toEqual([0, '']);
    expect(await flooded).toBe(0);
    const sum = createHash('sha256').update(Buffer.alloc(3_000_000)).digest('hex');
    expect(commandOutput(console.text.replace(/connected\r?\n/, ''))).toBe(`${sum}  -\n`);
    expect(before).toBeGreaterThan(0);
    expect(most - before).toBeLessThan(GROWTH);
  });
});
