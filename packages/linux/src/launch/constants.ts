// SPDX-License-Identifier: Apache-2.0
// Numbers of Linux that launch programs hand to the kernel (include/uapi/linux of Linux 6.16), for x86-64.

/** struct clone_args of clone3(2). */
export const CLONE_ARGUMENTS = { flags: 0, exitSignal: 32, group: 80, size: 88 } as const;
/** CLONE_INTO_CGROUP: born there, since moving there would make the kernel wait for all processors. */
export const CLONE_INTO_GROUP = 0x2_0000_0000n;

/** clone(2), unshare(2). */
export const CLONE = {
  sameFiles: 0x400,
  newMounts: 0x2_0000,
  newControlGroups: 0x200_0000,
  newHostName: 0x400_0000,
  newIpc: 0x800_0000,
  newUsers: 0x1000_0000,
  newProcesses: 0x2000_0000,
  newNetwork: 0x4000_0000,
} as const;

export const SIGNAL = { interrupt: 2, quit: 3, kill: 9, pipe: 13, child: 17, fileSize: 25 } as const;

/** rt_sigprocmask(2). */
export const SIGNAL_MASK_SET = 2;

/** mount(2). */
export const MOUNT = {
  noSetUser: 2,
  noDevices: 4,
  noExecute: 8,
  bind: 0x1000,
  recursive: 0x4000,
  private: 0x4_0000,
} as const;

/** mount_setattr(2). */
export const MOUNT_ATTRIBUTE = { readOnly: 1, noSetUser: 2, noDevices: 4 } as const;

export const AT = { workingDirectory: -100, emptyPath: 0x1000, recursive: 0x8000 } as const;

export const OPEN_FLAG = {
  writeOnly: 1,
  readWrite: 2,
  create: 0x40,
  exclusive: 0x80,
  truncate: 0x200,
  nonBlocking: 0x800,
  closeOnExec: 0x8_0000,
  path: 0x20_0000,
} as const;

/** A file system that is made first and then put in its place: fsopen(2), fsconfig(2), fsmount(2), move_mount(2). */
export const NEW_MOUNT = { setFlag: 0, setText: 1, create: 6, closeOnExec: 1, fromEmptyPath: 4 } as const;

/** struct open_how of openat2(2): flags, mode, resolve, 8 bytes each. */
export const OPEN_HOW_SIZE = 24;
export const RESOLVE = { noMagicLinks: 2, noSymbolicLinks: 4 } as const;

/** close_range(2): of files of its own from then on. */
export const CLOSE_RANGE_UNSHARE = 2;

/** umount2(2): detached now, gone when nobody uses it. */
export const UNMOUNT_DETACH = 2;

/** prctl(2). */
export const PROCESS_CONTROL = { parentDeathSignal: 1, dumpable: 4, dropCapability: 24, noNewPrivileges: 38 } as const;

/** capset(2): version 3, and the size of its two structs. */
export const CAPABILITY_VERSION = 0x2008_0522;
export const CAPABILITY_SETS_SIZE = 24;

/** seccomp(2). */
export const SECCOMP_SET_FILTER = 1;
/** SECCOMP_FILTER_FLAG_NEW_LISTENER, and _WAIT_KILLABLE_RECV: once it was told, only what kills the program interrupts a call. */
export const SECCOMP_FLAG = { newListener: 8, waitKillable: 32 } as const;

export const LOCK = { exclusive: 2, nonBlocking: 4 } as const;

/** socket(2), and SIOCSIFFLAGS with what it sets of an interface (netdevice(7)). */
export const INTERNET_DATAGRAM = { domain: 2, type: 2 } as const;
export const SET_INTERFACE_FLAGS = 0x8914;
export const INTERFACE_UP = 0x41;

/** MSG_NOSIGNAL of send(2): whose other end is gone gets an error only. */
export const SEND_NO_SIGNAL = 0x4000;

/** landlock_add_rule(2): what is beneath a path. */
export const LANDLOCK_PATH_BENEATH = 1;

/** Rights of Landlock to files, and since which version of it there are so many; 13 of them from version 1 on. */
export const LANDLOCK_RIGHT = { execute: 1, readFile: 4, readDirectory: 8, deviceControl: 0x8000 } as const;
export const LANDLOCK_VERSIONS = [
  { rights: 0xffff, size: 24, scopes: true },
  { rights: 0x7fff, size: 8, scopes: false },
  { rights: 0x3fff, size: 8, scopes: false },
  { rights: 0x1fff, size: 8, scopes: false },
] as const;
/** What is outside: no abstract sockets. */
export const LANDLOCK_SCOPE_SOCKETS = 1;

/** S_IFIFO of mknod(2). */
export const FILE_KIND_PIPE = 0o1_0000;
