// SPDX-License-Identifier: Apache-2.0
// A run as a value: what to run (`RunSpec`, plain JSON) and what came of it (`RunResult`, plain JSON). The command line
// only builds a RunSpec, so that a job queue can too. Names of files stand for bytes that the shell reads.

import { type Finding, PlinthError } from '@plinth/core';
import { MOST_BLOCKS } from './cpu/block-ring.js';
import type { VirtioVersion } from './devices/virtio/transport-mmio.js';
import { type DriveSpec, parseDriveSpec } from './drive-spec.js';
import { type NetSpec, parseNetSpec } from './net-spec.js';
import { parseShareSpecs, type ShareSpec } from './share-spec.js';

export type EngineName = 'auto' | 'interpreter' | 'translator';
export type CrashActionName = 'report' | 'pause' | 'stop';

export interface RunLimits {
  readonly instructions?: number;
  /** Of the host's time. */
  readonly seconds?: number;
  /** Bytes of console output. */
  readonly output?: number;
}

export interface RunSpec {
  /** Board. */
  readonly machine: string;
  /** Model; the board's own if left out. */
  readonly cpu?: string;
  /** Number of CPUs; one if left out. */
  readonly cpus?: number;
  /** Bytes of RAM, a multiple of 4096; the board's default if left out. */
  readonly memory?: number;
  /** A guest image by name; brings kernel, initrd and their command line. */
  readonly image?: string;
  /** What the guest writes to the disk of the image goes into this file; forgotten if left out. */
  readonly overlay?: string;
  /** zImage, Image or ELF. */
  readonly kernel?: string;
  readonly initrd?: string;
  readonly dtb?: string;
  /** Kernel command line; with an image it is added to the image's own. */
  readonly append?: string;
  /** A bare-metal program (ELF). */
  readonly program?: string;
  /** A saved machine that goes on; board, RAM and what was loaded come with it. */
  readonly snapshot?: string;
  /** Where a snapshot is saved: when `saveAt` says, else when the user asks or the run ends. */
  readonly saveSnapshot?: string;
  /** A number of instructions since power-on, or text that the console has printed. */
  readonly saveAt?: number | string;
  /** Where the run is recorded. */
  readonly record?: string;
  /** The recording holds what the run was started with, and needs no other file. */
  readonly embed: boolean;
  /** One command to run in the guest of an image; the marker tells its output from the rest of the console's. */
  readonly exec?: { readonly command: string; readonly marker: string };
  /** In the order in which the guest finds them. */
  readonly drives: readonly DriveSpec[];
  /** Folders of the host that the guest can mount. */
  readonly shares: readonly ShareSpec[];
  /** Gives the guest a source of random numbers, made from the seed. */
  readonly rng: boolean;
  /** The network card, if there is one. */
  readonly net: NetSpec;
  /** A capture of all frames of the card; pcapng if its name ends so, else pcap. */
  readonly pcap?: string;
  /** Rules for packets that the frames of the card are held to. */
  readonly rules?: string;
  /** What `$NAME` is in them, NAME=VALUE. */
  readonly ruleVariables?: readonly string[];
  /** What they cannot be decided on is dropped. */
  readonly failClosed: boolean;
  /** Which version of virtio the devices have. */
  readonly virtio: VirtioVersion;
  readonly engine: EngineName;
  /** Both engines side by side, stopping at the first difference. */
  readonly lockstep: boolean;
  /** Where debuggers connect: `PORT` or `HOST:PORT`; without a host only this one, port 0 for any. */
  readonly gdb?: string;
  /** The machine waits for a debugger to let it go. */
  readonly paused: boolean;
  /** The debugger can go back in the run while it goes on. */
  readonly reverse: boolean;
  /** The processes of the guest's Linux are told at the end. */
  readonly ps: boolean;
  /** The modules of its kernel are. */
  readonly modules: boolean;
  /** Its system calls are told as they end. */
  readonly strace: boolean;
  /** So are calls of those functions of its kernel whose names match, and their returns. */
  readonly ftrace?: string;
  /** Files that set probes. */
  readonly probes: readonly ProbeSpec[];
  /** Where they print; standard error if left out. */
  readonly probeOutput?: string;
  /** Where the blocks go that were executed, as drcov has them. */
  readonly coverage?: string;
  /** File for the machine at the end of the run, as an ELF core. */
  readonly core?: string;
  /** What is done when the guest has died; it is only told, and no kernel's panic is looked for, if left out. */
  readonly onCrash?: CrashActionName;
  /** Virtual seconds that an interrupt may wait for a CPU that masks it. */
  readonly hangSeconds?: number;
  /** Where the blocks go that were executed last, as JSON lines. */
  readonly lastBlocks?: string;
  /** How many. */
  readonly lastBlocksCount?: number;
  /** Where the symbols of a Linux kernel in memory go, as an ELF file. */
  readonly kernelSymbols?: string;
  /** Where sampled stacks go, folded. */
  readonly profile?: string;
  /** Instructions between two samples. */
  readonly profileInterval?: number;
  /** Where events go, in the Trace Event Format. */
  readonly trace?: string;
  /** Functions whose calls are among them, with `*` and `?`. */
  readonly traceFunctions?: readonly string[];
  /** What the machine is busy with is shown while it runs. */
  readonly top: boolean;
  readonly semihosting: boolean;
  /** The image's kernel as packed, with no options that make it start faster. */
  readonly stock: boolean;
  /** The image boots, even if there is a snapshot of it booted. */
  readonly cold: boolean;
  /** Virtual time never runs ahead of the host's. */
  readonly realtime: boolean;
  /** `stdio`, `pty`, `socket:PATH`, `pipe:PATH` or `none`. */
  readonly console: string;
  readonly limits: RunLimits;
  /** Seconds since 1970 that the real-time clock shows at power-on. */
  readonly wallClock: number;
  /** Random bytes for the guest's generator, in hexadecimal; the same seed, the same run. */
  readonly seed: string;
}

