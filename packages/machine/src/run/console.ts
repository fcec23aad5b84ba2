// SPDX-License-Identifier: Apache-2.0
// The host's side of a guest's serial console. Output is never dropped: when the reader is slow, `write` says so and the
// machine waits.

export interface ConsoleEvents {
  input(bytes: Uint8Array): void;
  /** There is room again after `write` gave false. */
  drain(): void;
  /** The user asked to leave, or the other side is gone. */
  leave(): void;
  /** The user asked for a snapshot. */
  save(): void;
}

export interface Console {
  /** Someone is on the other side while the machine runs, so that it keeps to real time. */
  readonly live: boolean;
  /** Called once, when the machine is ready. */
  start(events: ConsoleEvents): void;
  /** False if the caller is to wait for `drain` before it runs on. */
  write(bytes: Uint8Array): boolean;
  /** Resolves when everything written has left this process. */
  close(): Promise<void>;
}
