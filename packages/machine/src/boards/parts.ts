// SPDX-License-Identifier: Apache-2.0
// Parts that boards have in common, as a board's description wants them: only place and interrupt differ.

import { Gic, type GicOptions } from '../devices/gic.js';
import { Pl011 } from '../devices/pl011.js';
import { Pl031 } from '../devices/pl031.js';
import { type BoardDescription, type BoardDevice, unknownOf } from './board.js';

/** A PL011; one of a board is its console. */
export function uart(name: string, base: number, spi: number, console: boolean): BoardDevice {
  return {
    name,
    base,
    create: (context) => {
      const device = new Pl011({
        name,
        interrupt: context.interrupt(spi),
        ...(console ? { onByte: (byte) => context.console.onByte(byte), onRoom: () => context.console.onRoom() } : {}),
        ...unknownOf(context, name),
      });
      if (console) context.console.connect(device);
      return device;
    },
  };
}

/** A PL031. */
export function realTimeClock(base: number, spi: number): BoardDevice {
  const name = 'rtc';
  return {
    name,
    base,
    create: (context) =>
      new Pl031({
        name,
        clock: context.clock,
        events: context.events,
        baseSeconds: context.wallClockBase,
        interrupt: context.interrupt(spi),
        ...unknownOf(context, name),
      }),
  };
}

/** A GICv2 with so many SPIs; windows are 64 KiB unless told otherwise. */
export function gicController(
  places: { readonly distributor: number; readonly cpuInterface: number },
  options: Pick<GicOptions, 'spis' | 'distributorSize' | 'cpuInterfaceSize'>,
): BoardDescription['createInterruptController'] {
  return (host) => {
    const gic = new Gic({
      ...options,
      cpus: host.cpus,
      currentCpu: () => host.currentCpu(),
      irq: host.irq,
      fiq: host.fiq,
      onUnknown: (...access) => host.onUnknownRegister?.(...access),
    });
    return {
      windows: [
        { base: places.distributor, device: gic.distributor },
        { base: places.cpuInterface, device: gic.cpuInterface },
      ],
      spi: (n) => gic.spi(n),
      ppi: (cpu, n) => gic.ppi(cpu, n),
      acceptsShared: (cpu) => gic.acceptsShared(cpu),
    };
  };
}
