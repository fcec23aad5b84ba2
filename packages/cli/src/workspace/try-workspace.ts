// SPDX-License-Identifier: Apache-2.0
// Whether this host lets a workspace be: found by running nothing in it. What the kernel refuses is told by the launch program, and which setting
// that may be is looked up.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { PlinthError } from '@plinth/core';
import { STATUS } from '@plinth/linux';
import type { HostFacts, Workspace } from '@plinth/sandbox';

/** Settings that forbid user namespaces, and what they forbid them with. */
const SETTINGS = [
  { file: '/proc/sys/user/max_user_namespaces', value: '0', mend: 'sysctl user.max_user_namespaces=10000' },
  { file: '/proc/sys/kernel/unprivileged_userns_clone', value: '0', mend: 'sysctl kernel.unprivileged_userns_clone=1' },
  {
    file: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    value: '1',
    mend: 'sysctl kernel.apparmor_restrict_unprivileged_userns=0, or a profile for plinth',
  },
] as const;

/** @throws PlinthError `workspace-refused` (host) */
export function tryWorkspace(workspace: Workspace, facts: HostFacts): void {
  const launcher = workspace.launcher(facts, { directory: facts.home });
  const { status, stderr, error } = spawnSync(launcher, ['true'], { encoding: 'utf8', env: {} });
  if (error === undefined && status !== STATUS.failed) return;
  const said = (error?.message ?? stderr).trim().replace(/^plinth: /, '');
  const setting = SETTINGS.find(({ file, value }) => readSetting(file) === value);
  const name = setting?.file.slice('/proc/sys/'.length).replaceAll('/', '.');
  const mend = setting === undefined ? 'as root it may work' : `${name} is ${setting.value}: as root, ${setting.mend}`;
  const instead = 'a machine works without it: plinth run --image debian-mini';
  throw new PlinthError('host', 'workspace-refused', `${said}; ${mend}; ${instead}`);
}

function readSetting(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
