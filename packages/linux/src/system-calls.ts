// SPDX-License-Identifier: Apache-2.0
// The system calls that Plinth makes without Node, one method each; the table in native-calls.ts makes them of libc, and
// tests make their own. A call that fails gives the negative error number, as the kernel itself has it.

/** Result of a call, or a negative error number. */
export type Result = number;

export interface SystemCalls {
  open(path: string, flags: number): Result;
  close(fd: number): Result;
  ioctl(fd: number, request: number, argument: Uint8Array): Result;
  read(fd: number, into: Uint8Array): Result;
  write(fd: number, from: Uint8Array): Result;
  eventfd(count: number, flags: number): Result;
  socket(domain: number, type: number, protocol: number): Result;
  /** `descriptors`: room for two 32-bit numbers. */
  socketpair(domain: number, type: number, descriptors: Uint8Array): Result;
  bind(fd: number, address: Uint8Array): Result;
  listen(fd: number, backlog: number): Result;
  /** The new descriptor is closed on exec. */
  accept(fd: number): Result;
  connect(fd: number, address: Uint8Array): Result;
  /** `message` is a struct msghdr, read and written. */
  recvmsg(fd: number, message: Uint8Array, flags: number): Result;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array): Result;
  /** `lock`: a struct flock, read and, by commands that ask, written. */
  fcntl(fd: number, command: number, lock: Uint8Array): Result;
  /** A descriptor that can be read once this process has ended. */
  pidfdOpen(pid: number): Result;
  /** Of this thread alone, which is then in another namespace than the others of its process. */
  setns(fd: number, type: number): Result;
  /** As `setns`, but the namespace is a new one. */
  unshare(types: number): Result;
  mount(source: string, target: string, type: string, flags: number, data: string): Result;
  unmount(target: string): Result;
  fanotifyInit(flags: number, eventFlags: number): Result;
  fanotifyMark(fd: number, flags: number, mask: number, path: string): Result;
  /** Becomes another program, with this process' number and open files; returns only if that fails. */
  execve(path: string, args: readonly string[], environment: readonly string[]): Result;
  /** Gives a descriptor to the program that this process becomes: it stays open, and waits as usual, neither of which Node leaves so. */
  handOver(fd: number): Result;
  /** Locks a file as a whole (flock(2)), `LOCK` of launch/constants.ts. */
  flock(fd: number, operation: number): Result;
  /** 0 if there is no such interface. */
  interfaceIndex(name: string): number;
  /** bpf(2): `attribute` is a union bpf_attr, read and, by commands that answer, written. */
  bpf(command: number, attribute: Uint8Array): Result;
  /** Maps bytes of a file, shared; they stay mapped as long as the process lives, or until `munmap`. */
  mmap(fd: number, offset: number, length: number, writable: boolean): Uint8Array | Result;
  munmap(bytes: Uint8Array): Result;
  /** Where these bytes lie, for a pointer inside of another argument; they have to be kept as long as it is used. */
  address(bytes: Uint8Array): bigint;
  /** `descriptors` is an array of struct pollfd. Runs on another thread, and fails only as a whole. */
  poll(descriptors: Uint8Array, milliseconds: number): Promise<Result>;
  /** The same on this thread, which does nothing else meanwhile. */
  wait(descriptors: Uint8Array, milliseconds: number): Result;
}

/** The same numbers on every architecture that Linux shares its generic headers with. */
export const ERROR = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  E2BIG: 7,
  EAGAIN: 11,
  EACCES: 13,
  EBUSY: 16,
  ENODEV: 19,
  EINVAL: 22,
  ENOSPC: 28,
  EBADFD: 77,
  ENOBUFS: 105,
} as const;

export const OPEN = { readOnly: 0, readWrite: 0x2, nonBlocking: 0x800, closeOnExec: 0x8_0000 } as const;

export const POLL = { in: 1, error: 8 } as const;
export const POLL_SIZE = 8;

/** Writes entry `index` of an array of struct pollfd. */
export function setPoll(descriptors: Uint8Array, index: number, fd: number, events: number): void {
  const view = new DataView(descriptors.buffer, descriptors.byteOffset + POLL_SIZE * index, POLL_SIZE);
  view.setInt32(0, fd, true);
  view.setInt16(4, events, true);
  view.setInt16(6, 0, true);
}

/** What happened at entry `index`. */
export function polled(descriptors: Uint8Array, index: number): number {
  const at = descriptors.byteOffset + POLL_SIZE * index;
  return new DataView(descriptors.buffer, at, POLL_SIZE).getInt16(6, true);
}

/** An array of struct pollfd that waits for something to read from each. */
export function pollToRead(descriptors: readonly number[]): Uint8Array {
  const polls = new Uint8Array(POLL_SIZE * descriptors.length);
  descriptors.forEach((fd, n) => setPoll(polls, n, fd, POLL.in));
  return polls;
}

/** Whether one of them can be read now; negative ones never can. */
export function anyReadable(calls: SystemCalls, descriptors: readonly number[]): boolean {
  return calls.wait(pollToRead(descriptors), 0) > 0;
}
