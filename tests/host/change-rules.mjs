// SPDX-License-Identifier: Apache-2.0
// Changes the rules of a container so many times, in turn to those of each file: CONTAINER COUNT FILE...

import { readFileSync } from 'node:fs';
import { DEFAULT_VARIABLES, kernelRule, parseRules } from '@plinth/guards';
import { attachInspection, findSubject } from '@plinth/host';
import { nativeCalls } from '@plinth/linux';

const [container, count, ...files] = process.argv.slice(2);
const calls = nativeCalls();
const sources = files.map((file) => {
  const text = readFileSync(file, 'latin1');
  const rules = parseRules(text, file, DEFAULT_VARIABLES)
    .rules.map((rule) => kernelRule(rule))
    .filter((rule) => typeof rule !== 'string');
  return { file, text, variables: DEFAULT_VARIABLES, rules, taken: rules.length, refused: 0 };
});
const { subject, points } = await findSubject(calls, { container });
let changes = 0;
for (; changes < Number(count); changes++) {
  const { replaced, forgotten } = await attachInspection(
    calls,
    subject,
    points,
    sources[(changes + 1) % sources.length],
  );
  if (!replaced || forgotten) throw new Error(`change ${changes}: replaced ${replaced}, forgotten ${forgotten}`);
}
console.log(`${changes} changes`);
