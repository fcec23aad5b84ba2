// SPDX-License-Identifier: Apache-2.0
// T32 hints, barriers, exceptions and access to the status registers, of both sizes (A6.2.5, A6.2.6, A6.3.4, B9.3).
// The banked forms of MRS and MSR and the ThumbEE instructions are undefined in this profile.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { EXCEPTION } from '../../system/exception.js';
import { any15 } from '../operands.js';
import { t16, t32, type Row } from '../row.js';
import { clearExclusive } from '../semantics/exclusive.js';
import { requireBankedMode } from '../semantics/multiple.js';
import { changeProcessorState, readCpsr, readSpsr, writeCpsr, writeFlags, writeSpsr } from '../semantics/status.js';
import { BARRIERS, barrierOption, iflags, maskedRegister } from '../status-syntax.js';

const nothing = (): void => {};

// ---- hints and barriers -------------------------------------------------------------------------------------------

const WAITING = [
  { name: 'WFE', narrow: '0010', helper: 'waitForEvent' },
  { name: 'WFI', narrow: '0011', helper: 'waitForInterrupt' },
  { name: 'SEV', narrow: '0100', helper: 'sendEvent' },
] as const;

const hints: readonly Row[] = [
  t16('NOP', '1011111100000000', { syntax: 'nop{c}' }, nothing),
  t16('YIELD', '1011111100010000', { syntax: 'yield{c}' }, nothing),
  t16('NOP (unallocated hint)', '10111111 hint:4 0000', { syntax: (f) => `nop{c} {${f.hint}}` }, nothing),
  t32('NOP', '111100111010 (1)(1)(1)(1) 10 (0) 0 (0) 000 00000000', { syntax: 'nop{c}.w' }, nothing),
  t32('YIELD', '111100111010 (1)(1)(1)(1) 10 (0) 0 (0) 000 00000001', { syntax: 'yield{c}.w' }, nothing),
  t32(
    'DBG',
    '111100111010 (1)(1)(1)(1) 10 (0) 0 (0) 000 1111 option:4',
    { syntax: (f) => `dbg{c} #${f.option}` },
    nothing,
  ),
  t32(
    'NOP (unallocated hint)',
    '111100111010 (1)(1)(1)(1) 10 (0) 0 (0) 000 hint:8',
    { syntax: (f) => `nop{c}.w {${f.hint}}` },
    nothing,
  ),
  ...WAITING.flatMap(({ name, narrow, helper }) => {
    const mnemonic = name.toLowerCase();
    return [
      t16(name, `10111111${narrow}0000`, { kind: 'system', syntax: `${mnemonic}{c}` }, (b) => {
        b.callChecked(helper);
      }),
      t32(
        name,
        `111100111010 (1)(1)(1)(1) 10 (0) 0 (0) 000 0000${narrow}`,
        { kind: 'system', syntax: `${mnemonic}{c}.w` },
        (b) => {
          b.callChecked(helper);
        },
      ),
    ];
  }),
  t32(
    'CLREX',
    '111100111011 (1)(1)(1)(1) 10 (0) 0 (1)(1)(1)(1) 0010 (1)(1)(1)(1)',
    { syntax: 'clrex{c}' },
    clearExclusive,
  ),
  ...BARRIERS.map(({ name, op }) =>
    t32(
      name,
      `111100111011 (1)(1)(1)(1) 10 (0) 0 (1)(1)(1)(1) ${op} option:4`,
      { syntax: (f) => `${name.toLowerCase()}{c} ${barrierOption(name, f.option)}` },
      nothing,
    ),
  ),
];

// ---- exceptions ---------------------------------------------------------------------------------------------------

/** A call to a higher privilege level, undefined in User mode. */
function call(b: Builder, kind: number, immediate: Node): void {
  b.if(b.eqz(b.privileged()), () => b.exception(EXCEPTION.undefined));
  b.exception(kind, immediate);
}

const exceptions: readonly Row[] = [
  t16('SVC', '11011111 imm8:8', { kind: 'system', syntax: (f) => `svc{c} ${f.imm8}` }, (b, f) =>
    b.exception(EXCEPTION.supervisorCall, f.imm8),
  ),
  t16('UDF', '11011110 imm8:8', { kind: 'system', syntax: (f) => `udf{c} #${f.imm8}` }, (b, f) =>
    b.exception(EXCEPTION.undefined, f.imm8),
  ),
  t16(
    'BKPT',
    '10111110 imm8:8',
    { kind: 'system', syntax: (f) => `bkpt 0x${f.imm8.toString(16).padStart(4, '0')}` },
    (b, f) => b.exception(EXCEPTION.breakpoint, f.imm8),
  ),
  t32(
    'HVC',
    '111101111110 imm4:4 1000 imm12:12',
    { kind: 'system', it: 'never', syntax: (f) => `hvc #${(f.imm4 << 12) | f.imm12}` },
    (b, f) => call(b, EXCEPTION.hypervisorCall, b.or(b.shl(f.imm4, 12), f.imm12)),
  ),
  t32(
    'SMC',
    '111101111111 imm4:4 1000 (0)(0)(0)(0)(0)(0)(0)(0)(0)(0)(0)(0)',
    { kind: 'system', it: 'last', syntax: (f) => `smc{c} #${f.imm4}` },
    (b, f) => call(b, EXCEPTION.secureMonitorCall, f.imm4),
  ),
  t32(
    'UDF',
    '111101111111 imm4:4 1010 imm12:12',
    { kind: 'system', syntax: (f) => `udf{c}.w #${(f.imm4 << 12) | f.imm12}` },
    (b, f) => b.exception(EXCEPTION.undefined, b.or(b.shl(f.imm4, 12), f.imm12)),
  ),
  // With an immediate of 0 this is ERET.
  t32(
    'SUBS PC, LR',
    '111100111101 (1)(1)(1)(0) 10 (0) 0 (1)(1)(1)(1) imm8:8',
    { kind: 'system', it: 'last', syntax: (f) => `subs{c} pc, lr, #${f.imm8}` },
    (b, f) => {
      requireBankedMode(b);
      b.callChecked('exceptionReturn', b.sub(b.reg(14), f.imm8));
    },
  ),
];

