// SPDX-License-Identifier: Apache-2.0
// Which system calls a program in isolation has. What is not named here is refused: what changes mounts, namespaces or the
// kernel, looks into other processes, or offers the kernel a large surface for little (BPF, io_uring, keys, performance counters).

import {
  type ArgumentTest,
  buildCallFilter,
  type CallName,
  type CallRule,
  type CallVerdict,
  CLONE,
} from '@plinth/linux';

const REFUSED = { error: 1 };
const NO_SUCH_CALL = { error: 38 };

/** TIOCSTI and TIOCLINUX put characters into a terminal, as if its user had typed them. */
const TERMINAL_INPUT = [0x5412, 0x541c].map((value) => ({ argument: 1, is: 'equal', value }) as const);

const NAMESPACES = [
  {
    argument: 0,
    is: 'any-bit-of',
    value:
      CLONE.newMounts |
      CLONE.newControlGroups |
      CLONE.newHostName |
      CLONE.newIpc |
      CLONE.newUsers |
      CLONE.newProcesses |
      CLONE.newNetwork,
  },
] as const;

/** Kinds of sockets that reach past what a network namespace holds, or that few programs want: ALG, VSOCK, KCM, XDP and such. */
const SOCKET_KINDS = [1, 2, 10, 16].map((value) => ({ argument: 0, is: 'equal', value }) as const);

/** What personality(2) is of no matter: none, a 32-bit address space, only asking. Others weaken a program. */
const PERSONALITIES = [0, 8, 0xffff_ffff].map((value) => ({ argument: 0, is: 'equal', value }) as const);

/** Calls that a watcher is told of, beside those that are refused. */
const TOLD = ['execve', 'execveat', 'connect', 'fork', 'vfork', 'sendmsg', 'sendmmsg'] as const;

const ALLOWED =
  'read write open close stat fstat lstat poll lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn pread64 ' +
  'pwrite64 readv writev access pipe select sched_yield mremap msync mincore madvise shmget shmat shmctl dup dup2 pause nanosleep ' +
  'getitimer alarm setitimer getpid sendfile connect accept sendto recvfrom sendmsg recvmsg shutdown bind listen getsockname ' +
  'getpeername socketpair setsockopt getsockopt fork vfork execve exit wait4 kill uname semget semop semctl shmdt msgget ' +
  'msgsnd msgrcv msgctl fcntl flock fsync fdatasync truncate ftruncate getdents getcwd chdir fchdir rename mkdir rmdir creat link ' +
  'unlink symlink readlink chmod fchmod chown fchown lchown umask gettimeofday getrlimit getrusage sysinfo times getuid getgid ' +
  'setuid setgid geteuid getegid setpgid getppid getpgrp setsid setreuid setregid getgroups setgroups setresuid getresuid ' +
  'setresgid getresgid getpgid setfsuid setfsgid getsid capget capset rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_sigsuspend ' +
  'sigaltstack utime mknod statfs fstatfs getpriority setpriority sched_setparam sched_getparam sched_setscheduler ' +
  'sched_getscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval mlock munlock mlockall munlockall prctl ' +
  'arch_prctl setrlimit chroot sync gettid readahead setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr llistxattr ' +
  'flistxattr removexattr lremovexattr fremovexattr tkill time futex sched_setaffinity sched_getaffinity io_setup io_destroy ' +
  'io_getevents io_submit io_cancel epoll_create getdents64 set_tid_address restart_syscall semtimedop fadvise64 timer_create ' +
  'timer_settime timer_gettime timer_getoverrun timer_delete clock_gettime clock_getres clock_nanosleep exit_group epoll_wait ' +
  'epoll_ctl tgkill utimes mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr waitid ioprio_set ioprio_get ' +
  'inotify_init inotify_add_watch inotify_rm_watch openat mkdirat mknodat fchownat futimesat newfstatat unlinkat renameat linkat ' +
  'symlinkat readlinkat fchmodat faccessat pselect6 ppoll set_robust_list get_robust_list splice tee sync_file_range vmsplice ' +
  'utimensat epoll_pwait signalfd timerfd_create eventfd fallocate timerfd_settime timerfd_gettime accept4 signalfd4 eventfd2 ' +
  'epoll_create1 dup3 pipe2 inotify_init1 preadv pwritev rt_tgsigqueueinfo recvmmsg prlimit64 syncfs sendmmsg getcpu sched_setattr ' +
  'sched_getattr renameat2 seccomp getrandom memfd_create execveat membarrier mlock2 copy_file_range preadv2 pwritev2 pkey_mprotect ' +
  'pkey_alloc pkey_free statx rseq pidfd_send_signal pidfd_open close_range openat2 faccessat2 epoll_pwait2 landlock_create_ruleset ' +
  'landlock_add_rule landlock_restrict_self memfd_secret process_mrelease futex_waitv cachestat fchmodat2 map_shadow_stack ' +
  'futex_wake futex_wait futex_requeue mseal';

/** Calls that exist to be tried, as what is tried may be done another way: the C library does so. */
const ABSENT = 'clone3 io_uring_setup io_uring_enter io_uring_register';

/** A process is made, and no thread: CLONE_THREAD. */
const THREAD: ArgumentTest = { argument: 0, is: 'any-bit-of', value: 0x1_0000, verdict: 'allow' };
/** A datagram with an address of its own. */
const ADDRESSED: ArgumentTest = { argument: 4, is: 'any-bit-of', value: 0xffff_ffff, verdict: 'notify' };

/**
 * @param watched a watcher is told of programs, processes, and where they connect to and send to, and of what is refused
 * @returns instructions of classic BPF for seccomp(2)
 */
export function isolationFilter(watched: boolean): Uint8Array {
  const refused: CallVerdict = watched ? 'notify' : REFUSED;
  const telling: CallVerdict = watched ? 'notify' : 'allow';
  const rules = new Map<CallName, CallRule>();
  for (const name of ALLOWED.split(' ')) rules.set(name as CallName, { verdict: 'allow' });
  for (const name of ABSENT.split(' ')) rules.set(name as CallName, { verdict: NO_SUCH_CALL });
  for (const name of TOLD) rules.set(name, { verdict: telling });
  const given = (tests: readonly Omit<ArgumentTest, 'verdict'>[], verdict: CallVerdict): ArgumentTest[] =>
    tests.map((test) => ({ ...test, verdict }));
  rules.set('clone', { verdict: telling, unless: [...given(NAMESPACES, refused), THREAD] });
  rules.set('ioctl', { verdict: 'allow', unless: given(TERMINAL_INPUT, refused) });
  rules.set('socket', { verdict: refused, unless: given(SOCKET_KINDS, 'allow') });
  if (watched) rules.set('sendto', { verdict: 'allow', unless: [ADDRESSED] });
  rules.set('personality', { verdict: REFUSED, unless: given(PERSONALITIES, 'allow') });
  return buildCallFilter({ rules, others: refused });
}
