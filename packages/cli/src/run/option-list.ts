// SPDX-License-Identifier: Apache-2.0
// The options of `plinth run`, each once: the command line, the keys of a guest file and the schema of guest files are
// made from this list.

/** How a value is written. */
export type OptionKind =
  /** true or false; on the command line just the name. */
  | 'flag'
  | 'text'
  /** A name of a file; in a guest file relative to it. */
  | 'path'
  /** Bytes, with K, M or G behind the number. */
  | 'size'
  /** A whole number above 0. */
  | 'count'
  /** A number above 0. */
  | 'number'
  /** A count of instructions or a text. */
  | 'place'
  /** A port of this host, maybe with an address before it and a colon. */
  | 'port'
  /** Seconds since 1970, or a date as in RFC 3339. */
  | 'time';

export interface RunOption {
  readonly name: string;
  readonly kind: OptionKind;
  /** Name of the value in help. */
  readonly value?: string;
  readonly help: string;
  /** Regular expression that the text has to match. */
  readonly pattern?: string;
  readonly choices?: readonly string[];
  /** May be given several times; in a guest file as a list. */
  readonly list?: true;
  /** On unless `--no-NAME` is given. */
  readonly on?: true;
  /** On the command line it is the argument without a name. */
  readonly positional?: true;
}

