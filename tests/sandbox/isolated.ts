// SPDX-License-Identifier: Apache-2.0
// A plan carried out, in a folder of its own, by a user without rights.

import { type ChildProcess, execFileSync, spawn, spawnSync, type StdioOptions } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asUser, NOBODY } from '../setup/other-users.js';
import {
  DEFAULT_WORKSPACE,
  type HostFacts,
  hostFacts,
  launchFile,
  layeredParts,
  type WorkspaceOptions,
  workspacePlan,
} from '@plinth/sandbox';

const isRoot = process.getuid?.() === 0;
/** As a user that has no rights, where the tests are root's. */
const AS_NOBODY = asUser();

/** Why nothing can be isolated here, or nothing. */
export function whyNotIsolated(file: string): string | undefined {
  const reason = find();
  if (reason !== undefined) console.log(`skipped: ${file}: ${reason}`);
  return reason;
}

function find(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'launch programs are for Linux on x86-64';
  const [program, ...args] = [...(isRoot ? AS_NOBODY : []), 'unshare', '--user', '--mount', 'true'];
  const { status } = spawnSync(program!, args);
  return status === 0 ? undefined : 'a user without rights may not make namespaces here';
}

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Isolated implements Disposable {
  readonly folder: string;
  readonly home: string;
  readonly #launch: string;

  constructor(options: Partial<WorkspaceOptions> = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'plinth-isolated-'));
    this.home = join(this.folder, 'home');
    this.#launch = join(this.folder, 'launch');
    chmodSync(this.folder, 0o755);
    const user = isRoot ? NOBODY : process.getuid!();
    const facts: HostFacts = {
      ...hostFacts(),
      controllers: new Map(),
      unified: undefined,
      user,
      group: isRoot ? NOBODY : process.getgid!(),
      home: this.home,
    };
    const all: WorkspaceOptions = { ...DEFAULT_WORKSPACE, network: 'none', ...options };
    const places = {
      name: 'test',
      root: join(this.folder, 'root'),
      lock: join(this.folder, 'state', 'lock'),
      processFile: join(this.folder, 'state', 'process'),
      upper: join(this.folder, 'upper'),
      work: join(this.folder, 'work'),
      group: 'plinth-test',
      hosts: join(this.folder, 'hosts'),
      carrierPipe: join(this.folder, 'state', 'carrier'),
      carrierLog: join(this.folder, 'state', 'carrier.log'),
    };
    const parts = layeredParts(all, facts).flatMap(({ layer }) => [join('upper', layer), join('work', layer)]);
    for (const name of ['root', 'state', 'home', ...parts]) mkdirSync(join(this.folder, name), { recursive: true });
    if (isRoot) execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, this.folder]);
    writeFileSync(this.#launch, launchFile(workspacePlan(all, facts, places, { directory: this.home })), {
      mode: 0o755,
    });
    if (isRoot) chownSync(this.#launch, NOBODY, NOBODY);
  }

  /** A file of its layer, by the name it has inside. */
  layer(path: string): string {
    return join(this.folder, 'upper', path);
  }

  run(...command: readonly string[]): Ran {
    return this.runWith([], ...command);
  }

  /** With descriptors that it inherits: standard input, output, errors, and others. */
  runWith(descriptors: readonly (number | 'pipe' | 'ignore')[], ...command: readonly string[]): Ran {
    const [program, args] = this.#command(command);
    const { status, stdout, stderr } = spawnSync(program, args, {
      encoding: 'utf8',
      timeout: 300_000,
      env: this.#environment,
      stdio: ['pipe', 'pipe', 'pipe']
        .map((usual, n) => descriptors[n] ?? usual)
        .concat(descriptors.slice(3)) as StdioOptions,
    });
    return { status, stdout, stderr };
  }

  /** Goes on while the test does. Its process is the launch program's own. */
  start(...command: readonly string[]): ChildProcess {
    const [program, args] = this.#command(command);
    return spawn(program, args, { env: this.#environment, stdio: ['ignore', 'pipe', 'ignore'] });
  }

  #command(command: readonly string[]): [string, string[]] {
    return isRoot ? ['setpriv', [...AS_NOBODY, this.#launch, ...command]] : [this.#launch, [...command]];
  }

  get #environment(): NodeJS.ProcessEnv {
    return { HOME: this.home, PATH: '/usr/bin:/bin' };
  }

  shell(script: string): Ran {
    return this.run('sh', '-c', script);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
