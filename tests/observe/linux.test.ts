// SPDX-License-Identifier: Apache-2.0
// What is seen of a Linux guest from below, against what it says of itself at the same instant.

import { type Found, LinuxGuest, type LinuxTask, machineView } from '@plinth/observe';
import { describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { missingImage } from '../boot/guest.js';
import { runProgram } from './guest-program.js';
import { StoppedGuests } from './stopped-guest.js';

const missing = missingImage();
if (missing !== undefined) console.log(`tests/observe/linux: skipped: ${missing}`);

/** What the guest prints between two marks. */
function part(said: string, mark: string): string {
  return new RegExp(`^<${mark}>\\n([^]*?)^</${mark}>$`, 'm').exec(said)?.[1] ?? '';
}

function printed(mark: string, command: string): string {
  return `echo "<${mark}>"; ${command}; echo "</${mark}>"`;
}

const STATUS = 'for p in /proc/[0-9]*; do cat $p/status 2>/dev/null; done';
const NAMESPACES = ['mnt', 'uts', 'ipc', 'net', 'pid', 'user', 'cgroup'];
const LINKS = `for p in /proc/[0-9]*; do echo $p $(for n in ${NAMESPACES.join(' ')}; do readlink $p/ns/$n; done); done`;

function field(status: string, name: string): string[] {
  return (new RegExp(`^${name}:\\t(.*)$`, 'm').exec(status)?.[1] ?? '').split('\t');
}

describe('a Linux guest', unless(missing), () => {
  it.each([[1], [2]])('is seen as it sees itself, with %i CPUs', async (cpus) => {
    using guests = new StoppedGuests();
    const { said, machine } = await guests.run(
      [
        'sleep 1000 & setsid sh -c "exec sleep 2000" & unshare -m -u sleep 3000 & su -s /bin/sh -c "exec sleep 4000" nobody & sleep 1',
        printed('status', STATUS),
        printed('links', LINKS),
        printed('maps', 'cat /proc/1/maps; echo; cat /proc/$$/maps'),
        printed('shell', 'echo $$'),
        printed('modules', 'cat /proc/modules'),
        printed('kallsyms', 'cat /proc/kallsyms | md5sum; cat /proc/kallsyms | wc -l; grep -E " [tT] (vfs_(read|write|open)|panic|do_exit)$" /proc/kallsyms'),
        printed('version', 'cat /proc/version'),
      ],
      '--cpus', String(cpus),
    ); // prettier-ignore
    const guest = found(LinuxGuest.find(machineView(machine)));
    expect(guest.layout.unknown).toEqual({});

    // Processes: all that the guest had when it printed its list, and that still are.
    const ours = new Map(guest.processes().map((task) => [task.pid, task]));
    const theirs = part(said, 'status')
      .split(/^(?=Name:)/m)
      .filter((text) => text !== '');
    const gone: string[] = [];
    let compared = 0;
    for (const status of theirs) {
      const task = ours.get(Number(field(status, 'Pid')[0]));
      if (task === undefined) {
        gone.push(field(status, 'Name')[0]!);
        continue;
      }
      compared++;
      expect(describeTask(task)).toEqual({
        name: commOf(field(status, 'Name')[0]!, task),
        tgid: Number(field(status, 'Tgid')[0]),
        ppid: Number(field(status, 'PPid')[0]),
        uid: Number(field(status, 'Uid')[0]),
        euid: Number(field(status, 'Uid')[1]),
        gid: Number(field(status, 'Gid')[0]),
        egid: Number(field(status, 'Gid')[1]),
        kernelThread: !status.includes('VmSize:'),
      });
    }
    console.log(
      `${cpus} CPUs: ${theirs.length} processes in the guest, ${compared} compared, gone since: ${gone.join(' ')}`,
    );
    expect(gone).toEqual([]);
    for (const { comm, state } of ours.values()) if (comm === 'sleep') expect(state).toBe('S');
    expect([...ours.values()].some(({ uid }) => uid === 65534)).toBe(true);
    expect(compared).toBeGreaterThan(40);
    // And none that the guest does not know, but for what its shell may have begun since.
    const known = new Set(theirs.map((status) => Number(field(status, 'Pid')[0])));
    const shell = Number(part(said, 'shell'));
    const unknown = [...ours.values()].filter(({ pid }) => !known.has(pid));
    expect(unknown.length).toBeLessThanOrEqual(1);
    for (const task of unknown) expect(task.ppid).toBe(shell);

    // Namespaces.
    const differing = new Set<number>();
    for (const line of part(said, 'links').trim().split('\n')) {
      const [path = '', ...links] = line.split(' ');
      const task = ours.get(Number(path.slice('/proc/'.length)));
      if (task === undefined || links.length === 0) continue;
      const { mount, uts, ipc, network, pid, user, cgroup } = task.namespaces;
      expect([mount, uts, ipc, network, pid, user, cgroup].map(String)).toEqual(
        links.map((link) => /\[(\d+)\]/.exec(link)![1]),
      );
      if (uts !== undefined) differing.add(uts);
    }
    expect(differing.size).toBe(2);

    // Memory maps.
    const maps = part(said, 'maps').split('\n\n');
    for (const [n, pid] of [1, shell].entries()) expect(mapText(guest, ours.get(pid)!)).toEqual(guestMap(maps[n]!));

    // Modules, the kernel's version and its symbols.
    expect(guest.modules()!.map(({ name, base, size }) => `${name} ${size} 0x${base!.toString(16)}`)).toEqual(
      part(said, 'modules').trim().split('\n').filter((line) => line !== '').map((line) => line.replace(/^(\S+ \d+) .* (0x[0-9a-f]+).*$/, '$1 $2')),
    ); // prettier-ignore
    expect(part(said, 'version')).toContain(guest.kernel.banner!.replace(/ # SMP.*/, ''));
    for (const line of part(said, 'kallsyms').split('\n')) {
      const [address = '', , name = ''] = line.split(' ');
      if (/^[0-9a-f]{8}$/.test(address)) expect(guest.symbols.address(name)).toBe(Number.parseInt(address, 16));
    }

    // Whoever executes is one of the tasks, or an idle one.
    for (let cpu = 0; cpu < cpus; cpu++) {
      const task = guest.current(cpu)!;
      expect(task.pid === 0 ? task.comm : ours.get(task.pid)).toEqual(task.pid === 0 ? `swapper/${cpu}` : task);
    }
  });

  it('has a current task at any instant, in its programs and in the kernel', () => {
    let look: (() => void) | undefined;
    let begun = false;
    let random = 7;
    const seen = { user: 0, kernel: 0, entering: 0, switching: 0 };
    const work = 'for i in 1 2 3; do ls -lR /sys/class | md5sum; seq 1 500 | sort | wc -l & done; wait';
    const command = `echo "be""gin"; ${work}`;
    runProgram(
      undefined,
      command,
      (machine) => {
        let tail = '';
        machine.taps.console.add((byte) => {
          tail = `${tail}${String.fromCharCode(byte)}`.slice(-'begin'.length);
          begun ||= tail === 'begin';
        });
        const view = machineView(machine);
        look = () => {
          guest ??= found(LinuxGuest.find(view));
          for (const cpu of view.cpus) {
            const task = guest.current(cpu.index)!;
            if (cpu.user) {
              seen.user++;
              expect([task.kernelThread, task.pid > 0]).toEqual([false, true]);
            } else if (cpu.userThreadId === task.address) seen.kernel++;
            else {
              // On the way in and out the register is the program's; in a switch of tasks it is that of the one that goes.
              const name = guest.symbols.nearest(cpu.pc)?.symbol.name ?? 'vectors';
              if (/^(vectors|vector_\w+|__\w+_usr|\w*work_pending|ret_\w+|__sys_trace\w*)$/.test(name)) seen.entering++;
              else {
                seen.switching++;
                expect(guest.task(cpu.userThreadId), name).toBeDefined();
              }
            }
          }
        };
        let guest: LinuxGuest | undefined;
        return () => undefined;
      },
      {
        cpus: 2,
        slice: () => {
          if (!begun) return 1_000_000;
          look!();
          random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
          return 1000 + (random % 100_000);
        },
      },
    );
    console.log(`instants: ${JSON.stringify(seen)}`);
    expect(seen.user).toBeGreaterThan(300);
    expect(seen.kernel).toBeGreaterThan(300);
    expect(seen.switching).toBeLessThan(seen.kernel / 50);
  });

  it('is seen or not when its memory is damaged, without end or error', async () => {
    using guests = new StoppedGuests();
    const { machine } = await guests.run(['sleep 1000 & sleep 1']);
    const view = machineView(machine);
    const search = LinuxGuest.find(view);
    if ('reason' in search) throw new Error(search.reason);
    const { layout } = search.found;
    const tasks = search.found.processes();
    const words = new DataView(view.ram.buffer, view.ram.byteOffset, view.ram.byteLength);
    // Pointers of tasks to places where other things lie, forty times.
    let state = 1;
    const random = (below: number): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) % below;
    for (let round = 0; round < 40; round++) {
      for (const { address } of tasks) {
        const at = search.found.kernel.memory.physical(address + 4 * random(600))! - view.ramBase;
        words.setUint32(at, tasks[random(tasks.length)]!.address + 4 * random(600), true);
      }
      const again = LinuxGuest.find(view, { layout: () => layout });
      if ('reason' in again) break;
      for (const task of again.found.processes()) {
        again.found.memoryMap(task);
        again.found.threads(task);
        again.found.executable(task);
      }
    }
    view.ram.fill(0xa5);
    expect(LinuxGuest.find(view)).toHaveProperty('reason');
  });
});

/** /proc has more than the comm of kernel threads: all of a long name, and what a worker works at. */
function commOf(name: string, { comm, kernelThread }: LinuxTask): string {
  return kernelThread === true && name.startsWith(comm) ? comm : name;
}

function found(search: Found<LinuxGuest>): LinuxGuest {
  if ('reason' in search) throw new Error(search.reason);
  return search.found;
}

function describeTask({ comm, tgid, ppid, uid, euid, gid, egid, kernelThread }: LinuxTask): unknown {
  return { name: comm, tgid, ppid, uid, euid, gid, egid, kernelThread };
}

/** As /proc/PID/maps, without the names of special mappings, which we do not tell. */
function mapText(guest: LinuxGuest, task: LinuxTask): string[] {
  const hex = (value: number): string => value.toString(16).padStart(8, '0');
  return guest.memoryMap(task)!.map(({ start, end, permissions, offset, device, inode, name }) => {
    const [major = '', minor = ''] = device!.split(':');
    const place = `${major.padStart(2, '0')}:${minor.padStart(2, '0')} ${inode}`;
    return `${hex(start)}-${hex(end)} ${permissions} ${hex(offset!)} ${place} ${name ?? ''}`.trim();
  });
}

function guestMap(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map((line) =>
      line
        .replace(/ +/g, ' ')
        .replace(/ \[(vdso|vvar|sigpage)\]$/, '')
        .trim(),
    )
    .filter((line) => !line.endsWith('[vectors]'));
}
