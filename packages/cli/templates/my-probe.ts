// A probe file: plinth run --image debian-mini --exec 'ls /' --probe my-probe.ts,file=passwd
//
// The function is called before the guest's first instruction, and what it returns at the end of the run. Every probe comes
// back as an object with `hits` and `remove()`. In each listener `cpu` has the registers (`cpu.register(0)`, `cpu.pc`,
// `cpu.sp`), the virtual time and the instruction count, and memory by virtual address (`cpu.read`, `cpu.word`, `cpu.text`).
// A listener lets the guest go on, unless it returns 'stop', which ends the run, or, where that can be, 'skip'.
// All kinds of probes, what they cost and what they may do: docs/probes.md.

import type { ProbeFile } from '@plinth/observe';

/** Of open(2) and openat(2), in the Linux EABI. */
const OPEN_CALLS = new Set([5, 322]);

const file: ProbeFile = (probes, tools) => {
  const { symbols, options } = tools;
  const print = (line: string): void => tools.print(line);

  // Inline counters in the generated code, one for each block.
  probes.countBlocks();

  // A system call, before it is made.
  const calls = new Map<number, number>();
  probes.supervisorCall(({ cpu, number, arguments: [first = 0, second = 0] }) => {
    calls.set(number, (calls.get(number) ?? 0) + 1);
    const name = OPEN_CALLS.has(number) ? cpu.text(number === 5 ? first : second) : undefined;
    if (options['file'] !== undefined && name?.includes(options['file'])) print(`${cpu.time} ns: opens ${name}`);
  });

  // Exceptions: these are page faults, most of them wanted.
  const faults = probes.exception(() => {}, ['data-abort', 'prefetch-abort']);
  const interrupts = probes.interrupt(() => {});

  // An access to a device, after it was made.
  const devices = new Map<string, number>();
  probes.device(({ device }) => void devices.set(device, (devices.get(device) ?? 0) + 1));

  // What the guest prints, byte by byte.
  const bytes = probes.console(() => {});

  // The kernel's own functions and memory, as soon as its names are there.
  let reads = 0;
  symbols.whenKnown(() => {
    const read = symbols.address('vfs_read');
    if (read !== undefined) {
      probes.function(read, {
        // ssize_t vfs_read(struct file *, char __user *, size_t count, loff_t *)
        entry: ({ cpu }) => void (cpu.argument(2) === 0 && print('a read of nothing')),
        return: ({ result }) => {
          // A number of bytes, or an error below zero.
          if ((result | 0) > 0) reads += result;
        },
      });
    }
    const panic = symbols.address('panic');
    if (panic !== undefined) {
      probes.instruction(panic, ({ cpu }) => {
        print(`panic: ${cpu.text(cpu.argument(0) ?? 0)}, called from ${symbols.describe(cpu.lr)}`);
        return 'stop';
      });
    }
    // Writes to the first word of the exception vectors, by any address that leads there; `before` could forbid them.
    probes.memory({ start: 0xffff_0000, length: 4, access: 'write' }, ({ cpu, value }) => {
      print(`${symbols.describe(cpu.pc)} writes ${value.toString(16)} to the vectors`);
    });
  });

  return () => {
    const blocks = [...probes.blockCounts()].sort((one, other) => other.count - one.count).slice(0, 5);
    print('hottest blocks:');
    for (const { address, count } of blocks)
      print(`${String(count).padStart(12)} ${symbols.describe(address) ?? address}`);
    const total = [...calls.values()].reduce((sum, count) => sum + count, 0);
    print(`${total} system calls, ${faults.hits} faults, ${interrupts.hits} interrupts, ${bytes.hits} bytes printed`);
    print(`vfs_read has read ${reads} bytes`);
    for (const [device, count] of devices) print(`${device}: ${count} accesses`);
  };
};

export default file;
