// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatchedLine } from './device.js';
import { Gic } from './gic.js';

const CTLR = 0x000;
const ISENABLER = 0x100;
const ICENABLER = 0x180;
const ISPENDR = 0x200;
const ICPENDR = 0x280;
const ISACTIVER = 0x300;
const ICACTIVER = 0x380;
const IPRIORITYR = 0x400;
const ITARGETSR = 0x800;
const ICFGR = 0xc00;
const SGIR = 0xf00;
const PMR = 0x04;
const BPR = 0x08;
const IAR = 0x0c;
const EOIR = 0x10;
const RPR = 0x14;
const HPPIR = 0x18;
const AIAR = 0x20;
const AEOIR = 0x24;
const DIR = 0x1000;

function gic(cpus = 1) {
  let current = 0;
  const irq = Array.from({ length: cpus }, () => new LatchedLine());
  const fiq = Array.from({ length: cpus }, () => new LatchedLine());
  const unknown: string[] = [];
  const controller = new Gic({
    cpus,
    spis: 64,
    currentCpu: () => current,
    irq,
    fiq,
    onUnknown: (window, offset) => unknown.push(`${window} ${offset.toString(16)}`),
  });
  const { distributor: d, cpuInterface: c } = controller;
  const on = <T>(cpu: number, action: () => T): T => {
    current = cpu;
    const result = action();
    current = 0;
    return result;
  };
  d.write(CTLR, 4, 3);
  for (let cpu = 0; cpu < cpus; cpu++) {
    on(cpu, () => {
      c.write(0, 4, 3);
      c.write(PMR, 4, 0xff);
    });
  }
  return { controller, d, c, irq, fiq, on, unknown };
}

/** Enables an INTID at a priority, targeted at CPU 0. */
function enable(d: Gic['distributor'], intid: number, priority = 0x80, targets = 1): void {
  d.write(IPRIORITYR + intid, 1, priority);
  if (intid >= 32) d.write(ITARGETSR + intid, 1, targets);
  d.write(ISENABLER + (intid >>> 5) * 4, 4, 1 << (intid & 31));
}

