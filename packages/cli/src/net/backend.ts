// SPDX-License-Identifier: Apache-2.0
// What is at the other end of a network card's wire: something that takes frames and brings some.

export interface BackendEvents {
  /** A frame has come; it may be kept. */
  frame(frame: Uint8Array): void;
  /** There is nothing at the other end any more; `why` is one line. */
  down(why: string): void;
}

export interface NetworkBackend extends Disposable {
  start(events: BackendEvents): void;
  /** Takes a frame, which is only lent; false if it is lost, for want of room. */
  send(frame: Uint8Array): boolean;
  /** Brings nothing until `resume`: what comes waits, or is lost, at the other end. */
  pause(): void;
  resume(): void;
}
