// SPDX-License-Identifier: Apache-2.0
// QEMU's boards as oracles for device registers: its qtest protocol takes bus accesses as lines of text while
// the CPU stands still.

import { spawn } from 'node:child_process';

/** One bus access; a read has no value. */
export interface Access {
  readonly address: number;
  readonly size: 1 | 4;
  readonly value?: number;
}

/** Runs the accesses of each script on a machine just reset, and gives what the reads read. */
export async function qtest(scripts: readonly (readonly Access[])[], board: string = 'virt'): Promise<number[][]> {
  const results: number[][] = [];
  for (const script of scripts) {
    const lines = script.map(({ address, size, value }) => {
      const width = size === 1 ? 'b' : 'l';
      return value === undefined ? `read${width} ${address}` : `write${width} ${address} ${value >>> 0}`;
    });
    const answers = await converse(lines, board);
    results.push(script.flatMap(({ value }, at) => (value === undefined ? [Number(answers[at]!.split(' ')[1])] : [])));
  }
  return results;
}

function converse(lines: readonly string[], board: string): Promise<string[]> {
  const options = [
    '-S',
    '-M',
    board,
    '-cpu',
    'cortex-a15',
    '-display',
    'none',
    '-serial',
    'null',
    '-nic',
    'none',
    '-audiodev',
    'none,id=silence',
    '-qtest',
    'stdio',
  ];
  const qemu = spawn('qemu-system-arm', options, { stdio: ['pipe', 'pipe', 'ignore'] });
  return new Promise((resolve, reject) => {
    let text = '';
    qemu.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      const answers = text.split('\n').filter((line) => line.startsWith('OK'));
      if (answers.length < lines.length || !text.endsWith('\n')) return;
      qemu.kill();
      resolve(answers);
    });
    qemu.on('error', reject);
    qemu.on('exit', () => reject(new Error(`QEMU ended after: ${text.slice(-200)}`)));
    qemu.stdin.write(`${lines.join('\n')}\n`);
  });
}
