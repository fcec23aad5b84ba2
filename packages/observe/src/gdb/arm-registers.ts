// SPDX-License-Identifier: Apache-2.0
// The registers of a Plinth CPU as GDB sees them: `org.gnu.gdb.arm.core` and `.vfp` with the names that GDB knows (GDB
// manual, "Target Descriptions", "ARM Features"), with the Q registers of Advanced SIMD beside the D registers that they are
// made of, and two features of our own: banked registers and system registers.

import { CPU, MODE, SYSTEM, type SystemRegisterName } from '@plinth/arm';
import type { Vcpu } from '@plinth/machine';
import type { TargetRegister } from './target.js';

export interface ArmRegister extends TargetRegister {
  /** Little-endian words of 32 bits. */
  read(cpu: Vcpu): readonly number[];
  /** Undefined where a register cannot be written. */
  readonly write?: (cpu: Vcpu, words: readonly number[]) => void;
  readonly feature: string;
  readonly type: string;
  readonly group?: string;
}

const CORE = 'org.gnu.gdb.arm.core';
const VFP = 'org.gnu.gdb.arm.vfp';
const BANKED = 'org.plinth.arm.banked';
const SYSTEM_FEATURE = 'org.plinth.arm.system';

function coreRegister(name: string, n: number, type: string): ArmRegister {
  return {
    name,
    bits: 32,
    feature: CORE,
    type,
    read: ({ state }) => [state.reg(n)],
    write: ({ state }, [value]) => state.setReg(n, n === 15 ? value! & (state.thumb ? ~1 : ~3) : value!),
  };
}

const core: readonly ArmRegister[] = [
  ...Array.from({ length: 13 }, (_, n) => coreRegister(`r${n}`, n, 'int')),
  coreRegister('sp', 13, 'data_ptr'),
  coreRegister('lr', 14, 'int'),
  coreRegister('pc', 15, 'code_ptr'),
  {
    name: 'cpsr',
    bits: 32,
    feature: CORE,
    type: 'int',
    read: ({ state }) => [state.cpsr],
    write: (cpu, [value]) => cpu.setCpsr(value!),
  },
];

/** D or Q register `n`, of so many words, which lie in order in the register file. */
function vectorRegister(name: 'd' | 'q', n: number, size: 2 | 4): ArmRegister {
  const places = Array.from({ length: size }, (_, i) => CPU.vectors + 4 * (size * n + i));
  return {
    name: `${name}${n}`,
    bits: 32 * size,
    feature: VFP,
    type: `neon_${name}`,
    read: ({ state }) => places.map((place) => state.get(place)),
    write: ({ state }, words) => places.forEach((place, i) => state.set(place, words[i]!)),
  };
}

const vfp: readonly ArmRegister[] = [
  ...Array.from({ length: 32 }, (_, n) => vectorRegister('d', n, 2)),
  ...Array.from({ length: 16 }, (_, n) => vectorRegister('q', n, 4)),
  {
    name: 'fpscr',
    bits: 32,
    feature: VFP,
    type: 'int',
    group: 'float',
    read: ({ state }) => [state.fpscr],
    write: ({ state }, [value]) => {
      state.fpscr = value!;
    },
  },
];

function bankedRegister(mode: keyof typeof MODE, name: string, n: number): ArmRegister {
  return {
    name: `${name}_${mode}`,
    bits: 32,
    feature: BANKED,
    type: 'int',
    group: 'banked',
    read: ({ state }) => [state.banked(MODE[mode], n)],
    write: ({ state }, [value]) => state.setBanked(MODE[mode], n, value!),
  };
}

function savedStatus(mode: keyof typeof MODE): ArmRegister {
  return {
    name: `spsr_${mode}`,
    bits: 32,
    feature: BANKED,
    type: 'int',
    group: 'banked',
    read: ({ state }) => [state.spsrOf(MODE[mode])],
    write: ({ state }, [value]) => state.setSpsrOf(MODE[mode], value!),
  };
}

const HIGH = [8, 9, 10, 11, 12];
const banked: readonly ArmRegister[] = [
  ...(['usr', 'fiq'] as const).flatMap((mode) => HIGH.map((n) => bankedRegister(mode, `r${n}`, n))),
  ...(['usr', 'fiq', 'irq', 'svc', 'abt', 'und'] as const).flatMap((mode) => [
    bankedRegister(mode, 'sp', 13),
    bankedRegister(mode, 'lr', 14),
    ...(mode === 'usr' ? [] : [savedStatus(mode)]),
  ]),
];

function systemRegister(name: string, offset: number): ArmRegister {
  return {
    name,
    bits: 32,
    feature: SYSTEM_FEATURE,
    type: 'int',
    group: 'cp_regs',
    read: ({ state }) => [state.get(offset)],
  };
}

const SYSTEM_NAMES: readonly SystemRegisterName[] = [
  'SCTLR', 'ACTLR', 'CPACR', 'TTBR0', 'TTBR1', 'TTBCR', 'DACR', 'DFSR', 'IFSR', 'DFAR', 'IFAR', 'PAR', 'PRRR', 'NMRR',
  'VBAR', 'CONTEXTIDR', 'MPIDR',
]; // prettier-ignore

const system: readonly ArmRegister[] = [
  ...SYSTEM_NAMES.map((name) => systemRegister(name, SYSTEM[name])),
  systemRegister('TPIDRURW', CPU.tpidrurw),
  systemRegister('TPIDRURO', CPU.tpidruro),
  systemRegister('TPIDRPRW', CPU.tpidrprw),
  {
    ...systemRegister('fpexc', CPU.fpexc),
    write: (cpu, [value]) => cpu.setFpexc(value!),
  },
];

/** In the order of their numbers. */
export const ARM_REGISTERS: readonly ArmRegister[] = [...core, ...vfp, ...banked, ...system];
/** What a `g` packet has: core and floating-point registers. */
export const ARM_GENERAL_REGISTERS: number = core.length + vfp.length;

/** What a vector register can be taken for: elements of each size. */
function vectorType(name: 'd' | 'q', bytes: number): string {
  const elements = [
    ['u8', 'uint8', 1],
    ['u16', 'uint16', 2],
    ['u32', 'uint32', 4],
    ['u64', 'uint64', 8],
    ['f32', 'ieee_single', 4],
    ['f64', 'ieee_double', 8],
  ] as const;
  const id = (field: string): string => `neon_${name}_${field}`;
  const vectors = elements
    .filter(([, , size]) => size < bytes)
    .map(([field, type, size]) => `<vector id="${id(field)}" type="${type}" count="${bytes / size}"/>`);
  const fields = elements.map(
    ([field, type, size]) => `<field name="${field}" type="${size < bytes ? id(field) : type}"/>`,
  );
  return `${vectors.join('')}<union id="neon_${name}">${fields.join('')}</union>`;
}

/** The target description, a document of its own. */
export function armTargetDescription(): string {
  const features = [CORE, VFP, BANKED, SYSTEM_FEATURE].map((feature) => {
    const registers = ARM_REGISTERS.filter((register) => register.feature === feature).map(
      ({ name, bits, type, group }) =>
        `<reg name="${name}" bitsize="${bits}" type="${type}"${group === undefined ? '' : ` group="${group}"`}/>`,
    );
    const types = feature === VFP ? vectorType('d', 8) + vectorType('q', 16) : '';
    return `<feature name="${feature}">${types}${registers.join('')}</feature>`;
  });
  const head = '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd">';
  return `${head}<target version="1.0"><architecture>arm</architecture>${features.join('')}</target>`;
}
