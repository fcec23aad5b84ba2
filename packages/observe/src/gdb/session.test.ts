// SPDX-License-Identifier: Apache-2.0
// The protocol, asked as a debugger asks, of real machines.
import { SYSTEM } from '@plinth/arm';
import { utf8 } from '@plinth/core';
import { Machine, type MachineOptions } from '@plinth/machine';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GdbClient } from '../testing/gdb-client.js';
import { frame } from './framing.js';
import type { MachineTargetOptions } from './machine-target.js';

const RAM = 0x4000_0000;
const CODE = RAM;
const DATA = RAM + 0x8000;
const ENGINES = ['interpreter', 'translator', 'translator-forced'] as const;

/** r0 counts a loop, which stores it. */
const LOOP = [
  0xe280_0001, // add r0, r0, #1
  0xe581_0000, // str r0, [r1]
  0xe591_2000, // ldr r2, [r1]
  0xeaff_fffb, // b CODE
];

function client(
  words: readonly number[] = LOOP,
  options: MachineOptions = {},
  target: Partial<MachineTargetOptions> = {},
): GdbClient {
  return new GdbClient(machineWith(words, options), target);
}

function machineWith(words: readonly number[], options: MachineOptions = {}): Machine {
  const machine = new Machine({ ramSize: 0x10_0000, ...options });
  machine.memory.writeBytes(CODE, new Uint8Array(Uint32Array.from(words).buffer));
  for (const { state } of machine.cpus) state.setReg(1, DATA);
  return machine;
}

const little = (value: number): string =>
  [0, 8, 16, 24].map((shift) => ((value >>> shift) & 0xff).toString(16).padStart(2, '0')).join('');
const PC = 15;
const CPSR = 16;
const register = (gdb: GdbClient, n: number): number => {
  const reply = gdb.ask(`p${n.toString(16)}`);
  return Buffer.from(reply, 'hex').readUInt32LE();
};

describe('requests about what there is', () => {
  it('are answered as the manual says', () => {
    const gdb = client();
    const supported = gdb.ask('qSupported:multiprocess+;swbreak+;hwbreak+;qRelocInsn+');
    expect(supported.split(';')).toEqual([
      'PacketSize=4000',
      'QStartNoAckMode+',
      'qXfer:features:read+',
      'qXfer:memory-map:read+',
      'qXfer:threads:read+',
      'vContSupported+',
      'swbreak+',
      'hwbreak+',
    ]);
    expect(gdb.ask('?')).toBe('T05thread:1;');
    expect(gdb.ask('!')).toBe('OK');
    expect(gdb.ask('qC')).toBe('QC1');
    expect(gdb.ask('qAttached')).toBe('1');
    expect(gdb.ask('vCont?')).toBe('vCont;c;C;s;S;t;r');
    expect(gdb.ask('qfThreadInfo')).toBe('m1');
    expect(gdb.ask('qsThreadInfo')).toBe('l');
    expect(Buffer.from(gdb.ask('qThreadExtraInfo,1'), 'hex').toString()).toBe('CPU 0 [running]');
    expect(gdb.ask('qSymbol::')).toBe('OK');
    for (const unknown of [
      'vMustReplyEmpty',
      'qOffsets',
      'QNonStop:1',
      'A',
      'Z9,0,4',
      'vRun;a',
      'bs',
      'bc',
      'qXfer:auxv:read::0,100',
      'y',
      '',
    ]) {
      expect([unknown, gdb.ask(unknown)]).toEqual([unknown, '']);
    }
  });

  it('give documents in pieces', () => {
    const gdb = client([], {}, { executable: '/a/b.elf' });
    const whole = (object: string, annex: string, length: number): string => {
      let text = '';
      for (;;) {
        const reply = gdb.ask(`qXfer:${object}:read:${annex}:${text.length.toString(16)},${length.toString(16)}`);
        text += reply.slice(1);
        if (reply[0] === 'l') return text;
        expect(reply[0]).toBe('m');
      }
    };
    const features = whole('features', 'target.xml', 1000);
    expect(whole('features', 'target.xml', 37)).toBe(features);
    for (const name of [
      'org.gnu.gdb.arm.core',
      'org.gnu.gdb.arm.vfp',
      'name="d31"',
      'name="fpscr"',
      'name="spsr_svc"',
      'name="SCTLR"',
    ]) {
      expect(features).toContain(name);
    }
    expect(whole('threads', '', 1000)).toBe(
      '<?xml version="1.0"?><threads><thread id="1" name="CPU 0">running</thread></threads>',
    );
    expect(whole('memory-map', '', 1000)).toContain('<memory type="ram" start="0x0" length="0x100000000"/>');
    expect(whole('exec-file', '', 1000)).toBe('/a/b.elf');
    expect(gdb.ask('qXfer:features:read:other.xml:0,100')).toBe('E00');
    expect(gdb.ask('qXfer:features:read:target.xml:0')).toBe('E22');
    expect(gdb.ask('qXfer:features:write:target.xml:0,1')).toBe('');
  });
});

