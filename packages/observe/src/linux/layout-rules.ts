// SPDX-License-Identifier: Apache-2.0
// How offsets of the kernel's structures show in the code of functions that use them: written against Linux 6.1 for 32-bit
// ARM. Each rule names the function and the shape that it must have; a function that is not there, has not the shape, or
// has it with several offsets leaves them unknown. Nothing is assumed of offsets but what the C standard and the ABI say.

import type { Field, Variable } from './kernel-layout.js';
import type { TraceEvent } from './trace-function.js';
import { argument, CURRENT, loadedFrom, PER_CPU, split, type Value } from './value.js';

export interface KernelCode {
  /** Address of a function; undefined if the kernel has none of that name. */
  address(name: string): number | undefined;
  /** What the function does. */
  trace(name: string): readonly TraceEvent[];
  /** Address of the kernel's first symbol. */
  readonly base: number;
}

export type Name = Field | Variable;
/** What a rule has seen; each name with an offset. */
export type Sighting = readonly [Name, number];

export interface Rule {
  readonly function: string;
  readonly gives: readonly Name[];
  see(events: readonly TraceEvent[], kernel: KernelCode): Iterable<Sighting>;
}

const PF_KTHREAD = 0x0020_0000;
const TASK_DEAD = 0x80;
/** Below this an entry of a maple tree is no pointer to a node. */
const MAPLE_RESERVED = 4096;
const PAGE_SHIFT = 12;
/** r4 to r10 and fp come before sp; with it and pc that is all. */
const CONTEXT_BEFORE_SP = 8;
const CONTEXT_SIZE = 10;

type Call = Extract<TraceEvent, { kind: 'call' }>;

function calls(events: readonly TraceEvent[], target: number | undefined): readonly Call[] {
  return events.filter((event): event is Call => event.kind === 'call' && event.target === target);
}

function returns(events: readonly TraceEvent[]): readonly Value[] {
  return events.flatMap((event) => (event.kind === 'return' ? [event.value] : []));
}

function compares(events: readonly TraceEvent[]): readonly (readonly [Value, Value])[] {
  return events.flatMap((event) =>
    event.kind === 'compare' ? [[event.left, event.right] as const, [event.right, event.left] as const] : [],
  );
}

/** Offset of a load from a certain base. */
function offsetFrom(value: Value | undefined, base: Value): number | undefined {
  const from = value === undefined ? undefined : loadedFrom(value);
  return from?.base.key === base.key ? from.offset : undefined;
}

/** Offsets of two loads, one through the other, from a certain base. */
function chainFrom(value: Value | undefined, base: Value): readonly [number, number] | undefined {
  const last = value === undefined ? undefined : loadedFrom(value);
  const first = last === undefined ? undefined : offsetFrom(last.base, base);
  return first === undefined ? undefined : [first, last!.offset];
}

function* seen(name: Name, offset: number | undefined): Generator<Sighting> {
  if (offset !== undefined) yield [name, offset];
}

/** `mntns_get` and its like: the namespace of a task's nsproxy, as its ns_common. */
function namespaceRule(name: string, member: Field, common: Field): Rule {
  return {
    function: name,
    gives: ['task.nsproxy', member, common],
    *see(events) {
      // On the path of a null pointer the offset of ns_common is not added.
      let found: readonly [readonly [number, number], number] | undefined;
      for (const value of returns(events)) {
        const { base, offset } = split(value);
        const chain = chainFrom(base, argument(0));
        if (chain !== undefined && (found === undefined || offset !== 0)) found = [chain, offset];
      }
      if (found === undefined) return;
      yield ['task.nsproxy', found[0][0]];
      yield [member, found[0][1]];
      yield [common, found[1]];
    },
  };
}

/** `sys_getuid` and its like: the last thing they do is `from_kuid(current_user_ns(), current_uid())`. */
function credentialRule(name: string, member: Field): Rule {
  return {
    function: name,
    gives: ['task.cred', member, 'cred.userNamespace'],
    *see(events) {
      for (const event of events) {
        if (event.kind !== 'call') continue;
        const namespace = chainFrom(event.args[0], CURRENT);
        const id = chainFrom(event.args[1], CURRENT);
        if (namespace === undefined || id === undefined || namespace[0] !== id[0]) continue;
        yield ['task.cred', id[0]];
        yield [member, id[1]];
        yield ['cred.userNamespace', namespace[1]];
      }
    },
  };
}

