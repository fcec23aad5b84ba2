// SPDX-License-Identifier: Apache-2.0
// Carries a plan out: makes of it a program that starts another one in its surroundings. Three processes take part. The first
// stays outside, and waits; it dies with nobody, but all of the others die with it. The second is process 1 of the new
// namespaces: it mounts, waits for all that have lost their parents, and ends them all with the third, which gives up its rights and becomes the program.

import { posix } from 'node:path';
import {
  CAPABILITY_SETS_SIZE,
  CAPABILITY_VERSION,
  CLONE,
  CLONE_ARGUMENTS,
  CLONE_INTO_GROUP,
  CLOSE_RANGE_UNSHARE,
  ERROR,
  type CodeLabel,
  LaunchProgram,
  INTERFACE_UP,
  INTERNET_DATAGRAM,
  LOCK,
  MOUNT,
  type OnError,
  OPEN_FLAG,
  PROCESS_CONTROL,
  SECCOMP_SET_FILTER,
  SEND_NO_SIGNAL,
  SET_INTERFACE_FLAGS,
  SIGNAL,
  type Slot,
  STATUS,
  UNMOUNT_DETACH,
} from '@plinth/linux';
import { emitCarrier, emitCarrierEnd, emitPacketFilter } from './carried-network.js';
import { emitLandlock } from './landlock.js';
import { ListenerHandover } from './listener-handover.js';
import { emitSteps, outside } from './mount-steps.js';
import { emitPipe } from './pipe.js';
import { ServedLayers } from './served-layers.js';
import { emitSignals } from './signals.js';
import { type ControlGroup, LIMITS, type Surroundings } from './surroundings.js';

const WORD = 8;
const INT = 4;
const ALL_NUMBERS = 4_294_967_295;
/** Capabilities that a kernel may know; dropping one that it does not know fails, and does not matter. */
const CAPABILITIES = 64;
/** A byte for the watcher. */
export const COMMAND_ENDED = 0x45;
const LOOPBACK = 'lo';
const INTERFACE_NAME_SIZE = 16;
/** struct ifreq. */
const INTERFACE_REQUEST_SIZE = 40;

/** The bytes of an executable file. Its arguments are the command and its arguments; its environment is passed on. */
export function launchFile(plan: Surroundings): Uint8Array {
  const program = new LaunchProgram(`plinth: ${plan.name}: `);
  const stack = program.slot();
  program.storeStack(stack);
  emitLock(program, plan);
  const served = new ServedLayers(program, plan);
  served.emitMounts('outside');
  for (const group of plan.controlGroups) emitControlGroup(program, group);
  const begins = emitPipe(program);
  // While it waits a terminal's signals go to the command.
  emitSignals(program, ['interrupt', 'quit'], 'ignore');
  const child = program.slot();
  program.call(
    'clone3',
    [emitCloneArguments(program, plan), CLONE_ARGUMENTS.size],
    { message: namespacesMessage },
    child,
  );
  const outer = program.label();
  program.jumpIf(child, 'ne', 0, outer);
  emitFirstProcess(program, plan, served, stack, begins);
  program.here(outer);
  served.emitForget();
  emitMaps(program, plan, child);
  emitProcessFile(program, plan, child);
  const [reads, writes] = begins;
  const goOn = (): void => program.call('write', [writes, program.text('x'), 1], { message: 'its first process' });
  goOn();
  const { network } = plan;
  const carrier = typeof network === 'object' ? emitCarrier(program, plan, network, child) : undefined;
  // It has made the rest meanwhile.
  if (carrier !== undefined) goOn();
  program.call('close', [writes], 'ignore');
  program.call('close', [reads], 'ignore');
  const [status, again] = [program.slot(), program.label()];
  program.here(again);
  program.call('wait4', [child, status.slot, 0, 0], again);
  if (carrier !== undefined) emitCarrierEnd(program, carrier);
  for (const { directory, version } of plan.controlGroups) {
    // It is only removed when nobody is in it any more, which we are.
    if (version === 1) emitFile(program, posix.join(directory, '..', 'cgroup.procs'), '0', 'ignore');
    program.call('rmdir', [program.text(directory)], 'ignore');
  }
  emitExit(program, status);
  return program.finish();
}

/** All that is started from here on is in it, if it is of version 1. */
function emitControlGroup(program: LaunchProgram, { directory, version, settings }: ControlGroup): void {
  program.call('mkdir', [program.text(directory), 0o755], 'ignore');
  const joining = version === 1 ? [{ file: 'cgroup.procs', value: '0' }] : [];
  for (const { file, value } of [...settings, ...joining]) {
    const path = posix.join(directory, file);
    emitFile(program, path, value, { message: path });
  }
}

