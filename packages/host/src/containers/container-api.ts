// SPDX-License-Identifier: Apache-2.0
// Containers by the API that Docker has and podman has too (Docker Engine API v1.40, "Inspect a container"), over a Unix socket.

import { request } from 'node:http';
import { PlinthError } from '@plinth/core';
import type { Container } from './container.js';

/** Milliseconds in which a service answers, or counts as silent. */
const PATIENCE = 10_000;
/** Characters of an answer. */
const MOST_ANSWER = 8 << 20;

/** The sockets that are asked: what the user names, else where Docker and podman have theirs. */
export function apiSockets(environment: Readonly<NodeJS.ProcessEnv> = process.env): string[] {
  const named = ['DOCKER_HOST', 'CONTAINER_HOST'].flatMap((name) => {
    const address = environment[name];
    if (address === undefined || address === '') return [];
    const path = /^unix:\/\/(\/.*)$/.exec(address)?.[1];
    if (path !== undefined) return [path];
    throw new PlinthError(
      'input',
      'container-host',
      `${name}=${address}: only unix:///PATH is a host whose veths are here`,
    );
  });
  if (named.length > 0) return named;
  const own = environment['XDG_RUNTIME_DIR'];
  return [
    '/run/docker.sock',
    '/run/podman/podman.sock',
    ...(own === undefined ? [] : [`${own}/podman/podman.sock`, `${own}/docker.sock`]),
  ];
}

/** Where nobody answers, and why. */
export interface Silent {
  readonly silent: string;
}

/** What a socket says of a name or the beginning of an id; `silent`, with the reason, where nobody answers. */
export async function askForContainer(socket: string, name: string): Promise<Container | 'none' | Silent> {
  const answer = await get(socket, `/v1.40/containers/${encodeURIComponent(name)}/json`).catch(silence);
  if ('silent' in answer) return answer;
  const { status, body } = answer;
  if (status === 404) return 'none';
  const value = parsed(body);
  if (status !== 200) {
    const { message } = (value ?? {}) as { message?: unknown };
    const why = typeof message === 'string' ? message : `status ${status}`;
    throw new PlinthError('input', 'container', `container ${name}: ${socket} says: ${why}`);
  }
  const { Id, Name, State } = (value ?? {}) as { Id?: unknown; Name?: unknown; State?: { Pid?: unknown } };
  if (typeof Id !== 'string' || typeof Name !== 'string' || typeof State?.Pid !== 'number') {
    throw new PlinthError('host', 'container-api', `${socket}: its answer is not that of Docker's API`);
  }
  if (State.Pid === 0)
    throw new PlinthError('input', 'container', `container ${name}: it is not running: start it first`);
  return { id: Id, name: Name.replace(/^\//, ''), pid: State.Pid };
}

/** The ids of containers that run ("List containers"), of all or of those with a label, NAME or NAME=VALUE. */
export async function askForContainers(socket: string, label?: string): Promise<string[] | Silent> {
  const filters = JSON.stringify({ status: ['running'], ...(label === undefined ? {} : { label: [label] }) });
  const answer = await get(socket, `/v1.40/containers/json?filters=${encodeURIComponent(filters)}`).catch(silence);
  if ('silent' in answer) return answer;
  const list = parsed(answer.body);
  const ids = Array.isArray(list) ? list.map((one: { Id?: unknown } | null) => one?.Id) : [undefined];
  if (answer.status === 200 && ids.every((id) => typeof id === 'string')) return ids;
  throw new PlinthError('host', 'container-api', `${socket}: its answer is not that of Docker's API`);
}

function silence(cause: unknown): Silent {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  const why: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such socket',
    ECONNREFUSED: 'nobody listens',
    EACCES: 'permission is denied',
  };
  return { silent: why[code] ?? message };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function get(socketPath: string, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ agent: false, socketPath, path, headers: { host: 'localhost' } }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > MOST_ANSWER) asked.destroy(new Error('its answer does not end'));
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    });
    // Of the whole answer, whoever sends a byte now and then.
    const timer = setTimeout(() => asked.destroy(new Error('it does not answer')), PATIENCE);
    asked.on('error', reject);
    asked.on('close', () => clearTimeout(timer));
    asked.end();
  });
}
