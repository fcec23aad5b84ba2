// SPDX-License-Identifier: Apache-2.0
// Device files that everyone may use, as udev of Debian makes them, in a mount namespace of a test's own: the host's stay as they are.

const NUMBERS = { '/dev/fuse': '10 229', '/dev/net/tun': '10 200' } as const;

/** Shell commands of root, in that namespace. `at`: an empty directory; it may lie where devices are not. */
export function deviceWithMode(path: keyof typeof NUMBERS, mode: string, at: string): string {
  const file = `'${at}/device'`;
  return `mount -t tmpfs none '${at}' && mknod -m ${mode} ${file} c ${NUMBERS[path]} && mount --bind ${file} ${path}`;
}

export function usableFuse(at: string): string {
  return deviceWithMode('/dev/fuse', '666', at);
}

export function usableTun(at: string): string {
  return deviceWithMode('/dev/net/tun', '666', at);
}
