// SPDX-License-Identifier: Apache-2.0
// A /dev/fuse that everyone may use, as udev of Debian makes it, in a mount namespace of a test's own: the host's stays as it is.

/** Shell commands of root, in that namespace. `at`: an empty directory; it may lie where devices are not. */
export function usableFuse(at: string): string {
  return `mount -t tmpfs none '${at}' && mknod -m 666 '${at}/fuse' c 10 229 && mount --bind '${at}/fuse' /dev/fuse`;
}
