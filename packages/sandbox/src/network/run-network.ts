// SPDX-License-Identifier: Apache-2.0
// The network of one run, found when it begins: what a list of hosts means now, and who carries it.

import { PlinthError } from '@plinth/core';
import { programPath } from '@plinth/linux';
import type { RunNetwork, WorkspaceOptions } from '../workspace/workspace-plan.js';
import { resolveHosts } from './named-host.js';

const CARRIER = 'pasta';

/**
 * Undefined without a list.
 * @throws PlinthError `allow-net`, `host-name` (input), `carrier` (host)
 */
export async function findRunNetwork({
  network,
  reachableHosts = [],
}: WorkspaceOptions): Promise<RunNetwork | undefined> {
  if (network !== 'listed') return undefined;
  return { carrier: findCarrier(), reachable: await resolveHosts(reachableHosts) };
}

function findCarrier(): string {
  const path = programPath(CARRIER);
  if (path !== undefined) return path;
  throw new PlinthError(
    'host',
    'carrier',
    `--allow-net: there is no ${CARRIER}, which carries it: apt-get install passt`,
  );
}
