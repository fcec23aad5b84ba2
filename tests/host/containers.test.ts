// SPDX-License-Identifier: Apache-2.0
// Rules at the veths of real containers: attacks are dropped and told, whatever is split, changed, killed or clean beside them.

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { until } from '../setup/until.js';
import {
  ContainerHost,
  DROPPED,
  type PlinthEnd,
  RULES,
  type TestContainer,
  whyNoContainers,
} from './container-host.js';

const long = process.env['PLINTH_LONG'] === '1';
const WEB = '10.77.0.2';
const reason = whyNoContainers('tests/host/containers.test.ts');

interface Event {
  readonly event_type: string;
  readonly container: { readonly name: string };
  readonly proto: string;
  readonly src_port: number;
  readonly payload_offset: number;
  readonly alert: { readonly action: string; readonly signature_id: number };
}

interface Status {
  readonly id: string;
  readonly state: string;
  readonly rules: { readonly taken: number };
  readonly counts: Readonly<Record<'packets' | 'bytes' | 'dropped' | 'told' | 'lost', number>> & {
    readonly reasons: Readonly<Record<string, number>>;
  };
}

describe('rules at the veths of containers', unless(reason), () => {
  let host: ContainerHost;
  let web: TestContainer;
  let client: TestContainer;

  beforeAll(async () => {
    host = await ContainerHost.create();
    web = await host.container('web', WEB);
    client = await host.container('client', '10.77.0.3');
    await web.ask({ do: 'serve' });
    host.file('my.rules', RULES);
    host.file('other.rules', `alert tcp any any -> any 9 (content:"unseen"; sid:7;)\n${RULES}`);
  });

  afterAll(() => host[Symbol.dispose]());

  const attach = (...more: readonly string[]): PlinthEnd =>
    host.plinth('inspect', 'attach', '--container', 'web', '--rules', 'my.rules', ...more);

  /** Alerts; that a connection which was dropped goes on is told too. */
  const events = (): Event[] => {
    const { stdout } = host.plinth('inspect', 'events', '--json');
    return stdout
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Event)
      .filter((event) => event.event_type === 'alert');
  };

  const status = (): Status => {
    const { stdout } = host.plinth('inspect', 'status', '--json');
    const { inspections } = JSON.parse(stdout) as { inspections: Status[] };
    expect(inspections).toHaveLength(1);
    return inspections[0]!;
  };

  const get = async (path: string, patience?: number): Promise<unknown> =>
    client.ask({ do: 'http', host: WEB, path, ...(patience === undefined ? {} : { patience }) });

  it('attach once, and say what is and what is not looked at', async () => {
    expect(await get('/evil-string-1')).toEqual({ ok: 1, failed: 0 });
    const { status: ended, stdout, stderr } = attach();
    expect(stderr.split('\n').slice(0, 1)).toEqual([
      expect.stringMatching(/^plinth: my\.rules:3: sid 1003 is not looked at: /),
    ]);
    expect(stdout).toBe(
      'container web: inspected at veth-web (its eth0): 3 rules, 1 of them confirmed by "plinth inspect events"; what cannot be inspected is passed and reported\n',
    );
    expect(ended).toBe(0);
    expect(status()).toMatchObject({ id: 'web', state: 'attached', rules: { taken: 3, refused: 1 } });
  });

  it('drop an attack by HTTP, and tell container, rule and place', async () => {
    expect(await get('/clean')).toEqual({ ok: 1, failed: 0 });
    expect(await get('/see/evil-string-1', DROPPED)).toEqual({ ok: 0, failed: 1 });
    const [first, ...others] = events();
    expect(first).toMatchObject({
      event_type: 'alert',
      container: { name: 'web' },
      in_iface: 'veth-web',
      src_ip: '10.77.0.3',
      dest_ip: WEB,
      dest_port: 80,
      proto: 'TCP',
      payload_offset: 'GET /see/'.length,
      alert: { action: 'blocked', signature_id: 1001, rev: 3, signature: 'an attack on the web' },
    });
    // What is sent again is dropped again.
    for (const other of others) expect(other).toMatchObject({ alert: { signature_id: 1001, action: 'blocked' } });
    expect(await get('/clean')).toEqual({ ok: 1, failed: 0 });
  });

  it('drop a datagram, in either case, and answer others', async () => {
    expect(await client.ask({ do: 'datagram', host: WEB, text: 'hello' })).toEqual({ back: 'hello' });
    expect(await client.ask({ do: 'datagram', host: WEB, text: 'an Evil-Datagram', patience: DROPPED })).toEqual({
      back: null,
    });
    const datagrams = events().filter(({ proto }) => proto === 'UDP');
    expect(datagrams).toMatchObject([{ payload_offset: 3, alert: { signature_id: 1002 } }]);
  });

  it('are confirmed where the kernel only flags', async () => {
    expect(await get('/number?id=12')).toEqual({ ok: 1, failed: 0 });
    expect(await get('/number?id=123')).toEqual({ ok: 1, failed: 0 });
    expect(await get('/number?id=1234')).toEqual({ ok: 1, failed: 0 });
    const found = events();
    expect(found).toMatchObject([{ dest_port: 80, alert: { signature_id: 1004, action: 'allowed' } }]);
    expect(found[0]).not.toHaveProperty('unconfirmed');
  });

  it.each([1, 2, 3])('drop an attack in segments of %i bytes', async (size) => {
    const text = 'hello evil-string-1';
    const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, n) =>
      text.slice(n * size, (n + 1) * size),
    );
    const before = status().counts.packets;
    const { port } = await client.ask({ do: 'pieces', host: WEB, pieces });
    // All but the segment that completes it arrives.
    const arriving = text.slice(0, (pieces.length - 1) * size);
    expect(await web.ask({ do: 'received', port, bytes: arriving.length })).toEqual({ text: arriving });
    expect(status().counts.packets - before).toBeGreaterThan(pieces.length);
    const [first, ...others] = events().filter(({ src_port }) => src_port === port);
    // It began so many bytes before the last segment.
    const begin = 'hello '.length - (pieces.length - 1) * size;
    expect(first).toMatchObject({ payload_offset: begin, alert: { signature_id: 1001, action: 'blocked' } });
    for (const other of others) expect(other).toMatchObject({ alert: { signature_id: 1001 } });
  });

  it('let both ends forget a connection that was dropped, and make another in its place', async () => {
    const from = 20_000;
    for (const way of ['once', 'again']) {
      await client.ask({ do: 'pieces', host: WEB, pieces: ['an evil-', 'string-1'], from });
      expect(await web.ask({ do: 'received', port: from, bytes: 'an evil-'.length }), way).toEqual({
        text: 'an evil-',
      });
      expect(await web.ask({ do: 'gone', port: from }), way).toEqual({ gone: true });
    }
    await client.ask({ do: 'pieces', host: WEB, pieces: ['a good ', 'text'], from });
    expect(await web.ask({ do: 'received', port: from, bytes: 'a good text'.length })).toEqual({ text: 'a good text' });
    expect(events().filter(({ src_port }) => src_port === from).length).toBeGreaterThanOrEqual(2);
  });

  it('let clean traffic pass, all of it', async () => {
    const before = status().counts;
    const count = long ? 100_000 : 2000;
    expect(await client.ask({ do: 'http', host: WEB, path: '/clean', count })).toEqual({
      ok: count,
      failed: 0,
    });
    const { packets, dropped, told } = status().counts;
    expect(packets - before.packets).toBeGreaterThan(count);
    expect({ dropped, told }).toEqual({ dropped: before.dropped, told: before.told });
  });

  it('find what began before they were changed', async () => {
    const { port } = await client.ask({ do: 'open', host: WEB });
    await client.ask({ do: 'send', text: 'an evil-' });
    const changed = host.plinth('inspect', 'attach', '--container', 'web', '--rules', 'other.rules');
    expect(changed.stdout).toContain('container web: rules changed at veth-web (its eth0): 4 rules');
    await client.ask({ do: 'send', text: 'string-1' });
    await client.ask({ do: 'close' });
    expect(await web.ask({ do: 'received', port, bytes: 'an evil-'.length })).toEqual({ text: 'an evil-' });
    const [first] = events().filter(({ src_port }) => src_port === port);
    expect(first).toMatchObject({ payload_offset: -'evil-'.length, alert: { signature_id: 1001, action: 'blocked' } });
    expect(attach().status).toBe(0);
  });

  it('lose nothing while rules are changed a hundred times', async () => {
    const times = 100;
    const script = join(import.meta.dirname, 'change-rules.mjs');
    events();
    await client.ask({ do: 'load', host: WEB });
    const before = status().counts;
    const changes = host.startProgram(process.execPath, script, 'web', String(times), 'my.rules', 'other.rules');
    let said = '';
    changes.stdout!.on('data', (bytes: Buffer) => (said += bytes.toString()));
    let ended: number | null | undefined;
    changes.on('close', (code) => (ended = code));
    const ports: unknown[] = [];
    const arriving = 'an evil-stri';
    while (ended === undefined) {
      const { port } = await client.ask({ do: 'pieces', host: WEB, pieces: ['an evil-', 'stri', 'ng-1'], pause: 30 });
      ports.push(port);
      expect(await web.ask({ do: 'received', port, bytes: arriving.length })).toEqual({ text: arriving });
    }
    expect({ ended, said }).toEqual({ ended: 0, said: `${times} changes\n` });
    const load = await client.ask({ do: 'stop' });
    expect(load).toMatchObject({ failed: 0 });
    expect(load['ok']).toBeGreaterThan(100);
    const told = events();
    for (const port of ports) {
      expect(
        told.filter(({ src_port }) => src_port === port),
        `the attack from port ${String(port)}`,
      ).not.toEqual([]);
    }
    for (const { alert } of told) expect(alert).toMatchObject({ signature_id: 1001, action: 'blocked' });
    const after = status();
    expect(after.counts.lost).toBe(0);
    expect(after.counts.reasons['forgotten']).toBe(before.reasons['forgotten']);
    expect(ports.length).toBeGreaterThan(2);
  });

  it('go on when plinth is killed, and a new process sees them', async () => {
    await client.ask({ do: 'load', host: WEB });
    const follow = host.start('inspect', 'events', '--follow', '--json');
    const attack = client.ask({ do: 'http', host: WEB, path: '/evil-string-1', patience: DROPPED });
    await new Promise((resolve) => follow.stdout!.once('data', resolve));
    // Another one cannot read at the same time.
    const second = host.plinth('inspect', 'events');
    expect(second).toMatchObject({ status: 3, stdout: '' });
    expect(second.stderr).toBe('plinth: web: another process reads its events: end that one first\n');
    process.kill(follow.pid!, 'SIGKILL');
    await attack;
    const dropped = status().counts.dropped;
    expect(await get('/evil-string-1', DROPPED)).toEqual({ ok: 0, failed: 1 });
    const after = status();
    expect(after.state).toBe('attached');
    expect(after.counts.dropped).toBeGreaterThan(dropped);
    expect(events()).not.toEqual([]);
    expect(await client.ask({ do: 'stop' })).toMatchObject({ failed: 0 });
  });

  it('give their counters to Prometheus', () => {
    const { stdout } = host.plinth('inspect', 'metrics');
    const { counts } = status();
    expect(stdout).toContain('# TYPE plinth_inspect_packets_total counter\n');
    expect(stdout).toContain(`plinth_inspect_dropped_packets_total{id="web",container="web"} ${counts.dropped}\n`);
    expect(stdout).toContain('plinth_inspect_attached{id="web",container="web"} 1\n');
    for (const line of stdout.trimEnd().split('\n')) {
      expect(line).toMatch(/^# (HELP|TYPE) \S+ .+$|^\w+\{(\w+="[^"]*",?)+\} \S+$/);
    }
  });

  it('are changed as a whole, or stay as they are', () => {
    host.file('bad.rules', 'drop tcp any any -> any any (content:"x; sid:1;)\n');
    const { rules } = status();
    const bad = host.plinth('inspect', 'attach', '--container', 'web', '--rules', 'bad.rules');
    expect(bad.status).toBe(2);
    expect(status()).toMatchObject({ state: 'attached', rules });
  });

  it('leave nothing when they are detached', async () => {
    const pins = host.shell('find /sys/fs/bpf/plinth -type f').trim().split('\n');
    const shown = (kind: string, path: string): { id: number } =>
      JSON.parse(host.shell(`bpftool -j ${kind} show pinned ${path}`)) as { id: number };
    const kindOf = (path: string): string =>
      /\/(in|e)gress-\d+$/.test(path) ? 'link' : /\/program-\d+$/.test(path) ? 'prog' : 'map';
    const made = pins.map((path) => ({ kind: kindOf(path), id: shown(kindOf(path), path).id }));
    expect(made.map(({ kind }) => kind).sort()).toEqual(['link', 'link', 'map', 'map', 'map', 'map', 'prog']);
    const { map_ids: maps } = JSON.parse(
      host.shell(`bpftool -j prog show id ${made.find(({ kind }) => kind === 'prog')!.id}`),
    ) as { map_ids: number[] };
    const all = [...made, ...maps.map((id) => ({ kind: 'map', id }))];
    const { status: ended, stdout } = host.plinth('inspect', 'detach', '--container', 'web');
    expect({ ended, stdout }).toEqual({ ended: 0, stdout: 'web: detached\n' });
    const left = (): unknown[] =>
      all.filter(({ kind, id }) =>
        (JSON.parse(host.shell(`bpftool -j ${kind} list`)) as { id: number }[]).some((one) => one.id === id),
      );
    // The kernel frees them when nobody can be using them any more.
    await until('the end of what was pinned', () => left().length === 0);
    expect(host.leftovers()).toBe('');
    expect(await get('/evil-string-1')).toEqual({ ok: 1, failed: 0 });
    expect(host.plinth('inspect', 'status').stdout).toBe('nothing is inspected\n');
    expect(host.plinth('inspect', 'detach', '--container', 'web')).toMatchObject({ status: 2, stdout: '' });
  });
});
