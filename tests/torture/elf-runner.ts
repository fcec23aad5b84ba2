// SPDX-License-Identifier: Apache-2.0
// Something that runs a bare-metal semihosting program for the `virt` board to its exit; and QEMU as the reference.

import { spawn } from 'node:child_process';

export interface ElfResult {
  /** The program's own status; undefined if it was stopped because it took too long. */
  readonly exitStatus: number | undefined;
  /** What it wrote to its console. */
  readonly output: string;
}

export interface ElfRunner {
  readonly name: string;
  /** `cwd` is the folder in which the program's files lie. */
  run(elfPath: string, cwd: string): Promise<ElfResult>;
}

/** qemu-system-arm, one process per program. */
export class QemuElfRunner implements ElfRunner {
  readonly name: string;
  readonly #cpu: string;
  readonly #timeoutSeconds: number;

  constructor(options: { cpu?: string; timeoutSeconds?: number } = {}) {
    this.#cpu = options.cpu ?? 'cortex-a15';
    this.#timeoutSeconds = options.timeoutSeconds ?? 60;
    this.name = `qemu ${this.#cpu}`;
  }

  async run(elfPath: string, cwd: string): Promise<ElfResult> {
    const board = ['-M', 'virt', '-cpu', this.#cpu, '-m', '128M', '-nodefaults', '-no-user-config', '-display', 'none'];
    const semihosting = [
      '-chardev',
      'stdio,id=console',
      '-semihosting-config',
      'enable=on,target=native,chardev=console',
    ];
    const { status, output, timedOut } = await runProcess(
      'qemu-system-arm',
      [...board, ...semihosting, '-kernel', elfPath],
      { cwd, timeoutSeconds: this.#timeoutSeconds },
    );
    return { exitStatus: timedOut ? undefined : status, output };
  }
}

export interface ProcessResult {
  readonly status: number;
  readonly output: string;
  readonly timedOut: boolean;
}

/** Runs a program to its end with nothing on its input; standard output and error come back as one text. */
export function runProcess(
  tool: string,
  args: readonly string[],
  { cwd, timeoutSeconds }: { cwd: string; timeoutSeconds: number },
): Promise<ProcessResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(tool, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let timedOut = false;
    const collect = (data: Buffer): void => {
      if (output.length < 1_000_000) output += data.toString('latin1');
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeoutSeconds * 1000);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve({ status: status ?? -1, output, timedOut });
    });
  });
}