export interface ProbeSpec {
  readonly file: string;
  /** What the user tells the probe. */
  readonly options: Readonly<Record<string, string>>;
}

export type RunExit =
  | { readonly kind: 'shutdown' }
  | { readonly kind: 'reset' }
  /** The program ended by semihosting, or the command of `exec` did. */
  | { readonly kind: 'exit'; readonly status: number }
  | { readonly kind: 'limit'; readonly limit: keyof RunLimits }
  /** Every CPU waits for an interrupt that nothing will raise. */
  | { readonly kind: 'idle' }
  /** What the guest did ended the run; the last finding says what. */
  | { readonly kind: 'finding' }
  /** The user left. */
  | { readonly kind: 'user' };

export interface RunCounts {
  readonly instructions: number;
  /** Nanoseconds. */
  readonly virtualTime: number;
  /** Seconds. */
  readonly hostTime: number;
  /** Bytes. */
  readonly consoleOutput: number;
}

export interface RunResult {
  readonly exit: RunExit;
  readonly findings: readonly Finding[];
  /** `Machine.stateHash` at the end. */
  readonly stateHash?: string;
  readonly counts: RunCounts;
}

const ENGINES: readonly string[] = ['auto', 'interpreter', 'translator'];
const STRINGS = [
  'machine',
  'cpu',
  'image',
  'overlay',
  'kernel',
  'initrd',
  'dtb',
  'append',
  'program',
  'snapshot',
  'saveSnapshot',
  'record',
  'gdb',
  'ftrace',
  'probeOutput',
  'coverage',
  'core',
  'lastBlocks',
  'kernelSymbols',
  'profile',
  'trace',
  'pcap',
  'rules',
  'virtio',
  'engine',
  'console',
  'seed',
] as const;
const FLAGS = [
  'lockstep',
  'semihosting',
  'stock',
  'cold',
  'realtime',
  'embed',
  'paused',
  'reverse',
  'ps',
  'modules',
  'strace',
  'top',
  'failClosed',
] as const;
const LIMITS = ['instructions', 'seconds', 'output'] as const;
const CRASH_ACTIONS: readonly string[] = ['report', 'pause', 'stop'];
const VIRTIO_VERSIONS: readonly string[] = ['modern', 'legacy'];
const DEFAULTS = {
  machine: 'virt',
  virtio: 'modern',
  engine: 'auto',
  console: 'stdio',
  seed: '00'.repeat(32),
} as const;
/** Longest argument that Linux passes to a program (MAX_ARG_STRLEN), less room for its end. */
const MAX_COMMAND = 128 * 1024 - 16;

