// SPDX-License-Identifier: Apache-2.0
// Attaching: to what, with which rights, as a whole or not at all, and what becomes of it when its container goes.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asUser, whyUnreadable } from '../setup/other-users.js';
import { unless } from '../setup/skipping.js';
import { until } from '../setup/until.js';
import { ContainerHost, DROPPED, PLINTH, type PlinthEnd, RULES, whyNoContainers } from './container-host.js';

/** Under fail-closed its packets are held until somebody has looked. */
const HOLDING = `drop http any any -> any 80 (msg:"a number"; http.uri; content:"/number"; pcre:"/id=[0-9]{3}$/U"; sid:1;)
`;
const HALF_ATTACH = join(import.meta.dirname, 'half-attach.mjs');
const reason = whyNoContainers('tests/host/attaching.test.ts');

describe('attaching', unless(reason), () => {
  let host: ContainerHost;

  beforeAll(async () => {
    host = await ContainerHost.create();
    host.file('my.rules', RULES);
  });

  afterAll(() => host[Symbol.dispose]());

  const attach = (...args: readonly string[]): PlinthEnd =>
    host.plinth('inspect', 'attach', '--rules', 'my.rules', ...args);

  const unprivileged = (...args: readonly string[]): PlinthEnd =>
    host.run(...asUser(), process.execPath, PLINTH, ...args);

  it('goes into the network of a container whose other end is elsewhere', async () => {
    const [left, right] = [await host.container('left'), await host.container('right')];
    host.shell(`
      l="nsenter --net=/proc/${left.pid}/ns/net"
      r="nsenter --net=/proc/${right.pid}/ns/net"
      $l ip link add eth0 type veth peer name eth0 netns ${right.pid}
      $l ip address add 10.78.0.1/24 dev eth0; $l ip link set eth0 up
      $r ip address add 10.78.0.2/24 dev eth0; $r ip link set eth0 up`);
    await right.ask({ do: 'serve' });
    const said = attach('--pid', String(right.pid), '--fail-closed');
    expect(said.stdout).toContain('inspected at eth0 in its namespace: 3 rules');
    expect(await left.ask({ do: 'http', host: '10.78.0.2', path: '/clean' })).toEqual({ ok: 1, failed: 0 });
    expect(await left.ask({ do: 'datagram', host: '10.78.0.2', text: 'evil-datagram', patience: DROPPED })).toEqual({
      back: null,
    });
    expect(host.plinth('inspect', 'events').stdout).toContain(`process ${right.pid}  [Drop] [**] [1:1002:0]`);
    // Its rules are changed in the same way.
    expect(attach('--pid', String(right.pid)).stdout).toContain(`process ${right.pid}: rules changed at eth0`);
    // With the container the interface goes, and then there is nothing left to inspect.
    right.end();
    expect(host.plinth('inspect', 'status').stdout).toContain(': gone at eth0 inside (not attached)');
    expect(host.plinth('doctor').stdout).toContain(
      `inspection process-${right.pid}: its interface is gone: "plinth doctor --clean" removes it\n`,
    );
    expect(host.plinth('doctor', '--clean').stdout).toContain(
      `inspection process-${right.pid}: its interface is gone: removed\n`,
    );
    expect(host.plinth('inspect', 'status').stdout).toBe('nothing is inspected\n');
  });

  it('drops at XDP what an interface receives, by datagram and over segments, and goes back to tcx', async () => {
    const [from, to] = [await host.container('early', '10.77.0.30'), await host.container('late', '10.77.0.31')];
    await to.ask({ do: 'serve' });
    const there = '10.77.0.31';
    const evil = { do: 'datagram', host: there, text: 'evil-datagram' };
    // Only one direction is seen of what is established.
    const rules = RULES.replace('content:"evil-string-1"', 'flow:established,to_server; content:"evil-string-1"');
    host.file('early.rules', rules);
    const early = host.plinth('inspect', 'attach', '--interface', 'veth-early', '--xdp', '--rules', 'early.rules');
    expect(early.stdout).toContain('interface veth-early: inspected at veth-early');
    expect(host.shell('ip link show veth-early')).toMatch(/ xdp\w* /);
    expect(await from.ask({ do: 'datagram', host: there, text: 'hello' })).toEqual({ back: 'hello' });
    expect(await from.ask({ ...evil, patience: DROPPED })).toEqual({ back: null });
    expect(await from.ask({ do: 'http', host: there, path: '/clean', count: 200 })).toEqual({ ok: 200, failed: 0 });
    const { port } = await from.ask({ do: 'pieces', host: there, pieces: ['an evil-', 'stri', 'ng-1'] });
    const text = 'an evil-stri';
    expect(await to.ask({ do: 'received', port, bytes: text.length })).toEqual({ text });
    const { stdout } = host.plinth('inspect', 'events');
    expect(stdout).toContain('interface veth-early  [Drop] [**] [1:1002:0]');
    expect(stdout).toContain('interface veth-early  [Drop] [**] [1:1001:3]');
    expect(host.plinth('inspect', 'status').stdout).toContain('attached at veth-early since');
    expect(attach('--interface', 'veth-early').stdout).toContain('rules changed at veth-early');
    expect(host.shell('ip link show veth-early')).not.toMatch(/ xdp\w* /);
    expect(await from.ask({ ...evil, patience: DROPPED })).toEqual({ back: null });
    expect(host.plinth('inspect', 'detach', '--all').stdout).toContain('interface-veth-early: detached');
    expect(await from.ask(evil)).toEqual({ back: 'evil-datagram' });
    expect(host.plinth('inspect', 'attach', '--pid', '1', '--xdp', '--rules', 'my.rules')).toMatchObject({ status: 2 });
  });

  const noPodman = spawnSync('podman', ['--version']).status === 0 ? undefined : 'podman is not installed';
  if (noPodman !== undefined) console.log(`skipped: containers of podman: ${noPodman}`);

  it('finds a container by the name that podman has given it', unless(noPodman), async () => {
    const client = await host.container('asking', '10.77.0.20');
    host.file('index.html', 'hello');
    host.shell(`
      mkdir -p image/bin image/www && cp /bin/busybox image/bin/ && ln -sf busybox image/bin/sh && cp index.html image/www/
      ip netns add served
      ip link add veth-served type veth peer name eth0 netns served
      ip link set veth-served master bridge0 up
      ip -n served address add 10.77.0.21/24 dev eth0; ip -n served link set eth0 up; ip -n served link set lo up`);
    const podman = `podman --root ${host.folder}/podman --runroot /run/podman-test --storage-driver vfs --cgroup-manager cgroupfs --runtime runc`;
    const limits = '--ulimit nofile=1024:1024 --ulimit nproc=1000:1000';
    host.shell(`tar -C image -c . | ${podman} import - busybox-test >/dev/null 2>&1`);
    const run = `${podman} run -d --name served --label tier=front ${limits} --network ns:/run/netns/served busybox-test /bin/busybox httpd -f -p 80 -h /www 2>&1`;
    host.shell(run);
    const service = host.startProgram('sh', '-c', `exec ${podman} system service --time=0`);
    try {
      await until('the socket of podman', () =>
        host.shell('ls /run/podman 2>/dev/null || true').includes('podman.sock'),
      );
      const said = attach('--container', 'served');
      expect(said.stderr).not.toContain('there is none');
      expect(said.stdout).toContain('container served: inspected at veth-served (its eth0): 3 rules');
      const fetched = { do: 'fetch', host: '10.77.0.21' };
      expect(await client.ask({ ...fetched, path: '/index.html' })).toEqual({ status: 200, body: 'hello' });
      expect(await client.ask({ ...fetched, path: '/evil-string-1', patience: DROPPED })).toEqual({
        status: null,
        body: '',
      });
      expect(host.plinth('inspect', 'events').stdout).toContain('container served  [Drop] [**] [1:1001:3]');
      const id = host.shell(`${podman} inspect --format '{{.Id}}' served`).trim();
      expect(attach('--container', id.slice(0, 8)).stdout).toContain('container served: rules changed');
      expect(attach('--label', 'tier=front').stdout).toContain('container served: rules changed');
      expect(attach('--label', 'tier=back')).toMatchObject({
        status: 0,
        stdout: '',
        stderr: expect.stringContaining('plinth: no container runs that could be inspected\n'),
      });
      // Another one of the name and the network takes the place of one that has ended.
      host.plinth('inspect', 'events');
      const follow = host.start('inspect', 'attach', '--container', 'served', '--rules', 'my.rules', '--follow');
      let text = '';
      follow.stdout!.on('data', (bytes: Buffer) => (text += bytes.toString()));
      await until('what follows', () => text.includes('container served: rules changed'));
      host.shell(`${podman} rm --force --time 0 served >/dev/null 2>&1; ${run}`);
      await until('the end of the first one', () => {
        // Not before its last events were read.
        host.plinth('inspect', 'events');
        return text.includes(`container served (${id.slice(0, 12)}): has ended\n`);
      });
      expect(text).toContain('container served: inspected at veth-served (its eth0)');
      follow.kill('SIGTERM');
      expect(host.plinth('inspect', 'detach', '--container', 'served').status).toBe(0);
      expect(host.leftovers()).toBe('');
    } finally {
      service.kill('SIGKILL');
      host.shell(`${podman} rm --force --time 0 served >/dev/null 2>&1`);
    }
  });

  it('that was killed half-way is found and removed', async () => {
    const some = await host.container('some', '10.77.0.9');
    expect(attach('--container', 'some').status).toBe(0);
    host.shell(`sed -i 's/"whole":true/"whole":false/' /run/plinth/inspect/some.json`);
    expect(host.plinth('doctor', '--clean').stdout).toContain('inspection some: its attaching was killed: removed\n');
    expect(host.leftovers()).toBe('');
    some.end();
  });

  it('begins anew with a container that was started again', async () => {
    const first = await host.container('again', '10.77.0.40');
    expect(attach('--container', 'again').stdout).toContain('container again: inspected at veth-again');
    first.end();
    const second = await host.container('again', '10.77.0.40');
    expect(host.plinth('inspect', 'status').stdout).toContain(
      'container again (again): gone at veth-again (not attached)',
    );
    expect(attach('--container', 'again').stdout).toContain('container again: inspected at veth-again');
    expect(host.plinth('inspect', 'status').stdout).toContain('container again (again): attached at veth-again since');
    expect(host.shell('ls /sys/fs/bpf/plinth/inspect/again | grep -c gress').trim()).toBe('2');
    expect(host.plinth('inspect', 'detach', '--container', 'again').status).toBe(0);
    second.end();
  });

  it('by several at once is one after the other', async () => {
    host.shell('ip link add both0 type veth peer name both1');
    const args = ['inspect', 'attach', '--interface', 'both0', '--rules', 'my.rules', '--json'];
    const ends = await Promise.all(
      [1, 2, 3].map(async () => {
        const child = host.start(...args);
        let text = '';
        child.stdout!.on('data', (bytes: Buffer) => (text += bytes.toString()));
        const status = await new Promise((resolve) => child.once('close', resolve));
        expect(status).toBe(0);
        return JSON.parse(text) as { generation: number; replaced: boolean };
      }),
    );
    ends.sort((a, b) => a.generation - b.generation);
    expect(ends.map(({ generation, replaced }) => [generation, replaced])).toEqual([
      [1, false],
      [2, true],
      [3, true],
    ]);
    expect(host.plinth('inspect', 'status').stdout).toContain('interface both0 (interface-both0): attached at both0');
    expect(host.shell('ls /sys/fs/bpf/plinth/inspect/interface-both0').match(/program-\d+/g)).toEqual(['program-3']);
    host.shell('ip link delete both0');
    expect(host.plinth('doctor', '--clean').stdout).toContain('interface-both0: its interface is gone: removed');
  });

  it('is possible here, as doctor finds out by trying', () => {
    const { probes } = JSON.parse(host.plinth('doctor', '--json').stdout) as {
      probes: { name: string; answer: string; detail: string }[];
    };
    const said = (name: string): unknown => probes.find((probe) => probe.name.startsWith(name))?.answer;
    expect(['tcx', 'XDP', 'eBPF ring buffers'].map(said)).toEqual(['yes', 'yes', 'yes']);
    if (whyUnreadable() !== undefined) return;
    const without = unprivileged('doctor', '--json');
    const { probes: others } = JSON.parse(without.stdout) as { probes: typeof probes };
    expect(others.find(({ name }) => name.startsWith('tcx'))).toMatchObject({
      answer: 'unknown',
      detail: 'only root may try',
    });
  });

  it('that fails does not leave the BPF file system that it has mounted', async () => {
    using fresh = await ContainerHost.create();
    fresh.file('my.rules', RULES);
    fresh.shell('ip link add first0 type veth peer name first1');
    const kind = (): string => fresh.shell('stat --file-system --format %T /sys/fs/bpf').trim();
    const before = kind();
    expect(before).not.toBe('bpf_fs');
    expect(fresh.run(process.execPath, HALF_ATTACH, 'first0', 'my.rules').stdout).toContain('absent0: nothing can be');
    expect(kind()).toBe(before);
    // One that was used stays, whatever fails later.
    const said = fresh.plinth('inspect', 'attach', '--interface', 'first0', '--rules', 'my.rules');
    expect(said.stderr).toContain('plinth: a BPF file system was mounted at /sys/fs/bpf\n');
    expect(fresh.run(process.execPath, HALF_ATTACH, 'first0', 'my.rules').stdout).toContain('absent0: nothing can be');
    expect(kind()).toBe('bpf_fs');
    expect(fresh.plinth('inspect', 'status').stdout).toContain('attached at first0');
    expect(fresh.plinth('inspect', 'detach', '--all').status).toBe(0);
  });

  it('that fails half-way changes nothing', () => {
    host.shell('ip link add half0 type veth peer name half1');
    const half = (): string => host.run(process.execPath, HALF_ATTACH, 'half0', 'my.rules').stdout;
    const said = 'interface absent0: nothing can be attached: it is gone\n';
    expect(half()).toBe(said);
    expect(host.leftovers()).toBe('');
    // 65 names of bits, where a connection has 64.
    const names = Array.from({ length: 65 }, (_, n) => `flowbits:set,b${n}; `).join('');
    host.file('many.rules', `alert tcp any any -> any any (content:"many"; ${names}sid:1;)\n`);
    const many = (): PlinthEnd => host.plinth('inspect', 'attach', '--interface', 'half0', '--rules', 'many.rules');
    expect(many()).toMatchObject({ status: 2, stdout: '' });
    expect(host.leftovers()).toBe('');
    expect(attach('--interface', 'half0').status).toBe(0);
    const before = host.plinth('inspect', 'status', '--json').stdout;
    const links = (): string =>
      host.shell('bpftool -j link show pinned /sys/fs/bpf/plinth/inspect/interface-half0/ingress-*');
    const link = links();
    expect(half()).toBe(said);
    expect(many()).toMatchObject({ status: 2, stdout: '' });
    expect(host.plinth('inspect', 'status', '--json').stdout).toBe(before);
    expect(links()).toBe(link);
  });

  it('whose files are damaged is told of, and can be ended', () => {
    const facts = '/run/plinth/inspect/interface-half0.json';
    host.shell(`truncate -s 100 ${facts}`);
    const trouble = `${facts}: it is damaged, or of another version of Plinth: "plinth inspect detach --all" removes what it is of\n`;
    expect(host.plinth('inspect', 'status').stdout).toContain(`interface-half0: attached\n`);
    expect(host.plinth('inspect', 'status').stdout).toContain(trouble);
    expect(attach('--interface', 'half0')).toMatchObject({ status: 2, stderr: `plinth: ${trouble}` });
    // It inspects all the same, so it is not removed by itself.
    expect(host.plinth('doctor', '--clean').stdout).not.toContain('half0');
    expect(host.plinth('inspect', 'detach', '--all').stdout).toBe('interface-half0: detached\n');
    expect(host.leftovers()).toBe('');
  });

  it('is refused in one line where it cannot be', () => {
    const line = (...args: string[]): [number | null, string] => {
      const { status, stderr } = attach(...args);
      return [status, stderr];
    };
    expect(line('--container', 'nobody')).toEqual([
      2,
      expect.stringMatching(/^plinth: container nobody: there is none of that name that runs \([^\n]+\)\n$/),
    ]);
    expect(line('--interface', 'nothing0')).toEqual([
      2,
      'plinth: interface nothing0: there is none of that name: "ip link" lists them\n',
    ]);
    expect(line('--pid', String(2 ** 22 + 1))).toEqual([
      2,
      `plinth: process ${2 ** 22 + 1}: there is no such process\n`,
    ]);
    expect(line('--pid', 'x')[0]).toBe(2);
    expect(line()).toEqual([
      2,
      'plinth: one of --container NAME, --pid N, --interface NAME, --label LABEL and --all says what is inspected\n',
    ]);
    const own = host.shell('sleep 1000 >/dev/null 2>&1 & echo $!').trim();
    const [status, told] = line('--pid', own);
    process.kill(Number(own));
    expect([status, told]).toEqual([
      2,
      `plinth: container ${own}: it has the network of the host, no interface is its own: inspect one of the host's with --interface\n`,
    ]);
    host.file('none.rules', '# nothing\n');
    expect(host.plinth('inspect', 'attach', '--interface', 'lo', '--rules', 'none.rules').stderr).toBe(
      'plinth: none.rules: no rule in it can be decided: "plinth inspect check" says why\n',
    );
    expect(host.leftovers()).toBe('');
  });

  it('holds under fail-closed what may match, until somebody has looked', async () => {
    const [served, asking] = [await host.container('held', '10.77.0.50'), await host.container('holder', '10.77.0.51')];
    await served.ask({ do: 'serve' });
    host.file('holding.rules', HOLDING);
    const said = host.plinth('inspect', 'attach', '--container', 'held', '--rules', 'holding.rules', '--fail-closed');
    expect(said.stdout).toContain('1 rules, 1 of them confirmed by "plinth inspect events"; what cannot be inspected');
    const get = (path: string, patience?: number): Promise<unknown> =>
      asking.ask({ do: 'http', host: '10.77.0.50', path, ...(patience === undefined ? {} : { patience }) });
    expect(await get('/clean')).toEqual({ ok: 1, failed: 0 });
    // Nobody looks.
    expect(await get('/number?id=12', DROPPED)).toEqual({ ok: 0, failed: 1 });
    const follow = host.start('inspect', 'events', '--follow', '--json');
    let text = '';
    follow.stdout!.on('data', (bytes: Buffer) => (text += bytes.toString()));
    expect(await get('/number?id=12')).toEqual({ ok: 1, failed: 0 });
    expect(await get('/number?id=123', 2 * DROPPED)).toEqual({ ok: 0, failed: 1 });
    await until('the alert', () => text.includes('"signature_id":1') && text.endsWith('\n'));
    for (const line of text.trim().split('\n')) {
      expect(JSON.parse(line)).toMatchObject({ event_type: 'alert', alert: { signature_id: 1, action: 'blocked' } });
    }
    follow.kill('SIGTERM');
    expect(host.plinth('inspect', 'detach', '--all').status).toBe(0);
    served.end();
    asking.end();
  });

  it('needs rights, and says what works without', unless(reason ?? whyUnreadable()), () => {
    host.shell('chmod 755 .');
    const { status, stdout, stderr } = unprivileged(
      'inspect',
      'attach',
      '--interface',
      'bridge0',
      '--rules',
      'my.rules',
    );
    expect({ status, stdout, stderr }).toEqual({
      status: 3,
      stdout: '',
      stderr:
        'plinth: inspecting at an interface: it needs root, or CAP_BPF and CAP_NET_ADMIN; ' +
        '"plinth inspect pcap FILE --rules F" runs the same rules over a capture without it\n',
    });
  });
});
