// SPDX-License-Identifier: Apache-2.0
// The system calls of a guest's processes as they are seen from outside, against a tracer inside of it (ptrace).

import { LinuxGuest, machineView, type SystemCall, traceSystemCalls } from '@plinth/observe';
import { describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { missingImage } from '../boot/guest.js';
import { missingLinuxCompiler, runProgram } from './guest-program.js';

const missing = missingLinuxCompiler() ?? missingImage();
if (missing !== undefined) console.log(`tests/observe/system-calls: skipped: ${missing}`);

/** Prints number, arguments and result of each call of a program; what it prints itself comes behind what that does. */
const TRACER = `
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
struct pt { unsigned long r[18]; };
static char out[1 << 20];
int main(int argc, char **argv)
{
  int at = 0, status, inside = 0, signal = 0;
  struct pt in, now;
  pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    execv(argv[1], argv + 1);
    _exit(99);
  }
  waitpid(child, &status, 0);
  ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD);
  at += sprintf(out + at, "traced %d\\n", child);
  for (;;) {
    ptrace(PTRACE_SYSCALL, child, 0, signal);
    signal = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) || WIFSIGNALED(status)) break;
    if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
      signal = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
      continue;
    }
    ptrace(PTRACE_GETREGS, child, 0, &now);
    if (!inside) {
      in = now;
    } else {
      at += sprintf(out + at, "%lu %lx %lx %lx %lx %lx %lx = %ld\\n", in.r[7], in.r[17], in.r[1], in.r[2], in.r[3],
        in.r[4], in.r[5], now.r[0]);
    }
    inside = !inside;
  }
  fwrite(out, 1, at, stdout);
  return 0;
}
`;

const PROGRAMS = [
  '/bin/busybox cat /etc/passwd /nowhere',
  '/bin/busybox ls -la /proc/1',
  '/bin/busybox sh -c "trap : USR1; sleep 1 & kill -USR1 \\$\\$; wait; wait; echo done; exit 3"',
  '/bin/busybox find /sys/class -maxdepth 2',
  '/bin/busybox dd if=/dev/zero of=/tmp.bin bs=1000 count=20',
];

/** ERESTARTSYS and its like, which the kernel makes into something else before a program sees it. */
const RESTART: ReadonlySet<number> = new Set([-512, -513, -514, -516]);
const EINTR = -4;

describe('system calls', unless(missing), () => {
  it.each([[1], [2]])('are seen as a tracer in the guest sees them, with %i CPUs', (cpus) => {
    const calls: SystemCall[] = [];
    const command = PROGRAMS.map((program) => `echo "<run>"; /program ${program} 2>&1; echo "</run>"`).join('; ');
    const console_ = runProgram(
      TRACER,
      command,
      (machine) => {
        const view = machineView(machine);
        let guest: LinuxGuest | undefined;
        const look = (): LinuxGuest | undefined => {
          if (guest !== undefined) return guest;
          const search = LinuxGuest.find(view);
          if ('reason' in search) throw new Error(search.reason);
          return (guest = search.found);
        };
        const trace = traceSystemCalls(machine, view, look, (call) => calls.push(call));
        return () => trace.stop();
      },
      { cpus },
    );
    const runs = [...console_.matchAll(/^<run>\n([^]*?)^<\/run>$/gm)].map(([, text]) => text!);
    expect(runs.length, console_.slice(-2000)).toBe(PROGRAMS.length);
    let compared = 0;
    for (const run of runs) {
      const pid = Number(/^traced (\d+)$/m.exec(run)![1]);
      // What is begun again, or interrupted, the tracer sees with a number that its program never sees.
      const theirs = [...run.matchAll(/^(\d+) ([0-9a-f ]+) = (-?\d+)$/gm)].map(([, number, args, result]) => ({
        call: `${number} ${args}`,
        result: RESTART.has(Number(result)) ? ['restarted', String(EINTR)] : [result!],
      }));
      const ours = calls
        .filter((call) => call.pid === pid)
        .map(({ number, args, end }) => ({
          call: [number, ...args.slice(0, 6).map((value) => value.toString(16))].join(' '),
          result: end.kind === 'returned' ? String(end.value) : end.kind,
        }));
      // Before execve it has to ask to be traced, and stops; and of sigreturn and exit the tracer does not see what we say.
      const begun = ours.slice(ours.findIndex(({ call }) => call.startsWith('11 ')));
      const mine = begun.filter(({ result }) => result !== 'final');
      const seen = theirs.filter(({ call }) => !/^(119|173) /.test(call));
      expect(mine.map(({ call }) => call)).toEqual(seen.map(({ call }) => call));
      for (const [n, { call, result }] of mine.entries()) expect(seen[n]!.result, call).toContain(result);
      compared += mine.length;
    }
    console.log(`${cpus} CPUs: ${calls.length} calls seen, ${compared} compared with ptrace`);
    expect(compared).toBeGreaterThan(150);

    // And in words.
    const texts = calls.map(({ text }) => text);
    expect(texts).toContain('openat(AT_FDCWD, "/nowhere", O_RDONLY|O_LARGEFILE) = -1 ENOENT');
    expect(texts).toContainEqual(
      expect.stringMatching(
        /^execve\("\/bin\/busybox", \["\/bin\/busybox", "cat", "\/etc\/passwd", "\/nowhere"\], \[.*\]\) = 0$/,
      ),
    );
    expect(texts).toContainEqual(
      expect.stringMatching(/^write\(1, "root:x:0:0:root:\/root:\/bin\/sh\\nno"\.\.\., \d+\) = \d+$/),
    );
    expect(texts).toContain('exit_group(3) = ?');
  });
});
