// SPDX-License-Identifier: Apache-2.0
// Interfaces and containers that come after rules were attached: told of, and taken in by those who follow.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContainerHost, type PlinthEnd, RULES, type TestContainer, whyNoContainers } from './container-host.js';

const reason = whyNoContainers('tests/host/later-interfaces.test.ts');

describe.skipIf(reason !== undefined)('interfaces that come later', () => {
  let host: ContainerHost;

  beforeAll(async () => {
    host = await ContainerHost.create();
    host.file('my.rules', RULES);
  });

  afterAll(() => host[Symbol.dispose]());

  const attach = (...args: readonly string[]): PlinthEnd =>
    host.plinth('inspect', 'attach', '--rules', 'my.rules', ...args);

  /** One more interface of a container, at the bridge. */
  const addInterface = (container: TestContainer, name: string, address: string): void => {
    const inside = `nsenter --net=/proc/${container.pid}/ns/net`;
    host.shell(`
      ip link add veth-${name} type veth peer name ${name} netns ${container.pid}
      ip link set veth-${name} master bridge0 up
      ${inside} ip address add ${address}/24 dev ${name}
      ${inside} ip link set ${name} up`);
  };

  it('are told of by status, events, metrics and doctor', async () => {
    const [web, client] = [await host.container('told', '10.77.0.2'), await host.container('teller', '10.77.0.3')];
    await web.ask({ do: 'serve' });
    expect(attach('--container', 'told').status).toBe(0);
    expect(host.plinth('inspect', 'status').stdout).toContain('container told (told): attached at veth-told since');
    expect(host.plinth('inspect', 'events')).toMatchObject({ status: 0, stdout: '' });
    const follow = host.start('inspect', 'events', '--follow', '--json');
    let text = '';
    follow.stdout!.on('data', (bytes: Buffer) => (text += bytes.toString()));
    addInterface(web, 'late1', '10.78.0.2');
    while (!text.includes('\n')) await sleep(20);
    expect(JSON.parse(text)).toMatchObject({
      event_type: 'anomaly',
      in_iface: 'veth-late1',
      container: { name: 'told' },
      anomaly: { type: 'interface', event: 'uninspected', action: 'allowed' },
    });
    follow.kill('SIGTERM');
    const mend =
      'veth-late1 (its late1) is not inspected: it came after "plinth inspect attach": ' +
      'do that again with --container told, and with --follow for what comes later\n';
    const { stdout } = host.plinth('inspect', 'status');
    expect(stdout).toContain('container told (told): partly at veth-told since');
    expect(stdout).toContain(mend);
    expect(host.plinth('doctor').stdout).toContain(`container told: ${mend}`);
    expect(host.plinth('inspect', 'metrics').stdout).toMatch(
      /plinth_inspect_attached\{[^}]*\} 0\n(.*\n)*plinth_inspect_uninspected_interfaces\{[^}]*\} 1\n/,
    );
    const once = host.plinth('inspect', 'events', '--events', 'findings.jsonl');
    expect(once.status).toBe(1);
    expect(once.stdout).toContain(`container told  [**] ${mend}`);
    expect(JSON.parse(host.shell('cat findings.jsonl'))).toMatchObject({
      rule: 'interface-not-inspected',
      subject: { interface: 'veth-late1', inside: 'late1' },
    });
    expect(attach('--container', 'told').stdout).toContain('veth-told (its eth0), veth-late1 (its late1)');
    expect(host.plinth('inspect', 'status').stdout).toContain('attached at veth-told, veth-late1 since');
    expect(host.plinth('inspect', 'events')).toMatchObject({ status: 0, stdout: '' });
    expect(host.plinth('inspect', 'detach', '--all').status).toBe(0);
    web.end();
    client.end();
  });

  it('are all of those of a container that was started again', async () => {
    const first = await host.container('twice', '10.77.0.4');
    expect(attach('--container', 'twice').status).toBe(0);
    first.end();
    expect(host.plinth('inspect', 'events')).toMatchObject({ status: 0, stdout: '' });
    const second = await host.container('twice', '10.77.0.4');
    const said = host.plinth('inspect', 'status').stdout;
    expect(said).toContain('container twice (twice): gone at veth-twice (not attached)');
    expect(said).toContain('veth-twice (its eth0) is not inspected');
    expect(host.plinth('inspect', 'events')).toMatchObject({ status: 1 });
    expect(host.plinth('inspect', 'detach', '--all').status).toBe(0);
    second.end();
  });
});