/** The address of what clone3(2) takes: the first process of the namespaces is born in the group of version 2. */
function emitCloneArguments(program: LaunchProgram, plan: Surroundings): number {
  const born = plan.controlGroups.find(({ version }) => version === 2);
  const bytes = new Uint8Array(CLONE_ARGUMENTS.size);
  const view = new DataView(bytes.buffer);
  const into = born === undefined ? 0n : CLONE_INTO_GROUP;
  view.setBigUint64(CLONE_ARGUMENTS.flags, BigInt(namespaces(plan)) | into, true);
  view.setBigUint64(CLONE_ARGUMENTS.exitSignal, BigInt(SIGNAL.child), true);
  const address = program.bytes(bytes);
  if (born !== undefined) {
    const { directory } = born;
    const group = { slot: address + CLONE_ARGUMENTS.group };
    program.call('open', [program.text(directory), OPEN_FLAG.closeOnExec, 0], { message: directory }, group);
  }
  return address;
}

function emitFile(program: LaunchProgram, path: string, text: string, onError: OnError): void {
  const fd = program.slot();
  program.call('open', [program.text(path), OPEN_FLAG.writeOnly | OPEN_FLAG.closeOnExec], onError, fd);
  program.call('write', [fd, program.text(text), text.length], onError);
  program.call('close', [fd], 'ignore');
}

/** What the kernel refuses here is most often the right to have namespaces at all. */
const namespacesMessage = 'this user may not make namespaces (plinth doctor says more)';

function namespaces({ network }: Surroundings): number {
  const always =
    CLONE.newUsers | CLONE.newMounts | CLONE.newProcesses | CLONE.newIpc | CLONE.newHostName | CLONE.newControlGroups;
  return network === 'host' ? always : always | CLONE.newNetwork;
}

function emitLock(program: LaunchProgram, { lock }: Surroundings): void {
  const fd = program.slot();
  const flags = OPEN_FLAG.create | OPEN_FLAG.closeOnExec | OPEN_FLAG.writeOnly;
  program.call('open', [program.text(lock), flags, 0o600], { message: lock }, fd);
  program.call('flock', [fd, LOCK.exclusive | LOCK.nonBlocking], {
    message: 'it is in use',
    status: STATUS.input,
    mend: { error: ERROR.EAGAIN, text: 'end what runs in it first' },
  });
}

/** Users and groups of the new namespace, which only a process outside of it may write. */
function emitMaps(program: LaunchProgram, plan: Surroundings, child: Slot): void {
  const root = plan.user === 0;
  if (!root) emitWrite(program, child, 'setgroups', 'deny');
  emitWrite(program, child, 'uid_map', root ? `0 0 ${ALL_NUMBERS}` : `${plan.insideUser} ${plan.user} 1`);
  emitWrite(program, child, 'gid_map', root ? `0 0 ${ALL_NUMBERS}` : `${plan.insideGroup} ${plan.group} 1`);
}

function emitWrite(program: LaunchProgram, child: Slot, name: string, text: string): void {
  const fd = program.slot();
  program.compose(['/proc/', { decimal: child }, `/${name}`]);
  program.call('open', [program.composed, OPEN_FLAG.writeOnly], { message: name }, fd);
  program.call('write', [fd, program.text(text), text.length], { message: name });
  program.call('close', [fd], 'ignore');
}

function emitProcessFile(program: LaunchProgram, { processFile }: Surroundings, child: Slot): void {
  const fd = program.slot();
  const flags = OPEN_FLAG.create | OPEN_FLAG.truncate | OPEN_FLAG.writeOnly | OPEN_FLAG.closeOnExec;
  program.call('open', [program.text(processFile), flags, 0o600], { message: processFile }, fd);
  program.compose([{ decimal: child }, '\n']);
  program.writeComposed(fd);
  program.call('close', [fd], 'ignore');
}

