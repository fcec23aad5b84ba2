// SPDX-License-Identifier: Apache-2.0
// System calls of 32-bit ARM Linux (EABI): numbers and names as in asm/unistd-eabi.h and asm/unistd.h, errors as in
// asm-generic/errno.h of Debian's linux-libc-dev 6.1, and what the arguments of the most used calls are. A table.

/** By number, ten in a line; `-` where there is none. */
const NAMES: readonly string[] = `
  restart_syscall exit fork read write open close - creat link
  unlink execve chdir - mknod chmod lchown - - lseek
  getpid mount - setuid getuid - ptrace - - pause
  - - - access nice - sync kill rename mkdir
  rmdir dup pipe times - brk setgid getgid - geteuid
  getegid acct umount2 - ioctl fcntl - setpgid - -
  umask chroot ustat dup2 getppid getpgrp setsid sigaction - -
  setreuid setregid sigsuspend sigpending sethostname setrlimit - getrusage gettimeofday settimeofday
  getgroups setgroups - symlink - readlink uselib swapon reboot -
  - munmap truncate ftruncate fchmod fchown getpriority setpriority - statfs
  fstatfs - - syslog setitimer getitimer stat lstat fstat -
  - vhangup - - wait4 swapoff sysinfo - fsync sigreturn
  clone setdomainname uname - adjtimex mprotect sigprocmask - init_module delete_module
  - quotactl getpgid fchdir bdflush sysfs personality - setfsuid setfsgid
  _llseek getdents _newselect flock msync readv writev getsid fdatasync _sysctl
  mlock munlock mlockall munlockall sched_setparam sched_getparam sched_setscheduler sched_getscheduler sched_yield sched_get_priority_max
  sched_get_priority_min sched_rr_get_interval nanosleep mremap setresuid getresuid - - poll nfsservctl
  setresgid getresgid prctl rt_sigreturn rt_sigaction rt_sigprocmask rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_sigsuspend
  pread64 pwrite64 chown getcwd capget capset sigaltstack sendfile - -
  vfork ugetrlimit mmap2 truncate64 ftruncate64 stat64 lstat64 fstat64 lchown32 getuid32
  getgid32 geteuid32 getegid32 setreuid32 setregid32 getgroups32 setgroups32 fchown32 setresuid32 getresuid32
  setresgid32 getresgid32 chown32 setuid32 setgid32 setfsuid32 setfsgid32 getdents64 pivot_root mincore
  madvise fcntl64 - - gettid readahead setxattr lsetxattr fsetxattr getxattr
  lgetxattr fgetxattr listxattr llistxattr flistxattr removexattr lremovexattr fremovexattr tkill sendfile64
  futex sched_setaffinity sched_getaffinity io_setup io_destroy io_getevents io_submit io_cancel exit_group lookup_dcookie
  epoll_create epoll_ctl epoll_wait remap_file_pages - - set_tid_address timer_create timer_settime timer_gettime
  timer_getoverrun timer_delete clock_settime clock_gettime clock_getres clock_nanosleep statfs64 fstatfs64 tgkill utimes
  arm_fadvise64_64 pciconfig_iobase pciconfig_read pciconfig_write mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr
  waitid socket bind connect listen accept getsockname getpeername socketpair send
  sendto recv recvfrom shutdown setsockopt getsockopt sendmsg recvmsg semop semget
  semctl msgsnd msgrcv msgget msgctl shmat shmdt shmget shmctl add_key
  request_key keyctl semtimedop vserver ioprio_set ioprio_get inotify_init inotify_add_watch inotify_rm_watch mbind
  get_mempolicy set_mempolicy openat mkdirat mknodat fchownat futimesat fstatat64 unlinkat renameat
  linkat symlinkat readlinkat fchmodat faccessat pselect6 ppoll unshare set_robust_list get_robust_list
  splice arm_sync_file_range tee vmsplice move_pages getcpu epoll_pwait kexec_load utimensat signalfd
  timerfd_create eventfd fallocate timerfd_settime timerfd_gettime signalfd4 eventfd2 epoll_create1 dup3 pipe2
  inotify_init1 preadv pwritev rt_tgsigqueueinfo perf_event_open recvmmsg accept4 fanotify_init fanotify_mark prlimit64
  name_to_handle_at open_by_handle_at clock_adjtime syncfs sendmmsg setns process_vm_readv process_vm_writev kcmp finit_module
  sched_setattr sched_getattr renameat2 seccomp getrandom memfd_create bpf execveat userfaultfd membarrier
  mlock2 copy_file_range preadv2 pwritev2 pkey_mprotect pkey_alloc pkey_free statx rseq io_pgetevents
  migrate_pages kexec_file_load - clock_gettime64 clock_settime64 clock_adjtime64 clock_getres_time64 clock_nanosleep_time64 timer_gettime64 timer_settime64
  timerfd_gettime64 timerfd_settime64 utimensat_time64 pselect6_time64 ppoll_time64 - io_pgetevents_time64 recvmmsg_time64 mq_timedsend_time64 mq_timedreceive_time64
  semtimedop_time64 rt_sigtimedwait_time64 futex_time64 sched_rr_get_interval_time64 pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree move_mount
  fsopen fsconfig fsmount fspick pidfd_open clone3 close_range openat2 pidfd_getfd faccessat2
  process_madvise epoll_pwait2 mount_setattr quotactl_fd landlock_create_ruleset landlock_add_rule landlock_restrict_self - process_mrelease futex_waitv
  set_mempolicy_home_node
`
  .trim()
  .split(/\s+/);