/**
 * Checks a value of outside origin and fills in defaults. Every complaint is one line that names the field.
 * Whether files exist and what is in them is not looked at.
 */
export function parseRunSpec(value: unknown): RunSpec {
  const input = record(value, 'run');
  const known = new Set<string>([
    ...STRINGS,
    ...FLAGS,
    'rng',
    'drives',
    'net',
    'shares',
    'probes',
    'profileInterval',
    'traceFunctions',
    'ruleVariables',
    'onCrash',
    'hangSeconds',
    'lastBlocksCount',
    'cpus',
    'memory',
    'exec',
    'limits',
    'wallClock',
    'saveAt',
  ]);
  for (const key of Object.keys(input)) if (!known.has(key)) throw wrong(key, 'there is no such option');
  const text: Partial<Record<(typeof STRINGS)[number], string>> = {};
  for (const key of STRINGS) {
    const given = input[key];
    if (given === undefined) continue;
    if (typeof given !== 'string' || given === '') throw wrong(key, 'a text is needed');
    text[key] = given;
  }
  const flags = Object.fromEntries(FLAGS.map((key) => [key, flag(input[key], key)])) as Record<
    (typeof FLAGS)[number],
    boolean
  >;
  const { cpus, memory } = input;
  if (cpus !== undefined && !isCount(cpus)) throw wrong('cpus', 'a whole number above 0 is needed');
  if (memory !== undefined && (!isCount(memory) || memory % 4096 !== 0)) {
    throw wrong('memory', 'a multiple of 4096 bytes is needed, for example 256M');
  }
  const spec: RunSpec = {
    ...DEFAULTS,
    ...text,
    drives: parseDrives(input['drives'] ?? []),
    shares: parseShareSpecs(input['shares'] ?? []),
    probes: parseProbes(input['probes'] ?? []),
    rng: flag(input['rng'] ?? true, 'rng'),
    net: parseNetSpec(input['net'] ?? { kind: 'none' }),
    virtio: virtioVersion(text.virtio ?? DEFAULTS.virtio),
    engine: engine(text.engine ?? DEFAULTS.engine),
    ...flags,
    ...(isCount(cpus) ? { cpus } : {}),
    ...(isCount(memory) ? { memory } : {}),
    ...(input['exec'] === undefined ? {} : { exec: parseExec(input['exec']) }),
    ...(input['saveAt'] === undefined ? {} : { saveAt: parseSaveAt(input['saveAt']) }),
    ...(input['profileInterval'] === undefined ? {} : { profileInterval: parseInterval(input['profileInterval']) }),
    ...(input['onCrash'] === undefined ? {} : { onCrash: crashAction(input['onCrash']) }),
    ...(input['hangSeconds'] === undefined ? {} : { hangSeconds: parseSeconds(input['hangSeconds'], 'hang-seconds') }),
    ...(input['lastBlocksCount'] === undefined ? {} : { lastBlocksCount: parseBlocks(input['lastBlocksCount']) }),
    ...(input['traceFunctions'] === undefined ? {} : { traceFunctions: parseNames(input['traceFunctions']) }),
    ...(input['ruleVariables'] === undefined ? {} : { ruleVariables: parseVariables(input['ruleVariables']) }),
    limits: parseLimits(input['limits'] ?? {}),
    wallClock: parseWallClock(input['wallClock'] ?? 0),
  };
  checkCombination(spec);
  return spec;
}

