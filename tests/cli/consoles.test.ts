// SPDX-License-Identifier: Apache-2.0
// Every kind of console with a guest of 17 instructions that prints ">", echoes what it gets, and switches off at "q".

import { spawn, spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';

const PLINTH = join(import.meta.dirname, '../../packages/cli/bin/plinth.js');
const home = mkdtempSync(join(tmpdir(), 'plinth-test-'));
afterAll(() => rmSync(home, { recursive: true }));

const ECHO = [
  0xe3a01409, // mov   r1, #0x09000000   PL011
  0xe3a00c03, // mov   r0, #0x300
  0xe3800001, // orr   r0, r0, #1
  0xe5810030, // str   r0, [r1, #0x30]   UARTCR: on, receive, transmit
  0xe3a0003e, // mov   r0, #'>'
  0xe5c10000, // strb  r0, [r1]
  0xe5912018, // loop: ldr r2, [r1, #0x18]   UARTFR
  0xe3120010, // tst   r2, #0x10         receive FIFO empty
  0x1afffffc, // bne   loop
  0xe5d10000, // ldrb  r0, [r1]
  0xe3500071, // cmp   r0, #'q'
  0x15c10000, // strbne r0, [r1]
  0x1afffff8, // bne   loop
  0xe3000008, // movw  r0, #8
  0xe3480400, // movt  r0, #0x8400       PSCI SYSTEM_OFF
  0xe1400070, // hvc   #0
  0xeafffffe, // b     .
];
const kernel = join(home, 'echo');
const image = Buffer.alloc(4096);
ECHO.forEach((word, i) => image.writeUInt32LE(word, i * 4));
writeFileSync(kernel, image);

function start(...args: string[]) {
  const child = spawn(process.execPath, [PLINTH, 'run', '--kernel', kernel, '--memory', '16M', ...args]);
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (text.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text.stderr += chunk.toString()));
  const status = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, text, status };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Has a talk over the two ends of a console and gives what the guest said. */
async function talk(input: Writable, output: Readable): Promise<string> {
  let said = '';
  output.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')));
  await until(() => said === '>');
  input.write('hello');
  await until(() => said === '>hello');
  input.write('q');
  return said;
}

describe('console', () => {
  it('on standard input and output', async () => {
    const { child, status, text } = start();
    expect(await talk(child.stdin, child.stdout)).toBe('>hello');
    expect(await status).toBe(0);
    expect(text.stderr).toBe('');
  });

  it('on a Unix socket, which is gone afterwards', async () => {
    const path = join(home, 'socket');
    const { status, text } = start('--console', `socket:${path}`);
    await until(() => text.stderr.includes(`waiting for a client on ${path}\n`));
    const socket = connect(path);
    expect(await talk(socket, socket)).toBe('>hello');
    expect(await status).toBe(0);
    expect(spawnSync('test', ['-e', path]).status).toBe(1);
  });

  it('on a pair of named pipes', async () => {
    const path = join(home, 'pipe');
    spawnSync('mkfifo', [`${path}.in`, `${path}.out`]);
    const { status } = start('--console', `pipe:${path}`);
    const input = createWriteStream(`${path}.in`);
    expect(await talk(input, createReadStream(`${path}.out`))).toBe('>hello');
    expect(await status).toBe(0);
    input.destroy();
  });

  it('on a pseudo terminal', async ({ skip }) => {
    const probe = spawnSync('script', ['-qec', 'true', '/dev/null'], { stdio: ['ignore', 'pipe', 'pipe'] });
    skip(probe.status !== 0, `script(1) gives no pseudo terminal here: ${probe.stderr?.toString().trim() ?? ''}`);
    const { status, text } = start('--console', 'pty');
    await until(() => /console: \/dev\/\S+\n/.test(text.stderr));
    const path = /console: (\S+)/.exec(text.stderr)?.[1] ?? '';
    const input = createWriteStream(path);
    const output = createReadStream(path);
    output.on('error', () => undefined); // the terminal hangs up when the machine is gone
    expect(await talk(input, output)).toBe('>hello');
    expect(await status).toBe(0);
    input.destroy();
  });

  it('on nothing, within limits', async () => {
    const { status, text } = start('--console', 'none', '--limit-instructions', '5000');
    expect(await status).toBe(1);
    expect(text).toEqual({ stdout: '', stderr: 'plinth: stopped at the limit of --limit-instructions\n' });
  });

  it('beside a result in JSON', async () => {
    const { status, text } = start('--json', '--limit-instructions', '5000');
    expect(await status).toBe(1);
    expect(text.stderr.startsWith('>')).toBe(true);
    expect(JSON.parse(text.stdout)).toMatchObject({
      exit: { kind: 'limit', limit: 'instructions' },
      counts: { instructions: 5000, consoleOutput: 1 },
    });
  });
});

it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s ends a run', async (signal) => {
  const { child, status, text } = start();
  await until(() => text.stdout === '>');
  child.kill(signal);
  expect(await status).toBe({ SIGTERM: 143, SIGINT: 130, SIGHUP: 129 }[signal]);
});

describe('memory', () => {
  it('too small for the kernel is one line and status 2', () => {
    const args = [PLINTH, 'run', '--kernel', kernel, '--memory', '4K'];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^plinth: [^\n]*the machine has 1 MiB: give it more\n$/);
  });
});
