// SPDX-License-Identifier: Apache-2.0
// From a RunSpec and its files, or from a snapshot, to something that runs. What only the shell can give (disks, the bytes
// of the interpreter, deflate, a program's standard streams) comes in as a `DriverHost`.

import {
  type Finding,
  fromHex,
  hex32,
  PlinthError,
  type Section,
  type SectionCodec,
  type Sections,
  type Severity,
  type StateReader,
  StateWriter,
} from '@plinth/core';
import type { BlockDevice } from '../block/block-device.js';
import { type BoardDescription, checkCpuCount, checkRamSize } from '../boards/board.js';
import { boardNamed } from '../boards/boards.js';
import type { InterpreterImage } from '../cpu/interpreter-image.js';
import type { Input } from '../inputs.js';
import type { LoadPlan } from '../loaders/plan.js';
import { Lockstep } from '../lockstep.js';
import { Machine, type MachineNotice, type MachineOptions } from '../machine.js';
import { type DriveSpec, driveSerial } from '../drive-spec.js';
import type { NetSpec } from '../net-spec.js';
import type { RunSpec } from '../run-spec.js';
import { Semihosting, type SemihostingHost } from '../semihosting.js';
import { saveSnapshot, type Snapshot } from '../snapshot/snapshot.js';
import { TranslatedMemory } from '../translated-memory.js';
import { VirtioRng } from '../devices/virtio/rng.js';
import { type AttachedDevices, checkLockstep, countDevices, virtioRngSeed } from './attached-devices.js';
import type { DriverStop, OpenDriver } from './machine-driver.js';
import { planBoot } from './plan-boot.js';
import type { PowerOn, RunFiles } from './run-files.js';

/** What a driver needs of the host. */
export interface DriverHost {
  readonly codec: SectionCodec;
  /** Hears of all that enters from outside: see `MachineOptions.onInput`. */
  readonly onInput?: (input: Input) => void;
  interpreter(): InterpreterImage;
  /** The devices of the run; called once for each machine that takes part. */
  attach(spec: RunSpec, board: BoardDescription): AttachedDevices;
  /** For semihosting: standard error, and bytes from standard input, none at its end. */
  writeError(bytes: Uint8Array): void;
  readInput(size: number): Uint8Array;
}

const HOST_TROUBLE: MachineNotice['kind'] = 'host-trouble';

type Hardware = MachineOptions & { readonly board: BoardDescription };

/** Builds the machine and loads what it is to run; throws for what cannot be loaded. */
export function createDriver(spec: RunSpec, files: RunFiles, host: DriverHost): OpenDriver {
  const plan = planRun(spec, files);
  const name = (files.program ?? files.kernel)?.name ?? spec.machine;
  return createDriverOfPlan(spec, { plan, name, powerOn: files.powerOn ?? spec }, host);
}

/** What the machine of a run loads. */
export function planRun(spec: RunSpec, files: RunFiles): LoadPlan {
  const { board, ramSize, cpus } = hardwareOf(spec);
  const rngSeed = fromHex(files.powerOn?.seed ?? spec.seed);
  return planBoot({ board, ramSize, cpus, virtioDevices: countDevices(spec, board) }, files, rngSeed);
}

/** As `createDriver`, of what such a driver's machine has loaded (`Machine.plan`). */
export function createDriverOfPlan(
  spec: RunSpec,
  start: { readonly plan: LoadPlan; readonly name: string; readonly powerOn: PowerOn },
  host: DriverHost,
): OpenDriver {
  const { plan, name, powerOn } = start;
  const hardware = { ...hardwareOf(spec), wallClockBase: powerOn.wallClock };
  return new Driver(spec, name, hardware, { plan, seed: powerOn.seed }, host);
}

/** The machine that a run asks for. */
function hardwareOf(spec: RunSpec): { readonly board: BoardDescription; ramSize: number; cpus: number } {
  const board = boardNamed(spec.machine);
  if (spec.lockstep && spec.semihosting) {
    const why = 'a semihosting call would be made twice on the host; leave one of the two out';
    throw new PlinthError('input', 'lockstep-semihosting', `lockstep: not together with semihosting: ${why}`);
  }
  if (spec.lockstep) checkLockstep(spec);
  const ramSize = spec.memory ?? board.defaultRamSize;
  checkRamSize(board, ramSize);
  const cpus = spec.cpus ?? 1;
  checkCpuCount(board, cpus);
  return { board, ramSize, cpus };
}

