// SPDX-License-Identifier: Apache-2.0
// The frames of the GDB remote protocol (GDB manual, "Remote Protocol: Overview"): `$data#checksum`, acknowledgements and
// the interrupt byte. A state machine over bytes, so that it does not matter how they are cut into pieces; what no sender
// of frames would send is skipped. The bytes of frames are not interpreted here.

const DOLLAR = 0x24;
const HASH = 0x23;
const STAR = 0x2a;
const PLUS = 0x2b;
const MINUS = 0x2d;
const ESCAPE = 0x7d;
const INTERRUPT = 0x03;
/** What the byte behind an escape is changed by. */
const ESCAPED = 0x20;
/** A run length is written as a printable character: the number of repeats more, plus this. */
const RUN_BIAS = 29;

export type FrameEvent =
  /** A whole frame, without escapes and runs. */
  | { readonly kind: 'packet'; readonly data: Uint8Array }
  /** A frame whose checksum is wrong, or that is longer than agreed: to be asked for again. */
  | { readonly kind: 'damaged' }
  | { readonly kind: 'acknowledged' }
  | { readonly kind: 'refused' }
  /** Ctrl-C was typed. */
  | { readonly kind: 'interrupt' };

type State = 'between' | 'data' | 'escape' | 'run' | 'sum-high' | 'sum-low';

export class FrameReader {
  readonly #data: Uint8Array;
  #length = 0;
  #state: State = 'between';
  #sum = 0;
  #given = 0;
  #tooLong = false;

  /** `maximum` is the length of a frame's data, in bytes, that is still taken. */
  constructor(maximum: number) {
    this.#data = new Uint8Array(maximum);
  }

  /** What has come to its end with these bytes, in order. */
  push(bytes: Uint8Array): FrameEvent[] {
    const events: FrameEvent[] = [];
    for (const byte of bytes) {
      const event = this.#take(byte);
      if (event !== undefined) events.push(event);
    }
    return events;
  }

  #take(byte: number): FrameEvent | undefined {
    if (byte === DOLLAR && this.#state !== 'between') {
      // A frame that lost its end; no sender puts this byte into data.
      this.#begin();
      return { kind: 'damaged' };
    }
    switch (this.#state) {
      case 'between':
        return this.#between(byte);
      case 'sum-high':
        this.#given = hexDigit(byte) << 4;
        this.#state = 'sum-low';
        return undefined;
      case 'sum-low':
        this.#given |= hexDigit(byte);
        this.#state = 'between';
        return this.#given === this.#sum && !this.#tooLong
          ? { kind: 'packet', data: this.#data.slice(0, this.#length) }
          : { kind: 'damaged' };
      default:
        this.#inside(byte);
        return undefined;
    }
  }

  #between(byte: number): FrameEvent | undefined {
    if (byte === DOLLAR) this.#begin();
    else if (byte === PLUS) return { kind: 'acknowledged' };
    else if (byte === MINUS) return { kind: 'refused' };
    else if (byte === INTERRUPT) return { kind: 'interrupt' };
    return undefined;
  }

  #begin(): void {
    this.#state = 'data';
    this.#length = 0;
    this.#sum = 0;
    this.#tooLong = false;
  }

  #inside(byte: number): void {
    if (byte === HASH) {
      this.#state = 'sum-high';
      return;
    }
    this.#sum = (this.#sum + byte) & 0xff;
    if (this.#state === 'escape') {
      this.#state = 'data';
      this.#append(byte ^ ESCAPED, 1);
    } else if (this.#state === 'run') {
      this.#state = 'data';
      this.#append(this.#data[this.#length - 1]!, Math.max(0, byte - RUN_BIAS));
    } else if (byte === ESCAPE) this.#state = 'escape';
    else if (byte === STAR && this.#length > 0) this.#state = 'run';
    else this.#append(byte, 1);
  }

  #append(byte: number, times: number): void {
    if (this.#length + times > this.#data.length) {
      this.#tooLong = true;
      return;
    }
    this.#data.fill(byte, this.#length, this.#length + times);
    this.#length += times;
  }
}

/** Value of a hexadecimal digit; what is none makes the checksum wrong. */
function hexDigit(byte: number): number {
  const value = '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase());
  return value < 0 ? 0x100 : value;
}

/** The frame around data. */
export function frame(data: Uint8Array): Uint8Array {
  const out: number[] = [DOLLAR];
  let sum = 0;
  const put = (byte: number): void => {
    out.push(byte);
    sum = (sum + byte) & 0xff;
  };
  for (const byte of data) {
    if (byte === DOLLAR || byte === HASH || byte === ESCAPE || byte === STAR) {
      put(ESCAPE);
      put(byte ^ ESCAPED);
    } else put(byte);
  }
  const digits = sum.toString(16).padStart(2, '0');
  return Uint8Array.from([...out, HASH, digits.charCodeAt(0), digits.charCodeAt(1)]);
}

export const ACKNOWLEDGE: Uint8Array = Uint8Array.of(PLUS);
export const REFUSE: Uint8Array = Uint8Array.of(MINUS);