export const RULES: readonly Rule[] = [
  {
    function: 'vector_swi',
    gives: ['entryTask'],
    *see(events) {
      for (const event of events) {
        if (event.kind !== 'set-current') continue;
        const offset = offsetFrom(event.value, PER_CPU);
        if (offset !== undefined) yield ['entryTask', offset >>> 0];
      }
    },
  },
  {
    function: 'show_state_filter',
    gives: ['initTask', 'task.tasks', 'task.signal', 'signal.threadHead', 'task.threadNode'],
    *see(events, kernel) {
      // for_each_process_thread: next = load(&init_task.tasks); next - offsetof(tasks) == &init_task ends the loop.
      for (const [left, right] of compares(events)) {
        const { base, offset } = split(left);
        const from = loadedFrom(base);
        if (right.kind !== 'constant' || from?.base.kind !== 'constant' || from.base.value + offset !== right.value)
          continue;
        yield ['initTask', right.value - kernel.base];
        yield ['task.tasks', -offset];
        // thread = load(signal->thread_head.next) - offsetof(thread_node) is what is shown.
        for (const call of calls(events, kernel.address('sched_show_task'))) {
          const thread = split(call.args[0]!);
          const head = loadedFrom(thread.base);
          const signal = head === undefined ? undefined : offsetFrom(head.base, base);
          if (signal === undefined) continue;
          yield ['task.threadNode', -thread.offset];
          yield ['signal.threadHead', head!.offset];
          yield ['task.signal', signal - offset];
        }
      }
    },
  },
  {
    // It loads the task's fp, sp and pc, which lie together, and compares sp with where the task's stack begins.
    function: '__get_wchan',
    gives: ['task.cpuContext'],
    *see(events) {
      const loads = new Set<number>();
      for (const event of events) {
        const from = event.kind === 'load' ? split(event.address) : undefined;
        if (from?.base.key === argument(0).key) loads.add(from.offset);
      }
      for (const [left, right] of compares(events)) {
        const sp = offsetFrom(left, argument(0));
        if (sp === undefined || offsetFrom(right, argument(0)) === undefined) continue;
        if (loads.has(sp - 4) && loads.has(sp + 4)) yield ['task.cpuContext', sp - 4 * CONTEXT_BEFORE_SP];
      }
    },
  },
  {
    // __switch_to(task, its thread_info, the next one's) begins with keeping them; a thread_info is where its task begins.
    function: '__switch_to',
    gives: ['task.cpuContext'],
    *see(events) {
      const offsets = events.slice(0, CONTEXT_SIZE).map((event) => {
        const place = event.kind === 'store' ? split(event.address) : undefined;
        return place?.base.key === argument(1).key ? place.offset : undefined;
      });
      const [first] = offsets;
      if (first === undefined || offsets.length < CONTEXT_SIZE) return;
      if (offsets.every((offset, n) => offset === first + 4 * n)) yield ['task.cpuContext', first];
    },
  },
  {
    function: 'get_task_mm',
    gives: ['task.mm', 'task.flags'],
    *see(events) {
      for (const value of returns(events)) yield* seen('task.mm', offsetFrom(value, argument(0)));
      for (const event of events) {
        if (event.kind !== 'test' || event.mask.kind !== 'constant' || event.mask.value !== PF_KTHREAD) continue;
        yield* seen('task.flags', offsetFrom(event.value, argument(0)));
      }
    },
  },
  {
    function: '__get_task_comm',
    gives: ['task.comm'],
    *see(events) {
      for (const event of events) {
        const source = event.kind === 'call' ? split(event.args[1]!) : undefined;
        if (source?.base.key === argument(2).key) yield ['task.comm', source.offset];
      }
    },
  },
  {
    function: 'bpf_get_current_pid_tgid',
    gives: ['task.pid', 'task.tgid'],
    *see(events) {
      // The pid is the low word of what it returns.
      const pids = returns(events).map((value) => offsetFrom(value, CURRENT));
      for (const offset of pids) yield* seen('task.pid', offset);
      for (const event of events) {
        const from = event.kind === 'load' ? split(event.address) : undefined;
        if (from?.base.key === CURRENT.key && !pids.includes(from.offset)) yield ['task.tgid', from.offset];
      }
    },
  },
  {
    function: 'sys_getppid',
    gives: ['task.realParent'],
    *see(events) {
      for (const event of events) {
        if (event.kind === 'call') yield* seen('task.realParent', offsetFrom(event.args[0], CURRENT));
      }
    },
  },
  {
    function: 'do_task_dead',
    gives: ['task.state'],
    *see(events) {
      for (const event of events) {
        if (event.kind !== 'store' || event.value.kind !== 'constant' || event.value.value !== TASK_DEAD) continue;
        const { base, offset } = split(event.address);
        if (base.key === CURRENT.key) yield ['task.state', offset];
      }
    },
  },
  {
    function: 'thread_group_exited',
    gives: ['task.exitState'],
    *see(events) {
      for (const [left, right] of compares(events)) {
        const from = loadedFrom(left);
        if (from?.base.kind === 'result' && right.kind === 'constant' && right.value === 0) {
          yield ['task.exitState', from.offset];
        }
      }
    },
  },
  {
    function: 'userns_get',
    gives: ['task.realCred', 'cred.userNamespace', 'userNamespace.common'],
    *see(events) {
      for (const value of returns(events)) {
        const { base, offset } = split(value);
        const chain = chainFrom(base, argument(0));
        // On the path of a null pointer nothing is added.
        if (chain === undefined || offset === 0) continue;
        yield ['task.realCred', chain[0]];
        yield ['cred.userNamespace', chain[1]];
        yield ['userNamespace.common', offset];
      }
    },
  },
  credentialRule('sys_getuid', 'cred.uid'),
  credentialRule('sys_getgid', 'cred.gid'),
  credentialRule('sys_geteuid', 'cred.euid'),
  credentialRule('sys_getegid', 'cred.egid'),
  namespaceRule('utsns_get', 'nsproxy.uts', 'utsNamespace.common'),
  namespaceRule('ipcns_get', 'nsproxy.ipc', 'ipcNamespace.common'),
  namespaceRule('mntns_get', 'nsproxy.mount', 'mountNamespace.common'),
  namespaceRule('netns_get', 'nsproxy.network', 'networkNamespace.common'),
  namespaceRule('cgroupns_get', 'nsproxy.cgroup', 'cgroupNamespace.common'),
  {
    function: 'pidns_get',
    gives: ['pidNamespace.common'],
    *see(events, kernel) {
      for (const value of returns(events)) {
        const { base, offset } = split(value);
        if (base.kind === 'result' && base.target === kernel.address('task_active_pid_ns') && offset !== 0) {
          yield ['pidNamespace.common', offset];
        }
      }
    },
  },
  {
    function: 'ns_match',
    gives: ['namespace.inode'],
    *see(events) {
      for (const [left, right] of compares(events)) {
        if (right.key === argument(2).key) yield* seen('namespace.inode', offsetFrom(left, argument(0)));
      }
    },
  },
  {
    function: '__task_pid_nr_ns',
    gives: ['pid.number', 'pid.namespace'],
    *see(events) {
      // pid->numbers[level], of 8 bytes each: if its ns is the third argument, its nr is returned.
      for (const [left, right] of compares(events)) {
        const entry = right.key === argument(2).key ? loadedFrom(left) : undefined;
        if (entry?.base.kind !== 'plus' || entry.base.right.kind !== 'shifted' || entry.base.right.amount !== 3)
          continue;
        yield ['pid.namespace', entry.offset];
        for (const value of returns(events)) yield* seen('pid.number', offsetFrom(value, entry.base));
      }
    },
  },
  {
    function: 'task_active_pid_ns',
    gives: ['task.threadPid', 'pid.level', 'pid.namespace'],
    *see(events) {
      for (const value of returns(events)) {
        const entry = loadedFrom(value);
        if (entry?.base.kind !== 'plus' || entry.base.right.kind !== 'shifted' || entry.base.right.amount !== 3)
          continue;
        const level = chainFrom(entry.base.right.of, argument(0));
        if (level === undefined) continue;
        yield ['task.threadPid', level[0]];
        yield ['pid.level', level[1]];
        yield ['pid.namespace', entry.offset];
      }
    },
  },
  {
    function: 'find_vma',
    gives: ['mm.tree'],
    *see(events, kernel) {
      for (const call of calls(events, kernel.address('mt_find'))) {
        const { base, offset } = split(call.args[0]!);
        if (base.key === argument(0).key) yield ['mm.tree', offset];
      }
    },
  },
  {
    function: 'mtree_load',
    gives: ['tree.root'],
    *see(events) {
      for (const [left, right] of compares(events)) {
        if (right.kind === 'constant' && right.value === MAPLE_RESERVED) {
          yield* seen('tree.root', offsetFrom(left, argument(0)));
        }
      }
    },
  },
  {
    function: '__mmdrop',
    gives: ['mm.tables'],
    *see(events, kernel) {
      for (const call of calls(events, kernel.address('pgd_free'))) {
        if (call.args[0]!.key === argument(0).key) yield* seen('mm.tables', offsetFrom(call.args[1], argument(0)));
      }
    },
  },
  {
    function: 'get_mm_exe_file',
    gives: ['mm.executable'],
    *see(events) {
      for (const value of returns(events)) yield* seen('mm.executable', offsetFrom(value, argument(0)));
    },
  },
  {
    function: 'show_map_vma',
    gives: [
      'area.start',
      'area.end',
      'area.flags',
      'area.mm',
      'area.file',
      'area.pageOffset',
      'file.inode',
      'inode.number',
      'inode.superblock',
      'superblock.device',
      'mm.heapStart',
      'mm.heapEnd',
      'mm.stackStart',
    ],
    *see(events, kernel) {
      const area = argument(1);
      const [first] = calls(events, kernel.address('show_vma_header_prefix'));
      const start = offsetFrom(first?.args[1], area);
      const end = offsetFrom(first?.args[2], area);
      if (start === undefined || end === undefined) return;
      yield ['area.start', start];
      yield ['area.end', end];
      for (const call of calls(events, kernel.address('show_vma_header_prefix'))) yield* headerSightings(call);
      yield* heapAndStackSightings(events, start, end);
    },
  },
  {
    function: 'file_path',
    gives: ['file.path'],
    *see(events, kernel) {
      for (const call of calls(events, kernel.address('d_path'))) {
        const { base, offset } = split(call.args[0]!);
        if (base.key === argument(0).key) yield ['file.path', offset];
      }
    },
  },
  {
    function: 'prepend_path',
    gives: [
      'path.mount',
      'path.entry',
      'entry.parent',
      'entry.name',
      'entry.nameLength',
      'vfsmount.root',
      'mount.vfsmount',
      'mount.parent',
      'mount.point',
    ],
    see: pathSightings,
  },
  {
    function: 'find_module_all',
    gives: ['modules', 'module.list', 'module.name'],
    *see(events, kernel) {
      for (const value of returns(events)) {
        const { base, offset } = split(value);
        const list = loadedFrom(base);
        if (list?.base.kind !== 'constant') continue;
        yield ['modules', list.base.value - kernel.base];
        yield ['module.list', -offset];
        for (const event of events) {
          const text = event.kind === 'call' ? split(event.args[0]!) : undefined;
          if (text?.base.key === base.key) yield ['module.name', text.offset - offset];
        }
      }
    },
  },
  {
    function: '__module_address',
    gives: ['module.base', 'module.size', 'module.initSize'],
    *see(events) {
      // within_module_init, then within_module_core: an address from base on, below base + size.
      const ranges: (readonly [number, number])[] = [];
      for (const [left, right] of compares(events)) {
        if (left.key !== argument(0).key || right.kind !== 'plus') continue;
        const base = loadedFrom(right.left);
        const size = loadedFrom(right.right);
        if (base?.base.kind === 'result' && size?.base.key === base.base.key) ranges.push([base.offset, size.offset]);
      }
      const unlike = new Map(ranges.map((range) => [range[0], range]));
      if (unlike.size !== 2) return;
      const [init, core] = [...unlike.values()];
      yield ['module.initSize', init![1]];
      yield ['module.base', core![0]];
      yield ['module.size', core![1]];
    },
  },
];

