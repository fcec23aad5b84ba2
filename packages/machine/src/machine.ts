// SPDX-License-Identifier: Apache-2.0
// A whole machine: CPU, memory and a board's devices under one virtual clock that counts instructions. `run` goes on to
// an exact count; everything from outside enters between runs. Nothing here reads a host clock.

import { CPU_MODELS, type CpuModel, EXCEPTION, floatHelpers, PSR } from '@plinth/arm';
import {
  assert,
  type EventQueue,
  hex32,
  PlinthError,
  type Section,
  type Sections,
  type StateReader,
  StateWriter,
  type VirtualClock,
  VirtualTime,
} from '@plinth/core';
import {
  type Board,
  type BoardDescription,
  type BoardHost,
  buildBoard,
  checkRamSize,
  type DeviceNoticeKind,
  type PowerRequest,
} from './boards/board.js';
import { virtBoard } from './boards/virt.js';
import { placeVirtio } from './boards/virtio-slots.js';
import { ArchTimer } from './cpu/arch-timer.js';
import { Engine, type EngineKind } from './cpu/engine.js';
import { type InterpreterImage, standardInterpreter } from './cpu/interpreter-image.js';
import { psciCall } from './cpu/psci.js';
import { type CpuHost, type CpuStop, Vcpu } from './cpu/vcpu.js';
import type { VirtioDevice } from './devices/virtio/device.js';
import type { VirtioVersion } from './devices/virtio/transport-mmio.js';
import { type Input, Inputs } from './inputs.js';
import type { LoadPlan } from './loaders/plan.js';
import { CodePages } from './memory/code-pages.js';
import { CPU_BLOCKS_AT, memoryPages } from './memory/layout.js';
import { PhysicalMemory } from './memory/physical-memory.js';
import { ShadowTables } from './memory/shadow-tables.js';
import { restorePlan, savePlan } from './snapshot/plan.js';
import { restoreRam, saveRam } from './snapshot/ram.js';
import { checkIdentity, type MachineIdentity, readIdentity, saveIdentity } from './snapshot/snapshot.js';
import { stateHash } from './state-hash.js';

/** Why `run` returned. */
export type StopReason =
  | { readonly kind: 'until' }
  | { readonly kind: 'shutdown' }
  | { readonly kind: 'reset' }
  /** Every CPU waits for an interrupt, and nothing is scheduled that could raise one. */
  | { readonly kind: 'idle' }
  /** Every CPU waits, and the next event is at this virtual time; only with `waitForEvents`. */
  | { readonly kind: 'waiting'; readonly until: number }
  | { readonly kind: 'exit'; readonly status: number }
  | { readonly kind: 'fault-loop'; readonly address: number }
  | { readonly kind: 'fetch-denied'; readonly address: number }
  | { readonly kind: 'requested' };

/** Something a guest did that its kernel author would want to know. */
export interface MachineNotice {
  readonly kind: 'unknown-register' | 'unknown-device-register' | 'bus-error' | DeviceNoticeKind | 'too-many-notices';
  readonly message: string;
  readonly instruction: number;
}

