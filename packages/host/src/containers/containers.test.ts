// SPDX-License-Identifier: Apache-2.0
// Containers as services, runtimes and control groups tell of them, and what of that is not believed.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apiSockets, askForContainer, askForContainers } from './container-api.js';
import { containersByGroup, containersByState } from './runtime-state.js';

const ID = 'ab12'.repeat(16);
let folder: string;

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'plinth-containers-'))));
afterEach(() => rmSync(folder, { recursive: true }));

describe('a service', () => {
  let server: Server | undefined;
  let asked: string[];
  beforeEach(() => (asked = []));
  afterEach(() => server?.close());

  const answering = async (status: number, body: string): Promise<string> => {
    const socket = join(folder, 'api.sock');
    server = createServer(({ url }, response) => {
      asked.push(url!);
      response.writeHead(/^\/v1\.40\/containers\/(web\/)?json/.test(url!) ? status : 404);
      response.end(body);
    });
    await new Promise<void>((resolve) => server!.listen(socket, resolve));
    return socket;
  };

  it('tells of a container that runs', async () => {
    const socket = await answering(200, JSON.stringify({ Id: ID, Name: '/web', State: { Pid: 42 } }));
    expect(await askForContainer(socket, 'web')).toEqual({ id: ID, name: 'web', pid: 42 });
    expect(await askForContainer(socket, 'other')).toBe('none');
  });

  it('may be absent, say no, or say nonsense', async () => {
    expect(await askForContainer(join(folder, 'none'), 'web')).toEqual({ silent: 'there is no such socket' });
    const stopped = await answering(200, JSON.stringify({ Id: ID, Name: 'web', State: { Pid: 0 } }));
    await expect(askForContainer(stopped, 'web')).rejects.toThrow('container web: it is not running: start it first');
    server!.close();
    const several = await answering(409, JSON.stringify({ message: 'more than one is meant' }));
    await expect(askForContainer(several, 'web')).rejects.toThrow('says: more than one is meant');
    server!.close();
    await expect(askForContainer(await answering(200, '{"Id":1}'), 'web')).rejects.toThrow('is not that of Docker');
  });

  it('lists containers that run, of all or with a label', async () => {
    const socket = await answering(200, JSON.stringify([{ Id: ID, Names: ['/web'] }, { Id: 'b' }]));
    expect(await askForContainers(socket)).toEqual([ID, 'b']);
    expect(await askForContainers(socket, 'tier=front')).toEqual([ID, 'b']);
    expect(asked.map((url) => new URL(url, 'http://localhost').searchParams.get('filters'))).toEqual([
      '{"status":["running"]}',
      '{"status":["running"],"label":["tier=front"]}',
    ]);
    expect(await askForContainers(join(folder, 'none'))).toEqual({ silent: 'there is no such socket' });
    server!.close();
    await expect(askForContainers(await answering(200, '[null]'))).rejects.toThrow('is not that of Docker');
  });

  it('is where the user says', () => {
    expect(apiSockets({ DOCKER_HOST: 'unix:///a/b.sock' })).toEqual(['/a/b.sock']);
    expect(apiSockets({ XDG_RUNTIME_DIR: '/run/user/7' })).toContain('/run/user/7/podman/podman.sock');
    expect(() => apiSockets({ CONTAINER_HOST: 'tcp://1.2.3.4:5' })).toThrow(
      'CONTAINER_HOST=tcp://1.2.3.4:5: only unix:///PATH',
    );
  });
});

describe('without a service', () => {
  it('containers are found by the state of their runtime', () => {
    const state = (id: string, file: string, content: unknown): void => {
      mkdirSync(join(folder, id));
      writeFileSync(join(folder, id, file), typeof content === 'string' ? content : JSON.stringify(content));
    };
    state('web', 'state.json', { init_process_pid: process.pid });
    state(ID, 'status', { pid: process.pid });
    state('dead', 'state.json', { init_process_pid: 2 ** 22 + 1 });
    state('broken', 'state.json', '{');
    const find = (name: string): unknown => containersByState(name, [folder, join(folder, 'absent')]);
    expect(find('web')).toEqual([{ id: 'web', name: 'web', pid: process.pid }]);
    expect(find('ab12ab')).toEqual([{ id: ID, name: ID, pid: process.pid }]);
    expect(
      containersByState(undefined, [folder])
        .map(({ id }) => id)
        .sort(),
    ).toEqual([ID, 'web']);
    // The beginning of a name is no name.
    for (const name of ['we', 'dead', 'broken', 'absent']) expect(find(name)).toEqual([]);
  });

  it('containers are found by their control groups', () => {
    const groups = (text: string): void => {
      mkdirSync(join(folder, String(process.pid)), { recursive: true });
      writeFileSync(join(folder, String(process.pid), 'cgroup'), text);
    };
    const found = [{ id: ID, name: ID, pid: process.pid }];
    for (const part of [
      `docker/${ID}`,
      `system.slice/docker-${ID}.scope`,
      `a.slice/cri-containerd-${ID}.scope`,
      `libpod-${ID}.scope/container`,
    ]) {
      groups(`0::/${part}\n`);
      expect(containersByGroup(ID.slice(0, 12), folder), part).toEqual(found);
    }
    groups(`3:cpu,cpuacct:/\n0::/libpod-conmon-${ID}.scope\n`);
    expect(containersByGroup(ID, folder)).toEqual([]);
  });
});
