// SPDX-License-Identifier: Apache-2.0
// A machine as an ELF core file (System V ABI, chapter 5; for ARM as Linux writes it): RAM once, a segment for each run of
// virtual pages that CPU 0 sees in it, with physical addresses, and a note with the registers of each CPU as of a thread.

import { CPU } from '@plinth/arm';
import type { Machine, Vcpu } from '@plinth/machine';

const PAGE = 4096;
const HEADER_SIZE = 52;
const PROGRAM_HEADER_SIZE = 32;
const [ET_CORE, EM_ARM, PT_LOAD, PT_NOTE] = [4, 40, 1, 4];
const [NT_PRSTATUS, NT_AUXV, NT_ARM_VFP] = [1, 6, 0x400];
/**
 * The auxiliary vector of a program on Linux: GDB looks into it for what the CPU has, and shows the registers of floating point
 * only then. HWCAP_VFP, NEON, VFPv3, VFPv4, VFPD32 (arch/arm/include/uapi/asm/hwcap.h).
 */
const AUXV = {
  AT_NULL: 0,
  AT_HWCAP: 16,
  capabilities: (1 << 6) | (1 << 12) | (1 << 13) | (1 << 16) | (1 << 19),
} as const;
/** Program headers are counted in 16 bits, and 0xffff means something else: small runs are left out then. */
const MOST_RUNS = 0xfff0;
/** Of `struct elf_prstatus` of 32-bit ARM: its size, and where the process number and the registers are. */
const PRSTATUS = { size: 148, pid: 24, registers: 72 } as const;
const VFP_SIZE = 32 * 8 + 4;

interface PageRun {
  readonly virtual: number;
  readonly physical: number;
  /** Bytes. */
  length: number;
}

/** Runs of virtual pages that lie in RAM, as the CPU's tables have them now; all of RAM at its own place without an MMU. */
function pageRuns({ memory }: Machine, cpu: Vcpu): PageRun[] {
  const runs: PageRun[] = [];
  let last: PageRun | undefined;
  for (let page = 0; page < 2 ** 20; page++) {
    const virtual = page * PAGE;
    const physical = cpu.mappedTo(virtual);
    if (physical === undefined || memory.pageOf(physical >>> 0) < 0) {
      last = undefined;
      continue;
    }
    if (last !== undefined && physical >>> 0 === last.physical + last.length) last.length += PAGE;
    else runs.push((last = { virtual, physical: physical >>> 0, length: PAGE }));
  }
  if (runs.length <= MOST_RUNS) return runs;
  const kept = new Set(runs.toSorted((a, b) => b.length - a.length).slice(0, MOST_RUNS));
  return runs.filter((run) => kept.has(run));
}

function note(type: number, name: string, content: Uint8Array): Uint8Array {
  const nameSize = name.length + 1;
  const padded = (size: number): number => (size + 3) & ~3;
  const bytes = new Uint8Array(12 + padded(nameSize) + padded(content.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, nameSize, true);
  view.setUint32(4, content.length, true);
  view.setUint32(8, type, true);
  for (let n = 0; n < name.length; n++) bytes[12 + n] = name.charCodeAt(n);
  bytes.set(content, 12 + padded(nameSize));
  return bytes;
}

function registersOf({ state, index }: Vcpu): Uint8Array[] {
  const status = new Uint8Array(PRSTATUS.size);
  const view = new DataView(status.buffer);
  // Linux knows no thread 0.
  view.setUint32(PRSTATUS.pid, index + 1, true);
  for (let n = 0; n < 16; n++) view.setInt32(PRSTATUS.registers + 4 * n, state.reg(n), true);
  view.setInt32(PRSTATUS.registers + 64, state.cpsr, true);
  const vfp = new Uint8Array(VFP_SIZE);
  const vfpView = new DataView(vfp.buffer);
  for (let n = 0; n < 64; n++) vfpView.setInt32(4 * n, state.get(CPU.vectors + 4 * n), true);
  vfpView.setInt32(256, state.fpscr, true);
  return [note(NT_PRSTATUS, 'CORE', status), note(NT_ARM_VFP, 'LINUX', vfp)];
}

function auxiliaryVector(): Uint8Array {
  const words = [AUXV.AT_HWCAP, AUXV.capabilities, AUXV.AT_NULL, 0];
  const content = new Uint8Array(4 * words.length);
  words.forEach((word, n) => new DataView(content.buffer).setUint32(4 * n, word, true));
  return note(NT_AUXV, 'CORE', content);
}

export interface ElfCore {
  /** What comes before RAM. */
  readonly head: Uint8Array;
  /** Where RAM begins in the file, at a page; it is all of the rest. */
  readonly ramAt: number;
  readonly ram: Uint8Array;
}

/** The file, between two instructions. RAM is a view of the machine's memory, to be written before it runs on. */
export function elfCore(machine: Machine): ElfCore {
  const { ram, ramBase } = machine.memory;
  const notes = [...machine.cpus.flatMap((cpu) => registersOf(cpu)), auxiliaryVector()];
  const notesSize = notes.reduce((sum, { length }) => sum + length, 0);
  const runs = pageRuns(machine, machine.cpu);
  const notesAt = HEADER_SIZE + PROGRAM_HEADER_SIZE * (runs.length + 1);
  const ramAt = Math.ceil((notesAt + notesSize) / PAGE) * PAGE;
  const head = new Uint8Array(ramAt);
  const view = new DataView(head.buffer);
  head.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  const halves = (at: number, ...values: number[]): void =>
    values.forEach((value, n) => view.setUint16(at + 2 * n, value, true));
  const words = (at: number, ...values: number[]): void =>
    values.forEach((value, n) => view.setUint32(at + 4 * n, value, true));
  halves(16, ET_CORE, EM_ARM);
  words(20, 1, 0, HEADER_SIZE, 0, 0x0500_0000);
  halves(40, HEADER_SIZE, PROGRAM_HEADER_SIZE, runs.length + 1, 0, 0, 0);
  words(HEADER_SIZE, PT_NOTE, notesAt, 0, 0, notesSize, 0, 0, 4);
  runs.forEach(({ virtual, physical, length }, n) => {
    const at = HEADER_SIZE + PROGRAM_HEADER_SIZE * (n + 1);
    words(at, PT_LOAD, ramAt + (physical - ramBase), virtual, physical, length, length, 7, PAGE);
  });
  let at = notesAt;
  for (const bytes of notes) {
    head.set(bytes, at);
    at += bytes.length;
  }
  return { head, ramAt, ram };
}