describe('registers', () => {
  it('are read and written one by one and together', () => {
    const gdb = client();
    expect(gdb.ask(`P3=${little(0x1234_5678)}`)).toBe('OK');
    expect(register(gdb, 3)).toBe(0x1234_5678);
    const all = gdb.ask('g');
    // r0 to r15, CPSR, D0 to D31, Q0 to Q15, FPSCR.
    expect(all).toHaveLength(8 * 17 + 16 * 32 + 32 * 16 + 8);
    expect(all.slice(24, 32)).toBe(little(0x1234_5678));
    expect(gdb.ask(`G${all.replace(little(0x1234_5678), little(7))}`)).toBe('OK');
    expect(register(gdb, 3)).toBe(7);
    expect(register(gdb, PC)).toBe(CODE);
    expect(gdb.ask(`P11=${'0123456789abcdef'}`)).toBe('OK');
    expect(gdb.ask('p11')).toBe('0123456789abcdef');
    expect(gdb.ask('p31')).toBe(`0123456789abcdef${'0'.repeat(16)}`);
  });

  it('change mode and banks with CPSR, and instruction set', () => {
    const gdb = client();
    gdb.ask(`Pd=${little(0x100)}`);
    expect(gdb.ask(`P${CPSR.toString(16)}=${little(0xf2)}`)).toBe('OK');
    expect(register(gdb, 13)).toBe(0);
    expect(gdb.machine.cpu.state.thumb).toBe(true);
    gdb.ask(`P${PC.toString(16)}=${little(CODE + 3)}`);
    expect(register(gdb, PC)).toBe(CODE + 2);
    const svc = gdb.target.registers.findIndex(({ name }) => name === 'sp_svc');
    expect(register(gdb, svc)).toBe(0x100);
  });

  it('of the system are read only, and those that there are not are errors', () => {
    const gdb = client();
    const sctlr = gdb.target.registers.findIndex(({ name }) => name === 'SCTLR');
    expect(register(gdb, sctlr)).toBe(0x00c5_0078);
    for (const wrong of [
      `P${sctlr.toString(16)}=00000000`,
      'pfff',
      'p',
      'pxyz',
      'P3=12',
      'P3',
      'P999=00000000',
      'Gzz',
      'G00',
    ]) {
      expect([wrong, gdb.ask(wrong)]).toEqual([wrong, 'E22']);
    }
  });
});

describe('memory', () => {
  it('is read and written, in hexadecimal and as it is', () => {
    const gdb = client();
    expect(gdb.ask(`m${CODE.toString(16)},4`)).toBe(little(LOOP[0]!));
    expect(gdb.ask(`M${DATA.toString(16)},4:01020304`)).toBe('OK');
    expect(gdb.ask(`m${DATA.toString(16)},6`)).toBe('010203040000');
    const binary = Uint8Array.from([...utf8(`X${(DATA + 4).toString(16)},4:`), 0x24, 0x23, 0x7d, 0x2a]);
    expect(gdb.send(binary)).toEqual(['OK']);
    expect(gdb.ask(`m${DATA.toString(16)},8`)).toBe('0102030424237d2a');
    expect(gdb.ask('X40008000,0:')).toBe('OK');
  });

  it('that is not there is an error, after what is', () => {
    const gdb = client();
    expect(gdb.ask('m0,4')).toBe('E14');
    expect(gdb.ask('m400ffffe,8')).toBe('0000');
    expect(gdb.ask('M400ffffe,4:00000000')).toBe('E14');
    expect(gdb.ask('mffffffff,10')).toBe('E14');
    for (const wrong of [
      'm',
      'm1',
      'm1,',
      'm1,2,3',
      'mx,1',
      'm123456789,1',
      'M40008000,4:00',
      'M40008000,1:zz',
      'M40008000,1',
      'X40008000,4:a',
      'X',
    ]) {
      expect([wrong, gdb.ask(wrong)]).toEqual([wrong, 'E22']);
    }
  });

  it('of devices is looked at without effect, and written as they are', () => {
    const gdb = client();
    // The PL011 of `virt`: its identification, and a divisor.
    expect(gdb.ask('m9000fe0,4')).toBe('11000000');
    expect(gdb.ask('m9000fe0,1')).toBe('11');
    expect(gdb.ask('M9000024,4:05000000')).toBe('OK');
    expect(gdb.ask('m9000024,4')).toBe('05000000');
  });

  it('that is code takes effect when it is written', () => {
    const gdb = client();
    gdb.ask('vCont;s:1');
    gdb.ask(`P${PC.toString(16)}=${little(CODE)}`);
    gdb.ask(`M${CODE.toString(16)},4:${little(0xe280_0010)}`);
    gdb.ask('vCont;s:1');
    expect(register(gdb, 0)).toBe(17);
  });
});

