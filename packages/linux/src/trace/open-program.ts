// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
// The program that is run at each system call, and tells of files that processes of some control groups open. It reads memory of
// the processes, which the kernel lets programs under the GPL do, so what is written here may be had under that, too.

import {
  Assembler,
  FP,
  type Label,
  type MapDefinition,
  type Program,
  R0,
  R1,
  R2,
  R3,
  R6,
  R7,
  R8,
  type Register,
} from '@plinth/ebpf';
import { CALL } from '../launch/x64-calls.js';

/** Control groups by their numbers, which are those of their directories (version 2), and what was lost of them. */
export const TRACED: MapDefinition = { name: 'traced', type: 'hash', keySize: 8, valueSize: 8, maxEntries: 4096 };

export const OPENS: MapDefinition = {
  name: 'opens',
  type: 'ringBuffer',
  keySize: 0,
  valueSize: 0,
  maxEntries: 1 << 20,
};

/** A record: group, thread and process, flags of open(2), name of the program, path. */
export const OPEN_RECORD = { group: 0, thread: 8, process: 12, flags: 16, program: 24, path: 40, size: 296 } as const;
const PROGRAM_NAME_SIZE = 16;
const PATH_SIZE = OPEN_RECORD.size - OPEN_RECORD.path;

/** Of struct pt_regs (arch/x86/include/asm/ptrace.h). */
const REGISTER_AT = { rdi: 112, rsi: 104, rdx: 96 } as const;
/** On the stack: a key, what was read, and where the record is. */
const [KEY_AT, READ_AT, REGISTERS_AT, COUNT_AT] = [-8, -16, -24, -32] as const;

/** For raw tracepoint `sys_enter`, whose context is a pointer to the registers and the number of the call. */
export function openProgram(): Program {
  const a = new Assembler('plinth_opens', 'rawTracepoint');
  const [done, wanted, lost] = [a.label(), a.label(), a.label()];
  a.load(8, R7, R1, 8).load(8, R8, R1, 0).store(8, FP, REGISTERS_AT, R8);
  for (const name of ['open', 'openat', 'openat2', 'creat'] as const) a.jumpIf('eq', R7, CALL[name], wanted);
  a.jump(done);
  a.here(wanted);
  a.call('getCurrentCgroupId').store(8, FP, KEY_AT, R0);
  a.loadMap(R1, TRACED)
    .mov(R2, FP)
    .add(R2, KEY_AT)
    .call('mapLookup')
    .jumpIf('eq', R0, 0, done)
    .store(8, FP, COUNT_AT, R0);
  a.loadMap(R1, OPENS)
    .mov(R2, OPEN_RECORD.size)
    .mov(R3, 0)
    .call('ringbufReserve')
    .jumpIf('eq', R0, 0, lost)
    .mov(R6, R0);
  a.load(8, R1, FP, KEY_AT).store(8, R6, OPEN_RECORD.group, R1);
  // The upper half is the process, the lower one the thread.
  a.call('getCurrentPidTgid').store(8, R6, OPEN_RECORD.thread, R0);
  a.mov(R1, R6).add(R1, OPEN_RECORD.program).mov(R2, PROGRAM_NAME_SIZE).call('getCurrentComm');
  emitArguments(a);
  a.load(8, R3, FP, READ_AT).mov(R1, R6).add(R1, OPEN_RECORD.path).mov(R2, PATH_SIZE);
  const readable = a.label();
  a.call('probeReadUserStr').jumpIf('sgt', R0, 0, readable).store(8, R6, OPEN_RECORD.path, 0);
  a.here(readable);
  a.mov(R1, R6).mov(R2, 0).call('ringbufSubmit').jump(done);
  a.here(lost);
  a.load(8, R2, FP, COUNT_AT).mov(R3, 1).atomic('add', 8, R2, 0, R3);
  a.here(done);
  a.mov(R0, 0).exit();
  return { ...a.finish(), license: 'GPL v2' };
}

/** The flags into the record at R6, and the address of the path to READ_AT; R7 is the number of the call. */
function emitArguments(a: Assembler): void {
  const [open, openat, openat2, creat, over] = [a.label(), a.label(), a.label(), a.label(), a.label()];
  a.store(8, R6, OPEN_RECORD.flags, 0).store(8, FP, READ_AT, 0);
  const ways: readonly (readonly [keyof typeof CALL, Label])[] = [
    ['open', open],
    ['openat', openat],
    ['openat2', openat2],
  ];
  for (const [name, way] of ways) a.jumpIf('eq', R7, CALL[name], way);
  a.here(creat);
  a.store(8, R6, OPEN_RECORD.flags, CREATE_FLAGS);
  emitRegister(a, 'rdi', READ_AT);
  a.jump(over);
  a.here(open);
  emitRegister(a, 'rsi', READ_AT);
  a.load(8, R1, FP, READ_AT).store(8, R6, OPEN_RECORD.flags, R1);
  emitRegister(a, 'rdi', READ_AT);
  a.jump(over);
  a.here(openat);
  emitRegister(a, 'rdx', READ_AT);
  a.load(8, R1, FP, READ_AT).store(8, R6, OPEN_RECORD.flags, R1);
  emitRegister(a, 'rsi', READ_AT);
  a.jump(over);
  a.here(openat2);
  // A struct open_how, which begins with the flags.
  emitRegister(a, 'rdx', READ_AT);
  a.load(8, R3, FP, READ_AT).mov(R1, R6).add(R1, OPEN_RECORD.flags).mov(R2, 8).call('probeReadUser');
  emitRegister(a, 'rsi', READ_AT);
  a.here(over);
}

/** O_CREAT | O_WRONLY | O_TRUNC. */
const CREATE_FLAGS = 0x241;

/** Reads a register of the process. */
function emitRegister(a: Assembler, name: keyof typeof REGISTER_AT, into: number): void {
  const from: Register = R3;
  a.load(8, from, FP, REGISTERS_AT).add(from, REGISTER_AT[name]);
  a.mov(R1, FP).add(R1, into).mov(R2, 8).call('probeReadKernel');
}
