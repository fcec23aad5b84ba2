// SPDX-License-Identifier: Apache-2.0
// What bubblewrap's own tests (tests/test-run.sh, test-seccomp.py, test-specifying-*.sh of 0.11.1) hold it to, for workspaces. Where a test of
// another file has it already, it is named here.
//
//     their property                                          ours
//     processes, network, host name, IPC, groups of its own   isolation: "sees its own processes …"; here: "has queues …"
//     no capabilities, or those that are left to root         isolation: "has no rights"; here: "leaves to its root …"
//     user namespaces can be forbidden inside, for good       isolation: "makes namespaces"; here: "refuses each call …", "stays forbidden"
//     files that its user may not read stay so                here: "reads nothing …"
//     what is bound read-only stays so; nothing new is        isolation: "changes the kernel"; here: "writes nowhere else",
//       mounted, no old root is to be seen                      "shows nothing of where it came from"
//     a link at the place of a mount is not followed to        here: "mounts nothing through a link"
//       another one; a conflicting one is an error
//     devices: those that are expected, and no others         here: "has few devices"
//     modes and sizes of what is made; nonsense is refused    here: "has modes …"; workspace: "says what is wrong with …"
//     filters of calls: allowed, refused, stacked             linux/launch/call-filter.test.ts; here: "refuses each call …",
//                                                               "keeps its filter under others"
//     nothing is put into its user's terminal (--new-session) here: "puts nothing into a terminal"
//     descriptors are given on purpose only                   here: "inherits …"
//     it dies with its parent; process 1 reaps                isolation: "leaves no process behind"; here: "dies …", "reaps …"
//     status and errors say whose they are, with a prefix     isolation: "passes its output …"; workspace: "runs commands …"
//     options after -- are the command's                      workspace: "runs commands where we are"
//     environment is what was given                           workspace: "gives them an environment without secrets"
//     overlays: layers, odd names, the host's files stay      isolation: "writes into its layer"; here: "lays over folders …"
//
// Not here, since a workspace has no such thing: entering namespaces that are there (--userns, --pidns), data of files from descriptors,
// FUSE directories bound elsewhere.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { CALL, type CallName } from '@plinth/linux';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { allEnded, ownSeconds, processesWith } from './app-user.js';
import { Isolated, whyNotIsolated } from './isolated.js';

const reason = whyNotIsolated('tests/sandbox/refusals.test.ts');
const EPERM = 1;
const ENOSYS = 38;
/** TIOCSTI and TIOCLINUX, and TIOCSTI with bits that the kernel does not look at. */
const TERMINAL_INPUT = [0x5412, 0x541c, 0x1_0000_5412];
const X32 = 0x4000_0000;
const MARK = ownSeconds(6154);

const REFUSED =
  'mount umount2 pivot_root setns unshare open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr swapon swapoff ' +
  'ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd bpf perf_event_open userfaultfd keyctl add_key ' +
  'request_key init_module finit_module delete_module kexec_load kexec_file_load reboot iopl ioperm acct quotactl syslog ' +
  'settimeofday clock_settime adjtimex clock_adjtime sethostname setdomainname vhangup open_by_handle_at name_to_handle_at ' +
  'fanotify_init lookup_dcookie move_pages migrate_pages mbind set_mempolicy';
const ABSENT = 'clone3 io_uring_setup io_uring_enter io_uring_register';