describe.each(ENGINES)('run control (%s)', (engine) => {
  it('steps, goes on to breakpoints, and is stopped by Ctrl-C', () => {
    const gdb = client(LOOP, { engine });
    gdb.ask('qSupported:swbreak+;hwbreak+');
    expect(gdb.ask('vCont;s:1;c')).toBe('T05thread:1;');
    expect(register(gdb, PC)).toBe(CODE + 4);
    expect(gdb.ask('s')).toBe('T05thread:1;');
    expect(gdb.ask(`Z0,${(CODE + 4).toString(16)},4`)).toBe('OK');
    expect(gdb.ask('vCont;c')).toBe('T05thread:1;swbreak:;');
    expect([register(gdb, PC), register(gdb, 0)]).toEqual([CODE + 4, 2]);
    // Memory does not show it.
    expect(gdb.ask(`m${(CODE + 4).toString(16)},4`)).toBe(little(LOOP[1]!));
    expect(gdb.ask('c')).toBe('T05thread:1;swbreak:;');
    expect(register(gdb, 0)).toBe(3);
    expect(gdb.ask(`Z1,${(CODE + 8).toString(16)},4`)).toBe('OK');
    expect(gdb.ask('c')).toBe('T05thread:1;hwbreak:;');
    expect(gdb.ask(`z0,${(CODE + 4).toString(16)},4`)).toBe('OK');
    expect(gdb.ask(`z1,${(CODE + 8).toString(16)},4`)).toBe('OK');
    expect(gdb.send('vCont;c')).toEqual([]);
    gdb.run(30, 100_000);
    expect(gdb.raw('\x03')).toEqual(['T02thread:1;']);
    expect(register(gdb, 0)).toBeGreaterThan(700_000);
    expect(gdb.raw('\x03')).toEqual([]);
  });

  it('stops before accesses, with the address, and goes on past them', () => {
    const gdb = client(LOOP, { engine });
    const at = DATA.toString(16);
    for (const [type, word, pc] of [
      [2, 'watch', CODE + 4],
      [3, 'rwatch', CODE + 8],
      [4, 'awatch', CODE + 4],
    ] as const) {
      expect(gdb.ask(`Z${type},${at},4`)).toBe('OK');
      expect(gdb.ask('c')).toBe(`T05thread:1;${word}:${at};`);
      expect(register(gdb, PC)).toBe(pc);
      const value = register(gdb, 0);
      expect(gdb.ask('c')).toBe(`T05thread:1;${word}:${at};`);
      if (type < 4) expect([register(gdb, PC), register(gdb, 0)]).toEqual([pc, value + 1]);
      else expect([register(gdb, PC), register(gdb, 0)]).toEqual([CODE + 8, value]);
      expect(gdb.ask(`z${type},${at},4`)).toBe('OK');
    }
    // An access that begins before what is watched.
    gdb.ask(`Z2,${(DATA + 3).toString(16)},1`);
    expect(gdb.ask('c')).toBe(`T05thread:1;watch:${(DATA + 3).toString(16)};`);
    expect(gdb.ask('Z2,0,0')).toBe('E22');
    expect(gdb.ask('Z2,ffffffff,2')).toBe('E22');
  });

  it('steps through a range', () => {
    const gdb = client(LOOP, { engine });
    const range = `${CODE.toString(16)},${(CODE + 12).toString(16)}`;
    expect(gdb.ask(`vCont;r${range}:1`)).toBe('T05thread:1;');
    expect(register(gdb, PC)).toBe(CODE + 12);
    gdb.ask(`Z0,${(CODE + 4).toString(16)},4`);
    expect(gdb.ask(`vCont;r${CODE.toString(16)},${(CODE + 16).toString(16)}`)).toMatch(/^T05/);
    expect(register(gdb, PC)).toBe(CODE + 4);
  });

  it('steps into exceptions and through IT blocks', () => {
    const gdb = client([0xef00_0001, 0xeaff_fffe], { engine });
    gdb.ask('s');
    expect(register(gdb, PC)).toBe(8);
    const thumb = client([0x2001_bf08, 0x2202_2105], { engine }); // it eq; moveq r0, #1; movs r1, #5; movs r2, #2
    thumb.ask(`P${CPSR.toString(16)}=${little(0xf3)}`);
    const places = [1, 2, 3].map(() => {
      thumb.ask('s');
      return register(thumb, PC) - CODE;
    });
    expect(places).toEqual([2, 4, 6]);
    expect([0, 1, 2].map((n) => register(thumb, n))).toEqual([0, 5, 0]);
  });

  it('steps over a wait for interrupts, and past it when one comes', () => {
    const gdb = client([0xe320_f003, 0xe280_0001, 0xeaff_fffe], { engine });
    gdb.ask(`P${CPSR.toString(16)}=${little(0x53)}`);
    expect(gdb.ask('s')).toBe('T05thread:1;');
    expect(register(gdb, PC)).toBe(CODE + 4);
    expect(gdb.send('s')).toEqual([]);
    gdb.run(10);
    expect(gdb.take()).toEqual([]);
    gdb.machine.cpu.setInterruptLine(0x80, true);
    gdb.run();
    // Interrupts are held in steps.
    expect([gdb.take(), register(gdb, PC), register(gdb, 0)]).toEqual([['T05thread:1;'], CODE + 8, 1]);
    expect(gdb.machine.cpu.interruptsHeld).toBe(false);
    gdb.target.stepInterrupts = true;
    gdb.machine.cpu.state.set(SYSTEM.VBAR, CODE + 0x40);
    gdb.ask('s');
    expect(register(gdb, PC)).toBe(CODE + 0x40 + 0x1c);
  });

  it('has a thread for each CPU, and steps the one that is asked for', () => {
    const gdb = client(LOOP, { engine, cpus: 2 });
    expect(gdb.ask('qfThreadInfo')).toBe('m1,2');
    expect(gdb.ask('T2')).toBe('OK');
    expect(gdb.ask('T3')).toBe('E22');
    gdb.machine.cpus[1]!.turnOn(CODE, 0);
    gdb.machine.cpus[1]!.state.setReg(1, DATA + 0x100);
    expect(gdb.ask('vCont;s:2;c')).toBe('T05thread:2;');
    expect(gdb.ask('Hg1')).toBe('OK');
    expect(register(gdb, PC)).toBe(CODE);
    expect(gdb.ask('Hg2')).toBe('OK');
    expect(register(gdb, PC)).toBe(CODE + 4);
    expect(gdb.ask('Hg7')).toBe('E22');
    expect(gdb.ask('Hc2')).toBe('OK');
    expect(gdb.ask('s')).toBe('T05thread:2;');
    expect(register(gdb, PC)).toBe(CODE + 8);
    gdb.ask(`Z2,${(DATA + 0x100).toString(16)},4`);
    expect(gdb.ask('vCont;c')).toBe(`T05thread:2;watch:${(DATA + 0x100).toString(16)};`);
  });

  it('lets other CPUs make progress while the one that is stepped waits', () => {
    // CPU 1 counts by exclusive accesses; CPU 0 waits for an interrupt.
    const count = [0xe191_0f9f, 0xe280_0001, 0xe181_2f90, 0xeaff_fffb]; // ldrex r0, [r1]; add; strex r2, r0, [r1]; b
    const gdb = client([0xe320_f003, 0xeaff_fffd, ...count], { engine, cpus: 2 });
    gdb.machine.cpus[1]!.turnOn(CODE + 8, 0);
    gdb.machine.cpus[1]!.state.setReg(1, DATA);
    expect(gdb.ask('vCont;s:1')).toBe('T05thread:1;');
    gdb.send('vCont;s:1;c');
    gdb.run(10, 1000);
    expect(gdb.take()).toEqual([]);
    expect(gdb.machine.memory.peek(DATA, 4)).toBeGreaterThan(1000);
    gdb.machine.cpu.setInterruptLine(0x80, true);
    gdb.run();
    expect(gdb.take()).toEqual(['T05thread:1;']);
    expect(register(gdb, PC)).toBe(CODE);
  });

  it('tells what ends a machine, keeps it to be looked at, and lets it go', () => {
    const off = [0xe59f_0004, 0xe140_0070, 0xeaff_fffe, 0x8400_0008]; // ldr r0, [pc, #4]; hvc #0
    const gdb = client(off, { engine });
    const [message, stop] = (gdb.send('c'), gdb.run(), gdb.take());
    expect(Buffer.from(message!.slice(1), 'hex').toString()).toBe('the guest has shut down\n');
    expect(stop).toBe('T0fthread:1;');
    expect(register(gdb, PC)).toBe(CODE + 8);
    expect(gdb.ended).toBeUndefined();
    expect(gdb.ask('c')).toBe('W00');
    expect(gdb.ask('D')).toBe('OK');
    gdb.run();
    expect(gdb.ended).toBe('shutdown');
  });

  it('comes back from a fault loop each time', () => {
    const gdb = client([0xe7f0_00f0], { engine }); // udf; nothing is at the vectors
    gdb.send('c');
    gdb.run();
    expect(gdb.take().at(-1)).toBe('T06thread:1;');
    gdb.send('c');
    gdb.run();
    expect(gdb.take().at(-1)).toBe('T06thread:1;');
    gdb.session.closed();
    gdb.run();
    expect(gdb.ended).toBe('finding');
  });
});

