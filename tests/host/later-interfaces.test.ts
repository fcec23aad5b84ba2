// SPDX-License-Identifier: Apache-2.0
// Interfaces and containers that come after rules were attached: told of, and taken in by those who follow.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import {
  ContainerHost,
  DROPPED,
  type PlinthEnd,
  RULES,
  type TestContainer,
  whyNoContainers,
} from './container-host.js';

const reason = whyNoContainers('tests/host/later-interfaces.test.ts');

describe('interfaces that come later', unless(reason), () => {
  let host: ContainerHost;

  beforeAll(async () => {
    host = await ContainerHost.create();
    host.file('my.rules', RULES);
    host.file('other.rules', RULES.split('\n')[1]!);
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

  interface Following {
    /** Waits until it has said this so many times. */
    until(text: string, times?: number): Promise<void>;
    untilError(text: string): Promise<void>;
    /** Ends it; gives what it has said on standard error besides what it refuses of the rules. */
    end(): string;
  }

  const following = (...args: readonly string[]): Following => {
    const child = host.start('inspect', 'attach', '--rules', 'my.rules', '--follow', ...args);
    let [said, errors] = ['', ''];
    child.stdout!.on('data', (bytes: Buffer) => (said += bytes.toString()));
    child.stderr!.on('data', (bytes: Buffer) => (errors += bytes.toString()));
    return {
      until: async (text, times = 1) => {
        while (said.split(text).length <= times) await sleep(20);
      },
      untilError: async (text) => {
        while (!errors.includes(text)) await sleep(20);
      },
      end: () => {
        child.kill('SIGTERM');
        return errors.replace(
          /^plinth: (my\.rules:3: sid 1003 is not looked at|a BPF file system was mounted).*\n/gm,
          '',
        );
      },
    };
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

  it('are inspected by who follows, and so is a container that is started again', async () => {
    const first = await host.container('follow', '10.77.0.5');
    const client = await host.container('follower', '10.77.0.6');
    const follow = following('--container', 'follow');
    await follow.until('container follow: inspected at veth-follow (its eth0): 3 rules');
    addInterface(first, 'late2', '10.77.0.7');
    await follow.until('container follow: inspected at veth-late2 (its late2), too\n');
    await first.ask({ do: 'serve' });
    const evil = (at: string) => ({ do: 'datagram', host: at, text: 'evil-datagram' });
    expect(await client.ask({ ...evil('10.77.0.7'), patience: DROPPED })).toEqual({ back: null });
    expect(host.plinth('inspect', 'status').stdout).toContain('attached at veth-follow, veth-late2 since');
    // Rules that others have changed meanwhile stay.
    expect(host.plinth('inspect', 'attach', '--container', 'follow', '--rules', 'other.rules').status).toBe(0);
    addInterface(first, 'late3', '10.77.0.8');
    await follow.until('container follow: inspected at veth-late3 (its late3), too\n');
    expect(host.plinth('inspect', 'status').stdout).toContain('rules other.rules: 1;');
    expect(host.plinth('inspect', 'events').stdout).toContain('container follow  [Drop] [**] [1:1002:0]');
    first.end();
    await follow.until('container follow: has ended\n');
    expect(host.leftovers()).toBe('');
    const second = await host.container('follow', '10.77.0.5');
    await follow.until('container follow: inspected at veth-follow (its eth0): 3 rules', 2);
    await second.ask({ do: 'serve' });
    expect(await client.ask({ ...evil('10.77.0.5'), patience: DROPPED })).toEqual({ back: null });
    // What somebody detaches is left alone.
    host.plinth('inspect', 'events');
    expect(host.plinth('inspect', 'detach', '--container', 'follow').status).toBe(0);
    await follow.until('container follow: was detached: it is left alone until it is started again\n');
    expect(await client.ask(evil('10.77.0.5'))).toEqual({ back: 'evil-datagram' });
    expect(host.leftovers()).toBe('');
    expect(follow.end()).toBe('');
    second.end();
    client.end();
  });

  it('are inspected of all containers, each network once, and of one that is waited for', async () => {
    const one = await host.container('one', '10.77.0.9');
    const all = following('--all');
    await all.until('container one: inspected at veth-one (its eth0)');
    // It has no interface yet.
    const other = await host.container('other');
    addInterface(other, 'late4', '10.77.0.10');
    await all.until('container other: inspected at veth-late4 (its late4)');
    expect(all.end()).toBe('');
    expect(host.plinth('inspect', 'detach', '--all').status).toBe(0);
    const waiting = following('--interface', 'later0', '--fail-closed');
    await waiting.untilError('interface later0: there is none of that name: "ip link" lists them: it is waited for\n');
    for (const times of [1, 2]) {
      host.shell('ip link add later0 type veth peer name later1');
      await waiting.until('interface later0: inspected at later0: 3 rules', times);
      host.shell('ip link delete later0');
      await waiting.until('interface later0: has ended\n', times);
    }
    waiting.end();
    expect(attach('--label', 'tier=front')).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/^plinth: --label tier=front: only a service knows labels, and none answers/),
    });
    one.end();
    other.end();
    expect(attach('--all')).toMatchObject({ status: 0, stdout: '' });
    expect(host.leftovers()).toBe('');
  });
});
