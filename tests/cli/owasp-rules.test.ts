// SPDX-License-Identifier: Apache-2.0
// The phrase files of the OWASP Core Rule Set as rules: nearly all of them are decided in the kernel, and they find what they are for.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { cacheDirectory } from '@plinth/cli';
import { findAll, buildMatcher } from '@plinth/match';
import { kernelRule, DEFAULT_VARIABLES, parseRules } from '@plinth/guards';
import { afterAll, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { PlinthFolder } from './plinth-folder.js';

const SCRIPT = join(import.meta.dirname, '../../bench/dist/owasp-rules.js');
const folder = new PlinthFolder();
afterAll(() => folder[Symbol.dispose]());

const made = spawnSync(process.execPath, [SCRIPT], { encoding: 'latin1', maxBuffer: 2 ** 26 });
const missing = made.status === 3 ? made.stderr.trim().split('\n').at(-1) : undefined;

describe('the phrase files of the OWASP rules', unless(missing), () => {
  it('are made into rules, of which 99 % and more are decided in the kernel', () => {
    expect(made.status, made.stderr).toBe(0);
    const { stdout } = folder.plinth('inspect', 'check', folder.file('owasp.rules', made.stdout), '--json');
    const report = JSON.parse(stdout) as {
      counts: { inKernel: number; refused: number; errors: number };
      rules: { answer: string; because?: string }[];
    };
    expect(report.counts.errors).toBe(0);
    expect(report.counts.inKernel).toBeGreaterThan(3000);
    expect(report.counts.inKernel / (report.counts.inKernel + report.counts.refused)).toBeGreaterThanOrEqual(0.99);
    for (const { answer, because } of report.rules) if (answer === 'refused') expect(because).toMatch(/\w/);
  });

  it('are, phrase by phrase, what the files have', () => {
    // grep counts phrases without us: those of the files that rules name.
    const count = spawnSync(
      'sh',
      [
        '-c',
        `cd "$1" && cat $(grep -ho '@pmFromFile [^"]*' *.conf | cut -d' ' -f2- | tr ' ' '\\n' | sort -u) | grep -cvE '^(#|$)'`,
        'sh',
        join(cacheDirectory(), 'bench/modsecurity-crs'),
      ],
      { encoding: 'utf8' },
    );
    const { rules } = parseRules(made.stdout, 'owasp.rules', DEFAULT_VARIABLES);
    expect(rules.length).toBe(Number(count.stdout));
    const kernel = rules.flatMap((rule) => {
      const judged = kernelRule(rule);
      return typeof judged === 'string' ? [] : [judged];
    });
    const matcher = buildMatcher(kernel.flatMap(({ contents }) => contents));
    const found = findAll(matcher, Buffer.from('GET /?file=../../ETC/passwd HTTP/1.1'));
    expect(found.map(({ pattern }) => kernel[pattern]!.rule.message).join()).toContain('lfi-os-files.data');
  });
});
