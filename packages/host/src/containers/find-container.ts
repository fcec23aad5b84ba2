// SPDX-License-Identifier: Apache-2.0
// The container that a name or the beginning of an id means: asked of services first, which know names, then read from the
// state of runtimes and from control groups.

import { PlinthError } from '@plinth/core';
import { apiSockets, askForContainer, askForContainers } from './container-api.js';
import type { Container } from './container.js';
import { containersByGroup, containersByState } from './runtime-state.js';

/** @throws PlinthError `input` if none is meant, or several are */
export async function findContainer(name: string): Promise<Container> {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) {
    throw new PlinthError(
      'input',
      'container',
      `container "${name}": a name has letters, digits, and "_", "." and "-"`,
    );
  }
  const asked: string[] = [];
  for (const socket of apiSockets()) {
    const answer = await askForContainer(socket, name);
    if (answer !== 'none' && !('silent' in answer)) return answer;
    asked.push(answer === 'none' ? `${socket} knows none` : `${socket}: ${answer.silent}`);
  }
  for (const look of [containersByState, containersByGroup]) {
    const found = look(name);
    // Two runtimes may keep state of one container, as podman and its runc do.
    const [first, ...others] = found;
    if (first === undefined) continue;
    const another = others.find(({ id }) => id !== first.id);
    if (another === undefined) return first;
    throw new PlinthError(
      'input',
      'container',
      `container ${name}: ${first.id} and ${another.id} are meant: write more of it`,
    );
  }
  const where = `${asked.join('; ')}; no runtime's state and no control group has it`;
  throw new PlinthError('input', 'container', `container ${name}: there is none of that name that runs (${where})`);
}

/**
 * All containers that run, as services and the state of runtimes have them, or those with a label, each once. `known` says what is known of an id, so that it is not asked for.
 * @throws PlinthError `host` if labels are asked for and no service answers, since only those know them
 */
export async function listContainers(
  label: string | undefined,
  known: (id: string) => Container | undefined,
): Promise<Container[]> {
  const found = new Map<string, Container>();
  const silent: string[] = [];
  for (const socket of apiSockets()) {
    const ids = await askForContainers(socket, label);
    if ('silent' in ids) {
      silent.push(`${socket}: ${ids.silent}`);
      continue;
    }
    for (const id of ids) {
      const one = known(id) ?? (await askedContainer(socket, id));
      if (one !== undefined) found.set(id, one);
    }
  }
  if (label === undefined) {
    // What a service has told has a name there, which is not known here.
    for (const one of containersByState(undefined)) if (!found.has(one.id)) found.set(one.id, one);
  } else if (silent.length === apiSockets().length) {
    const why = `only a service knows labels, and none answers (${silent.join('; ')})`;
    throw new PlinthError('host', 'container-labels', `--label ${label}: ${why}`);
  }
  return [...found.values()];
}

/** Undefined if it ends meanwhile. */
async function askedContainer(socket: string, id: string): Promise<Container | undefined> {
  try {
    const answer = await askForContainer(socket, id);
    return answer === 'none' || 'silent' in answer ? undefined : answer;
  } catch (error) {
    if (error instanceof PlinthError && error.kind === 'input') return undefined;
    throw error;
  }
}