function checkCombination(spec: RunSpec): void {
  const sources = (['image', 'kernel', 'program', 'snapshot'] as const).filter((key) => spec[key] !== undefined);
  if (sources.length !== 1) {
    const given = sources.length === 0 ? 'nothing to run is given' : `${sources.join(' and ')} exclude each other`;
    throw new PlinthError('input', 'run-spec', `${given}: name an image, a kernel, a program or a snapshot`);
  }
  if (spec.exec !== undefined && spec.image === undefined)
    throw wrong('exec', 'needs an image, which knows how to obey it');
  if (spec.overlay !== undefined && spec.image === undefined) {
    throw wrong('overlay', 'is about the disk of an image; for another disk write --drive FILE,overlay=FILE');
  }
  if (spec.stock && spec.image === undefined) throw wrong('stock', 'is about the kernel of an image');
  if (spec.cold && spec.image === undefined) throw wrong('cold', 'is about an image, which may be here booted');
  if (spec.initrd !== undefined && spec.kernel === undefined) throw wrong('initrd', 'needs a kernel');
  if (spec.append !== undefined && spec.program !== undefined) throw wrong('append', 'needs a kernel or an image');
  if (spec.saveAt !== undefined && spec.saveSnapshot === undefined) throw wrong('save-at', 'needs save-snapshot');
  if (spec.saveSnapshot !== undefined && spec.exec !== undefined) {
    throw wrong('save-snapshot', 'not together with exec, whose output would be cut in two');
  }
  if (spec.saveSnapshot !== undefined && spec.semihosting) {
    throw wrong('save-snapshot', 'not together with semihosting, whose open files are the host’s');
  }
  if (spec.pcap !== undefined && spec.net.kind === 'none') throw wrong('pcap', 'needs a network: net');
  if (spec.rules !== undefined && spec.net.kind === 'none') throw wrong('rules', 'needs a network: net');
  if (spec.failClosed && spec.rules === undefined) throw wrong('fail-closed', 'is about rules for packets: rules');
  if (spec.ruleVariables !== undefined && spec.rules === undefined) {
    throw wrong('set', 'is about rules for packets: rules');
  }
  if (spec.embed && spec.record === undefined) throw wrong('embed', 'is about a recording: record');
  if (spec.record !== undefined && spec.lockstep)
    throw wrong('record', 'not together with lockstep: a replay compares');
  if (spec.gdb !== undefined && !isPort(spec.gdb)) {
    throw wrong('gdb', `"${spec.gdb}" is no place to listen: write PORT or HOST:PORT`);
  }
  if (spec.gdb !== undefined && spec.lockstep)
    throw wrong('gdb', 'not together with lockstep, which runs two machines');
  if (spec.lockstep && (spec.strace || spec.ftrace !== undefined))
    throw wrong(spec.strace ? 'strace' : 'ftrace', 'not together with lockstep, which runs two machines');
  if (spec.probes.length > 0 && spec.lockstep)
    throw wrong('probe', 'not together with lockstep, which runs two machines');
  if (spec.top && spec.lockstep) throw wrong('top', 'not together with lockstep, which runs two machines');
  const wanted = (['coverage', 'core', 'lastBlocks', 'profile', 'trace'] as const).find(
    (key) => spec[key] !== undefined,
  );
  if (wanted !== undefined && spec.lockstep) {
    throw wrong(
      wanted === 'lastBlocks' ? 'last-blocks' : wanted,
      'not together with lockstep, which runs two machines',
    );
  }
  if (spec.kernelSymbols !== undefined && spec.program !== undefined)
    throw wrong('kernel-symbols', 'are of a Linux kernel in memory; a program’s are in its own file');
  if (spec.onCrash !== undefined && spec.lockstep)
    throw wrong('on-crash', 'not together with lockstep, which runs two machines');
  if (spec.onCrash === 'pause' && spec.gdb === undefined)
    throw wrong('on-crash', 'pause needs gdb, which looks at the machine and lets it go');
  if (spec.lastBlocksCount !== undefined && spec.lastBlocks === undefined)
    throw wrong('last-blocks-count', 'needs last-blocks');
  if (spec.profileInterval !== undefined && spec.profile === undefined)
    throw wrong('profile-interval', 'needs profile');
  if (spec.traceFunctions !== undefined && spec.trace === undefined) throw wrong('trace-function', 'needs trace');
  if (spec.probeOutput !== undefined && spec.probes.length === 0) throw wrong('probe-output', 'needs probe');
  if (spec.paused && spec.gdb === undefined) throw wrong('paused', 'needs gdb, which lets the machine go');
  if (spec.reverse) checkReverse(spec);
  if (spec.lockstep && spec.engine !== 'auto') throw wrong('lockstep', 'runs both engines, so none can be chosen');
  if (!/^([0-9a-f]{2}){1,64}$/.test(spec.seed)) throw wrong('seed', '1 to 64 bytes in hexadecimal are needed');
  if (!/^(stdio|pty|none|(socket|pipe):.+)$/.test(spec.console)) {
    throw wrong('console', `"${spec.console}" is none of stdio, pty, socket:PATH, pipe:PATH, none`);
  }
}

