// SPDX-License-Identifier: Apache-2.0
// The system registers that the processor keeps (B4.1), as words of CPU.system. The names are the manual's.

import { CPU } from '../state/layout.js';

const NAMES = [
  'SCTLR', 'ACTLR', 'CPACR', 'TTBR0', 'TTBR1', 'TTBCR', 'DACR', 'DFSR', 'IFSR', 'ADFSR', 'AIFSR', 'DFAR', 'IFAR', 'PAR',
  'PRRR', 'NMRR', 'AMAIR0', 'AMAIR1', 'VBAR', 'CONTEXTIDR', 'CSSELR', 'PMCR', 'PMCNTENSET', 'PMOVSR', 'PMSELR',
  'PMCCNTR', 'PMUSERENR', 'PMINTENSET', 'DBGDSCR', 'DBGVCR', 'DBGOSLSR', 'L2CTLR', 'L2ECTLR', 'FCSEIDR', 'MPIDR',
  'TEECR', 'CNTKCTL',
] as const; // prettier-ignore

export type SystemRegisterName = (typeof NAMES)[number];

/** Byte offset of a system register in the CPU block. */
export const SYSTEM: Readonly<Record<SystemRegisterName, number>> = Object.fromEntries(
  NAMES.map((name, i) => [name, CPU.system + 4 * i]),
) as Record<SystemRegisterName, number>;

/** SCTLR bits (B4.1.130). */
export const SCTLR = {
  M: 0x1,
  A: 0x2,
  C: 0x4,
  V: 0x2000,
  EE: 0x200_0000,
  TRE: 0x1000_0000,
  AFE: 0x2000_0000,
  TE: 0x4000_0000,
} as const;