describe('sessions', () => {
  it('acknowledge until told not to, and send again what was refused', () => {
    const gdb = client();
    gdb.send('qC');
    expect(gdb.acknowledgements).toBe('+');
    expect(gdb.raw('$qC#00')).toEqual([]);
    expect(gdb.acknowledgements).toBe('-');
    expect(gdb.raw('-')).toEqual(['QC1']);
    expect(gdb.ask('QStartNoAckMode')).toBe('OK');
    expect(gdb.acknowledgements).toBe('+');
    gdb.send('qC');
    expect(gdb.acknowledgements).toBe('');
    // GDB says so when an answer takes its time, and would take a second one for that to its next request.
    expect(gdb.raw('-')).toEqual([]);
  });

  it('keep requests while the machine runs, until it stops', () => {
    const gdb = client();
    expect(gdb.send('c')).toEqual([]);
    expect(gdb.send('p0')).toEqual([]);
    gdb.run(3);
    expect(gdb.raw('\x03')).toEqual(['T02thread:1;', expect.stringMatching(/^[0-9a-f]{8}$/)]);
    expect(gdb.raw(frame(utf8('c')), '\x03')).toEqual(['T02thread:1;']);
    gdb.send('c');
    for (let n = 0; n < 100 && !gdb.closed; n++) gdb.send('p0');
    expect(gdb.closed).toBe(true);
  });

  it('end with all that they have set, and another one begins', () => {
    const gdb = client();
    gdb.ask(`Z0,${CODE.toString(16)},4`);
    gdb.ask(`Z2,${DATA.toString(16)},4`);
    expect(gdb.stub.connect({ send: () => undefined, close: () => undefined })).toBeUndefined();
    expect(gdb.ask('D')).toBe('OK');
    expect(gdb.closed).toBe(true);
    gdb.run(10);
    expect(gdb.machine.count).toBe(100_000);
    gdb.connect();
    expect(gdb.ask('?')).toBe('T05thread:1;');
    gdb.run(10);
    expect(gdb.machine.count).toBe(100_000);
    gdb.send('c');
    gdb.session.closed();
    gdb.run(10);
    expect(gdb.machine.count).toBe(200_000);
    gdb.connect();
    expect(gdb.send('k')).toEqual([]);
    gdb.run();
    expect(gdb.ended).toBe('user');
  });

  it('do not hold a machine up that was not started paused', () => {
    const machine = machineWith([0xeaff_fffe]);
    const gdb = new GdbClient(machine, { paused: false });
    gdb.session.closed();
    gdb.run(2);
    expect(machine.count).toBe(20_000);
  });

  it('with `vKill` end the run', () => {
    const gdb = client();
    expect(gdb.ask('vKill;1')).toBe('OK');
    gdb.run();
    expect([gdb.ended, gdb.closed]).toEqual(['user', true]);
  });

  it('that may only look are refused what would change the run', () => {
    const gdb = client(LOOP, {}, { lookOnly: true });
    expect(gdb.ask('P0=00000000')).toBe('E22');
    expect(gdb.ask(`M${DATA.toString(16)},1:00`)).toBe('E14');
    expect(gdb.ask('vCont;s:1')).toBe('T05thread:1;');
    expect(register(gdb, PC)).toBe(CODE + 4);
  });
});