/** What would happen twice when the run is executed again, or could not be taken back, is not for such a run. */
function checkReverse(spec: RunSpec): void {
  if (spec.gdb === undefined) throw wrong('reverse', 'needs gdb, which goes back');
  if (spec.record !== undefined) {
    throw wrong('reverse', 'not together with record: plinth replay FILE --gdb PORT goes back in a recorded run');
  }
  if (spec.saveSnapshot !== undefined) throw wrong('reverse', 'not together with save-snapshot');
  if (spec.shares.length > 0) throw wrong('reverse', 'not together with share: a folder of the host does not go back');
  const told: Readonly<Record<string, boolean>> = {
    probe: spec.probes.length > 0,
    strace: spec.strace,
    ftrace: spec.ftrace !== undefined,
    coverage: spec.coverage !== undefined,
    profile: spec.profile !== undefined,
    trace: spec.trace !== undefined,
    'last-blocks': spec.lastBlocks !== undefined,
    top: spec.top,
  };
  const telling = Object.keys(told).find((key) => told[key]);
  if (telling !== undefined) throw wrong('reverse', `not together with ${telling}, which would tell things again`);
  const written = spec.drives.find(({ readonly, snapshot }) => !readonly && !snapshot)?.file ?? spec.overlay;
  if (written !== undefined) {
    throw wrong('reverse', `${written} is written, which cannot be taken back: a drive needs snapshot or readonly`);
  }
}

/** `PORT` or `HOST:PORT`. */
export function isPort(place: string): boolean {
  const port = /^(?:.*:)?(\d{1,5})$/.exec(place)?.[1];
  return port !== undefined && Number(port) < 65536;
}

function parseWallClock(value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw wrong('wallClock', 'seconds since 1970 are needed, as a whole number below 2^32');
  }
  return value;
}

function parseSaveAt(value: unknown): number | string {
  if (isCount(value) || (typeof value === 'string' && value !== '')) return value;
  throw wrong('save-at', 'a number of instructions or a text of the console is needed');
}

