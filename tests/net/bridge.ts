// SPDX-License-Identifier: Apache-2.0
// Two tap interfaces on one bridge of the kernel's, for a network namespace.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Shell commands: the interfaces are `one` and `two`. */
export const BRIDGE = `
ip tuntap add dev one mode tap
ip tuntap add dev two mode tap
ip link add bridge type bridge
for tap in one two; do ip link set $tap master bridge; ip link set $tap up; done
ip link set bridge up
`;

/** Why it cannot be had here. */
export function missingBridge(): string | undefined {
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun';
  const { status } = spawnSync('unshare', ['--net', 'sh', '-ec', BRIDGE]);
  return status === 0 ? undefined : 'this kernel has no bridge, or no tap interfaces';
}
