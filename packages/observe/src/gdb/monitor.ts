// SPDX-License-Identifier: Apache-2.0
// What follows `monitor` in GDB: commands by name, which others add to. An answer is text for the user; a command that
// cannot be obeyed throws a PlinthError, whose line is the answer.

import { PlinthError } from '@plinth/core';

export interface MonitorCommand {
  /** One word or several: `info registers`. */
  readonly name: string;
  /** What may follow it, for help. */
  readonly parameters?: string;
  readonly help: string;
  /**
   * @param words what stands behind the name
   * @param thread the thread that the user has chosen
   */
  run(words: readonly string[], thread: number): string | Promise<string>;
}

export class MonitorCommands {
  readonly #commands = new Map<string, MonitorCommand>();

  constructor() {
    this.add({ name: 'help', help: 'this list', run: () => this.#help() });
  }

  add(command: MonitorCommand): void {
    this.#commands.set(command.name, command);
  }

  /** Obeys a line; every way that it can go wrong is a line of the answer. */
  async run(line: string, thread: number): Promise<string> {
    const words = line.split(/\s+/).filter((word) => word !== '');
    if (words.length === 0) return this.#help();
    for (let length = words.length; length > 0; length--) {
      const command = this.#commands.get(words.slice(0, length).join(' '));
      if (command === undefined) continue;
      try {
        return await command.run(words.slice(length), thread);
      } catch (error) {
        if (error instanceof PlinthError) return `${error.message}\n`;
        throw error;
      }
    }
    return `${line.trim()}: there is no such command; "monitor help" lists them\n`;
  }

  #help(): string {
    const lines = [...this.#commands.values()].map(({ name, parameters, help }) => [
      parameters === undefined ? name : `${name} ${parameters}`,
      help,
    ]);
    const width = Math.max(...lines.map(([usage]) => usage!.length));
    return lines.map(([usage, help]) => `${usage!.padEnd(width)}  ${help}\n`).join('');
  }
}