// ---- status registers ---------------------------------------------------------------------------------------------

const MSR_TAIL = '(0)(0) 0 (0)(0)(0)(0)(0)';
const msrCpsr = `111100111000 Rn:4 10 (0) 0 mask:4 ${MSR_TAIL}` as const;

const status: readonly Row[] = [
  t32(
    'MRS (CPSR)',
    '111100111110 (1)(1)(1)(1) 10 (0) 0 Rd:4 (0)(0) 0 (0)(0)(0)(0)(0)',
    { unpredictable: any15('Rd'), syntax: 'mrs{c} {Rd}, CPSR' },
    (b, f) => b.setReg(f.Rd, readCpsr(b)),
  ),
  t32(
    'MRS (SPSR)',
    '111100111111 (1)(1)(1)(1) 10 (0) 0 Rd:4 (0)(0) 0 (0)(0)(0)(0)(0)',
    { unpredictable: any15('Rd'), syntax: 'mrs{c} {Rd}, SPSR' },
    (b, f) => b.setReg(f.Rd, readSpsr(b)),
  ),
  // The flags alone are what user programs write; nothing else changes then.
  t32(
    'MSR (register, CPSR flags)',
    msrCpsr,
    {
      where: (f) => f.mask !== 0 && (f.mask & 3) === 0,
      unpredictable: any15('Rn'),
      syntax: (f) => `msr{c} ${maskedRegister('CPSR', f.mask)}, {Rn}`,
    },
    (b, f) => writeFlags(b, b.reg(f.Rn), f.mask),
  ),
  t32(
    'MSR (register, CPSR)',
    msrCpsr,
    {
      kind: 'system',
      where: (f) => (f.mask & 3) !== 0,
      unpredictable: any15('Rn'),
      syntax: (f) => `msr{c} ${maskedRegister('CPSR', f.mask)}, {Rn}`,
    },
    (b, f) => writeCpsr(b, b.reg(f.Rn), f.mask),
  ),
  t32(
    'MSR (register, SPSR)',
    `111100111001 Rn:4 10 (0) 0 mask:4 ${MSR_TAIL}`,
    {
      unpredictable: (f) => f.Rn === 15 || f.mask === 0,
      syntax: (f) => `msr{c} ${maskedRegister('SPSR', f.mask)}, {Rn}`,
    },
    (b, f) => writeSpsr(b, b.reg(f.Rn), f.mask),
  ),
  t16(
    'CPS',
    '10110110011 im:1 (0) A:1 I:1 F:1',
    {
      kind: 'system',
      it: 'never',
      specialize: ['im'],
      unpredictable: (f) => (f.A | f.I | f.F) === 0,
      syntax: (f) => `cpsi${f.im ? 'd' : 'e'} ${iflags(f)}`,
    },
    (b, f) => changeProcessorState(b, { ...f, imod: b.or(f.im, 2), M: b.const(0), mode: b.const(0) }),
  ),
  t32(
    'CPS',
    '111100111010 (1)(1)(1)(1) 10 (0) 0 (0) imod:2 M:1 A:1 I:1 F:1 mode:5',
    {
      kind: 'system',
      it: 'never',
      specialize: ['imod', 'M'],
      where: (f) => f.imod !== 0 || f.M !== 0,
      unpredictable: (f) => f.imod === 1 || f.imod >= 2 !== ((f.A | f.I | f.F) === 1) || (f.M === 0 && f.mode !== 0),
      syntax: (f) => {
        if (f.imod === 0) return `cps #${f.mode}`;
        const mnemonic = `cpsi${f.imod === 2 ? 'e' : 'd'}`;
        return f.M === 1 ? `${mnemonic} ${iflags(f)}, #${f.mode}` : `${mnemonic}.w ${iflags(f)}`;
      },
    },
    changeProcessorState,
  ),
  t16(
    'SETEND',
    '10110110010 (1) E:1 (0)(0)(0)',
    { kind: 'system', it: 'never', syntax: (f) => `setend ${f.E ? 'be' : 'le'}` },
    (b, f) => {
      b.callChecked('setEndianness', f.E);
    },
  ),
];

export const misc32: readonly Row[] = [...hints, ...exceptions, ...status];
