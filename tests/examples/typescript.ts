// SPDX-License-Identifier: Apache-2.0
// Runs TypeScript as a user would: compiled by the compiler of this house, with its strictest settings, beside the packages.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT: string = join(import.meta.dirname, '../..');
const HANG = 500_000;

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function node(args: readonly string[], directory: string): Outcome {
  const options = { cwd: directory, encoding: 'utf8', maxBuffer: 1 << 26, timeout: HANG } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, options);
  return { status, stdout, stderr };
}

/** An example by name. */
export function runExample(name: string, ...args: string[]): Outcome {
  return node([join(ROOT, 'examples/dist', `${name}.js`), ...args], ROOT);
}

/** A program in a directory of its own; `files` are links that it finds there, by name. */
export function runProgram(text: string, files: Readonly<Record<string, string>>): Outcome {
  const directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  try {
    symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    for (const [name, target] of Object.entries(files)) symlinkSync(target, join(directory, name));
    writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(directory, 'program.ts'), text);
    const config = { extends: join(ROOT, 'tests/tsconfig.json'), compilerOptions: { noEmit: false } };
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ ...config, include: ['program.ts'] }));
    const compiled = node([join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.'], directory);
    return compiled.status === 0 ? node(['program.js'], directory) : compiled;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