/** __ARM_NR_BASE and the calls behind it. */
const ARM_BASE = 0xf0000;
const ARM_NAMES: readonly string[] = ['-', 'breakpoint', 'cacheflush', 'usr26', 'usr32', 'set_tls', 'get_tls'];

/** By number, from 0. */
const ERRORS: readonly string[] = `
  - EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN
  ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE
  EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK
  ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP - ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST
  ELNRNG EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT - EBFONT
  ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO
  EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC
  EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP
  EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN
  ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL
  EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE
  ERFKILL EHWPOISON
`
  .trim()
  .split(/\s+/);

/** `syscall_417` where the table has none. */
export function systemCallName(number: number): string {
  const name = number >= ARM_BASE ? ARM_NAMES[number - ARM_BASE] : NAMES[number];
  return name === undefined || name === '-' ? `syscall_${number}` : name;
}

/** `ENOENT` of 2; undefined for a number without a name. */
export function errorName(number: number): string | undefined {
  const name = ERRORS[number];
  return name === '-' ? undefined : name;
}

/**
 * What the arguments of a call are, a letter for each:
 *
 *     d  number, signed      u  number, unsigned       x  hexadecimal          a  address, or NULL
 *     f  file descriptor     F  directory (AT_FDCWD)   s  text                 v  list of texts, ended by NULL
 *     b  bytes that go in, as many as the next argument says
 *     B  bytes that come out, as many as the result says
 *     P  two file descriptors that come out
 *     o  mode, octal         S  signal                 l  64-bit number in a pair of registers that begins with an even one
 *     O  flags of open       p  protection             m  flags of mmap        c  flags of clone
 *     w  whence              A  mode of access         k  clock                W  options of wait
 *
 * Behind `=` is what the result is: `x` hexadecimal, `n` none, since the call does not return; a signed number if
 * nothing is said.
 */