/** A run that goes on with a snapshot: what the machine began with is what it was; how it goes on is what is wanted. */
export function resumedSpec(wanted: RunSpec, { run }: Snapshot): RunSpec {
  const before = run ?? { ...wanted, drives: [], shares: [], net: { kind: 'none' as const }, rng: false };
  const { seed, wallClock, shares, rng, virtio } = before;
  const net = resumedNet(wanted.net, before.net);
  const drives = resumedDrives(wanted.drives, before.drives);
  return { ...wanted, seed, wallClock, drives, shares, rng, virtio, net };
}

/** The disks are the saved ones; where their files are now may be told, for all of them in their order. */
function resumedDrives(wanted: readonly DriveSpec[], saved: readonly DriveSpec[]): readonly DriveSpec[] {
  if (wanted.length === 0) return saved;
  const wrong = (detail: string): PlinthError => new PlinthError('input', 'snapshot-drives', `drive: ${detail}`);
  if (wanted.length !== saved.length) {
    throw wrong(`${wanted.length} given, where the snapshot has ${saved.length}: name all of its disks, or none`);
  }
  return saved.map((drive, n) => {
    const { file, overlay = drive.overlay, ...rest } = wanted[n]!;
    const other = rest.readonly || rest.snapshot || rest.format !== undefined || rest.serial !== undefined;
    if (other || (overlay === undefined) !== (drive.overlay === undefined)) {
      throw wrong(`${file}: with a snapshot only the files of its disks can be told, no options`);
    }
    return { ...drive, file, ...(overlay === undefined ? {} : { overlay }), serial: driveSerial(drive) };
  });
}

/** The card is the saved one; what it is connected to may be another network. */
function resumedNet(wanted: NetSpec, saved: NetSpec): NetSpec {
  if (wanted.kind === 'none' || saved.kind === 'none') return saved;
  return { ...wanted, mac: saved.mac, mtu: saved.mtu };
}

/** Builds the machine that a snapshot is of, as it was when it was taken; `spec` says how to go on. */
export function resumeDriver(spec: RunSpec, snapshot: Snapshot, host: DriverHost): OpenDriver {
  const { board: boardName, cpu, cpus, ramSize, nanosecondsPerInstruction } = snapshot.identity;
  const board = boardNamed(boardName);
  checkRamSize(board, ramSize);
  checkCpuCount(board, cpus);
  const given: Readonly<Record<string, readonly [unknown, unknown]>> = {
    cpu: [spec.cpu ?? cpu, cpu],
    cpus: [spec.cpus ?? cpus, cpus],
    memory: [spec.memory ?? ramSize, ramSize],
  };
  for (const [option, [wanted, saved]] of Object.entries(given)) {
    if (wanted === saved) continue;
    const message = `${option}: ${snapshot.name} was taken with ${String(saved)}: leave this option out`;
    throw new PlinthError('input', 'snapshot-option', message);
  }
  const hardware = { board, ramSize, cpu, cpus, nanosecondsPerInstruction };
  return new Driver(spec, snapshot.name, hardware, { snapshot }, host);
}

/** The section of the open files of semihosting. */
const CALLS = 'semihosting';
const CALLS_VERSION = 1;

/** What a machine begins with: something that was loaded, or its own former state. */
type Start = { readonly plan: LoadPlan; readonly seed: string } | { readonly snapshot: Snapshot };

function begin(machine: Machine, start: Start): void {
  if ('plan' in start) machine.load(start.plan);
  else start.snapshot.restore(machine);
}

/** The port `random`: a new seed for the random source. */
function connectRandom(machine: Machine, { virtio }: AttachedDevices): void {
  for (const device of virtio) if (device instanceof VirtioRng) machine.inputs.connect('random', device);
}

class Driver implements OpenDriver {
  readonly machine: Machine;
  /** What is run: the machine, or it and its twin on the other engine. */
  readonly #runner: Pick<Machine, 'passTime' | 'reset'> & Pick<Lockstep, 'run'>;
  readonly #send: Lockstep['send'];
  readonly #calls: Semihosting;
  readonly name: string;
  /** What repeats the run, for findings that end it. */
  readonly #repeat: Finding['evidence'];
  #output: Uint8Array = new Uint8Array(4096);
  #outputLength: number = 0;
  #findings: Finding[] = [];
  readonly #attached: AttachedDevices[] = [];