export interface MachineOptions {
  readonly board?: BoardDescription;
  readonly cpu?: string;
  /** `translator` unless told otherwise. */
  readonly engine?: EngineKind;
  /** The compiled interpreter, if the caller keeps its bytes; all machines may share one. */
  readonly interpreter?: InterpreterImage;
  /**
   * The machine's memory is a SharedArrayBuffer, which other threads may look into. All the same for the guest; some
   * functions of the host (a page's TextDecoder) do not take views of such memory. False if left out.
   */
  readonly sharedMemory?: boolean;
  /** Bytes, a multiple of 4096, up to the board's `maxRamSize`. */
  readonly ramSize?: number;
  /** Virtual nanoseconds that an instruction takes. */
  readonly nanosecondsPerInstruction?: number;
  /** Seconds since 1970 that the real-time clock shows at power-on. */
  readonly wallClockBase?: number;
  /** In the order in which a kernel finds them; `virtioSlots` tells the device tree where they are. */
  readonly virtio?: readonly VirtioDevice[];
  /** Of the virtio windows' registers: `modern` unless told otherwise. */
  readonly virtioVersion?: VirtioVersion;
  /** A byte has come out of the console. */
  readonly onConsole?: (byte: number) => void;
  /** Something from outside has entered, where and what: all of them together repeat the run (`inputs.play`). */
  readonly onInput?: (input: Input) => void;
  /** The console has room again. */
  readonly onConsoleRoom?: () => void;
  /** Once for each different thing, up to a thousand of them. */
  readonly onNotice?: (notice: MachineNotice) => void;
  /** May the page's instructions run? Asked before its first instruction and again after it has changed. */
  readonly fetchGuard?: (page: { address: number; bytes: Uint8Array }) => boolean;
  /** Answers a semihosting call, or says that it was none. */
  readonly semihosting?: (cpu: Vcpu) => boolean;
  /** Time and events of a scheduler that drives several machines in turn; each machine has its own if left out. */
  readonly time?: VirtualTime;
}

/** Largest slice between looks at the event queue. */
const MAX_SLICE = 1 << 30;
/** Notices, the last of which says that no more come: a guest can do ever new odd things. */
const MAX_NOTICES = 1000;

/** Of the sections of CPU, timer, time and devices. */
const COMPONENT_VERSION = 1;

export class Machine implements CpuHost {
  readonly board: Board;
  readonly memory: PhysicalMemory;
  readonly cpu: Vcpu;
  readonly events: EventQueue;
  readonly clock: VirtualClock;
  readonly model: CpuModel;
  /** Bytes of the WebAssembly memory. */
  readonly footprint: number;
  readonly #options: MachineOptions;
  readonly #modelName: string;
  readonly engine: Engine;
  readonly #timer: ArchTimer;
  readonly #nanoseconds: number;
  readonly #noticed = new Set<string>();
  /** Where all data from outside enters; the console is the port `console`. */
  readonly inputs: Inputs;
  #plan: LoadPlan | undefined;
  /** Instructions executed before the current slice, and the slice's size. */
  #countBefore = 0;
  #slice = 0;
  /** Shared with other machines if it was given; else this machine's own. */
  readonly time: VirtualTime;
  #power: PowerRequest | undefined;
  #exitStatus: number | undefined;

