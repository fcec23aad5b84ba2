// SPDX-License-Identifier: Apache-2.0
// Where a kernel build has what the profile reads: offsets in its structures and addresses of its variables. A JSON value, to
// be kept by build; what is not known is left out, and why is said in `unknown`.

/** Structure and member; bytes from the beginning of the structure. */
export const FIELDS = [
  'task.state',
  'task.exitState',
  'task.flags',
  'task.pid',
  'task.tgid',
  'task.realParent',
  'task.comm',
  'task.mm',
  'task.cred',
  'task.realCred',
  'task.nsproxy',
  'task.threadPid',
  'task.signal',
  'task.tasks',
  'task.threadNode',
  /** Of `struct cpu_context_save` in its thread_info: r4 to r10, fp, sp and pc of a task that no CPU executes. */
  'task.cpuContext',
  'signal.threadHead',
  'pid.level',
  /** Of the first of `pid.numbers`: the number and the namespace that it is of. */
  'pid.number',
  'pid.namespace',
  'cred.uid',
  'cred.gid',
  'cred.euid',
  'cred.egid',
  'cred.userNamespace',
  'nsproxy.uts',
  'nsproxy.ipc',
  'nsproxy.mount',
  'nsproxy.network',
  'nsproxy.cgroup',
  /** Of `struct ns_common` in each kind of namespace. */
  'utsNamespace.common',
  'ipcNamespace.common',
  'mountNamespace.common',
  'networkNamespace.common',
  'cgroupNamespace.common',
  'pidNamespace.common',
  'userNamespace.common',
  'namespace.inode',
  'mm.tree',
  'mm.tables',
  'mm.executable',
  'mm.heapStart',
  'mm.heapEnd',
  'mm.stackStart',
  'tree.root',
  'area.start',
  'area.end',
  'area.mm',
  'area.flags',
  'area.pageOffset',
  'area.file',
  'file.inode',
  'file.path',
  'inode.number',
  'inode.superblock',
  'superblock.device',
  'path.mount',
  'path.entry',
  'entry.parent',
  'entry.name',
  'entry.nameLength',
  'vfsmount.root',
  /** Of `struct vfsmount` in `struct mount`. */
  'mount.vfsmount',
  'mount.parent',
  'mount.point',
  'module.list',
  'module.name',
  'module.base',
  'module.size',
  'module.initSize',
] as const;

export type Field = (typeof FIELDS)[number];

/** Variables, which kallsyms has only in kernels with KALLSYMS_ALL. */
export const VARIABLES = ['initTask', 'modules', 'entryTask'] as const;
export type Variable = (typeof VARIABLES)[number];

export interface KernelLayout {
  readonly offsets: Readonly<Partial<Record<Field, number>>>;
  /** Bytes from the kernel's first symbol, wherever it was loaded; `entryTask` is per CPU and counts from 0. */
  readonly variables: Readonly<Partial<Record<Variable, number>>>;
  /** Why something is not known, in a line. */
  readonly unknown: Readonly<Partial<Record<Field | Variable, string>>>;
}

/** A layout from JSON; undefined for anything else, also for one that says nothing of something that is wanted here. */
export function parseKernelLayout(value: unknown): KernelLayout | undefined {
  const layout = value as KernelLayout | null;
  const [offsets, variables, unknown] = [layout?.offsets, layout?.variables, layout?.unknown];
  if (![offsets, variables, unknown].every((part) => typeof part === 'object' && part !== null)) return undefined;
  const said = (known: unknown, why: unknown): boolean =>
    Number.isInteger(known) ? why === undefined : known === undefined && typeof why === 'string';
  const complete =
    FIELDS.every((name) => said(offsets![name], unknown![name])) &&
    VARIABLES.every((name) => said(variables![name], unknown![name]));
  return complete ? layout! : undefined;
}
