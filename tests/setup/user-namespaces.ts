// SPDX-License-Identifier: Apache-2.0
// Whether a user namespace can be had here: images with a disk are made in one, and passt shuts itself into one. A
// chroot has none.

import { spawnSync } from 'node:child_process';

/** Why there is none, or undefined. */
export function missingUserNamespaces(): string | undefined {
  const { status, stderr } = spawnSync('unshare', ['--user', '--mount', '--pid', '--fork', 'true'], {
    encoding: 'utf8',
  });
  if (status === 0) return undefined;
  return `no user namespaces here: ${stderr?.trim() || 'unshare is not installed'}`;
}
