// SPDX-License-Identifier: Apache-2.0
// System calls through libc, called by koffi: one row for each call. Those about files are in files/native-file-calls.ts.

import { loadLibc, type Native } from './libc.js';
import { POLL_SIZE, type Result, type SystemCalls } from './system-calls.js';

const PROTOTYPES = {
  open: 'int open(const char *path, int flags)',
  close: 'int close(int fd)',
  ioctl: 'int ioctl(int fd, unsigned long request, ...)',
  read: 'intptr_t read(int fd, void *into, size_t size)',
  write: 'intptr_t write(int fd, const void *from, size_t size)',
  socket: 'int socket(int domain, int type, int protocol)',
  socketpair: 'int socketpair(int domain, int type, int protocol, void *descriptors)',
  bind: 'int bind(int fd, const void *address, unsigned int size)',
  listen: 'int listen(int fd, int backlog)',
  accept4: 'int accept4(int fd, void *address, void *size, int flags)',
  connect: 'int connect(int fd, const void *address, unsigned int size)',
  recvmsg: 'intptr_t recvmsg(int fd, void *message, int flags)',
  setsockopt: 'int setsockopt(int fd, int level, int option, const void *value, unsigned int size)',
  fcntl: 'int fcntl(int fd, int command, ...)',
  eventfd: 'int eventfd(unsigned int count, int flags)',
  setns: 'int setns(int fd, int type)',
  unshare: 'int unshare(int types)',
  mount: 'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
  umount: 'int umount(const char *target)',
  fanotifyInit: 'int fanotify_init(unsigned int flags, unsigned int event_flags)',
  fanotifyMark: 'int fanotify_mark(int fd, unsigned int flags, uint64_t mask, int directory, const char *path)',
  execve: 'int execve(const char *path, const char **args, const char **environment)',
  flock: 'int flock(int fd, int operation)',
  interfaceIndex: 'unsigned int if_nametoindex(const char *name)',
  mmap: 'void *mmap(void *where, size_t length, int protection, int flags, int fd, int64_t offset)',
  munmap: 'int munmap(void *where, size_t length)',
  syscall: 'intptr_t syscall(intptr_t number, ...)',
  poll: 'int poll(void *descriptors, unsigned long count, int milliseconds)',
} as const;

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const AT_FDCWD = -100;
const SOCK_CLOEXEC = 0x8_0000;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;

/** Number of bpf(2), which libc has no function for; by the names that Node gives to processors. */
const BPF_CALLS: Readonly<Record<string, number>> = {
  x64: 321,
  arm64: 280,
  arm: 386,
  riscv64: 280,
  ppc64: 361,
  s390x: 351,
};
/** pidfd_open(2), which libc has since 2.36; new calls have one number everywhere. */
const PIDFD_OPEN_CALL = 434;
const BPF_CALL: number = BPF_CALLS[process.arch] ?? -1;

/** Loads libc; throws a `host` error where that cannot be. */
export function nativeCalls(): SystemCalls {
  const { koffi, table } = loadLibc(PROTOTYPES);
  const call = (native: Native, ...args: readonly unknown[]): Result => {
    const result = native(...args) as number;
    return result < 0 ? -koffi.errno() : result;
  };
  return {
    open: (path, flags) => call(table.open, path, flags),
    close: (fd) => call(table.close, fd),
    ioctl: (fd, request, argument) => call(table.ioctl, fd, request, 'void *', argument),
    read: (fd, into) => call(table.read, fd, into, into.length),
    write: (fd, from) => call(table.write, fd, from, from.length),
    socket: (domain, type, protocol) => call(table.socket, domain, type, protocol),
    socketpair: (domain, type, descriptors) => call(table.socketpair, domain, type, 0, descriptors),
    bind: (fd, address) => call(table.bind, fd, address, address.length),
    listen: (fd, backlog) => call(table.listen, fd, backlog),
    accept: (fd) => call(table.accept4, fd, null, null, SOCK_CLOEXEC),
    connect: (fd, address) => call(table.connect, fd, address, address.length),
    recvmsg: (fd, message, flags) => call(table.recvmsg, fd, message, flags),
    setsockopt: (fd, level, option, value) => call(table.setsockopt, fd, level, option, value, value.length),
    fcntl: (fd, command, lock) => call(table.fcntl, fd, command, 'void *', lock),
    eventfd: (count, flags) => call(table.eventfd, count, flags),
    pidfdOpen: (pid) => call(table.syscall, PIDFD_OPEN_CALL, 'int', pid, 'unsigned int', 0),
    setns: (fd, type) => call(table.setns, fd, type),
    unshare: (types) => call(table.unshare, types),
    mount: (source, target, type, flags, data) => call(table.mount, source, target, type, flags, data),
    unmount: (target) => call(table.umount, target),
    fanotifyInit: (flags, eventFlags) => call(table.fanotifyInit, flags, eventFlags),
    fanotifyMark: (fd, flags, mask, path) => call(table.fanotifyMark, fd, flags, mask, AT_FDCWD, path),
    execve: (path, args, environment) => call(table.execve, path, [...args, null], [...environment, null]),
    handOver: (fd) => {
      const flags = call(table.fcntl, fd, F_GETFL, 'int', 0);
      if (flags < 0) return flags;
      call(table.fcntl, fd, F_SETFL, 'int', flags & ~O_NONBLOCK);
      return call(table.fcntl, fd, F_SETFD, 'int', 0);
    },
    flock: (fd, operation) => call(table.flock, fd, operation),
    interfaceIndex: (name) => table.interfaceIndex(name) as number,
    bpf: (command, attribute) =>
      call(table.syscall, BPF_CALL, 'int', command, 'void *', attribute, 'unsigned int', attribute.length),
    mmap: (fd, offset, length, writable) => {
      const at = table.mmap(null, length, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, offset) as bigint;
      // MAP_FAILED is -1.
      return BigInt.asIntN(64, at) === -1n ? -koffi.errno() : new Uint8Array(koffi.view(at, length));
    },
    munmap: (bytes) => call(table.munmap, koffi.address(bytes), bytes.length),
    address: (bytes) => koffi.address(bytes),
    wait: (descriptors, milliseconds) => call(table.poll, descriptors, descriptors.length / POLL_SIZE, milliseconds),
    poll: (descriptors, milliseconds) =>
      new Promise((resolve, reject) => {
        table.poll.async(
          descriptors,
          descriptors.length / POLL_SIZE,
          milliseconds,
          (error: Error | null, result: number) => {
            if (error === null) resolve(result);
            else reject(error);
          },
        );
      }),
  };
}
