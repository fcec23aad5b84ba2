// SPDX-License-Identifier: Apache-2.0
// Readers of files from outside, captures, object files and rules, given damaged ones: a value or one typed error, and always an end.
// Some thousands of cases each; with PLINTH_LONG=1 ten minutes of them.

import { PlinthError } from '@plinth/core';
import { Assembler, R0, readProgramObject, writeProgramObject } from '@plinth/ebpf';
import {
  decodePacket,
  kernelRule,
  type KernelRule,
  packetProgram,
  parseRules,
  readCapture,
  ruleTables,
} from '@plinth/guards';
import { describe, expect, it } from 'vitest';
import { randomFrame } from '../ebpf/random-frame.js';
import { randomProgram } from '../ebpf/random-program.js';
import { captureFile, type CaptureForm } from './capture-file.js';
import { mutate } from './mutate.js';
import { Random } from './random.js';
import { randomRules } from './random-rules.js';

const LONG = process.env['PLINTH_LONG'] === '1';
/** Of each of the three. */
const LONG_MILLISECONDS = 200_000;

/** Runs cases by their seeds; one that fails says which it was. */
function campaign(cases: number, run: (random: Random) => void): void {
  const end = Date.now() + LONG_MILLISECONDS;
  for (let seed = 1; LONG ? Date.now() < end : seed <= cases; seed++) {
    try {
      run(new Random(seed));
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`, { cause: error });
    }
  }
}

/** What it gives, or undefined for an error that tells the user what is wrong, in one line. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof PlinthError)) throw error;
    expect(error.kind).toBe('input');
    expect(error.message).toMatch(/^[^\n]+$/);
    return undefined;
  }
}

const FORMS: readonly CaptureForm[] = ['pcap', 'pcap big-endian', 'pcap nanoseconds', 'pcapng', 'pcapng big-endian'];

describe('a damaged file', () => {
  it('that was a capture gives frames, then an end or an error', () => {
    let [frames, whole, refused] = [0, 0, 0];
    campaign(6000, (random) => {
      const made = Array.from({ length: 1 + random.below(4) }, () => randomFrame(random));
      const bytes = captureFile(random.pick(FORMS), random.pick([1, 1, 12, 101, 113, 0, 147]), made);
      const read = attempt(() => {
        for (const { bytes: frame, length, time } of readCapture(mutate(random, bytes), 'damaged.pcap')) {
          frames++;
          expect(frame.length).toBeLessThan(0x40_0010);
          expect(length).toBeGreaterThanOrEqual(0);
          expect(typeof time).toBe('bigint');
          const { payload, payloadLength } = decodePacket(frame);
          expect(payload + payloadLength).toBeLessThanOrEqual(frame.length);
        }
        return true;
      });
      if (read === true) whole++;
      else refused++;
    });
    // Damage is neither always seen nor never.
    expect(Math.min(frames, whole, refused)).toBeGreaterThan(500);
  });

  it('that was an object file gives programs or an error', () => {
    const objects = [3, 30].map((size, n) =>
      writeProgramObject({ programs: [randomProgram(new Random(n + 1), size)], contents: new Map() }),
    );
    objects.push(
      writeProgramObject({
        programs: [new Assembler('one', 'xdp').mov(R0, 1).exit().finish()],
        contents: new Map(),
      }),
    );
    let [good, refused] = [0, 0];
    campaign(6000, (random) => {
      const read = attempt(() => readProgramObject(mutate(random, random.pick(objects)), 'damaged.o'));
      if (read === undefined) refused++;
      else {
        good++;
        expect(read.programs.length).toBeGreaterThan(0);
      }
    });
    expect(Math.min(good, refused)).toBeGreaterThan(200);
  });

  it('that was a file of rules gives rules and errors, and rules a program', () => {
    let [good, wrong, programs] = [0, 0, 0];
    campaign(3000, (random) => {
      const text = randomRules(random);
      const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0) & 0xff);
      const damaged = random.chance(0.3) ? bytes : mutate(random, bytes);
      const { rules, errors } = parseRules(Buffer.from(damaged).toString('latin1'), 'damaged.rules');
      for (const error of errors) {
        expect(error).toBeInstanceOf(PlinthError);
        expect(error.kind).toBe('input');
        expect(error.message).toMatch(/^damaged\.rules:\d+: [^\n]+$/);
      }
      good += rules.length;
      wrong += errors.length;
      const decided = rules
        .map((rule) => kernelRule(rule))
        .filter((judged): judged is KernelRule => typeof judged !== 'string');
      if (decided.length === 0 || random.chance(0.8)) return;
      const { program } = packetProgram(ruleTables(decided), { failClosed: random.chance(0.5) });
      expect(program.instructions.length).toBeGreaterThan(100);
      programs++;
    });
    expect(Math.min(good, wrong)).toBeGreaterThan(1000);
    expect(programs).toBeGreaterThan(100);
  });
});
