// SPDX-License-Identifier: Apache-2.0
// Signals that would end us, while a program runs that has to end before us.

/** Until `body` has ended each signal has its own answer and no other. */
export async function takeSignals<T>(
  answers: Readonly<Partial<Record<NodeJS.Signals, () => void>>>,
  body: () => Promise<T>,
): Promise<T> {
  const signals = Object.keys(answers) as NodeJS.Signals[];
  const before = signals.map((signal) => [signal, process.listeners(signal)] as const);
  for (const signal of signals) {
    process.removeAllListeners(signal);
    process.on(signal, answers[signal]!);
  }
  try {
    return await body();
  } finally {
    for (const [signal, listeners] of before) {
      process.removeAllListeners(signal);
      for (const listener of listeners) process.on(signal, listener);
    }
  }
}
