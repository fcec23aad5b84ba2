// SPDX-License-Identifier: Apache-2.0
import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { LinePrefix } from './line-prefix.js';

class Collector extends Writable {
  text: string = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString('latin1');
    done();
  }
}

describe('lines of several guests', () => {
  it('are whole, whatever pieces they come in', async () => {
    const stream = new Collector();
    const a = new LinePrefix('a', stream);
    const b = new LinePrefix('b', stream);
    await a.write(Buffer.from('one\ntw'));
    await b.write(Buffer.from('1\n\n3'));
    await a.write(Buffer.from('o\n'));
    await a.end();
    await b.end();
    expect(stream.text).toBe('a: one\nb: 1\nb: \na: two\nb: 3\n');
  });

  it('are broken where they have no end', async () => {
    const stream = new Collector();
    const line = new LinePrefix('a', stream);
    await line.write(Buffer.from('x'.repeat(8192)));
    expect(stream.text).toBe('');
    await line.write(Buffer.from('yz'));
    await line.end();
    expect(stream.text).toBe(`a: ${'x'.repeat(8192)}\na: yz\n`);
  });

  it('wait for a slow reader', async () => {
    const stream = new Collector({ highWaterMark: 4 });
    const line = new LinePrefix('a', stream);
    await line.write(Buffer.from('longer than four\nand more\n'));
    await line.end();
    expect(stream.text).toBe('a: longer than four\na: and more\n');
  });
});
