// SPDX-License-Identifier: Apache-2.0
// Floating point and Advanced SIMD on a whole CPU, by results that can be worked out from the manual: access control,
// transfers, alignment, saturation, exceptions recorded in FPSCR. tests/fuzz compares all rows with QEMU. Words are as
// GNU as assembles the text beside them.

import { CPU, SYSTEM } from '@plinth/arm';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Machine } from '../machine.js';

const FPEXC_EN = 0x4000_0000;
const VECTORS = { undefined: 0x04, dataAbort: 0x10 } as const;
/** FPSCR's cumulative bits. */
const [IOC, DZC, IXC, IDC, QC] = [0x1, 0x2, 0x10, 0x80, 0x800_0000];

describe.each(['interpreter', 'translator-forced'] as const)('floating point and vectors (%s)', (engine) => {
  let machine: Machine;
  let ram: number;
  let code: number;
  let data: number;

  beforeAll(() => {
    machine = new Machine({ ramSize: 0x10_0000, engine });
    ram = machine.memory.ramBase;
    code = ram + 0x1000;
    data = ram + 0x8000;
  });
  beforeEach(() => {
    const { state } = machine.cpu;
    machine.cpu.reset(code, false);
    for (let at = 0; at < 256; at += 4) state.set(CPU.vectors + at, 0);
    state.set(CPU.fpscr, 0);
    machine.cpu.state.set(SYSTEM.VBAR, ram);
    enable(0x00f0_0000, FPEXC_EN);
  });

  function enable(cpacr: number, fpexc: number): void {
    const { cpu } = machine;
    cpu.state.set(SYSTEM.CPACR, cpacr);
    cpu.state.set(CPU.fpexc, fpexc);
    cpu.system.updateFloatingPointAccess();
  }
  const reg = (n: number): number => machine.cpu.state.reg(n) >>> 0;
  const setReg = (n: number, value: number): void => machine.cpu.state.setReg(n, value);
  const fpscr = (): number => machine.cpu.state.get(CPU.fpscr) >>> 0;
  const single = (n: number): number => machine.cpu.state.get(CPU.vectors + 4 * n) >>> 0;
  const double = (n: number): string => {
    const half = (at: number): string => single(at).toString(16).padStart(8, '0');
    return half(2 * n + 1) + half(2 * n);
  };
  const setDouble = (n: number, text: string): void => {
    machine.cpu.state.set(CPU.vectors + 8 * n, Number.parseInt(text.slice(8), 16) | 0);
    machine.cpu.state.set(CPU.vectors + 8 * n + 4, Number.parseInt(text.slice(0, 8), 16) | 0);
  };
  const poke = (address: number, ...words: number[]): void => {
    machine.memory.writeBytes(address, new Uint8Array(Uint32Array.from(words).buffer));
  };
  function run(...words: number[]): void {
    poke(code, ...words);
    machine.run({ until: machine.count + words.length });
  }

  it('are undefined until FPEXC.EN is set, which a privileged program can always do', () => {
    enable(0x00f0_0000, 0);
    setReg(0, FPEXC_EN);
    setReg(1, 7);
    run(0xeee80a10, 0xec411b10, 0xeef70a10); // vmsr fpexc, r0; vmov d0, r1, r1; vmrs r0, mvfr0
    expect(double(0)).toBe('0000000700000007');
    expect(reg(0)).toBe(0x10110222);
    enable(0x00f0_0000, 0);
    machine.cpu.state.setReg(15, code);
    run(0xec411b10);
    expect(reg(15)).toBe(ram + VECTORS.undefined);
  });

  it('are undefined where CPACR does not allow them', () => {
    enable(0, FPEXC_EN);
    run(0xeee80a10); // vmsr fpexc, r0
    expect(reg(15)).toBe(ram + VECTORS.undefined);
  });

  it('push and pop doublewords', () => {
    setReg(13, data + 16);
    setDouble(8, '0123456789abcdef');
    setDouble(9, 'fedcba9876543210');
    run(0xed2d8b04, 0xecbdab04); // vpush {d8-d9}; vpop {d10-d11}
    expect([double(10), double(11), reg(13)]).toEqual(['0123456789abcdef', 'fedcba9876543210', data + 16]);
    expect(machine.memory.read(data, 4)! >>> 0).toBe(0x89abcdef);
  });

  it('record exceptions once and give the same sum when one is recorded', () => {
    setDouble(0, '33800000' + '3f800000'); // s0 = 1, s1 = 2^-24: half of the last place, rounded to even
    run(0xee301a20); // vadd.f32 s2, s0, s1
    expect([single(2), fpscr()]).toEqual([0x3f800000, IXC]);
    machine.cpu.state.setReg(15, code);
    setDouble(0, '33800001' + '3f800000');
    run(0xee301a20);
    expect([single(2), fpscr()]).toEqual([0x3f800001, IXC]);
  });

  it('divide by zero and compare with NaNs as FPSCR tells', () => {
    setDouble(0, 'bff0000000000000');
    setDouble(1, '0000000000000000');
    run(0xee802b01); // vdiv.f64 d2, d0, d1
    expect([double(2), fpscr()]).toEqual(['fff0000000000000', DZC]);
    setDouble(0, '7fc00000' + '3f800000');
    machine.cpu.state.setReg(15, code);
    run(0xeeb40a60, 0xeef1fa10); // vcmp.f32 s0, s1; vmrs APSR_nzcv, fpscr
    expect(machine.cpu.state.cpsr >>> 28).toBe(0b0011);
    expect(fpscr()).toBe(DZC);
  });

  it('convert with saturation', () => {
    setDouble(0, '00000000' + '4f000000'); // 2^31
    run(0xeebd1ac0); // vcvt.s32.f32 s2, s0
    expect([single(2), fpscr()]).toEqual([0x7fffffff, IOC]);
  });

  it('saturate lanes and say so in QC', () => {
    setDouble(0, '7f01ff8000000001');
    setDouble(1, '0101ffff00000001');
    run(0xf2002011); // vqadd.s8 d2, d0, d1
    expect([double(2), fpscr()]).toEqual(['7f02fe8000000002', QC]);
  });

  it('shift each lane by its own amount', () => {
    setDouble(0, '8000000100020003');
    setDouble(1, 'ffff000400f00010'); // -1, 4, -16, 16
    run(0xf2112400); // vshl.s16 d2, d0, d1
    expect(double(2)).toBe('c000001000000000');
  });

  it('flush vector denormals to zero', () => {
    setDouble(0, '00000001' + '00400000');
    setDouble(2, '00000000' + '3f800000');
    run(0xf2000d42); // vadd.f32 q0, q0, q1
    expect([double(0), fpscr()]).toEqual(['000000003f800000', IDC]);
  });

  it('look bytes up in a table', () => {
    setDouble(0, '0706050403020100');
    setDouble(1, '0f0e0d0c0b0a0908');
    setDouble(2, '10ff0f0800070103');
    run(0xf3b04902); // vtbl.8 d4, {d0-d1}, d2
    expect(double(4)).toBe('00000f0800070103');
  });

  it.each([0, 1, 2, 3])('load bytes from an address %i past a word, and write the base back', (offset) => {
    const bytes = Uint8Array.from({ length: 24 }, (_, i) => i + 1);
    machine.memory.writeBytes(data, bytes);
    setReg(1, data + offset);
    run(0xf4210a0d); // vld1.8 {d0-d1}, [r1]!
    const expected = new DataView(bytes.buffer)
      .getBigUint64(offset + 8, true)
      .toString(16)
      .padStart(16, '0');
    expect([double(1), reg(1)]).toEqual([expected, data + offset + 16]);
  });

  it('take structures apart and put lanes back', () => {
    machine.memory.writeBytes(
      data,
      Uint8Array.from({ length: 24 }, (_, i) => i),
    );
    setReg(1, data);
    run(0xf421040f); // vld3.8 {d0-d2}, [r1]
    expect([double(0), double(1), double(2)]).toEqual(['15120f0c09060300', '1613100d0a070401', '1714110e0b080502']);
    setDouble(3, '7777666655554444');
    machine.cpu.state.setReg(15, code);
    run(0xf481074f); // vst4.16 {d0[1], d1[1], d2[1], d3[1]}, [r1]
    expect([0, 4].map((at) => machine.memory.read(data + at, 4)! >>> 0)).toEqual([0x0a070906, 0x55550b08]);
  });

  it('fault on an address less aligned than promised, and change nothing', () => {
    setReg(1, data + 8);
    setDouble(0, '1122334455667788');
    run(0xf4210aef); // vld1.64 {d0-d1}, [r1 :128]
    expect(reg(15)).toBe(ram + VECTORS.dataAbort);
    expect(machine.cpu.state.get(SYSTEM.DFAR) >>> 0).toBe(data + 8);
    expect(machine.cpu.state.get(SYSTEM.DFSR) & 0x40f).toBe(1);
    expect(double(0)).toBe('1122334455667788');
  });
});