export const RUN_OPTIONS: readonly RunOption[] = [
  { name: 'machine', kind: 'text', value: 'BOARD', help: 'board (default: virt); help lists them' },
  { name: 'cpu', kind: 'text', value: 'MODEL', help: 'CPU model (default: the board’s)' },
  { name: 'cpus', kind: 'count', value: 'N', help: 'number of CPUs, which execute in turn (default: 1)' },
  { name: 'memory', kind: 'size', value: 'SIZE', help: 'RAM, for example 256M' },
  { name: 'image', kind: 'text', value: 'NAME', help: 'guest image; it is brought if it is not here' },
  {
    name: 'overlay',
    kind: 'path',
    value: 'FILE',
    help: 'keep what the guest writes to the disk of its image in this file, and go on from it (default: forget it)',
  },
  { name: 'kernel', kind: 'path', value: 'FILE', help: 'kernel: zImage, Image or ELF' },
  { name: 'initrd', kind: 'path', value: 'FILE', help: 'initial RAM disk' },
  { name: 'dtb', kind: 'path', value: 'FILE', help: 'device tree instead of the board’s own' },
  { name: 'append', kind: 'text', value: 'TEXT', help: 'kernel command line' },
  {
    name: 'drive',
    kind: 'text',
    value: 'FILE[,…]',
    help:
      'disk; options as in QEMU: format=raw|qcow2, readonly, snapshot (forget what the guest writes), serial=TEXT, and ' +
      'overlay=FILE to keep what it writes there; without those a raw file is written itself',
    list: true,
  },
  {
    name: 'net',
    kind: 'text',
    value: 'WHERE[,…]',
    help:
      'network: user (run in user mode by passt; hostfwd=tcp:[ADDRESS]:PORT-:PORT brings a port of the host to the ' +
      'guest), tap:NAME or none (default); mac=ADDRESS and mtu=BYTES for the card',
  },
  {
    name: 'pcap',
    kind: 'path',
    value: 'FILE',
    help: 'capture of the network, pcapng if the name ends so; its times are the guest’s: wall clock at power-on, virtual from there',
  },
  {
    name: 'rules',
    kind: 'path',
    value: 'FILE',
    help:
      'rules as for Snort and Suricata that the frames of the network card are held to, in both directions; what they drop is ' +
      'lost on the wire, and what they tell is a finding',
  },
  {
    name: 'set',
    kind: 'text',
    value: 'NAME=VALUE',
    help: 'what $NAME in these rules is, as HOME_NET=10.0.0.0/8',
    list: true,
  },
  {
    name: 'fail-closed',
    kind: 'flag',
    help: 'drop what cannot be inspected, as a fragment or a segment behind a gap; otherwise it passes',
  },
  {
    name: 'share',
    kind: 'text',
    value: 'DIR[,…]',
    help:
      'folder that the guest can mount: mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 TAG /mnt; tag=TAG ' +
      '(share0, share1 and so on if left out), readonly',
    list: true,
  },
  {
    name: 'virtfs',
    kind: 'text',
    value: 'local,path=DIR,mount_tag=TAG[,…]',
    help: 'the same in QEMU’s words; also security_model=none, readonly=on',
    list: true,
  },
  { name: 'rng', kind: 'flag', help: 'virtio random source, made from the seed (default: there is one)', on: true },
  {
    name: 'virtio',
    kind: 'text',
    value: 'VERSION',
    help: 'modern or legacy register windows of disks and the like (default: modern)',
    choices: ['modern', 'legacy'],
  },
  { name: 'program', kind: 'path', value: 'FILE', help: 'bare-metal program (ELF)', positional: true },
  {
    name: 'snapshot',
    kind: 'path',
    value: 'FILE',
    help: 'snapshot that goes on, with what it was taken with',
    positional: true,
  },
  {
    name: 'save-snapshot',
    kind: 'path',
    value: 'FILE',
    help: 'save the machine: at the end, on Ctrl-A S, or when --save-at says; the run goes on after it',
  },
  {
    name: 'save-at',
    kind: 'place',
    value: 'COUNT|TEXT',
    help: 'save at this number of instructions, or once the console has printed this text',
  },
  {
    name: 'record',
    kind: 'path',
    value: 'FILE',
    help: 'record the run from power-on, for plinth replay; an image boots, even if it is here booted',
  },
  {
    name: 'embed',
    kind: 'flag',
    help: 'the recording holds what was loaded, so that it needs no other file than the disks (default: hashes of files)',
  },
  { name: 'exec', kind: 'text', value: 'COMMAND', help: 'run one command in an image and print its output' },
  {
    name: 'stock',
    kind: 'flag',
    help: 'the image’s kernel as packed, with no options that make it start faster',
  },
  { name: 'cold', kind: 'flag', help: 'boot the image, even if a snapshot of it booted is here' },
  {
    name: 'engine',
    kind: 'text',
    value: 'NAME',
    help: 'interpreter, translator or auto',
    choices: ['auto', 'interpreter', 'translator'],
  },
  { name: 'lockstep', kind: 'flag', help: 'run both engines and stop at the first difference' },
  {
    name: 'gdb',
    kind: 'port',
    value: 'PORT|HOST:PORT',
    help:
      'listen for GDB (target remote :PORT), for this host alone unless another address is given; port 0 for any. ' +
      'A machine that ends while GDB is there can be looked at until it leaves',
  },
  { name: 'paused', kind: 'flag', help: 'wait for GDB before the first instruction' },
  {
    name: 'reverse',
    kind: 'flag',
    help:
      'GDB can go back in the run while it goes on (reverse-continue, reverse-stepi, monitor last-write), and on again to ' +
      'its present; what the guest writes to disks is kept in memory and forgotten',
  },
  {
    name: 'ps',
    kind: 'flag',
    help: 'at the end, the processes of the guest’s Linux, as seen from outside (on a terminal also Ctrl-A P, at any time)',
  },
  { name: 'modules', kind: 'flag', help: 'at the end, the modules of its kernel' },
  {
    name: 'strace',
    kind: 'flag',
    help: 'the system calls of all of a Linux guest’s processes, seen from outside, on standard error: PID COMMAND CALL',
  },
  {
    name: 'ftrace',
    kind: 'text',
    value: 'NAME',
    help:
      'calls and returns of functions of a Linux guest’s kernel, on standard error: PID COMMAND FUNCTION(r0, r1, r2, r3); ' +
      'in NAME * stands for any characters and ? for one',
  },
  {
    name: 'probe',
    kind: 'text',
    value: 'FILE[,…]',
    help:
      'TypeScript or JavaScript file that sets probes ("plinth probe init" writes one), with key=value for it to read; an ' +
      'image boots, even if it is here booted, so that nothing is missed',
    list: true,
  },
  { name: 'probe-output', kind: 'path', value: 'FILE', help: 'where probes print (default: standard error)' },
  {
    name: 'coverage',
    kind: 'path',
    value: 'FILE',
    help: 'the blocks that were executed, as drcov writes them, for Lighthouse and the like; an image boots',
  },
  {
    name: 'core',
    kind: 'path',
    value: 'FILE',
    help: 'the machine as it is at the end, or when it is interrupted, as an ELF core for GDB: registers of all CPUs, and RAM by virtual and physical addresses',
  },
  {
    name: 'on-crash',
    kind: 'text',
    value: 'ACTION',
    help:
      'when the guest has died (a kernel’s panic, a hang with interrupts off, a CPU that can get nowhere, a storm of exceptions): ' +
      'report tells it and goes on, pause keeps the machine for GDB, stop ends the run there. Left out, only what can be ' +
      'seen without looking for a kernel is told',
    choices: ['report', 'pause', 'stop'],
  },
  {
    name: 'hang-seconds',
    kind: 'number',
    value: 'S',
    help: 'virtual seconds that an interrupt may wait for a CPU that masks it, before that is a hang (default: 5)',
  },
  {
    name: 'last-blocks',
    kind: 'path',
    value: 'FILE',
    help: 'the blocks of instructions that were executed last, with count, CPU, address and symbol, as JSON lines',
  },
  {
    name: 'kernel-symbols',
    kind: 'path',
    value: 'FILE',
    help: 'the symbols and unwind tables of a Linux guest’s kernel, as found in its memory, as an ELF file for GDB’s symbol-file; written as soon as there is a kernel',
  },
  { name: 'last-blocks-count', kind: 'count', value: 'N', help: 'how many of them, at most 131072 (default: 10000)' },
  {
    name: 'profile',
    kind: 'path',
    value: 'FILE',
    help: 'stacks, sampled at exact counts of instructions, folded as flame graphs are made of them; an image boots',
  },
  { name: 'profile-interval', kind: 'count', value: 'N', help: 'instructions between two samples (default: 100000)' },
  {
    name: 'trace',
    kind: 'path',
    value: 'FILE',
    help: 'exceptions, interrupts and system calls in virtual time, for Perfetto or chrome://tracing; an image boots',
  },
  {
    name: 'trace-function',
    kind: 'text',
    value: 'NAME',
    help: 'in the trace, also calls of functions by name; * stands for any characters and ? for one',
    list: true,
  },
  {
    name: 'top',
    kind: 'flag',
    help:
      'show what the machine is busy with: speed, exceptions, hottest functions, processes; keys still go to the guest, ' +
      'whose console is shown by its last lines. With --json a line a second',
  },
  { name: 'semihosting', kind: 'flag', help: 'answer Arm semihosting calls; pass the program’s status on' },
  { name: 'realtime', kind: 'flag', help: 'keep virtual time to real time; so by itself on a terminal' },
  {
    name: 'console',
    kind: 'text',
    value: 'WHERE',
    help: 'stdio, pty, socket:PATH, pipe:PATH or none',
    pattern: '^(stdio|pty|none|(socket|pipe):.+)$',
  },
  {
    name: 'seed',
    kind: 'text',
    value: 'HEX',
    help: 'random bytes for the guest; a run with the same seed and wall clock is the same run (default: new ones)',
    pattern: '^([0-9a-fA-F]{2}){1,64}$',
  },
  {
    name: 'wall-clock',
    kind: 'time',
    value: 'TIME',
    help: 'what the guest’s clock shows at power-on: a date or seconds since 1970 (default: now)',
  },
  { name: 'limit-instructions', kind: 'count', value: 'N', help: 'stop after so many instructions' },
  { name: 'limit-seconds', kind: 'number', value: 'S', help: 'stop after so many seconds' },
  { name: 'limit-output', kind: 'size', value: 'BYTES', help: 'stop after so much console output' },
];
