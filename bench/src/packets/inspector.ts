// SPDX-License-Identifier: Apache-2.0
// Our inspector in a network namespace: a process of its own, since an interface is found in the namespace of who asks.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { PlinthError } from '@plinth/core';
import type { Pattern } from '@plinth/match';
import type { Namespace } from '../namespace.js';
import type { Attached } from '../ours-packets.js';
import { phraseRules } from './content-rules.js';

const PROGRAM = join(import.meta.dirname, '..', 'ours-packets.js');

export class Inspector implements Disposable {
  readonly #process: ChildProcess;
  readonly #answers: Interface;

  /** At an interface of the namespace. */
  constructor(namespace: Namespace, name: string) {
    const [enter, ...where] = namespace.enter;
    this.#process = spawn(enter, [...where, process.execPath, PROGRAM, name], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#process.stdout! });
  }

  async #ask(command: string): Promise<unknown> {
    this.#process.stdin!.write(`${command}\n`);
    // Of the two that are waited for one comes, and the other one's listener has to go.
    const over = new AbortController();
    const { signal } = over;
    const both = [once(this.#answers, 'line', { signal }), once(this.#process, 'exit', { signal })];
    const answer = await Promise.race(both).finally(() => over.abort());
    if (typeof answer[0] === 'string' && answer[0].startsWith('{')) return JSON.parse(answer[0]);
    throw new PlinthError('host', 'bench-inspector', `the inspector ended at "${command}"`);
  }

  /** Begins to look for the rules of a file, in both directions. */
  async attach(file: string): Promise<Attached> {
    return (await this.#ask(`attach ${file}`)) as Attached;
  }

  async detach(): Promise<void> {
    await this.#ask('detach');
  }

  [Symbol.dispose](): void {
    this.#process.kill('SIGKILL');
  }
}

/** Writes patterns as rules, one each. */
export function writeRules(file: string, patterns: readonly Pattern[], action: 'alert' | 'drop'): void {
  const rules = patterns.map(({ bytes }, n) => ({ file: 'set', line: n + 1, bytes }));
  writeFileSync(file, phraseRules(rules, action));
}