function emitFirstProcess(
  program: LaunchProgram,
  plan: Surroundings,
  served: ServedLayers,
  stack: Slot,
  [reads, writes]: readonly [Slot, Slot],
): void {
  program.call('prctl', [PROCESS_CONTROL.parentDeathSignal, SIGNAL.kill, 0, 0, 0], { message: 'its end' });
  program.call('close', [writes], 'ignore');
  emitGoesOn(program, reads);
  const { hostName, network } = plan;
  program.call('sethostname', [program.text(hostName), hostName.length], { message: `host name ${hostName}` });
  if (network !== 'host') emitLoopback(program);
  if (typeof network === 'object') emitPacketFilter(program, network);
  served.emitMounts('inside');
  emitRoot(program, plan, served);
  if (typeof network === 'object') emitGoesOn(program, reads);
  program.call('close', [reads], 'ignore');
  const child = program.slot();
  const handover = plan.watcher?.line === undefined ? undefined : new ListenerHandover(program);
  program.call(
    'clone',
    [handover === undefined ? SIGNAL.child : CLONE.sameFiles | SIGNAL.child, 0, 0, 0, 0],
    { message: 'a process' },
    child,
  );
  const waits = program.label();
  program.jumpIf(child, 'ne', 0, waits);
  emitProgram(program, plan, stack, handover);
  program.here(waits);
  if (handover !== undefined) handover.emitPassOn(child, plan.watcher!);
  emitPowerless(program);
  const [status, ended, again] = [program.slot(), program.slot(), program.label()];
  const own = program.label();
  program.here(again);
  program.call('wait4', [-1, status.slot, 0, 0], again, ended);
  program.ifEqual(ended, child, own);
  program.jump(again);
  program.here(own);
  if (plan.watcher !== undefined) emitCommandEnded(program, plan.watcher);
  emitExit(program, status);
}

/** Waits for who started it, or ends with it. */
function emitGoesOn(program: LaunchProgram, reads: Slot): void {
  const byte = program.bytes(new Uint8Array(1));
  const [count, goesOn] = [program.slot(), program.label()];
  program.call('read', [reads, byte, 1], { message: 'its first process' }, count);
  program.jumpIf(count, 'ne', 0, goesOn);
  // Whoever started it has said why.
  program.exit(STATUS.failed);
  program.here(goesOn);
}

/** It had all rights over the new namespaces, and whoever got hold of it would have them. */
function emitPowerless(program: LaunchProgram): void {
  const header = new Uint8Array(2 * INT);
  new DataView(header.buffer).setUint32(0, CAPABILITY_VERSION, true);
  const none = program.bytes(new Uint8Array(CAPABILITY_SETS_SIZE));
  program.call('prctl', [PROCESS_CONTROL.dumpable, 0, 0, 0, 0], { message: 'its first process' });
  program.call('capset', [program.bytes(header), none], { message: 'its first process' });
}

function emitLoopback(program: LaunchProgram): void {
  const request = new Uint8Array(INTERFACE_REQUEST_SIZE);
  request.set(Buffer.from(LOOPBACK));
  new DataView(request.buffer).setUint16(INTERFACE_NAME_SIZE, INTERFACE_UP, true);
  const socket = program.slot();
  const { domain, type } = INTERNET_DATAGRAM;
  program.call('socket', [domain, type, 0], { message: 'a socket' }, socket);
  program.call('ioctl', [socket, SET_INTERFACE_FLAGS, program.bytes(request)], { message: 'its loopback interface' });
  program.call('close', [socket], 'ignore');
}

/** The new root, which then is the only one. */
function emitRoot(program: LaunchProgram, plan: Surroundings, served: ServedLayers): void {
  const { root, steps } = plan;
  const none = program.text('none');
  const own = { message: 'its own mounts' };
  const mask = program.slot();
  program.call('umask', [0], 'ignore', mask);
  program.call('mount', [none, program.text('/'), 0, MOUNT.recursive | MOUNT.private, 0], own);
  const flags = MOUNT.noSetUser | MOUNT.noDevices;
  program.call(
    'mount',
    [program.text('plinth'), program.text(root), program.text('tmpfs'), flags, program.text('mode=755')],
    {
      message: root,
    },
  );
  emitSteps(program, root, steps, served);
  const old = '.plinth-host';
  program.call('mkdir', [program.text(outside(root, `/${old}`)), 0o700], own);
  program.call('pivot_root', [program.text(root), program.text(outside(root, `/${old}`))], own);
  program.call('chdir', [program.text('/')], own);
  program.call('umount2', [program.text(`/${old}`), UNMOUNT_DETACH], own);
  program.call('rmdir', [program.text(`/${old}`)], own);
  program.call('umask', [mask], 'ignore');
}

