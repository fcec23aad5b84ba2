// SPDX-License-Identifier: Apache-2.0
// Whether this host lets a workspace be: found by running nothing in it. What the kernel refuses is told by the launch program, and which setting
// that may be is looked up.

import { spawnSync } from 'node:child_process';
import { closeSync, readFileSync } from 'node:fs';
import { PlinthError } from '@plinth/core';
import { nativeCalls, STATUS, TUN_DEVICE, whyNoDevice } from '@plinth/linux';
import {
  connectWatcher,
  type HostFacts,
  hostFacts,
  type LayerCarrier,
  NETWORK_FAILED,
  type RunNetwork,
  watcherDirectory,
  type Workspace,
} from '@plinth/sandbox';
import { lastPasstWords } from '../net/passt-words.js';
import { WATCHER_DESCRIPTOR } from './environment.js';

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

/** @throws PlinthError `workspace-host` (host) */
export function requireWorkspaceHost(): void {
  if (process.platform === 'linux' && process.arch === 'x64') return;
  const what = `${process.platform} on ${process.arch}`;
  throw new PlinthError(
    'host',
    'workspace-host',
    `workspaces are for Linux on x86-64, and this is ${what}: run plinth there`,
  );
}

/** What a launch program says when a mount of overlayfs fails. */
const OVERLAY_REFUSED = / \(overlay\): E[A-Z0-9]+$/;

interface Tried {
  /** Who is to carry its layers, if somebody has asked for one. */
  readonly layers?: LayerCarrier | undefined;
  readonly network?: RunNetwork | undefined;
}

/**
 * If the kernel's overlayfs does not lay its layers and nobody has asked for that one, they are carried by FUSE.
 * @throws PlinthError `workspace-refused`, `workspace-network`, `watcher` (host)
 */
export async function tryWorkspace(
  workspace: Workspace,
  facts: HostFacts,
  { layers, network }: Tried = {},
): Promise<void> {
  const first = await firstRefusal(workspace, facts, network);
  if (first === undefined) return;
  if (first.includes(NETWORK_FAILED)) throw networkFailure(workspace);
  if (layers !== undefined || !OVERLAY_REFUSED.test(first)) throw refused(first);
  workspace.carryBy('fuse');
  const second = await refusalOf(workspace, hostFacts(), network);
  if (second !== undefined) throw refused(`${first}, and by FUSE: ${second.replace(/^workspace [^ ]+: /, '')}`);
}

/** If something came to be mounted below what has a layer while the plan was made, it is planned again, once. */
async function firstRefusal(
  workspace: Workspace,
  facts: HostFacts,
  network: RunNetwork | undefined,
): Promise<string | undefined> {
  const first = await refusalOf(workspace, facts, network);
  if (first === undefined || !OVERLAY_REFUSED.test(first)) return first;
  const now = hostFacts();
  const isSame = now.mountPoints.join('\n') === facts.mountPoints.join('\n');
  return isSame ? first : refusalOf(workspace, now, network);
}

/** What the launch program says, if it does not even run nothing. */
async function refusalOf(
  workspace: Workspace,
  facts: HostFacts,
  network: RunNetwork | undefined,
): Promise<string | undefined> {
  const isServed = workspace.options.layers === 'fuse';
  const socket = isServed ? await connectWatcher(nativeCalls(), watcherDirectory()) : undefined;
  const watcher = socket === undefined ? {} : { watcher: { socket: WATCHER_DESCRIPTOR } };
  const place = { directory: facts.home, ...watcher, ...(network === undefined ? {} : { network }) };
  const launcher = workspace.launcher(facts, place);
  const { status, stderr, error } = spawnSync(launcher, ['true'], {
    encoding: 'utf8',
    env: {},
    stdio: ['ignore', 'pipe', 'pipe', socket ?? 'ignore'],
  });
  if (socket !== undefined) closeSync(socket);
  if (error === undefined && status !== STATUS.failed && status !== STATUS.input) return undefined;
  // Whether something was mounted just now is looked at here.
  return (error?.message ?? stderr)
    .trim()
    .replace(/^plinth: /, '')
    .replace(/( \(overlay\): E[A-Z0-9]+);.*/, '$1');
}

function refused(said: string): PlinthError {
  const setting = SETTINGS.find(({ file, value }) => readSetting(file) === value);
  const name = setting?.file.slice('/proc/sys/'.length).replaceAll('/', '.');
  const mend = setting === undefined ? 'as root it may work' : `${name} is ${setting.value}: as root, ${setting.mend}`;
  const instead = 'a machine works without it: plinth run --image debian-mini';
  return new PlinthError('host', 'workspace-refused', `${said}; ${mend}; ${instead}`);
}

function networkFailure({ name, carrierLog }: Workspace): PlinthError {
  const said = lastPasstWords(readFileSync(carrierLog, 'utf8')) ?? 'it does not say why';
  const why = whyNoDevice(nativeCalls(), TUN_DEVICE) ?? `pasta: ${said}`;
  return new PlinthError('host', 'workspace-network', `workspace ${name}: ${NETWORK_FAILED}: ${why}`);
}

function readSetting(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
