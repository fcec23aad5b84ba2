// SPDX-License-Identifier: Apache-2.0
// Probes on a machine: points that the guest has to pass, and what is to be done there. They come and go while it runs. None
// is missed: they stand on the engine's hooks, watches and blocks, which every engine passes.

import type { AddressRange } from '@plinth/arm';
import {
  type BlockCount,
  type HookVerdict,
  type Machine,
  type MemoryAccess,
  type Vcpu,
  type VirtualAccess,
  VirtioNet,
} from '@plinth/machine';
import { DebugMemory } from '../gdb/machine-memory.js';
import {
  type BlockEvent,
  type CodeRange,
  type ConsoleEvent,
  type DeviceEvent,
  EXCEPTION_NAMES,
  type ExceptionEvent,
  type ExceptionName,
  type ExceptionReturnEvent,
  type FunctionEvent,
  type InstructionEvent,
  type MemoryEvent,
  type PacketEvent,
  type ProbeVerdict,
  type ReturnEvent,
  type SupervisorCallEvent,
  type TranslationEvent,
} from './events.js';
import { FunctionHooks } from './function-probe.js';
import { ProbeCpu } from './probe-cpu.js';

export type ProbeKind =
  | 'block'
  | 'edge'
  | 'instruction'
  | 'memory'
  | 'exception'
  | 'exception-return'
  | 'supervisor-call'
  | 'device'
  | 'interrupt'
  | 'translation'
  | 'console'
  | 'packet'
  | 'function';

export interface Probe {
  readonly kind: ProbeKind;
  /** How often it was passed. */
  readonly hits: number;
  remove(): void;
}

export interface MemoryProbeOptions {
  readonly start: number;
  /** Bytes, 1 if left out. */
  readonly length?: number;
  /** `virtual` if left out: by addresses in this range, in every address space. `physical`: by whatever address, and by devices. */
  readonly space?: 'virtual' | 'physical';
  /** `write` if left out. */
  readonly access?: 'read' | 'write' | 'both';
  /** `after` if left out; `before` may stop or skip, and is for virtual addresses only. */
  readonly when?: 'before' | 'after';
}

export interface FunctionProbeOptions {
  readonly entry?: (event: FunctionEvent) => ProbeVerdict;
  readonly return?: (event: ReturnEvent) => void;
}

class ActiveProbe implements Probe {
  readonly kind: ProbeKind;
  hits: number = 0;
  end: () => void = () => {};
  readonly #list: Set<Probe>;

  constructor(kind: ProbeKind, list: Set<Probe>) {
    this.kind = kind;
    this.#list = list;
    list.add(this);
  }

  remove(): void {
    if (this.#list.delete(this)) this.end();
  }
}

/** A probe's answer for the engine. */
function verdictOf(answer: ProbeVerdict): HookVerdict {
  return answer ?? 'go-on';
}

const ends = (place: CodeRange): [first: number, last: number] =>
  typeof place === 'number' ? [place, place] : [place.first, place.last];

const rangeOf = (place: CodeRange): AddressRange => {
  const [first, last] = ends(place);
  return { first, last };
};

export class Probes {
  readonly machine: Machine;
  readonly cpus: readonly ProbeCpu[];
  readonly #list = new Set<Probe>();

  constructor(machine: Machine) {
    this.machine = machine;
    const memory = new DebugMemory(machine);
    this.cpus = machine.cpus.map((vcpu) => new ProbeCpu(machine, vcpu, memory));
  }

  /** Those that stand, in the order in which they came. */
  get list(): readonly Probe[] {
    return [...this.#list];
  }

  removeAll(): void {
    for (const probe of this.#list) probe.remove();
  }

  #cpu(vcpu: Vcpu): ProbeCpu {
    return this.cpus[vcpu.index]!;
  }

  get #current(): ProbeCpu {
    return this.#cpu(this.machine.currentCpu);
  }

  #add(kind: ProbeKind, begin: (probe: ActiveProbe) => () => void): Probe {
    const probe = new ActiveProbe(kind, this.#list);
    probe.end = begin(probe);
    return probe;
  }

  /** Of what cannot be kept from happening: the listener may stop the machine behind it, and no more. */
  #tell<Event>(probe: ActiveProbe, listener: (event: Event) => 'stop' | void, event: Event): void {
    probe.hits++;
    if (listener(event) === 'stop') this.machine.stop();
  }

