// SPDX-License-Identifier: Apache-2.0
// A whole machine: CPU, memory and a board's devices under one virtual clock that counts instructions. `run` goes on to
// an exact count; everything from outside enters between runs. Nothing here reads a host clock.

import { CPU_BLOCK_SIZE, CPU_MODELS, type CpuModel, EXCEPTION, floatHelpers, PSR } from '@plinth/arm';
import {
  assert,
  type EventQueue,
  hex32,
  PlinthError,
  type Section,
  type Sections,
  splitSection,
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
  checkCpuCount,
  checkRamSize,
  type DeviceNoticeKind,
  type PowerRequest,
} from './boards/board.js';
import { virtBoard } from './boards/virt.js';
import { placeVirtio } from './boards/virtio-slots.js';
import { ArchTimer } from './cpu/arch-timer.js';
import { Engine, type EngineKind } from './cpu/engine.js';
import { BlockRing } from './cpu/block-ring.js';
import { Blocks } from './cpu/blocks.js';
import { Hooks } from './cpu/hooks.js';
import { type InterpreterImage, standardInterpreter } from './cpu/interpreter-image.js';
import { PSCI_NOT_SUPPORTED, psciCall } from './cpu/psci.js';
import { Taps } from './cpu/taps.js';
import { Turns } from './cpu/turns.js';
import type { CpuHost, CpuStop } from './cpu/cpu-host.js';
import { Vcpu } from './cpu/vcpu.js';
import type { Device } from './devices/device.js';
import type { VirtioDevice } from './devices/virtio/device.js';
import type { VirtioVersion } from './devices/virtio/transport-mmio.js';
import { type Input, Inputs } from './inputs.js';
import type { BootHardware, LoadPlan } from './loaders/plan.js';
import { CodePages } from './memory/code-pages.js';
import { Counters } from './memory/counters.js';
import { blockRingBase, CPU_BLOCKS_AT, memoryPages } from './memory/layout.js';
import { PhysicalMemory } from './memory/physical-memory.js';
import { ShadowTables } from './memory/shadow-tables.js';
import { VirtualWatches } from './memory/virtual-watches.js';
import { restorePlan, savePlan } from './snapshot/plan.js';
import { restoreRam, saveRam } from './snapshot/ram.js';
import { checkIdentity, type MachineIdentity, readIdentity, saveIdentity } from './snapshot/snapshot.js';
import { cpuHash, stateHash } from './state-hash.js';

/** Why `run` returned. */
export type StopReason =
  | { readonly kind: 'until' }
  | { readonly kind: 'shutdown' }
  | { readonly kind: 'reset' }
  /** Every CPU waits or is off, and nothing is scheduled that could wake one. */
  | { readonly kind: 'idle' }
  /** Every CPU waits, and the next event is at this virtual time; only with `waitForEvents`. */
  | { readonly kind: 'waiting'; readonly until: number }
  | { readonly kind: 'exit'; readonly status: number }
  | { readonly kind: 'fault-loop'; readonly address: number }
  | { readonly kind: 'fetch-denied'; readonly address: number }
  /** A hook said so, before the instruction at this virtual address, which is not counted. */
  | { readonly kind: 'hook'; readonly address: number }
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
  /** CPUs, which execute in turn; 1 unless told otherwise, at most what the board has room for. */
  readonly cpus?: number;
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
/** Each instruction may be a block, and the ring's head counts in 32 bits. */
const MAX_SLICE_WITH_RING = 1 << 28;
/** Notices, the last of which says that no more come: a guest can do ever new odd things. */
const MAX_NOTICES = 1000;

/** Of the sections of CPU, timer, time and devices. */
const COMPONENT_VERSION = 1;

/** A part of the machine that is saved by itself. */
type Component = Pick<Device, 'stateVersion' | 'save' | 'restore'>;

