// SPDX-License-Identifier: Apache-2.0
// A Linux guest seen from below, with nothing installed in it: tasks, their memory, the kernel's modules. What is told is of
// the instant at which it is asked. A value that cannot be known is undefined; `layout.unknown` says why.

import type { SymbolTable } from '../symbols/symbol-table.js';
import { AddressSpace } from './address-space.js';
import { filePath } from './file-path.js';
import { findKernel, type Found, type FoundKernel } from './find-kernel.js';
import type { GuestView } from './guest-view.js';
import { kernelLayout } from './infer-layout.js';
import type { Field, KernelLayout, Variable } from './kernel-layout.js';
import { mapleEntries } from './maple-tree.js';

export interface Namespaces {
  readonly mount: number | undefined;
  readonly uts: number | undefined;
  readonly ipc: number | undefined;
  readonly network: number | undefined;
  readonly pid: number | undefined;
  readonly user: number | undefined;
  readonly cgroup: number | undefined;
}

export interface TaskIdentity {
  /** Of its task_struct. */
  readonly address: number;
  /** In the first pid namespace: what gettid would give there. */
  readonly pid: number;
  /** That of the process, which threads have in common. */
  readonly tgid: number;
  readonly comm: string;
}

export interface LinuxTask extends TaskIdentity {
  /** tgid of the parent; 0 for the first ones. */
  readonly ppid: number | undefined;
  /** As ps has it: R running or ready, S, D, T, t, X, Z, P, I. */
  readonly state: string | undefined;
  readonly kernelThread: boolean | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly euid: number | undefined;
  readonly egid: number | undefined;
  /** Inode numbers, as in /proc/PID/ns. */
  readonly namespaces: Namespaces;
}

export interface MemoryArea {
  readonly start: number;
  /** The first address behind it. */
  readonly end: number;
  /** `rwxp` as in /proc/PID/maps. */
  readonly permissions: string | undefined;
  /** Bytes into the file. */
  readonly offset: number | undefined;
  /** `8:1`, in hexadecimal, of the file's file system; `0:0` without a file. */
  readonly device: string | undefined;
  readonly inode: number | undefined;
  /** Of the file, in the mount namespace of the process; `[heap]` and `[stack]` too. Undefined for others. */
  readonly name: string | undefined;
}

export interface LinuxModule {
  readonly name: string;
  readonly base: number | undefined;
  /** Bytes, as /proc/modules has it. */
  readonly size: number | undefined;
}

const COMM_LENGTH = 16;
/** PID_MAX_LIMIT of 32-bit kernels. */
const MAX_TASKS = 32768;
const MAX_MODULES = 4096;
const MODULE_NAME_LENGTH = 60;
const CONTEXT_WORDS = 10;
const PF_KTHREAD = 0x0020_0000;
/** Letters of fls(__state | exit_state), and states as Linux 6.1 has them (include/linux/sched.h). */
const STATES = 'RSDTtXZPI';
const TASK_REPORT = 0x7f;
const TASK_IDLE = 0x402;
/** vm_flags: VM_READ, VM_WRITE, VM_EXEC, VM_SHARED. */
const PERMISSIONS = 'rwxs';

export interface FindOptions {
  /** What was kept of a kernel, by its build id, or its banner if it has none. */
  readonly layout?: (build: string) => KernelLayout | undefined;
}

export class LinuxGuest {
  readonly kernel: FoundKernel;
  readonly layout: KernelLayout;
  /** The kernel's own functions, and with KALLSYMS_ALL its variables. */
  readonly symbols: SymbolTable;
  readonly #view: GuestView;
  readonly #memory: AddressSpace;
  readonly #base: number;

  private constructor(view: GuestView, kernel: FoundKernel, layout: KernelLayout) {
    this.#view = view;
    this.kernel = kernel;
    this.layout = layout;
    this.symbols = kernel.kallsyms.table;
    this.#memory = kernel.memory;
    this.#base = this.symbols.symbols[0]!.address;
  }