describe('monitor commands', () => {
  it('are listed, obeyed, and told apart', async () => {
    const gdb = client();
    expect(await gdb.monitor('help')).toMatch(/^help +this list\n.*info mem/s);
    expect(await gdb.monitor('info registers')).toMatch(/^r0 +00000000 /);
    expect(await gdb.monitor('info cpus')).toBe('CPU 0: running, pc 0x40000000\n');
    expect(await gdb.monitor('info time')).toBe('0 instructions, 0.000000000 s\n');
    expect(await gdb.monitor('info mem')).toBe('0x00000000-0xffffffff 0x00000000 4194304 KiB\n');
    expect(await gdb.monitor('fly')).toBe('fly: there is no such command; "monitor help" lists them\n');
    expect(await gdb.monitor('physical')).toBe('physical off\n');
    expect(await gdb.monitor('physical on')).toBe('physical on\n');
    expect(await gdb.monitor('step-interrupts maybe')).toBe('step-interrupts: "maybe" is neither on nor off\n');
    gdb.ask('s');
    expect(await gdb.monitor('reset')).toBe('');
    expect(register(gdb, 0)).toBe(0);
    expect(await gdb.monitor('quit')).toBe('');
    gdb.run();
    expect(gdb.ended).toBe('user');
  });

  it('of others are added, and may take their time', async () => {
    const gdb = client();
    gdb.stub.monitor.add({
      name: 'last-write',
      parameters: 'ADDR',
      help: 'who wrote there',
      run: async ([address], thread) => {
        await Promise.resolve();
        return `${address} by ${thread}\n`;
      },
    });
    expect(await gdb.monitor('last-write 0x100')).toBe('0x100 by 1\n');
  });
});

