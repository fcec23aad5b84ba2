// SPDX-License-Identifier: Apache-2.0
// A32 access to the program status registers (A5.2.12, B9.3.2, B9.3.8 to B9.3.13): MRS, MSR, CPS, SETEND, SRS, RFE.
// The banked forms of the Virtualization Extensions are undefined in this profile.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { MODE } from '../../state/layout.js';
import { registerName } from '../operands.js';
import { a32, type Row } from '../row.js';
import { armExpandImm } from '../semantics/alu.js';
import {
  changeProcessorState,
  readCpsr,
  readSpsr,
  returnFromException,
  storeReturnState,
  writeCpsr,
  writeFlags,
  writeSpsr,
} from '../semantics/status.js';
import { iflags, maskedRegister } from '../status-syntax.js';
import { modifiedText } from './addressing.js';

const reads: readonly Row[] = [
  a32(
    'MRS (CPSR)',
    'cond:4 00010 0 00 (1)(1)(1)(1) Rd:4 (0)(0) 0 (0) 0000 (0)(0)(0)(0)',
    { unpredictable: (f) => f.Rd === 15, syntax: (f) => `mrs{c} ${registerName(f.Rd)}, CPSR` },
    (b, f) => b.setReg(f.Rd, readCpsr(b)),
  ),
  a32(
    'MRS (SPSR)',
    'cond:4 00010 1 00 (1)(1)(1)(1) Rd:4 (0)(0) 0 (0) 0000 (0)(0)(0)(0)',
    { unpredictable: (f) => f.Rd === 15, syntax: (f) => `mrs{c} ${registerName(f.Rd)}, SPSR` },
    (b, f) => b.setReg(f.Rd, readSpsr(b)),
  ),
];

interface Source {
  readonly name: 'immediate' | 'register';
  /** The pattern before R and between the two; the source operand's at the end. */
  readonly head: '00110' | '00010';
  readonly tail: 'imm12:12' | '(0)(0) 0 (0) 0000 Rn:4';
}

const SOURCES: readonly Source[] = [
  { name: 'immediate', head: '00110', tail: 'imm12:12' },
  { name: 'register', head: '00010', tail: '(0)(0) 0 (0) 0000 Rn:4' },
];

type AnyFields = Readonly<Record<string, Node>>;
type AnyNumbers = Readonly<Record<string, number>>;

/** MSR to CPSR is two rows: that of the flags alone is what user programs use, and changes nothing else. */
function msr(source: Source): Row[] {
  const { name, head, tail } = source;
  const value = (b: Builder, f: AnyFields): Node =>
    name === 'immediate' ? armExpandImm(b, f['imm12']!).value : b.reg(f['Rn']!);
  const unpredictable = (f: AnyNumbers): boolean => f['Rn'] === 15;
  const syntax =
    (register: 'CPSR' | 'SPSR') =>
    (f: AnyNumbers): string =>
      `msr{c} ${maskedRegister(register, f['mask']!)}, ` +
      (name === 'immediate' ? modifiedText(f['imm12']!) : registerName(f['Rn']!));
  const pattern = (r: '0' | '1'): string => `cond:4 ${head} ${r} 10 mask:4 (1)(1)(1)(1) ${tail}`;
  const ofFlags = (mask: number): boolean => mask !== 0 && (mask & 3) === 0;
  return [
    a32(
      `MSR (${name}, CPSR flags)`,
      pattern('0'),
      { where: (f: AnyNumbers) => ofFlags(f['mask']!), unpredictable, syntax: syntax('CPSR') },
      (b, f: AnyFields) => writeFlags(b, value(b, f), f['mask']!),
    ),
    a32(
      `MSR (${name}, CPSR)`,
      pattern('0'),
      {
        kind: 'system',
        where: (f: AnyNumbers) => (f['mask']! & 3) !== 0,
        unpredictable,
        syntax: syntax('CPSR'),
      },
      (b, f: AnyFields) => writeCpsr(b, value(b, f), f['mask']!),
    ),
    a32(
      `MSR (${name}, SPSR)`,
      pattern('1'),
      { unpredictable: (f: AnyNumbers) => f['mask'] === 0 || unpredictable(f), syntax: syntax('SPSR') },
      (b, f: AnyFields) => writeSpsr(b, value(b, f), f['mask']!),
    ),
  ];
}

const control: readonly Row[] = [
  a32(
    'CPS',
    '1111 00010000 imod:2 M:1 0 (0)(0)(0)(0)(0)(0)(0) A:1 I:1 F:1 0 mode:5',
    {
      kind: 'system',
      specialize: ['imod', 'M'],
      unpredictable: (f) => {
        const named = (f.A | f.I | f.F) === 1;
        return f.imod === 1 || (f.imod === 0 && f.M === 0) || f.imod >= 2 !== named || (f.M === 0 && f.mode !== 0);
      },
      syntax: (f) => {
        if (f.imod === 0) return `cps #${f.mode}`;
        return `cpsi${f.imod === 2 ? 'e' : 'd'} ${iflags(f)}${f.M === 1 ? `,#${f.mode}` : ''}`;
      },
    },
    (b, f) => changeProcessorState(b, f),
  ),
  a32(
    'SETEND',
    '1111 00010000 (0)(0)(0) 1 (0)(0)(0)(0)(0)(0) E:1 (0) 0000 (0)(0)(0)(0)',
    { kind: 'system', syntax: (f) => `setend ${f.E === 1 ? 'be' : 'le'}` },
    (b, f) => void b.callChecked('setEndianness', f.E),
  ),
];

const MODES = [
  { suffix: 'DA', PU: '00', before: false, up: false },
  { suffix: 'IA', PU: '01', before: false, up: true },
  { suffix: 'DB', PU: '10', before: true, up: false },
  { suffix: 'IB', PU: '11', before: true, up: true },
] as const;

const SRS_MODES: ReadonlySet<number> = new Set([MODE.usr, MODE.fiq, MODE.irq, MODE.svc, MODE.abt, MODE.und, MODE.sys]);

const returns: readonly Row[] = MODES.flatMap((mode) => {
  const suffix = mode.suffix === 'IA' ? '' : mode.suffix.toLowerCase();
  return [
    a32(
      `SRS${mode.suffix}`,
      `1111 100 ${mode.PU} 1 W:1 0 (1)(1)(0)(1) (0)(0)(0)(0) (0)(1)(0)(1) (0)(0)(0) mode:5`,
      {
        kind: 'system',
        specialize: ['W'],
        unpredictable: (f) => !SRS_MODES.has(f.mode),
        syntax: (f) => `srs${mode.suffix.toLowerCase()} sp${f.W === 1 ? '!' : ''}, #${f.mode}`,
      },
      (b, f) => storeReturnState(b, f.mode, mode, b.known(f.W) === 1),
    ),
    a32(
      `RFE${mode.suffix}`,
      `1111 100 ${mode.PU} 0 W:1 1 Rn:4 (0)(0)(0)(0) (1)(0)(1)(0) (0)(0)(0)(0) (0)(0)(0)(0)`,
      {
        kind: 'system',
        specialize: ['W'],
        unpredictable: (f) => f.Rn === 15,
        syntax: (f) => `rfe${suffix === '' ? 'ia' : suffix} ${registerName(f.Rn)}${f.W === 1 ? '!' : ''}`,
      },
      (b, f) => returnFromException(b, f.Rn, mode, b.known(f.W) === 1),
    ),
  ];
});

export const status: readonly Row[] = [...reads, ...SOURCES.flatMap(msr), ...control, ...returns];
