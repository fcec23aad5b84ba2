// SPDX-License-Identifier: Apache-2.0
// What root runs as another user has to be readable for that user: a checkout below root's home is not.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export const NOBODY = 65_534;
const ROOT = join(import.meta.dirname, '../..');

/** Words in front of a command of root that is run as the user, without its groups. */
export function asUser(user: number = NOBODY): [string, ...string[]] {
  return ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
}

/** Why a program of this checkout cannot be run as the user, or undefined. access(2) asks as the user, whatever may be read. */
export function whyUnreadable(user: number = NOBODY): string | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [program, ...as] = asUser(user);
  const { status } = spawnSync(program, [...as, 'test', '-r', join(ROOT, 'vitest.config.ts')]);
  return status === 0 ? undefined : 'only root may read this checkout, so nobody else can start plinth';
}