describe('whatever a client sends', () => {
  const packet = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc
      .tuple(
        fc.constantFrom(...'?!gGpPmMXcCsSbDHTZzvqQR'),
        fc.string({ unit: fc.constantFrom(...'0123456789abcdef,;:=-.'), maxLength: 30 }),
      )
      .map(([letter, rest]) => letter + rest),
    fc
      .tuple(
        fc.constantFrom(
          'vCont;',
          'qXfer:features:read:target.xml:',
          'qRcmd,',
          'vAttach;',
          'qSupported:',
          'Z0,',
          'Z2,',
          'Hg',
          'P1=',
        ),
        fc.string({ unit: fc.constantFrom(...'0123456789abcdefcsrt,;:=-p.'), maxLength: 30 }),
      )
      .map(([head, rest]) => head + rest),
  );
  const ANSWER =
    /^(|OK|E\d\d|[0-9a-fx]*|T[0-9a-f]{2}.*|W[0-9a-f]{2}|[ml].*|QC\d+|vCont;.*|O[0-9a-f]*|PacketSize=.*|\d)$/s;

  /** One machine serves all of a test's clients: making one takes longer than what they do with it. */
  const clients = (): (() => GdbClient) => {
    const machine = machineWith(LOOP);
    let last: GdbClient | undefined;
    return () => {
      last?.session.closed();
      last = new GdbClient(machine);
      return last;
    };
  };

  it('gets answers of the protocol, however it is cut', async () => {
    const next = clients();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(packet, fc.nat(50)), { maxLength: 12 }), async (packets) => {
        const gdb = next();
        for (const [text, cut] of packets) {
          const bytes = frame(Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff));
          const at = cut % (bytes.length + 1);
          gdb.session.receive(bytes.subarray(0, at));
          gdb.session.receive(bytes.subarray(at));
          gdb.run(2, 100);
          gdb.raw('\x03');
          await Promise.resolve();
          for (const reply of gdb.take()) expect(reply).toMatch(ANSWER);
          if (gdb.session.over) gdb.connect();
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('in bytes at random ends in nothing worse', () => {
    const next = clients();
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 20 }), (pieces) => {
        const gdb = next();
        const before = gdb.machine.count;
        for (const piece of pieces) {
          if (gdb.session.over) gdb.connect();
          gdb.session.receive(piece);
          gdb.run(1, 100);
        }
        if (gdb.session.over) gdb.connect();
        gdb.raw('\x03', '$$', frame(utf8('qC')));
        expect(gdb.machine.count - before).toBeLessThan(10_000);
      }),
      { numRuns: 1000 },
    );
  });
});