  /**
   * Counts all blocks inline in generated code, for `blockCounts`; a block begins after an instruction that may go elsewhere,
   * at a vector and where an exception returns to. `hits` is the sum, which takes a look at all code to find.
   */
  countBlocks(): Probe {
    const { blocks } = this.machine;
    const hits = (): number => blocks.counts().reduce((sum, { count }) => sum + count, 0);
    return this.#addCounted('block', hits, blocks.count());
  }

  /** What generated code counts. */
  #addCounted(kind: ProbeKind, hits: () => number, end: () => void): Probe {
    const list = this.#list;
    const probe: Probe = {
      kind,
      get hits() {
        return hits();
      },
      remove() {
        if (list.delete(probe)) end();
      },
    };
    list.add(probe);
    return probe;
  }

  /** What `countBlocks` has counted. */
  blockCounts(): readonly BlockCount[] {
    return this.machine.blocks.counts();
  }

  /** Each entry of a block that begins in the place. Code on its pages is interpreted meanwhile. */
  block(place: CodeRange, listener: (event: BlockEvent) => 'stop' | void): Probe {
    return this.#trace('block', place, () => true, listener);
  }

  /** Counts what `edge` would tell, inline in translated code. */
  countEdge(from: CodeRange, to: CodeRange): Probe {
    const count = this.machine.blocks.countEdge(rangeOf(from), rangeOf(to));
    return this.#addCounted(
      'edge',
      () => count.value,
      () => count.end(),
    );
  }

  /** Each way from an instruction in `from` to a block that begins in `to`. */
  edge(from: CodeRange, to: CodeRange, listener: (event: BlockEvent) => 'stop' | void): Probe {
    const [first, last] = ends(from);
    return this.#trace('edge', to, (source) => source >= first && source <= last, listener);
  }

  #trace(
    kind: ProbeKind,
    place: CodeRange,
    wanted: (from: number) => boolean,
    listener: (event: BlockEvent) => 'stop' | void,
  ): Probe {
    return this.#add(kind, (probe) =>
      this.machine.blocks.trace(...ends(place), (vcpu, address, from) => {
        if (!wanted(from)) return;
        this.#tell(probe, listener, { cpu: this.#cpu(vcpu), address, from });
      }),
    );
  }

  /** Before each instruction that begins in the place, whether its condition holds or not. Without a listener: `countInstruction`. */
  instruction(place: CodeRange, listener?: (event: InstructionEvent) => ProbeVerdict): Probe {
    if (listener === undefined) return this.countInstruction(place);
    return this.#add('instruction', (probe) =>
      this.machine.hooks.addRange(...ends(place), (vcpu, address) => {
        probe.hits++;
        return verdictOf(listener({ cpu: this.#cpu(vcpu), address }));
      }),
    );
  }

  /** Counts what `instruction` would tell, inline in translated code. */
  countInstruction(place: CodeRange): Probe {
    const count = this.machine.hooks.count(...ends(place));
    return this.#addCounted(
      'instruction',
      () => count.value,
      () => count.end(),
    );
  }

  /** Loads and stores of a range. Without a listener they are counted. */
  memory(options: MemoryProbeOptions, listener?: (event: MemoryEvent) => ProbeVerdict): Probe {
    const { start, length = 1, space = 'virtual', access = 'write', when = 'after' } = options;
    const reads = access !== 'write';
    const writes = access !== 'read';
    return this.#add('memory', (probe) => {
      const tell = (event: MemoryEvent): HookVerdict => {
        probe.hits++;
        return verdictOf(listener?.(event));
      };
      if (space === 'physical') {
        // Told so often that only what is needed is made: no rest or spread of objects.
        const call = ({ address, size, write, value, by }: MemoryAccess): void => {
          const cpu = this.#current;
          const event = { cpu, address, size, write, value, before: undefined, byDevice: by === 'device' };
          if (tell(event) === 'stop') this.machine.stop();
        };
        const watch = { start, length, ...(reads ? { onRead: call } : {}), ...(writes ? { onWrite: call } : {}) };
        return this.machine.memory.watch(watch);
      }
      const told = ({ cpu, address, size, write, value, before }: VirtualAccess): HookVerdict =>
        tell({ cpu: this.#cpu(cpu), address, size, write, value, before, byDevice: false });
      const after = (seen: VirtualAccess): void => {
        if (told(seen) === 'stop') this.machine.stop();
      };
      const kinds =
        when === 'before'
          ? { ...(reads ? { beforeRead: told } : {}), ...(writes ? { beforeWrite: told } : {}) }
          : { ...(reads ? { onRead: after } : {}), ...(writes ? { onWrite: after } : {}) };
      return this.machine.virtualWatches.add({ start, length, ...kinds });
    });
  }

  /** Each exception that is taken, or those of some kinds. */
  exception(listener: (event: ExceptionEvent) => 'stop' | void, only?: readonly ExceptionName[]): Probe {
    return this.#exceptions('exception', listener, only);
  }

  /** Each IRQ and FIQ that is taken. */
  interrupt(listener: (event: ExceptionEvent) => 'stop' | void): Probe {
    return this.#exceptions('interrupt', listener, ['irq', 'fiq']);
  }

  #exceptions(
    kind: ProbeKind,
    listener: (event: ExceptionEvent) => 'stop' | void,
    only: readonly ExceptionName[] | undefined,
  ): Probe {
    return this.#add(kind, (probe) =>
      this.machine.taps.exception.add((vcpu, number, from) => {
        const exception = EXCEPTION_NAMES[number]!;
        if (only?.includes(exception) === false) return;
        this.#tell(probe, listener, { cpu: this.#cpu(vcpu), exception, from });
      }),
    );
  }

  exceptionReturn(listener: (event: ExceptionReturnEvent) => 'stop' | void): Probe {
    return this.#add('exception-return', (probe) =>
      this.machine.taps.exceptionReturn.add((vcpu, to) => {
        this.#tell(probe, listener, { cpu: this.#cpu(vcpu), to });
      }),
    );
  }

  /** Before each SVC: `skip` goes on behind it, with the registers as the listener has left them. */
  supervisorCall(listener: (event: SupervisorCallEvent) => ProbeVerdict): Probe {
    return this.#add('supervisor-call', (probe) =>
      this.machine.taps.onSupervisorCall((vcpu, immediate) => {
        probe.hits++;
        const cpu = this.#cpu(vcpu);
        const values = [0, 1, 2, 3, 4, 5, 6].map((n) => cpu.register(n));
        return verdictOf(listener({ cpu, immediate, number: cpu.register(7), arguments: values }));
      }),
    );
  }

  /** After each access to a device. */
  device(listener: (event: DeviceEvent) => 'stop' | void): Probe {
    return this.#add('device', (probe) =>
      this.machine.taps.device.add((access) => {
        this.#tell(probe, listener, { cpu: this.#current, ...access });
      }),
    );
  }

  /** After each TLB maintenance operation and each change of tables, domains or address space. */
  translation(listener: (event: TranslationEvent) => 'stop' | void): Probe {
    return this.#add('translation', (probe) =>
      this.machine.taps.translation.add((vcpu, change) => {
        this.#tell(probe, listener, { cpu: this.#cpu(vcpu), change });
      }),
    );
  }

  /** Each byte that the guest sends to its console. */
  console(listener: (event: ConsoleEvent) => 'stop' | void): Probe {
    return this.#add('console', (probe) =>
      this.machine.taps.console.add((byte) => {
        this.#tell(probe, listener, { cpu: this.#current, byte });
      }),
    );
  }

  /** Each frame that passes a network card. */
  packet(listener: (event: PacketEvent) => 'stop' | void): Probe {
    return this.#add('packet', (probe) => {
      const cards = this.machine.virtio.filter((device) => device instanceof VirtioNet);
      const all = cards.map((card) =>
        card.frames.add((direction, frame) => {
          this.#tell(probe, listener, { cpu: this.#current, card: card.name, direction, frame });
        }),
      );
      return () => {
        for (const end of all) end();
      };
    });
  }

  /** Entry of the function at an address, and its return. `hits` are entries. */
  function(address: number, options: FunctionProbeOptions): Probe {
    return this.#add('function', (probe) => {
      const at = (address & ~1) >>> 0;
      const returned = options.return;
      const hooks = new FunctionHooks(this.machine.hooks, [at], {
        entered: (vcpu, caller) => {
          probe.hits++;
          return verdictOf(options.entry?.({ cpu: this.#cpu(vcpu), address: at, caller }));
        },
        ...(returned === undefined
          ? {}
          : {
              returned: (vcpu: Vcpu, caller: number) => {
                const cpu = this.#cpu(vcpu);
                returned({ cpu, address: at, caller, result: cpu.register(0) });
              },
            }),
      });
      return () => hooks.end();
    });
  }
}