  /**
   * Looks for a kernel, and for where it has what: in its types (BTF), or else in its code, which takes a second or two. The reason if there is none, or
   * if it is not yet, or no more, what it should be.
   */
  static find(view: GuestView, options: FindOptions = {}): Found<LinuxGuest> {
    const search = findKernel(view);
    if ('reason' in search) return search;
    const kernel = search.found;
    const build = kernel.buildId ?? kernel.banner;
    const kept = build === undefined ? undefined : options.layout?.(build);
    const guest = new LinuxGuest(view, kernel, kept ?? kernelLayout(kernel));
    const wrong = guest.#check();
    return wrong === undefined ? { found: guest } : { reason: wrong };
  }

  /** What holds in any Linux that runs; a line if it does not hold here. */
  #check(): string | undefined {
    for (const name of ['initTask', 'task.tasks', 'task.comm', 'task.pid', 'task.tgid'] as const) {
      const why = this.layout.unknown[name];
      if (why !== undefined) return `nothing can be said of the guest's processes, since ${name} is not known: ${why}`;
    }
    const first = this.#variable('initTask')!;
    const comm = this.#comm(first);
    if (comm?.startsWith('swapper') !== true)
      return 'the guest’s first task is not there: the kernel has not begun yet';
    const [pid, parent] = [this.#field(first, 'task.pid'), this.#field(first, 'task.realParent')];
    const itself = parent === undefined || parent === first;
    if (pid !== 0 || !itself) return 'the guest’s first task is not what it should be: its offsets were read wrongly';
    return undefined;
  }

  /** The kernel is there now: not of a machine that has been reset, or put back to before its kernel began. */
  get present(): boolean {
    return this.#check() === undefined;
  }

