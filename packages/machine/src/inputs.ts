// SPDX-License-Identifier: Apache-2.0
// The one door for data from outside: console bytes, packets, answers of the host. Each enters at an instruction count and
// a virtual time, and is told to whoever records; played back at the same places it makes the same run, in any engine.
// What a machine starts with (images, seed, wall clock) is no input.

import { assert, PlinthError } from '@plinth/core';

/** Something from outside, and where in the run it entered. */
export interface Input {
  /**
   * - `sent`: between two instructions, because it had come
   * - `answer`: inside an instruction, because the guest had asked
   */
  readonly kind: 'sent' | 'answer';
  readonly port: string;
  /** Instructions executed since power-on when it entered. */
  readonly count: number;
  /** Virtual nanoseconds then; a waiting CPU lets time pass without instructions. */
  readonly time: number;
  readonly bytes: Uint8Array;
}

/** A device's side of a port. */
export interface InputPort {
  /**
   * Takes bytes; returns how many it took, from the first on. Bytes that it does not take have changed nothing that the guest
   * can see: that they were offered is in no recording.
   */
  receive(bytes: Uint8Array): number;
}

export interface InputsOptions {
  /** Where the run stands. */
  readonly place: () => { readonly count: number; readonly time: number };
  /** Lets everything happen that is due where the run stands, so that it comes before what is sent. */
  readonly settle: () => void;
  /** An answer was played back: the run loop must look at what comes next. */
  readonly answered: () => void;
  readonly onInput?: ((input: Input) => void) | undefined;
}

export class Inputs {
  readonly #options: InputsOptions;
  readonly #ports = new Map<string, InputPort>();
  #played: Iterator<Input> | undefined;
  #head: Input | undefined;

  constructor(options: InputsOptions) {
    this.#options = options;
  }

  /** Names of the ports that data can be sent to. */
  get ports(): readonly string[] {
    return [...this.#ports.keys()];
  }

  connect(port: string, device: InputPort): void {
    this.#ports.set(port, device);
  }

  /**
   * Hands bytes to a port between two runs; returns how many it took, 0 if there is no such port. What it took is the
   * input; the rest may be sent again later. While a recording is played, nothing else enters.
   */
  send(port: string, bytes: Uint8Array): number {
    const device = this.#ports.get(port);
    if (device === undefined || this.#head !== undefined) return 0;
    this.#options.settle();
    const taken = device.receive(bytes);
    if (taken > 0) this.#note('sent', port, bytes.subarray(0, taken));
    return taken;
  }

  /** What the host answers to a guest's question in the middle of an instruction; when played back, what it answered then. */
  answer(port: string, ask: () => Uint8Array): Uint8Array {
    const head = this.#head;
    if (head === undefined) {
      const bytes = ask();
      this.#note('answer', port, bytes);
      return bytes;
    }
    const { count } = this.#options.place();
    if (head.kind !== 'answer' || head.port !== port || head.count !== count) {
      throw differs(head, `the guest asks ${port} at instruction ${count}`);
    }
    this.#advance();
    this.#options.answered();
    return head.bytes;
  }

  #note(kind: Input['kind'], port: string, bytes: Uint8Array): void {
    this.#options.onInput?.({ kind, port, ...this.#options.place(), bytes: bytes.slice() });
  }

  /** Plays a recording from here on: inputs in the order in which they entered. */
  play(inputs: Iterable<Input>): void {
    assert(this.#head === undefined, 'one recording is played at a time');
    this.#played = inputs[Symbol.iterator]();
    this.#advance();
  }

  /** Ends the playing of a recording before its end. */
  stop(): void {
    this.#played = undefined;
    this.#head = undefined;
  }

  #advance(): void {
    const next = this.#played?.next();
    this.#head = next === undefined || next.done === true ? undefined : next.value;
    if (this.#head === undefined) this.#played = undefined;
  }

  /** Whether a recording has inputs left. */
  get playing(): boolean {
    return this.#head !== undefined;
  }

  /** Count and time of the next input that is to be delivered, if a recording says so; an answer is asked for instead. */
  get next(): { readonly count: number; readonly time: number } | undefined {
    return this.#head?.kind === 'sent' ? this.#head : undefined;
  }

  /**
   * Delivers what the recording has for this place.
   *
   * @throws PlinthError `input-differs` if the run has gone past an input, or the port takes less of it than it did
   */
  deliver(): void {
    for (let head = this.#head; head?.kind === 'sent'; head = this.#head) {
      const { count, time } = this.#options.place();
      if (head.count > count || (head.count === count && head.time > time)) return;
      if (head.count < count || head.time < time) throw differs(head, `the run is at instruction ${count} already`);
      const taken = this.#ports.get(head.port)?.receive(head.bytes) ?? 0;
      if (taken < head.bytes.length) throw differs(head, `its port took ${taken} of ${head.bytes.length} bytes`);
      this.#advance();
    }
  }
}

function differs(input: Input, what: string): PlinthError {
  const due = `${input.port}, due at instruction ${input.count}`;
  const why = 'the recording is of another guest, other options or another version';
  return new PlinthError('input', 'input-differs', `recorded input for ${due}: ${what}; ${why}`);
}