export class Machine implements CpuHost {
  readonly board: Board;
  readonly memory: PhysicalMemory;
  /** Who is told before instructions. */
  readonly hooks: Hooks;
  /** Who counts or is told of the blocks that are executed. */
  readonly blocks: Blocks;
  /** Who is told of exceptions, translations, devices and the console. */
  readonly taps: Taps;
  /** Who is told of the CPUs' accesses to virtual addresses. */
  readonly virtualWatches: VirtualWatches;
  /** The first is on at power-on, the guest turns on the others (PSCI). */
  readonly cpus: readonly Vcpu[];
  readonly events: EventQueue;
  readonly clock: VirtualClock;
  readonly model: CpuModel;
  /** Bytes of the WebAssembly memory. */
  readonly footprint: number;
  readonly #options: MachineOptions;
  readonly #modelName: string;
  readonly engine: Engine;
  readonly #timers: readonly ArchTimer[];
  readonly #turns: Turns;
  readonly #ring: BlockRing;
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
  #stopRequested = false;

  constructor(options: MachineOptions = {}) {
    this.#options = options;
    const description = options.board ?? virtBoard;
    const modelName = options.cpu ?? description.cpu;
    const model = CPU_MODELS[modelName];
    if (model === undefined) {
      const known = Object.keys(CPU_MODELS).join(', ');
      throw new PlinthError('input', 'unknown-cpu', `cpu: there is no model "${modelName}"; choose one of ${known}`);
    }
    const count = options.cpus ?? 1;
    checkCpuCount(description, count);
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
      answered: () => this.currentCpu.requestStop('device'),
      onInput: options.onInput,
    });
    this.memory = new PhysicalMemory(memory, description.ramBase, ramSize);
    const shadow = new ShadowTables(memory, ramSize / 4096);
    const codePages = new CodePages(memory, ramSize / 4096);
    const counters = new Counters(memory, ramSize);
    this.hooks = new Hooks(this.memory, counters, {
      changed: (page) => this.currentCpu.hooksChanged(page),
      virtualChanged: (first, last) => {
        shadow.dropRange(first, last);
        this.currentCpu.fetchAnew();
      },
    });
    this.taps = new Taps(this.memory);
    this.#ring = new BlockRing(memory, blockRingBase(ramSize));
    this.blocks = new Blocks(codePages, counters, this.#ring, () => {
      for (const cpu of this.cpus) cpu.blocksChanged();
      // In the middle of a slice, too.
      if (this.#slice > 0 && this.#ring.active)
        this.#ring.slice(this.currentCpu.index, this.#countBefore + this.#slice);
    });
    this.virtualWatches = new VirtualWatches(this.memory, {
      changed: (first, last) => shadow.dropRange(first, last),
      ended: () => this.currentCpu.watchesEnded(),
    });
    this.cpus = Array.from(
      { length: count },
      (_, index) =>
        new Vcpu({
          index,
          memory,
          base: CPU_BLOCKS_AT + index * CPU_BLOCK_SIZE,
          model,
          physical: this.memory,
          shadow,
          codePages,
          hooks: this.hooks,
          blocks: this.blocks,
          taps: this.taps,
          watches: this.virtualWatches,
          host: this,
        }),
    );
    this.#turns = new Turns(this.cpus);
    this.engine = new Engine({
      kind: options.engine ?? 'translator',
      memory,
      image: interpreter,
      cpus: this.cpus,
      physical: this.memory,
      codePages,
      hooks: this.hooks,
      blocks: this.blocks,
      pureHelpers: floatHelpers(new Int32Array(memory.buffer)),
    });
    for (const cpu of this.cpus) cpu.attach(this.engine);
    const extra = placeVirtio(description, options.virtio ?? [], options.virtioVersion);
    for (const { inputs } of options.virtio ?? []) {
      for (const [name, port] of inputs ?? []) this.inputs.connect(name, port);
    }
    const host: BoardHost = {
      cpus: count,
      clock: this.clock,
      events: this.events,
      wallClockBase: options.wallClockBase ?? 0,
      console: {
        onByte: (byte) => {
          options.onConsole?.(byte);
          this.taps.console.tell(byte);
        },
        onRoom: () => options.onConsoleRoom?.(),
        connect: (input) => this.inputs.connect('console', input),
      },
      memory: this.memory,
      irq: this.cpus.map((cpu) => ({ set: (level) => cpu.setInterruptLine(PSR.I, level) })),
      fiq: this.cpus.map((cpu) => ({ set: (level) => cpu.setInterruptLine(PSR.F, level) })),
      currentCpu: () => this.currentCpu.index,
      requestPower: (request) => {
        this.#power = request;
      },
      startCpu: (index, entry) => {
        const cpu = this.cpus[index];
        if (cpu !== undefined && !cpu.activity.on) cpu.turnOn(entry & ~1, 0);
      },
      answer: (port, ask) => this.inputs.answer(port, ask),
      onUnknownRegister: (device, offset, write, value) =>
        this.#notice(
          'unknown-device-register',
          `${device}: ${write ? `write of ${hex32(value)} to` : 'read of'} register 0x${offset.toString(16)}, which it does not have`,
        ),
      onNotice: (kind, message) => this.#notice(kind, message),
    };
    this.board = buildBoard(description, host, extra);
    this.inputs.connect('clock', { receive: (bytes) => this.#setTimeOfDay(bytes) });
    // Tables and code are common to all CPUs; the others look at what has become of them when their turn comes.
    this.memory.connect(this.board.devices, {
      pageRestricted: (page, reads) => this.currentCpu.pageRestricted(page, reads),
      watchesEnded: () => this.currentCpu.watchesEnded(),
      codeWritten: (page) => this.currentCpu.codeWritten(page),
    });
    const { physical, virtual } = description.timerInterrupts;
    this.#timers = this.cpus.map(
      ({ index }) =>
        new ArchTimer({
          clock: this.clock,
          events: this.events,
          frequency: description.timerFrequency,
          physical: this.board.interrupts.ppi(index, physical),
          virtual: this.board.interrupts.ppi(index, virtual),
        }),
    );
    this.reset();
  }

  /** The first CPU. */
  get cpu(): Vcpu {
    return this.cpus[0]!;
  }

  /** The CPU that executes, or did so last. */
  get currentCpu(): Vcpu {
    return this.#turns.current;
  }

  /** Virtual address of the instruction that is running: for callbacks from inside `run`, as those of a watch. */
  get instructionAddress(): number {
    return this.currentCpu.instructionAddress >>> 0;
  }

  /** Whether the guest has set up a device that may write memory by itself. */
  get devicesDriven(): boolean {
    return this.board.devices.some(({ device }) => device.driven === true);
  }

  get virtio(): readonly VirtioDevice[] {
    return this.#options.virtio ?? [];
  }

  get cpuCount(): number {
    return this.cpus.length;
  }

  /** Instructions executed since power-on, by all CPUs together. */
  get count(): number {
    return this.#countBefore + (this.#slice === 0 ? 0 : this.#slice - this.currentCpu.budget);
  }

  /** What several CPUs wait for and whose turn it is, as words: for comparing. */
  get schedule(): readonly number[] {
    if (this.cpus.length === 1) return [];
    return [...this.#turns.words, ...this.cpus.flatMap(({ activity }) => activity.words)];
  }

  /** Hash of what the guest can see of CPU and RAM: equal runs have equal hashes at equal counts. */
  stateHash(): string {
    return stateHash(
      this.cpus.map(({ state }) => state),
      this.schedule,
      this.memory.ram,
    );
  }

  /** As `stateHash`, without RAM. */
  cpuHash(): string {
    return cpuHash(
      this.cpus.map(({ state }) => state),
      this.schedule,
    );
  }

  /** The port `clock`: seconds since 1970 that the real-time clocks show from now on, in 4 bytes, little-endian. */
  #setTimeOfDay(bytes: Uint8Array): number {
    if (bytes.length !== 4) return 0;
    const seconds = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
    for (const { device } of this.board.devices) device.setTimeOfDay?.(seconds);
    return 4;
  }

  /** Puts a plan's bytes in place and points the first CPU at its entry. */
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
    for (const timer of this.#timers) timer.reset();
    if (this.#plan !== undefined) this.load(this.#plan);
    else this.#start();
    this.taps.begun.tell();
  }

  #start(): void {
    const plan = this.#plan;
    for (const cpu of this.cpus) cpu.reset(plan?.entry ?? this.memory.ramBase, plan?.thumb ?? false, cpu.index === 0);
    this.#turns.reset();
    this.#stopRequested = false;
    if (plan === undefined) return;
    this.cpu.state.setReg(0, plan.registers.r0);
    this.cpu.state.setReg(1, plan.registers.r1);
    this.cpu.state.setReg(2, plan.registers.r2);
  }

  /** What was loaded last. */
  get plan(): LoadPlan | undefined {
    return this.#plan;
  }

  /** What `planBoot` has to know of this machine. */
  get hardware(): BootHardware {
    return {
      board: this.board.description,
      ramSize: this.memory.ramSize,
      cpus: this.cpus.length,
      virtioDevices: this.#options.virtio?.length ?? 0,
    };
  }

  /** What a machine must share with this one to go on from its snapshot. */
  get identity(): MachineIdentity {
    return {
      board: this.board.description.name,
      cpu: this.#modelName,
      cpus: this.cpus.length,
      ramSize: this.memory.ramSize,
      nanosecondsPerInstruction: this.#nanoseconds,
    };
  }

  /** Everything that the further run depends on, copied, by component. Not during `run`. */
  save(): Section[] {
    return [
      saveIdentity(this.identity),
      ...this.saveState(),
      ...savePlan(this.#plan),
      ...saveRam(this.memory, this.#plan),
    ];
  }

  /** As `save`, without RAM and what was loaded: for who keeps track of RAM by `checkpoint`. */
  saveState(): Section[] {
    assert(this.#slice === 0, 'a machine is saved between runs');
    this.dropTranslations();
    return this.#components().flatMap(({ tag, part }) => {
      const writer = new StateWriter();
      part.save(writer);
      return splitSection({ tag, version: part.stateVersion ?? COMPONENT_VERSION, payload: writer.take() });
    });
  }

  /**
   * Makes this a place from which a run can go on by what has changed since the last one, and gives the RAM pages that may
   * have changed. As after `save`, a machine that goes on is the same as one that is put back here.
   */
  checkpoint(): readonly number[] {
    assert(this.#slice === 0, 'a checkpoint is made between runs');
    this.dropTranslations();
    return this.memory.takeDirty();
  }

  /** What `save` does to this machine besides: for one that runs in step with another that is saved. */
  dropTranslations(): void {
    for (const cpu of this.cpus) cpu.dropTranslations();
  }

  /** Becomes the machine that was saved; sections of others are left for the caller. After an error it is of no use. */
  restore(sections: Sections): void {
    checkIdentity(readIdentity(sections), this.identity);
    const untouched = this.#countBefore === 0 && !this.memory.loaded;
    this.restoreState(sections);
    const { ramBase, ramSize } = this.memory;
    this.#plan = restorePlan(sections, { base: ramBase, size: ramSize });
    restoreRam(this.memory, this.#plan, sections, untouched);
  }

  /** What `saveState` has saved; RAM is the caller's affair. */
  restoreState(sections: Sections): void {
    assert(this.#slice === 0, 'a machine is restored between runs');
    if (this.#ring.active) this.#ring.forget();
    this.#power = undefined;
    this.#exitStatus = undefined;
    this.#stopRequested = false;
    for (const { tag, part } of this.#components()) {
      const reader: StateReader = sections.takeSplit(tag, part.stateVersion ?? COMPONENT_VERSION);
      part.restore(reader);
      reader.end();
    }
  }

  /** In the order in which they are restored: the CPUs come last, so that nothing wakes them. */
  #components(): { tag: string; part: Component }[] {
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
      ...this.#timers.map((part, index) => ({ tag: `timer.${index}`, part })),
      ...(this.cpus.length > 1 ? [{ tag: 'turns', part: this.#turns }] : []),
      ...this.cpus.map((part, index) => ({ tag: `cpu.${index}`, part })),
    ];
  }

  /** Makes `run` return before the next instruction. */
  stop(): void {
    this.#stopRequested = true;
    this.currentCpu.requestStop('device');
  }

  /** The next instruction is this CPU's if it can execute, and a whole turn with it: for stepping one of several. */
  giveTurn(cpu: Vcpu): void {
    assert(this.#slice === 0, 'a turn is given between runs');
    // Else the CPU whose turn it is would lose its exclusive reservation for nothing, at each step again.
    if (cpu.activity.readyAt(this.clock.now())) this.#turns.give(cpu.index);
  }

  /** Ends the run with a status: for semihosting. */
  exit(status: number): void {
    this.#exitStatus = status;
    this.currentCpu.requestStop('device');
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
      if (this.#takeStopRequest()) return { kind: 'requested' };
      const cpu = this.#turns.next(this.clock.now());
      if (cpu === undefined) {
        const waiting = this.#wait(options.waitForEvents ?? false);
        if (waiting !== undefined) return waiting;
        continue;
      }
      const toInput = (this.inputs.next?.count ?? Infinity) - this.#countBefore;
      const toEvent = Math.ceil((this.events.next() - this.clock.now()) / this.#nanoseconds);
      const most = this.#ring.active ? MAX_SLICE_WITH_RING : MAX_SLICE;
      const stop = this.#execute(cpu, Math.min(left, this.#turns.left, toInput, toEvent, most));
      if (stop === 'fault-loop' || stop === 'fetch-denied' || stop === 'hook') {
        return { kind: stop, address: cpu.state.reg(15) >>> 0 };
      }
      if (this.#takeStopRequest()) return { kind: 'requested' };
    }
  }

  #takeStopRequest(): boolean {
    const requested = this.#stopRequested;
    this.#stopRequested = false;
    return requested;
  }

  #execute(cpu: Vcpu, budget: number): CpuStop | undefined {
    this.#slice = budget;
    if (this.#ring.active) this.#ring.slice(cpu.index, this.#countBefore + budget);
    const stop = cpu.execute(budget);
    const executed = budget - cpu.budget;
    this.#slice = 0;
    this.#turns.spend(executed);
    this.#countBefore += executed;
    this.time.elapsed += executed * this.#nanoseconds;
    return stop;
  }

  #takePower(): StopReason {
    const kind = this.#power!;
    this.#power = undefined;
    return { kind };
  }

  /** No CPU can execute: time goes on to the next event. */
  #wait(comeBack: boolean): StopReason | undefined {
    if (!this.cpus.some(({ activity }) => activity.on)) return { kind: 'idle' };
    // An input that was recorded here came while the CPU waited.
    const input = this.inputs.next;
    const next = Math.min(
      this.events.next(),
      this.#turns.wake,
      input?.count === this.#countBefore ? input.time : Infinity,
    );
    if (next === Infinity) return { kind: 'idle' };
    if (comeBack) return { kind: 'waiting', until: next };
    this.passTime(next - this.clock.now());
    return undefined;
  }

  /** Lets virtual time pass while all CPUs wait, up to the next event at most. */
  passTime(nanoseconds: number): void {
    const now = this.clock.now();
    if (this.#turns.anyReady(now)) return;
    const until = Math.min(now + Math.max(0, nanoseconds), this.events.next(), this.#turns.wake);
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
    const [functionId, ...parameters] = [0, 1, 2, 3].map((n) => cpu.state.reg(n)) as [number, number, number, number];
    const result = psciCall(
      functionId,
      parameters,
      this.cpus.map(({ activity }) => activity.on),
    );
    cpu.state.setReg(0, result?.value ?? PSCI_NOT_SUPPORTED);
    const request = result?.request;
    switch (request?.kind) {
      case 'off':
        this.#power = 'shutdown';
        break;
      case 'reset':
        this.#power = 'reset';
        break;
      case 'suspend':
        cpu.waitForInterrupt();
        break;
      case 'cpu-off':
        cpu.turnOff();
        break;
      case 'cpu-on':
        this.cpus[request.cpu]!.turnOn(request.entry, request.context);
        break;
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

  timer(cpu: Vcpu): ArchTimer {
    return this.#timers[cpu.index]!;
  }

  sendEvent(): void {
    for (const { activity } of this.cpus) activity.signal();
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