/** Gives rights up, and becomes the command. */
function emitProgram(
  program: LaunchProgram,
  plan: Surroundings,
  stack: Slot,
  handover: ListenerHandover | undefined,
): void {
  emitSignals(program, ['interrupt', 'quit', 'pipe', 'fileSize'], 'default');
  program.call('chdir', [program.text(plan.directory)], {
    message: plan.directory,
    status: STATUS.input,
    mend: { error: ERROR.ENOENT, text: 'the command is to begin there: name a directory that the workspace has' },
  });
  for (const { name, value } of plan.limits) {
    const limit = new Uint8Array(2 * WORD);
    const view = new DataView(limit.buffer);
    view.setBigUint64(0, BigInt(value), true);
    view.setBigUint64(WORD, BigInt(value), true);
    program.call('prlimit64', [0, LIMITS[name], program.bytes(limit), 0], { message: `limit ${name}` });
  }
  for (let capability = 0; capability < CAPABILITIES; capability++) {
    if (plan.capabilities.includes(capability)) continue;
    program.call('prctl', [PROCESS_CONTROL.dropCapability, capability, 0, 0, 0], 'ignore');
  }
  program.call('prctl', [PROCESS_CONTROL.noNewPrivileges, 1, 0, 0, 0], { message: 'no new privileges' });
  emitLandlock(program, plan.writable);
  // A struct sock_fprog: the number of instructions, and where they are.
  const filter = new Uint8Array(2 * WORD);
  const view = new DataView(filter.buffer);
  view.setUint16(0, plan.filter.length / WORD, true);
  view.setBigUint64(WORD, BigInt(program.bytes(plan.filter)), true);
  const filterAt = program.bytes(filter);
  const onError = { message: 'its filter of system calls' };
  if (handover === undefined) program.call('seccomp', [SECCOMP_SET_FILTER, 0, filterAt], onError);
  else handover.emitFilter(filterAt, onError);
  program.call('close_range', [3, 0xffff_ffff, CLOSE_RANGE_UNSHARE], { message: 'open files' });
  emitExecute(program, plan.path, stack);
}

/** Tells the watcher that the command has ended, and waits until it has looked at what is left. */
function emitCommandEnded(program: LaunchProgram, { socket }: NonNullable<Surroundings['watcher']>): void {
  const none = program.label();
  const byte = program.bytes(Uint8Array.of(COMMAND_ENDED));
  program.call('sendto', [socket, byte, 1, SEND_NO_SIGNAL, 0, 0], none);
  program.call('read', [socket, byte, 1], none);
  program.here(none);
}

/** execve(2) of the first argument: as it is if it has a slash, otherwise from the first directory of the path that has it. */
function emitExecute(program: LaunchProgram, path: readonly string[], stack: Slot): void {
  const [count, command, args, environment] = [program.slot(), program.slot(), program.slot(), program.slot()];
  program.follow(count, stack, 0);
  program.set(args, stack);
  program.add(args, 2 * WORD);
  program.follow(command, stack, 2 * WORD);
  // The environment lies behind the arguments and a zero.
  program.scaled(environment, count, WORD, args);
  const [direct, missing, refused] = [program.label(), program.label(), program.label()];
  const [usage, error, denied] = [program.label(), program.slot(), program.slot()];
  program.jumpIf(count, 'lt', 2, usage);
  program.ifContains(command, '/', direct);
  for (const directory of path) {
    const next = program.label();
    program.compose([`${directory}/`, { pointer: command }]);
    program.call('execve', [program.composed, args, environment], 'ignore', error);
    program.jumpIf(error, 'ne', -ERROR.EACCES, next);
    program.set(denied, 1);
    program.here(next);
  }
  program.jumpIf(denied, 'ne', 0, refused);
  program.jump(missing);
  program.here(direct);
  program.call('execve', [command, args, environment], 'ignore', error);
  program.jumpIf(error, 'eq', -ERROR.EACCES, refused);
  emitSays(program, missing, [{ pointer: command }, ': not found'], STATUS.notFound);
  emitSays(program, refused, [{ pointer: command }, ': may not be executed'], STATUS.notExecutable);
  emitSays(program, usage, ['no command was given'], STATUS.failed);
}

function emitSays(
  program: LaunchProgram,
  label: CodeLabel,
  parts: Parameters<LaunchProgram['compose']>[0],
  status: number,
): void {
  program.here(label);
  program.compose(['plinth: ', ...parts, '\n']);
  program.writeComposed(2);
  program.exit(status);
}

/** With the status of a process that has ended: its own, or 128 and the signal that ended it. */
function emitExit(program: LaunchProgram, status: Slot): void {
  const [signal, code] = [program.slot(), program.slot()];
  const ended = program.label();
  program.bits(signal, status, 0, 7);
  program.bits(code, status, 8, 8);
  program.jumpIf(signal, 'eq', 0, ended);
  program.set(code, signal);
  program.add(code, 128);
  program.here(ended);
  program.exit(code);
}