describe('a workspace, by what bubblewrap is held to,', unless(reason), () => {
  let isolated: Isolated;
  beforeAll(() => void (isolated = new Isolated()));
  afterAll(() => isolated[Symbol.dispose]());

  const perl = (script: string): string => {
    const { stdout, stderr } = isolated.run('perl', '-e', script);
    expect(stderr).toBe('');
    return stdout;
  };
  /** Error numbers of calls without arguments, or 0. */
  const errors = (numbers: readonly number[]): number[] =>
    perl(`for (${numbers.join(',')}) { $! = 0; $r = syscall($_, 0, 0, 0, 0, 0, 0); print $r < 0 ? $!+0 : 0, "\\n" }`)
      .trimEnd()
      .split('\n')
      .map(Number);
  const named = (names: string, wanted: number): void => {
    const all = names.split(' ') as CallName[];
    const found = errors(all.map((name) => CALL[name]));
    expect(Object.fromEntries(all.map((name, n) => [name, found[n]]))).toEqual(
      Object.fromEntries(all.map((name) => [name, wanted])),
    );
  };

  it('refuses each call that reaches out of it', () => {
    named(REFUSED, EPERM);
    named(ABSENT, ENOSYS);
    // The same calls by the numbers of the x32 ABI, and those that no kernel has.
    expect(errors([X32 + CALL.mount, X32 + CALL.getpid, 5000])).toEqual([ENOSYS, ENOSYS, ENOSYS]);
    const flags = [0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];
    expect(
      perl(
        `for (${flags.join(',')}) { $r = syscall(${CALL.clone}, $_ | 17, 0, 0, 0, 0); exit if $r == 0; print $!+0, " " }`,
      ),
    ).toBe('1 '.repeat(flags.length));
  });

  it('stays forbidden to have namespaces', () => {
    const script =
      'for n in 2 100; do echo $n > /proc/sys/user/max_user_namespaces; unshare --user true; done; echo end';
    const { stdout, stderr } = isolated.shell(script);
    expect(stdout).toBe('end\n');
    expect(stderr.match(/Read-only file system/g)).toHaveLength(2);
    expect(stderr.match(/Operation not permitted/g)).toHaveLength(2);
  });

  it('keeps its filter under others', () => {
    // Calls of its own number give error 77 then, all others pass; refused ones stay refused.
    const own = `$f = pack('SCCL' x 4, 0x20,0,0,0, 0x15,0,1,${CALL.getppid}, 0x06,0,0,0x5004d, 0x06,0,0,0x7fff0000);`;
    const script = `${own} $p = pack('Sx6P', 4, $f); print syscall(${CALL.prctl}, 22, 2, $p, 0, 0), ' ';
      syscall(${CALL.getppid}); print $!+0, ' '; syscall(${CALL.mount}, 0, 0, 0, 0, 0); print $!+0`;
    expect(perl(script)).toBe('0 77 1');
  });

  it('puts nothing into a terminal', () => {
    const script = `for (${TERMINAL_INPUT.join(',')}) { $c = 'x'; $r = syscall(${CALL.ioctl}, 0, $_, $c); print $!+0, ' ' }`;
    expect(perl(script)).toBe('1 1 1 ');
  });

  it('inherits its standard descriptors alone, and reaches nothing of the host by one that is a directory', () => {
    const root = openSync('/', 'r');
    try {
      const look =
        'ls /proc/self/fd/0/etc; cat /proc/self/fd/0/etc/hostname; [ -e /proc/self/fd/7 ] && echo inherited; echo end';
      const others = ['ignore', 'ignore', 'ignore', 'ignore'] as const;
      const { stdout, stderr } = isolated.runWith([root, 'pipe', 'pipe', ...others, root], 'sh', '-c', look);
      expect(stdout).toBe('end\n');
      expect(stderr.match(/Permission denied/g)).toHaveLength(2);
    } finally {
      closeSync(root);
    }
  });

  it('reads nothing that its user may not read', ({ skip }) => {
    skip(readable('/etc/shadow') && process.getuid?.() !== 0, 'this user may read all');
    const { status, stdout, stderr } = isolated.run('cat', '/etc/shadow');
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain('Permission denied');
  });

  it('writes nowhere else', () => {
    const script =
      'for d in / /mnt /home /proc /proc/sys/kernel /sys /dev/pts; do echo x > $d/x; mkdir $d/y; done; ls -d /*/x /x /y';
    const { status, stdout } = isolated.run('sh', '-c', `exec 2> /dev/null; ${script}`);
    expect(stdout).toBe('');
    expect(status).not.toBe(0);
  });

  it('shows nothing of where it came from', () => {
    const lines = isolated.run('cat', '/proc/self/mountinfo').stdout.trimEnd().split('\n');
    const mounts = lines
      .map((line) => line.split(' '))
      .map(([, , , , at, options]) => ({ at: at!, options: options!.split(',') }));
    const open = mounts.filter(({ options }) => !options.includes('nosuid')).map(({ at }) => at);
    expect(open).toEqual([]);
    const devices = mounts.filter(({ options }) => !options.includes('nodev')).map(({ at }) => at);
    expect(devices.filter((at) => !/^\/dev\/(null|zero|full|random|urandom|tty|pts)$|^\/proc\/\w+$/.test(at))).toEqual(
      [],
    );
    expect(mounts.filter(({ at }) => at.includes('plinth-host'))).toEqual([]);
    expect(isolated.run('ls', '-A', '/').stdout).not.toContain('.plinth');
  });

  it('mounts nothing through a link', () => {
    using folder = new Isolated({ folders: ['/usr/share'] });
    expect(folder.run('true').status).toBe(0);
    // As a program leaves it that has the directory around and not yet this folder.
    symlinkSync('/etc', folder.layer('root/usr/share'));
    const { status, stderr } = folder.run('true');
    expect(stderr).toMatch(/^plinth: test: \/usr\/share \(a plain path\): ELOOP\n$/);
    expect(status).toBe(125);
  });

  it('lays over folders with names that options of mounts would be made of', () => {
    const odd = mkdtempSync(join(tmpdir(), String.raw`plinth-odd ":,\-`));
    try {
      writeFileSync(join(odd, 'file'), '1');
      chmodSync(odd, 0o755);
      using folder = new Isolated({ folders: [odd] });
      const { stdout } = folder.run(
        'sh',
        '-c',
        'cd "$1" && cat file && echo 2 > file; cat file; echo 3 > new',
        'sh',
        odd,
      );
      // It is not its user's, so it is read and nothing more, unless the tests are no root's.
      const [is, was] = process.getuid?.() === 0 ? ['11', '1'] : ['12\n', '1'];
      expect(stdout).toBe(is);
      expect(readFileSync(join(odd, 'file'), 'utf8')).toBe(was);
      expect(readdirSync(odd)).toEqual(['file']);
    } finally {
      rmSync(odd, { recursive: true });
    }
  });

  it('has few devices, and makes none', () => {
    const { stdout } = isolated.run('ls', '/dev');
    const expected = 'fd full null ptmx pts random shm stderr stdin stdout tty urandom zero';
    expect(stdout.trimEnd().split('\n')).toEqual(expected.split(' '));
    const { status, stderr } = isolated.shell('mknod /tmp/disk b 8 0');
    expect(stderr).toContain('Operation not permitted');
    expect(status).not.toBe(0);
  });

  it('has modes that programs expect, no core dumps, and groups of control at their root', () => {
    const { stdout } = isolated.shell(
      'stat -c %a / /tmp /run /dev/shm /proc; ulimit -c; cut -d: -f3 /proc/self/cgroup | sort -u',
    );
    expect(stdout).toBe('755\n1777\n755\n1777\n555\n0\n/\n');
  });

  it('has queues and memory of its own, as others have none of it', () => {
    const { stdout } = isolated.shell(
      'ipcmk -M 4096 > /dev/null; tail -n +2 /proc/sysvipc/shm | wc -l; readlink /proc/self/ns/ipc',
    );
    const [count, space] = stdout.trimEnd().split('\n');
    expect(count!.trim()).toBe('1');
    expect(space).not.toBe(readlinkSync('/proc/self/ns/ipc'));
  });

  it('leaves to its root what is about its own files and processes', () => {
    using root = new Isolated({ asRoot: true });
    const { stdout } = root.shell('id -u; grep -E "^Cap(Bnd|Eff)" /proc/self/status | cut -f2');
    // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, SYS_CHROOT, SETFCAP.
    const [user, ...sets] = stdout.trimEnd().split('\n');
    expect(user).toBe('0');
    expect(new Set(sets)).toEqual(new Set(['00000000800405fb']));
    const tries = [
      'mount -t tmpfs none /mnt',
      'mknod /tmp/disk b 8 0',
      'hostname other',
      'umount /proc',
      'unshare -m true',
    ];
    for (const one of tries) expect(root.shell(one).status, one).not.toBe(0);
  });

  it('reaps what others leave, and its first process cannot be ended from within', () => {
    // What is not reaped stays among the processes, and then this waits for good.
    const alone = 'until set -- /proc/[0-9]*; [ $# -eq 2 ]; do sleep 0.1; done';
    const { stdout } = isolated.shell(
      `for n in 1 2 3; do (sh -c "sleep 0.1 & exit" &); done; kill -9 1; kill -STOP 1; ${alone}; echo alive`,
    );
    expect(stdout).toBe('alive\n');
  });

  it('dies with the process that was started', async () => {
    const child = isolated.start('sh', '-c', `setsid sleep ${MARK} & echo begun; sleep ${MARK}`);
    await once(child.stdout!, 'data');
    expect(processesWith(MARK).length).toBeGreaterThan(1);
    child.kill('SIGKILL');
    await once(child, 'close');
    await allEnded(MARK);
  });

  it("reaches no abstract socket of its host's, though it has its network", async ({ skip }) => {
    skip(kernelBefore(6, 12), 'Landlock has scopes from Linux 6.12 on');
    using shared = new Isolated({ network: 'host' });
    const socket = `socket(S, PF_UNIX, SOCK_STREAM, 0) or die; $a = pack('S', 1) . "\\0plinth-refusals-${process.pid}";`;
    const listens = `use Socket; ${socket} bind(S, $a) && listen(S, 9) or die; $| = 1; print 'ready'; sleep 60`;
    const asks = ['perl', '-e', `use Socket; ${socket} print connect(S, $a) ? 'reached' : $!+0`] as const;
    const listener = spawn('perl', ['-e', listens], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(listener.stdout, 'data');
      expect(spawnSync(asks[0], asks.slice(1), { encoding: 'utf8' }).stdout).toBe('reached');
      expect(shared.run(...asks).stdout).toBe('1');
    } finally {
      listener.kill();
    }
  });
});

function readable(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}

function kernelBefore(major: number, minor: number): boolean {
  const [ours = 0, its = 0] = release().split('.').map(Number);
  return ours < major || (ours === major && its < minor);
}
