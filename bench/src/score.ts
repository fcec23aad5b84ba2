// SPDX-License-Identifier: Apache-2.0
// `npm run score -- suricata DIR`: public tests of rules, captures and the alerts that are expected, in suricata-verify's layout.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findTests } from './score/verify-test.js';
import { type Result, runTest } from './score/run-test.js';

const USAGE = `Usage: npm run score -- suricata DIR [options]

  --json        one JSON object instead of a table
  --only NAME   only tests whose names have this in them
`;
/** HTTP bodies as a proxy decodes them: a row of its own. */
const EVADER = /^http-evader/;

interface Score {
  readonly total: number;
  readonly inScope: number;
  readonly passed: number;
  readonly failed: readonly { name: string; reason: string }[];
  readonly outOfScope: readonly { name: string; keyword: string }[];
}

function scoreOf(results: readonly Result[]): Score {
  const failed = results.flatMap((one) => (one.result === 'failed' ? [{ name: one.name, reason: one.reason }] : []));
  const outOfScope = results.flatMap((one) =>
    one.result === 'out of scope' ? [{ name: one.name, keyword: one.keyword }] : [],
  );
  const inScope = results.length - outOfScope.length;
  return { total: results.length, inScope, passed: inScope - failed.length, failed, outOfScope };
}

function percent(part: number, all: number): string {
  return all === 0 ? '-' : `${((100 * part) / all).toFixed(1)} %`;
}

function print(results: readonly Result[], score: Score, evader: Score): void {
  const lines: string[] = [];
  for (const one of results) {
    if (one.result === 'passed') lines.push(`passed        ${one.name}`);
    else if (one.result === 'failed') lines.push(`failed        ${one.name}: ${one.reason}`);
    else lines.push(`out of scope  ${one.name}: ${one.keyword}`);
  }
  const notJudged = results.flatMap((one) => (one.result === 'out of scope' ? [] : one.notJudged));
  for (const [name, { total, inScope, passed }] of [
    ['tests', score],
    ['http-evader', evader],
  ] as const) {
    if (total === 0) continue;
    lines.push(
      `${name}: ${total}, in scope ${inScope} (${percent(inScope, total)}), passed ${passed} (${percent(passed, inScope)})`,
    );
  }
  lines.push(`${notJudged.length} checks of tests in scope are not judged: ${countsOf(notJudged)}`);
  process.stdout.write(`${lines.join('\n')}\n`);
}

function countsOf(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

function main(): number {
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2),
    options: { json: { type: 'boolean' }, only: { type: 'string' }, help: { type: 'boolean' } },
    allowPositionals: true,
  });
  const [suite, folder, ...rest] = positionals;
  if (values.help === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (suite !== 'suricata' || folder === undefined || rest.length > 0) {
    process.stderr.write(USAGE);
    return 2;
  }
  const root = resolve(folder);
  const tests = existsSync(root)
    ? findTests(root).filter((test) => test.slice(root.length + 1).includes(values.only ?? ''))
    : [];
  if (tests.length === 0) {
    process.stderr.write(`score: ${folder}: no folder with a test.yaml is below it\n`);
    return 2;
  }
  const results = tests.map((test) => runTest(root, test));
  const score = scoreOf(results.filter(({ name }) => !EVADER.test(name)));
  const evader = scoreOf(results.filter(({ name }) => EVADER.test(name)));
  if (values.json === true) process.stdout.write(`${JSON.stringify({ ...score, httpEvader: evader })}\n`);
  else print(results, score, evader);
  return 0;
}

process.exitCode = main();
