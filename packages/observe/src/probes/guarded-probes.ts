// SPDX-License-Identifier: Apache-2.0
// Probes of someone whose listeners may throw or answer anything: an error never unwinds through the engine. It is told,
// the machine stops with its state exact, and what it was about is done.

import type {
  BlockEvent,
  CodeRange,
  ConsoleEvent,
  DeviceEvent,
  ExceptionEvent,
  ExceptionName,
  ExceptionReturnEvent,
  InstructionEvent,
  MemoryEvent,
  PacketEvent,
  ProbeVerdict,
  SupervisorCallEvent,
  TranslationEvent,
} from './events.js';
import { type FunctionProbeOptions, type MemoryProbeOptions, type Probe, Probes } from './probes.js';

type Listener<Event> = (event: Event) => ProbeVerdict;
type Watcher<Event> = (event: Event) => 'stop' | void;

export interface ProbeGuard {
  /** A listener has thrown. */
  failed(error: unknown): void;
  /** A listener has answered `stop`. */
  stopped(kind: string, pc: number): void;
}

export class GuardedProbes extends Probes {
  readonly #guard: ProbeGuard;

  constructor(machine: Probes['machine'], guard: ProbeGuard) {
    super(machine);
    this.#guard = guard;
  }

  #safe<Event>(kind: string, listener: Listener<Event>): Listener<Event> {
    return (event) => {
      try {
        // A listener in JavaScript, or a short arrow function, may give anything.
        const answer: unknown = listener(event);
        if (answer === 'skip') return answer;
        if (answer !== 'stop') return undefined;
        this.#guard.stopped(kind, this.machine.instructionAddress);
        return answer;
      } catch (error) {
        this.#guard.failed(error);
        this.machine.stop();
        return undefined;
      }
    };
  }

  #watcher<Event>(kind: string, listener: Watcher<Event>): Watcher<Event> {
    const safe = this.#safe(kind, listener);
    return (event) => (safe(event) === 'stop' ? 'stop' : undefined);
  }

  override block(place: CodeRange, listener: Watcher<BlockEvent>): Probe {
    return super.block(place, this.#watcher('block', listener));
  }

  override edge(from: CodeRange, to: CodeRange, listener: Watcher<BlockEvent>): Probe {
    return super.edge(from, to, this.#watcher('edge', listener));
  }

  override instruction(place: CodeRange, listener?: Listener<InstructionEvent>): Probe {
    return super.instruction(place, listener && this.#safe('instruction', listener));
  }

  override memory(options: MemoryProbeOptions, listener?: Listener<MemoryEvent>): Probe {
    return super.memory(options, listener && this.#safe('memory', listener));
  }

  override exception(listener: Watcher<ExceptionEvent>, only?: readonly ExceptionName[]): Probe {
    return super.exception(this.#watcher('exception', listener), only);
  }

  override interrupt(listener: Watcher<ExceptionEvent>): Probe {
    return super.interrupt(this.#watcher('interrupt', listener));
  }

  override exceptionReturn(listener: Watcher<ExceptionReturnEvent>): Probe {
    return super.exceptionReturn(this.#watcher('exception return', listener));
  }

  override supervisorCall(listener: Listener<SupervisorCallEvent>): Probe {
    return super.supervisorCall(this.#safe('supervisor call', listener));
  }

  override device(listener: Watcher<DeviceEvent>): Probe {
    return super.device(this.#watcher('device', listener));
  }

  override translation(listener: Watcher<TranslationEvent>): Probe {
    return super.translation(this.#watcher('translation', listener));
  }

  override console(listener: Watcher<ConsoleEvent>): Probe {
    return super.console(this.#watcher('console', listener));
  }

  override packet(listener: Watcher<PacketEvent>): Probe {
    return super.packet(this.#watcher('packet', listener));
  }

  override function(address: number, { entry, return: returned }: FunctionProbeOptions): Probe {
    return super.function(address, {
      ...(entry === undefined ? {} : { entry: this.#safe('function', entry) }),
      ...(returned === undefined ? {} : { return: this.#safe('function', returned) as typeof returned }),
    });
  }
}
