// SPDX-License-Identifier: Apache-2.0
// The Debian packages that the tests under tests/ use. Tests skip themselves, with the reason, where a tool is missing;
// this installs what is missing when it runs as root on a Debian system, and otherwise says what would be needed.
// A vitest `globalSetup` module.

import { spawnSync } from 'node:child_process';

interface DebianPackage {
  readonly name: string;
  readonly why: string;
  /** Gives status 0 where the package (or the same thing from elsewhere) is there. */
  readonly probe: readonly [string, ...string[]];
}

export const DEBIAN_PACKAGES: readonly DebianPackage[] = [
  {
    name: 'qemu-system-arm',
    why: 'the reference machine of the CPU tests',
    probe: ['qemu-system-arm', '--version'],
  },
  { name: 'gdb-multiarch', why: 'debugs the machines', probe: ['gdb-multiarch', '--version'] },
  { name: 'qemu-utils', why: 'makes the disk images that we read', probe: ['qemu-img', '--version'] },
  {
    name: 'gcc-arm-none-eabi',
    why: 'builds the bare-metal test programs',
    probe: ['arm-none-eabi-gcc', '--version'],
  },
  {
    name: 'libnewlib-arm-none-eabi',
    why: 'the C library of the bare-metal test programs',
    probe: ['arm-none-eabi-gcc', '--specs=rdimon.specs', '-E', '-include', 'stdio.h', '-x', 'c', '/dev/null'],
  },
  { name: 'xz-utils', why: 'unpacks the sources of the torture tests', probe: ['xz', '--version'] },
  { name: 'device-tree-compiler', why: 'reads our device tree', probe: ['dtc', '--version'] },
  { name: 'qemu-user', why: 'the reference of the floating-point tests', probe: ['qemu-arm', '--version'] },
  {
    name: 'gcc-arm-linux-gnueabihf',
    why: 'builds the floating-point reference',
    probe: ['arm-linux-gnueabihf-gcc', '--version'],
  },
  {
    name: 'libc6-dev-armhf-cross',
    why: 'the C library of the floating-point reference',
    probe: ['arm-linux-gnueabihf-gcc', '-E', '-include', 'stdio.h', '-x', 'c', '/dev/null'],
  },
  { name: 'chromium', why: 'runs the page', probe: ['chromium', '--version'] },
  { name: 'openssl', why: 'gives the digests that a guest has to give', probe: ['openssl', 'version'] },
  { name: 'sqlite3', why: 'gives the results that a guest has to give', probe: ['sqlite3', '--version'] },
  { name: 'passt', why: 'the network in user mode', probe: ['passt', '--version'] },
  { name: 'iproute2', why: 'makes the network namespaces of the network tests', probe: ['ip', '-Version'] },
  { name: 'nftables', why: 'says what packet filters are', probe: ['sh', '-c', 'command -v nft'] },
  { name: 'openssh-client', why: 'logs in to guests', probe: ['ssh', '-V'] },
  { name: 'tshark', why: 'reads captures', probe: ['tshark', '--version'] },
  { name: 'gcc', why: 'builds oracles in C', probe: ['gcc', '--version'] },
  {
    name: 'libc6-dev',
    why: 'the C library of the oracles',
    probe: ['gcc', '-E', '-include', 'stdio.h', '-x', 'c', '/dev/null'],
  },
  {
    name: 'libhyperscan-dev',
    why: 'the reference of the pattern matchers',
    probe: ['gcc', '-E', '-include', 'hs/hs.h', '-x', 'c', '/dev/null'],
  },
  { name: 'tigervnc-standalone-server', why: 'draws desktops of workspaces', probe: ['Xvnc', '-version'] },
  { name: 'xterm', why: 'has a window in a workspace', probe: ['xterm', '-version'] },
  { name: 'xfonts-base', why: 'fonts of that window', probe: ['test', '-d', '/usr/share/fonts/X11/misc'] },
  { name: 'runc', why: 'runs containers', probe: ['runc', '--version'] },
  { name: 'podman', why: 'runs containers, and tells of them', probe: ['podman', '--version'] },
  { name: 'busybox-static', why: 'is what containers are made of', probe: ['/bin/busybox', 'true'] },
  { name: 'libhivex-bin', why: 'reads and writes registry hives', probe: ['sh', '-c', 'command -v hivexsh'] },
  { name: 'reglookup', why: 'reads registry hives', probe: ['sh', '-c', 'command -v reglookup'] },
  { name: 'regripper', why: 'reads registry hives', probe: ['sh', '-c', 'command -v regripper'] },
  { name: 'squashfs-tools', why: 'makes images that are hostile', probe: ['sh', '-c', 'command -v mksquashfs'] },
  { name: 'make', why: 'runs an installer that is captured', probe: ['make', '--version'] },
  { name: 'debootstrap', why: 'makes the host that programs in one file run on', probe: ['debootstrap', '--version'] },
  { name: 'xvfb', why: 'is the display of programs in one file', probe: ['Xvfb', '-help'] },
  { name: 'bpftool', why: 'loads the object files that are written', probe: ['bpftool', 'version'] },
];

/** Those of the list that are not there. */
export function missingPackages(): readonly DebianPackage[] {
  return DEBIAN_PACKAGES.filter(({ probe: [tool, ...args] }) => spawnSync(tool, args).status !== 0);
}

/** Prints what is missing and installs it if that is possible; never fails a test run. */
export default function setup(): void {
  const missing = missingPackages();
  if (missing.length === 0) return;
  console.log('Debian packages that tests use and that are not here:');
  for (const { name, why } of missing) console.log(`  ${name}: ${why}`);
  const reason = cannotInstall();
  if (reason !== undefined) {
    console.log(`not installed: ${reason}; the tests that need them are skipped`);
    return;
  }
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args: string[]): boolean =>
    spawnSync('apt-get', ['-qq', ...args], { stdio: ['ignore', 'ignore', 'inherit'], env: environment }).status === 0;
  const names = missing.map(({ name }) => name);
  // Lists may be old or absent, so a first failure is followed by an update.
  const install = (): boolean => apt('install', '--yes', '--no-install-recommends', ...names);
  if (install() || (apt('update') && install())) console.log(`installed: ${names.join(' ')}`);
  else console.log('apt-get could not install them; the tests that need them are skipped');
}

function cannotInstall(): string | undefined {
  if (process.platform !== 'linux' || spawnSync('apt-get', ['--version']).status !== 0)
    return 'this is no Debian system';
  if (process.getuid?.() !== 0) return 'only root may install packages';
  return undefined;
}
