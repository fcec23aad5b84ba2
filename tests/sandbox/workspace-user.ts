// SPDX-License-Identifier: Apache-2.0
// A user of `plinth workspace` with data of its own.

import { spawn, spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Finding } from '@plinth/core';
import { asUser } from '../setup/other-users.js';

const PLINTH = join(import.meta.dirname, '../../packages/cli/dist/main.js');

export interface PlinthEnd {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningPlinth {
  readonly process: number;
  /** The first that it prints. */
  readonly said: Promise<string>;
  readonly ended: Promise<number | null>;
  readonly end: () => Promise<number | null>;
}

export class WorkspaceUser implements Disposable {
  readonly folder: string;
  readonly project: string;
  readonly home: string = userInfo().homedir;
  readonly program: string = PLINTH;
  readonly environment: NodeJS.ProcessEnv;
  /** Words that stand before each command: where it is run, and as whom. */
  readonly #before: readonly string[];

  /** `user`: another one than we are, for whom root acts. */
  constructor(before: readonly string[] = [], user?: number) {
    const as = user === undefined ? [] : asUser(user);
    this.#before = [...before, ...as];
    this.folder = mkdtempSync(join(tmpdir(), 'plinth-user-'));
    this.project = join(this.folder, 'project');
    mkdirSync(this.project);
    this.environment = {
      ...process.env,
      XDG_DATA_HOME: join(this.folder, 'data'),
      SECRET_TOKEN: 'not for them',
      PWD_HERE: this.project,
    };
    if (user !== undefined) for (const path of [this.folder, this.project]) chownSync(path, user, user);
  }

  plinth(...args: readonly string[]): PlinthEnd {
    return this.#run(...this.#words(args));
  }

  /** Of a command as this user runs it, where it does. */
  commandLine(...command: readonly string[]): readonly [string, ...string[]] {
    const [first, ...rest] = [...this.#before, ...command];
    return [first!, ...rest];
  }

  #words(args: readonly string[]): readonly [string, ...string[]] {
    return this.commandLine(process.execPath, PLINTH, ...args);
  }

  /** In new namespaces, by options of unshare(1), in which a script has been run before. */
  unshared(namespaces: readonly string[], script: string, ...args: readonly string[]): PlinthEnd {
    const shell = ['sh', '-c', `${script} && exec "$@"`, 'sh', process.execPath, PLINTH, ...args];
    return this.#run('unshare', ...namespaces, ...shell);
  }

  /** The process of its watcher, if there is one. */
  get watcher(): number | undefined {
    const directory = join(this.folder, 'data', 'plinth', 'watcher');
    const numbers = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return numbers.map(Number).find((number) => commandLine(number)?.[2]?.endsWith(directory) === true);
  }

  #run(program: string, ...args: readonly string[]): PlinthEnd {
    const { status, stdout, stderr } = spawnSync(program, args, {
      encoding: 'utf8',
      cwd: this.project,
      env: this.environment,
      timeout: 300_000,
    });
    return { status, stdout, stderr };
  }

  /** Goes on in the background until its standard input ends. */
  start(...args: readonly string[]): RunningPlinth {
    const [program, ...rest] = this.#words(args);
    const child = spawn(program, rest, {
      cwd: this.project,
      env: this.environment,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    return {
      process: child.pid!,
      ended,
      said: new Promise((resolve) => child.stdout.once('data', (data: Buffer) => resolve(data.toString()))),
      end: () => {
        child.stdin.end();
        return ended;
      },
    };
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.project, name), text, { mode: 0o755 });
  }

  read(name: string): string {
    return readFileSync(join(this.project, name), 'utf8');
  }

  /** What its watcher has noted of a workspace. */
  events(name: string): Finding[] {
    const file = join(this.folder, 'data', 'plinth', 'workspaces', name, 'events.jsonl');
    return readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Finding);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function commandLine(process: number): readonly string[] | undefined {
  try {
    return readFileSync(`/proc/${process}/cmdline`, 'utf8').split('\0');
  } catch {
    return undefined; // it is gone
  }
}