  constructor(options: MachineOptions = {}) {
    this.#options = options;
    const description = options.board ?? virtBoard;
    const modelName = options.cpu ?? description.cpu;
    const model = CPU_MODELS[modelName];
    if (model === undefined) {
      const known = Object.keys(CPU_MODELS).join(', ');
      throw new PlinthError('input', 'unknown-cpu', `cpu: there is no model "${modelName}"; choose one of ${known}`);
    }
    this.model = model;
    this.#modelName = modelName;
    const ramSize = options.ramSize ?? description.defaultRamSize;
    checkRamSize(description, ramSize);
    const pages = memoryPages(ramSize);
    const shared = options.sharedMemory ?? false;
    const interpreter = options.interpreter ?? standardInterpreter(shared);
    assert(
      interpreter.sharedMemory === shared,
      `the interpreter is for memory that is ${shared ? 'not ' : ''}shared: give it and the machine the same sharedMemory`,
    );
    const memory = allocate(pages, ramSize, shared);
    this.footprint = pages * 65536;
    this.time = options.time ?? new VirtualTime();
    this.events = this.time.events;
    this.#nanoseconds = options.nanosecondsPerInstruction ?? 4;
    this.clock = { now: () => this.time.elapsed + (this.count - this.#countBefore) * this.#nanoseconds };
    this.inputs = new Inputs({
      place: () => ({ count: this.count, time: this.clock.now() }),
      settle: () => {
        assert(this.#slice === 0, 'data is sent between runs, not from inside one');
        this.events.runUntil(this.clock.now());
      },
      answered: () => this.cpu.requestStop('device'),
      onInput: options.onInput,
    });
    this.memory = new PhysicalMemory(memory, description.ramBase, ramSize);
    const shadow = new ShadowTables(memory, ramSize / 4096);
    const codePages = new CodePages(memory, ramSize / 4096);
    this.cpu = new Vcpu({
      index: 0,
      memory,
      base: CPU_BLOCKS_AT,
      model,
      physical: this.memory,
      shadow,
      codePages,
      host: this,
    });
    this.engine = new Engine({
      kind: options.engine ?? 'translator',
      memory,
      image: interpreter,
      cpus: [this.cpu],
      physical: this.memory,
      codePages,
      pureHelpers: floatHelpers(new Int32Array(memory.buffer)),
    });
    this.cpu.attach(this.engine);
    const extra = placeVirtio(description, options.virtio ?? [], options.virtioVersion);
    const host: BoardHost = {
      cpus: 1,
      clock: this.clock,
      events: this.events,
      wallClockBase: options.wallClockBase ?? 0,
      console: {
        onByte: (byte) => options.onConsole?.(byte),
        onRoom: () => options.onConsoleRoom?.(),
        connect: (input) => this.inputs.connect('console', input),
      },
      memory: this.memory,
      irq: [{ set: (level) => this.cpu.setInterruptLine(PSR.I, level) }],
      fiq: [{ set: (level) => this.cpu.setInterruptLine(PSR.F, level) }],
      currentCpu: () => 0,
      requestPower: (request) => {
        this.#power = request;
      },
      onUnknownRegister: (device, offset, write, value) =>
        this.#notice(
          'unknown-device-register',
          `${device}: ${write ? `write of ${hex32(value)} to` : 'read of'} register 0x${offset.toString(16)}, which it does not have`,
        ),
      onNotice: (kind, message) => this.#notice(kind, message),
    };
    this.board = buildBoard(description, host, extra);
    this.memory.connect(this.board.devices, this.cpu);
    this.#timer = new ArchTimer({
      clock: this.clock,
      events: this.events,
      frequency: description.timerFrequency,
      physical: this.board.interrupts.ppi(0, description.timerInterrupts.physical),
      virtual: this.board.interrupts.ppi(0, description.timerInterrupts.virtual),
    });
    this.reset();
  }

  /** Instructions executed since power-on. */
  get count(): number {
    return this.#countBefore + (this.#slice === 0 ? 0 : this.#slice - this.cpu.budget);
  }

  /** Hash of what the guest can see of CPU and RAM: equal runs have equal hashes at equal counts. */
  stateHash(): string {
    return stateHash(this.cpu.state, this.memory.ram);
  }

  /** Puts a plan's bytes in place and points the CPU at its entry. */
  load(plan: LoadPlan): void {
    this.#plan = plan;
    for (const { address, bytes } of plan.segments) this.memory.writeBytes(address, bytes, 'device');
    this.#start();
  }

  /** Power-on state; the bytes of the last `load` are put back. */
  reset(): void {
    this.#power = undefined;
    this.#exitStatus = undefined;
    this.board.reset();
    this.#timer.reset();
    if (this.#plan !== undefined) this.load(this.#plan);
    else this.#start();
  }

  #start(): void {
    const plan = this.#plan;
    this.cpu.reset(plan?.entry ?? this.memory.ramBase, plan?.thumb ?? false);
    if (plan === undefined) return;
    this.cpu.state.setReg(0, plan.registers.r0);
    this.cpu.state.setReg(1, plan.registers.r1);
    this.cpu.state.setReg(2, plan.registers.r2);
  }

  /** What a machine must share with this one to go on from its snapshot. */
  get identity(): MachineIdentity {
    return {
      board: this.board.description.name,
      cpu: this.#modelName,
      cpus: 1,
      ramSize: this.memory.ramSize,
      nanosecondsPerInstruction: this.#nanoseconds,
    };
  }