describe('GICv2', () => {
  it('identifies itself as QEMU does', () => {
    const { d, c } = gic();
    expect(d.read(0x004, 4)).toBe(2);
    expect([d.read(0x008, 4), c.read(0xfc, 4)]).toEqual([0x43b, 0x2043b]);
    expect([0xfd0, 0xfe0, 0xfe4, 0xfe8, 0xff0].map((at) => d.read(at, 4))).toEqual([4, 0x90, 0xb4, 0x2b, 0x0d]);
    expect(d.read(ISENABLER, 4)).toBe(0xffff);
    expect(d.read(ICFGR, 4)).toBe(0xaaaa_aaaa);
  });

  it('signals a level-sensitive SPI while it is high, until it is acknowledged', () => {
    const { controller, d, c, irq } = gic();
    const line = controller.spi(1);
    enable(d, 33);
    expect(irq[0]!.level).toBe(false);
    line.set(true);
    expect(irq[0]!.level).toBe(true);
    expect(c.peek(IAR, 4)).toBe(33);
    expect(c.read(IAR, 4)).toBe(33);
    expect(irq[0]!.level).toBe(false);
    expect(c.read(IAR, 4)).toBe(1023);
    expect(d.read(ISACTIVER + 4, 4)).toBe(2);
    expect(d.read(ISPENDR + 4, 4)).toBe(2);
    c.write(EOIR, 4, 33);
    expect(irq[0]!.level).toBe(true);
    line.set(false);
    expect(irq[0]!.level).toBe(false);
    expect(c.read(IAR, 4)).toBe(1023);
  });

  it('latches an edge, and only a rising one', () => {
    const { controller, d, c, irq } = gic();
    const line = controller.spi(0);
    d.write(ICFGR + 8, 4, 2);
    enable(d, 32);
    line.set(true);
    line.set(false);
    expect(irq[0]!.level).toBe(true);
    expect(c.read(IAR, 4)).toBe(32);
    line.set(true);
    line.set(true);
    c.write(EOIR, 4, 32);
    expect(c.read(IAR, 4)).toBe(32);
    c.write(EOIR, 4, 32);
    expect(c.read(IAR, 4)).toBe(1023);
  });

  it('is silent while distributor, CPU interface, enable bit or mask say so', () => {
    const { controller, d, c, irq } = gic();
    controller.ppi(0, 11).set(true);
    expect(irq[0]!.level).toBe(false);
    enable(d, 27, 0x80);
    expect(irq[0]!.level).toBe(true);
    c.write(PMR, 4, 0x80);
    expect([irq[0]!.level, c.read(IAR, 4), c.read(HPPIR, 4)]).toEqual([false, 1023, 27]);
    c.write(PMR, 4, 0x81);
    expect(irq[0]!.level).toBe(true);
    c.write(0, 4, 2);
    expect(irq[0]!.level).toBe(false);
    c.write(0, 4, 1);
    d.write(CTLR, 4, 0);
    expect([irq[0]!.level, c.read(HPPIR, 4)]).toEqual([false, 1023]);
    d.write(CTLR, 4, 1);
    expect(irq[0]!.level).toBe(true);
    d.write(ICENABLER, 4, 1 << 27);
    expect(irq[0]!.level).toBe(false);
  });

  it('preempts by group priority only', () => {
    const { d, c, irq } = gic();
    for (const [intid, priority] of [
      [40, 0x90],
      [41, 0x84],
      [42, 0x40],
    ] as const) {
      enable(d, intid, priority);
    }
    c.write(BPR, 4, 4); // Group priority is bits 7:5.
    d.write(ISPENDR + 4, 4, 1 << 8);
    expect(c.read(IAR, 4)).toBe(40);
    expect(c.read(RPR, 4)).toBe(0x80);
    d.write(ISPENDR + 4, 4, 1 << 9);
    expect(irq[0]!.level).toBe(false);
    d.write(ISPENDR + 4, 4, 1 << 10);
    expect(irq[0]!.level).toBe(true);
    expect(c.read(IAR, 4)).toBe(42);
    expect(c.read(RPR, 4)).toBe(0x40);
    c.write(EOIR, 4, 42);
    expect(c.read(RPR, 4)).toBe(0x80);
    expect(irq[0]!.level).toBe(false);
    c.write(EOIR, 4, 40);
    expect(c.read(RPR, 4)).toBe(0xff);
    expect(c.read(IAR, 4)).toBe(41);
  });

  it('chooses the lowest INTID among equals', () => {
    const { d, c } = gic();
    enable(d, 50);
    enable(d, 45);
    d.write(ISPENDR + 4, 4, (1 << 18) | (1 << 13));
    expect(c.read(IAR, 4)).toBe(45);
  });

  it('splits priority drop and deactivation with EOImode', () => {
    const { d, c, irq } = gic();
    enable(d, 40);
    c.write(0, 4, 0x201);
    d.write(ISPENDR + 4, 4, 1 << 8);
    expect(c.read(IAR, 4)).toBe(40);
    c.write(EOIR, 4, 40);
    expect(c.read(RPR, 4)).toBe(0xff);
    d.write(ISPENDR + 4, 4, 1 << 8);
    expect(irq[0]!.level).toBe(false);
    c.write(DIR, 4, 40);
    expect(irq[0]!.level).toBe(true);
    expect(d.read(ICACTIVER + 4, 4)).toBe(0);
  });

  it('carries Group 1 by IRQ and, with FIQEn, Group 0 by FIQ', () => {
    const { d, c, irq, fiq } = gic();
    enable(d, 40);
    enable(d, 41);
    d.write(0x084, 4, 1 << 9);
    c.write(0, 4, 0xb);
    d.write(ISPENDR + 4, 4, 1 << 8);
    expect([irq[0]!.level, fiq[0]!.level]).toEqual([false, true]);
    expect(c.read(AIAR, 4)).toBe(1023);
    expect(c.read(IAR, 4)).toBe(40);
    c.write(EOIR, 4, 40);
    d.write(ISPENDR + 4, 4, 1 << 9);
    expect([irq[0]!.level, fiq[0]!.level]).toEqual([true, false]);
    expect(c.read(IAR, 4)).toBe(1022);
    expect(c.read(AIAR, 4)).toBe(41);
    expect(c.read(0xe8, 4)).toBe(1); // NSAPR2: priority 0x80 is level 64.
    c.write(AEOIR, 4, 41);
    expect(c.read(0xe8, 4)).toBe(0);
  });

  it('sends SGIs by list, to others and to itself, and names the sender', () => {
    const { d, c, irq, on } = gic(3);
    d.write(SGIR, 4, (0b110 << 16) | 5);
    expect(irq.map((line) => line.level)).toEqual([false, true, true]);
    on(1, () => d.write(SGIR, 4, (1 << 24) | 5));
    expect(irq.map((line) => line.level)).toEqual([true, true, true]);
    expect(on(2, () => d.read(0xf20 + 5, 1))).toBe(0b011);
    expect(on(2, () => c.read(IAR, 4))).toBe(5);
    on(2, () => c.write(EOIR, 4, 5));
    expect(on(2, () => c.read(IAR, 4))).toBe((1 << 10) | 5);
    on(2, () => c.write(EOIR, 4, (1 << 10) | 5));
    expect(on(2, () => c.read(IAR, 4))).toBe(1023);
    on(2, () => d.write(SGIR, 4, (2 << 24) | 7));
    expect(on(2, () => d.read(ISPENDR, 4))).toBe(1 << 7);
    on(2, () => d.write(ICPENDR, 4, -1));
    expect(on(2, () => d.read(ISPENDR, 4))).toBe(1 << 7);
    on(2, () => d.write(0xf10 + 7, 1, 0xff));
    expect(on(2, () => d.read(ISPENDR, 4))).toBe(0);
  });

  it('banks PPIs and sends SPIs to their targets', () => {
    const { controller, d, c, irq, on } = gic(2);
    on(1, () => enable(d, 30));
    controller.ppi(1, 14).set(true);
    controller.ppi(0, 14).set(true);
    expect(irq.map((line) => line.level)).toEqual([false, true]);
    expect(on(1, () => c.read(IAR, 4))).toBe(30);
    expect(on(0, () => d.read(ISACTIVER, 4))).toBe(0);
    expect(on(0, () => d.read(ITARGETSR, 4))).toBe(0x0101_0101);
    expect(on(1, () => d.read(ITARGETSR, 4))).toBe(0x0202_0202);
    enable(d, 40, 0x20, 2);
    controller.spi(8).set(true);
    expect(irq.map((line) => line.level)).toEqual([false, true]);
    d.write(ITARGETSR + 40, 1, 0xff);
    expect(d.read(ITARGETSR + 40, 1)).toBe(3);
    expect(irq.map((line) => line.level)).toEqual([true, true]);
    expect(on(0, () => c.read(IAR, 4))).toBe(40);
    expect(irq.map((line) => line.level)).toEqual([false, false]);
  });

  it('has no targets with one CPU, and tells unknown offsets', () => {
    const { d, c, unknown } = gic();
    d.write(ITARGETSR + 32, 4, -1);
    expect(d.read(ITARGETSR + 32, 4)).toBe(0);
    expect(d.read(0xd00, 4) | c.read(0x40, 4) | c.read(0xf000, 4)).toBe(0);
    expect(unknown).toEqual(['gic-distributor d00', 'gic-cpu-interface 40', 'gic-cpu-interface f000']);
  });

  it('forgets everything but the wires at reset', () => {
    const { controller, d, c, irq } = gic();
    controller.spi(8).set(true);
    enable(d, 40);
    expect(irq[0]!.level).toBe(true);
    controller.reset();
    expect(irq[0]!.level).toBe(false);
    expect([d.read(CTLR, 4), c.read(PMR, 4), d.read(IPRIORITYR + 40, 1)]).toEqual([0, 0, 0]);
    expect(d.read(ISPENDR + 4, 4)).toBe(1 << 8);
  });

  it('survives any accesses, and peek never changes what a read gives', () => {
    const access = fc.record({
      cpu: fc.nat(1),
      window: fc.boolean(),
      offset: fc.oneof(fc.nat(0x3ff), fc.nat(0x3fff)).map((word) => word * 4),
      value: fc.integer(),
      write: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(access, { maxLength: 60 }), (accesses) => {
        const { d, c, on } = gic(2);
        for (const { cpu, window, offset, value, write } of accesses) {
          const device = window ? d : c;
          on(cpu, () => {
            if (write) device.write(offset, 4, value);
            const peeked = device.peek(offset, 4);
            expect(device.peek(offset, 4)).toBe(peeked);
            expect(device.read(offset, 4)).toBe(peeked);
          });
        }
      }),
    );
  });
});
