// SPDX-License-Identifier: Apache-2.0
// `monitor` commands about a machine: what GDB has no words for. Others (who last wrote an address, the guest's processes)
// are added by those who can answer them.

import { hex32, PlinthError } from '@plinth/core';
import type { Vcpu } from '@plinth/machine';
import { ARM_REGISTERS } from './arm-registers.js';
import type { MachineTarget } from './machine-target.js';
import type { MonitorCommands } from './monitor.js';
import { cpuState } from './threads.js';

const PAGE = 4096;
/** Lines of `info mem` at most; a whole Linux has some hundreds. */
const MAX_RANGES = 2000;
const PER_LINE = 4;

export function addMachineCommands(monitor: MonitorCommands, target: MachineTarget): void {
  const { machine } = target;
  const cpu = (thread: number): Vcpu => target.cpu(thread);
  monitor.add({
    name: 'info registers',
    help: 'all registers of the CPU: core, banked, floating point, system',
    run: (_words, thread) => registers(cpu(thread)),
  });
  monitor.add({
    name: 'info mem',
    help: 'what the CPU’s translation tables map where',
    run: (_words, thread) => mappings(cpu(thread)),
  });
  monitor.add({
    name: 'info cpus',
    help: 'the CPUs, and where each is',
    run: () =>
      machine.cpus.map((one) => `CPU ${one.index}: ${cpuState(one)}, pc ${hex32(one.state.reg(15))}\n`).join(''),
  });
  monitor.add({
    name: 'info time',
    help: 'instructions since power-on, and virtual time',
    run: () => `${machine.count} instructions, ${(machine.clock.now() / 1e9).toFixed(9)} s\n`,
  });
  monitor.add({
    name: 'info crash',
    help: 'what the machine stands for since its guest died',
    run: () => `${target.crash ?? 'the machine does not stand for a crash'}\n`,
  });
  monitor.add({
    name: 'reset',
    help: 'power-on state, with what was loaded put back',
    run: () => {
      target.reset();
      return '';
    },
  });
  monitor.add({
    name: 'quit',
    help: 'end the run',
    run: () => {
      target.kill();
      return '';
    },
  });
  addSwitch(monitor, 'step-interrupts', 'interrupts may be taken in a step', {
    get: () => target.stepInterrupts,
    set: (on) => {
      target.stepInterrupts = on;
    },
  });
  addSwitch(monitor, 'physical', 'addresses of memory are physical', {
    get: () => target.physicalAddresses,
    set: (on) => {
      target.physicalAddresses = on;
    },
  });
}

function addSwitch(
  monitor: MonitorCommands,
  name: string,
  what: string,
  value: { get: () => boolean; set: (on: boolean) => void },
): void {
  monitor.add({
    name,
    parameters: '[on|off]',
    help: what,
    run: ([word]) => {
      if (word !== undefined && word !== 'on' && word !== 'off') {
        throw new PlinthError('input', 'monitor', `${name}: "${word}" is neither on nor off`);
      }
      if (word !== undefined) value.set(word === 'on');
      return `${name} ${value.get() ? 'on' : 'off'}\n`;
    },
  });
}

function registers(cpu: Vcpu): string {
  const cells = ARM_REGISTERS.filter(({ type }) => type !== 'neon_q').map((register) => {
    const { name, bits } = register;
    const digits = [...register.read(cpu)].reverse().map((word) => hex32(word).slice(2));
    return `${name.padEnd(10)} ${digits.join('').padEnd(bits / 4)}`;
  });
  const lines: string[] = [];
  for (let at = 0; at < cells.length; at += PER_LINE)
    lines.push(
      cells
        .slice(at, at + PER_LINE)
        .join('  ')
        .trimEnd(),
    );
  return `${lines.join('\n')}\n`;
}

/** Ranges that lie together virtually and physically are one line. */
function mappings(cpu: Vcpu): string {
  const lines: string[] = [];
  let start = 0;
  let physical: number | undefined;
  const end = (at: number): void => {
    if (physical === undefined) return;
    lines.push(`${hex32(start)}-${hex32(at - 1)} ${hex32(physical)} ${(at - start) / 1024} KiB`);
  };
  for (let at = 0; at < 2 ** 32; at += PAGE) {
    const to = cpu.mappedTo(at | 0);
    if (physical !== undefined && to !== undefined && to - physical === at - start) continue;
    end(at);
    start = at;
    physical = to;
    if (lines.length >= MAX_RANGES) return `${lines.join('\n')}\nand more\n`;
  }
  end(2 ** 32);
  return `${lines.join('\n')}\n`;
}