  /** Everything that the further run depends on, copied, by component. Not during `run`. */
  save(): Section[] {
    assert(this.#slice === 0, 'a machine is saved between runs');
    return [
      saveIdentity(this.identity),
      ...this.#components().map(({ tag, part }) => {
        const writer = new StateWriter();
        part.save(writer);
        return { tag, version: COMPONENT_VERSION, payload: writer.take() };
      }),
      ...savePlan(this.#plan),
      ...saveRam(this.memory, this.#plan),
    ];
  }

  /** Becomes the machine that was saved; sections of others are left for the caller. After an error it is of no use. */
  restore(sections: Sections): void {
    assert(this.#slice === 0, 'a machine is restored between runs');
    checkIdentity(readIdentity(sections), this.identity);
    this.#power = undefined;
    this.#exitStatus = undefined;
    const untouched = this.#countBefore === 0 && !this.memory.loaded;
    for (const { tag, part } of this.#components()) {
      const reader: StateReader = sections.take(tag, COMPONENT_VERSION);
      part.restore(reader);
      reader.end();
    }
    const { ramBase, ramSize } = this.memory;
    this.#plan = restorePlan(sections, { base: ramBase, size: ramSize });
    restoreRam(this.memory, this.#plan, sections, untouched);
  }

  /** In the order in which they are restored: the CPU comes last, so that nothing wakes it. */
  #components(): { tag: string; part: { save(writer: StateWriter): void; restore(reader: StateReader): void } }[] {
    const count = {
      save: (writer: StateWriter) => writer.f64(this.#countBefore),
      restore: (reader: StateReader) => {
        this.#countBefore = reader.count();
      },
    };
    return [
      { tag: 'count', part: count },
      // Who shares a line of time with others saves it for all of them.
      ...(this.#options.time === undefined ? [{ tag: 'time', part: this.time }] : []),
      ...this.board.devices.map(({ device }) => ({ tag: `device.${device.name}`, part: device })),
      { tag: 'timer.0', part: this.#timer },
      { tag: 'cpu.0', part: this.cpu },
    ];
  }

  /** Makes `run` return before the next instruction. */
  stop(): void {
    this.cpu.requestStop();
  }

  /** Ends the run with a status: for semihosting. */
  exit(status: number): void {
    this.#exitStatus = status;
    this.cpu.requestStop('device');
  }

  /**
   * Runs to exactly `until` instructions (counted since power-on), or to a reason to stop before. With `waitForEvents`
   * an idle machine comes back instead of skipping to the next event, so that the caller can let real time pass; it
   * then calls `passTime`.
   */
  run(options: { until: number; waitForEvents?: boolean }): StopReason {
    assert(this.#slice === 0, 'run is not called from inside run: use stop, and run again when it has come back');
    const until = Math.floor(options.until);
    for (;;) {
      this.events.runUntil(this.clock.now());
      this.inputs.deliver();
      if (this.#power !== undefined) return this.#takePower();
      if (this.#exitStatus !== undefined) return { kind: 'exit', status: this.#exitStatus };
      const left = until - this.#countBefore;
      // Not a number, too.
      if (!(left > 0)) return { kind: 'until' };
      if (this.cpu.waiting) {
        if (this.cpu.takeStop() === 'requested') return { kind: 'requested' };
        const waiting = this.#wait(options.waitForEvents ?? false);
        if (waiting !== undefined) return waiting;
        continue;
      }
      const toInput = (this.inputs.next?.count ?? Infinity) - this.#countBefore;
      const toEvent = Math.ceil((this.events.next() - this.clock.now()) / this.#nanoseconds);
      const stop = this.#execute(Math.min(left, toInput, toEvent, MAX_SLICE));
      if (stop === 'fault-loop' || stop === 'fetch-denied') {
        return { kind: stop, address: this.cpu.state.reg(15) >>> 0 };
      } else if (stop === 'requested') return { kind: 'requested' };
    }
  }

  #execute(budget: number): CpuStop | undefined {
    this.#slice = budget;
    const stop = this.cpu.execute(budget);
    const executed = budget - this.cpu.budget;
    this.#slice = 0;
    this.#countBefore += executed;
    this.time.elapsed += executed * this.#nanoseconds;
    return stop;
  }

  #takePower(): StopReason {
    const kind = this.#power!;
    this.#power = undefined;
    return { kind };
  }

  /** The CPU is in WFI: time goes on to the next event. */
  #wait(comeBack: boolean): StopReason | undefined {
    if (this.cpu.interruptPending) return undefined;
    // An input that was recorded here came while the CPU waited.
    const input = this.inputs.next;
    const next = Math.min(this.events.next(), input?.count === this.#countBefore ? input.time : Infinity);
    if (next === Infinity) return { kind: 'idle' };
    if (comeBack) return { kind: 'waiting', until: next };
    this.passTime(next - this.clock.now());
    return undefined;
  }

  /** Lets virtual time pass while the CPU waits for an interrupt, up to the next event at most. */
  passTime(nanoseconds: number): void {
    if (!this.cpu.waiting || this.cpu.interruptPending) return;
    const now = this.clock.now();
    const until = Math.min(now + Math.max(0, nanoseconds), this.events.next());
    if (until > now && until !== Infinity) this.time.elapsed += until - now;
    this.events.runUntil(this.clock.now());
  }

  #notice(kind: MachineNotice['kind'], message: string): void {
    if (this.#noticed.size >= MAX_NOTICES || this.#noticed.has(message)) return;
    this.#noticed.add(message);
    const instruction = this.count;
    if (this.#noticed.size < MAX_NOTICES) this.#options.onNotice?.({ kind, message, instruction });
    else {
      const last = 'the guest does more odd things than are told here';
      this.#options.onNotice?.({ kind: 'too-many-notices', message: last, instruction });
    }
  }

  // ---- CpuHost ------------------------------------------------------------------------------------------------

  firmwareCall(cpu: Vcpu, conduit: 'hvc' | 'smc'): boolean {
    if (this.board.description.psci !== conduit) return false;
    const result = psciCall(cpu.state.reg(0), cpu.state.reg(1), 1);
    if (result === undefined) cpu.state.setReg(0, -1);
    else {
      cpu.state.setReg(0, result.value);
      if (result.request === 'off') this.#power = 'shutdown';
      else if (result.request === 'reset') this.#power = 'reset';
      else if (result.request === 'suspend') cpu.waitForInterrupt();
    }
    return true;
  }

  semihostingCall(cpu: Vcpu, kind: number, immediate: number): boolean {
    const handler = this.#options.semihosting;
    if (handler === undefined) return false;
    const wanted = cpu.state.thumb ? 0xab : 0x123456;
    if (kind !== EXCEPTION.supervisorCall || immediate !== wanted) return false;
    return handler(cpu);
  }

  fetchAllowed(page: number): boolean {
    const guard = this.#options.fetchGuard;
    if (guard === undefined) return true;
    const address = this.memory.ramBase + page * 4096;
    return guard({ address, bytes: this.memory.bytes(address, 4096)! });
  }

  timerRead(crm: number, opc2: number): number | undefined {
    return this.#timer.read(crm, opc2);
  }
  timerWrite(crm: number, opc2: number, value: number): boolean {
    return this.#timer.write(crm, opc2, value);
  }
  timerRead64(opc1: number): bigint | undefined {
    return this.#timer.read64(opc1);
  }
  timerWrite64(opc1: number, value: bigint): boolean {
    return this.#timer.write64(opc1, value);
  }

  unknownRegister(description: string, write: boolean): void {
    this.#notice(
      'unknown-register',
      `${write ? 'write to' : 'read of'} system register ${description}, which this CPU does not have`,
    );
  }

  busError(address: number): void {
    this.#notice('bus-error', `access to ${hex32(address)}, where nothing is on the bus`);
  }
}

function allocate(pages: number, ramSize: number, shared: boolean): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  } catch (cause) {
    const size = Math.round(ramSize / 1048576);
    throw new PlinthError(
      'host',
      'no-memory',
      `memory: this host cannot provide ${size} MiB for the guest; ask for less`,
      {
        cause,
      },
    );
  }
}
