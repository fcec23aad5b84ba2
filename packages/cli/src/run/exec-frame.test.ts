// SPDX-License-Identifier: Apache-2.0
// Every split point of a console, bytes that look like the beginning of a mark, and consoles that end too early.

import { describe, expect, it } from 'vitest';
import { ExecFrameParser } from './exec-frame.js';

const MARKER = '00112233445566778899aabbccddeeff';

interface Outcome {
  output: string;
  errors: string;
  status: number | undefined;
  phase: string;
}

function parse(chunks: readonly string[]): Outcome {
  const outcome = { output: '', errors: '' };
  const parser = new ExecFrameParser(MARKER, {
    output: (bytes) => (outcome.output += Buffer.from(bytes).toString('latin1')),
    errors: (bytes) => (outcome.errors += Buffer.from(bytes).toString('latin1')),
  });
  for (const chunk of chunks) parser.push(Buffer.from(chunk, 'latin1'));
  return { ...outcome, status: parser.exitStatus, phase: parser.phase };
}

function frame(output: string, status: string, errors: string): string {
  return `[plinth ${MARKER} begin]\n${output}[plinth ${MARKER} status ${status}]\n${errors}[plinth ${MARKER} end]\n`;
}

// The output ends without a newline, in a repeated beginning of the mark that follows it.
const OUTPUT = `armv7l\r\n\0\xff[plinth [plinth ${MARKER} stat[[plinth ${MARKER}`;
const ERRORS = `sh: no\n[plinth ${MARKER} en`;
const CONSOLE = `[    0.000000] Booting Linux\r\n[plinth ${frame(OUTPUT, '3', ERRORS)}[    2.3] reboot: Power down\r\n`;
const EXPECTED: Outcome = { output: OUTPUT, errors: ERRORS, status: 3, phase: 'end' };

describe('ExecFrameParser', () => {
  it('takes exactly the bytes of the command', () => {
    expect(parse([CONSOLE])).toEqual(EXPECTED);
  });

  it('does so wherever the console is split in two', () => {
    for (let at = 0; at <= CONSOLE.length; at++) {
      expect(parse([CONSOLE.slice(0, at), CONSOLE.slice(at)]), `split at ${at}`).toEqual(EXPECTED);
    }
  });

  it('does so byte by byte and in pieces of any size', () => {
    for (let size = 1; size <= 70; size++) {
      const pieces = CONSOLE.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
      expect(parse(pieces), `pieces of ${size}`).toEqual(EXPECTED);
    }
  });

  it('hands output on before the command has ended, all but what may be a mark', () => {
    expect(parse([`[plinth ${MARKER} begin]\nhello\n`])).toEqual({
      output: 'hello\n',
      errors: '',
      status: undefined,
      phase: 'output',
    });
    expect(parse([`[plinth ${MARKER} begin]\nhello [pli`]).output).toBe('hello ');
  });

  it('lets a frame with another marker through as output', () => {
    const foreign = CONSOLE.replaceAll(MARKER, MARKER.replaceAll('0', '1'));
    expect(parse([frame(foreign, '0', '')])).toEqual({ output: foreign, errors: '', status: 0, phase: 'end' });
  });

  it('counts a broken status as failure', () => {
    expect(parse([frame('', 'zero', '')]).status).toBe(255);
    expect(parse([frame('', '12345678901', '')]).status).toBe(255);
  });

  it('keeps the last lines of a boot that never reaches the command', () => {
    const parser = new ExecFrameParser(MARKER, { output: () => undefined, errors: () => undefined });
    for (let line = 0; line < 1000; line++) parser.push(Buffer.from(`line ${line}\r\n`));
    expect(parser.phase).toBe('boot');
    expect(parser.bootTail.length).toBe(4096);
    expect(parser.bootTail.endsWith('line 999\r\n')).toBe(true);
  });
});