  readonly #twin: Machine | undefined;
  readonly #sliceEnds: Set<number> = new Set();
  /** What its snapshots say of the run: one that goes on from another is still a run of what was booted once. */
  readonly #savedRun: RunSpec;
  readonly #host: DriverHost;

  constructor(spec: RunSpec, name: string, hardware: Hardware, start: Start, host: DriverHost) {
    this.#host = host;
    this.name = name;
    const before = 'snapshot' in start ? start.snapshot.run : undefined;
    const { drives, shares, net } = spec;
    this.#savedRun = before === undefined ? spec : { ...before, drives, shares, net };
    this.#repeat = { seed: spec.seed, wallClock: spec.wallClock };
    const common = {
      ...hardware,
      ...(spec.cpu === undefined ? {} : { cpu: spec.cpu }),
      interpreter: host.interpreter(),
      virtioVersion: spec.virtio,
    };
    const engine = spec.lockstep ? 'interpreter' : spec.engine;
    this.machine = new Machine({
      ...common,
      virtio: this.#attach(spec, start, hardware.board),
      ...(engine === 'auto' ? {} : { engine }),
      ...(host.onInput === undefined ? {} : { onInput: host.onInput }),
      onConsole: (byte) => {
        this.#print(byte);
        if (this.#sliceEnds.has(byte)) this.machine.stop();
      },
      // The rest of what was sent is offered at this very instruction.
      onConsoleRoom: () => this.machine.stop(),
      onNotice: ({ kind, message, instruction }) =>
        this.#find(kind === HOST_TROUBLE ? 'medium' : 'info', kind, message, instruction, {}),
      ...(spec.semihosting ? { semihosting: (cpu: Machine['cpu']) => this.#semihosting(cpu) } : {}),
    });
    this.#calls = new Semihosting(
      {
        commandLine: this.name,
        heap: heapOf('plan' in start ? start.plan : undefined, this.machine.memory),
        clock: () => this.machine.clock.now(),
        time: () => spec.wallClock + Math.floor(this.machine.clock.now() / 1e9),
        writeConsole: (bytes, stream) => {
          if (stream === 'error') host.writeError(bytes);
          else for (const byte of bytes) this.#print(byte);
        },
        readConsole: (size) => {
          const bytes = this.machine.inputs.answer('semihosting', () => host.readInput(size));
          return bytes.length === 0 ? 'end' : bytes;
        },
      },
      new TranslatedMemory(this.machine),
    );
    connectRandom(this.machine, this.#attached[0]!);
    begin(this.machine, start);
    if (!spec.lockstep) {
      this.#runner = this.machine;
      this.#send = (port, bytes) => this.machine.inputs.send(port, bytes);
    } else {
      const twin: Machine = new Machine({
        ...common,
        virtio: this.#attach(spec, start, hardware.board),
        engine: 'translator',
        onConsole: (byte) => {
          if (this.#sliceEnds.has(byte)) twin.stop();
        },
        onConsoleRoom: () => twin.stop(),
      });
      connectRandom(twin, this.#attached[1]!);
      begin(twin, start);
      this.#twin = twin;
      const pair = new Lockstep(this.machine, twin);
      this.#runner = pair;
      this.#send = (port, bytes) => pair.send(port, bytes);
    }
  }

  #attach(spec: RunSpec, start: Start, board: BoardDescription): AttachedDevices['virtio'] {
    const attached = this.#host.attach('seed' in start ? { ...spec, seed: start.seed } : spec, board);
    this.#attached.push(attached);
    return attached.virtio;
  }

  get disks(): readonly BlockDevice[] {
    return this.#attached[0]?.disks ?? [];
  }

  get instructions(): number {
    return this.machine.count;
  }

  get virtualTime(): number {
    return this.machine.clock.now();
  }

  #print(byte: number): void {
    if (this.#outputLength === this.#output.length) {
      const larger = new Uint8Array(this.#output.length * 2);
      larger.set(this.#output);
      this.#output = larger;
    }
    this.#output[this.#outputLength++] = byte;
  }

  #find(severity: Severity, rule: string, message: string, instruction: number, subject: Finding['subject']): void {
    // What the host did wrong ends no run: the guest has been told.
    const report = severity === 'info' || rule === HOST_TROUBLE;
    this.#findings.push({
      time: { instruction },
      guest: { kind: 'machine', id: this.machine.board.description.name, name: this.name },
      guard: 'machine',
      rule,
      severity,
      message,
      subject,
      evidence: severity === 'info' ? {} : this.#repeat,
      verdict: report ? 'report' : 'stop',
    });
  }

  #semihosting({ state }: Machine['cpu']): boolean {
    const result = this.#calls.call(state.reg(0), state.reg(1));
    if (result.kind === 'exit') this.machine.exit(result.status);
    else state.setReg(0, result.kind === 'return' ? result.r0 : -1);
    return true;
  }

  send(port: string, bytes: Uint8Array): number {
    return this.#send(port, bytes);
  }

  takeOutput(): Uint8Array {
    const bytes = this.#output.slice(0, this.#outputLength);
    this.#outputLength = 0;
    return bytes;
  }

  endSlicesAt(bytes: readonly number[]): void {
    for (const byte of bytes) this.#sliceEnds.add(byte);
  }

  takeFindings(): readonly Finding[] {
    return this.#findings.splice(0);
  }

  runSlice(maximumInstructions: number, comeBack: boolean): DriverStop {
    const stop = this.#runner.run({ until: this.instructions + maximumInstructions, waitForEvents: comeBack });
    switch (stop.kind) {
      case 'until':
        return { kind: 'slice' };
      case 'requested':
        return { kind: 'slice', requested: true };
      case 'diverged': {
        const { after, by, address, differences } = stop;
        const where = `between instructions ${after} and ${by}, from ${hex32(address)} on`;
        this.#find('critical', 'lockstep', `the engines differ ${where}: ${differences.join('; ')}`, by, { address });
        return { kind: 'finding' };
      }
      case 'fault-loop':
      case 'fetch-denied': {
        const what =
          stop.kind === 'fault-loop'
            ? 'the guest faults for ever, since the handler of its fault faults too'
            : 'the guest may not run this page';
        const message = `${what}, at ${hex32(stop.address)}`;
        this.#find('high', stop.kind, message, this.instructions, { address: stop.address });
        return { kind: 'finding' };
      }
      default:
        return stop;
    }
  }

  /** Whole nanoseconds, in which a recording notes the time. */
  passTime(nanoseconds: number): void {
    this.#runner.passTime(Math.ceil(nanoseconds));
  }

  reset(): void {
    this.#calls.reset();
    this.#runner.reset();
  }

  personalize({ seed, timeOfDay }: { readonly seed: string; readonly timeOfDay: number }): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, timeOfDay, true);
    this.#send('clock', bytes);
    this.#send('random', virtioRngSeed(seed));
  }

  saveState(): readonly Section[] {
    const writer = new StateWriter();
    this.#calls.save(writer);
    const calls = { tag: CALLS, version: CALLS_VERSION, payload: writer.take() };
    return [...this.machine.saveState(), calls];
  }

  restoreState(sections: Sections): void {
    this.machine.restoreState(sections);
    const reader: StateReader = sections.take(CALLS, CALLS_VERSION);
    this.#calls.restore(reader);
    reader.end();
  }

  saveSnapshot(packed: boolean): Promise<readonly Uint8Array[]> {
    const { saveSnapshot: _file, saveAt: _place, record: _record, embed: _embed, ...run } = this.#savedRun;
    this.#twin?.dropTranslations();
    return saveSnapshot(this.machine, packed ? this.#host.codec : undefined, { ...run, embed: false });
  }

  stateHash(): string {
    return this.machine.stateHash();
  }

  [Symbol.dispose](): void {
    for (const attached of this.#attached) attached[Symbol.dispose]();
    this.#calls.reset();
  }
}

/** Room for a program's stack, at the end of RAM. */
const STACK_SIZE = 1024 * 1024;

/** What SYS_HEAPINFO tells: the heap lies between the program and the stack. */
function heapOf(
  plan: LoadPlan | undefined,
  { ramBase, ramSize }: { ramBase: number; ramSize: number },
): SemihostingHost['heap'] {
  const end = ramBase + ramSize;
  const programEnd = Math.max(ramBase, ...(plan?.segments ?? []).map(({ address, bytes }) => address + bytes.length));
  const stackLimit = Math.max(programEnd, end - STACK_SIZE);
  return {
    heapBase: Math.min(stackLimit, (programEnd + 7) & ~7) >>> 0,
    heapLimit: stackLimit,
    stackBase: end,
    stackLimit,
  };
}