const SIGNATURES: Readonly<Record<string, string>> = {
  exit: 'd=n', fork: '', vfork: '', read: 'fBu', write: 'fbu', open: 'sOo', close: 'f', creat: 'so', link: 'ss', unlink: 's',
  execve: 'svv', chdir: 's', mknod: 'sox', chmod: 'so', lchown: 'sdd', lseek: 'fdw', getpid: '', mount: 'sssxa', setuid: 'd',
  getuid: '', ptrace: 'ddaa', pause: '', access: 'sA', sync: '', kill: 'dS', rename: 'ss', mkdir: 'so', rmdir: 's', dup: 'f',
  pipe: 'P', times: 'a', brk: 'a=x', setgid: 'd', getgid: '', geteuid: '', getegid: '', umount2: 'sx', ioctl: 'fxa',
  fcntl: 'fdx', setpgid: 'dd', umask: 'o', chroot: 's', dup2: 'ff', getppid: '', getpgrp: '', setsid: '', sethostname: 'bu',
  setrlimit: 'da', getrusage: 'da', gettimeofday: 'aa', settimeofday: 'aa', symlink: 'ss', readlink: 'sBu', swapon: 'sx',
  reboot: 'xxxa', munmap: 'au', truncate: 'su', ftruncate: 'fu', fchmod: 'fo', fchown: 'fdd', statfs: 'sa', fstatfs: 'fa',
  syslog: 'dad', setitimer: 'daa', stat: 'sa', lstat: 'sa', fstat: 'fa', wait4: 'daWa', sysinfo: 'a', fsync: 'f', sigreturn: '=n',
  rt_sigreturn: '=n', clone: 'caaaa', uname: 'a', mprotect: 'aup', init_module: 'aus', delete_module: 'sx', getpgid: 'd',
  fchdir: 'f', _llseek: 'fuuaw', getdents: 'fau', _newselect: 'daaaa', flock: 'fx', msync: 'aux', readv: 'fad', writev: 'fad',
  getsid: 'd', fdatasync: 'f', nanosleep: 'aa', sched_yield: '', mremap: 'auuxa=x', poll: 'aud', prctl: 'dxxxx',
  rt_sigaction: 'Saau', rt_sigprocmask: 'daau', rt_sigsuspend: 'au', rt_sigtimedwait: 'aaau', pread64: 'fBul', pwrite64: 'fbul',
  chown: 'sdd', getcwd: 'Bu', sigaltstack: 'aa', sendfile: 'ffau', ugetrlimit: 'da', mmap2: 'aupmfu=x', truncate64: 'sl',
  ftruncate64: 'fl', stat64: 'sa', lstat64: 'sa', fstat64: 'fa', lchown32: 'sdd', getuid32: '', getgid32: '', geteuid32: '',
  getegid32: '', setreuid32: 'dd', setregid32: 'dd', getgroups32: 'da', setgroups32: 'da', fchown32: 'fdd', setresuid32: 'ddd',
  getresuid32: 'aaa', setresgid32: 'ddd', getresgid32: 'aaa', chown32: 'sdd', setuid32: 'd', setgid32: 'd', getdents64: 'fau',
  pivot_root: 'ss', madvise: 'aud', fcntl64: 'fdx', gettid: '', getxattr: 'ssau', lgetxattr: 'ssau', fgetxattr: 'fsau',
  tkill: 'dS', sendfile64: 'ffau', futex: 'axuaau', sched_setaffinity: 'dua', sched_getaffinity: 'dua', exit_group: 'd=n',
  epoll_create: 'd', epoll_ctl: 'fdfa', epoll_wait: 'fadd', set_tid_address: 'a', clock_settime: 'ka', clock_gettime: 'ka',
  clock_getres: 'ka', clock_nanosleep: 'kxaa', statfs64: 'sua', fstatfs64: 'fua', tgkill: 'ddS', utimes: 'sa', waitid: 'ddaWa',
  socket: 'dxd', bind: 'fau', connect: 'fau', listen: 'fd', accept: 'faa', getsockname: 'faa', getpeername: 'faa',
  socketpair: 'dxdP', send: 'fbux', sendto: 'fbuxau', recv: 'fBux', recvfrom: 'fBuxaa', shutdown: 'fd', setsockopt: 'fddau',
  getsockopt: 'fddaa', sendmsg: 'fax', recvmsg: 'fax', inotify_init: '', inotify_add_watch: 'fsx', inotify_rm_watch: 'fd',
  openat: 'FsOo', mkdirat: 'Fso', mknodat: 'Fsox', fchownat: 'Fsddx', fstatat64: 'Fsax', unlinkat: 'Fsx', renameat: 'FsFs',
  linkat: 'FsFsx', symlinkat: 'sFs', readlinkat: 'FsBu', fchmodat: 'Fso', faccessat: 'FsA', pselect6: 'daaaaa', ppoll: 'auaau',
  unshare: 'c', set_robust_list: 'au', get_robust_list: 'daa', splice: 'fafaux', tee: 'ffux', getcpu: 'aaa', epoll_pwait: 'faddau',
  utimensat: 'Fsax', timerfd_create: 'kx', eventfd: 'u', fallocate: 'fxll', signalfd4: 'faux', eventfd2: 'ux', epoll_create1: 'x',
  dup3: 'ffO', pipe2: 'PO', inotify_init1: 'x', prlimit64: 'ddaa', setns: 'fc', finit_module: 'fsx', renameat2: 'FsFsx',
  seccomp: 'uxa', getrandom: 'Bux', memfd_create: 'sx', bpf: 'dau', execveat: 'Fsvvx', copy_file_range: 'fafaux', statx: 'Fsxxa',
  rseq: 'auxx', clock_gettime64: 'ka', clock_settime64: 'ka', clock_getres_time64: 'ka', clock_nanosleep_time64: 'kxaa',
  utimensat_time64: 'Fsax', pselect6_time64: 'daaaaa', ppoll_time64: 'auaau', futex_time64: 'axuaau', clone3: 'au',
  close_range: 'ffx', openat2: 'Fsau', faccessat2: 'FsAx', cacheflush: 'aax', set_tls: 'a', get_tls: '=x',
}; // prettier-ignore

/** Undefined for a call that the table does not have: its arguments are shown as they are. */
export function systemCallSignature(name: string): { readonly args: string; readonly result: string } | undefined {
  const signature = Object.hasOwn(SIGNATURES, name) ? SIGNATURES[name] : undefined;
  if (signature === undefined) return undefined;
  const [args = '', result = 'd'] = signature.split('=');
  return { args, result };
}

