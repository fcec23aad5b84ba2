// SPDX-License-Identifier: Apache-2.0
// The container that a name or the beginning of an id means: asked of services first, which know names, then read from the
// state of runtimes and from control groups.

import { PlinthError } from '@plinth/core';
import { apiSockets, askForContainer } from './container-api.js';
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