/** show_vma_header_prefix(m, start, end, flags, pgoff (64 bits, on the stack), dev, ino). */
function* headerSightings(call: Call): Generator<Sighting> {
  const area = argument(1);
  yield* seen('area.flags', offsetFrom(call.args[3], area));
  const offset = call.stack(0);
  if (offset?.kind === 'shifted' && offset.type === 0 && offset.amount === PAGE_SHIFT) {
    yield* seen('area.pageOffset', offsetFrom(offset.of, area));
  }
  const number = call.stack(3);
  const inode = number === undefined ? undefined : loadedFrom(number);
  const file = inode === undefined ? undefined : chainFrom(inode.base, area);
  if (inode === undefined || file === undefined) return;
  yield ['area.file', file[0]];
  yield ['file.inode', file[1]];
  yield ['inode.number', inode.offset];
  const device = chainFrom(call.stack(2), inode.base);
  if (device === undefined) return;
  yield ['inode.superblock', device[0]];
  yield ['superblock.device', device[1]];
}

/** [heap] if start <= mm->brk and end >= mm->start_brk, else [stack] if start <= mm->start_stack <= end. */
function* heapAndStackSightings(events: readonly TraceEvent[], start: number, end: number): Generator<Sighting> {
  const area = argument(1);
  const against = (member: number): Set<string> => {
    const found = new Set<string>();
    for (const [left, right] of compares(events)) {
      const chain = offsetFrom(left, area) === member ? chainFrom(right, area) : undefined;
      if (chain !== undefined) found.add(`${chain[0]} ${chain[1]}`);
    }
    return found;
  };
  const [starts, ends] = [against(start), against(end)];
  const sight = function* (name: Field, places: Iterable<string>): Generator<Sighting> {
    for (const place of places) {
      const [mm, member] = place.split(' ').map(Number) as [number, number];
      yield ['area.mm', mm];
      yield [name, member];
    }
  };
  yield* sight(
    'mm.stackStart',
    [...starts].filter((place) => ends.has(place)),
  );
  yield* sight(
    'mm.heapEnd',
    [...starts].filter((place) => !ends.has(place)),
  );
  yield* sight(
    'mm.heapStart',
    [...ends].filter((place) => !starts.has(place)),
  );
}