/** Names of bits, or of values under a mask; what has no name is hexadecimal. Values as 32-bit ARM has them. */
export interface FlagSet {
  /** Values of these bits have one name each. */
  readonly choice?: { readonly mask: number; readonly names: readonly string[] };
  readonly bits: Readonly<Record<string, number>>;
}

export const FLAGS: Readonly<Record<string, FlagSet>> = {
  O: {
    choice: { mask: 3, names: ['O_RDONLY', 'O_WRONLY', 'O_RDWR', 'O_ACCMODE'] },
    bits: {
      O_CREAT: 0o100, O_EXCL: 0o200, O_NOCTTY: 0o400, O_TRUNC: 0o1000, O_APPEND: 0o2000, O_NONBLOCK: 0o4000,
      O_SYNC: 0o4010000, O_DSYNC: 0o10000, O_ASYNC: 0o20000, O_TMPFILE: 0o20040000, O_DIRECTORY: 0o40000,
      O_NOFOLLOW: 0o100000, O_DIRECT: 0o200000, O_LARGEFILE: 0o400000, O_NOATIME: 0o1000000, O_CLOEXEC: 0o2000000,
      O_PATH: 0o10000000,
    },
  },
  p: { bits: { PROT_READ: 1, PROT_WRITE: 2, PROT_EXEC: 4, PROT_GROWSDOWN: 0x0100_0000, PROT_GROWSUP: 0x0200_0000 } },
  m: {
    choice: { mask: 3, names: ['MAP_FILE', 'MAP_SHARED', 'MAP_PRIVATE', 'MAP_SHARED_VALIDATE'] },
    bits: {
      MAP_FIXED: 0x10, MAP_ANONYMOUS: 0x20, MAP_GROWSDOWN: 0x100, MAP_DENYWRITE: 0x800, MAP_EXECUTABLE: 0x1000,
      MAP_LOCKED: 0x2000, MAP_NORESERVE: 0x4000, MAP_POPULATE: 0x8000, MAP_NONBLOCK: 0x10000, MAP_STACK: 0x20000,
      MAP_HUGETLB: 0x40000, MAP_FIXED_NOREPLACE: 0x100000,
    },
  },
  c: {
    bits: {
      CLONE_VM: 0x100, CLONE_FS: 0x200, CLONE_FILES: 0x400, CLONE_SIGHAND: 0x800, CLONE_PIDFD: 0x1000, CLONE_PTRACE: 0x2000,
      CLONE_VFORK: 0x4000, CLONE_PARENT: 0x8000, CLONE_THREAD: 0x10000, CLONE_NEWNS: 0x20000, CLONE_SYSVSEM: 0x40000,
      CLONE_SETTLS: 0x80000, CLONE_PARENT_SETTID: 0x100000, CLONE_CHILD_CLEARTID: 0x200000, CLONE_UNTRACED: 0x800000,
      CLONE_CHILD_SETTID: 0x1000000, CLONE_NEWCGROUP: 0x2000000, CLONE_NEWUTS: 0x4000000, CLONE_NEWIPC: 0x8000000,
      CLONE_NEWUSER: 0x10000000, CLONE_NEWPID: 0x20000000, CLONE_NEWNET: 0x40000000, CLONE_IO: 0x80000000,
    },
  },
  A: { bits: { F_OK: 0, X_OK: 1, W_OK: 2, R_OK: 4 } },
  W: {
    bits: {
      WNOHANG: 1, WUNTRACED: 2, WEXITED: 4, WCONTINUED: 8, WNOWAIT: 0x1000000, __WNOTHREAD: 0x20000000, __WALL: 0x40000000,
      __WCLONE: 0x80000000,
    },
  },
}; // prettier-ignore

export const WHENCE: readonly string[] = ['SEEK_SET', 'SEEK_CUR', 'SEEK_END', 'SEEK_DATA', 'SEEK_HOLE'];

export const CLOCKS: readonly string[] = [
  'CLOCK_REALTIME', 'CLOCK_MONOTONIC', 'CLOCK_PROCESS_CPUTIME_ID', 'CLOCK_THREAD_CPUTIME_ID', 'CLOCK_MONOTONIC_RAW',
  'CLOCK_REALTIME_COARSE', 'CLOCK_MONOTONIC_COARSE', 'CLOCK_BOOTTIME', 'CLOCK_REALTIME_ALARM', 'CLOCK_BOOTTIME_ALARM',
  'CLOCK_SGI_CYCLE', 'CLOCK_TAI',
]; // prettier-ignore

/** By number, from 0. */
export const SIGNALS: readonly string[] = (
  '0 SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM SIGTERM ' +
  'SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH SIGIO ' +
  'SIGPWR SIGSYS'
).split(' ');
