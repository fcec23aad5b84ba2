// SPDX-License-Identifier: Apache-2.0
// Whether namespaces can be had here: images with a disk are made in a user namespace, and passt shuts itself into one. A
// chroot has none of users, and none of mounts unless its root is a mount.

import { spawnSync } from 'node:child_process';

/** Why there are none that root makes, of networks and mounts, or undefined. */
export function whyNoNamespaces(): string | undefined {
  const { status, stderr } = spawnSync('unshare', ['--net', '--mount', 'true'], { encoding: 'utf8' });
  return status === 0 ? undefined : `no namespaces here: ${stderr.trim()}`;
}

/** Why there is none of users, or undefined. */
export function missingUserNamespaces(): string | undefined {
  const { status, stderr } = spawnSync('unshare', ['--user', '--mount', '--pid', '--fork', 'true'], {
    encoding: 'utf8',
  });
  if (status === 0) return undefined;
  return `no user namespaces here: ${stderr?.trim() || 'unshare is not installed'}`;
}
