// SPDX-License-Identifier: Apache-2.0
// A32 instructions that raise exceptions (A8.8.24, A8.8.227, A8.8.247, B9.3.3, B9.3.14): SVC, HVC, SMC, BKPT, UDF.

import type { Builder } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { EXCEPTION } from '../../system/exception.js';
import { a32, type Row } from '../row.js';

const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;
const imm16 = (b: Builder, f: { imm12: Node; imm4: Node }): Node => b.or(b.shl(f.imm12, 4), f.imm4);
const imm16Number = (f: { imm12: number; imm4: number }): number => (f.imm12 << 4) | f.imm4;

/** A call to a higher privilege level, undefined in User mode. */
function call(b: Builder, kind: number, immediate: Node): void {
  b.if(b.eqz(b.privileged()), () => b.exception(EXCEPTION.undefined));
  b.exception(kind, immediate);
}

export const system: readonly Row[] = [
  a32('SVC', 'cond:4 1111 imm24:24', { kind: 'system', syntax: (f) => `svc{c} ${hex(f.imm24)}` }, (b, f) =>
    b.exception(EXCEPTION.supervisorCall, f.imm24),
  ),
  a32(
    'BKPT',
    'cond:4 00010010 imm12:12 0111 imm4:4',
    {
      kind: 'system',
      unpredictable: (f) => f.cond !== 14,
      syntax: (f) => `bkpt 0x${imm16Number(f).toString(16).padStart(4, '0')}`,
    },
    (b, f) => b.exception(EXCEPTION.breakpoint, imm16(b, f)),
  ),
  a32(
    'HVC',
    'cond:4 00010100 imm12:12 0111 imm4:4',
    {
      kind: 'system',
      unpredictable: (f) => f.cond !== 14,
      syntax: (f) => `hvc ${imm16Number(f)}`,
    },
    (b, f) => call(b, EXCEPTION.hypervisorCall, imm16(b, f)),
  ),
  a32(
    'SMC',
    'cond:4 00010110 (0)(0)(0)(0)(0)(0)(0)(0)(0)(0)(0)(0) 0111 imm4:4',
    { kind: 'system', syntax: (f) => `smc{c} ${f.imm4}` },
    (b, f) => call(b, EXCEPTION.secureMonitorCall, f.imm4),
  ),
  a32(
    'UDF',
    'cond:4 01111111 imm12:12 1111 imm4:4',
    { kind: 'system', syntax: (f) => `udf{c} #${imm16Number(f)}` },
    (b, f) => b.exception(EXCEPTION.undefined, imm16(b, f)),
  ),
];