/** prepend_path(path, root, buffer): up from the entry, over the points that file systems are mounted on. */
function* pathSightings(events: readonly TraceEvent[], kernel: KernelCode): Generator<Sighting> {
  const path = argument(0);
  for (const [entry, right] of compares(events)) {
    // dentry == dentry->d_parent
    const place = offsetFrom(entry, path);
    const parent = offsetFrom(right, entry);
    if (place === undefined || parent === undefined) continue;
    yield ['path.entry', place];
    yield ['entry.parent', parent];
    for (const call of calls(events, kernel.address('prepend'))) {
      yield* seen('entry.name', offsetFrom(call.args[1], entry));
      yield* seen('entry.nameLength', offsetFrom(call.args[2], entry));
    }
    for (const [left, other] of compares(events)) {
      // dentry == mnt->mnt.mnt_root
      const top = left.key === entry.key ? chainFrom(other, path) : undefined;
      if (top !== undefined && top[0] !== place) {
        yield ['path.mount', top[0]];
        yield ['vfsmount.root', top[1]];
      }
    }
    yield* mountSightings(events, place);
  }
}

/** Of struct mount, which is around the struct vfsmount that a path names. `place` is path->dentry. */
function* mountSightings(events: readonly TraceEvent[], place: number): Generator<Sighting> {
  const [path, root] = [argument(0), argument(1)];
  for (const [mount, right] of compares(events)) {
    // mnt == mnt->mnt_parent
    const { base, offset } = split(mount);
    const from = offsetFrom(base, path);
    const up = offsetFrom(right, base);
    if (from === undefined || from === place || up === undefined) continue;
    yield ['mount.vfsmount', -offset];
    yield ['mount.parent', up - offset];
    for (const [left, other] of compares(events)) {
      // mnt->mnt_mountpoint == root->dentry, on the next round
      const point = offsetFrom(other, root) === place ? offsetFrom(left, base) : undefined;
      if (point !== undefined) yield ['mount.point', point - offset];
    }
  }
}
