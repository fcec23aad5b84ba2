// SPDX-License-Identifier: Apache-2.0
import { StateReader, StateWriter } from '@plinth/core';
import { describe, expect, it } from 'vitest';
import { CONFIG_FUNCTION, CONFIG_SITE, type ConfigItem, VexpressSysreg } from './vexpress-sysreg.js';

const FLAGS = 0x30;
const NVFLAGS = 0x38;
const CFGDATA = 0xa0;
const CFGCTRL = 0xa4;
const CFGSTAT = 0xa8;
const START = 0x8000_0000;
const WRITE = 0x4000_0000;

const { motherboard, daughterboard1 } = CONFIG_SITE;
const ITEMS: readonly ConfigItem[] = [
  { function: CONFIG_FUNCTION.oscillator, site: daughterboard1, device: 2, access: 'rw', value: 40_000_000 },
  { function: CONFIG_FUNCTION.voltage, site: motherboard, access: 'ro', value: 3_300_000 },
  { function: CONFIG_FUNCTION.dviMode, site: motherboard, access: 'wo' },
  { function: CONFIG_FUNCTION.shutdown, site: motherboard, access: 'shutdown' },
  { function: CONFIG_FUNCTION.reboot, site: motherboard, access: 'reset' },
];

function sysreg() {
  const power: string[] = [];
  const entries: number[] = [];
  const time = { now: 0 };
  const device = new VexpressSysreg({
    clock: { now: () => time.now },
    id: 0x1190_f500,
    processorIds: [0x1400_0237, 0xff00_0000],
    items: ITEMS,
    onFlags: (value) => entries.push(value),
    onPower: (request) => power.push(request),
  });
  const read = (offset: number): number => device.read(offset, 4);
  const write = (offset: number, value: number): void => device.write(offset, 4, value);
  /** Status and data after a command. */
  const command = (item: Partial<ConfigItem>, data?: number): number[] => {
    const { function: number = 0, site = 0, device: which = 0 } = item;
    write(CFGDATA, data ?? 0xdead);
    write(CFGSTAT, 0);
    write(CFGCTRL, START + (data === undefined ? 0 : WRITE) + number * 2 ** 20 + site * 2 ** 16 + which);
    return [read(CFGSTAT), read(CFGDATA)];
  };
  return { device, entries, power, time, read, write, command };
}

describe('the system registers of a Versatile Express', () => {
  it('identify the boards, and light the LEDs', () => {
    const { read, write } = sysreg();
    write(0x00, 1);
    write(0x08, 0x1a5);
    expect([read(0x00), read(0x84), read(0x88), read(0x08)]).toEqual([0x1190_f500, 0x1400_0237, 0xff00_0000, 0xa5]);
  });

  it('count hundredths of a second and 24 MHz', () => {
    const { read, time } = sysreg();
    time.now = 10e9 + 125;
    expect([read(0x24), read(0x5c)]).toEqual([1000, 240_000_003]);
    time.now = 180e9;
    expect(read(0x5c)).toBe(180 * 24e6 - 2 ** 32);
  });

  it('set and clear flags, of which the second outlive a reset', () => {
    const { device, entries, read, write } = sysreg();
    for (const base of [FLAGS, NVFLAGS]) {
      write(base, 0xf0);
      write(base, 0x0f);
      write(base + 4, 0x18);
      expect([read(base), read(base + 4)]).toEqual([0xe7, 0]);
    }
    expect(entries).toEqual([0xf0, 0xff]);
    device.reset();
    expect([read(FLAGS), read(NVFLAGS)]).toEqual([0, 0xe7]);
  });

  it('ask the boards’ controllers', () => {
    const { command, read } = sysreg();
    expect(command({ function: CONFIG_FUNCTION.voltage })).toEqual([1, 3_300_000]);
    // What was asked stays to be seen, less the start bit.
    expect(read(CFGCTRL)).toBe(0x0020_0000);
    const clock = { function: CONFIG_FUNCTION.oscillator, site: daughterboard1, device: 2 };
    expect(command(clock)).toEqual([1, 40_000_000]);
    expect(command(clock, 50_000_000)[0]).toBe(1);
    expect(command(clock)).toEqual([1, 50_000_000]);
    expect(command({ function: CONFIG_FUNCTION.dviMode }, 2)[0]).toBe(1);
  });

  it('refuse what is not there, and do nothing without the start bit', () => {
    const { command, read, write, power } = sysreg();
    expect(command({ function: CONFIG_FUNCTION.voltage, device: 1 })).toEqual([3, 0xdead]);
    expect(command({ function: CONFIG_FUNCTION.voltage, site: daughterboard1 })).toEqual([3, 0xdead]);
    expect(command({ function: CONFIG_FUNCTION.voltage }, 5)[0]).toBe(3);
    expect(command({ function: CONFIG_FUNCTION.dviMode })).toEqual([3, 0xdead]);
    expect(command({ function: CONFIG_FUNCTION.shutdown })).toEqual([3, 0xdead]);
    write(CFGSTAT, 0);
    write(CFGCTRL, WRITE + CONFIG_FUNCTION.shutdown * 2 ** 20);
    expect([read(CFGSTAT), power]).toEqual([0, []]);
  });

  it('switch off and start again; a reset brings the clocks back', () => {
    const { device, command, power } = sysreg();
    command({ function: CONFIG_FUNCTION.shutdown }, 0);
    command({ function: CONFIG_FUNCTION.reboot }, 0);
    expect(power).toEqual(['shutdown', 'reset']);
    const clock = { function: CONFIG_FUNCTION.oscillator, site: daughterboard1, device: 2 };
    command(clock, 1);
    device.reset();
    expect(command(clock)).toEqual([1, 40_000_000]);
  });

  it('are saved with what the controllers were told', () => {
    const clock = { function: CONFIG_FUNCTION.oscillator, site: daughterboard1, device: 2 };
    const from = sysreg();
    from.write(FLAGS, 5);
    from.command(clock, 45_000_000);
    const writer = new StateWriter();
    from.device.save(writer);
    const to = sysreg();
    to.device.restore(new StateReader(writer.take(), 'sysreg'));
    expect([to.read(FLAGS), ...to.command(clock)]).toEqual([5, 1, 45_000_000]);
    const bytes = writer.take();
    bytes[bytes.length - 6] = 1; // the voltage, which nobody sets
    expect(() => sysreg().device.restore(new StateReader(bytes, 'sysreg'))).toThrow('item 1 of the configuration');
  });
});
