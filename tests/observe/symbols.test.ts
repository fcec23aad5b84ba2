// SPDX-License-Identifier: Apache-2.0
// Symbols and lines of programs that a compiler has made: the same as nm and addr2line tell.

import { basename } from 'node:path';
import { PlinthError } from '@plinth/core';
import { contentAt, readDwarfLines, readElfSymbols } from '@plinth/observe';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { CompiledProgram, missingCompiler } from './elf.js';

const missing = missingCompiler();
if (missing !== undefined) console.log(`tests/observe/symbols: skipped: ${missing}`);

describe('a compiled program', unless(missing), () => {
  it('has the symbols that nm tells', () => {
    using program = new CompiledProgram('-g');
    const { table, buildId } = readElfSymbols(program.bytes, program.path);
    const ours = table.symbols.map(
      ({ name, address, thumb }) =>
        `${((address | (thumb === true ? 1 : 0)) >>> 0).toString(16).padStart(8, '0')} ${name}`,
    );
    // nm shows Thumb functions without bit 0, so the bit is readelf's.
    const theirs = program
      .tool('readelf', '--symbols', '--wide', program.path)
      .split('\n')
      .map((line) =>
        /^\s*\d+: ([0-9a-f]{8})\s+\d+ (?:FUNC|OBJECT|NOTYPE)\s+\S+\s+\S+\s+(?!UND)\S+ ([^$\s]\S*)$/.exec(line),
      )
      .filter((match) => match !== null)
      .map((match) => `${match[1]} ${match[2]}`);
    expect(theirs).toContainEqual(expect.stringMatching(/ in_thumb$/));
    expect(ours.toSorted()).toEqual(theirs.toSorted());
    const names = program.tool('nm', '--defined-only', program.path).trim().split('\n');
    for (const line of names) {
      const [address = '', , name = ''] = line.split(' ');
      if (!name.startsWith('$'))
        expect(table.named(name).map((one) => one.address)).toContain(Number.parseInt(address, 16));
    }
    expect(program.tool('readelf', '--notes', program.path)).toContain(buildId);
  });

  it('says which bytes are ARM and which Thumb', () => {
    using program = new CompiledProgram();
    const { table, mapping } = readElfSymbols(program.bytes, program.path);
    const content = (name: string): unknown => contentAt(mapping, table.address(name)!);
    expect([content('in_arm'), content('in_thumb')]).toEqual(['A32', 'T32']);
    expect(table.named('in_thumb')[0]?.thumb).toBe(true);
  });

  it.each(['-gdwarf-2', '-gdwarf-3', '-gdwarf-4', '-gdwarf-5'])(
    'has the lines that addr2line tells, with %s',
    (version) => {
      using program = new CompiledProgram(version);
      const lines = readDwarfLines(program.bytes, program.path);
      const { table } = readElfSymbols(program.bytes, program.path);
      const addresses = table.symbols
        .filter(({ kind }) => kind === 'function')
        .flatMap(({ address, size = 0 }) => Array.from({ length: size / 2 }, (_, n) => address + 2 * n));
      expect(addresses.length).toBeGreaterThan(40);
      const told = program.tool('addr2line', '-e', program.path, ...addresses.map((address) => address.toString(16)));
      const theirs = told
        .trim()
        .split('\n')
        .map((line) => basename(line.replace(/ \(discriminator \d+\)$/, '')));
      const ours = addresses.map((address) => {
        const place = lines.at(address);
        return place === undefined ? '??:0' : `${basename(place.file)}:${place.line === 0 ? '?' : place.line}`;
      });
      expect(ours).toEqual(theirs);
      // And back: a line that has code is found where it begins.
      for (const place of new Set(theirs.filter((one) => /:\d+$/.test(one) && !one.startsWith('?')))) {
        const [file = '', line = ''] = place.split(':');
        const found = lines.addresses(file, Number(line)).map((address) => lines.at(address)?.line);
        expect(found, place).toContain(Number(line));
      }
      expect(lines.addresses('inner.h', 3).length).toBeGreaterThan(0);
    },
  );

  it('gives tables or one typed error, however it is damaged', () => {
    for (const version of ['-gdwarf-4', '-gdwarf-5']) {
      using program = new CompiledProgram(version, '-O0');
      const whole = program.bytes;
      const change = fc.record({ at: fc.nat(whole.length - 1), value: fc.constantFrom(0, 1, 0x7f, 0x80, 0xff) });
      const read = (bytes: Uint8Array): void => {
        for (const reader of [readElfSymbols, readDwarfLines]) {
          try {
            reader(bytes, 'x');
          } catch (error) {
            if (!(error instanceof PlinthError && error.kind === 'input')) throw error;
          }
        }
      };
      for (let length = 0; length < whole.length; length += 37) read(whole.subarray(0, length));
      fc.assert(
        fc.property(fc.array(change, { maxLength: 6 }), (changes) => {
          const bytes = Uint8Array.from(whole);
          for (const { at, value } of changes) bytes[at] = value;
          read(bytes);
        }),
        { numRuns: 400 },
      );
      // Flips in the lines alone, which are a small part of the file.
      const at = Buffer.from(whole).indexOf('inner.h');
      for (let place = Math.max(0, at - 400); place < Math.min(whole.length, at + 400); place++) {
        for (const value of [0, 0x7f, 0x80, 0xff]) {
          const bytes = Uint8Array.from(whole);
          bytes[place] = value;
          read(bytes);
        }
      }
    }
  });
});
