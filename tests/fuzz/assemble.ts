// SPDX-License-Identifier: Apache-2.0
// Machine code from assembly text by GNU as, so that tests read as assembly.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Isa } from './test-case.js';

/** Assembles `text` (instructions parted by newlines or `;`) for ARMv7-A with VFPv4 and Advanced SIMD. */
export function assemble(isa: Isa, text: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'plinth-as-'));
  const [source, object, binary] = ['s', 'o', 'bin'].map((end) => join(folder, `code.${end}`)) as [
    string,
    string,
    string,
  ];
  try {
    writeFileSync(
      source,
      `.syntax unified\n.arch armv7ve\n.fpu neon-vfpv4\n${isa === 'A32' ? '.arm' : '.thumb'}\n${text}\n`,
    );
    runTool('arm-none-eabi-as', ['-o', object, source]);
    runTool('arm-none-eabi-objcopy', ['-O', 'binary', '-j', '.text', object, binary]);
    return new Uint8Array(readFileSync(binary));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runTool(tool: string, args: string[]): void {
  const { error, status, stderr } = spawnSync(tool, args, { encoding: 'utf8' });
  if (error || status !== 0) throw new Error(`${tool}: ${error?.message ?? stderr}`);
}
