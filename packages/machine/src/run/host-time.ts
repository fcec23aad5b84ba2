// SPDX-License-Identifier: Apache-2.0
// The time of the host that a run keeps to, and how a run lets others in. Made of three things that every host has under
// some name, so that a run is paced alike in Node and in a page, and tests need not wait.

export interface HostTime {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Resolves after so many milliseconds, or earlier when `wake` is called. */
  sleep(milliseconds: number): Promise<void>;
  wake(): void;
  /** Lets pending input and signals in. */
  yield(): Promise<void>;
}

export interface HostClock {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Calls `action` after so many milliseconds, unless the function that it returns is called before. */
  after(milliseconds: number, action: () => void): () => void;
  /** Resolves when what was pending on the host has been seen to. */
  yield(): Promise<void>;
}

export function hostTime(clock: HostClock): HostTime {
  let wakeUp: (() => void) | undefined;
  let woken = false;
  return {
    now: () => clock.now(),
    async sleep(milliseconds) {
      if (!woken) {
        await new Promise<void>((resolve) => {
          const cancel = clock.after(milliseconds, resolve);
          wakeUp = () => {
            cancel();
            resolve();
          };
        });
      }
      woken = false;
      wakeUp = undefined;
    },
    wake() {
      woken = true;
      wakeUp?.();
    },
    yield: () => clock.yield(),
  };
}