  #variable(name: Variable): number | undefined {
    const offset = this.layout.variables[name];
    return offset === undefined ? undefined : name === 'entryTask' ? offset : this.#base + offset;
  }

  #field(structure: number | undefined, field: Field): number | undefined {
    const at = this.#at(structure, field);
    return at === undefined ? undefined : this.#memory.u32(at);
  }

  /** Address of a member; undefined for a null pointer too. */
  #at(structure: number | undefined, field: Field): number | undefined {
    const offset = this.layout.offsets[field];
    if (offset === undefined || structure === undefined || structure === 0) return undefined;
    return (structure + offset) >>> 0;
  }

  #comm(task: number): string | undefined {
    const at = this.#at(task, 'task.comm');
    return at === undefined ? undefined : this.#memory.text(at, COMM_LENGTH);
  }

  /** The structures on a list, but for its head. */
  *#list(head: number, link: number, most: number): Generator<number> {
    let next = this.#memory.u32(head);
    for (let n = 0; next !== undefined && next !== head && n < most; n++) {
      yield (next - link) >>> 0;
      next = this.#memory.u32(next);
    }
  }

  /** All processes, by the order of their beginning; not the idle tasks. */
  processes(): readonly LinuxTask[] {
    const link = this.layout.offsets['task.tasks']!;
    const tasks: LinuxTask[] = [];
    for (const address of this.#list(this.#variable('initTask')! + link, link, MAX_TASKS)) {
      const task = this.task(address);
      if (task === undefined) break;
      tasks.push(task);
    }
    return tasks;
  }

  /** The threads of a process, itself among them; undefined if that cannot be known. */
  threads(process: LinuxTask): readonly LinuxTask[] | undefined {
    const signal = this.#field(process.address, 'task.signal');
    const head = this.#at(signal, 'signal.threadHead');
    const link = this.layout.offsets['task.threadNode'];
    if (head === undefined || link === undefined) return undefined;
    return [...this.#list(head, link, MAX_TASKS)]
      .map((address) => this.task(address))
      .filter((task) => task !== undefined);
  }

  /** What is at an address, if it is a task. */
  task(address: number): LinuxTask | undefined {
    const identity = this.#identity(address);
    if (identity === undefined) return undefined;
    const flags = this.#field(address, 'task.flags');
    const credentials = this.#field(address, 'task.realCred');
    return {
      ...identity,
      ppid: this.#field(this.#field(address, 'task.realParent'), 'task.tgid'),
      state: this.#state(address),
      kernelThread: flags === undefined ? undefined : (flags & PF_KTHREAD) !== 0,
      uid: this.#field(credentials, 'cred.uid'),
      gid: this.#field(credentials, 'cred.gid'),
      euid: this.#field(credentials, 'cred.euid'),
      egid: this.#field(credentials, 'cred.egid'),
      namespaces: this.#namespaces(address, credentials),
    };
  }

  #state(task: number): string | undefined {
    const state = this.#field(task, 'task.state');
    const exit = this.#field(task, 'task.exitState');
    if (state === undefined || exit === undefined) return undefined;
    if ((state & TASK_IDLE) === TASK_IDLE) return 'I';
    return STATES[32 - Math.clz32((state | exit) & TASK_REPORT)];
  }

  #namespaces(task: number, credentials: number | undefined): Namespaces {
    const proxy = this.#field(task, 'task.nsproxy');
    const inode = (namespace: number | undefined, common: Field): number | undefined =>
      this.#field(this.#at(namespace, common), 'namespace.inode');
    return {
      mount: inode(this.#field(proxy, 'nsproxy.mount'), 'mountNamespace.common'),
      uts: inode(this.#field(proxy, 'nsproxy.uts'), 'utsNamespace.common'),
      ipc: inode(this.#field(proxy, 'nsproxy.ipc'), 'ipcNamespace.common'),
      network: inode(this.#field(proxy, 'nsproxy.network'), 'networkNamespace.common'),
      pid: inode(this.#pidNamespace(task), 'pidNamespace.common'),
      user: inode(this.#field(credentials, 'cred.userNamespace'), 'userNamespace.common'),
      cgroup: inode(this.#field(proxy, 'nsproxy.cgroup'), 'cgroupNamespace.common'),
    };
  }

  /** pid->numbers[pid->level].ns; an element has 8 bytes. */
  #pidNamespace(task: number): number | undefined {
    const pid = this.#field(task, 'task.threadPid');
    const level = this.#field(pid, 'pid.level');
    return level === undefined || level > 32 ? undefined : this.#field(pid! + 8 * level, 'pid.namespace');
  }

  /**
   * The task that a CPU executes, or executes for: at any instant, in the kernel or outside of it. The kernel notes it just before
   * it changes stacks, so for some instructions in between it is the next one already.
   */
  current(cpu: number): LinuxTask | undefined {
    const address = this.currentAddress(cpu);
    return address === undefined ? undefined : this.task(address);
  }

  /** The same, as address of its task_struct. */
  currentAddress(cpu: number): number | undefined {
    const place = this.#variable('entryTask');
    const guestCpu = this.#view.cpus[cpu];
    if (place === undefined || guestCpu === undefined) return undefined;
    const task = this.#memory.u32((place + guestCpu.privilegedThreadId) >>> 0);
    return task === 0 ? undefined : task;
  }

  /** The same, as much as tells it from others. */
  currentIdentity(cpu: number): TaskIdentity | undefined {
    const address = this.currentAddress(cpu);
    return address === undefined ? undefined : this.#identity(address);
  }

  #identity(address: number): TaskIdentity | undefined {
    const comm = this.#comm(address);
    const pid = this.#field(address, 'task.pid');
    const tgid = this.#field(address, 'task.tgid');
    if (comm === undefined || pid === undefined || tgid === undefined || pid > MAX_TASKS) return undefined;
    return { address, pid, tgid, comm };
  }

  /**
   * What the kernel has kept of a task's registers when it changed to another: r4 to r10, fp, sp and pc, in this order. Only of
   * a task that no CPU executes; undefined if it cannot be known where they are.
   */
  savedRegisters(task: LinuxTask): readonly number[] | undefined {
    const at = this.#at(task.address, 'task.cpuContext');
    const bytes = at === undefined ? undefined : this.#memory.bytes(at, 4 * CONTEXT_WORDS);
    return bytes === undefined ? undefined : [...new Uint32Array(bytes.buffer)];
  }

  /** Memory of the process as it sees it; undefined for kernel threads, and if it cannot be known. */
  addressSpace(task: LinuxTask): AddressSpace | undefined {
    const tables = this.#field(this.#field(task.address, 'task.mm'), 'mm.tables');
    const physical = tables === undefined ? undefined : this.#memory.physical(tables);
    return physical === undefined ? undefined : new AddressSpace(this.#view, physical);
  }

  /** The areas of a process's memory by address; undefined for kernel threads, and if they cannot be known. */
  memoryMap(task: LinuxTask): readonly MemoryArea[] | undefined {
    const mm = this.#field(task.address, 'task.mm');
    const root = this.#field(this.#at(mm, 'mm.tree'), 'tree.root');
    if (mm === undefined || mm === 0 || root === undefined) return undefined;
    return Array.from(mapleEntries(this.#memory, root), (area) => this.#area(area, mm)).filter(
      (area) => area !== undefined,
    );
  }

  #area(area: number, mm: number): MemoryArea | undefined {
    const start = this.#field(area, 'area.start');
    const end = this.#field(area, 'area.end');
    if (start === undefined || end === undefined) return undefined;
    const flags = this.#field(area, 'area.flags');
    const file = this.#field(area, 'area.file');
    const inode = this.#field(file, 'file.inode');
    const device = this.#field(this.#field(inode, 'inode.superblock'), 'superblock.device');
    const pages = this.#field(area, 'area.pageOffset');
    const backed = file === undefined || file !== 0;
    return {
      start,
      end,
      permissions: flags === undefined ? undefined : permissionText(flags),
      offset: !backed ? 0 : pages === undefined ? undefined : pages * 4096,
      // MKDEV: 12 bits for the major number, 20 for the minor.
      device: !backed
        ? '0:0'
        : device === undefined
          ? undefined
          : `${(device >>> 20).toString(16)}:${(device & 0xfffff).toString(16)}`,
      inode: !backed ? 0 : this.#field(inode, 'inode.number'),
      name: backed ? this.#path(file) : this.#areaName(start, end, mm),
    };
  }

  #areaName(start: number, end: number, mm: number): string | undefined {
    const [from, to] = [this.#field(mm, 'mm.heapStart'), this.#field(mm, 'mm.heapEnd')];
    if (from !== undefined && to !== undefined && start <= to && end >= from) return '[heap]';
    const stack = this.#field(mm, 'mm.stackStart');
    return stack !== undefined && start <= stack && end >= stack ? '[stack]' : undefined;
  }

  /** Name of the executable file. */
  executable(task: LinuxTask): string | undefined {
    return this.#path(this.#field(this.#field(task.address, 'task.mm'), 'mm.executable'));
  }

  #path(file: number | undefined): string | undefined {
    const path = this.#at(file, 'file.path');
    if (path === undefined) return undefined;
    return filePath(
      this.#memory,
      this.layout.offsets,
      this.#field(path, 'path.mount'),
      this.#field(path, 'path.entry'),
    );
  }

  /** Loaded modules, the last one first, as in /proc/modules; undefined if they cannot be known. */
  modules(): readonly LinuxModule[] | undefined {
    const head = this.#variable('modules');
    const link = this.layout.offsets['module.list'];
    const nameAt = this.layout.offsets['module.name'];
    if (head === undefined || link === undefined || nameAt === undefined) return undefined;
    return Array.from(this.#list(head, link, MAX_MODULES), (module) => {
      const [size, initSize] = [this.#field(module, 'module.size'), this.#field(module, 'module.initSize')];
      return {
        name: this.#memory.text(module + nameAt, MODULE_NAME_LENGTH) ?? '?',
        base: this.#field(module, 'module.base'),
        size: size === undefined || initSize === undefined ? undefined : size + initSize,
      };
    });
  }

  /**
   * Where a debugger stands to see the kernel fail: address of `panic`, of `die` (an oops), and of `__warn`, each if the
   * kernel has it. The message is the first argument of `panic` and of `die`.
   */
  get failureFunctions(): { readonly panic?: number; readonly oops?: number; readonly warning?: number } {
    const [panic, oops, warning] = ['panic', 'die', '__warn'].map((name) => this.symbols.address(name));
    return {
      ...(panic === undefined ? {} : { panic }),
      ...(oops === undefined ? {} : { oops }),
      ...(warning === undefined ? {} : { warning }),
    };
  }
}

function permissionText(flags: number): string {
  const text = [...PERMISSIONS].map((letter, bit) => (((flags >> bit) & 1) !== 0 ? letter : bit === 3 ? 'p' : '-'));
  return text.join('');
}
