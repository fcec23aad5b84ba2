// SPDX-License-Identifier: Apache-2.0
// Programs at a real interface: attached, replaced, found again by their pins, heard through a ring buffer.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { whyNoNamespaces } from '../setup/namespaces.js';
import { unless } from '../setup/skipping.js';
import { whyNoKernel } from './kernel-here.js';

// The interfaces are in a network namespace, so what attaches has to run there.
const SCRIPT = `
import { Assembler, FP, R0, R1, R2, R3, R4, R6 } from '@plinth/ebpf';
import { KernelProgram, Link, nativeCalls, RingBufferReader } from '@plinth/linux';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const [pins, other] = process.argv.slice(1);
const calls = nativeCalls();
const ring = { name: 'events', type: 'ringBuffer', keySize: 0, valueSize: 0, maxEntries: 65536 };
const program = (name, verdict) => {
  const a = new Assembler(name, 'schedCls');
  a.mov(R6, R1).load(4, R2, R6, 0).store(8, FP, -8, R2).store(4, FP, -16, verdict).store(4, FP, -12, 0);
  a.loadMap(R1, ring).mov(R2, FP).add(R2, -16).mov(R3, 16).mov(R4, 0).call('ringbufOutput');
  return a.mov(R0, verdict).exit().finish();
};
const pass = KernelProgram.load(calls, program('pass', 0));
const drop = KernelProgram.load(calls, program('drop', 2), pass.maps);
const index = calls.interfaceIndex('left');
const socket = createSocket('udp4');
const received = () => Number(/right: *\\d+ +(\\d+)/.exec(readFileSync('/proc/' + other + '/net/dev', 'utf8'))[1]);
// Whether a datagram reaches the other end; one that should is waited for.
const arrives = async (should = true) => {
  const before = received();
  await new Promise((resolve) => socket.send('hello', 9, '10.0.0.2', resolve));
  for (let left = should ? 1000 : 5; left > 0 && received() === before; left--) await sleep(10);
  return received() > before;
};
const reader = new RingBufferReader(calls, pass.map(ring));
const heard = () => {
  const verdicts = new Set();
  reader.drain((record) => verdicts.add(record[0]));
  return [...verdicts];
};
const report = {};
report.before = await arrives();
const link = Link.attach(calls, pass, index, 'egress');
link.pin(pins + '/link');
report.place = link.info();
report.passed = await arrives();
await reader.wait(60_000);
report.heardPassed = heard();
link.replace(drop);
report.dropped = await arrives(false);
report.heardDropped = heard();
// The descriptor goes, the pin stays.
link[Symbol.dispose]();
report.pinned = await arrives(false);
heard();
Link.pinned(calls, pins + '/link').detach();
report.detached = await arrives();
report.heardDetached = heard();
report.none = Link.pinned(calls, pins + '/other') === undefined;
report.index = index;
reader[Symbol.dispose]();
socket.close();
console.log(JSON.stringify(report));
`;

describe('a link', () => {
  const reason = whyNoKernel('tests/ebpf/network.test.ts') ?? whyNoNamespaces();

  it('has its program run, until it is detached', unless(reason), () => {
    // The other end answers in a namespace of its own.
    const shell = [
      'set -e',
      'mount -t bpf bpf "$1"',
      'unshare --net sleep 1000 & other=$!',
      'while [ "$(readlink /proc/$other/ns/net)" = "$(readlink /proc/$$/ns/net)" ]; do sleep 0.05; done',
      'ip link add left type veth peer name right netns $other',
      'for of in $$ $other; do nsenter --net=/proc/$of/ns/net sh -c "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6"; done',
      'nsenter --net=/proc/$other/ns/net sh -c "ip link set right address 02:00:00:00:00:02 up"',
      'ip address add 10.0.0.1/24 dev left && ip link set left up',
      'ip neighbour add 10.0.0.2 lladdr 02:00:00:00:00:02 dev left nud permanent',
      'trap "kill $other" EXIT',
      '"$2" --input-type=module -e "$3" "$1" $other',
    ].join('\n');
    const pins = mkdtempSync(join(tmpdir(), 'plinth-pins-'));
    const words = ['--net', '--mount', 'sh', '-c', shell, 'sh', pins, process.execPath, SCRIPT];
    // Where the names of our packages lead to them.
    const run = spawnSync('unshare', words, { encoding: 'utf8', cwd: import.meta.dirname });
    rmdirSync(pins);
    expect(run.status, run.stderr).toBe(0);
    const report = JSON.parse(run.stdout.trim().split('\n').at(-1)!) as Record<string, unknown>;
    expect(report).toMatchObject({
      before: true,
      passed: true,
      heardPassed: [0],
      dropped: false,
      heardDropped: [2],
      pinned: false,
      detached: true,
      heardDetached: [],
      none: true,
      place: { interface: report['index'], place: 'egress' },
    });
  });
});
