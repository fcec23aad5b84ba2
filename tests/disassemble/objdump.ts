// SPDX-License-Identifier: Apache-2.0
// GNU objdump's reading of instruction words, and the form in which texts of two disassemblers are compared.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const OBJDUMP = 'arm-none-eabi-objdump';

/** Why there is no objdump to compare with, if so. */
export function missingObjdump(): string | undefined {
  return spawnSync(OBJDUMP, ['--version']).status === 0 ? undefined : `${OBJDUMP} is not installed`;
}

/** The text of the instruction at each address of a raw image that starts at address 0. */
export function objdump(bytes: Uint8Array, isa: 'A32' | 'T32'): Map<number, string> {
  const folder = mkdtempSync(join(tmpdir(), 'plinth-objdump-'));
  try {
    const file = join(folder, 'code.bin');
    writeFileSync(file, bytes);
    const options = ['-D', '-z', '-b', 'binary', '-m', 'armv7', '-M', 'reg-names-std'];
    if (isa === 'T32') options.push('-M', 'force-thumb');
    const { stdout, stderr, status } = spawnSync(OBJDUMP, [...options, file], {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    if (status !== 0) throw new Error(`${OBJDUMP}: ${stderr}`);
    const texts = new Map<number, string>();
    for (const line of stdout.split('\n')) {
      const match = /^\s*([0-9a-f]+):\t[0-9a-f ]+\t(.*)$/.exec(line);
      if (match !== null) texts.set(Number.parseInt(match[1]!, 16), match[2]!);
    }
    return texts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One form for what is the same: white space, comments, number bases, signs of 32-bit numbers. */
export function normalise(text: string): string {
  return text
    .replace(/\t?[;@].*$/, '')
    .replace(/<[^>]*>/g, '')
    .replace(/(#?)(-?)(0x[0-9a-f]+|\b\d+\b)(?![.\w])/g, (_, hash: string, sign: string, digits: string) =>
      // "-0" is an offset of its own: its U bit is clear.
      sign !== '' && Number(digits) === 0 ? `${hash}-0` : `${hash}${Number(sign + Number(digits)) >>> 0}`,
    )
    .replace(/\s+/g, ' ')
    .trim();
}
