// SPDX-License-Identifier: Apache-2.0
// The registers that identify the processor, and the answers of its firmware, read by the same bare-metal program in QEMU and in Plinth. What differs is
// listed with the reason.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { missingQemu, qemu } from './guest.js';

const PLINTH = join(import.meta.dirname, '../../packages/cli/bin/plinth.js');
const directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** MRC p15, opc1, r0, CRn, CRm, opc2; and VMRS r0. */
const mrc = (opc1: number, crn: number, crm: number, opc2: number): number =>
  0xee100f10 | (opc1 << 21) | (crn << 16) | (opc2 << 5) | crm;
const vmrs = (register: number): number => 0xeef00a10 | (register << 16);

/** MOVW and MOVT of a register, with the value. */
const move = (register: number, value: number): number[] =>
  [0xe3000000, 0xe3400000].map((opcode, half) => {
    const part = (value >>> (16 * half)) & 0xffff;
    return opcode | ((part >> 12) << 16) | (register << 12) | (part & 0xfff);
  });
/** A call of the firmware (PSCI, SMCCC) with its first argument; the answer is in r0. */
const call = (id: number, argument: number = 0): [string, number[]] => [
  `call ${(id >>> 0).toString(16)} (${(argument >>> 0).toString(16)})`,
  [...move(0, id), ...move(1, argument), ...move(2, 0), 0xe1400070], // hvc #0
];

const block = (prefix: string, crm: number, names: readonly string[]): [string, number[]][] =>
  names.map((name, opc2) => [`${prefix}${name}`, [mrc(0, 0, crm, opc2)]]);
/** Name, and the instructions that bring the register to r0. */
const REGISTERS: readonly (readonly [string, readonly number[]])[] = [
  ...block('', 0, ['MIDR', 'CTR', 'TCMTR', 'TLBTR', 'MIDR (4)', 'MPIDR', 'REVIDR', 'MIDR (7)']),
  ...block('ID_', 1, ['PFR0', 'PFR1', 'DFR0', 'AFR0', 'MMFR0', 'MMFR1', 'MMFR2', 'MMFR3']),
  ...block('ID_', 2, ['ISAR0', 'ISAR1', 'ISAR2', 'ISAR3', 'ISAR4', 'ISAR5', '(2, 6)', '(2, 7)']),
  ...[3, 4, 5, 6, 7].flatMap((crm) => block(`ID_ (${crm}, `, crm, ['0)', '1)', '2)', '3)', '4)', '5)', '6)', '7)'])),
  ['CLIDR', [mrc(1, 0, 0, 1)]],
  // MCR p15, 2, r0, c0, c0, 0 selects the cache.
  ...[0, 1, 2, 3].map((n) => [`CCSIDR ${n}`, [0xe3a00000 | n, 0xee400f10, mrc(1, 0, 0, 0)]] as const),
  ['SCTLR', [mrc(0, 1, 0, 0)]],
  ['ACTLR', [mrc(0, 1, 0, 1)]],
  ['CPACR', [mrc(0, 1, 0, 2)]],
  ['TTBCR', [mrc(0, 2, 0, 2)]],
  ['VBAR', [mrc(0, 12, 0, 0)]],
  ['CNTFRQ', [mrc(0, 14, 0, 0)]],
  ['CNTKCTL', [mrc(0, 14, 1, 0)]],
  // Access to coprocessors 10 and 11 (CPACR), then FPEXC.EN.
  ['FPSID', [0xe3a0060f, 0xee010f50, 0xe3a00101, 0xeee80a10, vmrs(0)]],
  ['MVFR0', [vmrs(7)]],
  ['MVFR1', [vmrs(6)]],
  ...[0, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf, 0x10, 0x11, 0x12, 0x13, 0x14].map((n) => call(0x8400_0000 | n)),
  ...Array.from({ length: 0x15 }, (_, n) => call(0x8400_000a, 0x8400_0000 | n)), // PSCI_FEATURES
  ...[0x8000_0000, 0x8000_0001, 0xc400_0003].map((id) => call(0x8400_000a, id)),
  ...[0, 1, 7].map((cpu) => call(0x8400_0004, cpu)), // AFFINITY_INFO
  ...[0, 1].map((cpu) => call(0x8400_0003, cpu)), // CPU_ON
  call(0x8000_0000), // SMCCC_VERSION
  call(0x8000_0001, 0x8000_8000), // SMCCC_ARCH_FEATURES
  call(0x8400_0050),
];

/** Our values that are not QEMU's, and why. */
const DIFFERENT: Readonly<Record<string, number>> = {
  // QEMU repeats MIDR (0x414fc0f0), as where there is no REVIDR; a Cortex-A15 has one, which is zero.
  REVIDR: 0,
  // No ThumbEE (QEMU: 0x1131).
  ID_PFR0: 0x131,
  // No debug, no performance counters (0x02010505).
  ID_DFR0: 0,
  // No LPAE (0x10201105): VMSAv7 with remapping and access flag only.
  ID_MMFR0: 0x10201103,
  // 1 MiB is 1024 sets of 16 ways and 64 bytes; QEMU's 0x711fe07a has a number of sets that is no power of two.
  'CCSIDR 2': 0x707fe07a,
};

function program(): Uint8Array {
  const words = [0xe3a04409, 0xe3a00c03, 0xe3800001, 0xe5840030]; // UARTCR of the PL011 at 0x09000000: on, transmit
  for (const [, read] of REGISTERS) {
    words.push(...read, 0xe5c40000); // strb r0, [r4]
    for (let byte = 1; byte < 4; byte++) words.push(0xe1a00420, 0xe5c40000); // lsr r0, #8; strb
  }
  words.push(0xe3000008, 0xe3480400, 0xe1400070, 0xeafffffe); // PSCI SYSTEM_OFF
  const bytes = new Uint8Array(16384);
  words.forEach((word, i) => new DataView(bytes.buffer).setUint32(i * 4, word, true));
  return bytes;
}

it('the processor and its firmware are those that QEMU shows, less what we have not', async ({ skip }) => {
  const missing = missingQemu();
  skip(missing !== undefined, missing);
  const kernel = join(directory, 'registers');
  writeFileSync(kernel, program());
  const ours = spawnSync(process.execPath, [PLINTH, 'run', '--kernel', kernel], { input: '' }).stdout;
  const theirs = Buffer.from(await qemu('-M', 'virt', '-cpu', 'cortex-a15', '-kernel', kernel), 'latin1');
  const values = (bytes: Buffer): Record<string, string> => {
    expect(bytes.length).toBe(REGISTERS.length * 4);
    return Object.fromEntries(REGISTERS.map(([name], i) => [name, bytes.readUInt32LE(i * 4).toString(16)]));
  };
  const expected = values(theirs);
  for (const [name, own] of Object.entries(DIFFERENT)) expected[name] = own.toString(16);
  expect(values(ours)).toEqual(expected);
});
