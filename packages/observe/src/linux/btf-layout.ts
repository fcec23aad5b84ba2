// SPDX-License-Identifier: Apache-2.0
// The layout of a kernel that carries its types (BTF): what the members are called in Linux 6.1. What BTF does not have under
// that name is left to what the code shows.

import type { Btf } from './btf.js';
import type { Field } from './kernel-layout.js';

const MEMBERS: Readonly<Record<Field, string>> = {
  'task.state': 'task_struct.__state',
  'task.exitState': 'task_struct.exit_state',
  'task.flags': 'task_struct.flags',
  'task.pid': 'task_struct.pid',
  'task.tgid': 'task_struct.tgid',
  'task.realParent': 'task_struct.real_parent',
  'task.comm': 'task_struct.comm',
  'task.mm': 'task_struct.mm',
  'task.cred': 'task_struct.cred',
  'task.realCred': 'task_struct.real_cred',
  'task.nsproxy': 'task_struct.nsproxy',
  'task.threadPid': 'task_struct.thread_pid',
  'task.signal': 'task_struct.signal',
  'task.tasks': 'task_struct.tasks',
  'task.threadNode': 'task_struct.thread_node',
  'task.cpuContext': 'task_struct.thread_info.cpu_context',
  'signal.threadHead': 'signal_struct.thread_head',
  'pid.level': 'pid.level',
  'pid.number': 'pid.numbers.nr',
  'pid.namespace': 'pid.numbers.ns',
  'cred.uid': 'cred.uid',
  'cred.gid': 'cred.gid',
  'cred.euid': 'cred.euid',
  'cred.egid': 'cred.egid',
  'cred.userNamespace': 'cred.user_ns',
  'nsproxy.uts': 'nsproxy.uts_ns',
  'nsproxy.ipc': 'nsproxy.ipc_ns',
  'nsproxy.mount': 'nsproxy.mnt_ns',
  'nsproxy.network': 'nsproxy.net_ns',
  'nsproxy.cgroup': 'nsproxy.cgroup_ns',
  'utsNamespace.common': 'uts_namespace.ns',
  'ipcNamespace.common': 'ipc_namespace.ns',
  'mountNamespace.common': 'mnt_namespace.ns',
  'networkNamespace.common': 'net.ns',
  'cgroupNamespace.common': 'cgroup_namespace.ns',
  'pidNamespace.common': 'pid_namespace.ns',
  'userNamespace.common': 'user_namespace.ns',
  'namespace.inode': 'ns_common.inum',
  'mm.tree': 'mm_struct.mm_mt',
  'mm.tables': 'mm_struct.pgd',
  'mm.executable': 'mm_struct.exe_file',
  'mm.heapStart': 'mm_struct.start_brk',
  'mm.heapEnd': 'mm_struct.brk',
  'mm.stackStart': 'mm_struct.start_stack',
  'tree.root': 'maple_tree.ma_root',
  'area.start': 'vm_area_struct.vm_start',
  'area.end': 'vm_area_struct.vm_end',
  'area.mm': 'vm_area_struct.vm_mm',
  'area.flags': 'vm_area_struct.vm_flags',
  'area.pageOffset': 'vm_area_struct.vm_pgoff',
  'area.file': 'vm_area_struct.vm_file',
  'file.inode': 'file.f_inode',
  'file.path': 'file.f_path',
  'inode.number': 'inode.i_ino',
  'inode.superblock': 'inode.i_sb',
  'superblock.device': 'super_block.s_dev',
  'path.mount': 'path.mnt',
  'path.entry': 'path.dentry',
  'entry.parent': 'dentry.d_parent',
  'entry.name': 'dentry.d_name.name',
  'entry.nameLength': 'dentry.d_name.len',
  'vfsmount.root': 'vfsmount.mnt_root',
  'mount.vfsmount': 'mount.mnt',
  'mount.parent': 'mount.mnt_parent',
  'mount.point': 'mount.mnt_mountpoint',
  'module.list': 'module.list',
  'module.name': 'module.name',
  'module.base': 'module.core_layout.base',
  'module.size': 'module.core_layout.size',
  'module.initSize': 'module.init_layout.size',
};

/** The offsets that the types tell. */
export function btfOffsets(btf: Btf): Partial<Record<Field, number>> {
  const offsets: Partial<Record<Field, number>> = {};
  for (const [field, place] of Object.entries(MEMBERS)) {
    const dot = place.indexOf('.');
    const offset = btf.offset(place.slice(0, dot), place.slice(dot + 1));
    if (offset !== undefined) offsets[field as Field] = offset;
  }
  return offsets;
}