function parseExec(value: unknown): { command: string; marker: string } {
  const { command, marker } = record(value, 'exec');
  if (typeof command !== 'string' || command === '') throw wrong('exec', 'a command is needed');
  if (command.length > MAX_COMMAND || command.includes('\0')) {
    throw wrong('exec', `the command must be shorter than ${MAX_COMMAND} characters, without zero bytes`);
  }
  if (typeof marker !== 'string' || !/^[0-9a-f]{16,64}$/.test(marker)) {
    throw wrong('exec', 'a marker of 16 to 64 hexadecimal digits is needed');
  }
  return { command, marker };
}

function parseLimits(value: unknown): RunLimits {
  const input = record(value, 'limits');
  const limits: { -readonly [K in keyof RunLimits]: RunLimits[K] } = {};
  for (const [key, given] of Object.entries(input)) {
    const name = LIMITS.find((limit) => limit === key);
    if (name === undefined) throw wrong(`limits.${key}`, 'there is no such limit');
    const valid = name === 'seconds' ? typeof given === 'number' && given > 0 && given < Infinity : isCount(given);
    if (!valid) throw wrong(`limit-${key}`, 'a number above 0 is needed');
    limits[name] = given as number;
  }
  return limits;
}

function parseDrives(value: unknown): DriveSpec[] {
  if (!Array.isArray(value)) throw wrong('drives', 'a list is needed');
  return value.map(parseDriveSpec);
}

function parseInterval(value: unknown): number {
  if (isCount(value)) return value;
  throw wrong('profile-interval', 'a whole number of instructions above 0 is needed');
}

function crashAction(value: unknown): CrashActionName {
  if (typeof value === 'string' && CRASH_ACTIONS.includes(value)) return value as CrashActionName;
  throw wrong('on-crash', `"${String(value)}" is none of ${CRASH_ACTIONS.join(', ')}`);
}

function parseSeconds(value: unknown, option: string): number {
  if (typeof value === 'number' && value > 0 && value < Infinity) return value;
  throw wrong(option, 'a number of seconds above 0 is needed');
}

function parseBlocks(value: unknown): number {
  if (isCount(value) && value <= MOST_BLOCKS) return value;
  throw wrong('last-blocks-count', `a whole number from 1 to ${MOST_BLOCKS} is needed`);
}

function parseNames(value: unknown): string[] {
  const names = [value].flat();
  if (names.every((name) => typeof name === 'string' && name !== '')) return names as string[];
  throw wrong('trace-function', 'names of functions are needed');
}

function parseVariables(value: unknown): string[] {
  const settings = [value].flat();
  if (settings.every((one) => typeof one === 'string')) return settings as string[];
  throw wrong('set', 'texts are needed, as HOME_NET=10.0.0.0/8');
}

function parseProbes(value: unknown): ProbeSpec[] {
  if (!Array.isArray(value)) throw wrong('probes', 'a list is needed');
  return value.map((item) => {
    const { file, options } = record(item, 'probes');
    if (typeof file !== 'string' || file === '') throw wrong('probe', 'a file is needed');
    const entries = Object.entries(record(options ?? {}, 'probes'));
    for (const [key, text] of entries) if (typeof text !== 'string') throw wrong('probe', `${key}: a text is needed`);
    return { file, options: Object.fromEntries(entries) as Record<string, string> };
  });
}

function virtioVersion(name: string): VirtioVersion {
  if (!VIRTIO_VERSIONS.includes(name)) throw wrong('virtio', `"${name}" is none of ${VIRTIO_VERSIONS.join(', ')}`);
  return name as VirtioVersion;
}

function engine(name: string): EngineName {
  if (!ENGINES.includes(name)) throw wrong('engine', `"${name}" is none of ${ENGINES.join(', ')}`);
  return name as EngineName;
}

function flag(value: unknown, key: string): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw wrong(key, 'true or false is needed');
  return value ?? false;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw wrong(what, 'an object with options is needed');
}

function wrong(key: string, detail: string): PlinthError {
  const line = `${key}: ${detail}`.replace(/\p{Cc}/gu, '?');
  return new PlinthError('input', 'run-spec', line);
}
